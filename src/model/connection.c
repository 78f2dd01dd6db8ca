/* SPDX-License-Identifier: MIT */
/* Connections; see connection.h. */
#include "model/connection.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/rows.h"

#define COLUMNS                                                                                                        \
    "id, integration_id, owner_id, label, status, error, sealed_values, sealed_oauth, expires_at, is_default, "        \
    "shared, "                                                                                                         \
    "version, lease_until, created_at, updated_at"

/* Without the secrets, which may be megabytes. */
#define SHORT_COLUMNS                                                                                                  \
    "id, integration_id, owner_id, label, status, error, NULL, NULL, expires_at, is_default, shared, version, "        \
    "lease_until, created_at, updated_at"

static const int64_t pending_lifetime = (int64_t)3600 * 1000000;

static void read_connection(const db_rows *rows, size_t at, connection_row *c)
{
    row_reader r = {rows, at, 0};

    c->id = take_text(&r);
    c->integration_id = take_text(&r);
    c->owner_id = take_text(&r);
    c->label = take_text(&r);
    c->status = take_text(&r);
    c->error = take_text(&r);
    c->sealed_values = take_text(&r);
    c->sealed_oauth = take_text(&r);
    c->expires_at = take_int(&r);
    c->is_default = take_bool(&r);
    c->shared = take_bool(&r);
    c->version = take_int(&r);
    c->lease_until = take_int(&r);
    c->created_at = take_int(&r);
    c->updated_at = take_int(&r);
}

static err check_number(scope *s, const connection_row *c)
{
    int64_t n = 0;

    TRY(model_count(s, "SELECT COUNT(*) FROM connection WHERE owner_id = $1 AND integration_id = $2",
                    DB_ARGS(db_text(c->owner_id), db_text(c->integration_id)), &n));
    if (n >= CONNECTIONS_MAX)
        return fail_code(s, ERR_TOO_LARGE, "connection.too_many", NULL, "more than %d connections are not possible",
                         CONNECTIONS_MAX);
    return OK;
}

static void add_default(db_batch *b, const char *owner_id, const char *integration_id, const char *id)
{
    db_batch_add(b,
                 "UPDATE connection SET is_default = CASE WHEN id = $3 THEN 1 ELSE 0 END"
                 " WHERE owner_id = $1 AND integration_id = $2",
                 DB_ARGS(db_text(owner_id), db_text(integration_id), db_text(id)));
}

err connection_insert(scope *s, connection_row *c)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    TRY(check_number(s, c));
    if (c->id == NULL)
        c->id = id_uuid4(s->arena);
    c->version = 1;
    c->created_at = c->updated_at = clock_wall();
    db_batch_add(b,
                 "INSERT INTO connection (" COLUMNS
                 ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
                 DB_ARGS(db_text(c->id), db_text(c->integration_id), db_text(c->owner_id), db_text(c->label),
                         db_text(c->status), db_text(c->error), db_text(c->sealed_values), db_text(c->sealed_oauth),
                         db_int(c->expires_at), db_int(c->is_default), db_int(c->shared), db_int(c->version), db_int(0),
                         db_int(c->created_at), db_int(c->updated_at)));
    if (c->is_default)
        add_default(b, c->owner_id, c->integration_id, c->id);
    e = db_batch_run(s, b);
    return e == ERR_CONFLICT ? model_missing(s, "integration.not_found", "integration", c->integration_id) : e;
}

static err give_one(scope *s, const db_rows *r, connection_row **out)
{
    *out = arena_one(s->arena, connection_row);
    read_connection(r, 0, *out);
    return OK;
}

err connection_find(scope *s, owned_by who, const char *integration_id, const char *id, connection_row **out)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " COLUMNS " FROM connection WHERE ($1 = 1 OR owner_id = $2) AND id = $3"
                 " AND ($4 = '' OR integration_id = $4)",
                 DB_ARGS(WHO(who), db_text(id), db_text(text_or(integration_id, ""))), &r));
    if (r.count == 0)
        return model_missing(s, "connection.not_found", "connection", id);
    return give_one(s, &r, out);
}

err connection_list(scope *s, owned_by who, const char *integration_id, connection_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " SHORT_COLUMNS " FROM connection WHERE ($1 = 1 OR owner_id = $2) AND integration_id = $3"
                 " ORDER BY created_at, id",
                 DB_ARGS(WHO(who), db_text(integration_id)), &r));
    *out = arena_array(s->arena, connection_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        read_connection(&r, i, &(*out)[i]);
    return OK;
}

err connection_choose(scope *s, const char *user_id, const char *integration_id, connection_row **out)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " COLUMNS " FROM connection WHERE integration_id = $1 AND status <> 'pending'"
                 " AND CASE WHEN owner_id <> $2 THEN shared = 1 ELSE is_default = 1 OR (SELECT COUNT(*)"
                 " FROM connection WHERE integration_id = $1 AND status <> 'pending' AND owner_id = $2) = 1 END"
                 " ORDER BY CASE WHEN owner_id = $2 THEN 0 ELSE 1 END, is_default DESC, created_at, id LIMIT 1",
                 DB_ARGS(db_text(integration_id), db_text(user_id)), &r));
    if (r.count == 0)
        return fail_code(s, ERR_NOT_FOUND, "connection.none", integration_id, "no connection is configured");
    return give_one(s, &r, out);
}

err connection_change(scope *s, owned_by who, const char *id, const connection_patch *p)
{
    db_batch *b = db_batch_new(s->arena);
    connection_row *c = NULL;

    TRY(connection_find(s, who, NULL, id, &c));
    if (p->is_default != NULL && *p->is_default)
        add_default(b, c->owner_id, c->integration_id, id);
    db_batch_add(b,
                 "UPDATE connection SET label = COALESCE($2, label), status = COALESCE($3, status),"
                 " error = NULLIF(COALESCE($4, error), ''), sealed_values = COALESCE($5, sealed_values),"
                 " version = version + $6, is_default = COALESCE($7, is_default), shared = COALESCE($8, shared),"
                 " updated_at = $9 WHERE id = $1",
                 DB_ARGS(db_text(id), db_text(p->label), db_text(p->status), db_text(p->error),
                         db_text(p->sealed_values), db_int(p->sealed_values != NULL),
                         p->is_default != NULL ? db_int(*p->is_default) : DB_NULL,
                         p->shared != NULL ? db_int(*p->shared) : DB_NULL, db_int(clock_wall())));
    return db_batch_run(s, b);
}

err connection_delete(scope *s, owned_by who, const char *id)
{
    return model_exec_one(s, "connection.not_found", "connection", id,
                          "DELETE FROM connection WHERE ($1 = 1 OR owner_id = $2) AND id = $3",
                          DB_ARGS(WHO(who), db_text(id)));
}

/* Refreshing */

err connection_lease(scope *s, const char *id, int64_t version, int64_t until, bool *mine)
{
    int64_t changed = 0;

    TRY(db_exec(s,
                "UPDATE connection SET status = 'refreshing', lease_until = $3"
                " WHERE id = $1 AND version = $2 AND lease_until < $4",
                DB_ARGS(db_text(id), db_int(version), db_int(until), db_int(clock_wall())), &changed));
    *mine = changed > 0;
    return OK;
}

err connection_store_oauth(scope *s, const char *id, const char *replaced, const char *sealed_oauth, int64_t expires_at)
{
    int64_t changed = 0;

    TRY(db_exec(s,
                "UPDATE connection SET sealed_oauth = $3, expires_at = $4, version = version + 1, lease_until = 0,"
                " status = 'active', error = NULL, updated_at = $5 WHERE id = $1 AND ($2 = '' OR sealed_oauth = $2)",
                DB_ARGS(db_text(id), db_text(text_or(replaced, "")), db_text(sealed_oauth), db_int(expires_at),
                        db_int(clock_wall())),
                &changed));
    return changed > 0 ? OK
                       : fail_code(s, ERR_CONFLICT, "connection.changed", id, "the connection was changed meanwhile");
}

err connection_end_lease(scope *s, const char *id, int64_t until, int64_t version, const char *status,
                         const char *error)
{
    return db_exec(
        s,
        "UPDATE connection SET lease_until = 0, status = CASE WHEN version = $3 THEN $4"
        " WHEN status = 'refreshing' THEN 'active' ELSE status END,"
        " error = CASE WHEN version = $3 THEN $5 ELSE error END, updated_at = $6"
        " WHERE id = $1 AND lease_until = $2",
        DB_ARGS(db_text(id), db_int(until), db_int(version), db_text(status), db_text(error), db_int(clock_wall())),
        NULL);
}

/* Consents */

err oauth_state_insert(scope *s, const oauth_state_row *o)
{
    return db_exec(s,
                   "INSERT INTO oauth_state (state_hash, connection_id, user_id, sealed_data, expires_at)"
                   " VALUES ($1, $2, $3, $4, $5)",
                   DB_ARGS(db_text(o->state_hash), db_text(o->connection_id), db_text(o->user_id),
                           db_text(o->sealed_data), db_int(o->expires_at)),
                   NULL);
}

/* Whoever deletes the row has taken it. */
static err state_gone(scope *s)
{
    return fail_code(s, ERR_NOT_FOUND, "oauth.state", NULL, "this link was used already, or is too old");
}

err oauth_state_find(scope *s, const char *state_hash, oauth_state_row **out)
{
    row_reader at = {.row = 0};
    oauth_state_row *o;
    db_rows r;

    TRY(db_query(s,
                 "SELECT state_hash, connection_id, user_id, sealed_data, expires_at FROM oauth_state"
                 " WHERE state_hash = $1 AND expires_at > $2",
                 DB_ARGS(db_text(state_hash), db_int(clock_wall())), &r));
    if (r.count == 0)
        return state_gone(s);
    at.rows = &r;
    o = arena_one(s->arena, oauth_state_row);
    o->state_hash = take_text(&at);
    o->connection_id = take_text(&at);
    o->user_id = take_text(&at);
    o->sealed_data = take_text(&at);
    o->expires_at = take_int(&at);
    *out = o;
    return OK;
}

err oauth_state_take(scope *s, const char *state_hash, oauth_state_row **out)
{
    int64_t deleted = 0;
    oauth_state_row *o;

    TRY(oauth_state_find(s, state_hash, &o));
    TRY(db_exec(s, "DELETE FROM oauth_state WHERE state_hash = $1", DB_ARGS(db_text(state_hash)), &deleted));
    if (deleted == 0) /* somebody else was faster */
        return state_gone(s);
    *out = o;
    return OK;
}

err connection_purge(scope *s, int64_t *deleted)
{
    int64_t now = clock_wall();

    TRY(db_exec(s, "DELETE FROM oauth_state WHERE expires_at <= $1", DB_ARGS(db_int(now)), NULL));
    return db_exec(s, "DELETE FROM connection WHERE status = 'pending' AND created_at <= $1",
                   DB_ARGS(db_int(now - pending_lifetime)), deleted);
}
