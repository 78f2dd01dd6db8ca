/* SPDX-License-Identifier: MIT */
/*
 * Going through the files below a directory of the workspace.  For pool threads.
 *
 * Links are not followed, directories that only machines fill (.git, node_modules …) are left out, and the number of
 * entries, the depth and the time are bounded.
 */
#ifndef TOOL_WALK_H
#define TOOL_WALK_H

#include "tool/internal.h"

typedef struct {
    const char *rel;  /* relative to the workspace; valid during the visit */
    const char *path; /* relative to where the walk began */
    int64_t mtime;    /* nanoseconds */
    int64_t size;
} walk_file;

typedef enum { WALK_DONE, WALK_STOPPED, WALK_BOUNDED } walk_end;

/* Visits every regular file; `visit` returns false to stop.  WALK_BOUNDED: a limit left files out. */
walk_end walk_files(work *w, const char *rel, bool (*visit)(void *arg, const walk_file *f), void *arg);

/* Directories that glob, grep and the like leave out. */
bool walk_skips(const char *name);

/* The names in a directory, sorted, "." and ".." left out; at most `max`, and how many there are in *total.  Negative errno
 * on failure. */
typedef struct {
    const char *name;
    bool is_dir;
} walk_name;
MUST_USE int walk_names(work *w, const char *rel, bool hidden, size_t max, walk_name **out, size_t *n, size_t *total);

#endif
