/* SPDX-License-Identifier: MIT */
/*
 * Fibers: parking, waking and the run queue of a loop.
 *
 * A fiber costs a small struct; it gets a stack when it first runs and hands it back when it ends, so that a hundred
 * thousand short ones need a single stack.  A wake only marks a fiber runnable: nothing runs inside fiber_wake().
 *
 * When a wake and the end of the scope meet, the wake wins: it happens once, while the scope stays ended.
 */
#include "rt/fiber.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "rt/rt_internal.h"

enum {
    PASSES_MAX = 8, /* of the run queue in one turn: those woken by fibers of this turn may still follow */
    POOL_KEPT = 32, /* idle stacks that stay for ever */
    POOL_MAX = 1024,
    TRIM_AFTER = 1000,  /* milliseconds parked */
    TRIMS_A_TICK = 256, /* each is a system call */
};

fiber *fiber_self(void)
{
    loop *l = loop_self();

    return l != NULL ? l->running : NULL;
}

/* The caller of a parking function. */
static fiber *caller(loop *l)
{
    if (l == NULL || l->running == NULL)
        mem_die("a parking call outside any fiber", 0);
    return l->running;
}

size_t fiber_count(void)
{
    size_t n = 0;

    for (size_t i = 0; i < loop_count(); i++)
        n += atomic_load_explicit(&loop_at(i)->fibers, memory_order_relaxed);
    return n;
}

static void count_fibers(loop *l, ptrdiff_t change)
{
    size_t n = atomic_load_explicit(&l->fibers, memory_order_relaxed);

    atomic_store_explicit(&l->fibers, n + (size_t)change, memory_order_relaxed);
    loop_keep(l);
}

fiber *fiber_new(loop *l, scope *s, err (*fn)(scope *s, void *arg), void *arg, bool counted)
{
    fiber *f = mem_alloc(sizeof *f);

    *f = (fiber){.scope = s, .fn = fn, .arg = arg, .wake_at = NO_LIMIT, .timer = NO_TIMER, .counted = counted};
    list_init(&f->in_scope);
    list_append(&l->runnable, &f->link);
    if (counted)
        s->fibers++;
    count_fibers(l, 1);
    return f;
}

/* ---- on the fiber's side ---- */

static void switch_out(loop *l, fiber *f)
{
    context_switch(&f->stack->at, &l->thread, false);
}

/* What a stack runs: one fiber a call. */
static void fiber_main(void)
{
    loop *l = loop_self();
    fiber *f = l->running;
    stack *k = f->stack;
    err e = f->fn(f->scope, f->arg);

    f->state = FIBER_ENDED;
    if (f->counted)
        scope_fiber_ended(f->scope, e);
    context_switch(&k->at, &l->thread, true);
}

static void park(loop *l, fiber *f, scope *s)
{
    f->state = FIBER_PARKED;
    f->parked_at = uv_now(&l->uv);
    list_append(&l->parked, &f->link);
    f->parked_in = s;
    if (s != NULL)
        list_append(&s->parked, &f->in_scope);
    switch_out(l, f);
    if (s != NULL) {
        list_remove(&f->in_scope);
        f->parked_in = NULL;
        scope_left(s);
    }
}

static bool take_wake(fiber *f)
{
    bool woken = f->woken;

    f->woken = false;
    return woken;
}

err fiber_park_until(scope *s, int64_t at)
{
    loop *l = loop_self();
    fiber *f = caller(l);

    if (take_wake(f))
        return OK;
    TRY(scope_check(s));
    f->wake_at = MIN_OF(at, s->deadline);
    if (f->wake_at != NO_LIMIT)
        timer_set(l, f);
    park(l, f, s);
    return take_wake(f) ? OK : scope_check(s);
}

err fiber_park(scope *s)
{
    return fiber_park_until(s, NO_LIMIT);
}

void fiber_park_shielded(void)
{
    loop *l = loop_self();
    fiber *f = caller(l);

    f->wake_at = NO_LIMIT;
    while (!take_wake(f))
        park(l, f, NULL);
}

void fiber_yield(void)
{
    loop *l = loop_self();
    fiber *f = caller(l);

    f->state = FIBER_RUNNABLE;
    list_append(&l->yielded, &f->link);
    switch_out(l, f);
}

/* ---- on the loop's side ---- */

void fiber_unpark(fiber *f)
{
    loop *l = loop_self();

    assert(l != NULL && f->scope->loop == l); /* other threads use loop_post() */
    if (f->state != FIBER_PARKED)
        return;
    f->state = FIBER_RUNNABLE;
    list_remove(&f->link);
    list_append(&l->runnable, &f->link);
}

void fiber_wake(fiber *f)
{
    f->woken = true;
    fiber_unpark(f);
}

static stack *take_stack(loop *l)
{
    stack *k = l->pool;

    if (k == NULL)
        return stack_new(fiber_main);
    l->pool = k->next;
    l->pooled--;
    return k;
}

static void put_stack(loop *l, stack *k)
{
    if (l->pooled == POOL_MAX) {
        stack_free(k);
    } else {
        k->next = l->pool;
        l->pool = k;
        l->pooled++;
    }
    if (!list_empty(&l->starved)) /* somebody waits for a stack */
        list_append(&l->runnable, list_take_first(&l->starved));
}

/* No stack for it: it waits until another fiber ends, rather than ending the process. */
static void starve(loop *l, fiber *f)
{
    if (list_empty(&l->starved))
        log_error("no memory for another fiber stack", log_int("fibers", (int64_t)fiber_count()));
    list_append(&l->starved, &f->link);
}

static void fiber_free(loop *l, fiber *f)
{
    timer_unset(l, f);
    put_stack(l, f->stack);
    free(f);
    count_fibers(l, -1);
}

static void resume(loop *l, fiber *f)
{
    f->state = FIBER_RUNNING;
    l->running = f;
    context_switch(&l->thread, &f->stack->at, false);
    l->running = NULL;
}

/* One clock reading a fiber: the end of a slice is the beginning of the next. */
static int64_t measure(loop *l, const char *label, int64_t began)
{
    int64_t now = clock_mono();

    if (now - began > l->slowest_slice) {
        l->slowest_slice = now - began;
        l->slowest_label = label;
    }
    return now;
}

static void run_one(loop *l, fiber *f, int64_t *began)
{
    const char *label = f->scope->label;

    if (f->stack == NULL && (f->stack = take_stack(l)) == NULL) {
        starve(l, f);
        return;
    }
    resume(l, f);
    *began = measure(l, label, *began); /* the scope may be gone by now */
    if (f->state == FIBER_ENDED)
        fiber_free(l, f);
}

bool fibers_run(loop *l)
{
    int64_t began = clock_mono();
    bool any = !list_empty(&l->runnable);
    list_link now, *next;

    for (int pass = 0; pass < PASSES_MAX && !list_empty(&l->runnable); pass++) {
        list_init(&now);
        list_move(&l->runnable, &now);
        while ((next = list_take_first(&now)) != NULL)
            run_one(l, LIST_OF(next, fiber, link), &began);
    }
    list_move(&l->yielded, &l->runnable);
    return any;
}

/* ---- memory ---- */

bool fibers_want_tick(const loop *l)
{
    return !list_empty(&l->parked) || l->pooled > POOL_KEPT || !list_empty(&l->starved);
}

void fiber_trim(void)
{
    fiber *f = fiber_self();

    if (f != NULL && f->stack != NULL)
        stack_trim_running(f->stack);
}

/* Does somebody wait to be trimmed already? */
bool fibers_trim_behind(const loop *l)
{
    return !list_empty(&l->parked) &&
           uv_now(&l->uv) - LIST_OF(l->parked.next, const fiber, link)->parked_at >= TRIM_AFTER;
}

/* Gives back what parked fibers and the pool do not use. */
void fibers_trim(loop *l)
{
    uint64_t now = uv_now(&l->uv);
    size_t left = TRIMS_A_TICK;

    while (left > 0 && !list_empty(&l->parked)) {
        fiber *f = LIST_OF(l->parked.next, fiber, link);

        if (now - f->parked_at < TRIM_AFTER)
            break;
        list_remove(&f->link); /* linked to itself: unparking it stays harmless */
        left -= stack_trim(f->stack);
    }
    list_move(&l->starved, &l->runnable); /* perhaps there is memory again */
    for (size_t excess = l->pooled > POOL_KEPT ? (l->pooled - POOL_KEPT + 1) / 2 : 0; excess > 0 && left > 0;
         excess--) {
        stack *k = l->pool;

        l->pool = k->next;
        l->pooled--;
        stack_free(k);
        left--;
    }
}

void fibers_close(loop *l)
{
    while (l->pool != NULL) {
        stack *k = l->pool;

        l->pool = k->next;
        stack_free(k);
    }
    l->pooled = 0;
    free(l->timers);
    l->timers = NULL;
}
