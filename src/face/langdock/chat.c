/* SPDX-License-Identifier: MIT */
/*
 * Chats with agents (contracts/langdock.md sections 6.2 to 6.4): a run that keeps nothing, answered whole or as a stream.
 *
 * The run ends when its client leaves.  There is no limit of time but the server's own for runs.
 */
#include "agent/chat.h"

#include "auth/rules.h"
#include "base/id.h"
#include "face/langdock/agent_fields.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/agent_shared.h"
#include "face/langdock/chat_messages.h"
#include "face/langdock/chat_output.h"
#include "face/langdock/chat_shared.h"
#include "face/langdock/envelope.h"
#include "face/langdock/agent_errors.h"
#include "store/follow.h"

#define STREAM_TYPE "text/event-stream"
#define KEEP_ALIVE ": keep-alive\n\n"
#define CLIENT_GONE "the client has disconnected"

static const int64_t keep_alive_after = SECONDS(15);

/* Bodies */

typedef struct {
    const char *name, *instructions, *instruction, *description, *model;
    double temperature;
    json_t *capabilities, *actions, *knowledgeFolderIds, *attachmentIds;
} inline_agent;
static const field inline_fields[] = {
    FIELD(inline_agent, name, .max = 64),
    FIELD(inline_agent, instructions, .max = 50000, .text = "System prompt"),
    FIELD(inline_agent, instruction, .max = 50000),
    FIELD(inline_agent, description, .max = 800),
    FIELD(inline_agent, model, .text = "Id of a model; the workspace's default when absent"),
    FIELD(inline_agent, temperature, .max = 1),
    FIELD(inline_agent, capabilities, .json = JSON_OBJECT_TYPE, .items = &dock_capabilities_schema),
    FIELD(inline_agent, actions, .json = JSON_ARRAY_TYPE, .max = 200, .items = &dock_agent_action_schema),
    FIELD(inline_agent, knowledgeFolderIds, .json = JSON_STRINGS_TYPE, .max = 50),
    FIELD(inline_agent, attachmentIds, .json = JSON_STRINGS_TYPE, .max = 50),
};
const schema dock_inline_agent_schema = SCHEMA(inline_agent, inline_fields);

typedef struct {
    const char *id, *role;
    json_t *parts, *metadata;
} ui_message;
static const field message_fields[] = {
    FIELD(ui_message, id),
    FIELD(ui_message, role, .required = true, .one_of = "user|assistant|system|tool"),
    FIELD(ui_message, parts, .json = JSON_ARRAY_TYPE, .max = 1000, .text = "Text, files, tool calls …"),
    FIELD(ui_message, metadata, .json = JSON_OBJECT_TYPE, .text = "attachments: ids of uploaded files"),
};
static const schema message_schema = SCHEMA(ui_message, message_fields);

typedef struct {
    const char *agentId;
    json_t *agent, *messages, *output;
    bool stream;
    int64_t maxSteps;
    const char *imageResponseFormat;
} chat_body;
static const field chat_fields[] = {
    FIELD(chat_body, agentId, .text = "A saved agent"),
    FIELD(chat_body, agent, .json = JSON_OBJECT_TYPE, .items = &dock_inline_agent_schema,
          .text = "Or an agent of this request alone"),
    FIELD(chat_body, messages, .required = true, .not_null = true, .json = JSON_ARRAY_TYPE, .min = 1, .max = 1000,
          .items = &message_schema, .text = "The whole conversation"),
    FIELD(chat_body, stream, .text = "Answer with a UI message stream"),
    FIELD(chat_body, output, .json = JSON_OBJECT_TYPE, .items = &dock_output_schema, .text = "Structured output"),
    FIELD(chat_body, maxSteps, .min = 1, .max = 20, .fallback = "10", .text = "Most model turns"),
    FIELD(chat_body, imageResponseFormat, .one_of = "url|b64_json"),
};
const schema dock_chat_schema = SCHEMA(chat_body, chat_fields);

/* From order to request */

typedef struct {
    request *rq;
    const chat_order *order;
    chat_request run;
    chat_output output;
    bool structured;
} chat;

/* Members of an agent that clients write in two ways are read as agent.c reads them. */
static err use_inline_agent(chat *c, const json_t *agent)
{
    request *rq = c->rq;
    json_t *params, *creativity;
    agent_document doc;

    agent_document_new(rq->scope, &doc);
    TRY(agent_document_change(rq, agent, rq->user->user_id, &doc));
    c->run.system_prefix = json_get_str(doc.config, "systemPrefix", NULL);
    if (cstr_blank(c->run.system_prefix))
        c->run.system_prefix = NULL;
    c->run.agent_name = doc.name;
    c->run.provider_id = json_get_str(doc.config, "llm_provider_id", NULL);
    c->run.available_tools = json_object_get(doc.config, "availableTools");
    c->run.only_named_tools = true;
    c->run.actions = json_object_get(doc.extra, "actions");
    c->run.attachments = json_object_get(doc.extra, "attachments");
    creativity = json_object_get(doc.extra, "creativity");
    if (json_is_number(creativity) &&
        (json_object_get(agent, "temperature") != NULL || json_object_get(agent, "creativity") != NULL)) {
        params = json_hold(rq->scope->arena, json_object());
        json_set(params, "temperature", json_incref(creativity));
        c->run.params = params;
    }
    return OK;
}

/* For chats an agent that is not there, or not shared, is a mistake in the body. */
static err use_saved_agent(chat *c, const char *id)
{
    agent_document doc;
    agent_row *row;
    err e = dock_find_agent(c->rq, id, &row);

    if (e == ERR_NOT_FOUND)
        return fail(c->rq->scope, ERR_INVALID, "Agent not found or not shared with this API key");
    TRY(e);
    if (row->disabled)
        return fail(c->rq->scope, ERR_DENIED, "This agent is disabled");
    TRY(agent_document_read(c->rq->scope, row->name, row->config, row->extra, &doc));
    c->run.agent_id = row->id;
    c->run.actions = json_object_get(doc.extra, "actions");
    return OK;
}

static err read_order(chat *c)
{
    const chat_order *o = c->order;
    request *rq = c->rq;
    chat_history_in history = {.files = 0};

    if ((o->agent_id == NULL) == (o->agent == NULL))
        return fail(rq->scope, ERR_INVALID, "Exactly one of %s and %s must be given", o->id_field, o->agent_field);
    c->run = (chat_request){.user_id = rq->user->user_id,
                            .admin = rq->user->admin,
                            .max_loops = o->max_steps,
                            .source = "agent-api",
                            .stateless = true};
    TRY(o->agent != NULL ? use_inline_agent(c, o->agent) : use_saved_agent(c, o->agent_id));
    history.tools_take_files = json_array_size(c->run.actions) > 0;
    TRY(chat_read_messages(rq, o->messages, &history));
    c->run.messages = history.messages;
    c->run.system_suffix = history.system;
    c->structured = o->output != NULL;
    if (!c->structured)
        return OK;
    TRY(chat_output_read(rq, o->output, &c->output));
    c->run.response_format = c->output.format;
    c->run.system_suffix = history.system == NULL
                               ? c->output.instructions
                               : arena_printf(rq->scope->arena, "%s\n\n%s", history.system, c->output.instructions);
    return OK;
}

/* Answering whole */

static void count_usage(const request *rq, const event *ev)
{
    arena *a;
    json_t *v;

    if (ev->kind != EV_USAGE)
        return;
    a = arena_new(NULL);
    if (json_parse(a, ev->bytes, ev->len, NULL, &v) == OK)
        dock_spend_tokens(rq, json_get_int(json_get_obj(v, "total_info"), "total_tokens", 0));
    arena_free(a);
}

static void interrupt(void *r)
{
    run_interrupt(r, CLIENT_GONE); /* nothing happens when it has ended */
    run_unref(r);
}

/* Takes the run's events until it has ended, or for `patience`: then *more. */
static err gather(request *rq, run_reader *reader, ui_stream *u, ui_gathered *g, int64_t patience, bool *more)
{
    scope *s = scope_child(rq->scope, patience);
    err e = OK;
    event ev;

    while ((e = run_next(s, reader, &ev)) == OK) {
        count_usage(rq, &ev);
        ui_stream_event(u, &ev, ui_gather, g);
    }
    scope_close(s);
    *more = e == ERR_TIMEOUT && rq->scope->ended == OK;
    return e == ERR_CLOSED || *more ? OK : e;
}

static err check_end(request *rq, const ui_gathered *g)
{
    if (g->failed)
        return dock_model_failed(rq->scope, g->code, g->reason);
    if (g->aborted)
        return fail(rq->scope, ERR_UPSTREAM, "The run was interrupted: %s", g->reason);
    return OK;
}

static const char *final_text(const ui_gathered *g)
{
    return buf_str(g->text->len > 0 ? g->text : g->all_text);
}

static void close_reader(void *reader)
{
    run_reader_close(reader);
}

/* The whole run; between its events on_quiet() is called when it is silent for long, and may end it. */
static err take_run(chat *c, run *r, ui_gathered *g, err (*on_quiet)(void *arg), void *arg)
{
    request *rq = c->rq;
    arena *a = rq->scope->arena;
    const char *id = id_uuid4(a);
    ui_stream *u = ui_stream_new(a, run_facts(r)->session_id, id);
    run_reader *reader = run_reader_open(r, NULL, NULL);
    bool more = true;

    scope_defer(rq->scope, close_reader, reader);
    ui_gather_init(g, a, id);
    while (more) {
        TRY(gather(rq, reader, u, g, on_quiet != NULL ? keep_alive_after : NO_LIMIT, &more));
        if (more)
            TRY(on_quiet(arg));
    }
    return check_end(rq, g);
}

static err answer_whole(chat *c, response *rs, run *r)
{
    json_t *value = NULL;
    ui_gathered g;

    TRY(take_run(c, r, &g, NULL, NULL));
    if (c->structured)
        TRY(chat_output_value(c->rq, &c->output, &c->run, final_text(&g), &value));
    return reply_json(rs, 200, json_hold(c->rq->scope->arena, c->order->answer(&g, value)));
}

/* Answering as a stream */

static void stream_headers(response *rs)
{
    reply_header(rs, "Cache-Control", "no-cache");
    reply_header(rs, "X-Accel-Buffering", "no");
    reply_header(rs, "x-vercel-ai-ui-message-stream", "v1");
}

/* The request's memory goes before the stream ends: this is the stream's own. */
typedef struct {
    arena *a;
    ui_stream *stream;
    request who; /* only its user */
} follow_state;

static void write_chunk(void *out, const ui_chunk *c)
{
    ui_chunk_write(out, c);
}

static void render(void *state, const run *r, const event *ev, buf *out)
{
    follow_state *f = state;

    (void)r;
    count_usage(&f->who, ev);
    ui_stream_event(f->stream, ev, write_chunk, out);
}

static void close_state(void *state)
{
    follow_state *f = state;

    arena_free(f->a);
}

static err answer_stream(chat *c, response *rs, run *r)
{
    arena *a = arena_new(NULL);
    follow_state state = {.a = a,
                          .stream = ui_stream_new(a, run_facts(r)->session_id, id_uuid4(a)),
                          .who = {.user = identity_copy(a, c->rq->user)}};
    follow_spec spec = {
        .type = STREAM_TYPE,
        .render = render,
        .state = &state,
        .state_size = sizeof state,
        .close = close_state,
        .too_slow = "data: {\"type\":\"error\",\"errorText\":\"The client reads too slowly: the stream was cut.\"}\n\n"
                    "data: [DONE]\n\n",
        .idle_text = KEEP_ALIVE,
        .idle_after = keep_alive_after,
        .abandoned = CLIENT_GONE,
    };

    stream_headers(rs);
    return run_follow(rs, r, &spec);
}

static err write_alive(void *rs)
{
    return reply_write(rs, KEEP_ALIVE, strlen(KEEP_ALIVE));
}

static void put_value(buf *out, const char *id, const char *text)
{
    static const ui_kind kinds[] = {UI_START, UI_STEP, UI_TEXT_START, UI_TEXT, UI_TEXT_END, UI_STEP_END, UI_FINISH};

    for (size_t i = 0; i < COUNT(kinds); i++)
        ui_chunk_write(out,
                       &(ui_chunk){.kind = kinds[i], .id = kinds[i] == UI_START ? id : "t1", .text = str_of(text)});
}

/* Only a value that fits is sent, so nothing can be before the end but signs of life. */
static err answer_structured_stream(chat *c, response *rs, run *r)
{
    arena *a = c->rq->scope->arena;
    buf *out = buf_new(a, MIB(64));
    json_t *value;
    ui_gathered g;
    err e;

    stream_headers(rs);
    TRY(reply_begin(rs, 200, STREAM_TYPE));
    e = take_run(c, r, &g, write_alive, rs);
    if (e == OK)
        e = chat_output_value(c->rq, &c->output, &c->run, final_text(&g), &value);
    if (c->rq->scope->ended != OK)
        return e;
    if (e == OK)
        put_value(out, g.message_id, json_text(a, value));
    else
        ui_chunk_write(out, &(ui_chunk){.kind = UI_ERROR, .text = str_of(scope_failure(c->rq->scope, e).text)});
    ui_chunk_write(out, &(ui_chunk){.kind = UI_DONE});
    TRY(reply_write(rs, out->data, out->len));
    return reply_end(rs);
}

err dock_chat(request *rq, response *rs, const chat_order *order)
{
    chat c = {.rq = rq, .order = order};
    run *r;
    err e;

    TRY(read_order(&c));
    e = chat_start(rq->scope, &c.run, &r);
    if (e == ERR_NOT_FOUND) /* no model: nothing that the path names is missing */
        return fail(rq->scope, ERR_INVALID, "%s", scope_failure(rq->scope, e).text);
    TRY(e);
    if (order->stream && !c.structured) {
        e = answer_stream(&c, rs, r);
        run_unref(r);
        return e;
    }
    scope_defer(rq->scope, interrupt, r);
    return order->stream ? answer_structured_stream(&c, rs, r) : answer_whole(&c, rs, r);
}

/* Both forms that clients know: {"messages":[…]} and the message itself. */
static json_t *answer_agent(const ui_gathered *g, json_t *value)
{
    json_t *o = json_object(), *message = json_object(), *messages = json_array();

    json_set_str(message, "id", g->message_id);
    json_set_str(message, "role", "assistant");
    json_set_str(message, "content", value != NULL ? json_text(g->a, value) : final_text(g));
    json_set(message, "parts", json_incref(g->parts));
    json_array_append_new(messages, message);
    json_set(o, "messages", messages);
    json_set_str(o, "id", g->message_id);
    json_set_str(o, "role", "assistant");
    json_set(o, "parts", json_incref(g->parts));
    if (value != NULL)
        json_set(o, "output", json_incref(value));
    return o;
}

/* POST /agent/v1/chat/completions */
err dock_agent_chat(request *rq, response *rs)
{
    const chat_body *in = rq->body;
    chat_order order = {.agent_id = in->agentId,
                        .agent = in->agent,
                        .messages = in->messages,
                        .output = in->output,
                        .stream = in->stream,
                        .max_steps = in->maxSteps,
                        .id_field = "agentId",
                        .agent_field = "agent",
                        .answer = answer_agent};

    return dock_chat(rq, rs, &order);
}
