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

err agent_draft_put(scope *s, const agent_row *a, const char *user_id)
{
    err e = db_exec(s,
                    "INSERT INTO agent_version (" COLUMNS ") VALUES ($1, 0, $2, $3, $4, NULL, $5, $6)"
                    " ON CONFLICT (agent_id, version) DO UPDATE SET name = excluded.name, config = excluded.config,"
                    " extra = excluded.extra, created_by = excluded.created_by, created_at = excluded.created_at",
                    DB_ARGS(db_text(a->id), db_text(a->name), db_text(text_or(a->config, "{}")), db_text(a->extra),
                            db_text(user_id), db_int(clock_wall())),
                    NULL);

    return e == ERR_CONFLICT ? model_missing(s, "agent.not_found", "agent", a->id) : e;
}

err agent_publish(scope *s, agent_version_row *v)
{
    db_batch *b = db_batch_new(s->arena);
    int64_t published;
    err e;

    TRY(model_count(s, "SELECT COALESCE(MAX(version), 0) FROM agent_version WHERE agent_id = $1",
                    DB_ARGS(db_text(v->agent_id)), &published));
    v->version = published + 1;
    v->created_at = clock_wall();
    db_batch_expect(
        b, 1, "UPDATE agent SET name = $2, config = $3, extra = $4, updated_at = $5 WHERE id = $1",
        DB_ARGS(db_text(v->agent_id), db_text(v->name), db_text(v->config), db_text(v->extra), db_int(v->created_at)));
    db_batch_add(b, "DELETE FROM agent_version WHERE agent_id = $1 AND version = 0", DB_ARGS(db_text(v->agent_id)));
    db_batch_add(b, "INSERT INTO agent_version (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                 DB_ARGS(db_text(v->agent_id), db_int(v->version), db_text(v->name), db_text(v->config),
                         db_text(v->extra), db_text(v->note), db_text(v->created_by), db_int(v->created_at)));
    e = db_batch_run(s, b);
    version_bump(VERSION_AGENTS);
    if (e == ERR_CONFLICT)
        return fail_code(s, e, "agent.published_meanwhile", v->agent_id,
                         "the agent was published or deleted meanwhile");
    return e;
}
