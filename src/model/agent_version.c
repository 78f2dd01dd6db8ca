/* SPDX-License-Identifier: MIT */
/* Drafts and published versions of agents; see agent_version.h. */
#include "model/agent_version.h"

#include "base/clock.h"
#include "model/rows.h"
#include "model/version.h"

#define COLUMNS "agent_id, version, name, config, extra, note, created_by, created_at"

static err give(scope *s, const db_rows *rows, const char *agent_id, agent_version_row **out)
{
    agent_version_row *v;
    row_reader r = {rows, 0, 0};

    if (rows->count == 0)
        return model_missing(s, "agent.no_version", "version of agent", agent_id);
    v = arena_one(s->arena, agent_version_row);
    v->agent_id = take_text(&r);
    v->version = take_int(&r);
    v->name = take_text(&r);
    v->config = take_text(&r);
    v->extra = take_text(&r);
    v->note = take_text(&r);
    v->created_by = take_text(&r);
    v->created_at = take_int(&r);
    *out = v;
    return OK;
}

err agent_version_find(scope *s, const char *agent_id, int64_t version, agent_version_row **out)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM agent_version WHERE agent_id = $1 AND version = $2",
                 DB_ARGS(db_text(agent_id), db_int(version)), &r));
    return give(s, &r, agent_id, out);
}

err agent_version_last(scope *s, const char *agent_id, agent_version_row **out)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " COLUMNS " FROM agent_version WHERE agent_id = $1 AND version > 0"
                 " ORDER BY version DESC LIMIT 1",
                 DB_ARGS(db_text(agent_id)), &r));
    return give(s, &r, agent_id, out);
}

/* A time that no earlier write has. */
static int64_t time_after(int64_t before)
{
    int64_t now = clock_wall();

    return now > before ? now : before + 1;
}

/* On PostgreSQL the first statement waits for others that change the agent, and the second one sees what they did. */
static void expect_seen(db_batch *b, const char *id, const agent_seen *seen)
{
    if (seen == NULL)
        return;
    db_batch_add(b, "UPDATE agent SET updated_at = updated_at WHERE id = $1", DB_ARGS(db_text(id)));
    db_batch_expect(
        b, 1,
        "UPDATE agent SET updated_at = updated_at WHERE id = $1 AND ($3 > 0 OR updated_at = $2) AND"
        " COALESCE((SELECT v.created_at FROM agent_version v WHERE v.agent_id = $1 AND v.version = 0), 0) = $3",
        DB_ARGS(db_text(id), db_int(seen->agent_at), db_int(seen->draft_at)));
}

/* Changed, or deleted? */
static err explain(scope *s, const char *id)
{
    agent_row *a;

    TRY(agent_find(s, id, &a));
    return fail_code(s, ERR_CONFLICT, "agent.changed_meanwhile", id, "the agent was changed meanwhile");
}

err agent_draft_put(scope *s, const agent_row *a, const char *user_id, const agent_seen *seen)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    expect_seen(b, a->id, seen);
    db_batch_add(b,
                 "INSERT INTO agent_version (" COLUMNS ") VALUES ($1, 0, $2, $3, $4, NULL, $5, $6)"
                 " ON CONFLICT (agent_id, version) DO UPDATE SET name = excluded.name, config = excluded.config,"
                 " extra = excluded.extra, created_by = excluded.created_by, created_at = excluded.created_at",
                 DB_ARGS(db_text(a->id), db_text(a->name), db_text(text_or(a->config, "{}")), db_text(a->extra),
                         db_text(user_id), db_int(time_after(seen != NULL ? seen->draft_at : 0))));
    e = db_batch_run(s, b);
    return e == ERR_CONFLICT ? explain(s, a->id) : e;
}

err agent_live_put(scope *s, agent_row *a, const agent_seen *seen)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    a->updated_at = time_after(a->updated_at);
    expect_seen(b, a->id, seen);
    db_batch_expect(
        b, 1, "UPDATE agent SET name = $2, config = $3, extra = COALESCE($4, extra), updated_at = $5 WHERE id = $1",
        DB_ARGS(db_text(a->id), db_text(a->name), db_text(text_or(a->config, "{}")), db_text(a->extra),
                db_int(a->updated_at)));
    e = db_batch_run(s, b);
    version_bump(VERSION_AGENTS);
    return e == ERR_CONFLICT ? explain(s, a->id) : e;
}

err agent_publish(scope *s, agent_version_row *v, const agent_seen *seen)
{
    db_batch *b = db_batch_new(s->arena);
    int64_t published;
    err e;

    TRY(model_count(s, "SELECT COALESCE(MAX(version), 0) FROM agent_version WHERE agent_id = $1",
                    DB_ARGS(db_text(v->agent_id)), &published));
    v->version = published + 1;
    v->created_at = time_after(seen != NULL ? seen->agent_at : 0);
    expect_seen(b, v->agent_id, seen);
    db_batch_expect(
        b, 1, "UPDATE agent SET name = $2, config = $3, extra = $4, updated_at = $5 WHERE id = $1",
        DB_ARGS(db_text(v->agent_id), db_text(v->name), db_text(v->config), db_text(v->extra), db_int(v->created_at)));
    db_batch_add(b, "DELETE FROM agent_version WHERE agent_id = $1 AND version = 0", DB_ARGS(db_text(v->agent_id)));
    db_batch_add(b, "INSERT INTO agent_version (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                 DB_ARGS(db_text(v->agent_id), db_int(v->version), db_text(v->name), db_text(v->config),
                         db_text(v->extra), db_text(v->note), db_text(v->created_by), db_int(v->created_at)));
    e = db_batch_run(s, b);
    version_bump(VERSION_AGENTS);
    return e == ERR_CONFLICT ? explain(s, v->agent_id) : e;
}
