/* SPDX-License-Identifier: MIT */
/*
 * Shell text taken apart far enough to judge it: simple commands, their words, their redirections.
 *
 * Commands nested in $(…), backticks, subshells and groups come out as commands of their own.  Words keep a note when a part
 * of them is only known at run time ($VAR, $(…), globs).  This is no shell: what it does not understand it says.
 */
#ifndef TOOL_SHELL_WORDS_H
#define TOOL_SHELL_WORDS_H

#include "base/arena.h"
#include "base/str.h"

enum { SHELL_WORDS_MAX = 256, SHELL_SEGMENTS_MAX = 128, SHELL_TARGETS_MAX = 32 };

typedef struct {
    const char *text; /* quotes removed */
    bool dynamic;     /* has a variable or a substitution in it */
} shell_word;

typedef struct {
    shell_word *words; /* assignments before the command's name are left out */
    size_t n;
    shell_word *targets; /* of redirections that write */
    size_t n_targets;
    bool piped_from; /* reads from the segment before it through "|" */
} shell_segment;

typedef struct {
    shell_segment *segments;
    size_t n;
    bool unclear; /* unbalanced quotes or parentheses, nested too deeply, too long */
} shell_text;

shell_text *shell_parse(arena *a, const char *command);

#endif
