/* SPDX-License-Identifier: MIT */
/* Tests of cli/memory.c: when it is time, not what is done then. */
#include "cli/memory.h"

#include "test.h"

static bool due(memory_watch *w, uint64_t requests, uint64_t streams, int64_t seconds)
{
    server_stats now = {.requests = requests, .streams = streams};

    return memory_is_due(w, &now, SECONDS(seconds));
}

TEST(memory_goes_back_once_after_a_burst)
{
    memory_watch w = {0};

    CHECK(!due(&w, 8000, 8000, 5), "still in it");
    CHECK(due(&w, 8001, 8000, 10), "it is over");
    CHECK(!due(&w, 8001, 8000, 15), "nothing has changed since");
    CHECK(due(&w, 8001, 100, 20), "streams have ended");
    CHECK(!due(&w, 8001, 100, 25), "nothing has changed since");
}

TEST(under_load_memory_goes_back_once_a_minute)
{
    memory_watch w = {.trimmed_at = SECONDS(0)};
    int times = 0;

    for (int64_t at = 5; at <= 180; at += 5)
        times += due(&w, (uint64_t)at * 1000, 50, at);
    CHECK_INT(times, 3);
}

TEST(a_server_that_nobody_asks_is_left_alone)
{
    memory_watch w = {0};

    for (int64_t at = 5; at <= 600; at += 5)
        CHECK(!due(&w, 0, 0, at), "at %lld s", (long long)at);
}
