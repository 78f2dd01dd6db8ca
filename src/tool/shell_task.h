/* SPDX-License-Identifier: MIT */
/*
 * Commands in the sandbox, some of them in the background: starting, watching, waiting, killing.
 *
 * A task belongs to the tool session, not to the call that started it; closing the session kills it.  Its output goes to a
 * log file in the workspace and, up to a limit, is kept in memory.
 */
#ifndef TOOL_SHELL_TASK_H
#define TOOL_SHELL_TASK_H

#include "rt/proc.h"
#include "tool/internal.h"
#include "tool/pattern.h"

enum { TASK_OUTPUT_MAX = 1 << 20, TASK_TAIL = 4096 };

typedef struct {
    list_link link; /* in the session */
    tool_session *session;
    scope *s;
    const char *id, *command;
    const char *output_file; /* absolute */
    const char *workspace, *log_rel;
    int log;         /* its descriptor; -1 until something was written */
    bool log_broken; /* it could not be written any more */
    proc *p;
    int pid;
    buf output;           /* the beginning */
    char tail[TASK_TAIL]; /* the end, a ring */
    size_t total, logged;
    int64_t started, finished;
    int status;
    bool ended, killed;
    bool background; /* a call has returned without its end: its end is news */
    list_link waiters;
} shell_task;

typedef struct {
    const char *command, *id;
    const char *workspace, *real; /* its path as given, and without links */
    const char *workdir;          /* below `workspace` */
    const char *const *env;
    const char *output_file, *log_rel; /* an empty file in the workspace: the same, absolute and relative to it */
} shell_spec;

/* Copies what it needs into a scope of the task's own.  Of the tasks that have ended only the last few are remembered.
 * Parks. */
MUST_USE err shell_start(scope *s, tool_session *ts, const shell_spec *spec, shell_task **out);

shell_task *shell_find(tool_session *ts, const char *id); /* NULL when unknown */
size_t shell_running(tool_session *ts);

/* Parks until the task has ended, `limit` is over, its output matches, or that proves too hard to tell.  Shows new output to
 * cx->progress meanwhile.  OK in each of these cases. */
MUST_USE err shell_wait(scope *s, shell_task *t, int64_t limit, pattern *until, const tool_context *cx,
                        pattern_found *found);

/* Asks it to end, waits up to two seconds, then kills it. */
MUST_USE err shell_kill(scope *s, shell_task *t);

/* Its output as valid UTF-8: the beginning, or the end. */
json_t *shell_output(const shell_task *t);
json_t *shell_tail(const shell_task *t);

#endif
