/* SPDX-License-Identifier: MIT */
/* Small facts of the installation; see kv.h. */
#include "model/kv.h"

#include "model/rows.h"
#include "model/version.h"

err kv_get(scope *s, const char *name, const char *fallback, const char **out)
{
    db_rows r;

    TRY(db_query(s, "SELECT value FROM kv WHERE name = $1", DB_ARGS(db_text(name)), &r));
    *out = r.count > 0 ? db_row_text(&r, 0, 0) : fallback;
    return OK;
}

err kv_set(scope *s, const char *name, const char *value)
{
    TRY(model_check_key(s, "the name", name));
    TRY(db_exec(s,
                "INSERT INTO kv (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                DB_ARGS(db_text(name), db_text(value)), NULL));
    version_bump(VERSION_KV);
    return OK;
}

err kv_set_if_absent(scope *s, const char *name, const char *value, const char **now)
{
    TRY(model_check_key(s, "the name", name));
    TRY(db_exec(s, "INSERT INTO kv (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                DB_ARGS(db_text(name), db_text(value)), NULL));
    version_bump(VERSION_KV);
    return kv_get(s, name, value, now);
}

err kv_delete(scope *s, const char *name)
{
    TRY(db_exec(s, "DELETE FROM kv WHERE name = $1", DB_ARGS(db_text(name)), NULL));
    version_bump(VERSION_KV);
    return OK;
}

err kv_list(scope *s, const char *prefix, kv_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s, "SELECT name, value FROM kv WHERE substr(name, 1, length($1)) = $1 ORDER BY name",
                 DB_ARGS(db_text(text_or(prefix, ""))), &r));
    *out = arena_array(s->arena, kv_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        (*out)[i] = (kv_row){.name = db_row_text(&r, i, 0), .value = db_row_text(&r, i, 1)};
    return OK;
}
