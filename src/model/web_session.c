/* SPDX-License-Identifier: MIT */
/* Web sessions; see web_session.h. */
#include "model/web_session.h"

#include "base/clock.h"
#include "model/rows.h"
#include "model/version.h"

err web_session_insert(scope *s, web_session_row *w)
{
    w->created_at = clock_wall();
    TRY(db_exec(s,
                "INSERT INTO web_session (id_hash, user_id, data, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
                DB_ARGS(db_text(w->id_hash), db_text(w->user_id), db_text(text_or(w->data, "{}")),
                        db_int(w->created_at), db_int(w->expires_at)),
                NULL));
    version_bump(VERSION_SESSIONS);
    return OK;
}

err web_session_find(scope *s, const char *id_hash, web_session_row **out)
{
    row_reader at = {.row = 0};
    db_rows r;

    TRY(db_query(
        s,
        "SELECT id_hash, user_id, data, created_at, expires_at FROM web_session WHERE id_hash = $1 AND expires_at > $2",
        DB_ARGS(db_text(id_hash), db_int(clock_wall())), &r));
    if (r.count == 0)
        return fail_code(s, ERR_NOT_FOUND, "session.not_found", NULL, "no such session, or it has expired");
    at.rows = &r;
    *out = arena_one(s->arena, web_session_row);
    (*out)->id_hash = take_text(&at);
    (*out)->user_id = take_text(&at);
    (*out)->data = take_text(&at);
    (*out)->created_at = take_int(&at);
    (*out)->expires_at = take_int(&at);
    return OK;
}

static err change(scope *s, const char *sql, const db_value *args, size_t n)
{
    int64_t changed = 0;

    TRY(db_exec(s, sql, args, n, &changed));
    version_bump(VERSION_SESSIONS);
    if (changed == 0)
        return fail_code(s, ERR_NOT_FOUND, "session.not_found", NULL, "no such session, or it has expired");
    return OK;
}

err web_session_extend(scope *s, const char *id_hash, int64_t expires_at)
{
    return change(s, "UPDATE web_session SET expires_at = $2 WHERE id_hash = $1",
                  DB_ARGS(db_text(id_hash), db_int(expires_at)));
}

err web_session_set_data(scope *s, const char *id_hash, const char *json)
{
    return change(s, "UPDATE web_session SET data = $2 WHERE id_hash = $1",
                  DB_ARGS(db_text(id_hash), db_text(text_or(json, "{}"))));
}

err web_session_delete(scope *s, const char *id_hash)
{
    TRY(db_exec(s, "DELETE FROM web_session WHERE id_hash = $1", DB_ARGS(db_text(id_hash)), NULL));
    version_bump(VERSION_SESSIONS);
    return OK;
}

err web_session_delete_of_user(scope *s, const char *user_id)
{
    TRY(db_exec(s, "DELETE FROM web_session WHERE user_id = $1", DB_ARGS(db_text(user_id)), NULL));
    version_bump(VERSION_SESSIONS);
    return OK;
}

err web_session_purge(scope *s, int64_t *deleted)
{
    return db_exec(s, "DELETE FROM web_session WHERE expires_at <= $1", DB_ARGS(db_int(clock_wall())), deleted);
}
