/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

enum {
    STEPS = 15000,   /* some 20 microseconds */
    PAUSE = 1000000, /* nanoseconds between two samples */
    LEARNING = 50,   /* samples before the fastest of them is believed */
    IN_A_ROW = 3,    /* slow samples; a single one may have been interrupted */
};

static atomic_int_fast64_t last_slow;
static atomic_uint_fast64_t samples, slow_samples;

static int64_t nanos(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t time_sample(void)
{
    volatile uint32_t seed = 1; /* nothing of this is to be computed beforehand */
    uint32_t x = seed;
    int64_t began = nanos(CLOCK_THREAD_CPUTIME_ID);

    for (int i = 0; i < STEPS; i++)
        x = x * 1664525u + 1013904223u;
    seed = x;
    return nanos(CLOCK_THREAD_CPUTIME_ID) - began;
}

static void *watch(void *arg)
{
    int64_t fastest = INT64_MAX;
    unsigned in_a_row = 0;

    (void)arg;
    for (uint64_t n = 0;; n++) {
        int64_t took = time_sample();

        if (took < fastest)
            fastest = took;
        in_a_row = n >= LEARNING && took > 2 * fastest ? in_a_row + 1 : 0;
        if (in_a_row >= IN_A_ROW) {
            atomic_store(&last_slow, nanos(CLOCK_MONOTONIC) / 1000);
            atomic_fetch_add(&slow_samples, in_a_row == IN_A_ROW ? IN_A_ROW : 1);
        }
        atomic_fetch_add(&samples, 1);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
    return NULL;
}

bool machine_watch(void)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, watch, NULL) == 0 && pthread_detach(thread) == 0;
}

int64_t machine_last_slow(void)
{
    return atomic_load(&last_slow);
}

double machine_slow_share(void)
{
    uint64_t n = atomic_load(&samples);

    return n == 0 ? 0 : (double)atomic_load(&slow_samples) / (double)n;
}
