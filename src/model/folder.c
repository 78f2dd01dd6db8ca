/* SPDX-License-Identifier: MIT */
/* Folders of flows; see flow.h. */
#include "base/clock.h"
#include "base/id.h"
#include "model/conversation.h"
#include "model/flow.h"
#include "model/rows.h"
#include "model/version.h"

#define COLUMNS "id, user_id, name, description, parent_id, auth_settings, created_at, updated_at"
#define DEFAULT_NAME "Starter Project"

static void read_folder(const db_rows *rows, size_t at, folder_row *f)
{
    row_reader r = {rows, at, 0};

    f->id = take_text(&r);
    f->user_id = take_text(&r);
    f->name = take_text(&r);
    f->description = take_text(&r);
    f->parent_id = take_text(&r);
    f->auth_settings = take_text(&r);
    f->created_at = take_int(&r);
    f->updated_at = take_int(&r);
}

static err exists(scope *s, const folder_row *f)
{
    return fail_code(s, ERR_CONFLICT, "folder.exists", f->name, "there is a folder named %s already", f->name);
}

err folder_insert(scope *s, folder_row *f)
{
    err e;

    TRY(model_check_key(s, "the folder's name", f->name));
    if (f->id == NULL)
        f->id = id_uuid4(s->arena);
    f->created_at = f->updated_at = clock_wall();
    e = db_exec(s, "INSERT INTO folder (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                DB_ARGS(db_text(f->id), db_text(f->user_id), db_text(f->name), db_text(f->description),
                        db_text(f->parent_id), db_text(f->auth_settings), db_int(f->created_at), db_int(f->updated_at)),
                NULL);
    version_bump(VERSION_FLOWS);
    return e == ERR_CONFLICT ? exists(s, f) : e;
}

static err give_folders(scope *s, const db_rows *r, folder_row **out, size_t *n)
{
    *out = arena_array(s->arena, folder_row, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++)
        read_folder(r, i, &(*out)[i]);
    return OK;
}

static err one_folder(scope *s, const char *id, const char *sql, const db_value *args, size_t count, folder_row **out)
{
    size_t n = 0;
    db_rows r;

    TRY(db_query(s, sql, args, count, &r));
    if (r.count == 0)
        return model_missing(s, "folder.not_found", "folder", id);
    return give_folders(s, &r, out, &n);
}

err folder_find(scope *s, owned_by who, const char *id, folder_row **out)
{
    return one_folder(s, id, "SELECT " COLUMNS " FROM folder WHERE ($1 = 1 OR user_id = $2) AND id = $3",
                      DB_ARGS(WHO(who), db_text(id)), out);
}

err folder_list(scope *s, owned_by who, folder_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM folder WHERE ($1 = 1 OR user_id = $2) ORDER BY created_at, id",
                 DB_ARGS(WHO(who)), &r));
    return give_folders(s, &r, out, n);
}

static err find_default(scope *s, const char *user_id, folder_row **out)
{
    return one_folder(s, DEFAULT_NAME, "SELECT " COLUMNS " FROM folder WHERE user_id = $1 AND name = $2",
                      DB_ARGS(db_text(user_id), db_text(DEFAULT_NAME)), out);
}

err folder_default(scope *s, const char *user_id, folder_row **out)
{
    folder_row fresh = {.user_id = user_id, .name = DEFAULT_NAME};
    err e = find_default(s, user_id, out);

    if (e != ERR_NOT_FOUND)
        return e;
    e = folder_insert(s, &fresh);
    if (e != OK && e != ERR_CONFLICT) /* another request may have made it meanwhile */
        return e;
    return find_default(s, user_id, out);
}

err folder_update(scope *s, owned_by who, folder_row *f)
{
    err e;

    TRY(model_check_key(s, "the folder's name", f->name));
    f->updated_at = clock_wall();
    e = model_exec_one(
        s, "folder.not_found", "folder", f->id,
        "UPDATE folder SET name = $4, description = $5, parent_id = $6, auth_settings = $7, updated_at = $8"
        " WHERE ($1 = 1 OR user_id = $2) AND id = $3",
        DB_ARGS(WHO(who), db_text(f->id), db_text(f->name), db_text(f->description), db_text(f->parent_id),
                db_text(f->auth_settings), db_int(f->updated_at)));
    version_bump(VERSION_FLOWS);
    return e == ERR_CONFLICT ? exists(s, f) : e;
}

err folder_delete(scope *s, owned_by who, const char *id)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    conversation_add_delete_of_folder(b, who, id);
    db_batch_expect(b, 1, "DELETE FROM folder WHERE ($1 = 1 OR user_id = $2) AND id = $3",
                    DB_ARGS(WHO(who), db_text(id)));
    e = db_batch_run(s, b);
    version_bump(VERSION_FLOWS);
    return e == ERR_CONFLICT ? model_missing(s, "folder.not_found", "folder", id) : e;
}
