/* SPDX-License-Identifier: MIT */
/* Flows; see flow.h.  The folders they lie in are in folder.c. */
#include "model/flow.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/conversation.h"
#include "model/rows.h"
#include "model/version.h"

#define HEAD                                                                                                           \
    "id, user_id, folder_id, name, endpoint_name, description, icon, icon_bg_color, gradient, tags, action_name, "     \
    "action_description, access_type, fs_path, is_component, webhook, locked, mcp_enabled, created_at, updated_at, "
#define COLUMNS HEAD "data"
#define HEADER_COLUMNS HEAD "CASE WHEN is_component = 1 THEN data ELSE NULL END"

enum { RENAME_TRIES = 8 };

static void read_flow(const db_rows *rows, size_t at, flow_row *f)
{
    row_reader r = {rows, at, 0};

    f->id = take_text(&r);
    f->user_id = take_text(&r);
    f->folder_id = take_text(&r);
    f->name = take_text(&r);
    f->endpoint_name = take_text(&r);
    f->description = take_text(&r);
    f->icon = take_text(&r);
    f->icon_bg_color = take_text(&r);
    f->gradient = take_text(&r);
    f->tags = take_text(&r);
    f->action_name = take_text(&r);
    f->action_description = take_text(&r);
    f->access_type = take_text(&r);
    f->fs_path = take_text(&r);
    f->is_component = take_bool(&r);
    f->webhook = take_bool(&r);
    f->locked = take_bool(&r);
    f->mcp_enabled = take_bool(&r);
    f->created_at = take_int(&r);
    f->updated_at = take_int(&r);
    f->data = take_text(&r);
}

/* $1 to $21 in the order of COLUMNS. */
#define VALUES(f)                                                                                                      \
    db_text((f)->id), db_text((f)->user_id), db_text((f)->folder_id), db_text((f)->name), db_text((f)->endpoint_name), \
        db_text((f)->description), db_text((f)->icon), db_text((f)->icon_bg_color), db_text((f)->gradient),            \
        db_text((f)->tags), db_text((f)->action_name), db_text((f)->action_description),                               \
        db_text(text_or((f)->access_type, "PRIVATE")), db_text((f)->fs_path), db_int((f)->is_component),               \
        db_int((f)->webhook), db_int((f)->locked), db_int((f)->mcp_enabled), db_int((f)->created_at),                  \
        db_int((f)->updated_at), db_text((f)->data)

static err check_flow(scope *s, const flow_row *f)
{
    TRY(model_check_key(s, "the flow's name", f->name));
    return model_check_key(s, "the endpoint name", f->endpoint_name);
}

static err taken(scope *s, const char *column_sql, const flow_row *f, const char *value, bool *out)
{
    int64_t n = 0;

    TRY(model_count(s, column_sql, DB_ARGS(db_text(f->user_id), db_text(value), db_text(f->id)), &n));
    *out = n > 0;
    return OK;
}

/* Which of the unique columns was it, or the folder? */
static err explain_conflict(scope *s, const flow_row *f)
{
    bool yes = false;

    TRY(taken(s, "SELECT COUNT(*) FROM flow WHERE user_id = $1 AND name = $2 AND id <> $3", f, f->name, &yes));
    if (yes)
        return fail_code(s, ERR_CONFLICT, "flow.name_exists", f->name, "there is a flow named %s already", f->name);
    TRY(taken(s, "SELECT COUNT(*) FROM flow WHERE user_id = $1 AND endpoint_name = $2 AND id <> $3", f,
              f->endpoint_name, &yes));
    if (yes)
        return fail_code(s, ERR_CONFLICT, "flow.endpoint_exists", f->endpoint_name,
                         "there is a flow with the endpoint name %s already", f->endpoint_name);
    if (f->folder_id != NULL) {
        int64_t n = 0;

        TRY(model_count(s, "SELECT COUNT(*) FROM folder WHERE id = $1", DB_ARGS(db_text(f->folder_id)), &n));
        if (n == 0)
            return model_missing(s, "folder.not_found", "folder", f->folder_id);
    }
    return fail_code(s, ERR_CONFLICT, "flow.id_exists", f->id, "there is a flow %s already", f->id);
}

static err insert(scope *s, flow_row *f)
{
    TRY(check_flow(s, f));
    if (f->id == NULL)
        f->id = id_uuid4(s->arena);
    f->access_type = text_or(f->access_type, "PRIVATE");
    f->created_at = f->updated_at = clock_wall();
    TRY(db_exec(s,
                "INSERT INTO flow (" COLUMNS
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                " $16, $17, $18, $19, $20, $21)",
                DB_ARGS(VALUES(f)), NULL));
    version_bump(VERSION_FLOWS);
    return OK;
}

err flow_insert(scope *s, flow_row *f)
{
    err e = insert(s, f);

    return e == ERR_CONFLICT ? explain_conflict(s, f) : e;
}

/* Names. */

/* The number in "Name (12)" or "name-12"; -1 when `text` is not `base` with one. */
static int64_t suffix_number(const char *text, const char *base, const char *before, const char *after)
{
    str rest = str_of(text);
    size_t head = strlen(base) + strlen(before), tail = strlen(after);
    int64_t n;

    if (!str_starts(rest, base) || rest.len <= head + tail ||
        strncmp(text + strlen(base), before, strlen(before)) != 0 || !str_ends(rest, after))
        return -1;
    return str_to_int((str){rest.p + head, rest.len - head - tail}, &n) && n > 0 && n < 1000000000 ? n : -1;
}

/* `base` itself when it is free, else with the next number. */
static err free_name(scope *s, const char *sql, const flow_row *f, const char *base, const char *before,
                     const char *after, const char **out)
{
    bool exact = false;
    int64_t most = 0;
    db_rows r;

    TRY(db_query(s, sql, DB_ARGS(db_text(f->user_id), db_text(base)), &r));
    for (size_t i = 0; i < r.count; i++) {
        const char *name = db_row_text(&r, i, 0);
        int64_t n = suffix_number(name, base, before, after);

        exact = exact || cstr_eq(name, base);
        most = n > most ? n : most;
    }
    *out = exact ? arena_printf(s->arena, "%s%s%lld%s", base, before, (long long)most + 1, after) : base;
    return OK;
}

err flow_insert_renamed(scope *s, flow_row *f)
{
    const char *name = f->name, *endpoint = f->endpoint_name;
    err e = ERR_CONFLICT;

    TRY(check_flow(s, f));
    for (int i = 0; e == ERR_CONFLICT && i < RENAME_TRIES; i++) { /* somebody may take the same name meanwhile */
        TRY(free_name(s, "SELECT name FROM flow WHERE user_id = $1 AND substr(name, 1, length($2)) = $2", f, name, " (",
                      ")", &f->name));
        if (endpoint != NULL)
            TRY(free_name(
                s, "SELECT endpoint_name FROM flow WHERE user_id = $1 AND substr(endpoint_name, 1, length($2)) = $2", f,
                endpoint, "-", "", &f->endpoint_name));
        e = insert(s, f);
    }
    return e == ERR_CONFLICT ? explain_conflict(s, f) : e;
}

/* Reading. */

static err give_flows(scope *s, const db_rows *r, flow_row **out, size_t *n)
{
    *out = arena_array(s->arena, flow_row, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++)
        read_flow(r, i, &(*out)[i]);
    return OK;
}

static err one_flow(scope *s, const char *id, const char *sql, const db_value *args, size_t count, flow_row **out)
{
    size_t n = 0;
    db_rows r;

    TRY(db_query(s, sql, args, count, &r));
    if (r.count == 0)
        return model_missing(s, "flow.not_found", "flow", id);
    return give_flows(s, &r, out, &n);
}

err flow_find(scope *s, owned_by who, const char *id, flow_row **out)
{
    return one_flow(s, id, "SELECT " COLUMNS " FROM flow WHERE ($1 = 1 OR user_id = $2) AND id = $3",
                    DB_ARGS(WHO(who), db_text(id)), out);
}

err flow_find_by_name(scope *s, owned_by who, const char *id_or_name, flow_row **out)
{
    err e = flow_find(s, who, id_or_name, out);

    if (e != ERR_NOT_FOUND)
        return e;
    return one_flow(s, id_or_name,
                    "SELECT " COLUMNS " FROM flow WHERE ($1 = 1 OR user_id = $2) AND endpoint_name = $3"
                    " ORDER BY created_at, id LIMIT 1",
                    DB_ARGS(WHO(who), db_text(id_or_name)), out);
}

/* One text for everybody's and one for a user's flows, so that the latter run along an index. */
#define MATCHES(whose)                                                                                                 \
    " FROM flow WHERE " whose                                                                                          \
    " AND ($4 = '' OR folder_id = $4) AND ($5 = '%' OR lower(name) LIKE lower($5) ESCAPE '\\')"                        \
    " AND ($6 = 0 OR ($6 = 1 AND is_component = 1) OR ($6 = -1 AND is_component = 0))"
#define OF_ALL MATCHES("$1 = 1 AND $3 >= 0 AND COALESCE($2, '') = ''")
#define OF_USER MATCHES("$1 = 0 AND (user_id = $2 OR ($3 = 1 AND user_id IS NULL))")
#define ORDER " ORDER BY updated_at DESC, id LIMIT $7 OFFSET $8"

static const char *list_sql(const flow_filter *f)
{
    if (f->who.anyone)
        return f->headers_only ? "SELECT " HEADER_COLUMNS OF_ALL ORDER : "SELECT " COLUMNS OF_ALL ORDER;
    return f->headers_only ? "SELECT " HEADER_COLUMNS OF_USER ORDER : "SELECT " COLUMNS OF_USER ORDER;
}

err flow_list(scope *s, const flow_filter *f, flow_row **out, size_t *n, int64_t *total)
{
    db_value args[] = {db_int(f->who.anyone),
                       db_text(f->who.anyone ? NULL : f->who.user_id),
                       db_int(f->with_examples),
                       db_text(text_or(f->folder_id, "")),
                       db_text(like_anywhere(s->arena, f->search)),
                       db_int(f->components),
                       PAGE(f->page)};
    db_rows r;

    if (total != NULL)
        TRY(model_count(s, f->who.anyone ? "SELECT COUNT(*)" OF_ALL : "SELECT COUNT(*)" OF_USER, args, 6, total));
    TRY(db_query(s, list_sql(f), args, COUNT(args), &r));
    return give_flows(s, &r, out, n);
}

/* Changing. */

/* Where it is as it was read. */
static err write_flow(scope *s, flow_row *f)
{
    int64_t changed = 0, read_at = f->updated_at;
    err e;

    TRY(check_flow(s, f));
    f->updated_at = model_later(read_at);
    /* $19 stands there only because every parameter must. */
    e = db_exec(s,
                "UPDATE flow SET folder_id = $3, name = $4, endpoint_name = $5, description = $6, icon = $7,"
                " icon_bg_color = $8, gradient = $9, tags = $10, action_name = $11, action_description = $12,"
                " access_type = $13, fs_path = $14, is_component = $15, webhook = $16, locked = $17,"
                " mcp_enabled = $18, created_at = $19, updated_at = $20, data = $21"
                " WHERE id = $1 AND COALESCE(user_id, '') = COALESCE($2, '') AND updated_at = $22",
                DB_ARGS(VALUES(f), db_int(read_at)), &changed);
    version_bump(VERSION_FLOWS);
    if (e == OK && changed > 0)
        return OK;
    f->updated_at = read_at;
    if (e == ERR_CONFLICT)
        return explain_conflict(s, f);
    return e != OK ? e : model_changed(s, "flow.changed", "flow", f->id); /* or gone since then */
}

err flow_update(scope *s, owned_by who, flow_row *f)
{
    flow_row *old = NULL;

    TRY(flow_find(s, who, f->id, &old));
    f->user_id = old->user_id;
    f->created_at = old->created_at;
    return write_flow(s, f);
}

typedef struct {
    owned_by who;
    const char *id;
    flow_edit edit;
    void *arg;
    flow_row *row;
} flow_changing;

static err change_flow(scope *s, void *arg)
{
    flow_changing *c = arg;

    TRY(flow_find(s, c->who, c->id, &c->row));
    TRY(c->edit(s, c->row, c->arg));
    return write_flow(s, c->row);
}

err flow_change(scope *s, owned_by who, const char *id, flow_edit edit, void *arg, flow_row **out)
{
    flow_changing c = {.who = who, .id = id, .edit = edit, .arg = arg};

    TRY(model_retry(s, "flow.changed", change_flow, &c));
    *out = c.row;
    return OK;
}

#define THEIRS " FROM flow WHERE ($1 = 1 OR user_id = $2) AND id = $3"

static err delete_one(scope *s, owned_by who, const char *id, int64_t *deleted)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    TRY(model_count(s, "SELECT COUNT(*)" THEIRS, DB_ARGS(WHO(who), db_text(id)), deleted));
    if (*deleted == 0)
        return OK;
    conversation_add_delete_of_flow(b, who, id);
    db_batch_expect(b, 1, "DELETE" THEIRS, DB_ARGS(WHO(who), db_text(id)));
    e = db_batch_run(s, b);
    if (e != ERR_CONFLICT)
        return e;
    *deleted = 0; /* by somebody else, since then */
    return OK;
}

err flow_delete(scope *s, owned_by who, const char *const *ids, size_t n, int64_t *deleted)
{
    int64_t count = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t one = 0;

        TRY(delete_one(s, who, ids[i], &one));
        count += one;
    }
    version_bump(VERSION_FLOWS);
    if (deleted != NULL)
        *deleted = count;
    return OK;
}
