/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that go from one process to another over a Unix socket (unix(7), SCM_RIGHTS), each with one byte.
 *
 * Needs nothing but libc: programs that link nothing of the server use it, too.
 */
#ifndef BASE_FD_PASS_H
#define BASE_FD_PASS_H

#include <sys/types.h>

/* 1, or -1 with errno.  The caller keeps `fd`; -1 sends the byte alone, which says that there is none. */
ssize_t fd_pass(int socket, int fd);

/* 1 when a byte has come, with its descriptor in *fd, which is close-on-exec, or -1 when it came alone; 0 at the end; -1 with
 * errno. */
ssize_t fd_take(int socket, int *fd);

#endif
