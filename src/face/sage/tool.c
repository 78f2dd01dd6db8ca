/* SPDX-License-Identifier: MIT */
/* Tools: the list and direct calls (contracts/sage-knowledge-tools.md section 2). */
#include "tool/tool.h"

#include "agent/chat.h"
#include "auth/identity.h"
#include "face/sage/envelope.h"
#include "face/sage/filter.h"
#include "face/sage/handlers.h"
#include "face/sage/locale.h"

static tool_context context_of(const request *rq)
{
    return (tool_context){.user_id = rq->user->user_id,
                          .admin = rq->user->admin,
                          .workspace = chat_workspace(rq->scope->arena, rq->user->user_id, "tools"),
                          .language = locale_prompt_language(rq)};
}

typedef struct {
    const char *type, *language;
} list_args;
static const field list_fields[] = {
    FIELD(list_args, type, .text = "basic, mcp or sage_mcp"),
    FIELD(list_args, language, .text = "Of the descriptions: en, zh or pt"),
};
const schema sage_tool_list_schema = SCHEMA(list_args, list_fields);

static const char *type_of(const tool *t)
{
    return t->kind == TOOL_BUILTIN ? "basic" : t->kind == TOOL_MCP ? "mcp" : "sage_mcp";
}

/* Where it comes from, in the words that the web client groups by. */
static const char *source_of(arena *a, const tool *t)
{
    if (t->kind == TOOL_BUILTIN)
        return "基础工具";
    if (t->kind == TOOL_ACTION)
        return t->source;
    return arena_printf(a, t->kind == TOOL_MCP ? "MCP Server: %s" : "内置MCP: %s", t->source != NULL ? t->source : "");
}

static json_t *tool_json(arena *a, const tool *t, const char *language)
{
    json_t *o = json_object(), *listed = json_hold(a, tool_listing(t, language)),
           *properties = json_object_get(listed, "properties"), *required = json_object_get(listed, "required");

    json_set_str(o, "name", t->name);
    json_set_str(o, "description", tool_description(t, language));
    json_set(o, "parameters", properties != NULL ? json_incref(properties) : json_object());
    json_set(o, "required", required != NULL ? json_incref(required) : json_array());
    json_set(o, "input_schema", json_incref(listed));
    json_set_str(o, "type", type_of(t));
    json_set_str(o, "source", source_of(a, t));
    json_set_str(o, "user_id", t->kind == TOOL_BUILTIN || t->owner == NULL ? "" : t->owner);
    json_set_str(o, "server_kind", t->kind == TOOL_MCP ? "external" : "");
    return o;
}

/* GET /api/tools */
err sage_tool_list(request *rq, response *rs)
{
    const list_args *in = rq->args;
    tool_context cx = context_of(rq);
    json_t *data, *list = json_hold(rq->scope->arena, json_array());
    const char *language = sage_filter(in->language), *type = sage_filter(in->type);
    const tool **tools;
    size_t n;

    if (language != NULL)
        cx.language = language;
    TRY(tool_list(rq->scope, rq->scope->arena, &cx, &tools, &n));
    for (size_t i = 0; i < n; i++)
        if (!tools[i]->hidden && (type == NULL || cstr_eq(type, type_of(tools[i]))))
            json_array_append_new(list, tool_json(rq->scope->arena, tools[i], cx.language));
    data = json_object();
    json_set(data, "tools", json_incref(list));
    return sage_ok(rq, rs, "tool.list_loaded", NULL, data);
}

typedef struct {
    const char *tool_name;
    json_t *tool_params, *arguments;
} exec_body;
static const field exec_fields[] = {
    FIELD(exec_body, tool_name, .required = true, .not_null = true),
    FIELD(exec_body, tool_params, .json = JSON_OBJECT_TYPE, .text = "Arguments by name"),
    FIELD(exec_body, arguments, .json = JSON_OBJECT_TYPE, .text = "The same; used when tool_params is empty"),
};
const schema sage_tool_exec_schema = SCHEMA(exec_body, exec_fields);

/* A result as programs read it: JSON under "content", up to three levels deep, stands for what it holds. */
static json_t *unwrap(arena *a, json_t *v)
{
    for (int level = 0; level < 3 && json_object_size(v) == 1; level++) {
        const char *text = json_get_str(v, "content", NULL);
        json_t *inner;

        if (text == NULL || json_parse(a, text, strlen(text), NULL, &inner) != OK)
            break;
        v = inner;
    }
    return v;
}

/* Failures are told as they are; results stand under "content" in the raw text. */
static json_t *result_json(arena *a, const tool_result *r)
{
    json_t *data = json_object(), *raw = json_hold(a, json_object()), *parsed = r->value;
    char *raw_text = NULL, *pretty;

    json_set_str(raw, "content", r->text);
    if (!r->failed) {
        raw_text = json_dumps(raw, JSON_INDENT(2));
        parsed = unwrap(a, raw);
    } else if (parsed == NULL) {
        parsed = raw;
    }
    pretty = json_is_string(parsed) ? NULL : json_dumps(parsed, JSON_INDENT(2) | JSON_ENCODE_ANY);
    json_set_str(data, "raw_text", raw_text != NULL ? raw_text : r->text);
    json_set(data, "parsed", json_incref(parsed));
    json_set(data, "content", json_incref(parsed));
    json_set_str(data, "formatted_text", pretty != NULL ? pretty : json_string_value(parsed));
    json_set_str(data, "tool_response", raw_text != NULL ? raw_text : r->text);
    free(raw_text);
    free(pretty);
    return data;
}

/* POST /api/tools/exec: a tool that fails is still a success of this call. */
err sage_tool_exec(request *rq, response *rs)
{
    static const char *const ours[] = {"session_id", "user_id", "sandbox_approval_mode", "command_policy"};
    const exec_body *in = rq->body;
    tool_context cx = context_of(rq);
    const json_t *sent = json_object_size(in->tool_params) > 0 ? in->tool_params : in->arguments;
    json_t *args = json_hold(rq->scope->arena, json_is_object(sent) ? json_deep_copy(sent) : json_object());
    const tool *t;
    tool_result result;
    err e;

    cx.confirmed = rq->user->via != VIA_KEY; /* whoever is logged in means it; a program may not */
    for (size_t i = 0; i < COUNT(ours); i++)
        json_object_del(args, ours[i]);
    e = tool_find(rq->scope, rq->scope->arena, &cx, in->tool_name, &t);
    if (e == ERR_NOT_FOUND)
        return sage_error(rq, rs, 500, "tool.not_found", in->tool_name,
                          arena_printf(rq->scope->arena, "Tool '%s' not found", in->tool_name));
    TRY(e);
    TRY(chat_make_workspace(rq->scope, cx.workspace));
    TRY(tool_call(rq->scope, t, &cx, args, &result));
    return sage_ok(rq, rs, "tool.executed", NULL, result_json(rq->scope->arena, &result));
}
