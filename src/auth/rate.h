/* SPDX-License-Identifier: MIT */
/*
 * Rate limits: a token bucket for each caller (a key's, user's or workspace's id), in memory, shared by all loops.
 */
#ifndef AUTH_RATE_H
#define AUTH_RATE_H

#include "base/def.h"

typedef struct rate_limiter rate_limiter;

/* A bucket holds `limit` tokens and fills up again within `period` nanoseconds.  At most `max_callers` are remembered; one
 * that is forgotten starts with a full bucket.  Lives until rate_free(). */
rate_limiter *rate_new(int64_t limit, int64_t period, size_t max_callers);
void rate_free(rate_limiter *r); /* accepts NULL */

typedef struct {
    int64_t limit;
    int64_t remaining;   /* whole tokens left */
    int64_t full_after;  /* nanoseconds until the bucket is full again */
    int64_t retry_after; /* nanoseconds until `cost` tokens are there; 0 when they were taken */
} rate_state;

/* Takes `cost` tokens at `now` (clock_mono()); false when there are too few, and then none is taken.  A cost above the limit
 * needs a full bucket, and empties it.  `state` may be NULL.  From any thread; does not park. */
MUST_USE bool rate_take(rate_limiter *r, const char *caller, int64_t cost, int64_t now, rate_state *state);

/* What was used already and is known only now: taken whether or not it is there.  Who overdraws pays back before there is
 * anything again, one whole bucket at most. */
void rate_spend(rate_limiter *r, const char *caller, int64_t cost, int64_t now);

/* What was taken by rate_take() was not used after all. */
void rate_give_back(rate_limiter *r, const char *caller, int64_t cost);

#endif
