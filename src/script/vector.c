/* SPDX-License-Identifier: MIT */
/* See vector.h. */
#include "script/vector.h"

#include "llm/embed.h"
#include "llm/serve.h"

static const int64_t time_limit = SECONDS(60);

/* What the connection has for the first field that chooses an embedding model; NULL when there is nothing. */
static const char *chosen_model(arena *a, const integration_row *i, const credentials *c)
{
    json_t *fields = NULL;

    if (i->auth_fields == NULL || json_parse(a, i->auth_fields, strlen(i->auth_fields), NULL, &fields) != OK)
        return NULL;
    for (size_t k = 0; k < json_array_size(fields); k++) {
        const json_t *f = json_array_get(fields, k);
        const char *named = json_get_str(c->values, json_get_str(f, "slug", ""), NULL);

        if (cstr_eq(json_get_str(f, "type", ""), "EMBEDDING_MODEL") && !cstr_blank(named))
            return named;
    }
    return NULL;
}

static err find_model(scope *s, const char *owner_id, const char *named, served_model **out)
{
    provider_scope sc = {.who = owned_by_user(owner_id), .with_system = true};
    err e = model_find(s, sc, named, out);

    if (e == OK && (*out)->model.kind == MODEL_EMBEDDING)
        return OK;
    return e == OK || e == ERR_NOT_FOUND ? served_find_by_name(s, sc, NULL, named, MODEL_EMBEDDING, out) : e;
}

static json_t *numbers_of(arena *a, const float *v, size_t n)
{
    json_t *list = json_hold(a, json_array());

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real((double)v[i]));
    return list;
}

static err embed(scope *s, const served_model *sm, const char *text, json_t **out)
{
    json_t *input = json_hold(s->arena, json_array());
    embed_request ask = {.input = input};
    embeddings got;
    scope *own;
    err e;

    json_array_append_new(input, json_string(text));
    TRY(serve_endpoint(s, s->arena, sm, &ask.at));
    own = scope_child(s, time_limit);
    e = llm_embed(own, s->arena, &ask, &got);
    if (e == OK)
        *out = numbers_of(s->arena, got.vectors[0], got.dimensions);
    else
        fail_from(s, own, e);
    scope_close(own);
    return e;
}

err vector_of_text(scope *s, const integration_row *i, const credentials *c, const char *field, const char *text,
                   json_t **out)
{
    const char *named = c->row != NULL ? chosen_model(s->arena, i, c) : NULL;
    served_model *sm = NULL;
    err e;

    if (named == NULL)
        return fail_code(s, ERR_UNSUPPORTED, "input.vector", field,
                         "%s needs an embedding model, and the connection names none", field);
    e = find_model(s, c->row->owner_id, named, &sm);
    if (e == ERR_NOT_FOUND)
        return fail_code(s, e, "input.vector", field, "%s needs the embedding model %s, which is not configured", field,
                         named);
    TRY(e);
    e = embed(s, sm, text, out);
    if (e == OK || scope_check(s) != OK || e == ERR_INTERNAL)
        return e;
    return fail_code(s, e, "input.vector", field, "the embedding model %s failed for %s: %s", sm->model.name, field,
                     scope_failure(s, e).text);
}
