/* SPDX-License-Identifier: MIT */
/*
 * The box that shell commands run in, by bubblewrap: own namespaces, no capabilities, the system's programs read-only, a
 * private /tmp, and the workspace as the only place that can be written.  Without network unless configured.
 */
#ifndef TOOL_SANDBOX_H
#define TOOL_SANDBOX_H

#include "tool/internal.h"

/* The program and its arguments, ready for proc_start(): runs `command` in a shell.  `source` is the workspace's real path,
 * `home` the path under which it appears in the sandbox, `workdir` a directory in there. */
const char *const *sandbox_argv(arena *a, const char *source, const char *home, const char *workdir,
                                const char *command);

/* The same for a command that only turns its input into output: there is no workspace, and never a network. */
const char *const *sandbox_filter_argv(arena *a, const char *command);

/* Its whole environment: ours is not passed on.  `extra` is an object of texts, or NULL.  False when a name is not one. */
bool sandbox_env(arena *a, const char *home, const json_t *extra, const char *const **out);

#endif
