/* SPDX-License-Identifier: MIT */
/*
 * Model providers, Sage's flat form: an address, one key, one model (contracts/sage-knowledge-tools.md section 5).
 *
 * A provider is tried before it is saved.  Failures are HTTP 200 with code 500 and a fixed English text, which the web
 * client shows.
 */
#include "model/provider.h"

#include "llm/probe.h"
#include "llm/serve.h"
#include "auth/identity.h"
#include "base/clock.h"
#include "face/sage/envelope.h"
#include "face/sage/handlers.h"
#include "face/sage/locale.h"

#define REQUESTER "openai-chat-completions"

typedef struct {
    const char *base_url, *model, *name;
    json_t *api_keys;
    int64_t max_tokens, max_model_len;
    double temperature, top_p, presence_penalty;
    bool supports_multimodal, supports_structured_output, is_default;
} provider_body;

#define PROVIDER_FIELDS(needed)                                                                                        \
    FIELD(provider_body, base_url, .required = (needed), .not_null = (needed),                                         \
          .text = "Up to but without /chat/completions"),                                                              \
        FIELD(provider_body, api_keys, .required = (needed), .not_null = (needed), .json = JSON_STRINGS_TYPE,          \
              .text = "Exactly one key"),                                                                              \
        FIELD(provider_body, model, .required = (needed), .not_null = (needed), .text = "As the provider names it"),   \
        FIELD(provider_body, name, .text = "Shown in lists; default MODEL@HOST"),                                      \
        FIELD(provider_body, max_tokens, .text = "Most tokens of an answer"), FIELD(provider_body, temperature),       \
        FIELD(provider_body, top_p), FIELD(provider_body, presence_penalty),                                           \
        FIELD(provider_body, max_model_len, .text = "Tokens of context"),                                              \
        FIELD(provider_body, supports_multimodal, .text = "Takes images"),                                             \
        FIELD(provider_body, supports_structured_output), FIELD(provider_body, is_default)

static const field create_fields[] = {PROVIDER_FIELDS(true)};
static const field update_fields[] = {PROVIDER_FIELDS(false)};
const schema sage_provider_schema = {"LLMProviderCreate", sizeof(provider_body), create_fields, COUNT(create_fields),
                                     SIZE_MAX};
const schema sage_provider_update_schema = {"LLMProviderUpdate", sizeof(provider_body), update_fields,
                                            COUNT(update_fields), SIZE_MAX};

/* A member as it was sent: NULL when it was not, and maybe null, which clears numbers and says nothing of the others. */
static json_t *sent(const request *rq, const char *name)
{
    return json_object_get(rq->json, name);
}

static bool switched(const request *rq, const char *name)
{
    return json_is_boolean(sent(rq, name));
}

static provider_scope own(const request *rq)
{
    return (provider_scope){.who = owned_by_user(rq->user->user_id), .with_system = true};
}

/* Texts of failures: HTTP 200, code 500, not translated. */

static err refuse(request *rq, response *rs, const char *text)
{
    return sage_soft_error(rq, rs, 500, text, NULL, NULL);
}

/* What a failed call of a provider means to somebody who configures one. */
static const char *probe_text(arena *a, failure f)
{
    static const struct {
        const char *code, *text;
    } texts[] = {
        {"llm.auth", "Provider authentication failed. Please check the API key."},
        {"llm.quota", "Provider quota is insufficient. Please check billing or quota limits."},
        {"llm.model_not_found", "Provider model is not available. Please check the model name."},
        {"llm.unavailable", "Provider service is temporarily unavailable. Please try again later."},
        {"llm.connection", "Provider connection failed. Please check the base URL and network connectivity."},
        {"llm.timeout", "Provider connection failed. Please check the base URL and network connectivity."},
    };
    str shown = utf8_prefix(str_of(f.text), 180);

    for (size_t i = 0; i < COUNT(texts); i++)
        if (cstr_eq(f.code, texts[i].code) || (f.e == ERR_TIMEOUT && cstr_eq("llm.timeout", texts[i].code)))
            return texts[i].text;
    return f.text == NULL ? "Provider probe failed." : arena_printf(a, "Provider probe failed: %.*s", STR_ARG(shown));
}

/* Body ↔ records */

/* What of a model's parameters has a member of its own. */
static const char *const numbers[] = {"max_tokens", "temperature", "top_p", "presence_penalty"};

static char *extra_args(request *rq, const char *before)
{
    arena *a = rq->scope->arena;
    json_t *args = NULL;

    if (before == NULL || json_parse(a, before, strlen(before), NULL, &args) != OK)
        args = json_hold(a, json_object());
    for (size_t i = 0; i < COUNT(numbers); i++) {
        json_t *value = sent(rq, numbers[i]);

        if (json_is_null(value))
            json_object_del(args, numbers[i]);
        else if (value != NULL)
            json_set(args, numbers[i], json_incref(value));
    }
    return json_text(a, args);
}

static void set_ability(json_t *list, const char *name, bool able)
{
    for (size_t i = json_array_size(list); i > 0; i--)
        if (cstr_eq(json_string_value(json_array_get(list, i - 1)), name))
            json_array_remove(list, i - 1);
    if (able)
        json_array_append_new(list, json_string(name));
}

/* What the model can do, where the body says something of it; abilities that only other faces know stay as they are. */
static const char *changed_abilities(request *rq, const provider_body *in, const char *before)
{
    arena *a = rq->scope->arena;
    json_t *list;

    if (json_parse(a, before, strlen(before), NULL, &list) != OK || !json_is_array(list))
        list = json_hold(a, json_array());
    if (switched(rq, "supports_multimodal"))
        set_ability(list, "vision", in->supports_multimodal);
    if (switched(rq, "supports_structured_output"))
        set_ability(list, "structured_output", in->supports_structured_output);
    return json_text(a, list);
}

static json_t *served_json(request *rq, const served_model *sm)
{
    arena *a = rq->scope->arena;
    json_t *o = json_object(), *keys = json_array(), *args = NULL;
    const char **clear;
    size_t n = 0;

    if (provider_open_keys(rq->scope, &sm->provider, &clear, &n) != OK)
        n = 0; /* sealed under another master key: the list shows the provider without one */
    for (size_t i = 0; i < n; i++)
        json_array_append_new(keys, json_string(provider_mask_key(a, clear[i])));
    if (sm->model.extra_args == NULL ||
        json_parse(a, sm->model.extra_args, strlen(sm->model.extra_args), NULL, &args) != OK)
        args = NULL;
    json_set_str(o, "id", sm->model.id);
    json_set_str(o, "name", sm->provider.name);
    json_set_str(o, "base_url", sm->provider.base_url);
    json_set(o, "api_keys", keys);
    json_set_str(o, "model", sm->model.name);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        json_t *v = json_object_get(args, numbers[i]);

        json_set(o, numbers[i], v != NULL ? json_incref(v) : json_null());
    }
    json_set(o, "max_model_len", sm->model.context_length > 0 ? json_integer(sm->model.context_length) : json_null());
    json_set_bool(o, "supports_multimodal", model_has_ability(&sm->model, "vision"));
    json_set_bool(o, "supports_structured_output", model_has_ability(&sm->model, "structured_output"));
    json_set_bool(o, "is_default", sm->provider.is_default);
    json_set_str(o, "user_id", sm->provider.owner_id);
    json_set_str(o, "created_at", clock_iso_local(a, sm->provider.created_at));
    json_set_str(o, "updated_at", clock_iso_local(a, MAX_OF(sm->provider.updated_at, sm->model.updated_at)));
    return o;
}

/* Sage's providers have one key; one that was given several elsewhere may keep them. */
static err take_keys(scope *s, const provider_body *in, const provider_row *stored, provider_keys *out)
{
    TRY(provider_take_keys(s, in->api_keys, stored, out));
    if (out->n != 1 && !out->kept)
        return fail_code(s, ERR_INVALID, "llm_provider.one_key", NULL, "Exactly one API key is required");
    return OK;
}

/* The endpoint that a body describes, on top of what is stored (may be NULL). */
static err endpoint_of(request *rq, const provider_body *in, const served_model *stored, llm_endpoint *out)
{
    provider_keys keys;
    served_model base;

    *out = (llm_endpoint){.driver = "openai"};
    if (stored != NULL) {
        base = *stored;
        if (in->api_keys != NULL)
            base.provider.sealed_keys = NULL; /* new ones may take the place of what nobody can read any more */
        TRY(serve_endpoint(rq->scope, rq->scope->arena, &base, out));
    }
    if (in->base_url != NULL)
        out->base_url = provider_clean_url(rq->scope->arena, in->base_url);
    if (in->model != NULL)
        out->model = in->model;
    if (in->api_keys != NULL) {
        TRY(take_keys(rq->scope, in, stored != NULL ? &stored->provider : NULL, &keys));
        out->keys = keys.list;
        out->n_keys = keys.n;
    }
    out->private_ok = rq->user->admin;
    return OK;
}

static json_t *images_part(scope *s, const llm_endpoint *at, bool *supported)
{
    json_t *part = json_object();
    const char *answer;
    err e = llm_probe_images(s, at, &answer, supported);

    json_set_bool(part, "supported", *supported);
    if (e == OK) {
        json_set_bool(part, "recognized", *supported);
        json_set_str(part, "response", answer);
    } else {
        json_set_str(part, "error", scope_failure(s, e).text);
    }
    return part;
}

static json_t *structured_part(scope *s, const llm_endpoint *at, bool *supported)
{
    json_t *part = json_object(), *parsed = NULL;
    const char *answer;
    err e = llm_probe_structured(s, at, &answer);

    *supported = e == OK && json_parse(s->arena, answer, strlen(answer), NULL, &parsed) == OK &&
                 json_object_get(parsed, "ok") != NULL;
    json_set_bool(part, "supported", *supported);
    if (e == OK) {
        json_set_str(part, "response", answer);
        json_set(part, "parsed", parsed != NULL ? json_incref(parsed) : json_null());
    } else {
        json_set_str(part, "error", scope_failure(s, e).text);
    }
    return part;
}

static err report(request *rq, response *rs, const llm_endpoint *at)
{
    json_t *data = json_hold(rq->scope->arena, json_object()), *connection;
    scope *s = scope_child(rq->scope, SECONDS(70));
    const char *answer;
    bool images, structured;
    err e = llm_probe_connection(s, at, &answer);

    if (e != OK) {
        const char *text = arena_strdup(rq->scope->arena, probe_text(s->arena, scope_failure(s, e)));

        scope_close(s);
        return sage_soft_error(rq, rs, 500, "llm_provider.verify_failed", text, NULL);
    }
    connection = json_object();
    json_set_bool(connection, "supported", true);
    json_set_str(connection, "response", answer);
    json_set(data, "connection", connection);
    json_set(data, "multimodal", images_part(s, at, &images));
    json_set(data, "structured_output", structured_part(s, at, &structured));
    json_set_bool(data, "supports_multimodal", images);
    json_set_bool(data, "supports_structured_output", structured);
    json_set_str(data, "model", at->model);
    json_set_str(data, "base_url", at->base_url);
    scope_close(s);
    return sage_ok(rq, rs, "llm_provider.capabilities_success", NULL, json_incref(data));
}

/* POST /api/llm-provider/verify */
err sage_provider_verify(request *rq, response *rs)
{
    llm_endpoint at;
    const char *answer, *text;
    err e;

    TRY(endpoint_of(rq, rq->body, NULL, &at));
    e = llm_probe_connection(rq->scope, &at, &answer);
    if (e == OK)
        return sage_ok(rq, rs, "llm_provider.verify_success", NULL, NULL);
    TRY(scope_check(rq->scope));
    text = probe_text(rq->scope->arena, scope_failure(rq->scope, e));
    return sage_soft_error(rq, rs, 500, "llm_provider.verify_failed", text, NULL);
}

/* POST /api/llm-provider/verify-capabilities */
err sage_provider_verify_capabilities(request *rq, response *rs)
{
    llm_endpoint at;

    TRY(endpoint_of(rq, rq->body, NULL, &at));
    return report(rq, rs, &at);
}

/* The caller's own provider, or the answer why not; *done says that it was answered. */
static err find_own(request *rq, response *rs, const char *system_text, served_model **out, bool *done)
{
    provider_scope any = {.who = OWNED_BY_ANYONE, .with_system = true};
    err e = served_find(rq->scope, any, request_param(rq, "provider_id"), out);

    *done = true;
    if (e == ERR_NOT_FOUND)
        return refuse(rq, rs, "Provider not found");
    TRY(e);
    if ((*out)->provider.owner_id == NULL)
        return refuse(rq, rs, system_text);
    if (!cstr_eq((*out)->provider.owner_id, rq->user->user_id))
        return refuse(rq, rs, "Permission denied");
    *done = false;
    return OK;
}

/* POST /api/llm-provider/verify-capabilities/{provider_id} */
err sage_provider_verify_stored(request *rq, response *rs)
{
    served_model *sm;
    llm_endpoint at;
    bool done;
    err e = find_own(rq, rs, "Permission denied", &sm, &done);

    if (e != OK || done)
        return e;
    TRY(endpoint_of(rq, rq->body, sm, &at));
    return report(rq, rs, &at);
}

/* POST /api/llm-provider/verify-multimodal: always a success, whose data tells. */
err sage_provider_verify_multimodal(request *rq, response *rs)
{
    json_t *data = json_hold(rq->scope->arena, json_object());
    scope *s = scope_child(rq->scope, SECONDS(35));
    const char *answer;
    bool red = false;
    llm_endpoint at;
    err e = endpoint_of(rq, rq->body, NULL, &at);

    if (e != OK) {
        scope_close(s);
        return e;
    }
    e = llm_probe_images(s, &at, &answer, &red);
    json_set_bool(data, "supports_multimodal", red);
    if (e == OK) {
        json_set_str(data, "response", answer);
        json_set_bool(data, "recognized", red);
    } else {
        json_set_str(data, "error", probe_text(s->arena, scope_failure(s, e)));
    }
    scope_close(s);
    return sage_ok(rq, rs, red ? "llm_provider.multimodal_recognized" : "llm_provider.multimodal_not_supported", NULL,
                   json_incref(data));
}

/* The four of CRUD */

/* GET /api/llm-provider/list: the caller's own, newest first. */
err sage_provider_list(request *rq, response *rs)
{
    provider_scope sc = {.who = owned_by_user(rq->user->user_id)};
    served_model *rows;
    json_t *list;
    size_t n;

    TRY(served_list(rq->scope, sc, MODEL_LLM, NULL, (page){.limit = 100}, &rows, &n, NULL));
    list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, served_json(rq, &rows[i]));
    return sage_ok(rq, rs, "llm_provider.list_loaded", NULL, list);
}

static err refuse_probe(request *rq, response *rs, const char *verb, err e)
{
    TRY(scope_check(rq->scope));
    return refuse(rq, rs,
                  arena_printf(rq->scope->arena, "Cannot %s provider. %s", verb,
                               probe_text(rq->scope->arena, scope_failure(rq->scope, e))));
}

static err answer_id(request *rq, response *rs, const char *id)
{
    json_t *data = json_object();

    json_set_str(data, "provider_id", id);
    return sage_ok(rq, rs, "llm_provider.created", NULL, data);
}

/* POST /api/llm-provider/create */
err sage_provider_create(request *rq, response *rs)
{
    const provider_body *in = rq->body;
    arena *a = rq->scope->arena;
    served_model sm = {0}, *same;
    llm_endpoint at;
    const char *answer;
    err e;

    TRY(endpoint_of(rq, in, NULL, &at));
    e = served_find_same(rq->scope, rq->user->user_id, REQUESTER, at.base_url, at.model, at.keys, at.n_keys, &same);
    if (e == OK)
        return answer_id(rq, rs, same->model.id);
    if (e != ERR_NOT_FOUND)
        return e;
    if ((e = llm_probe_connection(rq->scope, &at, &answer)) != OK)
        return refuse_probe(rq, rs, "save", e);
    sm.provider = (provider_row){
        .owner_id = rq->user->user_id,
        .name = cstr_blank(in->name) ? arena_printf(a, "%s@%s", at.model, provider_host(a, at.base_url)) : in->name,
        .requester = REQUESTER,
        .base_url = at.base_url,
        .sealed_keys = provider_seal_keys(a, at.keys, at.n_keys),
        .is_default = in->is_default,
    };
    sm.model = (model_row){
        .name = at.model,
        .kind = MODEL_LLM,
        .abilities = changed_abilities(rq, in, "[\"func_call\"]"),
        .extra_args = extra_args(rq, NULL),
        .context_length = in->max_model_len,
    };
    TRY(served_insert(rq->scope, &sm));
    return answer_id(rq, rs, sm.model.id);
}

/* What the body names, and nothing else: the probe took its time, in which others may have changed the row. */
static err apply(scope *s, served_model *sm, void *arg)
{
    request *rq = arg;
    const provider_body *in = rq->body;
    provider_keys keys;

    if (!cstr_blank(in->name))
        sm->provider.name = in->name;
    if (in->base_url != NULL)
        sm->provider.base_url = provider_clean_url(s->arena, in->base_url);
    if (in->api_keys != NULL) {
        TRY(take_keys(s, in, &sm->provider, &keys));
        sm->provider.sealed_keys = provider_seal_keys(s->arena, keys.list, keys.n);
    }
    if (switched(rq, "is_default"))
        sm->provider.is_default = in->is_default;
    sm->model.name = in->model != NULL ? in->model : sm->model.name;
    sm->model.extra_args = extra_args(rq, sm->model.extra_args);
    if (sent(rq, "max_model_len") != NULL)
        sm->model.context_length = in->max_model_len;
    sm->model.abilities = changed_abilities(rq, in, sm->model.abilities);
    return OK;
}

/* PUT /api/llm-provider/update/{provider_id} */
err sage_provider_update(request *rq, response *rs)
{
    served_model *sm;
    llm_endpoint at;
    const char *answer;
    bool done;
    err e = find_own(rq, rs, "Cannot modify system default provider", &sm, &done);

    if (e != OK || done)
        return e;
    TRY(endpoint_of(rq, rq->body, sm, &at));
    if ((e = llm_probe_connection(rq->scope, &at, &answer)) != OK)
        return refuse_probe(rq, rs, "update", e);
    TRY(served_change(rq->scope, own(rq).who, sm->model.id, apply, rq));
    return sage_ok(rq, rs, NULL, NULL, NULL);
}

/* DELETE /api/llm-provider/delete/{provider_id} */
err sage_provider_delete(request *rq, response *rs)
{
    served_model *sm;
    bool done;
    err e = find_own(rq, rs, "Cannot delete default provider", &sm, &done);

    if (e != OK || done)
        return e;
    if (sm->provider.is_default)
        return refuse(rq, rs, "Cannot delete default provider");
    TRY(served_delete(rq->scope, own(rq).who, sm->model.id));
    return sage_ok(rq, rs, NULL, NULL, NULL);
}
