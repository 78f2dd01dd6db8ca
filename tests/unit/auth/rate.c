/* SPDX-License-Identifier: MIT */
/* Token buckets; see auth/rate.h. */
#include "auth/rate.h"

#include <pthread.h>
#include <stdio.h>

#include "test.h"

TEST(a_bucket_gives_its_limit_at_once_and_refills_evenly)
{
    rate_limiter *r = rate_new(60, MINUTES(1), 10);
    int64_t now = SECONDS(500);
    rate_state st;

    for (int i = 0; i < 60; i++) {
        CHECK(rate_take(r, "k", 1, now, &st), "token %d", i);
        CHECK_INT(st.remaining, 59 - i);
    }
    CHECK(!rate_take(r, "k", 1, now, &st), "empty");
    CHECK_INT(st.retry_after, SECONDS(1));
    CHECK_INT(st.full_after, MINUTES(1));
    CHECK_INT(st.limit, 60);
    CHECK(!rate_take(r, "k", 1, now + SECONDS(1) - 1, NULL), "not yet");
    CHECK(rate_take(r, "k", 1, now + SECONDS(1), &st), "one came back");
    CHECK_INT(st.remaining, 0);
    CHECK(rate_take(r, "k", 60, now + MINUTES(10), &st), "never more than the limit");
    CHECK(!rate_take(r, "k", 1, now + MINUTES(10), NULL), "empty again");
    rate_free(r);
}

TEST(what_was_not_used_is_given_back)
{
    rate_limiter *r = rate_new(2, SECONDS(2), 10);

    for (int i = 0; i < 10; i++) {
        CHECK(rate_take(r, "k", 1, SECONDS(9), NULL), "time %d", i);
        rate_give_back(r, "k", 1);
    }
    CHECK(rate_take(r, "k", 1, SECONDS(9), NULL) && rate_take(r, "k", 1, SECONDS(9), NULL), "both are there");
    CHECK(!rate_take(r, "k", 1, SECONDS(9), NULL), "and no third");
    rate_free(r);
}

TEST(callers_have_buckets_of_their_own)
{
    rate_limiter *r = rate_new(1, SECONDS(1), 10);

    CHECK(rate_take(r, "a", 1, 0, NULL), "a");
    CHECK(rate_take(r, "b", 1, 0, NULL), "b");
    CHECK(!rate_take(r, "a", 1, 0, NULL), "a again");
    rate_free(r);
}

TEST(a_refused_cost_takes_nothing_and_a_cost_above_the_limit_needs_a_full_bucket)
{
    rate_limiter *r = rate_new(10, SECONDS(10), 10);
    rate_state st;

    CHECK(rate_take(r, "a", 4, 0, NULL), "four");
    CHECK(!rate_take(r, "a", 7, 0, &st), "seven of six");
    CHECK_INT(st.remaining, 6);
    CHECK_INT(st.retry_after, SECONDS(1));
    CHECK(!rate_take(r, "a", 1000, 0, &st), "not full");
    CHECK_INT(st.retry_after, SECONDS(4));
    CHECK(rate_take(r, "a", 1000, SECONDS(4), &st), "full");
    CHECK_INT(st.remaining, 0);
    rate_free(r);
}

TEST(what_is_spent_beyond_the_bucket_is_paid_back_and_a_bucket_at_most)
{
    rate_limiter *r = rate_new(100, SECONDS(100), 10);
    rate_state st;

    rate_spend(r, "a", 30, 0);
    CHECK(rate_take(r, "a", 0, 0, &st), "there are some left");
    CHECK_INT(st.remaining, 70);
    rate_spend(r, "a", 120, 0);
    CHECK(!rate_take(r, "a", 0, 0, &st), "overdrawn by 50");
    CHECK_INT(st.remaining, 0);
    CHECK_INT(st.retry_after, SECONDS(50));
    CHECK_INT(st.full_after, SECONDS(150));
    CHECK(rate_take(r, "a", 1, SECONDS(51), &st), "paid back");
    rate_spend(r, "a", INT64_MAX, SECONDS(51));
    rate_spend(r, "a", -5, SECONDS(51));
    CHECK(!rate_take(r, "a", 0, SECONDS(51), &st), "overdrawn by a whole bucket");
    CHECK_INT(st.retry_after, SECONDS(100));
    CHECK(rate_take(r, "b", 100, SECONDS(51), NULL), "nobody else pays");
    rate_free(r);
}

TEST(the_number_of_callers_remembered_is_bounded)
{
    rate_limiter *r = rate_new(1, MINUTES(1), 100);
    char name[16];

    CHECK(rate_take(r, "first", 1, 0, NULL), "first");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        CHECK(rate_take(r, name, 1, 0, NULL), "%s", name);
    }
    CHECK(rate_take(r, "first", 1, 0, NULL), "was forgotten: a full bucket");
    CHECK(!rate_take(r, "c99", 1, 0, NULL), "was not");
    rate_free(r);
}

static rate_limiter *shared;
static int64_t taken;

static void *take_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++)
        if (rate_take(shared, "k", 1, 0, NULL))
            __atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
    return NULL;
}

TEST(threads_share_one_limit)
{
    pthread_t threads[4];

    shared = rate_new(3000, MINUTES(1), 10);
    for (size_t i = 0; i < COUNT(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, take_many, NULL) == 0, "thread");
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(taken, 3000);
    rate_free(shared);
}
