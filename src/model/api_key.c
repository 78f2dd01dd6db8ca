/* SPDX-License-Identifier: MIT */
/* API keys; see api_key.h. */
#include "model/api_key.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/rows.h"
#include "model/version.h"

#define COLUMNS                                                                                                        \
    "id, number, user_id, label, description, prefix, hash, scopes, faces, masked, active, uses, created_at, "         \
    "updated_at, last_used_at, expires_at"

enum { NUMBER_TRIES = 20 };

static void read_key(const db_rows *rows, size_t at, api_key_row *k)
{
    row_reader r = {rows, at, 0};

    k->id = take_text(&r);
    k->number = take_int(&r);
    k->user_id = take_text(&r);
    k->label = take_text(&r);
    k->description = take_text(&r);
    k->prefix = take_text(&r);
    k->hash = take_text(&r);
    k->scopes = take_text(&r);
    k->faces = take_text(&r);
    k->masked = take_text(&r);
    k->active = take_bool(&r);
    k->uses = take_int(&r);
    k->created_at = take_int(&r);
    k->updated_at = take_int(&r);
    k->last_used_at = take_int(&r);
    k->expires_at = take_int(&r);
}

bool api_key_usable(const api_key_row *k, int64_t now)
{
    return k->active && (k->expires_at == 0 || k->expires_at > now);
}

static err one_key(scope *s, const char *shown, const char *sql, const db_value *args, size_t n, api_key_row **out)
{
    db_rows r;

    TRY(db_query(s, sql, args, n, &r));
    if (r.count == 0)
        return fail_code(s, ERR_NOT_FOUND, "api_key.not_found", shown, "no such API key");
    *out = arena_one(s->arena, api_key_row);
    read_key(&r, 0, *out);
    return OK;
}

err api_key_find_by_hash(scope *s, const char *hash, api_key_row **out)
{
    return one_key(s, NULL, "SELECT " COLUMNS " FROM api_key WHERE hash = $1", DB_ARGS(db_text(hash)), out);
}

err api_key_find(scope *s, owned_by who, const char *id, api_key_row **out)
{
    return one_key(s, id, "SELECT " COLUMNS " FROM api_key WHERE ($1 = 1 OR user_id = $2) AND id = $3",
                   DB_ARGS(WHO(who), db_text(id)), out);
}

err api_key_find_by_number(scope *s, owned_by who, int64_t number, api_key_row **out)
{
    return one_key(s, NULL, "SELECT " COLUMNS " FROM api_key WHERE ($1 = 1 OR user_id = $2) AND number = $3",
                   DB_ARGS(WHO(who), db_int(number)), out);
}

/* The next number is taken in the insert itself; another process may take the same, and then it is tried again. */
static err try_insert(scope *s, const api_key_row *k)
{
    return db_exec(s,
                   "INSERT INTO api_key (" COLUMNS
                   ") SELECT $1, (SELECT COALESCE(MAX(number), 0) + 1 FROM api_key), $2, $3, $4, $5,"
                   " $6, $7, $8, $9, 1, 0, $10, $11, 0, $12",
                   DB_ARGS(db_text(k->id), db_text(k->user_id), db_text(k->label), db_text(k->description),
                           db_text(k->prefix), db_text(k->hash), db_text(k->scopes), db_text(k->faces),
                           db_text(k->masked), db_int(k->created_at), db_int(k->updated_at), db_int(k->expires_at)),
                   NULL);
}

static err explain_conflict(scope *s, const api_key_row *k)
{
    int64_t users = 0, same = 0;

    TRY(model_count(s, "SELECT COUNT(*) FROM users WHERE id = $1", DB_ARGS(db_text(k->user_id)), &users));
    if (users == 0)
        return model_missing(s, "user.not_found", "user", k->user_id);
    TRY(model_count(s, "SELECT COUNT(*) FROM api_key WHERE hash = $1 OR id = $2",
                    DB_ARGS(db_text(k->hash), db_text(k->id)), &same));
    if (same > 0)
        return fail_code(s, ERR_CONFLICT, "api_key.exists", NULL, "there is such an API key already");
    return ERR_BUSY; /* only the number: try again */
}

err api_key_insert(scope *s, api_key_row *k)
{
    api_key_row *stored = NULL;
    err e = ERR_BUSY;

    if (k->id == NULL)
        k->id = id_uuid4(s->arena);
    k->label = text_or(k->label, "");
    k->prefix = text_or(k->prefix, "");
    k->scopes = text_or(k->scopes, "");
    k->faces = text_or(k->faces, "*");
    k->active = true;
    k->created_at = k->updated_at = clock_wall();
    for (int i = 0; e == ERR_BUSY && i < NUMBER_TRIES; i++) {
        e = try_insert(s, k);
        if (e == ERR_CONFLICT)
            e = explain_conflict(s, k);
    }
    if (e != OK)
        return e;
    version_bump(VERSION_KEYS);
    TRY(api_key_find(s, OWNED_BY_ANYONE, k->id, &stored));
    k->number = stored->number;
    return OK;
}

err api_key_list(scope *s, owned_by who, page p, api_key_row **out, size_t *n, int64_t *total)
{
    static const char *const of_user =
        "SELECT " COLUMNS " FROM api_key WHERE user_id = $1 ORDER BY created_at, number LIMIT $2 OFFSET $3";
    static const char *const of_all = "SELECT " COLUMNS " FROM api_key ORDER BY number LIMIT $1 OFFSET $2";
    db_rows r;

    if (total != NULL)
        TRY(model_count(s, "SELECT COUNT(*) FROM api_key WHERE ($1 = 1 OR user_id = $2)", DB_ARGS(WHO(who)), total));
    if (who.anyone)
        TRY(db_query(s, of_all, DB_ARGS(PAGE(p)), &r));
    else
        TRY(db_query(s, of_user, DB_ARGS(db_text(who.user_id), PAGE(p)), &r));
    *out = arena_array(s->arena, api_key_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        read_key(&r, i, &(*out)[i]);
    return OK;
}

static err change(scope *s, const char *id, const char *sql, const db_value *args, size_t n)
{
    err e = model_exec_one(s, "api_key.not_found", "API key", id, sql, args, n);

    version_bump(VERSION_KEYS);
    return e;
}

err api_key_update(scope *s, owned_by who, api_key_row *k)
{
    k->updated_at = clock_wall();
    return change(
        s, k->id,
        "UPDATE api_key SET label = $4, description = $5, scopes = $6, faces = $7, expires_at = $8, updated_at = $9"
        " WHERE ($1 = 1 OR user_id = $2) AND id = $3",
        DB_ARGS(WHO(who), db_text(k->id), db_text(text_or(k->label, "")), db_text(k->description),
                db_text(text_or(k->scopes, "")), db_text(text_or(k->faces, "*")), db_int(k->expires_at),
                db_int(k->updated_at)));
}

err api_key_revoke(scope *s, owned_by who, const char *id)
{
    return change(s, id, "UPDATE api_key SET active = 0, updated_at = $4 WHERE ($1 = 1 OR user_id = $2) AND id = $3",
                  DB_ARGS(WHO(who), db_text(id), db_int(clock_wall())));
}

err api_key_delete(scope *s, owned_by who, const char *id)
{
    return change(s, id, "DELETE FROM api_key WHERE ($1 = 1 OR user_id = $2) AND id = $3",
                  DB_ARGS(WHO(who), db_text(id)));
}

err api_key_touch(scope *s, const char *id, int64_t uses, int64_t when)
{
    return db_exec(
        s,
        "UPDATE api_key SET uses = uses + $2, last_used_at = CASE WHEN last_used_at > $3 THEN last_used_at ELSE $3 END"
        " WHERE id = $1",
        DB_ARGS(db_text(id), db_int(uses), db_int(when)), NULL);
}
