/* SPDX-License-Identifier: MIT */
/* Tests of rt/fiber.c and rt/stack.c: parking, waking, many fibers, stacks. */
#include "rt/fiber.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "rt/chan.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "test.h"

/* What a fiber did, seen by the test. */
typedef struct {
    fiber *self;
    err result;
    int steps;
    bool ended;
} seen;

static err park_once(scope *s, void *arg)
{
    seen *n = arg;

    n->self = fiber_self();
    n->steps = 1;
    n->result = fiber_park(s);
    n->ended = true;
    return n->result;
}

static void yields(int n)
{
    while (n-- > 0)
        fiber_yield();
}

FIBER_TEST(a_spawned_fiber_starts_after_the_spawner_parks)
{
    scope *c = scope_child(s, NO_LIMIT);
    seen n = {0};

    scope_spawn(c, park_once, &n);
    CHECK_INT(n.steps, 0);
    yields(2);
    CHECK_INT(n.steps, 1);
    CHECK(!n.ended, "it is parked");
    fiber_wake(n.self);
    CHECK_INT(scope_join(c), OK);
    CHECK(n.ended, "it was woken");
    scope_close(c);
}

FIBER_TEST(a_wake_before_the_park_is_not_lost)
{
    fiber_wake(fiber_self());
    CHECK_INT(fiber_park(s), OK);
    fiber_wake(fiber_self());
    fiber_wake(fiber_self());
    fiber_park_shielded();
    CHECK_INT(fiber_park(scope_child(s, MILLISECONDS(5))), ERR_TIMEOUT); /* two wakes are one */
}

FIBER_TEST(cancel_ends_a_park_and_every_later_one)
{
    scope *c = scope_child(s, NO_LIMIT);
    seen n = {0};

    scope_spawn(c, park_once, &n);
    yields(2);
    scope_cancel(c, "enough");
    CHECK_INT(scope_join(c), ERR_CANCELLED);
    CHECK_INT(n.result, ERR_CANCELLED);
    CHECK_INT(fiber_park(c), ERR_CANCELLED);
    CHECK_STR(scope_failure(c, ERR_CANCELLED).text, "enough");
    scope_close(c);
}

FIBER_TEST(a_deadline_ends_a_park)
{
    int64_t began = clock_mono();
    int64_t took;

    CHECK_INT(fiber_park(scope_child(s, MILLISECONDS(20))), ERR_TIMEOUT);
    took = clock_mono() - began;
    CHECK(took >= MILLISECONDS(20), "after %lld ns", (long long)took);
    CHECK(took < SECONDS(2), "after %lld ns", (long long)took);
}

FIBER_TEST(a_wake_beats_a_cancel_of_the_same_turn)
{
    scope *c = scope_child(s, NO_LIMIT);
    seen a = {0}, b = {0};

    scope_spawn(c, park_once, &a);
    scope_spawn(c, park_once, &b);
    yields(2);
    fiber_wake(a.self);
    scope_cancel(c, NULL);
    fiber_wake(b.self);
    CHECK_INT(scope_join(c), OK);
    CHECK_INT(a.result, OK);
    CHECK_INT(b.result, OK);
    scope_close(c);
}

static err park_shielded(scope *s, void *arg)
{
    seen *n = arg;

    n->self = fiber_self();
    fiber_park_shielded();
    n->result = scope_check(s);
    n->ended = true;
    return OK;
}

FIBER_TEST(neither_cancel_nor_deadline_ends_a_shielded_park)
{
    scope *c = scope_child(s, MILLISECONDS(5));
    seen n = {0};

    scope_spawn(c, park_shielded, &n);
    CHECK_INT(sleep_for(s, MILLISECONDS(20)), OK);
    scope_cancel(c, NULL);
    yields(3);
    CHECK(!n.ended, "it waits for its wake");
    fiber_wake(n.self);
    CHECK_INT(scope_join(c), OK);
    CHECK(n.ended && n.result != OK, "it saw the end of its scope afterwards");
    scope_close(c);
}

typedef struct {
    char text[64];
} trace;

typedef struct {
    trace *t;
    char name;
} tracer;

static err trace_twice(scope *s, void *arg)
{
    tracer *r = arg;

    (void)s;
    strncat(r->t->text, &r->name, 1);
    fiber_yield();
    strncat(r->t->text, &r->name, 1);
    return OK;
}

FIBER_TEST(fibers_take_turns_in_order)
{
    scope *c = scope_child(s, NO_LIMIT);
    trace t = {""};
    tracer a = {&t, 'a'}, b = {&t, 'b'}, d = {&t, 'd'};

    scope_spawn(c, trace_twice, &a);
    scope_spawn(c, trace_twice, &b);
    scope_spawn(c, trace_twice, &d);
    CHECK_INT(scope_join(c), OK);
    CHECK_STR(t.text, "abdabd");
    scope_close(c);
}

static void count_timer(uv_timer_t *t)
{
    ++*(int *)t->data;
}

static err spin_until(scope *s, void *arg)
{
    (void)s;
    while (*(int *)arg == 0)
        fiber_yield();
    return OK;
}

FIBER_TEST(yielding_fibers_do_not_starve_the_loop)
{
    scope *c = scope_child(s, NO_LIMIT);
    uv_timer_t timer;
    int fired = 0;

    timer.data = &fired;
    uv_timer_init(loop_uv(s->loop), &timer);
    uv_timer_start(&timer, count_timer, 5, 0);
    scope_spawn(c, spin_until, &fired);
    scope_spawn(c, spin_until, &fired);
    CHECK_INT(scope_join(c), OK);
    CHECK_INT(fired, 1);
    scope_close(c);
    uv_close((uv_handle_t *)&timer, NULL);
    yields(2);
}

static err ping(scope *s, void *arg)
{
    chan *c = arg;
    void *item;

    while (chan_recv(s, c, &item) == OK)
        ;
    return OK;
}

FIBER_TEST(fibers_that_wake_each_other_do_not_starve_the_loop)
{
    scope *group = scope_child(s, MILLISECONDS(300));
    chan *c = chan_new(s->arena, 1);
    long sent = 0;

    scope_spawn(group, ping, c);
    while (chan_send(group, c, c) == OK)
        sent++;
    CHECK(sent > 10, "%ld sent", sent);
    CHECK_INT(scope_join(group), OK);
    scope_close(group);
}

static err count_one(scope *s, void *arg)
{
    (void)s;
    ++*(int *)arg;
    return OK;
}

FIBER_TEST(a_hundred_thousand_fibers_come_and_go, .limit = 30)
{
    scope *c = scope_child(s, NO_LIMIT);
    int64_t began = clock_mono();
    int ran = 0;

    for (int i = 0; i < 100000; i++)
        scope_spawn(c, count_one, &ran);
    CHECK_INT(fiber_count(), 100001);
    CHECK_INT(scope_join(c), OK);
    fprintf(stderr, "100,000 fibers: %.0f ns each\n", (double)(clock_mono() - began) / 100000);
    CHECK_INT(ran, 100000);
    CHECK_INT(fiber_count(), 1);
    scope_close(c);
}

static err yield_often(scope *s, void *arg)
{
    (void)s;
    for (int i = 0; i < *(int *)arg; i++)
        fiber_yield();
    return OK;
}

static err relay(scope *s, void *arg)
{
    chan **pair = arg;
    void *item;

    while (chan_recv(s, pair[0], &item) == OK)
        TRY(chan_send(s, pair[1], item));
    return OK;
}

/* A figure for the log, and a bound that only a mistake can break. */
FIBER_TEST(a_switch_costs_little)
{
    enum { ROUNDS = 1000, FIBERS = 100, HOPS = 20000 };
    scope *c = scope_child(s, NO_LIMIT);
    chan *pair[2] = {chan_new(s->arena, 1), chan_new(s->arena, 1)};
    int rounds = ROUNDS;
    int64_t began = clock_mono();
    double each;
    void *item;

    for (int i = 0; i < FIBERS; i++)
        scope_spawn(c, yield_often, &rounds);
    CHECK_INT(scope_join(c), OK);
    each = (double)(clock_mono() - began) / (ROUNDS * FIBERS);
    fprintf(stderr, "yield and come back: %.0f ns\n", each);
    CHECK(test_instrumented() || each < 3000, "%.0f ns", each);

    scope_spawn(c, relay, pair);
    began = clock_mono();
    for (int i = 0; i < HOPS; i++) {
        CHECK_INT(chan_send(s, pair[0], pair), OK);
        CHECK_INT(chan_recv(s, pair[1], &item), OK);
    }
    fprintf(stderr, "there and back over two channels: %.0f ns\n", (double)(clock_mono() - began) / HOPS);
    chan_close(pair[0]);
    CHECK_INT(scope_join(c), OK);
    scope_close(c);
}

static size_t resident(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    CHECK(f != NULL && fscanf(f, "%*u %lu", &pages) == 1, "statm");
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Uses a good part of its stack before it parks, as a handler does that formats and parses. */
__attribute__((noinline)) static err deep_then_park(scope *s, void *arg)
{
    volatile char used[16384];

    for (size_t i = 0; i < sizeof used; i += 512)
        used[i] = 1;
    (void)arg;
    return used[512] == 1 ? OK : fiber_park(s);
}

static err go_deep_and_park(scope *s, void *arg)
{
    TRY(deep_then_park(s, arg));
    return fiber_park(s);
}

FIBER_TEST(ten_thousand_parked_fibers_stay_small, .limit = 30)
{
    enum { FIBERS = 10000 };
    size_t n = test_instrumented() ? 1000 : FIBERS; /* ThreadSanitizer knows at most 8,000 */
    scope *c = scope_child(s, NO_LIMIT);
    size_t before = resident(), at_once, trimmed;

    for (size_t i = 0; i < n; i++)
        scope_spawn(c, go_deep_and_park, NULL);
    yields(3);
    CHECK_INT(fiber_count(), n + 1);
    at_once = resident() - before;
    CHECK_INT(sleep_for(s, MILLISECONDS(2500)), OK);
    trimmed = resident() - before;
    fprintf(stderr, "%zu parked fibers: %zu bytes each, %zu after a while\n", n, at_once / n, trimmed / n);
    CHECK(test_instrumented() || trimmed / n < 8192, "%zu bytes each", trimmed / n);
    CHECK(test_instrumented() || trimmed < at_once / 2, "the unused stack went back");
    scope_cancel(c, NULL);
    CHECK_INT(scope_join(c), ERR_CANCELLED);
    scope_close(c);
}

typedef struct {
    char keep[3000];
    int64_t sum;
} frame_data;

static err keep_and_park(scope *s, void *arg)
{
    frame_data d;

    memset(d.keep, 7, sizeof d.keep);
    CHECK_INT(fiber_park(scope_child(s, MILLISECONDS(1800))), ERR_TIMEOUT);
    for (size_t i = 0; i < sizeof d.keep; i++)
        *(int64_t *)arg += d.keep[i];
    return OK;
}

FIBER_TEST(a_trimmed_stack_keeps_what_is_in_use)
{
    scope *c = scope_child(s, NO_LIMIT);
    int64_t sum = 0;

    for (int i = 0; i < 50; i++)
        scope_spawn(c, keep_and_park, &sum);
    CHECK_INT(scope_join(c), OK);
    CHECK_INT(sum, 50 * 7 * (int)sizeof(frame_data){0}.keep);
    scope_close(c);
}

/* ---- overflow ---- */

static volatile int bottomless = 1;

__attribute__((noinline)) static int dig(int depth)
{
    volatile char frame[1000];

    frame[0] = (char)depth;
    return bottomless ? dig(depth + 1) + frame[0] : frame[0];
}

static err overflow(scope *s, void *arg)
{
    (void)s;
    *(int *)arg = dig(0);
    return OK;
}

static void overflow_on_a_loop(scope *s)
{
    scope *c = scope_child(s, NO_LIMIT);
    int unused;

    c->label = "digger";
    scope_spawn(c, overflow, &unused);
    CHECK_INT(scope_join(c), OK);
}

static void overflow_in_child(void)
{
    test_in_fiber(overflow_on_a_loop);
}

TEST(stack_overflow_hits_the_guard_and_is_reported)
{
    static char said[65536];
    int status = test_in_child(overflow_in_child, said, sizeof said);

    CHECK(strstr(said, "fiber stack overflow in digger") != NULL, "said: %s", said);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x", (unsigned)status);
}

/* Makes madvise(MADV_GUARD_INSTALL) fail as on kernels before 6.13. */
static void overflow_on_an_older_kernel(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 102, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {COUNT(rules), rules};

    CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_INT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    overflow_in_child();
}

TEST(stack_overflow_is_reported_on_older_kernels_too)
{
    static char said[65536];
    int status = test_in_child(overflow_on_an_older_kernel, said, sizeof said);

    CHECK(strstr(said, "fiber stack overflow in digger") != NULL, "said: %s", said);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x", (unsigned)status);
}

/* ---- no memory for stacks ---- */

static err sleep_briefly(scope *s, void *arg)
{
    TRY(sleep_for(s, MILLISECONDS(1)));
    ++*(int *)arg;
    return OK;
}

static void run_short_of_stacks(scope *s)
{
    struct rlimit limit = {.rlim_max = RLIM_INFINITY};
    scope *c = scope_child(s, NO_LIMIT);
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    int ran = 0;

    CHECK(f != NULL && fscanf(f, "%lu", &pages) == 1, "statm");
    fclose(f);
    limit.rlim_cur = pages * (size_t)sysconf(_SC_PAGESIZE) + MIB(20); /* for about sixty stacks */
    CHECK_INT(setrlimit(RLIMIT_AS, &limit), 0);
    for (int i = 0; i < 1000; i++)
        scope_spawn(c, sleep_briefly, &ran);
    CHECK_INT(scope_join(c), OK);
    CHECK_INT(ran, 1000);
    scope_close(c);
}

static void run_short_of_stacks_in_child(void)
{
    if (!test_instrumented()) /* sanitizers need terabytes of addresses */
        test_in_fiber(run_short_of_stacks);
}

TEST(fibers_wait_for_a_stack_when_memory_is_short)
{
    static char said[65536];

    CHECK(test_in_child(run_short_of_stacks_in_child, said, sizeof said) == 0, "said: %s", said);
    CHECK(test_instrumented() || strstr(said, "no memory for another fiber stack") != NULL, "said: %s", said);
}
