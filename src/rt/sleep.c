/* SPDX-License-Identifier: MIT */
/* Sleeping; see sleep.h. */
#include "rt/sleep.h"

#include "rt/rt_internal.h"

err sleep_for(scope *s, int64_t ns)
{
    int64_t until;

    if (ns == NO_LIMIT || ADD_OVERFLOWS(clock_mono(), MAX_OF(ns, (int64_t)0), &until))
        until = NO_LIMIT;
    if (ns <= 0)
        fiber_yield();
    do
        TRY(scope_check(s));
    while (clock_mono() < until && fiber_park_until(s, until) == OK);
    return clock_mono() >= until ? OK : scope_check(s);
}
