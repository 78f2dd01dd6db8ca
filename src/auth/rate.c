/* SPDX-License-Identifier: MIT */
/*
 * Token buckets.  A bucket is stored as the moment at which it will be full again, so that filling needs no timer: each token
 * taken moves that moment by period / limit.
 */
#include "auth/rate.h"

#include <stdlib.h>

#include "auth/lru.h"
#include "base/mem.h"

struct rate_limiter {
    lru buckets;
    int64_t limit;
    int64_t per_token; /* nanoseconds */
};

typedef struct {
    int64_t full_at;
} bucket;

rate_limiter *rate_new(int64_t limit, int64_t period, size_t max_callers)
{
    rate_limiter *r = mem_zalloc(1, sizeof(*r));

    r->limit = MAX_OF(limit, 1);
    r->per_token = MAX_OF(period / r->limit, 1);
    lru_setup(&r->buckets, max_callers, sizeof(bucket));
    return r;
}

void rate_free(rate_limiter *r)
{
    if (r == NULL)
        return;
    lru_close(&r->buckets);
    free(r);
}

bool rate_take(rate_limiter *r, const char *caller, int64_t cost, int64_t now, rate_state *state)
{
    int64_t capacity = r->limit * r->per_token;
    int64_t price = MIN_OF(cost, r->limit) * r->per_token;
    int64_t debt, wait;
    bucket *b;

    lru_lock(&r->buckets);
    b = lru_get(&r->buckets, caller);
    debt = MAX_OF(b->full_at - now, 0);
    wait = MAX_OF(debt + price - capacity, 0);
    if (wait == 0) {
        debt += price;
        b->full_at = now + debt;
    }
    lru_unlock(&r->buckets);
    if (state != NULL)
        *state = (rate_state){.limit = r->limit,
                              .remaining = MAX_OF(capacity - debt, 0) / r->per_token,
                              .full_after = debt,
                              .retry_after = wait};
    return wait == 0;
}

void rate_spend(rate_limiter *r, const char *caller, int64_t cost, int64_t now)
{
    int64_t capacity = r->limit * r->per_token;
    int64_t price = MIN_OF(MAX_OF(cost, 0), 2 * r->limit) * r->per_token;
    bucket *b;

    lru_lock(&r->buckets);
    b = lru_get(&r->buckets, caller);
    b->full_at = now + MIN_OF(MAX_OF(b->full_at - now, 0) + price, 2 * capacity);
    lru_unlock(&r->buckets);
}

void rate_give_back(rate_limiter *r, const char *caller, int64_t cost)
{
    bucket *b;

    lru_lock(&r->buckets);
    b = lru_get(&r->buckets, caller);
    b->full_at -= MIN_OF(MAX_OF(cost, 0), r->limit) * r->per_token;
    lru_unlock(&r->buckets);
}
