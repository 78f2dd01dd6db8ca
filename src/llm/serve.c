/* SPDX-License-Identifier: MIT */
/* Stored providers as endpoints; see serve.h. */
#include "llm/serve.h"

#include "model/user.h"

const char *serve_driver(const char *requester)
{
    const llm_driver *d = llm_driver_find(requester);

    if (d != NULL)
        return llm_driver_name(d); /* static, unlike the row's text */
    if (requester == NULL)
        return "openai";
    if (strstr(requester, "anthropic") != NULL)
        return "anthropic";
    if (strstr(requester, "demo") != NULL)
        return "demo";
    return "openai"; /* most requesters are dialects of chat completions */
}

/* Whether the provider was configured by somebody who may reach private addresses: the system or an administrator. */
static err trusted(scope *s, const provider_row *p, bool *out)
{
    user_row *owner;
    err e;

    *out = p->owner_id == NULL;
    if (*out)
        return OK;
    e = user_recall(s, p->owner_id, &owner);
    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    *out = user_is_admin(owner);
    return OK;
}

/* The level that the model's owner has chosen; NULL when he leaves it to the provider. */
static const char *reasoning_of(arena *a, const model_row *m)
{
    json_t *config = NULL;
    const char *level;

    if (m->reasoning == NULL || json_parse(a, m->reasoning, strlen(m->reasoning), NULL, &config) != OK)
        return NULL;
    level = json_get_str(config, "level", NULL);
    return cstr_eq(level, "provider_default") ? NULL : level;
}

err serve_endpoint(scope *s, arena *a, const served_model *sm, llm_endpoint *out)
{
    const char **keys;
    json_t *extra = NULL;
    const char *args = sm->model.extra_args;
    size_t n;

    TRY(provider_open_keys(s, &sm->provider, &keys, &n));
    for (size_t i = 0; i < n; i++)
        keys[i] = arena_strdup(a, keys[i]);
    if (args != NULL && json_parse(a, args, strlen(args), NULL, &extra) != OK)
        return fail(s, ERR_INTERNAL, "the stored parameters of model %s are damaged", sm->model.name);
    *out = (llm_endpoint){
        .driver = serve_driver(sm->provider.requester),
        .base_url = arena_strdup(a, sm->provider.base_url),
        .keys = arena_memdup(a, keys, n * sizeof *keys),
        .n_keys = n,
        .model = arena_strdup(a, sm->model.name),
        .no_images = !model_has_ability(&sm->model, "vision"),
        .no_structured = !model_has_ability(&sm->model, "structured_output"),
        .params = json_object_size(extra) > 0 ? extra : NULL,
        .reasoning = reasoning_of(a, &sm->model),
        .max_model_len = sm->model.context_length,
    };
    return trusted(s, &sm->provider, &out->private_ok);
}
