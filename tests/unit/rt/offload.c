/* SPDX-License-Identifier: MIT */
/* Tests of rt/offload.c. */
#include "rt/offload.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "rt/fiber.h"
#include "rt/sleep.h"
#include "test.h"

typedef struct {
    pthread_t thread;
    atomic_bool held; /* the work does not end before that is taken back */
    atomic_bool began, ran;
    err result;
} task;

static void run(void *arg)
{
    task *t = arg;

    t->began = true;
    t->thread = pthread_self();
    while (t->held)
        usleep(500);
    t->ran = true;
}

static err offload_it(scope *s, void *arg)
{
    task *t = arg;

    t->result = offload(s, run, t);
    return OK;
}

FIBER_TEST(offloaded_work_runs_on_another_thread_while_the_loop_goes_on)
{
    scope *g = scope_child(s, NO_LIMIT);
    task t = {.held = true};
    int turns = 0;

    scope_spawn(g, offload_it, &t);
    for (; turns < 5 || !t.began; turns++)
        CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    CHECK(!t.ran, "%d turns while it works", turns);
    t.held = false;
    CHECK_INT(scope_join(g), OK);
    CHECK_INT(t.result, OK);
    CHECK(t.ran, "it was waited for");
    CHECK(!pthread_equal(t.thread, pthread_self()), "another thread");
    scope_close(g);
}

FIBER_TEST(a_deadline_during_offload_is_reported_after_the_work_has_finished)
{
    scope *g = scope_child(s, NO_LIMIT);
    task t = {.held = true};

    scope_spawn(g, offload_it, &t);
    while (!t.began)
        CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_set_timeout(g, MILLISECONDS(5));
    CHECK_INT(sleep_for(s, MILLISECONDS(20)), OK);
    t.held = false;
    CHECK_INT(scope_join(g), OK);
    CHECK_INT(t.result, ERR_TIMEOUT);
    CHECK(t.ran, "it had begun, so it was waited for");
    scope_close(g);
}

FIBER_TEST(cancel_during_offload_is_reported_after_the_work_has_finished)
{
    scope *g = scope_child(s, NO_LIMIT);
    task t = {.held = true};

    scope_spawn(g, offload_it, &t);
    while (!t.began)
        CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_cancel(g, NULL);
    CHECK_INT(sleep_for(s, MILLISECONDS(20)), OK);
    t.held = false;
    CHECK_INT(scope_join(g), OK);
    CHECK_INT(t.result, ERR_CANCELLED);
    CHECK(t.ran, "it had begun, so it was waited for");
    scope_close(g);
}

static atomic_bool released;

static void hold_thread(void *arg)
{
    (void)arg;
    while (!released)
        usleep(500);
}

static err offload_holder(scope *s, void *arg)
{
    return offload(s, hold_thread, arg);
}

FIBER_TEST(work_that_has_not_begun_when_its_scope_ends_is_not_run)
{
    scope *holders = scope_child(s, NO_LIMIT), *rest = scope_child(s, NO_LIMIT);
    scope *late = scope_child(s, MILLISECONDS(20));
    task waiting[8] = {0}, timed = {0};

    CHECK_INT(setenv("UV_THREADPOOL_SIZE", "4", 1), 0); /* the pool is made on first use */
    for (int i = 0; i < 4; i++)
        scope_spawn(holders, offload_holder, NULL);
    CHECK_INT(sleep_for(s, MILLISECONDS(2)), OK);
    for (size_t i = 0; i < COUNT(waiting); i++)
        scope_spawn(rest, offload_it, &waiting[i]);
    scope_spawn(late, offload_it, &timed);
    CHECK_INT(scope_join(late), OK);
    CHECK_INT(timed.result, ERR_TIMEOUT);
    scope_cancel(rest, NULL);
    CHECK_INT(scope_join(rest), OK); /* without waiting for the pool */
    released = true;
    CHECK_INT(scope_join(holders), OK);
    for (size_t i = 0; i < COUNT(waiting); i++)
        CHECK(waiting[i].result == ERR_CANCELLED && !waiting[i].ran, "task %zu", i);
    CHECK(!timed.ran, "nor was the one out of time");
    scope_close(holders);
    scope_close(rest);
}

FIBER_TEST(nothing_is_offloaded_from_a_scope_that_has_ended)
{
    scope *g = scope_child(s, NO_LIMIT);
    task t = {0};

    scope_cancel(g, NULL);
    CHECK_INT(offload(g, run, &t), ERR_CANCELLED);
    CHECK(!t.ran, "not run");
}
