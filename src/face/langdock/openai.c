/* SPDX-License-Identifier: MIT */
/*
 * Chat completions as OpenAI's clients speak them, over any configured model (contracts/langdock.md section 9).
 *
 * Parameters that this server does not know go to the provider as they are.
 */
#include "base/clock.h"
#include "base/id.h"
#include "auth/rules.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/model_wire.h"
#include "face/langdock/openai_shared.h"

typedef struct {
    const char *model;
    json_t *messages, *tools, *tool_choice, *response_format, *stream_options;
    bool stream;
    double temperature, top_p;
    int64_t max_tokens, max_completion_tokens, n;
} chat_body;
static const field chat_fields[] = {
    FIELD(chat_body, model, .required = true, .not_null = true, .min = 1, .text = "Id from the list of models"),
    FIELD(chat_body, messages, .required = true, .not_null = true, .json = JSON_ARRAY_TYPE, .min = 1,
          .max = CALL_MESSAGES_MAX),
    FIELD(chat_body, tools, .json = JSON_ARRAY_TYPE, .max = CALL_TOOLS_MAX),
    FIELD(chat_body, tool_choice, .text = "none, auto, required, or a function"),
    FIELD(chat_body, response_format, .json = JSON_OBJECT_TYPE),
    FIELD(chat_body, stream, .text = "Answer with chunks"),
    FIELD(chat_body, stream_options, .json = JSON_OBJECT_TYPE, .text = "include_usage: tokens in a last chunk"),
    FIELD(chat_body, temperature, .max = 2),
    FIELD(chat_body, top_p, .max = 1),
    FIELD(chat_body, max_tokens, .min = 1, .max = 10000000),
    FIELD(chat_body, max_completion_tokens, .min = 1, .max = 10000000),
    FIELD(chat_body, n, .min = 1, .max = 1, .text = "Only 1"),
};
const schema dock_openai_chat_schema = {"ChatCompletion", sizeof(chat_body), chat_fields, COUNT(chat_fields), SIZE_MAX};

/* The request */

static err refuse(model_call *c, size_t at, const char *why)
{
    return fail(c->rq->scope, ERR_INVALID, "messages[%zu]: %s", at, why);
}

static err read_calls(model_call *c, size_t at, const json_t *list, llm_message *m)
{
    size_t n = json_array_size(list);
    llm_tool_call *calls = arena_array(c->rq->scope->arena, llm_tool_call, n);

    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i), *function = json_get_obj(v, "function");

        calls[i] = (llm_tool_call){.id = json_get_str(v, "id", NULL),
                                   .name = json_get_str(function, "name", NULL),
                                   .arguments = json_get_str(function, "arguments", "{}")};
        if (calls[i].id == NULL || calls[i].name == NULL)
            return refuse(c, at, "a tool call has no id or no function name");
    }
    m->calls = calls;
    m->n_calls = n;
    return OK;
}

static err read_parts(model_call *c, size_t at, json_t *parts)
{
    static const char *const known[] = {"text", "image_url", "input_audio", "refusal"};

    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *type = json_get_str(json_array_get(parts, i), "type", "");
        bool found = false;

        for (size_t k = 0; k < COUNT(known); k++)
            found |= cstr_eq(type, known[k]);
        if (!found)
            return refuse(c, at, arena_printf(c->rq->scope->arena, "parts of the type '%s' are not supported", type));
    }
    return OK;
}

static bool role_of(const char *name, llm_role *out)
{
    static const struct {
        const char *name;
        llm_role role;
    } roles[] = {{"system", ROLE_SYSTEM},
                 {"developer", ROLE_SYSTEM},
                 {"user", ROLE_USER},
                 {"assistant", ROLE_ASSISTANT},
                 {"tool", ROLE_TOOL}};

    for (size_t i = 0; i < COUNT(roles); i++)
        if (cstr_eq(roles[i].name, name)) {
            *out = roles[i].role;
            return true;
        }
    return false;
}

static err read_message(model_call *c, size_t at, const json_t *v)
{
    json_t *content = json_object_get(v, "content");
    llm_message m = {.text = json_string_value(content),
                     .reasoning = json_get_str(v, "reasoning_content", NULL),
                     .tool_call_id = json_get_str(v, "tool_call_id", NULL)};

    if (!role_of(json_get_str(v, "role", NULL), &m.role))
        return refuse(c, at, "the role must be system, developer, user, assistant or tool");
    if (json_is_array(content)) {
        TRY(read_parts(c, at, content));
        m.parts = content;
    } else if (content != NULL && !json_is_null(content) && m.text == NULL) {
        return refuse(c, at, "content must be a text or a list of parts");
    }
    if (m.role == ROLE_TOOL && m.tool_call_id == NULL)
        return refuse(c, at, "a message of the role tool needs a tool_call_id");
    if (m.role == ROLE_ASSISTANT)
        TRY(read_calls(c, at, json_get_arr(v, "tool_calls"), &m));
    return model_call_add(c, m);
}

/* The only tool that may be called, by a choice that names it; NULL: any. */
static const char *named_choice(const json_t *choice)
{
    return json_get_str(json_get_obj(choice, "function"), "name", json_get_str(choice, "name", NULL));
}

static err read_tools(model_call *c, const chat_body *in)
{
    const char *word = json_string_value(in->tool_choice), *only = named_choice(in->tool_choice);
    size_t n = json_array_size(in->tools);
    llm_tool *tools = arena_array(c->rq->scope->arena, llm_tool, n);

    if (cstr_eq(word, "none"))
        return OK;
    for (size_t i = 0; i < n; i++) {
        const json_t *function = json_get_obj(json_array_get(in->tools, i), "function");
        const char *name = json_get_str(function, "name", NULL);

        if (name == NULL)
            return fail(c->rq->scope, ERR_INVALID, "tools[%zu]: only functions with a name are supported", i);
        if (only != NULL && !cstr_eq(only, name))
            continue;
        tools[c->ask.n_tools++] = (llm_tool){.name = name,
                                             .description = json_get_str(function, "description", NULL),
                                             .parameters = json_get_obj(function, "parameters")};
    }
    if (only != NULL && c->ask.n_tools == 0)
        return fail(c->rq->scope, ERR_INVALID, "tool_choice names the unknown function %s", only);
    c->ask.tools = tools;
    if (only != NULL || cstr_eq(word, "required"))
        c->ask.tool_choice = TOOL_CHOICE_REQUIRED;
    else if (word != NULL)
        c->ask.tool_choice = TOOL_CHOICE_AUTO;
    return OK;
}

/* What is read above, or means nothing behind this API. */
static bool is_read(const char *key)
{
    static const char *const names[] = {"model",          "messages", "tools",        "tool_choice", "response_format",
                                        "stream_options", "stream",   "service_tier", "n",           "store"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(names[i], key) == 0)
            return true;
    return false;
}

static void read_params(model_call *c)
{
    const char *effort = json_get_str(c->rq->json, "reasoning_effort", NULL), *key;
    json_t *value;

    json_object_foreach(c->rq->json, key, value)
    {
        if (!is_read(key) && !json_is_null(value))
            json_object_set(c->params, key, value);
    }
    if (effort != NULL && !cstr_eq(c->ask.at.driver, "openai")) {
        c->ask.thinking = cstr_eq(effort, "none") ? THINKING_OFF : THINKING_ON;
        c->ask.thinking_level = effort;
    }
}

static err read_request(request *rq, const chat_body *in, model_call *c)
{
    TRY(model_call_new(rq, in->model, c));
    for (size_t i = 0; i < json_array_size(in->messages); i++)
        TRY(read_message(c, i, json_array_get(in->messages, i)));
    TRY(read_tools(c, in));
    if (!cstr_eq(json_get_str(in->response_format, "type", "text"), "text"))
        c->ask.response_format = in->response_format;
    read_params(c);
    return OK;
}

/* The answer */

static json_t *usage_json(const llm_usage *u)
{
    json_t *o = json_object(), *in = json_object(), *out = json_object();

    json_set_int(o, "prompt_tokens", u->prompt);
    json_set_int(o, "completion_tokens", u->completion);
    json_set_int(o, "total_tokens", u->total > 0 ? u->total : u->prompt + u->completion);
    json_set_int(in, "cached_tokens", u->cached);
    json_set_int(out, "reasoning_tokens", u->reasoning);
    json_set(o, "prompt_tokens_details", in);
    json_set(o, "completion_tokens_details", out);
    return o;
}

static json_t *call_json(const json_t *call)
{
    json_t *o = json_object(), *function = json_object();

    json_set_str(o, "id", json_get_str(call, "id", ""));
    json_set_str(o, "type", "function");
    json_set_str(function, "name", json_get_str(call, "name", ""));
    json_set_str(function, "arguments", json_get_str(call, "arguments", "{}"));
    json_set(o, "function", function);
    return o;
}

static json_t *message_json(const model_answer *answer)
{
    json_t *o = json_object(), *calls = json_array();

    json_set_str(o, "role", "assistant");
    json_set_str(o, "content",
                 answer->text->len > 0 || json_array_size(answer->calls) == 0 ? buf_str(answer->text) : NULL);
    json_set(o, "refusal", json_null());
    if (answer->reasoning->len > 0)
        json_set_str(o, "reasoning_content", buf_str(answer->reasoning));
    for (size_t i = 0; i < json_array_size(answer->calls); i++)
        json_array_append_new(calls, call_json(json_array_get(answer->calls, i)));
    if (json_array_size(calls) > 0)
        json_set(o, "tool_calls", calls);
    else
        json_decref(calls);
    return o;
}

static json_t *envelope(const char *id, const char *object, const model_call *c)
{
    json_t *o = json_object();

    json_set_str(o, "id", id);
    json_set_str(o, "object", object);
    json_set_int(o, "created", c->began / 1000000);
    json_set_str(o, "model", c->served->model.name);
    return o;
}

static err answer_whole(model_call *c, response *rs, const char *id)
{
    json_t *o = json_hold(c->rq->scope->arena, envelope(id, "chat.completion", c)), *choice = json_object();
    json_t *choices = json_array();
    model_answer answer;
    err e = model_call_answer(c, &answer);

    model_call_end(c, e);
    json_array_append_new(choices, choice);
    json_set(o, "choices", choices);
    TRY(e);
    json_set_int(choice, "index", 0);
    json_set(choice, "message", message_json(&answer));
    json_set(choice, "logprobs", json_null());
    json_set_str(choice, "finish_reason", answer.finish);
    json_set(o, "usage", usage_json(&c->used));
    return reply_json(rs, 200, o);
}

/* Streaming */

typedef struct {
    model_call *c;
    model_wire wire;
    buf *out;
    const char *front; /* of every chunk, up to its choices */
    bool usage;        /* in a last chunk */
} chunks;

static err send(chunks *k)
{
    return model_wire_send(&k->wire, k->c->rq, k->out);
}

/* A chunk with this member of the delta; the text is escaped when `text` says so. */
static void begin_chunk(chunks *k)
{
    buf_printf(k->out, "data: %s,\"choices\":[{\"index\":0,\"delta\":{", k->front);
}

static void end_chunk(chunks *k, const char *finish)
{
    buf_puts(k->out, "},\"logprobs\":null,\"finish_reason\":");
    json_put_cstr(k->out, finish);
    buf_puts(k->out, "}]}\n\n");
}

static void put_text(chunks *k, const char *member, str text)
{
    begin_chunk(k);
    buf_printf(k->out, "\"%s\":", member);
    json_put_string(k->out, text.p, text.len);
    end_chunk(k, NULL);
}

static void put_call(chunks *k, const llm_delta *d)
{
    begin_chunk(k);
    buf_printf(k->out, "\"tool_calls\":[{\"index\":%lld", (long long)d->index);
    if (d->name != NULL) {
        buf_puts(k->out, ",\"id\":");
        json_put_cstr(k->out, d->id != NULL ? d->id : id_hex(k->c->rq->scope->arena, 24));
        buf_puts(k->out, ",\"type\":\"function\",\"function\":{\"name\":");
        json_put_cstr(k->out, d->name);
        buf_puts(k->out, ",\"arguments\":");
    } else {
        buf_puts(k->out, ",\"function\":{\"arguments\":");
    }
    json_put_string(k->out, d->text.p != NULL ? d->text.p : "", d->text.len);
    buf_puts(k->out, "}}]");
    end_chunk(k, NULL);
}

static err put_delta(chunks *k, const llm_delta *d)
{
    if (d->kind == LLM_TEXT)
        put_text(k, "content", d->text);
    else if (d->kind == LLM_REASONING)
        put_text(k, "reasoning_content", d->text);
    else if (d->kind == LLM_TOOL_CALL)
        put_call(k, d);
    else if (d->kind == LLM_STOP) {
        begin_chunk(k);
        end_chunk(k, d->finish);
    } else {
        return OK;
    }
    return send(k);
}

static void put_end(chunks *k)
{
    if (k->usage) {
        buf_printf(k->out, "data: %s,\"choices\":[],\"usage\":", k->front);
        json_write(k->out, json_hold(k->c->rq->scope->arena, usage_json(&k->c->used)));
        buf_puts(k->out, "}\n\n");
    }
    buf_puts(k->out, "data: [DONE]\n\n");
}

static void put_error(chunks *k, err e)
{
    failure f = scope_failure(k->c->rq->scope, e);

    buf_puts(k->out, "data: {\"error\":{\"message\":");
    json_put_cstr(k->out, f.text);
    buf_puts(k->out, ",\"type\":\"server_error\",\"param\":null,\"code\":");
    json_put_cstr(k->out, f.code);
    buf_puts(k->out, "}}\n\n");
}

static err put_deltas(chunks *k, llm_stream *st)
{
    llm_delta d;
    err e;

    begin_chunk(k);
    buf_puts(k->out, "\"role\":\"assistant\",\"content\":\"\"");
    end_chunk(k, NULL);
    e = send(k);
    while (e == OK && (e = model_call_next(k->c, st, &d)) == OK)
        e = put_delta(k, &d);
    llm_close(st);
    return e;
}

/* A call that failed (`e`) before anything was sent is answered like any other request; later it is told in the stream. */
static err stream_body(chunks *k, response *rs)
{
    llm_stream *st;
    err e = model_call_open(k->c, &st);

    if (e == OK)
        e = put_deltas(k, st);
    model_wire_stop(&k->wire);
    if (k->c->rq->scope->ended != OK || !k->wire.begun)
        return e;
    if (e == ERR_CLOSED)
        put_end(k);
    else
        put_error(k, e);
    TRY(reply_write(rs, k->out->data, k->out->len));
    TRY(reply_end(rs));
    return e == ERR_CLOSED ? OK : e;
}

static err answer_stream(model_call *c, response *rs, const char *id, const json_t *options)
{
    arena *a = c->rq->scope->arena;
    json_t *front = json_hold(a, envelope(id, "chat.completion.chunk", c));
    char *text = json_text(a, front);
    chunks k = {.c = c, .out = buf_new(a, MIB(16)), .usage = json_get_bool(options, "include_usage", false)};
    err e;

    text[strlen(text) - 1] = '\0'; /* without the brace at its end */
    k.front = text;
    model_wire_start(&k.wire, c->rq, rs, ": keep-alive\n\n");
    e = stream_body(&k, rs);
    model_call_end(c, c->rq->scope->ended != OK ? ERR_CANCELLED : e);
    return k.wire.begun ? OK : e; /* what failed has been told */
}

/* POST /openai/v1/chat/completions, with and without a region */
err dock_openai_chat(request *rq, response *rs)
{
    const chat_body *in = rq->body;
    const char *id = arena_printf(rq->scope->arena, "chatcmpl-%s", id_hex(rq->scope->arena, 29));
    model_call c;

    TRY(read_request(rq, in, &c));
    return in->stream ? answer_stream(&c, rs, id, in->stream_options) : answer_whole(&c, rs, id);
}

/* The list */

static err add_models(request *rq, model_kind kind, json_t *list)
{
    provider_scope sc = {.who = own_rows_of(rq->user), .with_system = true};
    served_model *all;
    size_t n;

    TRY(served_list(rq->scope, sc, kind, NULL, (page){.limit = 1000}, &all, &n, NULL));
    for (size_t i = 0; i < n; i++) {
        json_t *m;
        bool seen = false;

        for (size_t k = 0; k < i; k++)
            seen |= cstr_eq(all[k].model.name, all[i].model.name);
        if (seen) /* a name means one model */
            continue;
        m = json_object();
        json_set_str(m, "id", all[i].model.name);
        json_set_str(m, "object", "model");
        json_set_int(m, "created", all[i].model.created_at / 1000000);
        json_set_str(m, "owned_by", "system");
        json_array_append_new(list, m);
    }
    return OK;
}

/* GET /openai/v1/models, with and without a region */
err dock_openai_models(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object()), *list = json_array();

    json_set_str(o, "object", "list");
    json_set(o, "data", list);
    TRY(model_check_region(rq));
    TRY(add_models(rq, MODEL_LLM, list));
    TRY(add_models(rq, MODEL_EMBEDDING, list));
    return reply_json(rs, 200, o);
}
