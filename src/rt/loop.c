/* SPDX-License-Identifier: MIT */
/*
 * Event loops.  A turn is: timers, then waiting for events and their callbacks, then the fibers that these made runnable,
 * then the hooks of loop_after_turn().  Fibers run in a few passes at most, so that events are never starved.
 *
 * The structs are static and outlive the loops: loop_post() may meet one that has ended, and loops_stop() may interrupt
 * anything.
 */
#include "rt/loop.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "rt/rt_internal.h"
#include "rt/watchdog.h"

enum { TICK_MS = 1000, TICK_SOON_MS = 5 };

static loop loops[LOOPS_MAX];
static _Atomic size_t running_loops;
static atomic_bool stop_asked;
static _Atomic int stoppers; /* threads and signal handlers inside loops_stop() */
static THREAD_LOCAL loop *self;

size_t loop_count(void)
{
    return running_loops;
}

loop *loop_at(size_t index)
{
    return &loops[index];
}

loop *loop_self(void)
{
    return self;
}

size_t loop_index(const loop *l)
{
    return l->index;
}

scope *loop_root(loop *l)
{
    return l->root;
}

uv_loop_t *loop_uv(loop *l)
{
    return &l->uv;
}

int64_t loop_longest_turn(const loop *l)
{
    return atomic_load_explicit(&l->longest_turn, memory_order_relaxed);
}

/* ---- a turn ---- */

static void run_hooks(loop *l)
{
    list_link now, *next;

    list_init(&now);
    list_move(&l->hooks, &now);
    while ((next = list_take_first(&now)) != NULL) {
        loop_hook *hook = LIST_OF(next, loop_hook, link);

        hook->queued = false;
        hook->fn(hook->arg);
    }
}

void loop_after_turn(loop_hook *hook)
{
    if (hook->queued)
        return;
    hook->queued = true;
    list_append(&self->hooks, &hook->link);
}

void loop_forget(loop_hook *hook)
{
    if (!hook->queued)
        return;
    hook->queued = false;
    list_remove(&hook->link);
}

void loop_keep(loop *l)
{
    size_t n = atomic_load_explicit(&l->fibers, memory_order_relaxed);

    if (n > (l->main_waits ? 1 : 0))
        uv_ref((uv_handle_t *)&l->bell);
    else
        uv_unref((uv_handle_t *)&l->bell);
}

/* Is there work besides the main fiber?  After a stop only fibers count: handles are closed with the root scope. */
static bool others_alive(loop *l)
{
    if (atomic_load_explicit(&l->fibers, memory_order_relaxed) > 1)
        return true;
    uv_unref((uv_handle_t *)&l->bell); /* what is left now is somebody else's */
    return l->root->ended == OK && uv_loop_alive(&l->uv);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* being active is all it is for */
}

static void on_tick(uv_timer_t *t)
{
    fibers_trim(t->data);
}

/* Before the loop waits: libuv's clock must be fresh, or timers drift under load. */
static void on_prepare(uv_prepare_t *prepare)
{
    loop *l = prepare->data;

    uv_update_time(&l->uv);
    timers_arm(l);
    if (fibers_want_tick(l) && !uv_is_active((uv_handle_t *)&l->tick))
        uv_timer_start(&l->tick, on_tick, fibers_trim_behind(l) ? TICK_SOON_MS : TICK_MS, 0);
    if (l->main_waits && !others_alive(l))
        fiber_wake(l->main);
    if (list_empty(&l->runnable) && list_empty(&l->hooks))
        uv_idle_stop(&l->idle);
    else
        uv_idle_start(&l->idle, on_idle);
    watchdog_turn_ends(l);
}

static void on_check(uv_check_t *check)
{
    loop *l = check->data;

    watchdog_turn_begins(l);
    fibers_run(l);
    run_hooks(l);
}

/* ---- between threads ---- */

/* The woken thread often takes the processor of the one that wakes it at once.  It must then not need anything that this one
 * holds: with uv_async_send() it spins until the sender is back from its system call.  Async-signal-safe. */
static void ring(loop *l)
{
    const uint64_t one = 1;
    int before = errno;

    while (write(l->bell_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    errno = before;
}

bool loop_post(loop *l, void (*fn)(void *arg), void *arg)
{
    loop_job *job = mem_alloc(sizeof *job);
    bool ended, first;

    *job = (loop_job){.fn = fn, .arg = arg};
    atomic_fetch_add(&l->posters, 1);
    pthread_mutex_lock(&l->lock);
    ended = l->ended;
    first = l->jobs == NULL; /* who posted the job before this one rings for both */
    if (!ended) {
        *l->jobs_end = job;
        l->jobs_end = &job->next;
    }
    pthread_mutex_unlock(&l->lock);
    if (ended)
        free(job);
    else if (first)
        ring(l);
    atomic_fetch_sub(&l->posters, 1);
    return !ended;
}

static void run_jobs(loop *l)
{
    loop_job *job, *next;

    pthread_mutex_lock(&l->lock);
    job = l->jobs;
    l->jobs = NULL;
    l->jobs_end = &l->jobs;
    pthread_mutex_unlock(&l->lock);
    for (; job != NULL; job = next) {
        next = job->next;
        job->fn(job->arg);
        free(job);
    }
}

/* Takes no more jobs, unless some have just come. */
static bool seal(loop *l)
{
    bool empty;

    pthread_mutex_lock(&l->lock);
    empty = l->jobs == NULL;
    l->ended = empty;
    pthread_mutex_unlock(&l->lock);
    return empty;
}

void loops_stop(void)
{
    atomic_fetch_add(&stoppers, 1);
    stop_asked = true;
    for (size_t i = 0; i < running_loops; i++)
        ring(&loops[i]);
    atomic_fetch_sub(&stoppers, 1);
}

static void on_bell(uv_poll_t *bell, int status, int events)
{
    loop *l = bell->data;
    uint64_t rings;

    (void)status;
    (void)events;
    if (read(l->bell_fd, &rings, sizeof rings) < 0 && errno != EAGAIN && errno != EINTR)
        log_error("an event loop cannot be woken", log_int("errno", errno));
    run_jobs(l);
    if (!stop_asked || l->root == NULL)
        return;
    scope_cancel(l->root, "shutting down");
    if (l->main_waits)
        fiber_wake(l->main);
}

/* ---- life of a loop ---- */

/* The first fiber of a loop, and the last: when main_fiber() has returned it waits for everything else. */
static err run_main(scope *root, void *arg)
{
    loop *l = arg;
    err e = l->main_fiber(root, l->main_arg);

    if (e == ERR_CANCELLED && stop_asked)
        e = OK;
    l->main_error = e;
    l->main_waits = true;
    loop_keep(l);
    while (others_alive(l))
        fiber_park_shielded();
    l->main_waits = false;
    loop_keep(l);
    scope_close(root);
    l->root = NULL;
    return e;
}

static void must(int status, const char *what)
{
    if (status >= 0)
        return;
    log_error("cannot make an event loop", log_str("step", what), log_str("reason", uv_strerror(status)));
    abort();
}

static void unreferenced(loop *l, void *handle)
{
    ((uv_handle_t *)handle)->data = l;
    uv_unref(handle);
}

static void loop_open(loop *l, size_t index)
{
    *l = (loop){.index = index, .timer_armed = NO_LIMIT};
    must(uv_loop_init(&l->uv), "loop");
    l->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(l->bell_fd < 0 ? -errno : 0, "eventfd");
    must(uv_poll_init(&l->uv, &l->bell, l->bell_fd), "bell");
    must(uv_poll_start(&l->bell, UV_READABLE, on_bell), "bell");
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->idle);
    uv_timer_init(&l->uv, &l->deadline);
    uv_timer_init(&l->uv, &l->tick);
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    unreferenced(l, &l->prepare);
    unreferenced(l, &l->check);
    unreferenced(l, &l->idle);
    unreferenced(l, &l->deadline);
    unreferenced(l, &l->tick);
    l->bell.data = l;
    list_init(&l->runnable);
    list_init(&l->yielded);
    list_init(&l->parked);
    list_init(&l->starved);
    list_init(&l->hooks);
    pthread_mutex_init(&l->lock, NULL);
    l->jobs_end = &l->jobs;
}

static void loop_close(loop *l)
{
    void *handles[] = {&l->prepare, &l->check, &l->idle, &l->deadline, &l->tick, &l->bell};

    while (l->posters > 0)
        sched_yield();
    for (size_t i = 0; i < COUNT(handles); i++)
        uv_close(handles[i], NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    close(l->bell_fd);
    if (uv_loop_close(&l->uv) != 0)
        log_error("an event loop ended with open handles", log_int("loop", (int64_t)l->index));
}

static void *run_loop(void *arg)
{
    loop *l = arg;
    stack_t before;

    self = l;
    guard_begin(&before);
    context_adopt(&l->thread);
    watchdog_attach(l);
    l->root = scope_new("loop");
    l->main = fiber_new(l, l->root, run_main, l, false);
    ring(l); /* a stop may have been asked for before there was a loop */
    do {
        uv_run(&l->uv, UV_RUN_DEFAULT);
        if (l->main_waits) { /* nothing else is left */
            fiber_wake(l->main);
            uv_ref((uv_handle_t *)&l->bell);
        }
        run_jobs(l); /* uv_run() does not look for them when nothing else keeps it */
    } while (l->fibers > 0 || !seal(l));
    watchdog_detach(l);
    fibers_close(l);
    guard_end(&before);
    self = NULL;
    return NULL;
}

static const char *current_request(void)
{
    const fiber *f = fiber_self();
    const scope *s = f != NULL ? f->scope : NULL;

    while (s != NULL && s->id == NULL)
        s = s->parent;
    return s != NULL ? s->id : NULL;
}

static size_t processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return (size_t)MAX_OF(n, 1);
}

int loops_run(size_t n, err (*main_fiber)(scope *root, void *arg), void *arg)
{
    pthread_t threads[LOOPS_MAX];
    int status = 0;

    n = MIN_OF(n > 0 ? n : processors(), (size_t)LOOPS_MAX);
    signal(SIGPIPE, SIG_IGN);
    log_set_context(current_request);
    for (size_t i = 0; i < n; i++) {
        loop_open(&loops[i], i);
        loops[i].main_fiber = main_fiber;
        loops[i].main_arg = arg;
    }
    running_loops = n;
    watchdog_start();
    for (size_t i = 1; i < n; i++)
        must(-pthread_create(&threads[i], NULL, run_loop, &loops[i]), "thread");
    run_loop(&loops[0]);
    for (size_t i = 1; i < n; i++)
        pthread_join(threads[i], NULL);
    watchdog_stop();
    running_loops = 0;
    stop_asked = false;
    while (stoppers > 0)
        sched_yield();
    for (size_t i = 0; i < n; i++) {
        status |= loops[i].main_error != OK;
        loop_close(&loops[i]);
    }
    return status;
}
