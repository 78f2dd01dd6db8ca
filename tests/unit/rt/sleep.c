/* SPDX-License-Identifier: MIT */
/* Tests of rt/sleep.c and rt/timer.c. */
#include "rt/sleep.h"

#include <stdlib.h>

#include "base/clock.h"
#include "rt/fiber.h"
#include "rt/loop.h"
#include "test.h"

FIBER_TEST(sleep_lasts_at_least_as_long_as_asked)
{
    for (int ms = 0; ms <= 20; ms += 5) {
        int64_t began = clock_mono(), took;

        CHECK_INT(sleep_for(s, MILLISECONDS(ms)), OK);
        took = clock_mono() - began;
        CHECK(took >= MILLISECONDS(ms) && took < MILLISECONDS(ms) + SECONDS(2), "%d ms took %lld ns", ms,
              (long long)took);
    }
    CHECK_INT(sleep_for(s, -1), OK);
}

FIBER_TEST(sleep_ends_with_the_deadline_of_its_scope)
{
    int64_t began = clock_mono();

    CHECK_INT(sleep_for(scope_child(s, MILLISECONDS(10)), SECONDS(60)), ERR_TIMEOUT);
    CHECK_INT(sleep_for(scope_child(s, MILLISECONDS(10)), NO_LIMIT), ERR_TIMEOUT);
    CHECK_INT(sleep_for(scope_child(s, 0), 0), ERR_TIMEOUT);
    CHECK(clock_mono() - began < SECONDS(5), "soon");
}

static err sleep_for_ever(scope *s, void *arg)
{
    *(err *)arg = sleep_for(s, NO_LIMIT);
    return OK;
}

FIBER_TEST(sleep_ends_with_a_cancel)
{
    scope *g = scope_child(s, NO_LIMIT);
    err result = OK;

    scope_spawn(g, sleep_for_ever, &result);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_cancel(g, NULL);
    CHECK_INT(scope_join(g), OK);
    CHECK_INT(result, ERR_CANCELLED);
    scope_close(g);
}

FIBER_TEST(a_stray_wake_does_not_shorten_a_sleep)
{
    int64_t began = clock_mono();

    fiber_wake(fiber_self());
    CHECK_INT(sleep_for(s, MILLISECONDS(15)), OK);
    CHECK(clock_mono() - began >= MILLISECONDS(15), "it went back to sleep");
}

typedef struct {
    int64_t ns, late;
    bool on_time;
} sleeper;

static err sleep_and_check(scope *s, void *arg)
{
    sleeper *z = arg;
    int64_t began = clock_mono();
    err e = sleep_for(s, z->ns);

    z->late = clock_mono() - began - z->ns;
    z->on_time = z->late >= 0;
    return e;
}

FIBER_TEST(many_sleepers_of_all_lengths_wake_on_time)
{
    enum { SLEEPERS = 2000 };
    scope *g = scope_child(s, NO_LIMIT);
    sleeper *z = arena_array(s->arena, sleeper, SLEEPERS);
    int64_t latest = 0;

    srand(3);
    for (int i = 0; i < SLEEPERS; i++) {
        z[i].ns = MILLISECONDS(rand() % 100);
        scope_spawn(g, sleep_and_check, &z[i]);
    }
    CHECK_INT(scope_join(g), OK);
    for (int i = 0; i < SLEEPERS; i++) {
        CHECK(z[i].on_time, "sleeper %d of %lld ns", i, (long long)z[i].ns);
        latest = MAX_OF(latest, z[i].late);
    }
    CHECK(latest < SECONDS(1) || test_instrumented(), "the latest by %lld ns", (long long)latest);
    scope_close(g);
}

static void on_timer(uv_timer_t *t)
{
    *(int64_t *)t->data = clock_mono();
}

/* libuv caches its clock: without a refresh before each wait, repeated timers drift while the loop is busy. */
FIBER_TEST(repeating_timers_do_not_drift_while_the_loop_is_busy)
{
    int64_t began = clock_mono(), fired = began, busy, worked;
    uv_timer_t timer;

    timer.data = &fired;
    uv_timer_init(loop_uv(s->loop), &timer);
    uv_timer_start(&timer, on_timer, 10, 10);
    while (clock_mono() - began < MILLISECONDS(300)) {
        for (busy = clock_mono(); (worked = clock_mono()) - busy < MILLISECONDS(4);)
            ;
        fiber_yield();
        /* However long the machine was busy with others: what was due by then is not put off to another turn. */
        CHECK(fired >= worked || worked - fired < MILLISECONDS(12), "late by %lld ns", (long long)(worked - fired));
    }
    CHECK(fired > began, "it fires");
    uv_close((uv_handle_t *)&timer, NULL);
    fiber_yield();
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
}
