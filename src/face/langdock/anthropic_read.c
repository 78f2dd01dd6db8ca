/* SPDX-License-Identifier: MIT */
/*
 * From Messages to calls of any model; see anthropic_read.h.  A user's message with results of tools becomes messages of tools
 * and one of the user; blocks become content parts.
 */
#include "face/langdock/anthropic_read.h"

typedef struct {
    model_call *c;
    arena *a;
    size_t at; /* which message */
} reader;

static err refuse(const reader *r, const char *why)
{
    return fail(r->c->rq->scope, ERR_INVALID, "messages.%zu: %s", r->at, why);
}

/* Parts */

static json_t *text_part(const char *text)
{
    json_t *o = json_object();

    json_set_str(o, "type", "text");
    json_set_str(o, "text", text);
    return o;
}

static err add_image(const reader *r, json_t *parts, const json_t *from)
{
    const char *type = json_get_str(from, "type", ""), *data = json_get_str(from, "data", NULL);
    const char *link = json_get_str(from, "url", NULL);
    json_t *part, *url;

    if (cstr_eq(type, "base64") && data != NULL)
        link = arena_printf(r->a, "data:%s;base64,%s", json_get_str(from, "media_type", "image/png"), data);
    else if (!cstr_eq(type, "url") || link == NULL)
        return refuse(r, "an image needs a source of the type base64 or url");
    part = json_object();
    url = json_object();
    json_set_str(url, "url", link);
    json_set_str(part, "type", "image_url");
    json_set(part, "image_url", url);
    json_array_append_new(parts, part);
    return OK;
}

static err add_document(const reader *r, json_t *parts, const json_t *block)
{
    const json_t *from = json_get_obj(block, "source");
    const char *text = json_get_str(from, "data", NULL);

    if (!cstr_eq(json_get_str(from, "type", NULL), "text") || text == NULL)
        return refuse(r, "documents are supported as plain text only");
    json_array_append_new(parts, text_part(text));
    return OK;
}

/* Text, images and documents; *taken false for other blocks. */
static err add_part(const reader *r, json_t *parts, const json_t *block, bool *taken)
{
    const char *type = json_get_str(block, "type", "");

    *taken = true;
    if (cstr_eq(type, "image"))
        return add_image(r, parts, json_get_obj(block, "source"));
    if (cstr_eq(type, "document"))
        return add_document(r, parts, block);
    *taken = cstr_eq(type, "text");
    if (*taken)
        json_array_append_new(parts, text_part(json_get_str(block, "text", "")));
    return OK;
}

/* Messages */

static err add_user(const reader *r, json_t *parts)
{
    const char *only = json_get_str(json_array_get(parts, 0), "text", NULL);

    if (json_array_size(parts) == 1 && only != NULL)
        return model_call_add(r->c, (llm_message){.role = ROLE_USER, .text = only});
    return model_call_add(r->c, (llm_message){.role = ROLE_USER, .parts = parts});
}

static err add_result(const reader *r, const json_t *block)
{
    const json_t *content = json_object_get(block, "content");
    llm_message m = {.role = ROLE_TOOL,
                     .text = json_string_value(content),
                     .tool_call_id = json_get_str(block, "tool_use_id", NULL),
                     .failed = json_is_true(json_object_get(block, "is_error"))};
    bool taken;

    if (m.tool_call_id == NULL)
        return refuse(r, "a tool_result needs a tool_use_id");
    if (json_is_array(content)) {
        m.parts = json_hold(r->a, json_array());
        for (size_t i = 0; i < json_array_size(content); i++)
            TRY(add_part(r, m.parts, json_array_get(content, i), &taken));
    }
    return model_call_add(r->c, m);
}

static err read_user(const reader *r, const json_t *blocks)
{
    json_t *parts = json_hold(r->a, json_array());
    bool taken, results = false;

    for (size_t i = 0; i < json_array_size(blocks); i++) {
        const json_t *block = json_array_get(blocks, i);
        const char *type = json_get_str(block, "type", "");

        if (cstr_eq(type, "tool_result")) {
            results = true;
            TRY(add_result(r, block));
            continue;
        }
        TRY(add_part(r, parts, block, &taken));
        if (!taken)
            return refuse(r, arena_printf(r->a, "a user's message cannot have a block of the type '%s'", type));
    }
    return json_array_size(parts) > 0 || !results ? add_user(r, parts) : OK;
}

typedef struct {
    llm_message m;
    llm_tool_call *calls;
    json_t *thoughts;
    buf *text, *reasoning;
} assistant;

static err read_assistant_block(const reader *r, const json_t *block, assistant *out)
{
    const char *type = json_get_str(block, "type", ""), *id = json_get_str(block, "id", NULL);
    const char *name = json_get_str(block, "name", NULL);
    const json_t *input = json_get_obj(block, "input");

    if (cstr_eq(type, "text")) {
        buf_puts(out->text, json_get_str(block, "text", ""));
    } else if (cstr_eq(type, "thinking") || cstr_eq(type, "redacted_thinking")) {
        buf_puts(out->reasoning, json_get_str(block, "thinking", ""));
        json_array_append(out->thoughts, (json_t *)(uintptr_t)block);
    } else if (cstr_eq(type, "tool_use") && id != NULL && name != NULL) {
        out->calls[out->m.n_calls++] =
            (llm_tool_call){.id = id, .name = name, .arguments = input != NULL ? json_text(r->a, input) : "{}"};
    } else {
        return refuse(r, arena_printf(r->a, "an assistant's message cannot have this block of the type '%s'", type));
    }
    return OK;
}

static err read_assistant(const reader *r, const json_t *blocks)
{
    assistant as = {.m = {.role = ROLE_ASSISTANT},
                    .calls = arena_array(r->a, llm_tool_call, json_array_size(blocks)),
                    .thoughts = json_hold(r->a, json_array()),
                    .text = buf_new(r->a, MIB(32)),
                    .reasoning = buf_new(r->a, MIB(32))};
    json_t *thoughts;

    for (size_t i = 0; i < json_array_size(blocks); i++)
        TRY(read_assistant_block(r, json_array_get(blocks, i), &as));
    as.m.text = buf_str(as.text);
    as.m.calls = as.calls;
    if (as.reasoning->len > 0)
        as.m.reasoning = buf_str(as.reasoning);
    if (json_array_size(as.thoughts) > 0) {
        thoughts = json_hold(r->a, json_object());
        json_set_str(thoughts, "model", r->c->ask.at.model);
        json_set(thoughts, "blocks", json_incref(as.thoughts));
        as.m.thoughts = json_text(r->a, thoughts);
    }
    return model_call_add(r->c, as.m);
}

static err read_message(const reader *r, const json_t *m)
{
    const char *role = json_get_str(m, "role", "");
    const json_t *content = json_object_get(m, "content");
    bool user = cstr_eq(role, "user");

    if (!user && !cstr_eq(role, "assistant"))
        return refuse(r, "the role must be user or assistant");
    if (json_is_string(content))
        return model_call_add(
            r->c, (llm_message){.role = user ? ROLE_USER : ROLE_ASSISTANT, .text = json_string_value(content)});
    if (!json_is_array(content))
        return refuse(r, "content must be a text or a list of blocks");
    return user ? read_user(r, content) : read_assistant(r, content);
}

static err read_system(const reader *r, json_t *system)
{
    json_t *parts;
    bool taken;

    if (json_is_string(system))
        return model_call_add(r->c, (llm_message){.role = ROLE_SYSTEM, .text = json_string_value(system)});
    if (json_array_size(system) == 0)
        return OK;
    parts = json_hold(r->a, json_array());
    for (size_t i = 0; i < json_array_size(system); i++)
        TRY(add_part(r, parts, json_array_get(system, i), &taken));
    return model_call_add(r->c, (llm_message){.role = ROLE_SYSTEM, .parts = parts});
}

/* The other members */

static err read_tools(model_call *c, const anthropic_body *in)
{
    const char *choice = json_get_str(in->tool_choice, "type", NULL);
    const char *only = cstr_eq(choice, "tool") ? json_get_str(in->tool_choice, "name", "") : NULL;
    size_t n = json_array_size(in->tools);
    llm_tool *tools = arena_array(c->rq->scope->arena, llm_tool, n);

    if (cstr_eq(choice, "none"))
        return OK;
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(in->tools, i);
        const char *name = json_get_str(v, "name", NULL);

        if (name == NULL || json_get_obj(v, "input_schema") == NULL)
            return fail(c->rq->scope, ERR_INVALID, "tools.%zu: a tool needs a name and an input_schema", i);
        if (only != NULL && !cstr_eq(only, name))
            continue;
        tools[c->ask.n_tools++] = (llm_tool){.name = name,
                                             .description = json_get_str(v, "description", NULL),
                                             .parameters = json_get_obj(v, "input_schema")};
    }
    if (only != NULL && c->ask.n_tools == 0)
        return fail(c->rq->scope, ERR_INVALID, "tool_choice: there is no tool %s", only);
    c->ask.tools = tools;
    if (only != NULL || cstr_eq(choice, "any"))
        c->ask.tool_choice = TOOL_CHOICE_REQUIRED;
    else if (choice != NULL)
        c->ask.tool_choice = TOOL_CHOICE_AUTO;
    return OK;
}

static void read_thinking(model_call *c, const json_t *thinking)
{
    static const struct {
        int64_t tokens;
        const char *level;
    } levels[] = {{1024, "minimal"}, {2048, "low"}, {8192, "medium"}, {16384, "high"}};
    int64_t budget = json_get_int(thinking, "budget_tokens", 8192);

    if (!cstr_eq(json_get_str(thinking, "type", NULL), "enabled"))
        return;
    c->ask.thinking = THINKING_ON;
    c->ask.thinking_level = "xhigh";
    for (size_t i = COUNT(levels); i > 0; i--)
        if (budget <= levels[i - 1].tokens)
            c->ask.thinking_level = levels[i - 1].level;
}

/* Providers of the same API get everything; others what they know. */
static void read_params(model_call *c, const anthropic_body *in)
{
    static const char *const common[] = {"max_tokens", "temperature", "top_p"};
    static const char *const own[] = {"top_k", "stop_sequences", "metadata"};
    bool same = cstr_eq(c->ask.at.driver, "anthropic");
    const json_t *body = c->rq->json;

    for (size_t i = 0; i < COUNT(common); i++)
        if (json_object_get(body, common[i]) != NULL)
            json_object_set(c->params, common[i], json_object_get(body, common[i]));
    for (size_t i = 0; same && i < COUNT(own); i++)
        if (json_object_get(body, own[i]) != NULL)
            json_object_set(c->params, own[i], json_object_get(body, own[i]));
    if (!same && json_array_size(in->stop_sequences) > 0)
        json_object_set(c->params, "stop", in->stop_sequences);
}

err anthropic_read(request *rq, const anthropic_body *in, model_call *out)
{
    reader r = {.c = out, .a = rq->scope->arena};

    TRY(model_call_new(rq, in->model, out));
    TRY(read_system(&r, in->system));
    for (; r.at < json_array_size(in->messages); r.at++)
        TRY(read_message(&r, json_array_get(in->messages, r.at)));
    TRY(read_tools(out, in));
    read_thinking(out, in->thinking);
    read_params(out, in);
    return OK;
}
