/* SPDX-License-Identifier: MIT */
/* Integrations; see integration.h. */
#include "model/integration.h"

#include "base/clock.h"
#include "base/id.h"
#include "model/rows.h"
#include "model/version.h"

#define COLUMNS                                                                                                        \
    "id, owner_id, name, description, auth_type, auth_fields, auth_test_code, oauth, sealed_oauth, icon_url, color, "  \
    "created_at, updated_at, allowed_hosts, private_ok, icon_object, icon_type, icon_version"

/* Without scripts and fields: a hundred kilobytes each, a thousand times, for a line of a list. */
#define SHORT_COLUMNS                                                                                                  \
    "id, owner_id, name, description, auth_type, NULL, NULL, NULL, NULL, icon_url, color, created_at, updated_at, "    \
    "allowed_hosts, private_ok, icon_object, icon_type, icon_version"

static void read_integration(const db_rows *rows, size_t at, integration_row *i)
{
    row_reader r = {rows, at, 0};

    i->id = take_text(&r);
    i->owner_id = take_text(&r);
    i->name = take_text(&r);
    i->description = take_text(&r);
    i->auth_type = take_text(&r);
    i->auth_fields = take_text(&r);
    i->auth_test_code = take_text(&r);
    i->oauth = take_text(&r);
    i->sealed_oauth = take_text(&r);
    i->icon_url = take_text(&r);
    i->color = take_text(&r);
    i->created_at = take_int(&r);
    i->updated_at = take_int(&r);
    i->allowed_hosts = take_text(&r);
    i->private_ok = take_bool(&r);
    i->icon_object = take_text(&r);
    i->icon_type = take_text(&r);
    i->icon_version = take_int(&r);
}

static err check_number(scope *s, const char *owner_id)
{
    int64_t n = 0;

    if (owner_id == NULL)
        return OK;
    TRY(model_count(s, "SELECT COUNT(*) FROM integration WHERE owner_id = $1", DB_ARGS(db_text(owner_id)), &n));
    if (n >= INTEGRATIONS_MAX)
        return fail_code(s, ERR_TOO_LARGE, "integration.too_many", NULL, "more than %d integrations are not possible",
                         INTEGRATIONS_MAX);
    return OK;
}

err integration_insert(scope *s, integration_row *i)
{
    TRY(check_number(s, i->owner_id));
    if (i->id == NULL)
        i->id = id_uuid4(s->arena);
    i->description = text_or(i->description, "");
    i->auth_type = text_or(i->auth_type, "NONE");
    i->auth_fields = text_or(i->auth_fields, "[]");
    i->created_at = i->updated_at = clock_wall();
    TRY(db_exec(s,
                "INSERT INTO integration (" COLUMNS
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                " $16, $17, $18)",
                DB_ARGS(db_text(i->id), db_text(i->owner_id), db_text(i->name), db_text(i->description),
                        db_text(i->auth_type), db_text(i->auth_fields), db_text(i->auth_test_code), db_text(i->oauth),
                        db_text(i->sealed_oauth), db_text(i->icon_url), db_text(i->color), db_int(i->created_at),
                        db_int(i->updated_at), db_text(i->allowed_hosts), db_int(i->private_ok),
                        db_text(i->icon_object), db_text(i->icon_type), db_int(i->icon_version)),
                NULL));
    version_bump(VERSION_INTEGRATIONS);
    return OK;
}

static err find(scope *s, const char *id, integration_row **out)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM integration WHERE id = $1", DB_ARGS(db_text(id)), &r));
    if (r.count == 0)
        return model_missing(s, "integration.not_found", "integration", id);
    *out = arena_one(s->arena, integration_row);
    read_integration(&r, 0, *out);
    return OK;
}

static err denied(scope *s, const char *id)
{
    return fail_code(s, ERR_DENIED, "integration.denied", id, "the integration %s is not yours", id);
}

err integration_find(scope *s, owned_by who, const char *id, integration_row **out)
{
    integration_row *i = NULL;

    TRY(find(s, id, &i));
    if (!who.anyone && i->owner_id != NULL && !cstr_eq(i->owner_id, who.user_id))
        return denied(s, id);
    *out = i;
    return OK;
}

err integration_list(scope *s, owned_by who, integration_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT " SHORT_COLUMNS " FROM integration WHERE ($1 = 1 OR owner_id = $2 OR owner_id IS NULL)"
                 " ORDER BY lower(name), name, id",
                 DB_ARGS(WHO(who)), &r));
    *out = arena_array(s->arena, integration_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        read_integration(&r, i, &(*out)[i]);
    return OK;
}

/* Built-in ones are nobody's to change. */
err integration_find_own(scope *s, owned_by who, const char *id, integration_row **out)
{
    integration_row *i = NULL;

    TRY(find(s, id, &i));
    if (i->owner_id == NULL || (!who.anyone && !cstr_eq(i->owner_id, who.user_id)))
        return denied(s, id);
    *out = i;
    return OK;
}

static err check_owner(scope *s, owned_by who, const char *id)
{
    integration_row *unused;

    return integration_find_own(s, who, id, &unused);
}

#define MAY_CHANGE " WHERE ($1 = 1 OR owner_id = $2) AND owner_id IS NOT NULL AND id = $3"

/* Keeps others from changing the row until the transaction ends, and reads the key of its icon. */
static err hold(scope *s, db_tx *tx, owned_by who, const char *id, const char **icon)
{
    int64_t held = 0;
    db_rows r;

    TRY(db_tx_exec(s, tx, "UPDATE integration SET icon_version = icon_version" MAY_CHANGE,
                   DB_ARGS(WHO(who), db_text(id)), &held));
    if (held == 0)
        return model_missing(s, "integration.not_found", "integration", id);
    TRY(db_tx_query(s, tx, "SELECT icon_object FROM integration WHERE id = $1", DB_ARGS(db_text(id)), &r));
    *icon = r.count > 0 ? db_row_text(&r, 0, 0) : NULL;
    return OK;
}

/* In one transaction with the reading of the icon that was there before. */
static err change(scope *s, owned_by who, const char *id, const char *sql, const db_value *args, size_t n,
                  const char **icon)
{
    db_tx *tx = NULL;
    err e;

    TRY(check_owner(s, who, id));
    TRY(db_begin(s, &tx));
    if ((e = hold(s, tx, who, id, icon)) == OK && (e = db_tx_exec(s, tx, sql, args, n, NULL)) == OK)
        e = db_commit(s, &tx);
    db_rollback(tx);
    version_bump(VERSION_INTEGRATIONS);
    return e;
}

err integration_change(scope *s, owned_by who, const char *id, const integration_patch *p, const char **replaced)
{
    const char *icon = NULL;

    TRY(change(
        s, who, id,
        "UPDATE integration SET name = COALESCE($4, name), description = COALESCE($5, description),"
        " icon_url = NULLIF(COALESCE($6, icon_url), ''), color = NULLIF(COALESCE($7, color), ''),"
        " allowed_hosts = NULLIF(COALESCE($8, allowed_hosts), ''), private_ok = COALESCE($9, private_ok),"
        " icon_object = NULLIF(COALESCE($10, icon_object), ''), icon_type = NULLIF(COALESCE($11, icon_type), ''),"
        " icon_version = icon_version + $12, updated_at = $13" MAY_CHANGE,
        DB_ARGS(WHO(who), db_text(id), db_text(p->name), db_text(p->description), db_text(p->icon_url),
                db_text(p->color), db_text(p->allowed_hosts),
                p->allowed_hosts != NULL ? db_int(p->private_ok) : DB_NULL, db_text(p->icon_object),
                db_text(p->icon_type), db_int(p->icon_object != NULL), db_int(clock_wall())),
        &icon));
    if (replaced != NULL)
        *replaced = p->icon_object != NULL ? icon : NULL;
    return OK;
}

/* The new way of connecting, and the old connections gone, in one transaction. */
static err replace_auth(scope *s, db_tx *tx, owned_by who, const integration_row *i, int64_t now, int64_t *deleted)
{
    int64_t changed = 0;

    TRY(db_tx_exec(s, tx,
                   "DELETE FROM connection WHERE integration_id = $1 AND EXISTS"
                   " (SELECT 1 FROM integration WHERE id = $1 AND auth_type <> $2)",
                   DB_ARGS(db_text(i->id), db_text(text_or(i->auth_type, "NONE"))), deleted));
    TRY(db_tx_exec(s, tx,
                   "UPDATE integration SET auth_type = $4, auth_fields = $5, auth_test_code = $6, oauth = $7,"
                   " sealed_oauth = $8, updated_at = $9" MAY_CHANGE " AND updated_at = $10",
                   DB_ARGS(WHO(who), db_text(i->id), db_text(text_or(i->auth_type, "NONE")),
                           db_text(text_or(i->auth_fields, "[]")), db_text(i->auth_test_code), db_text(i->oauth),
                           db_text(i->sealed_oauth), db_int(now), db_int(i->updated_at)),
                   &changed));
    return changed > 0 ? OK
                       : fail_code(s, ERR_CONFLICT, "integration.changed_meanwhile", i->id,
                                   "the integration was changed meanwhile");
}

err integration_set_auth(scope *s, owned_by who, integration_row *i, bool dry, int64_t *deleted)
{
    int64_t n = 0, now = clock_wall();
    db_tx *tx = NULL;
    err e;

    TRY(check_owner(s, who, i->id));
    if (dry)
        return model_count(s,
                           "SELECT COUNT(*) FROM connection WHERE integration_id = $1 AND EXISTS"
                           " (SELECT 1 FROM integration WHERE id = $1 AND auth_type <> $2)",
                           DB_ARGS(db_text(i->id), db_text(text_or(i->auth_type, "NONE"))), deleted);
    if (now <= i->updated_at)
        now = i->updated_at + 1;
    TRY(db_begin(s, &tx));
    if ((e = replace_auth(s, tx, who, i, now, &n)) == OK)
        e = db_commit(s, &tx);
    db_rollback(tx);
    version_bump(VERSION_INTEGRATIONS);
    TRY(e);
    i->updated_at = now;
    if (deleted != NULL)
        *deleted = n;
    return OK;
}

err integration_delete(scope *s, owned_by who, const char *id, const char **icon)
{
    const char *had = NULL;

    TRY(change(s, who, id, "DELETE FROM integration" MAY_CHANGE, DB_ARGS(WHO(who), db_text(id)), &had));
    if (icon != NULL)
        *icon = had;
    return OK;
}
