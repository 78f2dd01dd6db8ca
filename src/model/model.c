/* SPDX-License-Identifier: MIT */
/* Models of providers; see provider.h. */
#include "base/clock.h"
#include "base/id.h"
#include "model/provider_internal.h"
#include "model/version.h"

static const char *const kind_names[] = {
    [MODEL_LLM] = "llm", [MODEL_EMBEDDING] = "embedding", [MODEL_RERANK] = "rerank"};

const char *model_kind_name(model_kind k)
{
    return kind_names[k];
}

bool model_kind_of(const char *name, model_kind *out)
{
    for (size_t i = 0; i < COUNT(kind_names); i++)
        if (cstr_eq(name, kind_names[i])) {
            *out = (model_kind)i;
            return true;
        }
    return false;
}

/* In JSON text a string with its quotes occurs only as that string: inside another one its quotes would be escaped. */
bool model_has_ability(const model_row *m, const char *ability)
{
    size_t len = strlen(ability);

    for (const char *p = m->abilities; p != NULL && (p = strchr(p, '"')) != NULL; p++)
        if (strncmp(p + 1, ability, len) == 0 && p[len + 1] == '"')
            return true;
    return false;
}

void model_read(row_reader *r, model_row *m)
{
    const char *kind;

    m->id = take_text(r);
    m->provider_id = take_text(r);
    m->name = take_text(r);
    kind = take_text(r);
    if (!model_kind_of(kind, &m->kind))
        m->kind = MODEL_LLM;
    m->abilities = take_text(r);
    m->extra_args = take_text(r);
    m->reasoning = take_text(r);
    m->context_length = take_int(r);
    m->ranking = take_int(r);
    m->created_at = take_int(r);
    m->updated_at = take_int(r);
}

err model_gone(scope *s, const char *id)
{
    return model_missing(s, "model.not_found", "model", id);
}

void model_fill(scope *s, model_row *m)
{
    if (m->id == NULL)
        m->id = id_uuid4(s->arena);
    m->abilities = text_or(m->abilities, "[]");
    m->extra_args = text_or(m->extra_args, "{}");
    m->created_at = m->updated_at = clock_wall();
}

void model_add_insert(db_batch *b, const model_row *m)
{
    db_batch_add(
        b,
        "INSERT INTO model (id, provider_id, name, kind, abilities, extra_args, reasoning, context_length, ranking,"
        " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        DB_ARGS(db_text(m->id), db_text(m->provider_id), db_text(m->name), db_text(model_kind_name(m->kind)),
                db_text(m->abilities), db_text(m->extra_args), db_text(m->reasoning), db_int(m->context_length),
                db_int(m->ranking), db_int(m->created_at), db_int(m->updated_at)));
}

/* The provider it moves to must be theirs as well. */
void model_add_update(db_batch *b, owned_by who, const model_row *m, int64_t read_at)
{
    db_batch_expect(
        b, 1,
        "UPDATE model SET provider_id = $4, name = $5, kind = $6, abilities = $7, extra_args = $8, reasoning = $9,"
        " context_length = $10, ranking = $11, updated_at = $12 WHERE id = $3 AND updated_at = $13 AND ($1 = 1"
        " OR (EXISTS (SELECT 1 FROM provider p WHERE p.id = model.provider_id AND p.owner_id = $2)"
        " AND EXISTS (SELECT 1 FROM provider p WHERE p.id = $4 AND p.owner_id = $2)))",
        DB_ARGS(WHO(who), db_text(m->id), db_text(m->provider_id), db_text(m->name), db_text(model_kind_name(m->kind)),
                db_text(text_or(m->abilities, "[]")), db_text(text_or(m->extra_args, "{}")), db_text(m->reasoning),
                db_int(m->context_length), db_int(m->ranking), db_int(m->updated_at), db_int(read_at)));
}

err model_insert(scope *s, owned_by who, model_row *m)
{
    db_batch *b = db_batch_new(s->arena);
    provider_row *theirs;
    int64_t providers = 0;
    err e;

    TRY(model_check_key(s, "the model's name", m->name));
    TRY(provider_find(s, (provider_scope){.who = who}, m->provider_id, &theirs));
    model_fill(s, m);
    model_add_insert(b, m);
    e = db_batch_run(s, b);
    version_bump(VERSION_PROVIDERS);
    if (e != ERR_CONFLICT)
        return e;
    TRY(model_count(s, "SELECT COUNT(*) FROM provider WHERE id = $1", DB_ARGS(db_text(m->provider_id)), &providers));
    if (providers == 0)
        return provider_gone(s, m->provider_id);
    return fail_code(s, e, "model.exists", m->id, "there is a model %s already", m->id);
}

err model_update(scope *s, owned_by who, model_row *m)
{
    db_batch *b = db_batch_new(s->arena);
    int64_t read_at = m->updated_at;
    served_model *there;
    err e;

    TRY(model_check_key(s, "the model's name", m->name));
    m->updated_at = model_later(read_at);
    model_add_update(b, who, m, read_at);
    e = db_batch_run(s, b);
    version_bump(VERSION_PROVIDERS);
    if (e != OK)
        m->updated_at = read_at;
    if (e != ERR_CONFLICT)
        return e;
    TRY(model_find(s, (provider_scope){.who = who}, m->id, &there));
    return there->model.updated_at != read_at ? model_changed(s, "model.changed", "model", m->id)
                                              : model_gone(s, m->id);
}

static err change_model(scope *s, void *arg)
{
    served_changing *c = arg;
    served_model *sm;

    TRY(model_find(s, (provider_scope){.who = c->who}, c->id, &sm));
    TRY(c->edit(s, sm, c->arg));
    return model_update(s, c->who, &sm->model);
}

err model_change(scope *s, owned_by who, const char *id, served_edit edit, void *arg)
{
    return model_retry(s, "model.changed", change_model, &(served_changing){who, id, edit, arg});
}

err model_delete(scope *s, owned_by who, const char *id)
{
    err e = model_exec_one(s, "model.not_found", "model", id,
                           "DELETE FROM model WHERE id = $3 AND ($1 = 1 OR EXISTS (SELECT 1 FROM provider p"
                           " WHERE p.id = model.provider_id AND p.owner_id = $2))",
                           DB_ARGS(WHO(who), db_text(id)));

    version_bump(VERSION_PROVIDERS);
    return e;
}
