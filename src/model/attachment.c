/* SPDX-License-Identifier: MIT */
/* Attachments; see attachment.h. */
#include "model/attachment.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/rows.h"

#define COLUMNS "id, owner_id, name, mime, size, object_key, created_at"

static attachment_row *read_attachment(scope *s, const db_rows *rows)
{
    attachment_row *at = arena_one(s->arena, attachment_row);
    row_reader r = {rows, 0, 0};

    at->id = take_text(&r);
    at->owner_id = take_text(&r);
    at->name = take_text(&r);
    at->mime = take_text(&r);
    at->size = take_int(&r);
    at->object_key = take_text(&r);
    at->created_at = take_int(&r);
    return at;
}

err attachment_insert(scope *s, attachment_row *at)
{
    int64_t have;

    TRY(model_count(s, "SELECT COUNT(*) FROM attachment WHERE owner_id = $1 AND deleted_at = 0",
                    DB_ARGS(db_text(at->owner_id)), &have));
    if (have >= ATTACHMENTS_MAX)
        return fail_code(s, ERR_TOO_LARGE, "attachment.too_many", NULL, "a user has at most %d attachments",
                         ATTACHMENTS_MAX);
    if (at->id == NULL)
        at->id = id_uuid4(s->arena);
    at->created_at = clock_wall();
    return db_exec(s, "INSERT INTO attachment (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7)",
                   DB_ARGS(db_text(at->id), db_text(at->owner_id), db_text(at->name), db_text(at->mime),
                           db_int(at->size), db_text(at->object_key), db_int(at->created_at)),
                   NULL);
}

err attachment_find(scope *s, owned_by who, const char *id, attachment_row **out)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM attachment WHERE ($1 = 1 OR owner_id = $2) AND id = $3 AND deleted_at = 0",
                 DB_ARGS(WHO(who), db_text(id)), &r));
    if (r.count == 0)
        return model_missing(s, "attachment.not_found", "attachment", id);
    *out = read_attachment(s, &r);
    return OK;
}

err attachment_find_by_name(scope *s, owned_by who, const char *name, attachment_row **out)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " COLUMNS " FROM attachment WHERE ($1 = 1 OR owner_id = $2) AND name = $3 AND deleted_at = 0"
                 " ORDER BY created_at DESC, id LIMIT 1",
                 DB_ARGS(WHO(who), db_text(name)), &r));
    if (r.count == 0)
        return model_missing(s, "attachment.not_found", "attachment", name);
    *out = read_attachment(s, &r);
    return OK;
}

err attachment_delete(scope *s, owned_by who, const char *id, attachment_row **out)
{
    attachment_row *at;

    TRY(attachment_find(s, who, id, &at));
    TRY(model_exec_one(s, "attachment.not_found", "attachment", id,
                       "UPDATE attachment SET deleted_at = $2, object_key = NULL WHERE id = $1 AND deleted_at = 0",
                       DB_ARGS(db_text(id), db_int(clock_wall()))));
    *out = at;
    return OK;
}
