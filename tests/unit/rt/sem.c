/* SPDX-License-Identifier: MIT */
/* Tests of rt/sem.c. */
#include "rt/sem.h"

#include "rt/fiber.h"
#include "rt/sleep.h"
#include "test.h"

typedef struct {
    sem m;
    int inside, most, done;
    char order[16];
} shared;

static err work(scope *s, void *arg)
{
    shared *d = arg;

    TRY(sem_take(s, &d->m));
    d->inside++;
    d->most = MAX_OF(d->most, d->inside);
    err e = sleep_for(s, MILLISECONDS(1));
    d->inside--;
    d->done++;
    sem_give(&d->m);
    return e;
}

FIBER_TEST(no_more_than_the_count_are_inside)
{
    scope *g = scope_child(s, NO_LIMIT);
    shared d = {0};

    sem_setup(&d.m, 3);
    for (int i = 0; i < 10; i++)
        scope_spawn(g, work, &d);
    CHECK_INT(scope_join(g), OK);
    CHECK_INT(d.most, 3);
    CHECK_INT(d.done, 10);
    CHECK_INT(d.m.free, 3);
    scope_close(g);
}

typedef struct {
    shared *d;
    char name;
    err result;
} taker;

static err take_and_sign(scope *s, void *arg)
{
    taker *t = arg;

    t->result = sem_take(s, &t->d->m);
    if (t->result == OK)
        strncat(t->d->order, &t->name, 1);
    return t->result;
}

FIBER_TEST(waiters_are_served_in_order)
{
    scope *g = scope_child(s, NO_LIMIT);
    shared d = {0};
    taker t[3] = {{&d, 'a', OK}, {&d, 'b', OK}, {&d, 'c', OK}};

    sem_setup(&d.m, 0);
    for (size_t i = 0; i < COUNT(t); i++)
        scope_spawn(g, take_and_sign, &t[i]);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    for (size_t i = 0; i < COUNT(t); i++)
        sem_give(&d.m);
    CHECK_INT(d.m.free, 0); /* handed over: a late comer cannot overtake */
    CHECK_INT(scope_join(g), OK);
    CHECK_STR(d.order, "abc");
    scope_close(g);
}

FIBER_TEST(a_take_that_ends_early_takes_nothing)
{
    scope *g = scope_child(s, NO_LIMIT);
    shared d = {0};
    taker t = {&d, 'a', OK};

    sem_setup(&d.m, 0);
    CHECK_INT(sem_take(scope_child(s, MILLISECONDS(3)), &d.m), ERR_TIMEOUT);
    scope_spawn(g, take_and_sign, &t);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_cancel(g, NULL);
    CHECK_INT(scope_join(g), ERR_CANCELLED);
    sem_give(&d.m);
    CHECK_INT(d.m.free, 1);
    CHECK_INT(sem_take(g, &d.m), ERR_CANCELLED);
    CHECK_INT(d.m.free, 1);
    scope_close(g);
}

FIBER_TEST(one_that_is_granted_in_the_turn_of_a_cancel_is_taken)
{
    scope *g = scope_child(s, NO_LIMIT);
    shared d = {0};
    taker t = {&d, 'a', OK};

    sem_setup(&d.m, 0);
    scope_spawn(g, take_and_sign, &t);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_cancel(g, NULL);
    sem_give(&d.m);
    CHECK_INT(scope_join(g), OK);
    CHECK_STR(d.order, "a");
    CHECK_INT(d.m.free, 0);
    scope_close(g);
}
