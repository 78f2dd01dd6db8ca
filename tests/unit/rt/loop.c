/* SPDX-License-Identifier: MIT */
/* Tests of rt/loop.c: several loops, posting, stopping, hooks, the watchdog. */
#include "rt/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "rt/chan.h"
#include "rt/fiber.h"
#include "rt/sleep.h"
#include "test.h"

/* ---- running ---- */

static atomic_int entered;

static err count_loop(scope *root, void *arg)
{
    CHECK(loop_self() == root->loop, "on its own loop");
    CHECK(loop_at(loop_index(root->loop)) == root->loop, "by number");
    CHECK(loop_root(root->loop) == root, "its root");
    CHECK_INT(loop_count(), *(size_t *)arg);
    entered++;
    return OK;
}

TEST(every_loop_runs_the_main_fiber)
{
    for (size_t n = 1; n <= 4; n++) {
        entered = 0;
        CHECK_INT(loops_run(n, count_loop, &n), 0);
        CHECK_INT(entered, n);
        CHECK(loop_self() == NULL, "no loop outside");
        CHECK_INT(loop_count(), 0);
    }
}

static err fail_on_second(scope *root, void *arg)
{
    (void)arg;
    return loop_index(root->loop) == 1 ? ERR_IO : OK;
}

TEST(an_error_of_one_main_fiber_is_the_exit_status)
{
    CHECK_INT(loops_run(2, fail_on_second, NULL), 1);
    CHECK_INT(loops_run(1, fail_on_second, NULL), 0);
}

static err note_later(scope *s, void *arg)
{
    TRY(sleep_for(s, MILLISECONDS(20)));
    ++*(atomic_int *)arg;
    return OK;
}

static void on_timer(uv_timer_t *t)
{
    ++*(atomic_int *)t->data;
    uv_close((uv_handle_t *)t, NULL);
}

static err leave_work_behind(scope *root, void *arg)
{
    static uv_timer_t timer;
    scope *own = scope_child(root, NO_LIMIT);

    timer.data = arg;
    uv_timer_init(loop_uv(root->loop), &timer);
    uv_timer_start(&timer, on_timer, 40, 0);
    scope_spawn(root, note_later, arg);
    scope_spawn(own, note_later, arg);
    return OK;
}

TEST(a_loop_ends_only_when_fibers_and_handles_have)
{
    atomic_int done = 0;

    CHECK_INT(loops_run(1, leave_work_behind, &done), 0);
    CHECK_INT(done, 3);
}

/* ---- stopping ---- */

static err wait_for_stop(scope *root, void *arg)
{
    err e = sleep_for(root, NO_LIMIT);

    CHECK_INT(e, ERR_CANCELLED);
    CHECK_STR(root->reason, "shutting down");
    ++*(atomic_int *)arg;
    return e;
}

static void on_alarm(int sig)
{
    (void)sig;
    loops_stop();
    loops_stop();
}

TEST(stopping_from_a_signal_handler_cancels_every_root)
{
    struct sigaction a = {.sa_handler = on_alarm};
    atomic_int stopped = 0;

    sigaction(SIGALRM, &a, NULL);
    ualarm(20000, 0);
    CHECK_INT(loops_run(3, wait_for_stop, &stopped), 0);
    CHECK_INT(stopped, 3);
    loops_stop(); /* nobody is there */
}

static void close_timer(void *arg)
{
    uv_close(arg, NULL);
}

/* As a server does: the main fiber has returned, handles go with the root scope. */
static err serve(scope *root, void *arg)
{
    uv_timer_t *t = arg;

    uv_timer_init(loop_uv(root->loop), t);
    uv_timer_start(t, on_timer, 1000000, 0);
    scope_defer(root, close_timer, t);
    ualarm(20000, 0);
    return OK;
}

TEST(after_a_stop_handles_that_go_with_the_root_scope_hold_nobody_up)
{
    struct sigaction a = {.sa_handler = on_alarm};
    uv_timer_t timer;

    sigaction(SIGALRM, &a, NULL);
    CHECK_INT(loops_run(1, serve, &timer), 0);
}

/* ---- posting ---- */

enum { POSTS = 2000 };

typedef struct {
    chan *c;
    loop *to;
    int next;
    bool in_order, outside;
} inbox;

typedef struct {
    inbox *in;
    int number;
} letter;

static letter letters[POSTS];

static void deliver(void *arg)
{
    letter *m = arg;

    m->in->in_order = m->in->in_order && m->number == m->in->next;
    m->in->outside = m->in->outside && fiber_self() == NULL && loop_self() == m->in->to;
    if (++m->in->next == POSTS)
        CHECK(chan_try_send(m->in->c, m), "room");
}

static void *post_all(void *arg)
{
    inbox *in = arg;

    for (int i = 0; i < POSTS; i++) {
        letters[i] = (letter){in, i};
        CHECK(loop_post(in->to, deliver, &letters[i]), "the loop runs");
    }
    return NULL;
}

FIBER_TEST(posts_from_another_thread_arrive_in_order)
{
    inbox in = {.c = chan_new(s->arena, 1), .to = s->loop, .in_order = true, .outside = true};
    pthread_t thread;
    void *item;

    CHECK_INT(pthread_create(&thread, NULL, post_all, &in), 0);
    CHECK_INT(chan_recv(s, in.c, &item), OK);
    pthread_join(thread, NULL);
    CHECK(in.in_order, "in order");
    CHECK(in.outside, "on the loop, outside any fiber");
    CHECK_INT(in.next, POSTS);
}

static void never(void *arg)
{
    (void)arg;
    CHECK(false, "a dropped call must not run");
}

static err remember_loop(scope *root, void *arg)
{
    *(loop **)arg = root->loop;
    return OK;
}

TEST(a_post_after_the_end_is_dropped)
{
    loop *l = NULL;

    CHECK_INT(loops_run(1, remember_loop, &l), 0);
    CHECK(!loop_post(l, never, NULL), "refused");
}

/* A ball that loops throw to each other, each with its own count: for ThreadSanitizer as much as for us. */
typedef struct {
    int throws_left;
    long sum;
} ball;

static atomic_int balls_done;
static ball balls[8];

static void catch_ball(void *arg)
{
    ball *b = arg;
    loop *next = loop_at((loop_index(loop_self()) + 1) % loop_count());

    b->sum++;
    if (b->throws_left-- > 0)
        CHECK(loop_post(next, catch_ball, b), "the loop runs");
    else if (++balls_done == COUNT(balls))
        loops_stop();
}

static err play(scope *root, void *arg)
{
    (void)arg;
    if (loop_index(root->loop) == 0)
        for (size_t i = 0; i < COUNT(balls); i++) {
            balls[i] = (ball){.throws_left = 500};
            CHECK(loop_post(loop_at(i % loop_count()), catch_ball, &balls[i]), "the loop runs");
        }
    return sleep_for(root, NO_LIMIT);
}

TEST(loops_post_to_each_other)
{
    balls_done = 0;
    CHECK_INT(loops_run(2, play, NULL), 0);
    for (size_t i = 0; i < COUNT(balls); i++)
        CHECK_INT(balls[i].sum, 501);
}

static err one_shot(scope *s, void *arg)
{
    (void)s;
    ++*(long *)arg;
    return OK;
}

static err many_fibers(scope *root, void *arg)
{
    scope *g = scope_child(root, NO_LIMIT);
    long n = 0;
    err e;

    (void)arg;
    for (int i = 0; i < 2000; i++) {
        scope_spawn(g, one_shot, &n);
        scope_spawn(g, note_later, &entered);
    }
    e = scope_join(g);
    CHECK_INT(n, 2000);
    CHECK(fiber_count() >= 1, "counted on all loops");
    scope_close(g);
    return e;
}

TEST(two_loops_run_thousands_of_fibers_each, .limit = 30)
{
    entered = 0;
    CHECK_INT(loops_run(2, many_fibers, NULL), 0);
    CHECK_INT(entered, 4000);
}

/* ---- hooks ---- */

typedef struct {
    loop_hook hook;
    int calls, again;
    char *order, mark;
} hooked;

static void on_hook(void *arg)
{
    hooked *h = arg;

    h->calls++;
    if (h->order != NULL)
        strncat(h->order, &h->mark, 1);
    if (h->again-- > 0)
        loop_after_turn(&h->hook);
}

FIBER_TEST(a_hook_runs_once_a_turn_however_often_it_is_asked_for)
{
    hooked h = {.hook = {.fn = on_hook, .arg = &h}};

    for (int i = 0; i < 10; i++)
        loop_after_turn(&h.hook);
    CHECK_INT(h.calls, 0);
    fiber_yield();
    CHECK_INT(h.calls, 1);
    CHECK_INT(sleep_for(s, MILLISECONDS(3)), OK);
    CHECK_INT(h.calls, 1);
    h.again = 3;
    loop_after_turn(&h.hook);
    for (int tries = 0; h.calls < 5 && tries < 5000; tries++) /* one turn may be all that there is while we sleep */
        CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    CHECK_INT(sleep_for(s, MILLISECONDS(3)), OK);
    CHECK_INT(h.calls, 5);
}

FIBER_TEST(a_forgotten_hook_does_not_run)
{
    hooked h = {.hook = {.fn = on_hook, .arg = &h}};

    loop_after_turn(&h.hook);
    loop_forget(&h.hook);
    loop_forget(&h.hook);
    CHECK_INT(sleep_for(s, MILLISECONDS(2)), OK);
    CHECK_INT(h.calls, 0);
}

static err mark_order(scope *s, void *arg)
{
    (void)s;
    snprintf((char *)arg + strlen(arg), 2, "f");
    return OK;
}

FIBER_TEST(hooks_run_after_the_fibers_of_the_turn)
{
    char order[16] = "";
    hooked h = {.hook = {.fn = on_hook, .arg = &h}, .order = order, .mark = 'h'};
    scope *g = scope_child(s, NO_LIMIT);

    loop_after_turn(&h.hook);
    scope_spawn(g, mark_order, order);
    scope_spawn(g, mark_order, order);
    fiber_yield();
    CHECK_STR(order, "ffh");
    scope_close(g);
}

/* ---- what the loop says about itself ---- */

#define HELD MILLISECONDS(600) /* the watchdog may be late itself */

static err hold(scope *s, void *arg)
{
    int64_t until = clock_mono() + HELD;

    (void)s;
    (void)arg;
    while (clock_mono() < until)
        ;
    return OK;
}

static void hold_the_loop(scope *s)
{
    scope *g = scope_child(s, NO_LIMIT);

    CHECK_INT(sleep_for(s, MILLISECONDS(100)), OK);
    CHECK(loop_longest_turn(s->loop) < MILLISECONDS(60) || test_instrumented(), "waiting is not holding");
    g->label = "holder";
    scope_spawn(g, hold, NULL);
    CHECK_INT(scope_join(g), OK);
    fiber_yield();
    CHECK_INT(sleep_for(s, MILLISECONDS(2)), OK);
    CHECK(loop_longest_turn(s->loop) >= HELD, "%lld ns", (long long)loop_longest_turn(s->loop));
}

static void hold_in_child(void)
{
    test_in_fiber(hold_the_loop);
}

TEST(a_turn_that_holds_the_loop_is_logged_with_the_fiber_that_did_it)
{
    static char said[65536];
    int status = test_in_child(hold_in_child, said, sizeof said);

    CHECK_INT(status, 0);
    CHECK(strstr(said, "loop held ms=") != NULL && strstr(said, "fiber=holder") != NULL, "said: %s", said);
#ifndef NDEBUG
    CHECK(strstr(said, "stuck here") != NULL, "said: %s", said);
#endif
}

static err log_inside(scope *s, void *arg)
{
    (void)s;
    (void)arg;
    log_error("from a fiber");
    return OK;
}

static void log_with_id(scope *s)
{
    scope *request = scope_child(s, NO_LIMIT);
    scope *below = scope_child(request, NO_LIMIT);

    request->id = "req-17";
    scope_spawn(below, log_inside, NULL);
    CHECK_INT(scope_join(below), OK);
    log_error("from the main fiber");
    scope_close(request);
}

static void log_in_child(void)
{
    test_in_fiber(log_with_id);
}

TEST(log_lines_carry_the_request_id_of_the_fiber)
{
    static char said[65536]; /* of a slow machine the watchdog has much to say */

    CHECK_INT(test_in_child(log_in_child, said, sizeof said), 0);
    CHECK(strstr(said, "[req-17] from a fiber") != NULL, "said: %s", said);
    CHECK(strstr(said, "error from the main fiber") != NULL, "said: %s", said);
}
