/* SPDX-License-Identifier: MIT */
/*
 * The patch format of models: sections that add, update (and move) or delete a file, with hunks found by their context
 * rather than by line numbers.
 *
 *     *** Begin Patch
 *     *** Update File: src/a.c
 *     *** Move to: src/b.c
 *     @@ int main(void)
 *      context
 *     -old line
 *     +new line
 *     *** Add File: notes.txt
 *     +text
 *     *** Delete File: old.txt
 *     *** End Patch
 */
#ifndef TOOL_PATCH_TEXT_H
#define TOOL_PATCH_TEXT_H

#include "base/arena.h"
#include "base/str.h"

typedef enum { PATCH_ADD, PATCH_UPDATE, PATCH_DELETE } patch_kind;

typedef struct patch_hunk {
    struct patch_hunk *next;
    str anchor; /* text of the line to begin after; empty when there is none */
    str *old;   /* context and removed lines */
    str *new;   /* context and added lines */
    size_t n_old, n_new;
    bool at_end; /* the last old line is the file's last */
    size_t line; /* of the patch, for messages */
} patch_hunk;

typedef struct patch_section {
    struct patch_section *next;
    patch_kind kind;
    const char *path, *move_to; /* move_to may be NULL */
    str text;                   /* of an added file */
    patch_hunk *hunks;
} patch_section;

/* The sections in order; NULL with the reason in `a`. */
patch_section *patch_parse(arena *a, const char *text, const char **reason);

/* The file after the hunks; false with the reason when one is not found.  Looking for one may take long in a large file of lines
 * that are alike: over(arg) is asked now and then, and true ends it.  `over` may be NULL. */
bool patch_apply(arena *a, const patch_section *s, str before, bool (*over)(void *arg), void *arg, str *after,
                 const char **reason);

#endif
