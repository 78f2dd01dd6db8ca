/* SPDX-License-Identifier: MIT */
/*
 * Event loops: one thread per core, each with its own libuv loop; and how threads talk to each other.
 *
 * Threads share only what says so.  Everything else on a loop is reached by posting a function to it.
 */
#ifndef RT_LOOP_H
#define RT_LOOP_H

#include <uv.h>

#include "rt/scope.h"

enum { LOOPS_MAX = 64 };

/* Runs `n` loops (0: one a core, at most LOOPS_MAX), the first on the calling thread, and on each a fiber
 * main_fiber(root, arg), whose scope `root` is cancelled by loops_stop().  When main_fiber has returned, the loop goes on
 * while there are other fibers or, unless it was stopped, referenced libuv handles; then `root` is closed.  Returns when
 * every loop has ended: 0, or 1 when a main fiber returned an error (ERR_CANCELLED after loops_stop() is none). */
int loops_run(size_t n, err (*main_fiber)(scope *root, void *arg), void *arg);

/* Cancels the root scopes with `reason`.  From any thread or a signal handler; more than once is harmless. */
void loops_stop(void);

size_t loop_count(void); /* of the running loops */
loop *loop_at(size_t index);
loop *loop_self(void); /* of this thread; NULL on others */
size_t loop_index(const loop *l);
scope *loop_root(loop *l); /* parent for what lives as long as the loop; use on its own thread */
uv_loop_t *loop_uv(loop *l);

/* Runs fn(arg) on `l`'s thread, outside any fiber, in the order posted.  From any thread.  After the loop has ended the
 * call is dropped and false returned. */
bool loop_post(loop *l, void (*fn)(void *arg), void *arg);

/* Calls fn(arg) on this loop after the events of a turn and the fibers they woke, once per request: for batching work.  `hook` is the
 * caller's memory and can be asked for again from within fn. */
typedef struct loop_hook {
    void (*fn)(void *arg);
    void *arg;
    list_link link;
    bool queued;
} loop_hook;
void loop_after_turn(loop_hook *hook);
void loop_forget(loop_hook *hook); /* takes it out again before it has run */

/* Longest time a turn has held the loop since start, in nanoseconds; turns over 50 ms are logged. */
int64_t loop_longest_turn(const loop *l);

#endif
