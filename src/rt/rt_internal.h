/* SPDX-License-Identifier: MIT */
/*
 * What the files of rt/ share with each other and with nobody else.
 */
#ifndef RT_INTERNAL_H
#define RT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "rt/fiber.h"
#include "rt/loop.h"
#include "rt/stack.h"

typedef enum { FIBER_RUNNABLE, FIBER_RUNNING, FIBER_PARKED, FIBER_ENDED } fiber_state;

struct fiber {
    list_link link;     /* runnable: loop->runnable; parked: loop->parked until its stack was trimmed */
    list_link in_scope; /* parked: parked_in->parked */
    scope *scope;       /* where it was spawned */
    scope *parked_in;   /* NULL when shielded */
    stack *stack;       /* NULL until it first runs */
    err (*fn)(scope *s, void *arg);
    void *arg;
    int64_t wake_at;    /* clock_mono() value, NO_LIMIT when none; means something while parked */
    size_t timer;       /* its place in loop->timers, NO_TIMER when none */
    uint64_t parked_at; /* uv_now() */
    fiber_state state;
    bool woken;   /* since the last park */
    bool counted; /* in scope->fibers */
};

#define NO_TIMER SIZE_MAX

typedef struct {
    int64_t at;
    fiber *f;
} loop_timer;

typedef struct loop_job {
    struct loop_job *next;
    void (*fn)(void *arg);
    void *arg;
} loop_job;

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;      /* active while fibers are runnable: the loop must not block */
    uv_timer_t deadline; /* for the first of `timers` */
    uv_timer_t tick;     /* trims stacks */
    uv_poll_t bell;      /* wakes the loop for jobs and stop; referenced while there are fibers */
    int bell_fd;         /* an eventfd, and not a uv_async_t: see ring() */
    size_t index;
    pthread_t id;   /* of its thread */
    context thread; /* the loop's own stack */
    fiber *running;
    list_link runnable, yielded, parked, starved, hooks;
    loop_timer *timers; /* binary heap */
    size_t timer_count, timer_cap;
    int64_t timer_armed; /* what `deadline` stands at; NO_LIMIT when stopped */
    stack *pool;
    size_t pooled;
    _Atomic size_t fibers;
    scope *root;
    err (*main_fiber)(scope *root, void *arg);
    void *main_arg;
    fiber *main;
    bool main_waits; /* main_fiber() has returned; its fiber waits until nothing else is left */
    err main_error;
    _Atomic int posters;  /* threads inside loop_post() */
    pthread_mutex_t lock; /* of jobs and ended */
    loop_job *jobs, **jobs_end;
    bool ended;
    int64_t turn_start; /* when the last wait ended; 0: none has */
    _Atomic int64_t longest_turn;
    _Atomic int64_t turn_began; /* for the watchdog; 0 while the loop waits */
    int64_t slowest_slice;      /* of this turn, and whose */
    const char *slowest_label;
};

/* Appends all of `from` to `to`. */
static inline void list_move(list_link *from, list_link *to)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* fiber.c */
fiber *fiber_new(loop *l, scope *s, err (*fn)(scope *s, void *arg), void *arg, bool counted);
bool fibers_run(loop *l);  /* those that are runnable; true when any ran */
void fibers_trim(loop *l); /* gives stack memory back; from the tick */
bool fibers_want_tick(const loop *l);
bool fibers_trim_behind(const loop *l);
void fibers_close(loop *l);
err fiber_park_until(scope *s, int64_t at); /* OK when `at` comes, too */
void fiber_unpark(fiber *f);                /* makes it runnable without counting as a wake */

/* timer.c */
void timer_set(loop *l, fiber *f); /* no later than f->wake_at */
void timer_unset(loop *l, fiber *f);
void timers_fire(loop *l);
void timers_arm(loop *l);

/* scope.c */
void scope_fiber_ended(scope *s, err e);
void scope_left(scope *s); /* a fiber is no longer parked in it */

/* loop.c */
void loop_keep(loop *l); /* stay in uv_run() while there are fibers */

/* guard.c */
void guard_begin(stack_t *before); /* this thread reports overflows from now on */
void guard_end(const stack_t *before);

#endif
