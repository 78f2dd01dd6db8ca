/* SPDX-License-Identifier: MIT */
/* Agents; see agent.h. */
#include "model/agent.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/recall.h"

enum { ID_TRIES = 10 };

#define COLUMNS "id, owner_id, name, config, extra, is_default, disabled, created_at, updated_at"

static void read_agent(const db_rows *rows, size_t at, agent_row *a)
{
    row_reader r = {rows, at, 0};

    a->id = take_text(&r);
    a->owner_id = take_text(&r);
    a->name = take_text(&r);
    a->config = take_text(&r);
    a->extra = take_text(&r);
    a->is_default = take_bool(&r);
    a->disabled = take_bool(&r);
    a->created_at = take_int(&r);
    a->updated_at = take_int(&r);
}

static err give_agents(scope *s, const db_rows *r, agent_row **out, size_t *n)
{
    *out = arena_array(s->arena, agent_row, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++)
        read_agent(r, i, &(*out)[i]);
    return OK;
}

static err insert_once(scope *s, const agent_row *a)
{
    db_batch *b = db_batch_new(s->arena);

    /* Names are free for updates, so this is no unique index. */
    db_batch_expect(b, 1,
                    "INSERT INTO agent (" COLUMNS ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9"
                    " WHERE $10 = 1 OR NOT EXISTS (SELECT 1 FROM agent WHERE owner_id = $2 AND name = $3)",
                    DB_ARGS(db_text(a->id), db_text(a->owner_id), db_text(a->name), db_text(a->config),
                            db_text(a->extra), db_int(a->is_default), db_int(a->disabled), db_int(a->created_at),
                            db_int(a->updated_at), db_int(a->any_name)));
    return db_batch_run(s, b);
}

/* The platform's ids have 32 random bits, of which two agents among some ten thousand may well have the same: then another id is
 * tried.  *again: it was that, and not the name. */
static err insert_new(scope *s, agent_row *a, bool *again)
{
    int64_t same = 0;
    err e;

    a->id = arena_printf(s->arena, "agent_%s", id_hex(s->arena, 8));
    e = insert_once(s, a);
    if (e == ERR_CONFLICT)
        TRY(model_count(s, "SELECT COUNT(*) FROM agent WHERE id = $1", DB_ARGS(db_text(a->id)), &same));
    *again = same > 0;
    return e;
}

err agent_insert(scope *s, agent_row *a)
{
    bool again = true;
    err e = OK;

    TRY(model_check_key(s, "the agent's id", a->id));
    a->config = text_or(a->config, "{}");
    a->created_at = a->updated_at = clock_wall();
    if (a->id != NULL)
        e = insert_once(s, a);
    else
        for (int tries = 0; again && tries < ID_TRIES; tries++)
            e = insert_new(s, a, &again);
    version_bump(VERSION_AGENTS);
    if (e == ERR_CONFLICT)
        return fail_code(s, e, "agent.exists", a->name, "there is an agent named %s already", a->name);
    return e;
}

#define FIND "SELECT " COLUMNS " FROM agent WHERE id = $1"

static err give_agent(scope *s, const char *id, const db_rows *r, agent_row **out)
{
    if (r->count == 0)
        return model_missing(s, "agent.not_found", "agent", id);
    *out = arena_one(s->arena, agent_row);
    read_agent(r, 0, *out);
    return OK;
}

err agent_find(scope *s, const char *id, agent_row **out)
{
    db_rows r;

    TRY(db_query(s, FIND, DB_ARGS(db_text(id)), &r));
    return give_agent(s, id, &r, out);
}

err agent_recall(scope *s, const char *id, agent_row **out)
{
    db_rows r;

    TRY(model_recall(s, VERSION_AGENTS, false, FIND, DB_ARGS(db_text(id)), &r));
    return give_agent(s, id, &r, out);
}

static bool may_change(owned_by who, const agent_row *a)
{
    return who.anyone || a->owner_id == NULL || cstr_eq(a->owner_id, who.user_id);
}

static err check_use(scope *s, owned_by who, const agent_row *a)
{
    int64_t listed = 0;

    if (may_change(who, a))
        return OK;
    TRY(model_count(s, "SELECT COUNT(*) FROM agent_user WHERE agent_id = $1 AND user_id = $2",
                    DB_ARGS(db_text(a->id), db_text(who.user_id)), &listed));
    if (listed == 0)
        return fail_code(s, ERR_DENIED, "agent.denied", a->id, "the agent %s is somebody else's", a->id);
    return OK;
}

err agent_find_for(scope *s, owned_by who, const char *id, agent_row **out)
{
    agent_row *a = NULL;

    TRY(agent_find(s, id, &a));
    TRY(check_use(s, who, a));
    *out = a;
    return OK;
}

err agent_recall_for(scope *s, owned_by who, const char *id, agent_row **out)
{
    agent_row *a = NULL;

    TRY(agent_recall(s, id, &a));
    TRY(check_use(s, who, a));
    *out = a;
    return OK;
}

err agent_list(scope *s, owned_by who, agent_row **out, size_t *n)
{
    db_rows r;

    if (who.anyone)
        TRY(db_query(s, "SELECT " COLUMNS " FROM agent ORDER BY created_at, id", DB_NO_ARGS, &r));
    else
        TRY(db_query(s,
                     "SELECT " COLUMNS " FROM agent WHERE owner_id = $1 OR (disabled = 0"
                     " AND id IN (SELECT agent_id FROM agent_user WHERE user_id = $1)) ORDER BY created_at, id",
                     DB_ARGS(db_text(who.user_id)), &r));
    return give_agents(s, &r, out, n);
}

err agent_list_ids(scope *s, const char *const *ids, size_t n_ids, agent_row **out, size_t *n)
{
    agent_row *found = arena_array(s->arena, agent_row, n_ids);
    size_t count = 0;

    for (size_t i = 0; i < n_ids; i++) {
        agent_row *a = NULL;
        err e = agent_find(s, ids[i], &a);

        if (e == OK)
            found[count++] = *a;
        else if (e != ERR_NOT_FOUND)
            return e;
    }
    *out = found;
    *n = count;
    return OK;
}

err agent_count_owned(scope *s, const char *user_id, int64_t *out)
{
    return model_count(s, "SELECT COUNT(*) FROM agent WHERE owner_id = $1", DB_ARGS(db_text(user_id)), out);
}

static err check_owner(scope *s, owned_by who, const char *id)
{
    agent_row *a = NULL;

    TRY(agent_find(s, id, &a));
    if (!may_change(who, a))
        return fail_code(s, ERR_DENIED, "agent.denied", id, "the agent %s is somebody else's", id);
    return OK;
}

/* The condition stands in the statement too: the owner may have changed since the check. */
#define MAY_CHANGE " WHERE ($1 = 1 OR owner_id = $2 OR owner_id IS NULL) AND id = $3"

static err change(scope *s, const char *id, const char *sql, const db_value *args, size_t n)
{
    err e = model_exec_one(s, "agent.not_found", "agent", id, sql, args, n);

    version_bump(VERSION_AGENTS);
    return e;
}

err agent_update(scope *s, owned_by who, agent_row *a)
{
    TRY(check_owner(s, who, a->id));
    a->updated_at = clock_wall();
    return change(s, a->id,
                  "UPDATE agent SET name = $4, config = $5, extra = COALESCE($6, extra), updated_at = $7" MAY_CHANGE,
                  DB_ARGS(WHO(who), db_text(a->id), db_text(a->name), db_text(text_or(a->config, "{}")),
                          db_text(a->extra), db_int(a->updated_at)));
}

err agent_set_disabled(scope *s, const char *id, bool disabled)
{
    return change(s, id, "UPDATE agent SET disabled = $2 WHERE id = $1", DB_ARGS(db_text(id), db_int(disabled)));
}

err agent_delete(scope *s, owned_by who, const char *id)
{
    TRY(check_owner(s, who, id));
    return change(s, id, "DELETE FROM agent" MAY_CHANGE, DB_ARGS(WHO(who), db_text(id)));
}

err agent_users(scope *s, const char *id, const char ***out, size_t *n)
{
    const char **ids;
    db_rows r;

    TRY(db_query(s, "SELECT user_id FROM agent_user WHERE agent_id = $1 ORDER BY user_id", DB_ARGS(db_text(id)), &r));
    ids = arena_array(s->arena, const char *, r.count);
    for (size_t i = 0; i < r.count; i++)
        ids[i] = db_row_text(&r, i, 0);
    *out = ids;
    *n = r.count;
    return OK;
}

err agent_set_users(scope *s, const char *id, const char *const *user_ids, size_t n)
{
    db_batch *b = db_batch_new(s->arena);
    agent_row *a = NULL;
    err e;

    TRY(agent_find(s, id, &a));
    db_batch_add(b, "DELETE FROM agent_user WHERE agent_id = $1", DB_ARGS(db_text(id)));
    for (size_t i = 0; i < n; i++) {
        TRY(model_check_key(s, "the user id", user_ids[i]));
        if (!cstr_eq(user_ids[i], a->owner_id))
            db_batch_add(
                b,
                "INSERT INTO agent_user (agent_id, user_id) VALUES ($1, $2) ON CONFLICT (agent_id, user_id) DO NOTHING",
                DB_ARGS(db_text(id), db_text(user_ids[i])));
    }
    e = db_batch_run(s, b);
    version_bump(VERSION_AGENTS);
    return e == ERR_CONFLICT ? model_missing(s, "agent.not_found", "agent", id) : e;
}
