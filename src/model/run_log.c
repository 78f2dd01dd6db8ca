/* SPDX-License-Identifier: MIT */
/* What remains of runs; see run_log.h.  Sums over them are in usage.c. */
#include "model/run_log.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/rows.h"
#include "model/run_log_internal.h"

static void read_run(const db_rows *rows, size_t at, run_row *x)
{
    row_reader r = {rows, at, 0};

    x->id = take_text(&r);
    x->session_id = take_text(&r);
    x->user_id = take_text(&r);
    x->agent_id = take_text(&r);
    x->source = take_text(&r);
    x->status = take_text(&r);
    x->error = take_text(&r);
    x->usage.input_tokens = take_int(&r);
    x->usage.output_tokens = take_int(&r);
    x->usage.total_tokens = take_int(&r);
    x->usage.cached_tokens = take_int(&r);
    x->usage.reasoning_tokens = take_int(&r);
    x->usage.input_audio_tokens = take_int(&r);
    x->usage.output_audio_tokens = take_int(&r);
    x->usage.steps = take_int(&r);
    x->usage.step_models = take_text(&r);
    x->started_at = take_int(&r);
    x->finished_at = take_int(&r);
}

void run_row_add_insert(db_batch *b, const run_row *r)
{
    const token_usage *u = &r->usage;

    db_batch_add(b,
                 "INSERT INTO run (" RUN_COLUMNS
                 ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                 " $16, $17, $18)",
                 DB_ARGS(db_text(r->id), db_text(text_or(r->session_id, "")), db_text(text_or(r->user_id, "")),
                         db_text(text_or(r->agent_id, "")), db_text(text_or(r->source, "")),
                         db_text(text_or(r->status, "running")), db_text(r->error), db_int(u->input_tokens),
                         db_int(u->output_tokens), db_int(u->total_tokens), db_int(u->cached_tokens),
                         db_int(u->reasoning_tokens), db_int(u->input_audio_tokens), db_int(u->output_audio_tokens),
                         db_int(u->steps), db_text(text_or(u->step_models, "[]")),
                         db_int(r->started_at != 0 ? r->started_at : clock_wall()), db_int(r->finished_at)));
}

void run_row_add_finish(db_batch *b, const run_row *r)
{
    const token_usage *u = &r->usage;

    db_batch_add(
        b,
        "UPDATE run SET status = $2, error = $3, input_tokens = $4, output_tokens = $5, total_tokens = $6,"
        " cached_tokens = $7, reasoning_tokens = $8, input_audio_tokens = $9, output_audio_tokens = $10, steps = $11,"
        " step_models = $12, finished_at = $13 WHERE id = $1",
        DB_ARGS(db_text(r->id), db_text(text_or(r->status, "completed")), db_text(r->error), db_int(u->input_tokens),
                db_int(u->output_tokens), db_int(u->total_tokens), db_int(u->cached_tokens),
                db_int(u->reasoning_tokens), db_int(u->input_audio_tokens), db_int(u->output_audio_tokens),
                db_int(u->steps), db_text(text_or(u->step_models, "[]")),
                db_int(r->finished_at != 0 ? r->finished_at : clock_wall())));
}

err run_row_insert(scope *s, run_row *r)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    TRY(model_check_key(s, "the session id", r->session_id));
    if (r->id == NULL)
        r->id = id_uuid7(s->arena);
    run_row_add_insert(b, r);
    e = db_batch_run(s, b);
    if (e == ERR_CONFLICT)
        return fail_code(s, e, "run.exists", r->id, "there is a run %s already", r->id);
    return e;
}

static err give_runs(scope *s, const db_rows *r, run_row **out, size_t *n)
{
    *out = arena_array(s->arena, run_row, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++)
        read_run(r, i, &(*out)[i]);
    return OK;
}

err run_row_find(scope *s, const char *id, run_row **out)
{
    size_t n = 0;
    db_rows r;

    TRY(db_query(s, "SELECT " RUN_COLUMNS " FROM run WHERE id = $1", DB_ARGS(db_text(id)), &r));
    if (r.count == 0)
        return model_missing(s, "run.not_found", "run", id);
    return give_runs(s, &r, out, &n);
}

err run_row_list(scope *s, owned_by who, const char *session_id, page p, run_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " RUN_COLUMNS " FROM run WHERE ($1 = 1 OR user_id = $2) AND session_id = $3"
                 " ORDER BY started_at DESC, id DESC LIMIT $4 OFFSET $5",
                 DB_ARGS(WHO(who), db_text(session_id), PAGE(p)), &r));
    return give_runs(s, &r, out, n);
}

err run_row_mark_interrupted(scope *s, const char *reason, run_row **out, size_t *n)
{
    run_row *left = NULL;
    size_t count = 0;
    db_rows r;

    TRY(db_query(s, "SELECT " RUN_COLUMNS " FROM run WHERE status = 'running' ORDER BY started_at, id", DB_NO_ARGS,
                 &r));
    TRY(give_runs(s, &r, &left, &count));
    if (count > 0)
        TRY(db_exec(s, "UPDATE run SET status = 'interrupted', error = $1, finished_at = $2 WHERE status = 'running'",
                    DB_ARGS(db_text(reason), db_int(clock_wall())), NULL));
    *out = left;
    *n = count;
    return OK;
}
