/* SPDX-License-Identifier: MIT */
/* Tests of rt/scope.c: trees of scopes, joining, closing, failures. */
#include "rt/scope.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "rt/chan.h"
#include "rt/fiber.h"
#include "rt/loop.h"
#include "rt/offload.h"
#include "rt/sem.h"
#include "rt/sleep.h"
#include "test.h"

static err sleep_long(scope *s, void *arg)
{
    err e = sleep_for(s, SECONDS(60));

    ++*(int *)arg;
    return e;
}

static err fail_soon(scope *s, void *arg)
{
    TRY(sleep_for(s, MILLISECONDS(2)));
    return fail(s, *(err *)arg, "failed as told");
}

static err succeed(scope *s, void *arg)
{
    (void)s;
    (void)arg;
    return OK;
}

FIBER_TEST(join_returns_the_first_error)
{
    scope *c = scope_child(s, NO_LIMIT);
    err told = ERR_CONFLICT;

    scope_spawn(c, succeed, NULL);
    scope_spawn(c, fail_soon, &told);
    CHECK_INT(scope_join(c), ERR_CONFLICT);
    CHECK_STR(scope_failure(c, ERR_CONFLICT).text, "failed as told");
    scope_close(c);
}

FIBER_TEST(join_of_nothing_returns_at_once)
{
    CHECK_INT(scope_join(scope_child(s, NO_LIMIT)), OK);
}

FIBER_TEST(a_deadline_ends_a_join_with_its_fibers)
{
    scope *c = scope_child(s, MILLISECONDS(10));
    int ended = 0;

    for (int i = 0; i < 3; i++)
        scope_spawn(c, sleep_long, &ended);
    CHECK_INT(scope_join(c), ERR_TIMEOUT);
    CHECK_INT(ended, 3);
    scope_close(c);
}

FIBER_TEST(closing_cancels_and_waits_for_fibers_of_the_whole_tree)
{
    scope *top = scope_child(s, NO_LIMIT);
    scope *below = scope_child(scope_child(top, NO_LIMIT), NO_LIMIT);
    int ended = 0;

    scope_spawn(top, sleep_long, &ended);
    scope_spawn(below, sleep_long, &ended);
    fiber_yield();
    scope_close(top);
    CHECK_INT(ended, 2);
    CHECK_INT(fiber_count(), 1);
    CHECK(list_empty(&s->children), "the child is gone");
}

static err own_child(scope *s, void *arg)
{
    scope *c = scope_child(s, NO_LIMIT);
    err e;

    scope_spawn(c, sleep_long, arg);
    e = scope_join(c);
    scope_close(c);
    ++*(int *)arg;
    return e;
}

FIBER_TEST(fibers_close_their_own_children_while_the_parent_closes)
{
    scope *top = scope_child(s, NO_LIMIT);
    int ended = 0;

    scope_spawn(top, own_child, &ended);
    scope_spawn(top, own_child, &ended);
    CHECK_INT(sleep_for(s, MILLISECONDS(2)), OK);
    scope_close(top);
    CHECK_INT(ended, 4);
}

static err park_elsewhere(scope *s, void *arg)
{
    scope *elsewhere = arg;

    (void)s;
    return fiber_park(elsewhere) == ERR_CANCELLED ? OK : ERR_INTERNAL;
}

FIBER_TEST(closing_waits_for_guests_that_are_parked_in_the_scope)
{
    scope *guests = scope_child(s, NO_LIMIT), *c = scope_child(s, NO_LIMIT);

    scope_spawn(guests, park_elsewhere, c);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_close(c);
    CHECK_INT(scope_join(guests), OK);
    scope_close(guests);
}

static void leave_slowly(void *arg)
{
    scope *own = scope_new("slow");

    CHECK_INT(sleep_for(own, MILLISECONDS(5)), OK);
    scope_close(own);
    *(int *)arg += 1;
}

FIBER_TEST(a_scope_that_may_have_to_wait_says_so)
{
    scope *c = scope_child(s, NO_LIMIT), *inner = scope_child(c, NO_LIMIT);
    int left = 0;

    CHECK(scope_closes_at_once(inner) && !scope_closes_at_once(c), "for its child");
    scope_close(inner);
    CHECK(scope_closes_at_once(c), "there is nothing in it");
    scope_defer(c, leave_slowly, &left);
    CHECK(!scope_closes_at_once(c), "what was deferred may park");
    scope_close(c);
    CHECK_INT(left, 1);
}

static err close_it(scope *s, void *arg)
{
    (void)s;
    scope_close(arg);
    return OK;
}

FIBER_TEST(a_scope_waits_for_its_child_that_another_fiber_closes)
{
    scope *guests = scope_child(s, NO_LIMIT), *up = scope_child(s, NO_LIMIT), *c = scope_child(up, NO_LIMIT);
    int left = 0;

    scope_defer(c, leave_slowly, &left);
    scope_spawn(guests, close_it, c);
    fiber_yield();
    scope_close(up);
    CHECK_INT(left, 1);
    CHECK_INT(scope_join(guests), OK);
    scope_close(guests);
}

static err cancel_own(scope *s, void *arg)
{
    scope_cancel(s, "by myself");
    *(err *)arg = sleep_for(s, SECONDS(60));
    return OK;
}

FIBER_TEST(a_fiber_may_cancel_its_own_scope)
{
    scope *c = scope_child(s, NO_LIMIT);
    err seen = OK;

    scope_spawn(c, cancel_own, &seen);
    CHECK_INT(scope_join(c), OK);
    CHECK_INT(seen, ERR_CANCELLED);
    CHECK_STR(scope_failure(c, ERR_CANCELLED).text, "by myself");
    scope_close(c);
}

FIBER_TEST(cancel_reaches_descendants_but_not_siblings)
{
    scope *a = scope_child(s, NO_LIMIT), *b = scope_child(s, NO_LIMIT);
    scope *deep = scope_child(scope_child(a, NO_LIMIT), NO_LIMIT);

    scope_cancel(a, "first");
    scope_cancel(a, "second");
    CHECK_INT(scope_check(deep), ERR_CANCELLED);
    CHECK_STR(deep->reason, "first");
    CHECK_INT(scope_check(b), OK);
    CHECK_INT(scope_check(s), OK);
    CHECK_INT(scope_check(scope_child(deep, NO_LIMIT)), ERR_CANCELLED);
    CHECK_INT(scope_remaining(deep), 0);
}

FIBER_TEST(a_child_never_outlives_the_deadline_of_its_parent)
{
    scope *a = scope_child(s, SECONDS(1));

    CHECK(scope_child(a, SECONDS(5))->deadline == a->deadline, "cut to the parent's");
    CHECK(scope_child(a, NO_LIMIT)->deadline == a->deadline, "inherited");
    CHECK(scope_child(a, MILLISECONDS(5))->deadline < a->deadline, "its own");
    CHECK_INT(scope_remaining(s), NO_LIMIT);
    CHECK_INT(scope_check(scope_child(s, 0)), ERR_TIMEOUT);
    CHECK_INT(scope_check(scope_child(s, -5)), ERR_TIMEOUT);
}

FIBER_TEST(a_timeout_set_later_reaches_fibers_that_are_parked_below)
{
    scope *a = scope_child(s, NO_LIMIT), *b = scope_child(a, SECONDS(50));
    int64_t began = clock_mono();
    int ended = 0;

    scope_spawn(a, sleep_long, &ended);
    scope_spawn(b, sleep_long, &ended);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_set_timeout(a, MILLISECONDS(10));
    scope_set_timeout(a, SECONDS(10)); /* never later */
    CHECK_INT(scope_join(a), ERR_TIMEOUT);
    CHECK_INT(scope_join(b), ERR_TIMEOUT);
    CHECK(clock_mono() - began < SECONDS(5), "soon");
    scope_close(a);
}

typedef struct {
    char *text, mark;
} marker;

static void add_mark(void *arg)
{
    marker *m = arg;

    strncat(m->text, &m->mark, 1);
}

static void park_in_defer(void *arg)
{
    scope *s = arg;

    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
}

FIBER_TEST(deferred_calls_run_newest_first_after_the_fibers_and_may_park)
{
    scope *c = scope_child(s, NO_LIMIT);
    char text[8] = "";
    marker a = {text, 'a'}, b = {text, 'b'}, d = {text, 'd'};
    scope *below = scope_child(c, NO_LIMIT);

    scope_defer(c, add_mark, &a);
    scope_defer(c, park_in_defer, s);
    scope_defer(c, add_mark, &b);
    scope_defer(below, add_mark, &d);
    scope_close(c);
    CHECK_STR(text, "dba");
}

FIBER_TEST(closing_nothing_is_allowed)
{
    scope_close(NULL);
    scope_close(scope_new("alone"));
    CHECK(list_empty(&s->children), "no trace");
}

static err close_own(scope *s, void *arg)
{
    (void)arg;
    scope_close(s);
    return OK;
}

static void close_from_inside(scope *s)
{
    scope_spawn(s, close_own, NULL);
    CHECK_INT(sleep_for(s, SECONDS(5)), OK);
}

static void close_from_inside_in_child(void)
{
    test_in_fiber(close_from_inside);
}

TEST(closing_a_scope_from_a_fiber_of_its_own_is_a_reported_mistake)
{
    static char said[65536];
    int status = test_in_child(close_from_inside_in_child, said, sizeof said);

    CHECK(strstr(said, "closes the scope it runs in") != NULL, "said: %s", said);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x", (unsigned)status);
}

/* ---- all at once ---- */

typedef struct {
    int depth;
    int *alive;
    chan *c;
    sem *m;
} branch;

static void work_a_little(void *arg)
{
    ++*(int *)arg;
}

/* One random wait; its result does not matter, only that everything comes to an end. */
static err wait_somehow(scope *s, branch *b)
{
    scope *brief = scope_child(s, rand() % 2 == 0 ? MILLISECONDS(rand() % 4) : NO_LIMIT);
    int n = 0;
    void *item;
    err e = OK;

    switch (rand() % 6) {
    case 0:
        e = sleep_for(brief, MILLISECONDS(rand() % 5));
        break;
    case 1:
        e = chan_send(brief, b->c, b);
        break;
    case 2:
        e = chan_recv(brief, b->c, &item);
        break;
    case 3:
        if ((e = sem_take(brief, b->m)) == OK)
            sem_give(b->m);
        break;
    case 4:
        e = offload(brief, work_a_little, &n);
        break;
    default:
        fiber_yield();
    }
    scope_close(brief);
    return e;
}

static err grow(scope *s, void *arg)
{
    branch *b = arg;
    scope *below = scope_child(s, rand() % 3 == 0 ? MILLISECONDS(rand() % 10) : NO_LIMIT);
    branch next = {b->depth + 1, b->alive, b->c, b->m};
    err e = OK;

    ++*b->alive;
    for (int i = 0; i < 3 && b->depth < 5; i++)
        scope_spawn(below, grow, &next);
    for (int i = 0; i < 4; i++)
        e = wait_somehow(rand() % 2 == 0 ? s : below, b);
    if (rand() % 8 == 0)
        scope_cancel(rand() % 4 == 0 ? s : below, "a whim");
    if (rand() % 2 == 0)
        e = scope_join(below);
    scope_close(below); /* `next` lives until here */
    --*b->alive;
    return e;
}

FIBER_TEST(random_trees_of_scopes_come_to_an_end, .limit = 60)
{
    int alive = 0;

    for (unsigned seed = 1; seed <= 15; seed++) {
        scope *top = scope_child(s, MILLISECONDS(150));
        sem m;
        branch b = {.alive = &alive, .c = chan_new(s->arena, 2), .m = &m};

        srand(seed);
        sem_setup(&m, 1);
        scope_spawn(top, grow, &b);
        if (seed % 2 == 0)
            CHECK_INT(sleep_for(s, MILLISECONDS(seed)), OK);
        else
            (void)!scope_join(top);
        scope_close(top);
        CHECK_INT(alive, 0);
        CHECK_INT(fiber_count(), 1);
        CHECK(list_empty(&s->children), "nothing is left, seed %u", seed);
    }
}

/* ---- failures ---- */

FIBER_TEST(a_failure_keeps_code_subject_and_text)
{
    scope *c = scope_child(s, NO_LIMIT);
    failure f;

    CHECK_INT(fail_code(c, ERR_NOT_FOUND, "agent.not_found", "x7", "no agent %s", "x7"), ERR_NOT_FOUND);
    f = scope_failure(c, ERR_NOT_FOUND);
    CHECK_STR(f.code, "agent.not_found");
    CHECK_STR(f.subject, "x7");
    CHECK_STR(f.text, "no agent x7");
    CHECK_INT(fail_from(s, c, ERR_NOT_FOUND), ERR_NOT_FOUND);
    scope_close(c);
    f = scope_failure(s, ERR_NOT_FOUND);
    CHECK_STR(f.code, "agent.not_found");
    CHECK_STR(f.text, "no agent x7");
}

FIBER_TEST(an_error_without_a_recorded_sentence_gets_a_general_one)
{
    for (int e = OK + 1; e < ERR_COUNT; e++)
        CHECK(scope_failure(s, (err)e).text != NULL, "%s", err_name((err)e));
    CHECK_INT(fail(s, ERR_IO, "disk %d", 3), ERR_IO);
    CHECK_STR(scope_failure(s, ERR_IO).text, "disk 3");
    CHECK_STR(scope_failure(s, ERR_DENIED).text, "permission denied"); /* the sentence was about something else */
    CHECK_INT(fail_from(s, s, OK), OK);
}

FIBER_TEST(a_failure_can_quote_the_one_before)
{
    CHECK_INT(fail(s, ERR_IO, "cause"), ERR_IO);
    CHECK_INT(fail(s, ERR_UPSTREAM, "effect of: %s", scope_failure(s, ERR_IO).text), ERR_UPSTREAM);
    CHECK_STR(scope_failure(s, ERR_UPSTREAM).text, "effect of: cause");
}

FIBER_TEST(a_long_failure_is_cut_between_characters)
{
    char text[3001];
    const char *cut;

    for (size_t i = 0; i < 3000; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    text[3000] = '\0';
    (void)fail(s, ERR_INVALID, "%s", text);
    cut = scope_failure(s, ERR_INVALID).text;
    CHECK_INT(strlen(cut), 1023); /* 341 characters of three bytes */
    (void)fail(s, ERR_INVALID, "x%s", text);
    CHECK_INT(strlen(scope_failure(s, ERR_INVALID).text), 1 + 340 * 3);
}
