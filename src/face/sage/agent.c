/* SPDX-License-Identifier: MIT */
/*
 * Agents: the configuration object of the editor as it is written, and who may do what with it
 * (contracts/sage-chat-agents.md section 6).  Reading it is in agent_read.c.
 */
#include "model/agent.h"

#include "agent/chat.h"
#include "agent/prompt.h"
#include "auth/identity.h"
#include "face/sage/envelope.h"
#include "face/sage/handlers.h"
#include "face/sage/locale.h"

/* AgentConfigDTO, section 6.1. */
typedef struct {
    const char *name, *systemPrefix, *subAgentSelectionMode, *memoryType, *thinkingLevel;
    const char *llm_provider_id, *fast_llm_provider_id, *agentMode, *description;
    json_t *systemContext, *availableWorkflows, *availableTools, *availableSkills, *availableKnowledgeBases;
    json_t *availableSubAgentIds, *im_channels;
    int64_t maxLoopCount;
    bool deepThinking, enableMultimodal, is_default;
} agent_body;

static const field agent_fields[] = {
    FIELD(agent_body, name, .required = true, .not_null = true, .text = "Shown in lists; unique for its owner"),
    FIELD(agent_body, maxLoopCount, .text = "Most model turns of a run"),
    FIELD(agent_body, systemPrefix, .text = "System prompt"),
    FIELD(agent_body, systemContext, .json = JSON_OBJECT_TYPE, .text = "Facts for the model, by name"),
    FIELD(agent_body, availableWorkflows, .json = JSON_OBJECT_TYPE),
    FIELD(agent_body, availableTools, .json = JSON_STRINGS_TYPE, .max = 10000, .text = "Names; empty: all"),
    FIELD(agent_body, availableSkills, .json = JSON_STRINGS_TYPE),
    FIELD(agent_body, availableKnowledgeBases, .json = JSON_STRINGS_TYPE),
    FIELD(agent_body, availableSubAgentIds, .json = JSON_STRINGS_TYPE),
    FIELD(agent_body, subAgentSelectionMode, .text = "auto_all or manual"),
    FIELD(agent_body, memoryType, .text = "session or user"),
    FIELD(agent_body, deepThinking),
    FIELD(agent_body, thinkingLevel, .one_of = "minimal|low|medium|high|xhigh|max"),
    FIELD(agent_body, llm_provider_id, .text = "Model provider"),
    FIELD(agent_body, fast_llm_provider_id, .text = "Cheap model provider for side calls"),
    FIELD(agent_body, enableMultimodal),
    FIELD(agent_body, agentMode, .one_of = "simple|fibre|team"),
    FIELD(agent_body, description),
    FIELD(agent_body, is_default, .text = "Ignored"),
    FIELD(agent_body, im_channels, .json = JSON_OBJECT_TYPE, .text = "Ignored"),
};
const schema sage_agent_schema = {"AgentConfigDTO", sizeof(agent_body), agent_fields, COUNT(agent_fields), SIZE_MAX};

static owned_by caller(const request *rq)
{
    return rq->user->admin ? OWNED_BY_ANYONE : owned_by_user(rq->user->user_id);
}

/* Writing */

static bool has_name(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (cstr_eq(json_string_value(json_array_get(names, i)), name))
            return true;
    return false;
}

static void want_name(json_t *names, const char *name)
{
    if (!has_name(names, name))
        json_array_append_new(names, json_string(name));
}

/* The delegation tools go with the mode, whatever list was sent (section 6.1). */
static json_t *tools_for_mode(const agent_body *in)
{
    static const char *const delegation[] = {"sys_spawn_agent", "sys_delegate_task", "sys_team_delegate_task"};
    json_t *tools = json_array();

    for (size_t i = 0; i < json_array_size(in->availableTools); i++) {
        json_t *name = json_array_get(in->availableTools, i);
        bool sent = true;

        for (size_t k = 0; k < COUNT(delegation); k++)
            sent = sent && !cstr_eq(json_string_value(name), delegation[k]);
        if (sent)
            json_array_append(tools, name);
    }
    if (cstr_eq(in->agentMode, "fibre")) {
        json_array_append_new(tools, json_string("sys_spawn_agent"));
        json_array_append_new(tools, json_string("sys_delegate_task"));
    }
    if (cstr_eq(in->agentMode, "team"))
        json_array_append_new(tools, json_string("sys_team_delegate_task"));
    if (cstr_eq(in->memoryType, "user"))
        want_name(tools, "search_memory");
    return tools;
}

static void keep_str(json_t *config, const char *key, const char *value)
{
    if (value != NULL)
        json_set_str(config, key, value);
}

static void keep_json(json_t *config, const char *key, json_t *value)
{
    if (value != NULL && !json_is_null(value))
        json_set(config, key, json_incref(value));
}

/* The configuration as stored: no nulls, but for the two provider ids. */
static char *config_text(arena *a, const agent_body *in)
{
    json_t *c = json_hold(a, json_object());

    keep_str(c, "systemPrefix", in->systemPrefix);
    keep_json(c, "systemContext", in->systemContext);
    keep_json(c, "availableWorkflows", in->availableWorkflows);
    if (in->availableTools != NULL)
        json_set(c, "availableTools", tools_for_mode(in));
    keep_json(c, "availableSkills", in->availableSkills);
    keep_json(c, "availableKnowledgeBases", in->availableKnowledgeBases);
    keep_json(c, "availableSubAgentIds", in->availableSubAgentIds);
    keep_str(c, "subAgentSelectionMode", in->subAgentSelectionMode);
    keep_str(c, "memoryType", in->memoryType);
    json_set_int(c, "maxLoopCount", in->maxLoopCount);
    json_set_bool(c, "deepThinking", in->deepThinking);
    keep_str(c, "thinkingLevel", in->thinkingLevel);
    json_set_str(c, "llm_provider_id", in->llm_provider_id);
    json_set_str(c, "fast_llm_provider_id", in->fast_llm_provider_id);
    json_set_bool(c, "enableMultimodal", in->enableMultimodal);
    keep_str(c, "agentMode", in->agentMode);
    keep_str(c, "description", in->description);
    return json_text(a, c);
}

static err check(request *rq, const agent_body *in, const char *id, char **name)
{
    str trimmed = str_trim(str_of(in->name));

    if (trimmed.len == 0 && id == NULL)
        return fail_code(rq->scope, ERR_INVALID, "agent.name_required", NULL, "the agent needs a name");
    if (trimmed.len == 0)
        return fail_code(rq->scope, ERR_INVALID, "agent.name_missing", id, "the agent needs a name");
    if (!json_is_number(json_object_get(rq->json, "maxLoopCount"))) /* the schema lets nothing else pass but null */
        return fail_code(rq->scope, ERR_INVALID, "agent.max_loop_required", NULL, "maxLoopCount must be given");
    if (in->maxLoopCount < 1)
        return fail_code(rq->scope, ERR_INVALID, "agent.max_loop_too_small", NULL, "maxLoopCount must be at least 1");
    *name = str_dup(rq->scope->arena, trimmed);
    return OK;
}

static err answer_id(request *rq, response *rs, const char *message, const char *id)
{
    json_t *data = json_object();

    json_set_str(data, "agent_id", id);
    return sage_ok(rq, rs, message, id, data);
}

/* POST /api/agent/create */
err sage_agent_create(request *rq, response *rs)
{
    const agent_body *in = rq->body;
    agent_row row = {.owner_id = rq->user->user_id};
    char *name = NULL;

    TRY(check(rq, in, NULL, &name));
    row.name = name;
    row.config = config_text(rq->scope->arena, in);
    TRY(agent_insert(rq->scope, &row));
    return answer_id(rq, rs, "agent.created", row.id);
}

/* PUT /api/agent/{agent_id}: replaces everything. */
err sage_agent_update(request *rq, response *rs)
{
    const agent_body *in = rq->body;
    agent_row row = {.id = request_param(rq, "agent_id")};
    char *name = NULL;
    err e;

    TRY(check(rq, in, row.id, &name));
    row.name = name;
    row.config = config_text(rq->scope->arena, in);
    e = agent_update(rq->scope, caller(rq), &row);
    if (e == ERR_DENIED)
        return fail_code(rq->scope, e, "agent.update_forbidden", row.id, "not allowed to update this agent");
    TRY(e);
    return answer_id(rq, rs, "agent.updated", row.id);
}

/* DELETE /api/agent/{agent_id} */
err sage_agent_delete(request *rq, response *rs)
{
    const char *id = request_param(rq, "agent_id");
    err e = chat_delete_agent(rq->scope, caller(rq), id);

    if (e == ERR_DENIED)
        return fail_code(rq->scope, e, "agent.delete_forbidden", id, "not allowed to delete this agent");
    TRY(e);
    return answer_id(rq, rs, "agent.deleted", id);
}

/* Who else may use it */

static err owned(request *rq, const char *denied, agent_row **out)
{
    err e = agent_find(rq->scope, request_param(rq, "agent_id"), out);

    if (e == ERR_NOT_FOUND)
        return fail_code(rq->scope, e, "agent.not_found_plain", NULL, "Agent not found");
    TRY(e);
    if (!rq->user->admin && !cstr_eq((*out)->owner_id, rq->user->user_id))
        return fail_code(rq->scope, ERR_DENIED, denied, (*out)->id, "this agent belongs to somebody else");
    return OK;
}

/* GET /api/agent/{agent_id}/auth */
err sage_agent_users_get(request *rq, response *rs)
{
    const char **ids;
    json_t *list;
    agent_row *row;
    size_t n;

    TRY(owned(rq, "agent.users_view_forbidden", &row));
    TRY(agent_users(rq->scope, row->id, &ids, &n));
    list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(ids[i]));
    return sage_ok(rq, rs, "agent.users_loaded", NULL, list);
}

typedef struct {
    json_t *user_ids;
} users_body;
static const field users_fields[] = {
    FIELD(users_body, user_ids, .required = true, .not_null = true, .json = JSON_STRINGS_TYPE, .max = 1000),
};
const schema sage_agent_users_schema = SCHEMA(users_body, users_fields);

/* POST /api/agent/{agent_id}/auth */
err sage_agent_users_set(request *rq, response *rs)
{
    const users_body *in = rq->body;
    size_t n = json_array_size(in->user_ids);
    const char **ids = arena_array(rq->scope->arena, const char *, n);
    agent_row *row;

    TRY(owned(rq, "agent.users_set_forbidden", &row));
    for (size_t i = 0; i < n; i++)
        ids[i] = json_string_value(json_array_get(in->user_ids, i));
    TRY(agent_set_users(rq->scope, row->id, ids, n));
    return sage_ok(rq, rs, "agent.users_updated", NULL, json_object());
}

typedef struct {
    const char *language;
} prompt_args;
static const field prompt_fields[] = {FIELD(prompt_args, language, .text = "en, zh or pt")};
const schema sage_default_prompt_schema = SCHEMA(prompt_args, prompt_fields);

/* GET /api/agent/template/default_system_prompt */
err sage_agent_default_prompt(request *rq, response *rs)
{
    const prompt_args *in = rq->args;
    json_t *data = json_object();

    json_set_str(data, "content", prompt_default_role(rq->scope->arena, prompt_language(in->language), "Sage"));
    return sage_ok(rq, rs, "agent.default_prompt_loaded", NULL, data);
}
