/* SPDX-License-Identifier: MIT */
/*
 * Work that blocks (password hashing, big files, archives) goes to a pool of threads.
 */
#ifndef RT_OFFLOAD_H
#define RT_OFFLOAD_H

#include "rt/scope.h"

/* Parks while fn(arg) runs on a pool thread.  fn must not touch scopes, fibers or arenas of the loop, except through `arg`
 * whose memory it has to itself meanwhile.  When `s` ends before fn has begun, it is not run; when it is running, the call
 * returns ERR_CANCELLED or ERR_TIMEOUT only after it has finished, so `arg` may live on the caller's stack. */
MUST_USE err offload(scope *s, void (*fn)(void *arg), void *arg);

#endif
