/* SPDX-License-Identifier: MIT */
/*
 * Files below one directory, and nothing else.
 *
 * Every path is resolved by the kernel beneath the workspace's own descriptor (openat2 with RESOLVE_BENEATH), so neither
 * "..", an absolute path nor a symbolic link leads out, whatever a command in the background does to the tree meanwhile.
 * Where the kernel has no openat2, each component is opened by itself and links are refused.  Only regular files are read
 * or replaced.  Writing is atomic: a temporary file is renamed over the old one, whose permissions are kept.
 *
 * These calls block: they are for pool threads.  They return 0 or a descriptor, or a negative errno; -EXDEV means that the
 * path leads outside.
 */
#ifndef TOOL_WORKSPACE_H
#define TOOL_WORKSPACE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/str.h"

typedef struct {
    int fd;           /* of the directory; -1 when closed */
    const char *path; /* absolute, as given, no slash at the end */
    const char *real; /* the same without symbolic links */
} workspace;

MUST_USE int workspace_open(arena *a, const char *path, workspace *w);
void workspace_close(workspace *w);

/* From a path as a model writes it, absolute or relative to the workspace, to one relative to it: no ".", "..", or empty
 * parts, "" for the workspace itself.  -EXDEV, -EINVAL (empty), -ENAMETOOLONG. */
MUST_USE int workspace_relative(arena *a, const workspace *w, const char *given, const char **rel);
char *workspace_absolute(arena *a, const workspace *w, const char *rel);

/* Opens what exists.  `flags` as for open(2), without O_CREAT. */
MUST_USE int workspace_open_at(const workspace *w, const char *rel, int flags);

/* What `rel` is, links followed within the workspace. */
MUST_USE int workspace_stat(const workspace *w, const char *rel, struct stat *st);

/* The whole of a regular file; -EFBIG past `max`, -EISDIR, -EINVAL for devices and the like. */
MUST_USE int workspace_read(arena *a, const workspace *w, const char *rel, size_t max, str *out);

/* Replaces or creates the file and the directories above it. */
MUST_USE int workspace_write(const workspace *w, const char *rel, const void *bytes, size_t len);

/* The same; a file that is not there yet gets these permissions. */
MUST_USE int workspace_write_as(const workspace *w, const char *rel, const void *bytes, size_t len, mode_t fresh);

/* A new empty file, for writing; fails with -EEXIST. */
MUST_USE int workspace_create(const workspace *w, const char *rel);
MUST_USE int workspace_make_dirs(const workspace *w, const char *rel);
MUST_USE int workspace_remove(const workspace *w, const char *rel);     /* a file or link, not a directory */
MUST_USE int workspace_remove_dir(const workspace *w, const char *rel); /* an empty one */

/* Held by whoever reads a file in order to write it back; all writers of one workspace wait for each other. */
void workspace_lock(const workspace *w);
void workspace_unlock(const workspace *w);

/* Tests: behave as on a kernel without openat2. */
void workspace_without_openat2(bool without);

#endif
