/* SPDX-License-Identifier: MIT */
/*
 * The hub: which runs there are.  One map by session and one by run id, shared by all loops under one lock that is never
 * held across anything that waits.
 *
 * A session has at most one live run, or several that may be beside each other: those are all found by their ids, and one
 * of them by the session.  A managed run that has ended stays findable until its time is over or the kept
 * ones together pass a byte limit; then the oldest go first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/run_internal.h"

struct hub_watch {
    notifier *notice;
    list_link link;
};

static struct {
    pthread_mutex_t lock;
    map *by_session;
    map *by_id;
    list_link live; /* oldest first */
    list_link kept; /* ended, in the order of their ends, which is that of their time being over */
    list_link watches;
    bool ready;
    size_t max_run_bytes, max_kept_bytes, kept_bytes;
    int64_t keep;
    hub_stats stats;
} hub = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .max_run_bytes = MIB(64),
    .max_kept_bytes = MIB(256),
    .keep = MINUTES(5),
};

static void lock_hub(void)
{
    pthread_mutex_lock(&hub.lock);
    if (hub.ready)
        return;
    hub.by_session = map_new();
    hub.by_id = map_new();
    list_init(&hub.live);
    list_init(&hub.kept);
    list_init(&hub.watches);
    hub.ready = true;
}

static void unlock_hub(void)
{
    pthread_mutex_unlock(&hub.lock);
}

size_t hub_run_limit(void)
{
    return hub.max_run_bytes;
}

void hub_set_limits(size_t max_bytes_per_run, int64_t keep_after_end, size_t max_kept_bytes)
{
    lock_hub();
    hub.max_run_bytes = max_bytes_per_run;
    hub.keep = keep_after_end;
    hub.max_kept_bytes = max_kept_bytes;
    unlock_hub();
}

/* The place of a run in its session goes to one of those that went on beside it. */
static void hand_over(const run *r)
{
    for (list_link *l = hub.live.next; l != &hub.live; l = l->next) {
        run *other = LIST_OF(l, run, by_age);

        if (other == r || run_state(other) != RUN_LIVE || !cstr_eq(other->facts.session_id, r->facts.session_id))
            continue;
        map_put(hub.by_session, other->facts.session_id, other);
        other->accompanied = true; /* perhaps not any more: then nobody is found */
        return;
    }
}

/* Takes a run out of the maps; the caller drops the hub's reference after unlocking. */
static void forget(run *r)
{
    if (map_get(hub.by_session, r->facts.session_id) == r) {
        map_take(hub.by_session, r->facts.session_id);
        if (r->accompanied)
            hand_over(r);
    }
    map_take(hub.by_id, r->facts.id);
    list_remove(&r->by_age);
    r->listed = false;
    if (run_state(r) != RUN_LIVE && r->drop_at != 0) {
        hub.kept_bytes -= r->bytes;
        hub.stats.kept--;
    }
}

/* Moves what is over its time, or over the byte limit, to `dropped`. */
static void collect_expired(list_link *dropped)
{
    int64_t now = clock_mono();

    while (!list_empty(&hub.kept)) {
        run *r = LIST_OF(hub.kept.next, run, by_age);

        if (r->drop_at > now && hub.kept_bytes <= hub.max_kept_bytes)
            return;
        forget(r);
        list_append(dropped, &r->by_age);
    }
}

static void drop_all(list_link *dropped)
{
    list_link *l;

    while ((l = list_take_first(dropped)) != NULL)
        run_unref(LIST_OF(l, run, by_age));
}

static void tell_watches(void)
{
    for (list_link *l = hub.watches.next; l != &hub.watches; l = l->next)
        notifier_fire(LIST_OF(l, hub_watch, link)->notice);
}

static run *run_new(scope *s, const run_info *info)
{
    run *r = mem_zalloc(1, sizeof *r);
    arena *a = arena_new(NULL);

    r->strings = a;
    r->facts = (run_info){
        .id = info->id != NULL ? arena_strdup(a, info->id) : id_uuid7(a),
        .session_id = arena_strdup(a, info->session_id),
        .user_id = arena_strdup(a, info->user_id),
        .agent_id = arena_strdup(a, info->agent_id),
        .query = arena_strdup(a, info->query),
        .managed = info->managed,
        .beside = info->beside,
        .shows_progress = info->shows_progress,
    };
    atomic_init(&r->refs, 2); /* the caller's and the hub's */
    atomic_init(&r->state, RUN_LIVE);
    r->created = clock_wall();
    r->began = clock_mono();
    run_measure();
    atomic_init(&r->last_activity, r->created);
    r->home = s->loop;
    r->scope = s;
    pthread_mutex_init(&r->lock, NULL);
    list_init(&r->readers);
    list_init(&r->by_age);
    return r;
}

/* Enters `r` unless its session has a live run that is in its way: that one is returned with a reference. */
static run *enter(run *r)
{
    list_link dropped;
    run *before;

    list_init(&dropped);
    lock_hub();
    collect_expired(&dropped);
    /* One that has ended gives way, to those that went on beside it first. */
    while ((before = map_get(hub.by_session, r->facts.session_id)) != NULL && run_state(before) != RUN_LIVE) {
        forget(before);
        list_append(&dropped, &before->by_age);
    }
    if (before != NULL && !(r->facts.beside && before->facts.beside)) {
        run_ref(before);
    } else {
        if (before == NULL)
            map_put(hub.by_session, r->facts.session_id, r);
        else
            before->accompanied = true;
        before = NULL;
        map_put(hub.by_id, r->facts.id, r);
        list_append(&hub.live, &r->by_age);
        r->listed = true;
        hub.stats.live++;
        hub.stats.started++;
        tell_watches();
    }
    unlock_hub();
    drop_all(&dropped);
    return before;
}

/* Of several that wait for their turn the newest stays: an older one does not interrupt it. */
static bool replaces(const run_info *info, const run *r, const run *before)
{
    return info->replace != NULL && before->began <= r->began &&
           (info->replace_any || cstr_eq(before->facts.user_id, info->user_id));
}

err run_begin(scope *s, const run_info *info, run **out)
{
    scope *patience = NULL;
    run *r = run_new(s, info), *before;
    err e = OK;

    while ((before = enter(r)) != NULL) {
        r->waited = true;
        if (replaces(info, r, before))
            run_interrupt(before, info->replace);
        if (run_interrupt_reason(before) == NULL && run_state(before) == RUN_LIVE) {
            e = fail_code(s, ERR_BUSY, "run.busy", info->session_id, "the conversation is already running");
        } else {
            if (patience == NULL)
                patience = scope_child(s, SECONDS(10));
            e = run_wait(patience, before);
            if (e == ERR_TIMEOUT && scope_check(s) == OK)
                e = fail_code(s, ERR_BUSY, "run.unwinding", info->session_id, "the conversation is being cleaned up");
        }
        run_unref(before);
        if (e != OK)
            break;
    }
    scope_close(patience);
    if (e != OK) {
        run_unref(r);
        run_unref(r); /* the hub never took its reference */
        return e;
    }
    *out = r;
    return OK;
}

void hub_ended(run *r)
{
    list_link dropped;

    list_init(&dropped);
    lock_hub();
    hub.stats.live--;
    hub.stats.failed += run_state(r) == RUN_FAILED;
    hub.stats.interrupted += run_state(r) == RUN_INTERRUPTED;
    if (!r->listed) {
        /* a new run of the session came in between and has dropped it already */
    } else if (r->facts.managed && hub.keep > 0) {
        list_remove(&r->by_age);
        list_append(&hub.kept, &r->by_age);
        r->drop_at = clock_mono() + hub.keep;
        hub.kept_bytes += r->bytes;
        hub.stats.kept++;
        if (r->accompanied && map_get(hub.by_session, r->facts.session_id) == r)
            hand_over(r);
    } else {
        forget(r);
        list_append(&dropped, &r->by_age);
    }
    collect_expired(&dropped);
    tell_watches();
    unlock_hub();
    drop_all(&dropped);
}

void hub_expire(void)
{
    list_link dropped;

    list_init(&dropped);
    lock_hub();
    collect_expired(&dropped);
    unlock_hub();
    drop_all(&dropped);
}

static run *find_in(map **m, const char *key)
{
    run *r;

    lock_hub();
    r = map_get(*m, key);
    if (r != NULL)
        run_ref(r);
    unlock_hub();
    return r;
}

run *hub_find(const char *session_id)
{
    return find_in(&hub.by_session, session_id);
}

run *hub_find_run(const char *run_id)
{
    return find_in(&hub.by_id, run_id);
}

static void unref_deferred(void *arg)
{
    run_unref(arg);
}

size_t hub_list(arena *a, const char *user_id, run ***out)
{
    size_t n = 0, cap;

    lock_hub();
    cap = hub.stats.live;
    *out = arena_array(a, run *, cap);
    for (list_link *l = hub.live.next; l != &hub.live && n < cap; l = l->next) {
        run *r = LIST_OF(l, run, by_age);

        if (run_state(r) != RUN_LIVE || (user_id != NULL && !cstr_eq(user_id, r->facts.user_id)))
            continue;
        (*out)[n++] = run_ref(r);
    }
    unlock_hub();
    for (size_t i = 0; i < n; i++)
        arena_defer(a, unref_deferred, (*out)[i]);
    return n;
}

hub_watch *hub_watch_open(void (*changed)(void *arg), void *arg)
{
    hub_watch *w = mem_zalloc(1, sizeof *w);

    w->notice = notifier_new(changed, arg);
    lock_hub();
    list_append(&hub.watches, &w->link);
    unlock_hub();
    return w;
}

void hub_watch_close(hub_watch *w)
{
    if (w == NULL)
        return;
    lock_hub();
    list_remove(&w->link);
    unlock_hub();
    notifier_close(w->notice);
    free(w);
}

void hub_close(void)
{
    list_link *const lists[] = {&hub.live, &hub.kept};
    list_link dropped;

    list_init(&dropped);
    lock_hub();
    for (size_t i = 0; i < COUNT(lists); i++)
        while (!list_empty(lists[i])) {
            list_link *l = lists[i]->next;

            forget(LIST_OF(l, run, by_age));
            list_append(&dropped, l);
        }
    map_free(hub.by_session);
    map_free(hub.by_id);
    hub.ready = false;
    hub.stats = (hub_stats){0};
    hub.kept_bytes = 0;
    unlock_hub();
    drop_all(&dropped);
}

hub_stats hub_read_stats(void)
{
    hub_stats stats;

    lock_hub();
    stats = hub.stats;
    stats.log_bytes = hub.kept_bytes;
    unlock_hub();
    return stats;
}
