/* SPDX-License-Identifier: MIT */
/* Instances of triggers, and the events that they have seen; see trigger.h. */
#include "base/clock.h"
#include "base/id.h"
#include "model/rows.h"
#include "model/trigger.h"
#include "store/jobs.h"

#define COLUMNS                                                                                                        \
    "id, trigger_id, owner_id, connection_id, target_kind, target_id, input, state, interval_us, sealed_secret, "      \
    "last_poll_at, next_poll_at, failures, failing_since, error, created_at, updated_at"

/* As it counts today: a connection that was deleted is none. */
#define READ_COLUMNS                                                                                                   \
    "id, trigger_id, owner_id, (SELECT c.id FROM connection c WHERE c.id = trigger_instance.connection_id)"            \
    " AS connection_id, target_kind, target_id, input, state, interval_us, sealed_secret, last_poll_at, "              \
    "next_poll_at, failures, failing_since, error, created_at, updated_at"

static void read_instance(const db_rows *rows, size_t at, trigger_instance_row *i)
{
    row_reader r = {rows, at, 0};

    i->id = take_text(&r);
    i->trigger_id = take_text(&r);
    i->owner_id = take_text(&r);
    i->connection_id = take_text(&r);
    i->target_kind = take_text(&r);
    i->target_id = take_text(&r);
    i->input = take_text(&r);
    i->state = take_text(&r);
    i->interval = take_int(&r);
    i->sealed_secret = take_text(&r);
    i->last_poll_at = take_int(&r);
    i->next_poll_at = take_int(&r);
    i->failures = take_int(&r);
    i->failing_since = take_int(&r);
    i->error = take_text(&r);
    i->created_at = take_int(&r);
    i->updated_at = take_int(&r);
}

/* $1 to $17 in the order of COLUMNS. */
#define VALUES(i)                                                                                                      \
    DB_ARGS(db_text((i)->id), db_text((i)->trigger_id), db_text((i)->owner_id), db_text((i)->connection_id),           \
            db_text((i)->target_kind), db_text((i)->target_id), db_text((i)->input), db_text((i)->state),              \
            db_int((i)->interval), db_text((i)->sealed_secret), db_int((i)->last_poll_at), db_int((i)->next_poll_at),  \
            db_int((i)->failures), db_int((i)->failing_since), db_text((i)->error), db_int((i)->created_at),           \
            db_int((i)->updated_at))

static err check_number(scope *s, const char *owner_id)
{
    int64_t n = 0;

    TRY(model_count(s, "SELECT COUNT(*) FROM trigger_instance WHERE owner_id = $1", DB_ARGS(db_text(owner_id)), &n));
    if (n >= TRIGGER_INSTANCES_MAX)
        return fail_code(s, ERR_TOO_LARGE, "trigger_instance.too_many", NULL,
                         "more than %d trigger instances are not possible", TRIGGER_INSTANCES_MAX);
    return OK;
}

err trigger_instance_insert(scope *s, trigger_instance_row *i)
{
    err e;

    TRY(check_number(s, i->owner_id));
    TRY(model_check_key(s, "the target's id", i->target_id));
    if (i->id == NULL)
        i->id = id_uuid4(s->arena);
    i->input = text_or(i->input, "{}");
    i->state = text_or(i->state, "inactive");
    i->created_at = i->updated_at = clock_wall();
    e = db_exec(s,
                "INSERT INTO trigger_instance (" COLUMNS
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
                VALUES(i), NULL);
    return e == ERR_CONFLICT ? model_missing(s, "trigger.not_found", "trigger", i->trigger_id) : e;
}

err trigger_instance_find(scope *s, owned_by who, const char *id, trigger_instance_row **out)
{
    db_rows r;

    TRY(db_query(s, "SELECT " READ_COLUMNS " FROM trigger_instance WHERE ($1 = 1 OR owner_id = $2) AND id = $3",
                 DB_ARGS(WHO(who), db_text(id)), &r));
    if (r.count == 0)
        return model_missing(s, "trigger_instance.not_found", "trigger instance", id);
    *out = arena_one(s->arena, trigger_instance_row);
    read_instance(&r, 0, *out);
    return OK;
}

static err give(scope *s, const db_rows *r, trigger_instance_row **out, size_t *n)
{
    *out = arena_array(s->arena, trigger_instance_row, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++)
        read_instance(r, i, &(*out)[i]);
    return OK;
}

err trigger_instance_list(scope *s, owned_by who, const char *trigger_id, const char *target_id,
                          trigger_instance_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " READ_COLUMNS " FROM trigger_instance WHERE ($1 = 1 OR owner_id = $2)"
                 " AND ($3 = '' OR trigger_id = $3) AND ($4 = '' OR target_id = $4) ORDER BY created_at, id",
                 DB_ARGS(WHO(who), db_text(text_or(trigger_id, "")), db_text(text_or(target_id, ""))), &r));
    return give(s, &r, out, n);
}

err trigger_instance_list_due(scope *s, int64_t now, const char *planned, int64_t limit, trigger_instance_row **out,
                              size_t *n)
{
    db_rows r;

    TRY(db_query(
        s,
        "SELECT " READ_COLUMNS " FROM trigger_instance WHERE state IN ('seeding', 'polling', 'backoff')"
        " AND next_poll_at <= $1 AND ($3 = '' OR NOT EXISTS"
        " (SELECT 1 FROM job WHERE unique_key = $3 || trigger_instance.id)) ORDER BY next_poll_at, id LIMIT $2",
        DB_ARGS(db_int(now), db_int(limit), db_text(text_or(planned, ""))), &r));
    return give(s, &r, out, n);
}

#define UPDATE                                                                                                         \
    "UPDATE trigger_instance SET connection_id = $4, target_kind = $5, target_id = $6, input = $7, state = $8,"        \
    " interval_us = $9, sealed_secret = $10, last_poll_at = $11, next_poll_at = $12, failures = $13,"                  \
    " failing_since = $14, error = $15, updated_at = $16 WHERE ($1 = 1 OR owner_id = $2) AND id = $3"

#define UPDATE_ARGS(who, i)                                                                                            \
    DB_ARGS(WHO(who), db_text((i)->id), db_text((i)->connection_id), db_text((i)->target_kind),                        \
            db_text((i)->target_id), db_text(text_or((i)->input, "{}")), db_text(text_or((i)->state, "inactive")),     \
            db_int((i)->interval), db_text((i)->sealed_secret), db_int((i)->last_poll_at), db_int((i)->next_poll_at),  \
            db_int((i)->failures), db_int((i)->failing_since), db_text((i)->error), db_int((i)->updated_at))

err trigger_instance_update(scope *s, owned_by who, trigger_instance_row *i)
{
    i->updated_at = clock_wall();
    return model_exec_one(s, "trigger_instance.not_found", "trigger instance", i->id, UPDATE, UPDATE_ARGS(who, i));
}

err trigger_instance_plan(scope *s, owned_by who, trigger_instance_row *i, const char *key, job_row *poll)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    i->updated_at = clock_wall();
    db_batch_expect(b, 1, UPDATE, UPDATE_ARGS(who, i));
    job_add_instead(s->arena, b, key, poll);
    e = db_batch_run(s, b);
    if (e == OK)
        jobs_wake();
    return e == ERR_CONFLICT ? model_missing(s, "trigger_instance.not_found", "trigger instance", i->id) : e;
}

/* `updated_at` tells a change by somebody; a poll itself leaves it alone. */
err trigger_instance_mark_polled(scope *s, const trigger_instance_row *i, bool *done)
{
    int64_t changed = 0;

    TRY(db_exec(s,
                "UPDATE trigger_instance SET state = $3, last_poll_at = $4, next_poll_at = $5, failures = $6,"
                " failing_since = $7, error = $8 WHERE id = $1 AND updated_at = $2"
                " AND state IN ('seeding', 'polling', 'backoff')",
                DB_ARGS(db_text(i->id), db_int(i->updated_at), db_text(i->state), db_int(i->last_poll_at),
                        db_int(i->next_poll_at), db_int(i->failures), db_int(i->failing_since), db_text(i->error)),
                &changed));
    *done = changed > 0;
    return OK;
}

err trigger_instance_set_error(scope *s, const char *id, const char *error)
{
    return db_exec(s, "UPDATE trigger_instance SET error = $2 WHERE id = $1", DB_ARGS(db_text(id), db_text(error)),
                   NULL);
}

err trigger_instance_delete(scope *s, owned_by who, const char *id)
{
    return model_exec_one(s, "trigger_instance.not_found", "trigger instance", id,
                          "DELETE FROM trigger_instance WHERE ($1 = 1 OR owner_id = $2) AND id = $3",
                          DB_ARGS(WHO(who), db_text(id)));
}

err trigger_seen_before(scope *s, const char *instance_id, const char *event_id, bool *seen)
{
    int64_t n = 0;

    TRY(model_count(s, "SELECT COUNT(*) FROM trigger_seen WHERE instance_id = $1 AND event_id = $2",
                    DB_ARGS(db_text(instance_id), db_text(event_id)), &n));
    *seen = n > 0;
    return OK;
}

err trigger_seen_add(scope *s, const char *instance_id, const char *event_id, bool *fresh)
{
    int64_t added = 0;

    TRY(model_check_key(s, "the event's id", event_id));
    TRY(db_exec(s,
                "INSERT INTO trigger_seen (instance_id, event_id, seen_at) VALUES ($1, $2, $3)"
                " ON CONFLICT (instance_id, event_id) DO NOTHING",
                DB_ARGS(db_text(instance_id), db_text(event_id), db_int(clock_wall())), &added));
    *fresh = added > 0;
    return OK;
}

err trigger_seen_take(scope *s, const char *instance_id, const char *event_id, job_row *j, bool *fresh)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    TRY(model_check_key(s, "the event's id", event_id));
    db_batch_expect(b, 1,
                    "INSERT INTO trigger_seen (instance_id, event_id, seen_at) VALUES ($1, $2, $3)"
                    " ON CONFLICT (instance_id, event_id) DO NOTHING",
                    DB_ARGS(db_text(instance_id), db_text(event_id), db_int(clock_wall())));
    job_add(s->arena, b, j);
    e = db_batch_run(s, b);
    *fresh = e == OK;
    if (e == OK)
        jobs_wake();
    return e == ERR_CONFLICT ? OK : e;
}

err trigger_seen_prune(scope *s, const char *instance_id, int64_t before, int64_t keep, int64_t *deleted)
{
    return db_exec(
        s,
        "DELETE FROM trigger_seen WHERE instance_id = $1 AND seen_at < $2 AND event_id NOT IN"
        " (SELECT event_id FROM trigger_seen WHERE instance_id = $1 ORDER BY seen_at DESC, event_id LIMIT $3)",
        DB_ARGS(db_text(instance_id), db_int(before), db_int(keep)), deleted);
}
