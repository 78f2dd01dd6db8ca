/* SPDX-License-Identifier: MIT */
/* Providers alone; see provider.h.  Models are in model.c, both together in served.c. */
#include "base/clock.h"
#include "base/id.h"
#include "db/seal.h"
#include "model/provider_internal.h"
#include "model/version.h"

void provider_read(row_reader *r, provider_row *p)
{
    p->id = take_text(r);
    p->owner_id = take_text(r);
    p->name = take_text(r);
    p->requester = take_text(r);
    p->base_url = take_text(r);
    p->sealed_keys = take_text(r);
    p->extra = take_text(r);
    p->is_default = take_bool(r);
    p->created_at = take_int(r);
    p->updated_at = take_int(r);
}

err provider_gone(scope *s, const char *id)
{
    return model_missing(s, "provider.not_found", "provider", id);
}

/* Keys. */

char *provider_seal_keys(arena *a, const char *const *keys, size_t n)
{
    json_t *list;

    if (n == 0)
        return NULL;
    list = json_hold(a, json_array());
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(keys[i]));
    return seal_text(a, json_text(a, list));
}

err provider_open_keys(scope *s, const provider_row *p, const char ***out, size_t *n)
{
    const char **keys;
    json_t *list = NULL;
    char *text = NULL;
    size_t count;

    if (seal_open(s->arena, p->sealed_keys, &text) != OK ||
        (text != NULL && json_parse(s->arena, text, strlen(text), NULL, &list) != OK))
        return fail_code(s, ERR_INVALID, "provider.keys_unreadable", p->name,
                         "the keys of %s cannot be read: they were sealed with another secret key", p->name);
    count = MIN_OF(json_array_size(list), (size_t)PROVIDER_KEYS_MAX);
    keys = arena_array(s->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        keys[i] = text_or(json_string_value(json_array_get(list, i)), "");
    *out = keys;
    *n = count;
    return OK;
}

/* Writing. */

void provider_fill(scope *s, provider_row *p)
{
    if (p->id == NULL)
        p->id = id_uuid4(s->arena);
    p->base_url = text_or(p->base_url, "");
    p->extra = text_or(p->extra, "{}");
    p->created_at = p->updated_at = clock_wall();
}

/* It is a change: who read the row before must not bring the flag back. */
#define GIVE_WAY "UPDATE provider SET is_default = 0, updated_at = updated_at + 1 WHERE"

void provider_add_default(db_batch *b, const provider_row *p)
{
    if (!p->is_default)
        return;
    if (p->owner_id != NULL)
        db_batch_add(b, GIVE_WAY " owner_id = $1 AND id <> $2 AND is_default = 1",
                     DB_ARGS(db_text(p->owner_id), db_text(p->id)));
    else
        db_batch_add(b, GIVE_WAY " owner_id IS NULL AND id <> $1 AND is_default = 1", DB_ARGS(db_text(p->id)));
}

void provider_add_insert(db_batch *b, const provider_row *p)
{
    provider_add_default(b, p);
    db_batch_add(
        b,
        "INSERT INTO provider (id, owner_id, name, requester, base_url, sealed_keys, extra, is_default, created_at,"
        " updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        DB_ARGS(db_text(p->id), db_text(p->owner_id), db_text(p->name), db_text(p->requester), db_text(p->base_url),
                db_text(p->sealed_keys), db_text(p->extra), db_int(p->is_default), db_int(p->created_at),
                db_int(p->updated_at)));
}

void provider_add_update(db_batch *b, owned_by who, const provider_row *p, int64_t read_at)
{
    db_batch_expect(b, 1,
                    "UPDATE provider SET name = $4, requester = $5, base_url = $6, sealed_keys = $7, extra = $8,"
                    " is_default = $9, updated_at = $10 WHERE ($1 = 1 OR owner_id = $2) AND id = $3"
                    " AND updated_at = $11",
                    DB_ARGS(WHO(who), db_text(p->id), db_text(p->name), db_text(p->requester),
                            db_text(text_or(p->base_url, "")), db_text(p->sealed_keys),
                            db_text(text_or(p->extra, "{}")), db_int(p->is_default), db_int(p->updated_at),
                            db_int(read_at)));
    provider_add_default(b, p);
}

err provider_insert(scope *s, provider_row *p)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    provider_fill(s, p);
    provider_add_insert(b, p);
    e = db_batch_run(s, b);
    version_bump(VERSION_PROVIDERS);
    if (e == ERR_CONFLICT)
        return fail_code(s, e, "provider.exists", p->id, "there is a provider %s already", p->id);
    return e;
}

err provider_update(scope *s, owned_by who, provider_row *p)
{
    db_batch *b = db_batch_new(s->arena);
    provider_row *old = NULL;
    int64_t read_at = p->updated_at;
    err e;

    TRY(provider_find(s, (provider_scope){.who = who}, p->id, &old));
    p->owner_id = old->owner_id; /* whose other defaults give way */
    p->updated_at = model_later(read_at);
    provider_add_update(b, who, p, read_at);
    e = db_batch_run(s, b);
    version_bump(VERSION_PROVIDERS);
    if (e != OK)
        p->updated_at = read_at;
    return e == ERR_CONFLICT ? model_changed(s, "provider.changed", "provider", p->id) : e; /* or gone since then */
}

typedef struct {
    owned_by who;
    const char *id;
    provider_edit edit;
    void *arg;
} provider_changing;

static err change_provider(scope *s, void *arg)
{
    provider_changing *c = arg;
    provider_row *row;

    TRY(provider_find(s, (provider_scope){.who = c->who}, c->id, &row));
    TRY(c->edit(s, row, c->arg));
    return provider_update(s, c->who, row);
}

err provider_change(scope *s, owned_by who, const char *id, provider_edit edit, void *arg)
{
    return model_retry(s, "provider.changed", change_provider, &(provider_changing){who, id, edit, arg});
}

err provider_delete(scope *s, owned_by who, const char *id)
{
    err e = model_exec_one(s, "provider.not_found", "provider", id,
                           "DELETE FROM provider WHERE ($1 = 1 OR owner_id = $2) AND id = $3",
                           DB_ARGS(WHO(who), db_text(id)));

    version_bump(VERSION_PROVIDERS);
    if (e == ERR_CONFLICT)
        return fail_code(s, e, "provider.in_use", id, "models still refer to the provider %s", id);
    return e;
}

/* Reading. */

static err one_provider(scope *s, const char *shown, const char *sql, const db_value *args, size_t n,
                        provider_row **out)
{
    row_reader at = {.row = 0};
    db_rows r;

    TRY(db_query(s, sql, args, n, &r));
    if (r.count == 0)
        return provider_gone(s, shown);
    at.rows = &r;
    *out = arena_one(s->arena, provider_row);
    provider_read(&at, *out);
    return OK;
}

err provider_find(scope *s, provider_scope sc, const char *id, provider_row **out)
{
    return one_provider(s, id, "SELECT " PROVIDER_COLUMNS " FROM provider p WHERE " IN_SCOPE " AND p.id = $4",
                        DB_ARGS(SCOPE(sc), db_text(id)), out);
}

err provider_find_by_name(scope *s, provider_scope sc, const char *name, provider_row **out)
{
    return one_provider(s, name,
                        "SELECT " PROVIDER_COLUMNS " FROM provider p WHERE " IN_SCOPE " AND p.name = $4"
                        " ORDER BY CASE WHEN p.owner_id = $2 THEN 0 WHEN p.owner_id IS NULL THEN 1 ELSE 2 END,"
                        " p.created_at, p.id LIMIT 1",
                        DB_ARGS(SCOPE(sc), db_text(name)), out);
}

static void give_providers(scope *s, const db_rows *r, provider_row **out, size_t *n)
{
    *out = arena_array(s->arena, provider_row, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++) {
        row_reader at = {r, i, 0};

        provider_read(&at, &(*out)[i]);
    }
}

err provider_list(scope *s, provider_scope sc, page p, provider_row **out, size_t *n, int64_t *total)
{
    db_rows r;

    if (total != NULL)
        TRY(model_count(s, "SELECT COUNT(*) FROM provider p WHERE " IN_SCOPE, DB_ARGS(SCOPE(sc)), total));
    TRY(db_query(s,
                 "SELECT " PROVIDER_COLUMNS " FROM provider p WHERE " IN_SCOPE
                 " ORDER BY p.created_at, p.id LIMIT $4 OFFSET $5",
                 DB_ARGS(SCOPE(sc), PAGE(p)), &r));
    give_providers(s, &r, out, n);
    return OK;
}

err provider_count_models(scope *s, provider_scope sc, provider_counts **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s,
                 "SELECT m.provider_id, SUM(CASE WHEN m.kind = 'llm' THEN 1 ELSE 0 END),"
                 " SUM(CASE WHEN m.kind = 'embedding' THEN 1 ELSE 0 END),"
                 " SUM(CASE WHEN m.kind = 'rerank' THEN 1 ELSE 0 END)"
                 " FROM model m JOIN provider p ON p.id = m.provider_id WHERE " IN_SCOPE " GROUP BY m.provider_id",
                 DB_ARGS(SCOPE(sc)), &r));
    *out = arena_array(s->arena, provider_counts, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        (*out)[i] = (provider_counts){.provider_id = db_row_text(&r, i, 0),
                                      .llm = db_row_int(&r, i, 1),
                                      .embedding = db_row_int(&r, i, 2),
                                      .rerank = db_row_int(&r, i, 3)};
    return OK;
}

/* The order of keys does not matter; how often one is given neither. */
static bool all_among(const char *const *some, size_t n_some, const char *const *others, size_t n_others)
{
    for (size_t i = 0; i < n_some; i++) {
        bool found = false;

        for (size_t k = 0; k < n_others && !found; k++)
            found = strcmp(some[i], others[k]) == 0;
        if (!found)
            return false;
    }
    return true;
}

bool provider_has_keys(scope *s, const provider_row *p, const char *const *keys, size_t n)
{
    const char **own = NULL;
    size_t n_own = 0;

    if (provider_open_keys(s, p, &own, &n_own) != OK)
        return false; /* unreadable ones are not the same */
    return all_among(own, n_own, keys, n) && all_among(keys, n, own, n_own);
}

err provider_find_same(scope *s, const char *owner_id, const char *requester, const char *base_url,
                       const char *const *keys, size_t n_keys, provider_row **out)
{
    provider_row *all = NULL;
    db_rows r;
    size_t n = 0;

    TRY(db_query(
        s,
        "SELECT " PROVIDER_COLUMNS " FROM provider p WHERE COALESCE(p.owner_id, '') = $1 AND p.base_url = $2"
        " AND ($3 = '' OR p.requester = $3) ORDER BY p.created_at, p.id LIMIT 200",
        DB_ARGS(db_text(text_or(owner_id, "")), db_text(text_or(base_url, "")), db_text(text_or(requester, ""))), &r));
    give_providers(s, &r, &all, &n);
    for (size_t i = 0; i < n; i++)
        if (provider_has_keys(s, &all[i], keys, n_keys)) {
            *out = &all[i];
            return OK;
        }
    return provider_gone(s, base_url);
}
