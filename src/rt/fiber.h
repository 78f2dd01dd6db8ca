/* SPDX-License-Identifier: MIT */
/*
 * Fibers: functions that can wait without holding up their thread.
 *
 * A fiber runs on the loop where it was spawned and never migrates.  It gives up the thread only inside calls that say
 * "parks"; between them nothing else on this loop runs.  A fiber keeps no lock and no address of a thread-local across
 * a parking call.  Its stack has a guard page: overflow ends the process with a report instead of corrupting memory.
 *
 * Only code that joins a callback interface to fibers uses this header; everybody else uses scope_spawn() and calls
 * that park.  The shape of such a call is in docs/architecture.md ("Where a call meets the loop").
 */
#ifndef RT_FIBER_H
#define RT_FIBER_H

#include "rt/scope.h"

typedef struct fiber fiber;

/* The running fiber; NULL in loop callbacks and on other threads. */
fiber *fiber_self(void);

/* Parks until fiber_wake(), or until `s` ends: then ERR_CANCELLED or ERR_TIMEOUT.  A wake that came since the last park
 * makes it return at once with OK, so a wake is never lost; callers loop on their own condition.  When a wake and the
 * end of the scope meet, the wake wins: the next park reports the end. */
MUST_USE err fiber_park(scope *s);

/* The same, but neither cancel nor deadline ends it: for waiting until the loop has let go of memory. */
void fiber_park_shielded(void);

/* Makes a parked fiber runnable at this loop's next turn.  Same loop only; other threads use loop_post(). */
void fiber_wake(fiber *f);

/* Lets the other runnable fibers and the loop's events go first. */
void fiber_yield(void);

/* Gives back what the running fiber has used of its stack below here, for one that has been deep and will be shallow for long.
 * Costs a system call.  Nothing outside a fiber. */
void fiber_trim(void);

/* How many fibers this process has now, on all loops. */
size_t fiber_count(void);

#endif
