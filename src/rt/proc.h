/* SPDX-License-Identifier: MIT */
/*
 * Child processes: started without a shell, in their own process group, with bounded output, and never left behind.
 */
#ifndef RT_PROC_H
#define RT_PROC_H

#include "base/buf.h"
#include "base/str.h"
#include "rt/scope.h"

typedef struct proc proc;

typedef struct {
    const char *const *argv; /* argv[0] is looked up in PATH; ends with NULL */
    const char *const *env;  /* "NAME=value", ends with NULL; NULL: the child gets an empty environment */
    const char *cwd;         /* NULL: the caller's */
    bool merge_stderr;       /* stderr goes where stdout goes */
    bool socket; /* standard input is a socket for both ways: proc_read() of stream 1 reads what comes from it, and
                                what the child writes on standard output is dropped */
    bool in_background; /* does not keep the loop running */
    size_t
        max_buffered; /* output bytes a pipe holds until they are read; the child waits when it is full; 0: 256 KiB */
} proc_spec;

/* Starts a child that is killed (whole process group, SIGKILL) and reaped when `s` closes.  When it ends by itself, the rest
 * of its group is killed then.  ERR_NOT_FOUND when there is no such program, ERR_IO otherwise. */
MUST_USE err proc_start(scope *s, const proc_spec *spec, proc **out);

/* A process that somebody else is the parent of: `pidfd` stands for it and `socket` is our end of its socket; both are taken
 * over, whatever comes.  It is killed (alone, not its group) when `s` closes.  Its status is not known: proc_wait() gives 0.  It does
 * not keep the loop running. */
MUST_USE err proc_adopt(scope *s, int pidfd, int socket, proc **out);

/* For children with a socket: a descriptor with one byte, which goes through SCM_RIGHTS.  They park.  Sending: `fd` stays the
 * caller's.  Receiving: *fd is the caller's; ERR_CLOSED when the child is gone, ERR_IO when
 * it sends a byte without one. */
MUST_USE err proc_send_fd(scope *s, proc *p, int fd);
MUST_USE err proc_receive_fd(scope *s, proc *p, int *fd);

/* Parks until there is output: up to `cap` bytes, *len = 0 at the end of it.  `stream` is 1 for stdout, 2 for stderr.
 * One fiber a stream. */
MUST_USE err proc_read(scope *s, proc *p, int stream, void *bytes, size_t cap, size_t *len);

/* Parks until all is written.  ERR_CLOSED when the child closed its input. */
MUST_USE err proc_write(scope *s, proc *p, const void *bytes, size_t len);
void proc_close_stdin(proc *p);

/* Parks until the child ends.  *status: its exit status, or 128 + the signal that ended it. */
MUST_USE err proc_wait(scope *s, proc *p, int *status);
void proc_signal(proc *p, int sig); /* to the whole group; harmless once ended */
int proc_pid(const proc *p);
bool proc_ended(const proc *p);

/* The common case: feeds `input`, collects both outputs, waits.  Output past `max_output` bytes is dropped and
 * *truncated set.  When `s` ends the child is killed first. */
typedef struct {
    int status;
    buf *out; /* in the scope's arena */
    buf *err; /* NULL with merge_stderr */
    bool truncated;
} proc_result;
MUST_USE err proc_run(scope *s, const proc_spec *spec, str input, size_t max_output, proc_result *result);

#endif
