/* SPDX-License-Identifier: MIT */
/*
 * The workers; see jobs.h.
 *
 * One dispatcher fiber a loop: it claims what is due, as many as it may run at once, spawns a fiber for each, and sleeps until
 * the next is due, one has ended, or somebody calls jobs_wake().  On the first loop it also looks after what was left behind.
 *
 * Leases are short and renewed while a job runs, so that what a node leaves behind that died waits a minute, not as long as the
 * job might have taken.  Nobody's jobs take more than three quarters of a loop's places.
 */
#include "store/jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "rt/fiber.h"
#include "store/notify.h"

enum { KINDS_MAX = 32, AT_ONCE = 8, CLAIM_MAX = 8 };

#define DEFAULT_TIMEOUT MINUTES(5)
#define LEASE SECONDS(60)
#define RENEW_EVERY SECONDS(15)
#define LOOK_AGAIN SECONDS(30) /* other nodes do not wake us */
#define LOOK_SOON SECONDS(1)   /* something is due, but its lane is taken */
#define RECOVER_EVERY SECONDS(20)
#define RECORD_LIMIT SECONDS(30) /* of what is done in a scope of its own, which nothing else ends */

typedef struct {
    scope *root;
    fiber *self;
    notifier *notice;
    size_t at_once, running;
    bool woken; /* since the last claim */
    int64_t recovered_at, renewed_at;
    list_link working; /* of works */
    list_link link;
} dispatcher;

static struct {
    pthread_mutex_t lock;
    const job_kind *kinds[KINDS_MAX];
    size_t n_kinds;
    const job_backend *backend;
    list_link dispatchers;
    bool ready;
    atomic_bool recovered; /* before that nothing is claimed: it could be taken for a leftover */
    atomic_uint_fast64_t running, done, failed, retried;
} jobs = {.lock = PTHREAD_MUTEX_INITIALIZER};

void jobs_register(const job_kind *k)
{
    if (jobs.n_kinds < KINDS_MAX)
        jobs.kinds[jobs.n_kinds++] = k;
}

void jobs_set_backend(const job_backend *b)
{
    jobs.backend = b;
}

static const job_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < jobs.n_kinds; i++)
        if (cstr_eq(jobs.kinds[i]->name, name))
            return jobs.kinds[i];
    return NULL;
}

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value != 0 ? value : fallback;
}

static void on_notice(void *arg)
{
    dispatcher *d = arg;

    d->woken = true;
    fiber_wake(d->self);
}

void jobs_wake(void)
{
    list_link *at;

    pthread_mutex_lock(&jobs.lock);
    if (jobs.ready)
        for (at = jobs.dispatchers.next; at != &jobs.dispatchers; at = at->next)
            notifier_fire(LIST_OF(at, dispatcher, link)->notice);
    pthread_mutex_unlock(&jobs.lock);
}

/* One job. */

typedef struct {
    list_link link;
    arena *memory; /* of this and the job's strings */
    dispatcher *owner;
    const job_kind *kind;
    job job;
} work;

/* Microseconds until the next attempt, with up to a quarter less so that failures do not march in step. */
static int64_t pause_after(const job_kind *k, int64_t attempt)
{
    int64_t pause = or_default(k->retry_base, SECONDS(10)), most = or_default(k->retry_max, MINUTES(60));

    for (int64_t i = 1; i < attempt && pause < most; i++)
        pause *= 2;
    if (pause > most)
        pause = most;
    pause -= (clock_mono() & 0xffff) * (pause / 4) / 0x10000;
    return pause / 1000;
}

/* Stored in a scope of its own: the work's may have been cancelled. */
static void settle(const job *j, const char *state, const char *why, int64_t run_at)
{
    scope *s = scope_new("job-end");

    scope_set_timeout(s, RECORD_LIMIT);
    if (jobs.backend->settle(s, j, state, why, run_at) != OK)
        log_error("job.not_stored", log_str("job", j->id), log_str("state", state)); /* its lease will run out */
    scope_close(s);
}

static void settle_failed(const work *w, err e, const char *why)
{
    const job *j = &w->job;
    bool last = e == ERR_INVALID || j->attempt >= j->max_attempts;

    log_warn(last ? "job.failed" : "job.retried", log_str("kind", j->kind), log_str("job", j->id),
             log_int("attempt", j->attempt), log_str("reason", why));
    if (last) {
        atomic_fetch_add(&jobs.failed, 1);
        settle(j, "failed", why, 0);
    } else {
        atomic_fetch_add(&jobs.retried, 1);
        settle(j, "queued", why, clock_wall() + pause_after(w->kind, j->attempt));
    }
}

static void run_job(scope *parent, work *w)
{
    scope *s = scope_child(parent, or_default(w->kind->timeout, DEFAULT_TIMEOUT));
    err e;

    s->id = w->job.id;
    e = w->kind->run(s, &w->job);
    if (e == ERR_CANCELLED && parent->ended != OK) { /* the server stops: taken up at the next start */
        settle(&w->job, "queued", NULL, 0);
    } else if (e != OK) {
        settle_failed(w, e, scope_failure(s, e).text);
    } else if (w->job.again_at != 0) {
        settle(&w->job, "queued", NULL, w->job.again_at);
    } else {
        atomic_fetch_add(&jobs.done, 1);
        settle(&w->job, "done", NULL, 0);
    }
    scope_close(s);
}

static err work_fiber(scope *s, void *arg)
{
    work *w = arg;
    dispatcher *d = w->owner;

    if (w->kind == NULL)
        settle(&w->job, "failed", "this server knows no such kind of job", 0);
    else
        run_job(s, w);
    list_remove(&w->link);
    arena_free(w->memory);
    atomic_fetch_sub(&jobs.running, 1);
    d->running--;
    d->woken = true;
    fiber_wake(d->self);
    jobs_wake(); /* its lane may be free, on any loop */
    return OK;
}

/* The dispatcher. */

static void spawn(dispatcher *d, const job *j)
{
    arena *a = arena_new(NULL);
    work *w = arena_one(a, work);

    w->memory = a;
    w->owner = d;
    w->kind = find_kind(j->kind);
    w->job = *j;
    w->job.id = arena_strdup(a, j->id);
    w->job.kind = arena_strdup(a, j->kind);
    w->job.owner_id = arena_strdup(a, j->owner_id);
    w->job.payload = arena_strdup(a, j->payload);
    w->job.claim = arena_strdup(a, j->claim);
    list_append(&d->working, &w->link);
    d->running++;
    atomic_fetch_add(&jobs.running, 1);
    scope_spawn(d->root, work_fiber, w);
}

static size_t works_of(const dispatcher *d, const char *owner_id)
{
    size_t n = 0;

    for (list_link *at = d->working.next; at != &d->working; at = at->next)
        n += cstr_eq(LIST_OF(at, work, link)->job.owner_id, owner_id);
    return n;
}

/* How many to claim, and whose not: with more than half of the places there is one at most who has his share. */
static job_wish next_wish(const dispatcher *d)
{
    const size_t most = d->at_once - d->at_once / 4, room = d->at_once - d->running;
    job_wish w = {.limit = MIN_OF(room, (size_t)CLAIM_MAX)};

    for (list_link *at = d->working.next; at != &d->working && w.not_of == NULL; at = at->next) {
        const char *owner_id = LIST_OF(at, work, link)->job.owner_id;
        size_t n = owner_id != NULL ? works_of(d, owner_id) : 0;

        if (n >= most)
            w = (job_wish){.limit = MIN_OF(room, (size_t)CLAIM_MAX), .not_of = owner_id};
        else
            w.limit = MIN_OF(w.limit, most - n);
    }
    w.limit = MIN_OF(w.limit, most);
    return w;
}

static int64_t lease_end(void)
{
    return clock_wall() + LEASE / 1000;
}

/* Of copies: jobs end while this parks. */
static err renew(scope *s, dispatcher *d)
{
    job *list = arena_array(s->arena, job, d->running);
    size_t n = 0;

    if (clock_mono() - d->renewed_at < RENEW_EVERY)
        return OK;
    for (list_link *at = d->working.next; at != &d->working; at = at->next) {
        const job *j = &LIST_OF(at, work, link)->job;

        list[n++] = (job){.id = arena_strdup(s->arena, j->id), .claim = arena_strdup(s->arena, j->claim)};
    }
    for (size_t i = 0; i < n; i++)
        TRY(jobs.backend->renew(s, &list[i], lease_end()));
    d->renewed_at = clock_mono();
    return OK;
}

/* Claims and starts.  In a scope of its own: what was claimed when the loop ends must be put back by its work, or an attempt would
 * be counted that nobody made. */
static err take(scope *s, dispatcher *d, int64_t now, size_t *n)
{
    scope *own = scope_new("job-claim");
    job_wish wish = next_wish(d);
    job *list = NULL;
    err e;

    scope_set_timeout(own, RECORD_LIMIT);
    wish.not_of = arena_strdup(own->arena, wish.not_of); /* its job may end meanwhile */
    e = jobs.backend->claim(own, &wish, now, lease_end(), &list, n);
    for (size_t i = 0; e == OK && i < *n; i++)
        spawn(d, &list[i]);
    if (e != OK)
        e = fail_from(s, own, e);
    scope_close(own);
    return e;
}

/* Takes up what is due; *wait: nanoseconds to sleep unless woken. */
static err dispatch(scope *s, dispatcher *d, int64_t *wait)
{
    int64_t now = clock_wall(), due = 0;
    size_t n = 0;

    *wait = LOOK_AGAIN;
    if (d->running == d->at_once || !atomic_load(&jobs.recovered))
        return OK; /* the end of one wakes us, or of the recovery */
    TRY(take(s, d, now, &n));
    if (n > 0) {
        *wait = 0; /* there may be more */
        return OK;
    }
    TRY(jobs.backend->next_due(s, &due));
    if (due <= now)
        *wait = LOOK_SOON;
    else if (due - now < LOOK_AGAIN / 1000)
        *wait = (due - now) * 1000 + MILLISECONDS(1);
    return OK;
}

static err look_after(scope *s, dispatcher *d)
{
    bool first = d->recovered_at == 0;

    if (loop_index(d->root->loop) != 0 || (!first && clock_mono() - d->recovered_at < RECOVER_EVERY))
        return OK;
    TRY(jobs.backend->recover(s, first));
    d->recovered_at = clock_mono();
    if (!atomic_exchange(&jobs.recovered, true))
        jobs_wake();
    return OK;
}

/* Parks until woken, or for `wait`; not OK when the loop ends. */
static err rest(dispatcher *d, int64_t wait)
{
    scope *s;

    if (wait == 0 || d->woken)
        return scope_check(d->root);
    s = scope_child(d->root, wait);
    while (!d->woken && fiber_park(s) == OK)
        ;
    scope_close(s);
    return scope_check(d->root);
}

static void enlist(dispatcher *d)
{
    pthread_mutex_lock(&jobs.lock);
    if (!jobs.ready)
        list_init(&jobs.dispatchers);
    jobs.ready = true;
    list_append(&jobs.dispatchers, &d->link);
    pthread_mutex_unlock(&jobs.lock);
}

static void strike(dispatcher *d)
{
    pthread_mutex_lock(&jobs.lock);
    list_remove(&d->link);
    pthread_mutex_unlock(&jobs.lock);
    notifier_close(d->notice);
}

static err dispatcher_fiber(scope *root, void *arg)
{
    dispatcher *d = arg;
    err e = OK;

    d->root = root;
    d->self = fiber_self();
    d->notice = notifier_new(on_notice, d);
    enlist(d);
    while (e == OK) {
        scope *s = scope_child(root, NO_LIMIT);
        int64_t wait = LOOK_AGAIN;

        d->woken = false;
        e = look_after(s, d);
        if (e == OK)
            e = renew(s, d);
        if (e == OK)
            e = dispatch(s, d, &wait);
        if (e != OK && root->ended == OK)
            log_warn("jobs.database", log_str("reason", scope_failure(s, e).text)); /* and again after the rest */
        scope_close(s);
        e = rest(d, d->running > 0 ? MIN_OF(wait, RENEW_EVERY) : wait);
    }
    strike(d);
    while (d->running > 0)
        fiber_park_shielded(); /* until the cancelled jobs have put themselves back */
    free(d);
    return OK;
}

void jobs_open(size_t at_once)
{
    dispatcher *d = mem_zalloc(1, sizeof *d);

    d->at_once = at_once != 0 ? at_once : AT_ONCE;
    list_init(&d->working);
    scope_spawn(loop_root(loop_self()), dispatcher_fiber, d);
}

jobs_stats jobs_read_stats(void)
{
    return (jobs_stats){atomic_load(&jobs.running), atomic_load(&jobs.done), atomic_load(&jobs.failed),
                        atomic_load(&jobs.retried)};
}
