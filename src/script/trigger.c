/* SPDX-License-Identifier: MIT */
/*
 * Polls, webhooks and deliveries as jobs; see trigger.h.
 *
 *   trigger.poll   one an active instance (its key); asks for its own next time
 *   trigger.call   one a request to a webhook
 *   trigger.event  one an event; those of an instance are in one lane, so they are delivered in order
 *
 * An event and the note that it was seen are one write, so a crash between script and delivery neither loses nor doubles one.
 */
#include "script/trigger.h"

#include <sodium.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "db/seal.h"
#include "model/integration.h"
#include "model/user.h"
#include "script/invoke.h"
#include "store/jobs.h"

#define MICROS(seconds) ((int64_t)(seconds)*1000000)
#define BACKOFF_MAX MICROS(3600)
#define GIVE_UP_AFTER MICROS(86400)
#define SEEN_FOR MICROS(30 * 86400)
#define NOTE_TIME SECONDS(30)

enum { TARGETS_MAX = 8, SEEN_AT_LEAST = 10000, PAYLOAD_MAX = 1024 * 1024, DELIVERY_ATTEMPTS = 8, REASON_MAX = 500 };

static struct {
    const char *kind;
    trigger_target fn;
} targets[TARGETS_MAX];
static size_t n_targets;

void trigger_register_target(const char *kind, trigger_target fn)
{
    if (n_targets < TARGETS_MAX) {
        targets[n_targets].kind = kind;
        targets[n_targets++].fn = fn;
    }
}

static trigger_target find_target(const char *kind)
{
    for (size_t i = 0; i < n_targets; i++)
        if (cstr_eq(targets[i].kind, kind))
            return targets[i].fn;
    return NULL;
}

static bool is_active(const trigger_instance_row *i)
{
    return cstr_eq(i->state, "seeding") || cstr_eq(i->state, "polling") || cstr_eq(i->state, "backoff");
}

/* An instance with what it belongs to. */
typedef struct {
    trigger_instance_row *instance;
    trigger_row *trigger;
    integration_row *integration;
} whole;

static err load(scope *s, const char *instance_id, whole *w)
{
    TRY(trigger_instance_find(s, OWNED_BY_ANYONE, instance_id, &w->instance));
    TRY(trigger_find(s, NULL, w->instance->trigger_id, &w->trigger));
    return integration_find(s, OWNED_BY_ANYONE, w->trigger->integration_id, &w->integration);
}

/* Jobs */

#define POLL_KEY "trigger.poll:" /* and the instance's id */

static const char *poll_key(arena *a, const char *instance_id)
{
    return arena_printf(a, POLL_KEY "%s", instance_id);
}

static const char *lane_of(arena *a, const char *instance_id)
{
    return arena_printf(a, "trigger:%s", instance_id);
}

static job_row next_poll(arena *a, const trigger_instance_row *i)
{
    json_t *payload = json_hold(a, json_object());
    job_row j = {.kind = "trigger.poll",
                 .owner_id = i->owner_id,
                 .key = poll_key(a, i->id),
                 .max_attempts = INT32_MAX, /* what fails here is the server, which will be well again */
                 .run_at = i->next_poll_at > 0 ? i->next_poll_at : 1};

    json_set_str(payload, "instance", i->id);
    j.payload = json_text(a, payload);
    return j;
}

/* Does nothing when it is planned already. */
static err plan_poll(scope *s, const trigger_instance_row *i)
{
    job_row j = next_poll(s->arena, i);

    return i->next_poll_at != INT64_MAX ? job_insert(s, &j) : OK;
}

/* Stores a change of the instance together with the poll that follows from it. */
static err store_planned(scope *s, trigger_instance_row *i)
{
    job_row j = next_poll(s->arena, i);

    return trigger_instance_plan(s, OWNED_BY_ANYONE, i, j.key, &j);
}

/* The same without a poll. */
static err store_unplanned(scope *s, trigger_instance_row *i)
{
    return trigger_instance_plan(s, OWNED_BY_ANYONE, i, poll_key(s->arena, i->id), NULL);
}

err trigger_activate(scope *s, trigger_instance_row *i)
{
    int64_t now = clock_wall();
    trigger_row *t;

    if (is_active(i))
        return plan_poll(s, i); /* if it has lost its job, that is how its owner heals it */
    TRY(trigger_find(s, NULL, i->trigger_id, &t));
    i->failures = i->failing_since = 0;
    i->error = NULL;
    i->last_poll_at = now;
    if (cstr_eq(t->kind, "webhook")) {
        i->state = "polling"; /* of others: it waits for calls */
        i->next_poll_at = INT64_MAX;
        return store_unplanned(s, i);
    }
    i->state = "seeding";
    i->next_poll_at = now;
    return store_planned(s, i);
}

err trigger_deactivate(scope *s, trigger_instance_row *i)
{
    i->state = "inactive";
    return store_unplanned(s, i);
}

err trigger_reschedule(scope *s, trigger_instance_row *i)
{
    int64_t wanted = i->last_poll_at + i->interval;

    if (!cstr_eq(i->state, "polling") || i->next_poll_at == INT64_MAX || i->next_poll_at <= wanted)
        return OK;
    i->next_poll_at = wanted;
    return store_planned(s, i);
}

err trigger_poll_now(scope *s, const trigger_instance_row *i)
{
    trigger_instance_row now = *i;
    job_row j;

    if (!is_active(i))
        return fail_code(s, ERR_CONFLICT, "trigger.inactive", i->id, "the trigger instance is not active");
    if (i->next_poll_at == INT64_MAX)
        return fail_code(s, ERR_UNSUPPORTED, "trigger.webhook", i->id, "a webhook does not poll: it is called");
    now.next_poll_at = clock_wall();
    j = next_poll(s->arena, &now);
    return job_insert_instead(s, j.key, &j); /* when a poll runs just now, that one counts */
}

err trigger_resume(scope *s)
{
    trigger_instance_row *list;
    size_t n;

    TRY(trigger_instance_list_due(s, INT64_MAX - 1, POLL_KEY, 100000, &list, &n));
    for (size_t i = 0; i < n; i++)
        TRY(plan_poll(s, &list[i]));
    return OK;
}

/* Events */

static err take_event(scope *s, const whole *w, const trigger_event *e, const json_t *attachments, bool *fresh)
{
    json_t *payload = json_hold(s->arena, json_object());
    job_row j = {.kind = "trigger.event",
                 .owner_id = w->instance->owner_id,
                 .lane = lane_of(s->arena, w->instance->id),
                 .max_attempts = DELIVERY_ATTEMPTS};

    json_set_str(payload, "instance", w->instance->id);
    json_set_str(payload, "session", id_uuid4(s->arena));
    json_set_str(payload, "event", e->id);
    json_set_str(payload, "timestamp", e->timestamp);
    json_set(payload, "data", json_incref(e->data));
    json_set(payload, "attachments", json_incref((json_t *)attachments));
    j.payload = json_text(s->arena, payload);
    *fresh = false;
    if (strlen(j.payload) > PAYLOAD_MAX) {
        log_warn("trigger.event_too_large", log_str("instance", w->instance->id), log_str("event", e->id));
        return trigger_seen_add(s, w->instance->id, e->id, fresh);
    }
    return trigger_seen_take(s, w->instance->id, e->id, &j, fresh);
}

/* The files of an event that was not seen before: polls overlap, and each would store them again. */
static err keep_files(scope *s, const whole *w, const invocation *in, const trigger_event *e, json_t *attachments)
{
    const json_t *files = json_object_get(e->data, "files");
    bool seen = false;

    if (files == NULL || in->outcome.n_files == 0)
        return OK;
    TRY(trigger_seen_before(s, w->instance->id, e->id, &seen));
    return seen ? OK : invoke_keep_files(s, in, files, attachments);
}

/* While an instance is being seeded, what is older than its activation is only remembered. */
static err take_events(scope *s, const whole *w, invocation *in, bool seeding, size_t *fired)
{
    json_t *rejected = json_hold(s->arena, json_array());
    trigger_event *events;
    size_t n;

    *fired = 0;
    TRY(trigger_read_events(s, in->outcome.value, &events, &n, rejected));
    for (size_t i = 0; i < json_array_size(rejected); i++)
        log_warn("trigger.event_rejected", log_str("instance", w->instance->id),
                 log_str("reason", json_string_value(json_array_get(rejected, i))));
    for (size_t i = 0; i < n; i++) {
        json_t *attachments = json_hold(s->arena, json_array());
        bool fresh;

        if (seeding && events[i].time < w->instance->last_poll_at) {
            TRY(trigger_seen_add(s, w->instance->id, events[i].id, &fresh));
            continue;
        }
        TRY(keep_files(s, w, in, &events[i], attachments));
        TRY(take_event(s, w, &events[i], attachments, &fresh));
        *fired += fresh;
    }
    return OK;
}

/* Polls */

/* Nothing acts for somebody who may not act himself. */
static err check_owner(scope *s, const trigger_instance_row *i)
{
    user_row *owner;
    err e = user_find(s, i->owner_id, &owner);

    if (e == ERR_NOT_FOUND || (e == OK && !owner->active))
        return fail(s, ERR_DENIED, "the user whose instance it is is gone or disabled");
    return e;
}

static err poll(scope *s, const whole *w, size_t *fired)
{
    invocation in = {.integration = w->integration,
                     .user_id = w->instance->owner_id,
                     .connection_id = w->instance->connection_id,
                     .name = w->trigger->slug,
                     .code = w->trigger->code,
                     .input_fields = w->trigger->input_fields,
                     .last_poll_time = clock_iso_ms(s->arena, w->instance->last_poll_at)};

    if (cstr_blank(w->trigger->code))
        return fail(s, ERR_INVALID, "the trigger has no code");
    TRY(check_owner(s, w->instance));
    TRY(json_parse(s->arena, w->instance->input, strlen(w->instance->input), NULL, &in.input));
    TRY(invoke(s, &in));
    if (in.outcome.status != SCRIPT_DONE)
        return fail(s, ERR_UPSTREAM, "%s", in.outcome.message);
    return take_events(s, w, &in, cstr_eq(w->instance->state, "seeding"), fired);
}

static void note_success(trigger_instance_row *i, int64_t started)
{
    i->state = "polling";
    i->last_poll_at = started;
    i->failures = i->failing_since = 0;
    i->error = NULL;
    i->next_poll_at = clock_wall() + i->interval;
}

static void note_failure(trigger_instance_row *i, const char *why)
{
    int64_t now = clock_wall(), pause = i->interval;

    if (i->failures++ == 0)
        i->failing_since = now;
    for (int64_t n = 1; n < i->failures && pause < BACKOFF_MAX; n++)
        pause *= 2;
    i->next_poll_at = now + (pause < BACKOFF_MAX ? pause : i->interval > BACKOFF_MAX ? i->interval : BACKOFF_MAX);
    i->error = why;
    if (cstr_eq(i->state, "polling"))
        i->state = "backoff"; /* one that is being seeded stays so, or old events would fire */
    if (now - i->failing_since > GIVE_UP_AFTER)
        i->state = "deactivated";
}

static const char *reason_of(scope *s, err e)
{
    return str_dup(s->arena, utf8_prefix(str_of(scope_failure(s, e).text), REASON_MAX));
}

/* Notes what a poll came to, and when the next is due; `why` NULL: it went well. */
static err note_poll(scope *s, const whole *w, const char *why, int64_t started, job *j)
{
    trigger_instance_row *i = w->instance;
    bool written = false;

    if (why == NULL) {
        note_success(i, started);
        TRY(trigger_seen_prune(s, i->id, started - SEEN_FOR, SEEN_AT_LEAST, NULL));
    } else {
        note_failure(i, why);
        log_warn(is_active(i) ? "trigger.failed" : "trigger.deactivated", log_str("instance", i->id),
                 log_int("failures", i->failures), log_str("reason", i->error));
    }
    TRY(trigger_instance_mark_polled(s, i, &written));
    if (!written) /* changed meanwhile: what it says now counts */
        TRY(trigger_instance_find(s, OWNED_BY_ANYONE, i->id, &i));
    if (is_active(i))
        j->again_at = i->next_poll_at;
    return OK;
}

/* In a scope of its own: that of a poll which took too long has ended. */
static err end_poll(scope *s, const whole *w, const char *why, int64_t started, job *j)
{
    scope *own = scope_new("trigger.poll");
    err e;

    scope_set_timeout(own, NOTE_TIME);
    if ((e = note_poll(own, w, why, started, j)) != OK)
        e = fail_from(s, own, e);
    scope_close(own);
    return e;
}

static err poll_job(scope *s, job *j)
{
    const int64_t started = clock_wall();
    json_t *payload;
    size_t fired = 0;
    whole w;
    err e;

    TRY(json_parse(s->arena, j->payload, strlen(j->payload), NULL, &payload));
    e = load(s, json_get_str(payload, "instance", ""), &w);
    if (e == ERR_NOT_FOUND || (e == OK && !is_active(w.instance)))
        return OK; /* deleted or stopped meanwhile */
    TRY(e);
    e = poll(s, &w, &fired);
    if (e == ERR_CANCELLED)
        return e; /* the server stops: polled again at the next start */
    TRY(end_poll(s, &w, e != OK ? reason_of(s, e) : NULL, started, j));
    if (fired > 0)
        log_info("trigger.fired", log_str("instance", w.instance->id), log_int("events", (int64_t)fired));
    return OK;
}

/* Webhooks */

static bool same_secret(const char *kept, const char *shown)
{
    size_t n = strlen(kept);

    return shown != NULL && strlen(shown) == n && sodium_memcmp(kept, shown, n) == 0;
}

/* A body in JSON is that value, any other text a string. */
static json_t *body_value(arena *a, str body)
{
    json_t *v;

    if (json_parse(a, body.p, body.len, NULL, &v) == OK)
        return v;
    return json_hold(a, json_str(str_dup(a, body)));
}

/* It is what tells a repeated call from a new one, so none is cut or changed. */
static err check_delivery_id(scope *s, const char *id)
{
    if (id != NULL && (strlen(id) > TRIGGER_EVENT_ID_MAX || !utf8_valid(id, strlen(id))))
        return fail(s, ERR_INVALID, "the id of a delivery may have %d bytes of UTF-8", TRIGGER_EVENT_ID_MAX);
    return OK;
}

struct webhook {
    whole whole;
};

err trigger_webhook_open(scope *s, const char *instance_id, const char *secret, webhook **out)
{
    webhook *hook = arena_one(s->arena, webhook);
    const whole *w = &hook->whole;
    char *kept;

    TRY(load(s, instance_id, &hook->whole));
    if (!cstr_eq(w->trigger->kind, "webhook") || w->instance->sealed_secret == NULL)
        return fail_code(s, ERR_NOT_FOUND, "trigger_instance.not_found", instance_id, "no trigger instance %s",
                         instance_id);
    TRY(seal_open(s->arena, w->instance->sealed_secret, &kept));
    if (!same_secret(kept, secret))
        return fail_code(s, ERR_DENIED, "trigger.secret", NULL, "the webhook's secret is missing or wrong");
    if (!is_active(w->instance) || check_owner(s, w->instance) != OK)
        return fail_code(s, ERR_CONFLICT, "trigger.inactive", instance_id, "the trigger instance is not active");
    *out = hook;
    return OK;
}

err trigger_webhook_call(scope *s, const webhook *hook, const webhook_call *call)
{
    const trigger_instance_row *i = hook->whole.instance;
    json_t *payload = json_hold(s->arena, json_object()), *request;
    job_row j = {.kind = "trigger.call", .max_attempts = DELIVERY_ATTEMPTS};

    TRY(check_delivery_id(s, call->delivery_id));
    request = json_object();
    json_set(payload, "request", request);
    json_set_str(payload, "instance", i->id);
    json_set_str(payload, "delivery", cstr_blank(call->delivery_id) ? id_uuid4(s->arena) : call->delivery_id);
    json_set_int(payload, "received", clock_wall());
    json_set(request, "body", json_incref(body_value(s->arena, call->body)));
    json_set(request, "query", json_incref((json_t *)call->query));
    json_set(request, "headers", json_incref((json_t *)call->headers));
    j.payload = json_text(s->arena, payload);
    if (strlen(j.payload) > PAYLOAD_MAX)
        return fail(s, ERR_TOO_LARGE, "a webhook's request may have 1 MiB");
    j.owner_id = i->owner_id;
    j.lane = arena_printf(s->arena, "trigger.call:%s", i->id);
    return job_insert(s, &j);
}

/* Without code a call is one event; with code it is what the code makes of data.input.request. */
static err call_events(scope *s, const whole *w, const json_t *payload, size_t *fired)
{
    json_t *request = json_object_get(payload, "request");
    invocation in = {.integration = w->integration,
                     .user_id = w->instance->owner_id,
                     .connection_id = w->instance->connection_id,
                     .name = w->trigger->slug,
                     .code = w->trigger->code,
                     .input_fields = w->trigger->input_fields};
    trigger_event e = {.id = json_get_str(payload, "delivery", ""), .data = request};
    bool fresh;

    if (!cstr_blank(w->trigger->code)) {
        TRY(json_parse(s->arena, w->instance->input, strlen(w->instance->input), NULL, &in.input));
        json_set(in.input, "request", json_incref(request));
        TRY(invoke(s, &in));
        if (in.outcome.status != SCRIPT_DONE)
            return fail(s, ERR_UPSTREAM, "%s", in.outcome.message);
        return take_events(s, w, &in, false, fired);
    }
    e.timestamp = clock_iso_ms(s->arena, json_get_int(payload, "received", 0));
    TRY(take_event(s, w, &e, json_hold(s->arena, json_array()), &fresh));
    *fired = fresh;
    return OK;
}

/* For its owner, who sees no logs.  In a scope of its own, as with polls. */
static void note_call(scope *s, const trigger_instance_row *i, err e)
{
    const char *why = e != OK ? reason_of(s, e) : NULL;
    scope *own;

    if (e == ERR_CANCELLED || cstr_eq(why, i->error))
        return;
    own = scope_new("trigger.call");
    scope_set_timeout(own, NOTE_TIME);
    if (trigger_instance_set_error(own, i->id, why) != OK)
        log_warn("trigger.error_not_kept", log_str("instance", i->id));
    scope_close(own);
}

static err call_job(scope *s, job *j)
{
    json_t *payload;
    size_t fired;
    whole w;
    err e;

    TRY(json_parse(s->arena, j->payload, strlen(j->payload), NULL, &payload));
    e = load(s, json_get_str(payload, "instance", ""), &w);
    if (e == ERR_NOT_FOUND || (e == OK && !is_active(w.instance)))
        return OK;
    TRY(e);
    if ((e = check_owner(s, w.instance)) == OK)
        e = call_events(s, &w, payload, &fired);
    note_call(s, w.instance, e);
    return e == ERR_DENIED ? fail(s, ERR_INVALID, "%s", scope_failure(s, e).text) : e; /* no use in trying again */
}

/* Deliveries */

/* A target that is gone or takes none will not take the next event either, unless the instance has been given another. */
static err deactivate_without_target(scope *s, const trigger_instance_row *then, const char *why)
{
    trigger_instance_row *i;

    TRY(trigger_instance_find(s, OWNED_BY_ANYONE, then->id, &i));
    if (!cstr_eq(i->target_id, then->target_id))
        return OK;
    i->state = "deactivated";
    i->error = why;
    log_warn("trigger.deactivated", log_str("instance", i->id), log_str("reason", why));
    return store_unplanned(s, i);
}

static err deliver_to(scope *s, const whole *w, trigger_target deliver, const trigger_delivery *d)
{
    err e = deliver(s, d);

    if (e == ERR_INVALID && cstr_eq(s->failure.code, TRIGGER_TARGET_GONE))
        TRY(deactivate_without_target(s, w->instance, reason_of(s, e)));
    return e;
}

static err event_job(scope *s, job *j)
{
    json_t *payload, *ids;
    trigger_delivery d = {0};
    trigger_target deliver;
    const char **attachments;
    whole w;
    err e;

    TRY(json_parse(s->arena, j->payload, strlen(j->payload), NULL, &payload));
    e = load(s, json_get_str(payload, "instance", ""), &w);
    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    if ((deliver = find_target(w.instance->target_kind)) == NULL)
        return fail(s, ERR_INVALID, "nothing of the kind %s can be started by a trigger", w.instance->target_kind);
    ids = json_get_arr(payload, "attachments");
    attachments = arena_array(s->arena, const char *, json_array_size(ids) + 1);
    for (size_t i = 0; i < json_array_size(ids); i++)
        attachments[i] = json_string_value(json_array_get(ids, i));
    d.instance_id = w.instance->id;
    d.owner_id = w.instance->owner_id;
    d.target_id = w.instance->target_id;
    d.session_id = json_get_str(payload, "session", "");
    d.name = arena_printf(s->arena, "%s: %s", w.integration->name, w.trigger->name);
    d.event_id = json_get_str(payload, "event", "");
    d.timestamp = json_get_str(payload, "timestamp", "");
    d.data = json_object_get(payload, "data");
    d.attachments = attachments;
    d.n_attachments = json_array_size(ids);
    return deliver_to(s, &w, deliver, &d);
}

void trigger_setup(int64_t limit)
{
    static job_kind kinds[] = {
        {.name = "trigger.poll", .run = poll_job},
        {.name = "trigger.call", .run = call_job},
        {.name = "trigger.event", .run = event_job, .timeout = MINUTES(60)},
    };

    kinds[0].timeout = kinds[1].timeout = limit;
    for (size_t i = 0; i < COUNT(kinds); i++)
        jobs_register(&kinds[i]);
}
