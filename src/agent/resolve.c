/* SPDX-License-Identifier: MIT */
/*
 * Who wins when both the saved agent and the request say something (contracts/sage-chat-agents.md section 3.2): the agent for
 * its prompt and tools, the request for mode, limits and model; the two system contexts are merged.
 */
#include "agent/resolve.h"

#include "llm/serve.h"
#include "model/agent.h"

static owned_by caller(const chat_request *rq)
{
    return rq->admin ? OWNED_BY_ANYONE : owned_by_user(rq->user_id);
}

/* Agents saved by older versions of the platform spell their keys with underscores. */
static const json_t *member(const json_t *config, const char *key, const char *older)
{
    const json_t *v = json_object_get(config, key);

    return v != NULL ? v : json_object_get(config, older);
}

/* What the agents API of a platform keeps with an agent beside its configuration: such an agent has the tools and actions
 * that it names and no others. */
static err read_extra(scope *s, const agent_row *row, merged_config *m)
{
    json_t *extra, *params, *creativity;

    if (row->extra == NULL)
        return OK;
    if (json_parse(s->arena, row->extra, strlen(row->extra), NULL, &extra) != OK)
        return fail(s, ERR_INTERNAL, "the stored configuration of agent %s is damaged", row->id);
    m->actions = json_get_arr(extra, "actions");
    m->only_named_tools = m->actions != NULL;
    m->attachments = json_get_arr(extra, "attachments");
    m->thinking = json_get_bool(extra, "extendedThinking", false);
    creativity = json_object_get(extra, "creativity");
    if (json_is_number(creativity)) {
        params = json_hold(s->arena, json_object());
        json_set(params, "temperature", json_incref(creativity));
        m->params = params;
    }
    return OK;
}

static err load_agent(scope *s, const chat_request *rq, merged_config *m, json_t **config)
{
    agent_row *row;
    err e;

    *config = NULL;
    if (cstr_blank(rq->agent_id))
        return OK;
    /* Whoever is logged in needs the right to see the agent; an anonymous caller needs to know its id. */
    e = rq->user_id != NULL ? agent_recall_for(s, caller(rq), rq->agent_id, &row) : agent_recall(s, rq->agent_id, &row);
    if (e == ERR_NOT_FOUND && rq->agent_optional)
        return OK;
    TRY(e);
    if (row->disabled)
        return fail_code(s, ERR_DENIED, "agent.disabled", row->id, "the agent %s is disabled", row->name);
    m->agent_id = row->id;
    m->agent_owner = row->owner_id;
    m->agent_name = row->name;
    if (json_parse(s->arena, row->config, strlen(row->config), NULL, config) != OK)
        return fail(s, ERR_INTERNAL, "the stored configuration of agent %s is damaged", row->id);
    return read_extra(s, row, m);
}

static void merge_context(merged_config *m, const json_t *agent_context, const chat_request *rq)
{
    const char *fixed = json_get_str(agent_context, "response_language", NULL);

    if (json_is_object(agent_context))
        json_object_update(m->system_context, (json_t *)(uintptr_t)agent_context);
    if (json_is_object(rq->system_context))
        json_object_update(m->system_context, (json_t *)(uintptr_t)rq->system_context);
    if (!cstr_blank(rq->approval_mode))
        json_set_str(m->system_context, "sandbox_approval_mode", rq->approval_mode);
    if (json_is_object(rq->command_policy))
        json_object_set(m->system_context, "command_policy", (json_t *)(uintptr_t)rq->command_policy);
    json_object_del(m->system_context, "extra_mcp_config");
    if (!cstr_blank(fixed))
        json_set_str(m->system_context, "response_language", fixed);
    m->response_language = json_get_str(m->system_context, "response_language", NULL);
    if (cstr_blank(m->response_language)) {
        m->response_language = rq->language != NULL ? rq->language : "en-US";
        json_set_str(m->system_context, "response_language", m->response_language);
    }
    json_set_str(m->system_context, "user_id", rq->user_id != NULL ? rq->user_id : "default_user");
    if (m->agent_id != NULL)
        json_set_str(m->system_context, "agent_id", m->agent_id);
}

err resolve_config(scope *s, const chat_request *rq, merged_config *m)
{
    json_t *config;
    const json_t *v;

    *m = (merged_config){
        .system_context = json_hold(s->arena, json_object()),
        .only_named_tools = rq->only_named_tools,
        .actions = rq->actions,
        .attachments = rq->attachments,
    };
    TRY(load_agent(s, rq, m, &config));
    if (m->agent_name == NULL)
        m->agent_name = !cstr_blank(rq->agent_name) ? rq->agent_name : "Sage Assistant";
    m->mode =
        !cstr_blank(rq->agent_mode) ? rq->agent_mode : json_string_value(member(config, "agentMode", "agent_mode"));
    if (m->mode == NULL)
        m->mode = "simple";
    v = member(config, "maxLoopCount", "max_loop_count");
    m->max_loops = rq->max_loops != 0 ? rq->max_loops : json_integer_value(v);
    v = member(config, "systemPrefix", "system_prefix");
    m->system_prefix = json_is_string(v) ? json_string_value(v) : rq->system_prefix;
    v = member(config, "availableTools", "available_tools");
    m->tools = json_is_array(v) ? v : rq->available_tools;
    m->provider_id = rq->provider_id;
    if (cstr_blank(m->provider_id)) {
        m->provider_id = json_get_str(config, "llm_provider_id", NULL);
        m->provider_of_agent = m->provider_id != NULL;
    }
    m->fast_provider_id = rq->fast_provider_id;
    if (cstr_blank(m->fast_provider_id)) {
        m->fast_provider_id = json_get_str(config, "fast_llm_provider_id", NULL);
        m->fast_of_agent = m->fast_provider_id != NULL;
    }
    merge_context(m, member(config, "systemContext", "system_context"), rq);
    return OK;
}

/* Keys of a request's model configuration that are ours and not for the provider. */
static bool is_own_key(const char *key)
{
    static const char *const own[] = {"base_url",   "api_key",  "model", "max_model_len", "max_model_input_len",
                                      "model_type", "maxTokens"};

    for (size_t i = 0; i < COUNT(own); i++)
        if (strcmp(key, own[i]) == 0)
            return true;
    return cstr_starts(key, "fast_") || cstr_starts(key, "supports_");
}

/* A request may bring its own endpoint when no provider was chosen; what it leaves out comes from the default. */
static void apply_request_model(arena *a, const chat_request *rq, llm_endpoint *at)
{
    const char *url = json_get_str(rq->model_config, "base_url", NULL),
               *key = json_get_str(rq->model_config, "api_key", NULL);
    json_t *params = json_hold(a, at->params != NULL ? json_copy(at->params) : json_object()), *value;
    const char *name;

    if (!cstr_blank(url)) {
        at->base_url = arena_strdup(a, url);
        at->driver = "openai";
        at->private_ok = rq->admin;
        at->reasoning = NULL;
        at->n_keys = 0; /* never send a stored key to an address that the request names */
    }
    if (!cstr_blank(key)) {
        const char **keys = arena_array(a, const char *, 1);

        keys[0] = arena_strdup(a, key);
        at->keys = keys;
        at->n_keys = 1;
    }
    at->model = arena_strdup(a, json_get_str(rq->model_config, "model", at->model));
    at->max_model_len = json_get_int(rq->model_config, "max_model_len", at->max_model_len);
    at->max_input_len = json_get_int(rq->model_config, "max_model_input_len", at->max_input_len);
    at->no_images = !json_get_bool(rq->model_config, "supports_multimodal", !at->no_images);
    at->no_structured = !json_get_bool(rq->model_config, "supports_structured_output", !at->no_structured);
    json_object_foreach((json_t *)(uintptr_t)rq->model_config, name, value)
    {
        if (!is_own_key(name) && !json_is_null(value))
            json_object_set(params, name, value);
    }
    at->params = json_object_size(params) > 0 ? params : NULL;
}

/* A provider by id.  `of_agent`: the agent's owner chose it, for everybody who may use the agent. */
static err find_chosen(scope *s, arena *a, const chat_request *rq, const merged_config *m, const char *id,
                       bool of_agent, llm_endpoint *out)
{
    provider_scope sc = {.who = owned_by_user(rq->user_id), .with_system = true};
    served_model *sm;
    err e;

    if (of_agent)
        sc.who = m->agent_owner != NULL ? owned_by_user(m->agent_owner) : OWNED_BY_ANYONE;
    if (rq->admin)
        sc.who = OWNED_BY_ANYONE;
    e = served_recall(s, sc, id, &sm);
    if (e == ERR_NOT_FOUND)
        return fail_code(s, ERR_NOT_FOUND, "provider.not_found", id, "LLM provider not found: %s", id);
    TRY(e);
    return serve_endpoint(s, a, sm, out);
}

err resolve_fast_model(scope *s, arena *a, const chat_request *rq, const merged_config *m, llm_endpoint *out)
{
    err e;

    *out = (llm_endpoint){0};
    if (cstr_blank(m->fast_provider_id))
        return OK;
    e = find_chosen(s, a, rq, m, m->fast_provider_id, m->fast_of_agent, out);
    return e == ERR_NOT_FOUND && m->fast_of_agent ? OK : e;
}

static err find_endpoint(scope *s, arena *a, const chat_request *rq, const merged_config *m, llm_endpoint *out)
{
    served_model *sm;
    err e;

    if (!cstr_blank(m->provider_id))
        return find_chosen(s, a, rq, m, m->provider_id, m->provider_of_agent, out);
    e = served_default(s, rq->user_id, false, &sm);
    if (e == ERR_NOT_FOUND)
        return fail_code(s, ERR_NOT_FOUND, "provider.no_default", NULL, "Default LLM provider not found");
    TRY(e);
    TRY(serve_endpoint(s, a, sm, out));
    if (json_object_size(rq->model_config) > 0)
        apply_request_model(a, rq, out);
    return OK;
}

static void apply_params(arena *a, const json_t *params, llm_endpoint *at)
{
    json_t *all;

    if (json_object_size(params) == 0)
        return;
    all = json_hold(a, at->params != NULL ? json_copy(at->params) : json_object());
    json_object_update(all, (json_t *)(uintptr_t)params);
    at->params = all;
}

err resolve_model(scope *s, arena *a, const chat_request *rq, const merged_config *m, llm_endpoint *out)
{
    TRY(find_endpoint(s, a, rq, m, out));
    apply_params(a, m->params, out);
    apply_params(a, rq->params, out);
    return OK;
}
