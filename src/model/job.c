/* SPDX-License-Identifier: MIT */
/* Jobs; see job.h.  A claim is one write that marks rows with a name of its own, and a read of that name. */
#include "model/job.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/rows.h"
#include "store/jobs.h"

enum { KEEP_ENDED_DAYS = 7 };

#define COLUMNS                                                                                                        \
    "id, kind, owner_id, lane, unique_key, payload, run_at, max_attempts, state, error, progress, attempts, "          \
    "created_at, finished_at"

static void read_job(const db_rows *rows, size_t at, job_row *j)
{
    row_reader r = {rows, at, 0};

    j->id = take_text(&r);
    j->kind = take_text(&r);
    j->owner_id = take_text(&r);
    j->lane = take_text(&r);
    j->key = take_text(&r);
    j->payload = take_text(&r);
    j->run_at = take_int(&r);
    j->max_attempts = take_int(&r);
    j->state = take_text(&r);
    j->error = take_text(&r);
    j->progress = take_text(&r);
    j->attempts = take_int(&r);
    j->created_at = take_int(&r);
    j->finished_at = take_int(&r);
}

#define INSERT                                                                                                         \
    "INSERT INTO job (id, seq, kind, owner_id, lane, unique_key, payload, state, run_at, max_attempts, created_at)"    \
    " VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10) ON CONFLICT (unique_key) DO NOTHING"

static void fill(arena *a, job_row *j)
{
    if (j->id == NULL)
        j->id = id_uuid7(a);
    j->payload = text_or(j->payload, "{}");
    j->state = "queued";
    j->created_at = clock_wall();
    if (j->run_at == 0)
        j->run_at = j->created_at;
    if (j->max_attempts == 0)
        j->max_attempts = 5;
}

#define INSERT_ARGS(j)                                                                                                 \
    DB_ARGS(db_text((j)->id), db_int(model_number()), db_text((j)->kind), db_text((j)->owner_id), db_text((j)->lane),  \
            db_text((j)->key), db_text((j)->payload), db_int((j)->run_at), db_int((j)->max_attempts),                  \
            db_int((j)->created_at))

err job_insert(scope *s, job_row *j)
{
    int64_t changed = 0;

    TRY(model_check_key(s, "key of a job", text_or(j->key, "")));
    fill(s->arena, j);
    TRY(db_exec(s, INSERT, INSERT_ARGS(j), &changed));
    if (changed == 0)
        j->id = NULL;
    else
        jobs_wake();
    return OK;
}

void job_add(arena *a, db_batch *b, job_row *j)
{
    fill(a, j);
    db_batch_add(b, INSERT, INSERT_ARGS(j));
}

err job_find(scope *s, owned_by who, const char *id, job_row **out)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM job WHERE ($1 = 1 OR owner_id = $2) AND id = $3",
                 DB_ARGS(WHO(who), db_text(id)), &r));
    if (r.count == 0)
        return model_missing(s, "job.not_found", "job", id);
    *out = arena_one(s->arena, job_row);
    read_job(&r, 0, *out);
    return OK;
}

err job_list(scope *s, owned_by who, const char *kind, page p, job_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " COLUMNS " FROM job WHERE ($1 = 1 OR owner_id = $2) AND kind = $3"
                 " ORDER BY seq DESC LIMIT $4 OFFSET $5",
                 DB_ARGS(WHO(who), db_text(kind), PAGE(p)), &r));
    *out = arena_array(s->arena, job_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        read_job(&r, i, &(*out)[i]);
    return OK;
}

err job_set_progress(scope *s, const char *id, const char *progress)
{
    return model_exec_one(s, "job.not_found", "job", id, "UPDATE job SET progress = $2 WHERE id = $1",
                          DB_ARGS(db_text(id), db_text(progress)));
}

#define CANCEL "UPDATE job SET state = 'cancelled', unique_key = NULL, finished_at = $2 WHERE state = 'queued' AND "

void job_add_instead(arena *a, db_batch *b, const char *key, job_row *j)
{
    db_batch_add(b, CANCEL "unique_key = $1", DB_ARGS(db_text(key), db_int(clock_wall())));
    if (j == NULL)
        return;
    j->key = key;
    job_add(a, b, j);
}

err job_insert_instead(scope *s, const char *key, job_row *j)
{
    db_batch *b = db_batch_new(s->arena);

    TRY(model_check_key(s, "key of a job", key));
    job_add_instead(s->arena, b, key, j);
    TRY(db_batch_run(s, b));
    jobs_wake();
    return OK;
}

/* The workers' side. */

static err claim(scope *s, const job_wish *wish, int64_t now, int64_t lease, job **out, size_t *n)
{
    const char *name = id_uuid4(s->arena);
    int64_t changed = 0;
    db_rows r;

    *n = 0;
    TRY(db_exec(s,
                "UPDATE job SET state = 'running', attempts = attempts + 1, claim = $1, leased_until = $2"
                " WHERE state = 'queued' AND id IN (SELECT j.id FROM job j"
                " WHERE j.state = 'queued' AND j.run_at <= $3 AND ($5 = '' OR j.owner_id IS NULL OR j.owner_id <> $5)"
                " AND (j.lane IS NULL OR NOT EXISTS"
                " (SELECT 1 FROM job k WHERE k.lane = j.lane"
                " AND (k.state = 'running' OR (k.state = 'queued' AND k.seq < j.seq))))"
                " ORDER BY j.run_at, j.seq LIMIT $4)",
                DB_ARGS(db_text(name), db_int(lease), db_int(now), db_int((int64_t)wish->limit),
                        db_text(text_or(wish->not_of, ""))),
                &changed));
    if (changed == 0)
        return OK;
    TRY(db_query(s, "SELECT id, kind, owner_id, payload, attempts, max_attempts FROM job WHERE claim = $1 ORDER BY seq",
                 DB_ARGS(db_text(name)), &r));
    *out = arena_array(s->arena, job, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++) {
        row_reader row = {&r, i, 0};
        job *j = &(*out)[i];

        j->id = take_text(&row);
        j->kind = take_text(&row);
        j->owner_id = take_text(&row);
        j->payload = take_text(&row);
        j->attempt = take_int(&row);
        j->max_attempts = take_int(&row);
        j->claim = name;
    }
    return OK;
}

static err renew(scope *s, const job *j, int64_t lease)
{
    return db_exec(s, "UPDATE job SET leased_until = $3 WHERE id = $1 AND claim = $2",
                   DB_ARGS(db_text(j->id), db_text(j->claim), db_int(lease)), NULL);
}

/* A job that waits again without a failure (a planned repetition, a stop of the server) has not used up its attempts. */
static err settle(scope *s, const job *j, const char *state, const char *error, int64_t run_at)
{
    bool waits = cstr_eq(state, "queued");
    bool fresh = waits && error == NULL;

    return db_exec(s,
                   "UPDATE job SET state = $2, error = $3, run_at = CASE WHEN $4 > 0 THEN $4 ELSE run_at END,"
                   " claim = NULL, leased_until = 0, attempts = CASE WHEN $5 = 1 THEN 0 ELSE attempts END,"
                   " finished_at = $6, unique_key = CASE WHEN $7 = 1 THEN unique_key ELSE NULL END,"
                   " payload = COALESCE($8, payload) WHERE id = $1 AND claim = $9",
                   DB_ARGS(db_text(j->id), db_text(state), db_text(error), db_int(run_at), db_int(fresh),
                           db_int(waits ? 0 : clock_wall()), db_int(waits), db_text(j->payload_next),
                           db_text(j->claim)),
                   NULL);
}

static err next_due(scope *s, int64_t *at)
{
    db_rows r;

    TRY(db_query(s, "SELECT run_at FROM job WHERE state = 'queued' ORDER BY run_at LIMIT 1", DB_NO_ARGS, &r));
    *at = r.count > 0 ? db_row_int(&r, 0, 0) : INT64_MAX;
    return OK;
}

#define LEFT_BEHIND "state = 'running' AND ($1 = 1 OR leased_until < $2)"

/* Nobody but one process writes to a SQLite file, so after its start nothing can be running; on PostgreSQL other nodes may
 * be alive, and only leases that are over tell.  One that was left behind in its last attempt may well be what has ended the
 * server, and is not tried for ever. */
static err recover(scope *s, bool first_time)
{
    int64_t now = clock_wall();
    bool alone = first_time && cstr_eq(db_engine(db_default()), "sqlite");
    db_batch *b = db_batch_new(s->arena);

    db_batch_add(b,
                 "UPDATE job SET state = 'failed', error = 'the server ended while it ran', unique_key = NULL,"
                 " claim = NULL, leased_until = 0, finished_at = $2 WHERE attempts >= max_attempts AND " LEFT_BEHIND,
                 DB_ARGS(db_int(alone), db_int(now)));
    db_batch_add(b, "UPDATE job SET state = 'queued', claim = NULL, leased_until = 0 WHERE " LEFT_BEHIND,
                 DB_ARGS(db_int(alone), db_int(now)));
    db_batch_add(b, "DELETE FROM job WHERE finished_at > 0 AND finished_at < $1",
                 DB_ARGS(db_int(now - KEEP_ENDED_DAYS * INT64_C(86400) * 1000000)));
    return db_batch_run(s, b);
}

void job_setup(void)
{
    static const job_backend backend = {
        .claim = claim, .renew = renew, .settle = settle, .next_due = next_due, .recover = recover};

    jobs_set_backend(&backend);
}
