/* SPDX-License-Identifier: MIT */
/* Actions; see action.h. */
#include "model/action.h"

#include <assert.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/slug.h"
#include "model/input_field.h"
#include "model/recall.h"
#include "model/slugs.h"

#define COLUMNS                                                                                                        \
    "id, integration_id, name, slug, description, code, input_fields, requires_confirmation, active_label, "           \
    "done_label, failed_label, created_at, updated_at"
#define ORDER " ORDER BY position, created_at, id"

enum { TRIES = 8 };

static void read_columns(row_reader *r, action_row *a)
{
    a->id = take_text(r);
    a->integration_id = take_text(r);
    a->name = take_text(r);
    a->slug = take_text(r);
    a->description = take_text(r);
    a->code = take_text(r);
    a->input_fields = take_text(r);
    a->requires_confirmation = take_bool(r);
    a->active_label = take_text(r);
    a->done_label = take_text(r);
    a->failed_label = take_text(r);
    a->created_at = take_int(r);
    a->updated_at = take_int(r);
}

static err name_exists(scope *s, const char *name)
{
    return fail_code(s, ERR_CONFLICT, "action.name_exists", name, "An action with this name already exists");
}

static const slug_table slugs = {
    .fallback = "action",
    .taken = "SELECT slug FROM action WHERE integration_id = $1",
    .named = "SELECT COUNT(*) FROM action WHERE integration_id = $1 AND name = $2 AND id <> $3",
    .max_rows = ACTIONS_MAX,
};

static err insert(scope *s, const action_row *a)
{
    return db_exec(
        s,
        "INSERT INTO action (" COLUMNS ", position) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
        " $13, COALESCE(MAX(position) + 1, 0) FROM action WHERE integration_id = $2",
        DB_ARGS(db_text(a->id), db_text(a->integration_id), db_text(a->name), db_text(a->slug), db_text(a->description),
                db_text(a->code), db_text(a->input_fields), db_int(a->requires_confirmation), db_text(a->active_label),
                db_text(a->done_label), db_text(a->failed_label), db_int(a->created_at), db_int(a->updated_at)),
        NULL);
}

/* The unique name, the unique slug (somebody else took it meanwhile), or the integration? */
static err explain(scope *s, const action_row *a, bool *again)
{
    bool taken = false;
    int64_t n = 0;

    TRY(slugs_name_taken(s, &slugs, a->integration_id, a->name, a->id, &taken));
    if (taken)
        return name_exists(s, a->name);
    TRY(model_count(s, "SELECT COUNT(*) FROM integration WHERE id = $1", DB_ARGS(db_text(a->integration_id)), &n));
    if (n == 0)
        return model_missing(s, "integration.not_found", "integration", a->integration_id);
    *again = true;
    return fail(s, ERR_CONFLICT, "the action %s could not be added", a->name);
}

static err find_order(scope *s, action_row *a)
{
    return model_count(s,
                       "SELECT COUNT(*) FROM action o, action a WHERE a.id = $1 AND o.integration_id = a.integration_id"
                       " AND (o.position < a.position OR (o.position = a.position AND"
                       " (o.created_at < a.created_at OR (o.created_at = a.created_at AND o.id < a.id))))",
                       DB_ARGS(db_text(a->id)), &a->order);
}

err action_insert(scope *s, action_row *a)
{
    err e = ERR_CONFLICT;
    bool again = true, full = false;

    if (a->id == NULL)
        a->id = id_uuid4(s->arena);
    a->description = text_or(a->description, "");
    a->input_fields = text_or(a->input_fields, "[]");
    a->code = cstr_eq(a->code, "") ? NULL : a->code;
    a->created_at = a->updated_at = clock_wall();
    for (int i = 0; e == ERR_CONFLICT && again && i < TRIES; i++) {
        again = false;
        TRY(slugs_pick(s, &slugs, a->integration_id, a->name, &a->slug, &full));
        if (full)
            return fail_code(s, ERR_TOO_LARGE, "action.too_many", NULL, "more than %d actions are not possible",
                             ACTIONS_MAX);
        if ((e = insert(s, a)) == ERR_CONFLICT)
            e = explain(s, a, &again);
    }
    TRY(e);
    version_bump(VERSION_INTEGRATIONS);
    return find_order(s, a);
}

err action_find(scope *s, const char *integration_id, const char *id, action_row **out)
{
    row_reader at = {.row = 0};
    db_rows r;
    action_row *a;

    TRY(db_query(s, "SELECT " COLUMNS " FROM action WHERE id = $1 AND ($2 = '' OR integration_id = $2)",
                 DB_ARGS(db_text(id), db_text(text_or(integration_id, ""))), &r));
    if (r.count == 0)
        return model_missing(s, "action.not_found", "action", id);
    at.rows = &r;
    a = arena_one(s->arena, action_row);
    read_columns(&at, a);
    TRY(find_order(s, a));
    *out = a;
    return OK;
}

err action_list(scope *s, const char *integration_id, action_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM action WHERE integration_id = $1" ORDER, DB_ARGS(db_text(integration_id)),
                 &r));
    *out = arena_array(s->arena, action_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++) {
        row_reader at = {&r, i, 0};

        read_columns(&at, &(*out)[i]);
        (*out)[i].order = (int64_t)i;
    }
    return OK;
}

/* Each chat asks for them: with the conditions apart, both parts run along the index of owners. */
#define OFFERS                                                                                                         \
    "SELECT a.id, a.integration_id, a.name, a.slug, a.description, NULL, NULL, a.requires_confirmation,"               \
    " a.active_label, a.done_label, a.failed_label, a.created_at, a.updated_at, i.name, i.owner_id,"                   \
    " i.created_at AS age, i.id AS whose, a.position AS place"                                                         \
    " FROM action a JOIN integration i ON i.id = a.integration_id"
#define BY_AGE " ORDER BY age, whose, place, 12, 1"

err action_list_offers(scope *s, const char *user_id, action_offer **out, size_t *n)
{
    db_rows r;

    TRY(model_recall(s, VERSION_INTEGRATIONS, true,
                     OFFERS " WHERE i.owner_id = $1 UNION ALL " OFFERS " WHERE i.owner_id IS NULL" BY_AGE " LIMIT $2",
                     DB_ARGS(db_text(text_or(user_id, "")), db_int(ACTION_OFFERS_MAX)), &r));
    *out = arena_array(s->arena, action_offer, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++) {
        row_reader at = {&r, i, 0};

        read_columns(&at, &(*out)[i].action);
        (*out)[i].integration_name = take_text(&at);
        (*out)[i].owner_id = take_text(&at);
    }
    return OK;
}

err action_list_fields(scope *s, const char *const *ids, size_t n, const char **out)
{
    db_value args[ACTION_FIELDS_AT_ONCE];
    db_rows r;

    assert(n <= ACTION_FIELDS_AT_ONCE);
    for (size_t i = 0; i < ACTION_FIELDS_AT_ONCE; i++)
        args[i] = db_text(i < n ? ids[i] : "");
    TRY(model_recall(s, VERSION_INTEGRATIONS, false,
                     "SELECT id, input_fields FROM action WHERE id IN"
                     " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
                     args, COUNT(args), &r));
    for (size_t i = 0; i < n; i++) {
        out[i] = NULL;
        for (size_t k = 0; k < r.count; k++)
            if (cstr_eq(db_row_text(&r, k, 0), ids[i]))
                out[i] = db_row_text(&r, k, 1);
    }
    return OK;
}

err action_list_names(scope *s, owned_by who, action_row **out, size_t *n, bool *cut)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT a.id, a.integration_id, a.name, a.description"
                 " FROM action a JOIN integration i ON i.id = a.integration_id"
                 " WHERE ($1 = 1 OR i.owner_id = $2 OR i.owner_id IS NULL)"
                 " ORDER BY CASE WHEN i.owner_id = $2 OR i.owner_id IS NULL THEN 0 ELSE 1 END, i.created_at, i.id,"
                 " a.position, a.created_at, a.id LIMIT $3",
                 DB_ARGS(WHO(who), db_int(ACTIONS_LISTED_MAX + 1)), &r));
    *cut = r.count > ACTIONS_LISTED_MAX;
    *n = MIN_OF(r.count, (size_t)ACTIONS_LISTED_MAX);
    *out = arena_array(s->arena, action_row, *n);
    for (size_t i = 0; i < *n; i++)
        (*out)[i] = (action_row){.id = db_row_text(&r, i, 0),
                                 .integration_id = db_row_text(&r, i, 1),
                                 .name = db_row_text(&r, i, 2),
                                 .description = db_row_text(&r, i, 3)};
    return OK;
}

err action_change(scope *s, const char *integration_id, const char *id, const action_patch *p)
{
    err e = model_exec_one(
        s, "action.not_found", "action", id,
        "UPDATE action SET name = COALESCE($3, name), description = COALESCE($4, description),"
        " code = NULLIF(COALESCE($5, code), ''), input_fields = COALESCE($6, input_fields),"
        " requires_confirmation = COALESCE($7, requires_confirmation),"
        " active_label = NULLIF(COALESCE($8, active_label), ''), done_label = NULLIF(COALESCE($9, done_label), ''),"
        " failed_label = NULLIF(COALESCE($10, failed_label), ''), updated_at = $11"
        " WHERE id = $1 AND integration_id = $2",
        DB_ARGS(db_text(id), db_text(integration_id), db_text(p->name), db_text(p->description), db_text(p->code),
                db_text(p->input_fields),
                p->requires_confirmation != NULL ? db_int(*p->requires_confirmation) : DB_NULL,
                db_text(p->active_label), db_text(p->done_label), db_text(p->failed_label), db_int(clock_wall())));

    version_bump(VERSION_INTEGRATIONS);
    return e == ERR_CONFLICT ? name_exists(s, p->name) : e;
}

/* The list without the reference; NULL when it has none. */
static const char *without_context(arena *a, const char *text, const char *id)
{
    json_t *list = input_fields_parse(a, text);
    bool found = false;

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);

        if (!cstr_eq(json_get_str(one, "contextActionId", NULL), id))
            continue;
        json_set(one, "contextActionId", json_null());
        found = true;
    }
    return found ? json_text(a, list) : NULL;
}

static err forget_context(scope *s, db_tx *tx, const char *integration_id, const char *id)
{
    db_rows r;

    TRY(db_tx_query(s, tx, "SELECT id, input_fields FROM action WHERE integration_id = $1 AND input_fields LIKE $2",
                    DB_ARGS(db_text(integration_id), db_text(arena_printf(s->arena, "%%%s%%", id))), &r));
    for (size_t i = 0; i < r.count; i++) {
        const char *text = without_context(s->arena, db_row_text(&r, i, 1), id);

        if (text != NULL)
            TRY(db_tx_exec(s, tx, "UPDATE action SET input_fields = $2 WHERE id = $1",
                           DB_ARGS(db_text(db_row_text(&r, i, 0)), db_text(text)), NULL));
    }
    return OK;
}

err action_delete(scope *s, const char *integration_id, const char *id)
{
    int64_t deleted = 0;
    db_tx *tx = NULL;
    err e;

    TRY(db_begin(s, &tx));
    e = db_tx_exec(s, tx, "DELETE FROM action WHERE id = $1 AND integration_id = $2",
                   DB_ARGS(db_text(id), db_text(integration_id)), &deleted);
    if (e == OK && deleted == 0)
        e = model_missing(s, "action.not_found", "action", id);
    if (e == OK && (e = forget_context(s, tx, integration_id, id)) == OK)
        e = db_commit(s, &tx);
    db_rollback(tx);
    version_bump(VERSION_INTEGRATIONS);
    return e;
}

static err is_there(scope *s, const char *sql, const char *id, bool *there)
{
    int64_t n = 0;

    TRY(model_count(s, sql, DB_ARGS(db_text(id)), &n));
    *there = n > 0;
    return OK;
}

err action_entries_refresh(scope *s, json_t *entries)
{
    for (size_t i = json_array_size(entries); i > 0; i--) {
        json_t *one = json_array_get(entries, i - 1);
        const char *connection = json_get_str(one, "connectionId", NULL);
        bool there = true;

        TRY(is_there(s, "SELECT COUNT(*) FROM action WHERE id = $1", json_get_str(one, "actionId", ""), &there));
        if (!there) {
            json_array_remove(entries, i - 1);
            continue;
        }
        if (connection != NULL)
            TRY(is_there(s, "SELECT COUNT(*) FROM connection WHERE id = $1", connection, &there));
        if (!there)
            json_set(one, "connectionId", json_null());
    }
    return OK;
}
