/* SPDX-License-Identifier: MIT */
/* Models together with their providers; see provider.h. */
#include "base/clock.h"
#include "base/id.h"
#include "model/provider_internal.h"
#include "model/recall.h"

static void read_served(const db_rows *rows, size_t row, served_model *sm)
{
    row_reader at = {rows, row, 0};

    provider_read(&at, &sm->provider);
    model_read(&at, &sm->model);
}

static void give_served(scope *s, const db_rows *r, served_model **out, size_t *n)
{
    *out = arena_array(s->arena, served_model, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++)
        read_served(r, i, &(*out)[i]);
}

static err one_served(scope *s, const char *shown, const char *sql, const db_value *args, size_t n, served_model **out)
{
    size_t count = 0;
    db_rows r;

    TRY(db_query(s, sql, args, n, &r));
    if (r.count == 0)
        return model_gone(s, shown);
    give_served(s, &r, out, &count);
    return OK;
}

static err recall_served(scope *s, const char *shown, const char *sql, const db_value *args, size_t n,
                         served_model **out)
{
    size_t count = 0;
    db_rows r;

    TRY(model_recall(s, VERSION_PROVIDERS, false, sql, args, n, &r));
    if (r.count == 0)
        return model_gone(s, shown);
    give_served(s, &r, out, &count);
    return OK;
}

/* Finding. */

#define BY_MODEL SERVED "WHERE " IN_SCOPE " AND m.id = $4"
#define BY_PROVIDER                                                                                                    \
    SERVED "WHERE " IN_SCOPE " AND m.provider_id = $4 AND m.kind = 'llm' ORDER BY m.created_at, m.id LIMIT 1"

err model_find(scope *s, provider_scope sc, const char *id, served_model **out)
{
    return one_served(s, id, BY_MODEL, DB_ARGS(SCOPE(sc), db_text(id)), out);
}

err served_find(scope *s, provider_scope sc, const char *id, served_model **out)
{
    err e = model_find(s, sc, id, out);

    return e != ERR_NOT_FOUND ? e : one_served(s, id, BY_PROVIDER, DB_ARGS(SCOPE(sc), db_text(id)), out);
}

err served_recall(scope *s, provider_scope sc, const char *id, served_model **out)
{
    err e = recall_served(s, id, BY_MODEL, DB_ARGS(SCOPE(sc), db_text(id)), out);

    return e != ERR_NOT_FOUND ? e : recall_served(s, id, BY_PROVIDER, DB_ARGS(SCOPE(sc), db_text(id)), out);
}

err served_find_by_name(scope *s, provider_scope sc, const char *provider_name, const char *model_name, model_kind kind,
                        served_model **out)
{
    return one_served(
        s, model_name,
        SERVED "WHERE " IN_SCOPE " AND m.name = $4 AND m.kind = $5"
               " AND ($6 = '' OR lower(p.name) = lower($6) OR lower(p.requester) = lower($6))"
               " ORDER BY CASE WHEN p.owner_id = $2 THEN 0 WHEN p.owner_id IS NULL THEN 1 ELSE 2 END, p.created_at,"
               " m.created_at, m.id LIMIT 1",
        DB_ARGS(SCOPE(sc), db_text(text_or(model_name, "")), db_text(model_kind_name(kind)),
                db_text(text_or(provider_name, ""))),
        out);
}

err served_default(scope *s, const char *user_id, bool prefer_own, served_model **out)
{
    err e = recall_served(s, NULL,
                          SERVED
                          "WHERE m.kind = 'llm' AND (p.owner_id IS NULL OR ($1 = 1 AND p.owner_id = $2))"
                          " ORDER BY CASE WHEN p.owner_id IS NULL THEN 1 ELSE 0 END, p.is_default DESC, p.created_at,"
                          " m.ranking DESC, m.created_at, m.id LIMIT 1",
                          DB_ARGS(db_int(prefer_own), db_text(user_id)), out);

    if (e == ERR_NOT_FOUND)
        return fail_code(s, e, "model.no_default", NULL, "no model is configured");
    return e;
}

err served_find_same(scope *s, const char *owner_id, const char *requester, const char *base_url,
                     const char *model_name, const char *const *keys, size_t n_keys, served_model **out)
{
    served_model *all = NULL;
    size_t n = 0;
    db_rows r;

    TRY(db_query(s,
                 SERVED "WHERE m.kind = 'llm' AND COALESCE(p.owner_id, '') = $1 AND p.base_url = $2"
                        " AND ($3 = '' OR p.requester = $3) AND ($4 = '' OR m.name = $4)"
                        " ORDER BY p.created_at, m.created_at, m.id LIMIT 200",
                 DB_ARGS(db_text(text_or(owner_id, "")), db_text(text_or(base_url, "")),
                         db_text(text_or(requester, "")), db_text(text_or(model_name, ""))),
                 &r));
    give_served(s, &r, &all, &n);
    for (size_t i = 0; i < n; i++)
        if (provider_has_keys(s, &all[i].provider, keys, n_keys)) {
            *out = &all[i];
            return OK;
        }
    return model_gone(s, model_name);
}

err served_list(scope *s, provider_scope sc, model_kind kind, const char *provider_id, page p, served_model **out,
                size_t *n, int64_t *total)
{
    db_value which = db_text(text_or(provider_id, "")), kind_name = db_text(model_kind_name(kind));
    db_rows r;

    if (total != NULL)
        TRY(model_count(s,
                        "SELECT COUNT(*) FROM model m JOIN provider p ON p.id = m.provider_id WHERE " IN_SCOPE
                        " AND m.kind = $4 AND ($5 = '' OR m.provider_id = $5)",
                        DB_ARGS(SCOPE(sc), kind_name, which), total));
    TRY(db_query(s,
                 SERVED "WHERE " IN_SCOPE " AND m.kind = $4 AND ($5 = '' OR m.provider_id = $5)"
                        " ORDER BY p.created_at DESC, p.id, m.created_at, m.id LIMIT $6 OFFSET $7",
                 DB_ARGS(SCOPE(sc), kind_name, which, PAGE(p)), &r));
    give_served(s, &r, out, n);
    return OK;
}

/* Writing both. */

err served_insert(scope *s, served_model *sm)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    TRY(model_check_key(s, "the model's name", sm->model.name));
    if (sm->model.id == NULL)
        sm->model.id = sm->provider.id != NULL ? sm->provider.id : id_uuid4(s->arena);
    if (sm->provider.id == NULL)
        sm->provider.id = sm->model.id;
    sm->model.provider_id = sm->provider.id;
    provider_fill(s, &sm->provider);
    model_fill(s, &sm->model);
    provider_add_insert(b, &sm->provider);
    model_add_insert(b, &sm->model);
    e = db_batch_run(s, b);
    version_bump(VERSION_PROVIDERS);
    if (e == ERR_CONFLICT)
        return fail_code(s, e, "provider.exists", sm->provider.id, "there is a provider %s already", sm->provider.id);
    return e;
}

err served_update(scope *s, owned_by who, served_model *sm)
{
    db_batch *b = db_batch_new(s->arena);
    int64_t provider_read_at = sm->provider.updated_at, model_read_at = sm->model.updated_at;
    served_model *old = NULL;
    err e;

    TRY(model_check_key(s, "the model's name", sm->model.name));
    TRY(model_find(s, (provider_scope){.who = who}, sm->model.id, &old));
    sm->provider.id = sm->model.provider_id = old->provider.id;
    sm->provider.owner_id = old->provider.owner_id;
    sm->provider.updated_at = sm->model.updated_at = model_later(MAX_OF(provider_read_at, model_read_at));
    provider_add_update(b, who, &sm->provider, provider_read_at);
    model_add_update(b, who, &sm->model, model_read_at);
    e = db_batch_run(s, b);
    version_bump(VERSION_PROVIDERS);
    if (e == OK)
        return OK;
    sm->provider.updated_at = provider_read_at;
    sm->model.updated_at = model_read_at;
    return e == ERR_CONFLICT ? model_changed(s, "provider.changed", "provider", sm->model.id)
                             : e; /* or gone since then */
}

static err change_served(scope *s, void *arg)
{
    served_changing *c = arg;
    served_model *sm;

    TRY(model_find(s, (provider_scope){.who = c->who}, c->id, &sm));
    TRY(c->edit(s, sm, c->arg));
    return served_update(s, c->who, sm);
}

err served_change(scope *s, owned_by who, const char *id, served_edit edit, void *arg)
{
    return model_retry(s, "provider.changed", change_served, &(served_changing){who, id, edit, arg});
}

err served_delete(scope *s, owned_by who, const char *id)
{
    db_batch *b = db_batch_new(s->arena);
    served_model *sm = NULL;
    err e;

    TRY(served_find(s, (provider_scope){.who = who}, id, &sm));
    db_batch_expect(b, 1, "DELETE FROM model WHERE id = $1", DB_ARGS(db_text(sm->model.id)));
    db_batch_add(b, "DELETE FROM provider WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM model WHERE provider_id = $1)",
                 DB_ARGS(db_text(sm->provider.id)));
    e = db_batch_run(s, b);
    version_bump(VERSION_PROVIDERS);
    return e == ERR_CONFLICT ? model_gone(s, id) : e;
}

err served_set_system_default(scope *s, served_model *sm)
{
    served_model *old = NULL;
    err e = one_served(s, NULL,
                       SERVED "WHERE p.owner_id IS NULL AND p.is_default = 1 AND m.kind = 'llm'"
                              " ORDER BY p.created_at, m.created_at, m.id LIMIT 1",
                       DB_NO_ARGS, &old);

    sm->provider.owner_id = NULL;
    sm->provider.is_default = true;
    if (e == ERR_NOT_FOUND)
        return served_insert(s, sm);
    if (e != OK)
        return e;
    sm->model.id = old->model.id;
    sm->provider.created_at = old->provider.created_at;
    sm->model.created_at = old->model.created_at;
    sm->provider.updated_at = old->provider.updated_at;
    sm->model.updated_at = old->model.updated_at;
    return served_update(s, OWNED_BY_ANYONE, sm);
}
