/* SPDX-License-Identifier: MIT */
/* Models for chat and for embeddings: the same routes for each kind (contracts/langbot.md section 4.3). */
#include <stdlib.h>

#include "auth/rules.h"
#include "face/langbot/envelope.h"
#include "face/langbot/handlers.h"
#include "face/langbot/provider_json.h"
#include "face/langbot/secrets.h"
#include "llm/embed.h"
#include "llm/serve.h"

/* The platform's clients wait thirty seconds for any answer. */
#define TEST_MOST SECONDS(25)

#define REASONING_DEFAULT "{\"level\":\"provider_default\"}"

static const char *const levels[] = {"provider_default", "disabled", "enabled", "minimal", "low",
                                     "medium",           "high",     "xhigh",   "max"};

/* What is tried with a model; an answer is success. */
static err try_chat(scope *s, const llm_endpoint *at)
{
    llm_message hello = {.role = ROLE_USER, .text = "Hello, world! Please answer with one short sentence."};
    llm_request q = {.at = *at, .messages = &hello, .n_messages = 1, .limits = {.max_attempts = 2}};
    llm_usage usage;
    const char *text;

    llm_think_as_configured(&q);
    return llm_complete(s, &q, &text, &usage);
}

static err try_embedding(scope *s, const llm_endpoint *at)
{
    embed_request q = {.at = *at, .input = json_hold(s->arena, json_pack("[s]", "Hello, world!"))};
    embeddings got;

    return llm_embed(s, s->arena, &q, &got);
}

static bool any_driver(const char *name)
{
    return name != NULL;
}

/* The kinds of models that have routes. */
typedef struct {
    const char *path;
    model_kind kind;
    const char *type;                 /* as requesters name it */
    bool (*driver)(const char *name); /* which drivers do it, for requesters that are named like one */
    err (*try)(scope *s, const llm_endpoint *at);
} model_family;
static const model_family families[] = {
    {BOT_LLMS, MODEL_LLM, "llm", any_driver, try_chat},
    {BOT_EMBEDDINGS, MODEL_EMBEDDING, "text-embedding", llm_embeds, try_embedding},
};

static const model_family *family_of(const request *rq)
{
    for (size_t i = 0; i < COUNT(families); i++)
        if (str_starts(str_of(rq->route->path), families[i].path))
            return &families[i];
    return &families[0];
}

static provider_scope visible(const request *rq)
{
    return (provider_scope){.who = rows_of(rq->user), .with_system = true};
}

/* Stored JSON text as a value; `fallback` when it is missing. */
static json_t *stored(arena *a, const char *text, const char *fallback)
{
    json_t *v;

    if (text == NULL)
        text = fallback;
    return json_parse(a, text, strlen(text), NULL, &v) == OK ? json_incref(v) : json_null();
}

/* What only chat models have. */
static void put_chat(arena *a, json_t *o, const model_row *m)
{
    json_t *capabilities = json_object(), *offered = json_array();
    bool reasons = model_has_ability(m, "reasoning");

    json_set(o, "abilities", stored(a, m->abilities, "[]"));
    json_set(o, "context_length", m->context_length > 0 ? json_integer(m->context_length) : json_null());
    json_set(o, "reasoning_config", stored(a, m->reasoning, REASONING_DEFAULT));
    for (size_t i = 0; i < (reasons ? COUNT(levels) : 1);
         i++) /* what a provider has not got is the nearest that it has */
        json_array_append_new(offered, json_string(levels[i]));
    json_set_bool(capabilities, "supported", reasons);
    json_set(capabilities, "levels", offered);
    json_set_str(capabilities, "source", "unknown");
    json_set(o, "reasoning_capabilities", capabilities);
}

static err model_json(request *rq, const served_model *sm, bool with_provider, json_t **out)
{
    arena *a = rq->scope->arena;
    json_t *o = json_hold(a, json_object()), *provider, *extra = json_hold(a, stored(a, sm->model.extra_args, "{}"));
    const model_row *m = &sm->model;

    if (!bot_sees_secrets(rq, sm->provider.owner_id))
        extra = secrets_hide(a, extra);

    json_set_str(o, "uuid", m->id);
    json_set_str(o, "workspace_uuid", BOT_WORKSPACE);
    json_set_str(o, "name", m->name);
    json_set_str(o, "provider_uuid", m->provider_id);
    json_set(o, "extra_args", json_incref(extra));
    json_set_int(o, "prefered_ranking", m->ranking);
    json_set(o, "created_at", bot_time(a, m->created_at));
    json_set(o, "updated_at", bot_time(a, m->updated_at));
    if (m->kind == MODEL_LLM)
        put_chat(a, o, m);
    if (with_provider) {
        TRY(bot_provider_json(rq, &sm->provider, &provider));
        json_set(o, "provider", json_incref(provider));
    }
    *out = o;
    return OK;
}

typedef struct {
    const char *provider_uuid;
} list_args;
static const field list_fields[] = {FIELD(list_args, provider_uuid, .text = "Only this provider's")};
const schema bot_model_list_schema = SCHEMA(list_args, list_fields);

static int by_age(const void *a, const void *b)
{
    const model_row *x = &((const served_model *)a)->model, *y = &((const served_model *)b)->model;

    if (x->created_at != y->created_at)
        return x->created_at < y->created_at ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* GET /api/v1/provider/models/KIND: in the order in which they were made */
err bot_model_list(request *rq, response *rs)
{
    const list_args *in = rq->args;
    const char *of = cstr_blank(in->provider_uuid) ? NULL : in->provider_uuid;
    json_t *data, *list = json_hold(rq->scope->arena, json_array()), *one;
    served_model *rows;
    provider_row *p;
    size_t n;

    if (of != NULL)
        TRY(provider_find(rq->scope, visible(rq), of, &p));
    TRY(served_list(rq->scope, visible(rq), family_of(rq)->kind, of, (page){.all = true}, &rows, &n, NULL));
    if (n > 1)
        qsort(rows, n, sizeof *rows, by_age);
    for (size_t i = 0; i < n; i++) {
        TRY(model_json(rq, &rows[i], of == NULL, &one));
        json_array_append(list, one);
    }
    data = json_object();
    json_set(data, "models", json_incref(list));
    return bot_ok(rq, rs, data);
}

typedef struct {
    const char *name, *provider_uuid, *requester;
    json_t *provider, *requester_config, *api_keys;
    json_t *abilities, *reasoning_config, *extra_args;
    int64_t context_length, prefered_ranking;
} model_body;
#define FIELDS_OF_ALL(needed)                                                                                          \
    FIELD(model_body, name, .required = (needed), .not_null = (needed), .min = (needed), .max = 255,                   \
          .text = "As the provider names it"),                                                                         \
        FIELD(model_body, provider_uuid), FIELD(model_body, prefered_ranking, .max = 1e9),                             \
        FIELD(model_body, provider, .json = JSON_OBJECT_TYPE,                                                          \
              .text = "Instead of provider_uuid: requester, base_url, api_keys"),                                      \
        FIELD(model_body, requester, .text = "Instead of provider, as the platform's older document has it"),          \
        FIELD(model_body, requester_config, .json = JSON_OBJECT_TYPE, .text = "Of that requester: base_url"),          \
        FIELD(model_body, api_keys, .text = "Of that requester: keys, or objects with a list of keys"),                \
        FIELD(model_body, extra_args, .json = JSON_OBJECT_TYPE, .text = "Merged into every request")
#define FIELDS_OF_CHAT                                                                                                 \
    FIELD(model_body, context_length, .max = 1e12, .text = "Tokens of context"),                                       \
        FIELD(model_body, abilities, .json = JSON_STRINGS_TYPE, .max = 50, .text = "vision, func_call, reasoning …"),  \
        FIELD(model_body, reasoning_config, .json = JSON_OBJECT_TYPE)
static const field llm_create[] = {FIELDS_OF_ALL(true), FIELDS_OF_CHAT};
static const field llm_update[] = {FIELDS_OF_ALL(false), FIELDS_OF_CHAT};
static const field embedding_create[] = {FIELDS_OF_ALL(true)};
static const field embedding_update[] = {FIELDS_OF_ALL(false)};
#define MODEL_SCHEMA(name, fields)                                                                                     \
    {                                                                                                                  \
        name, sizeof(model_body), fields, COUNT(fields), SIZE_MAX                                                      \
    }
const schema bot_model_schema = MODEL_SCHEMA("llm_model_create", llm_create);
const schema bot_model_update_schema = MODEL_SCHEMA("llm_model_update", llm_update);
const schema bot_model_test_schema = MODEL_SCHEMA("llm_model_test", llm_update);
const schema bot_embedding_schema = MODEL_SCHEMA("embedding_model_create", embedding_create);
const schema bot_embedding_update_schema = MODEL_SCHEMA("embedding_model_update", embedding_update);
const schema bot_embedding_test_schema = MODEL_SCHEMA("embedding_model_test", embedding_update);

static bool is_level(const char *text)
{
    for (size_t i = 0; i < COUNT(levels); i++)
        if (cstr_eq(levels[i], text))
            return true;
    return false;
}

static err check_reasoning(request *rq, const model_body *in)
{
    json_t *given = json_object_get(in->reasoning_config, "level"), *v;
    arena *a = rq->scope->arena;
    const char *level, *key;

    if (in->reasoning_config == NULL)
        return OK;
    json_object_foreach(in->reasoning_config, key, v)
    {
        if (strcmp(key, "level") != 0)
            return fail(rq->scope, ERR_INVALID, "Unsupported reasoning_config fields: %s", key);
    }
    level = given == NULL ? "provider_default" : json_is_string(given) ? json_string_value(given) : json_text(a, given);
    if (!is_level(level))
        return fail(rq->scope, ERR_INVALID, "Unsupported reasoning level: %s", level);
    return OK;
}

/* A list of keys, some of them in objects {"name","keys"}. */
static json_t *flat_keys(arena *a, json_t *given)
{
    json_t *list, *one;
    size_t i;

    if (!json_is_array(given))
        return given;
    list = json_hold(a, json_array());
    json_array_foreach(given, i, one)
    {
        if (json_is_object(one))
            json_array_extend(list, json_get_arr(one, "keys"));
        else
            json_array_append(list, one);
    }
    return list;
}

/* The provider that a body describes, or NULL.  The platform's published document is older than providers: there a model
 * has a requester, its configuration and keys itself (section 3). */
static json_t *described(request *rq, const model_body *in, const provider_row *now)
{
    arena *a = rq->scope->arena;
    const char *requester = in->requester != NULL || now == NULL ? in->requester : now->requester;
    const char *url = now != NULL && in->requester == NULL ? now->base_url : bot_requester_url(requester);
    json_t *o, *keys = flat_keys(a, in->api_keys);

    if (in->provider != NULL || (in->requester == NULL && in->requester_config == NULL && in->api_keys == NULL))
        return in->provider;
    o = json_hold(a, json_object());
    json_set_str(o, "requester", requester);
    json_set_str(o, "base_url", json_get_str(in->requester_config, "base_url", url));
    if (keys != NULL)
        json_set(o, "api_keys", json_incref(keys));
    else if (now != NULL && now->sealed_keys != NULL)
        json_set(o, "api_keys", json_pack("[s]", "***")); /* those of now */
    return o;
}

/* The provider that a body means: by id, inline by id, or inline by what it is; without an id when there is none like it.
 * `now` is where the model was until now, whose keys masks stand for, or NULL. */
static err provider_of(request *rq, const model_body *in, const provider_row *now, provider_row **out)
{
    const char *id = in->provider_uuid, *requester, *url;
    json_t *provider = described(rq, in, now);
    arena *a = rq->scope->arena;
    provider_keys keys;
    err e;

    if (cstr_blank(id))
        id = json_get_str(provider, "uuid", NULL);
    if (!cstr_blank(id))
        return provider_find(rq->scope, visible(rq), id, out);
    requester = json_get_str(provider, "requester", NULL);
    url = provider_clean_url(a, json_get_str(provider, "base_url", ""));
    if (requester == NULL)
        return fail(rq->scope, ERR_INVALID, "provider_uuid or provider is required");
    if (!bot_requester_known(requester))
        return fail(rq->scope, ERR_INVALID, "Unknown requester: %s", requester);
    TRY(provider_take_keys(rq->scope, json_object_get(provider, "api_keys"), now, &keys));
    e = provider_find_same(rq->scope, rq->user->user_id, requester, url, keys.list, keys.n, out);
    if (e != ERR_NOT_FOUND)
        return e;
    *out = arena_one(a, provider_row);
    **out = (provider_row){.owner_id = rq->user->user_id,
                           .requester = requester,
                           .base_url = url,
                           .sealed_keys = provider_seal_keys(a, keys.list, keys.n)};
    (*out)->name = provider_host(a, url);
    return OK;
}

/* Whether the body has this member, be it null. */
static bool has(const request *rq, const char *name)
{
    return json_object_get(rq->json, name) != NULL;
}

/* The extra arguments that a body has; where they are masked, the model's own. */
static err take_extra(request *rq, const model_body *in, const model_row *m, json_t **out)
{
    arena *a = rq->scope->arena;

    return secrets_restore(rq->scope, in->extra_args, json_hold(a, stored(a, m->extra_args, "{}")), out);
}

static err apply(request *rq, const model_body *in, model_row *m)
{
    arena *a = rq->scope->arena;
    json_t *extra;

    if (in->name != NULL)
        m->name = in->name;
    if (in->abilities != NULL)
        m->abilities = json_text(a, in->abilities);
    if (in->extra_args != NULL) {
        TRY(take_extra(rq, in, m, &extra));
        m->extra_args = json_text(a, extra);
    }
    if (in->reasoning_config != NULL)
        m->reasoning = json_text(a, in->reasoning_config);
    if (has(rq, "context_length"))
        m->context_length = in->context_length;
    if (has(rq, "prefered_ranking"))
        m->ranking = in->prefered_ranking;
    return OK;
}

/* The parameters of requests that say themselves how much is to be reasoned; "" when there are none. */
static const char *own_reasoning(arena *a, json_t *params)
{
    static const char *const names[] = {"reasoning_effort", "thinking", "enable_thinking", "thinking_budget",
                                        "reasoning"};
    const json_t *inner = json_get_obj(params, "extra_body");
    const char *found = "";

    for (size_t i = 0; i < COUNT(names); i++)
        if (json_object_get(params, names[i]) != NULL || json_object_get(inner, names[i]) != NULL)
            found = arena_printf(a, "%s%s%s", found, *found != '\0' ? ", " : "", names[i]);
    return found;
}

/* A level of reasoning is for models that reason, and is not said twice. */
static err check_level(request *rq, const model_row *m)
{
    arena *a = rq->scope->arena;
    json_t *config = json_hold(a, stored(a, m->reasoning, REASONING_DEFAULT));
    const char *twice = own_reasoning(a, json_hold(a, stored(a, m->extra_args, "{}")));

    if (cstr_eq(json_get_str(config, "level", "provider_default"), "provider_default"))
        return OK;
    if (!model_has_ability(m, "reasoning"))
        return fail(rq->scope, ERR_INVALID, "The reasoning ability must be enabled before selecting a reasoning level");
    if (*twice != '\0')
        return fail(rq->scope, ERR_INVALID, "reasoning_config conflicts with advanced parameters: %s", twice);
    return OK;
}

static err check_support(request *rq, const model_family *family, const provider_row *p)
{
    const llm_driver *d = llm_driver_find(p->requester);

    if (bot_requester_serves(p->requester, family->type) || (d != NULL && family->driver(llm_driver_name(d))))
        return OK;
    return fail(rq->scope, ERR_INVALID, "Provider requester \"%s\" does not support %s models", p->requester,
                family->type);
}

/* POST /api/v1/provider/models/KIND */
err bot_model_create(request *rq, response *rs)
{
    const model_family *family = family_of(rq);
    const model_body *in = rq->body;
    model_row m = {.kind = family->kind};
    provider_row *p;
    json_t *data;

    TRY(check_reasoning(rq, in));
    TRY(provider_of(rq, in, NULL, &p));
    TRY(check_support(rq, family, p));
    TRY(apply(rq, in, &m));
    TRY(check_level(rq, &m));
    if (p->id == NULL)
        TRY(provider_insert(rq->scope, p));
    m.provider_id = p->id;
    TRY(model_insert(rq->scope, rows_of(rq->user), &m));
    data = json_object();
    json_set_str(data, "uuid", m.id);
    return bot_ok(rq, rs, data);
}

/* The model of the path, if it is of the path's kind. */
static err find_among(request *rq, provider_scope sc, served_model **out)
{
    const char *id = request_param(rq, "uuid");

    TRY(model_find(rq->scope, sc, id, out));
    if ((*out)->model.kind != family_of(rq)->kind)
        return fail_code(rq->scope, ERR_NOT_FOUND, "model.not_found", id, "there is no model %s of this kind", id);
    return OK;
}

static err find(request *rq, served_model **out)
{
    return find_among(rq, visible(rq), out);
}

/* One that the caller may change. */
static err find_theirs(request *rq, served_model **out)
{
    return find_among(rq, (provider_scope){.who = rows_of(rq->user)}, out);
}

/* GET /api/v1/provider/models/KIND/{uuid} */
err bot_model_get(request *rq, response *rs)
{
    json_t *data, *one;
    served_model *sm;
    err e = find(rq, &sm);

    if (e == ERR_NOT_FOUND)
        return bot_error(rq, rs, 404, -1, NULL, "model not found");
    TRY(e);
    TRY(model_json(rq, sm, true, &one));
    data = json_object();
    json_set(data, "model", json_incref(one));
    return bot_ok(rq, rs, data);
}

/* Moves the model to another provider when the body names one. */
static err move(request *rq, const model_body *in, served_model *sm)
{
    provider_row *p;

    if (cstr_blank(in->provider_uuid) && described(rq, in, &sm->provider) == NULL)
        return OK;
    TRY(provider_of(rq, in, &sm->provider, &p));
    TRY(check_support(rq, family_of(rq), p));
    if (p->id == NULL)
        TRY(provider_insert(rq->scope, p));
    sm->model.provider_id = p->id;
    return OK;
}

static err edit(scope *s, served_model *sm, void *arg)
{
    request *rq = arg;

    (void)s; /* the request's outlives it */
    TRY(apply(rq, rq->body, &sm->model));
    TRY(check_level(rq, &sm->model));
    return move(rq, rq->body, sm);
}

/* PUT /api/v1/provider/models/KIND/{uuid} */
err bot_model_update(request *rq, response *rs)
{
    served_model *sm;

    TRY(find_theirs(rq, &sm));
    TRY(check_reasoning(rq, rq->body));
    TRY(model_change(rq->scope, rows_of(rq->user), sm->model.id, edit, rq));
    return bot_ok(rq, rs, NULL);
}

/* DELETE /api/v1/provider/models/KIND/{uuid} */
err bot_model_delete(request *rq, response *rs)
{
    served_model *sm;

    TRY(find_theirs(rq, &sm));
    TRY(model_delete(rq->scope, rows_of(rq->user), request_param(rq, "uuid")));
    return bot_ok(rq, rs, NULL);
}

/* The model that a body describes, which is not stored. */
static err unsaved(request *rq, const model_body *in, served_model **out)
{
    served_model *sm = arena_one(rq->scope->arena, served_model);
    provider_row *p;

    TRY(provider_of(rq, in, NULL, &p));
    *sm = (served_model){.provider = *p, .model = {.kind = family_of(rq)->kind}};
    TRY(apply(rq, in, &sm->model));
    if (cstr_blank(sm->model.name))
        return fail(rq->scope, ERR_INVALID, "name is required");
    *out = sm;
    return OK;
}

/* What is to be tested: the stored model with the body's further arguments, or, for "_", the one that the body describes. */
static err endpoint_of(request *rq, const model_body *in, llm_endpoint *out)
{
    arena *a = rq->scope->arena;
    json_t *params, *extra;
    served_model *sm;

    if (strcmp(request_param(rq, "uuid"), "_") == 0) {
        TRY(unsaved(rq, in, &sm));
        return serve_endpoint(rq->scope, a, sm, out);
    }
    TRY(find(rq, &sm));
    TRY(serve_endpoint(rq->scope, a, sm, out));
    if (in->extra_args == NULL)
        return OK;
    TRY(take_extra(rq, in, &sm->model, &extra));
    params = json_hold(a, out->params != NULL ? json_copy(out->params) : json_object());
    json_object_update(params, extra);
    out->params = params;
    return OK;
}

static err try_in_time(request *rq, const llm_endpoint *at)
{
    scope *own = scope_child(rq->scope, TEST_MOST);
    err e = family_of(rq)->try(own, at);

    if (own->ended == ERR_TIMEOUT && scope_check(rq->scope) == OK)
        e = fail(rq->scope, ERR_TIMEOUT, "The model did not answer within %d seconds", (int)(TEST_MOST / SECONDS(1)));
    else if (e != OK)
        fail_from(rq->scope, own, e);
    scope_close(own);
    return e;
}

/* POST /api/v1/provider/models/KIND/{uuid}/test */
err bot_model_test(request *rq, response *rs)
{
    llm_endpoint at;
    failure f;
    err e;

    TRY(endpoint_of(rq, rq->body, &at));
    e = try_in_time(rq, &at);
    if (e == OK)
        return bot_ok(rq, rs, NULL);
    TRY(scope_check(rq->scope));
    f = scope_failure(rq->scope, e);
    return bot_error(rq, rs, 400, -1, NULL, f.text);
}
