/* SPDX-License-Identifier: MIT */
/* Triggers; see trigger.h.  Their instances are in trigger_instance.c. */
#include "model/trigger.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/rows.h"
#include "model/slugs.h"
#include "model/version.h"

#define COLUMNS "id, integration_id, name, slug, description, kind, code, input_fields, created_at, updated_at"
#define ORDER " ORDER BY position, created_at, id"

enum { TRIES = 8 };

static void read_trigger(const db_rows *rows, size_t at, trigger_row *t)
{
    row_reader r = {rows, at, 0};

    t->id = take_text(&r);
    t->integration_id = take_text(&r);
    t->name = take_text(&r);
    t->slug = take_text(&r);
    t->description = take_text(&r);
    t->kind = take_text(&r);
    t->code = take_text(&r);
    t->input_fields = take_text(&r);
    t->created_at = take_int(&r);
    t->updated_at = take_int(&r);
}

static err name_exists(scope *s, const char *name)
{
    return fail_code(s, ERR_CONFLICT, "trigger.name_exists", name, "A trigger with this name already exists");
}

static const slug_table slugs = {
    .fallback = "trigger",
    .taken = "SELECT slug FROM integration_trigger WHERE integration_id = $1",
    .named = "SELECT COUNT(*) FROM integration_trigger WHERE integration_id = $1 AND name = $2 AND id <> $3",
    .max_rows = TRIGGERS_MAX,
};

static err insert(scope *s, const trigger_row *t)
{
    return db_exec(s,
                   "INSERT INTO integration_trigger (" COLUMNS ", position) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9,"
                   " $10, COALESCE(MAX(position) + 1, 0) FROM integration_trigger WHERE integration_id = $2",
                   DB_ARGS(db_text(t->id), db_text(t->integration_id), db_text(t->name), db_text(t->slug),
                           db_text(t->description), db_text(t->kind), db_text(t->code), db_text(t->input_fields),
                           db_int(t->created_at), db_int(t->updated_at)),
                   NULL);
}

static err explain(scope *s, const trigger_row *t, bool *again)
{
    bool taken = false;
    int64_t n = 0;

    TRY(slugs_name_taken(s, &slugs, t->integration_id, t->name, t->id, &taken));
    if (taken)
        return name_exists(s, t->name);
    TRY(model_count(s, "SELECT COUNT(*) FROM integration WHERE id = $1", DB_ARGS(db_text(t->integration_id)), &n));
    if (n == 0)
        return model_missing(s, "integration.not_found", "integration", t->integration_id);
    *again = true;
    return fail(s, ERR_CONFLICT, "the trigger %s could not be added", t->name);
}

static err find_order(scope *s, trigger_row *t)
{
    return model_count(s,
                       "SELECT COUNT(*) FROM integration_trigger o, integration_trigger t WHERE t.id = $1"
                       " AND o.integration_id = t.integration_id"
                       " AND (o.position < t.position OR (o.position = t.position AND"
                       " (o.created_at < t.created_at OR (o.created_at = t.created_at AND o.id < t.id))))",
                       DB_ARGS(db_text(t->id)), &t->order);
}

err trigger_insert(scope *s, trigger_row *t)
{
    err e = ERR_CONFLICT;
    bool again = true, full = false;

    if (t->id == NULL)
        t->id = id_uuid4(s->arena);
    t->description = text_or(t->description, "");
    t->kind = text_or(t->kind, "polling");
    t->input_fields = text_or(t->input_fields, "[]");
    t->code = cstr_eq(t->code, "") ? NULL : t->code;
    t->created_at = t->updated_at = clock_wall();
    for (int i = 0; e == ERR_CONFLICT && again && i < TRIES; i++) {
        again = false;
        TRY(slugs_pick(s, &slugs, t->integration_id, t->name, &t->slug, &full));
        if (full)
            return fail_code(s, ERR_TOO_LARGE, "trigger.too_many", NULL, "more than %d triggers are not possible",
                             TRIGGERS_MAX);
        if ((e = insert(s, t)) == ERR_CONFLICT)
            e = explain(s, t, &again);
    }
    TRY(e);
    version_bump(VERSION_INTEGRATIONS);
    return find_order(s, t);
}

err trigger_find(scope *s, const char *integration_id, const char *id, trigger_row **out)
{
    trigger_row *t;
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM integration_trigger WHERE id = $1 AND ($2 = '' OR integration_id = $2)",
                 DB_ARGS(db_text(id), db_text(text_or(integration_id, ""))), &r));
    if (r.count == 0)
        return model_missing(s, "trigger.not_found", "trigger", id);
    t = arena_one(s->arena, trigger_row);
    read_trigger(&r, 0, t);
    TRY(find_order(s, t));
    *out = t;
    return OK;
}

err trigger_list(scope *s, const char *integration_id, trigger_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM integration_trigger WHERE integration_id = $1" ORDER,
                 DB_ARGS(db_text(integration_id)), &r));
    *out = arena_array(s->arena, trigger_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++) {
        read_trigger(&r, i, &(*out)[i]);
        (*out)[i].order = (int64_t)i;
    }
    return OK;
}

/* An instance is made for one kind: it has a secret, or a time to poll. */
static err check_kind(scope *s, const char *id, const char *kind)
{
    int64_t n = 0;

    if (kind == NULL)
        return OK;
    TRY(model_count(s,
                    "SELECT COUNT(*) FROM trigger_instance i JOIN integration_trigger t ON t.id = i.trigger_id"
                    " WHERE t.id = $1 AND t.kind <> $2",
                    DB_ARGS(db_text(id), db_text(kind)), &n));
    return n == 0 ? OK
                  : fail_code(s, ERR_CONFLICT, "trigger.in_use", id, "A trigger that has instances keeps its kind");
}

err trigger_change(scope *s, const char *integration_id, const char *id, const trigger_patch *p)
{
    err e;

    TRY(check_kind(s, id, p->kind));
    e = model_exec_one(
        s, "trigger.not_found", "trigger", id,
        "UPDATE integration_trigger SET name = COALESCE($3, name), description = COALESCE($4, description),"
        " kind = COALESCE($5, kind), code = NULLIF(COALESCE($6, code), ''),"
        " input_fields = COALESCE($7, input_fields), updated_at = $8 WHERE id = $1 AND integration_id = $2",
        DB_ARGS(db_text(id), db_text(integration_id), db_text(p->name), db_text(p->description), db_text(p->kind),
                db_text(p->code), db_text(p->input_fields), db_int(clock_wall())));

    version_bump(VERSION_INTEGRATIONS);
    return e == ERR_CONFLICT ? name_exists(s, p->name) : e;
}

err trigger_delete(scope *s, const char *integration_id, const char *id)
{
    err e = model_exec_one(s, "trigger.not_found", "trigger", id,
                           "DELETE FROM integration_trigger WHERE id = $1 AND integration_id = $2",
                           DB_ARGS(db_text(id), db_text(integration_id)));

    version_bump(VERSION_INTEGRATIONS);
    return e;
}
