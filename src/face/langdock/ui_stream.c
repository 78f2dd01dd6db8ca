/* SPDX-License-Identifier: MIT */
/* Events as chunks, chunks as a stream; see ui_stream.h. */
#include "face/langdock/ui_stream.h"

/* A call whose input may still be coming. */
typedef struct ui_call {
    struct ui_call *next;
    int64_t index; /* in its response */
    const char *id, *name;
    buf *arguments;
    int depth; /* of brackets that are open in them */
    bool in_string, escaped;
    bool told; /* its input is out */
} ui_call;

struct ui_stream {
    arena *a;
    arena *now; /* of one event */
    const char *session_id, *message_id;
    bool started, in_step, step_over, failed;
    const char *text_id, *reasoning_id; /* of the block that is open; NULL: none */
    int blocks;
    ui_call *calls; /* of this step */
    ui_sink sink;
    void *arg;
};

ui_stream *ui_stream_new(arena *a, const char *session_id, const char *message_id)
{
    ui_stream *u = arena_one(a, ui_stream);

    *u = (ui_stream){.a = a, .session_id = arena_strdup(a, session_id), .message_id = arena_strdup(a, message_id)};
    return u;
}

static void put(ui_stream *u, ui_chunk c)
{
    u->sink(u->arg, &c);
}

static void end_blocks(ui_stream *u)
{
    if (u->reasoning_id != NULL)
        put(u, (ui_chunk){.kind = UI_REASONING_END, .id = u->reasoning_id});
    if (u->text_id != NULL)
        put(u, (ui_chunk){.kind = UI_TEXT_END, .id = u->text_id});
    u->reasoning_id = u->text_id = NULL;
}

static void end_step(ui_stream *u)
{
    end_blocks(u);
    if (u->in_step)
        put(u, (ui_chunk){.kind = UI_STEP_END});
    u->in_step = u->step_over = false;
    u->calls = NULL;
}

static void start(ui_stream *u)
{
    if (!u->started)
        put(u, (ui_chunk){.kind = UI_START, .id = u->message_id});
    u->started = true;
}

/* Before anything that the model says: after results of tools that is the next step. */
static void want_step(ui_stream *u)
{
    start(u);
    if (u->step_over)
        end_step(u);
    if (!u->in_step)
        put(u, (ui_chunk){.kind = UI_STEP});
    u->in_step = true;
}

/* Text and reasoning */

static void say(ui_stream *u, ui_kind kind, str text)
{
    bool reasoning = kind == UI_REASONING;
    const char **id = reasoning ? &u->reasoning_id : &u->text_id;

    if (text.len == 0)
        return;
    want_step(u);
    if (*id == NULL) {
        end_blocks(u);
        *id = arena_printf(u->a, "%c%d", reasoning ? 'r' : 't', ++u->blocks);
        put(u, (ui_chunk){.kind = reasoning ? UI_REASONING_START : UI_TEXT_START, .id = *id});
    }
    put(u, (ui_chunk){.kind = kind, .id = *id, .text = text});
}

/* Tool calls */

/* Borrowed from `a`; NULL when it is no JSON. */
static json_t *parse_json(arena *a, const char *text, size_t len)
{
    json_t *v;

    return json_parse(a, text, len, NULL, &v) == OK ? v : NULL;
}

static void tell_input(ui_stream *u, ui_call *c)
{
    json_t *input = c->arguments->len > 0 ? parse_json(u->now, c->arguments->data, c->arguments->len)
                                          : json_hold(u->now, json_object());

    if (json_is_object(input)) {
        put(u, (ui_chunk){.kind = UI_CALL_INPUT, .id = c->id, .name = c->name, .value = input});
    } else {
        put(u, (ui_chunk){.kind = UI_CALL_BAD_INPUT,
                          .id = c->id,
                          .name = c->name,
                          .value = json_hold(u->now, json_str(buf_str(c->arguments))),
                          .text = STR("The arguments of the tool call are not a JSON object")});
    }
    buf_close(c->arguments);
    c->told = true;
}

/* True when the brackets that were opened are all closed again: the input is whole. */
static bool is_whole(ui_call *c, const char *text, size_t len)
{
    bool closed = false;

    for (size_t i = 0; i < len; i++) {
        char ch = text[i];

        if (c->in_string) {
            c->in_string = c->escaped || ch != '"';
            c->escaped = !c->escaped && ch == '\\';
        } else if (ch == '"') {
            c->in_string = true;
        } else if (ch == '{' || ch == '[') {
            c->depth++;
        } else if (ch == '}' || ch == ']') {
            closed = --c->depth == 0;
        }
    }
    return closed && !c->in_string;
}

static ui_call *begin_call(ui_stream *u, int64_t index, const char *id, const char *name)
{
    ui_call *c = arena_one(u->a, ui_call);

    *c = (ui_call){.next = u->calls,
                   .index = index,
                   .id = arena_strdup(u->a, id),
                   .name = arena_strdup(u->a, name),
                   .arguments = buf_new(u->a, MIB(8))};
    u->calls = c;
    put(u, (ui_chunk){.kind = UI_CALL, .id = c->id, .name = c->name});
    return c;
}

static void on_call(ui_stream *u, const json_t *v)
{
    const char *id = json_get_str(v, "id", NULL), *piece = json_get_str(v, "arguments", "");
    int64_t index = json_get_int(v, "index", 0);
    ui_call *c;

    want_step(u);
    end_blocks(u);
    c = u->calls;
    while (c != NULL && c->index != index)
        c = c->next;
    if (c == NULL && id != NULL)
        c = begin_call(u, index, id, json_get_str(v, "name", ""));
    if (c == NULL || c->told || *piece == '\0')
        return;
    buf_puts(c->arguments, piece);
    put(u, (ui_chunk){.kind = UI_CALL_ARGUMENTS, .id = c->id, .text = str_of(piece)});
    if (is_whole(c, piece, strlen(piece)))
        tell_input(u, c);
}

/* What a tool that failed says about it. */
static const char *error_text(const json_t *value, const char *content)
{
    const char *text = json_get_str(value, "message", NULL);

    if (text == NULL)
        text = json_get_str(value, "error", NULL);
    return text != NULL ? text : content;
}

static void on_result(ui_stream *u, const json_t *v)
{
    const char *id = json_get_str(v, "tool_call_id", ""), *content = json_get_str(v, "content", "");
    const char *status = json_get_str(json_get_obj(v, "metadata"), "tool_execution_status", "");
    bool failed =
        cstr_eq(status, "error") || json_get_bool(json_get_obj(v, "metadata"), "partial_stream_discarded", false);
    json_t *value = parse_json(u->now, content, strlen(content));
    ui_call *c = u->calls;

    while (c != NULL && !cstr_eq(c->id, id))
        c = c->next;
    if (c == NULL) /* its call was not shown */
        return;
    if (!c->told)
        tell_input(u, c);
    if (value == NULL)
        value = json_hold(u->now, json_str(content));
    if (failed)
        put(u, (ui_chunk){
                   .kind = UI_RESULT_ERROR, .id = c->id, .name = c->name, .text = str_of(error_text(value, content))});
    else
        put(u, (ui_chunk){.kind = UI_RESULT, .id = c->id, .name = c->name, .value = value});
    u->step_over = true;
}

/* The end */

static void on_failure(ui_stream *u, const char *code, const char *reason)
{
    start(u);
    end_blocks(u);
    if (!u->failed)
        put(u, (ui_chunk){.kind = UI_ERROR, .name = code, .text = str_of(reason)});
    u->failed = true;
}

static void on_end(ui_stream *u, const json_t *v)
{
    const char *status = json_get_str(v, "status", "");

    start(u);
    end_step(u);
    if (cstr_eq(status, "failed"))
        on_failure(u, NULL, json_get_str(v, "reason", "the run failed"));
    else if (cstr_eq(status, "interrupted"))
        put(u, (ui_chunk){.kind = UI_ABORT, .text = str_of(json_get_str(v, "reason", ""))});
    else if (!u->failed)
        put(u, (ui_chunk){.kind = UI_FINISH});
    put(u, (ui_chunk){.kind = UI_DONE});
}

static void on_json(ui_stream *u, const event *ev)
{
    json_t *v;

    u->now = arena_new(u->a);
    v = parse_json(u->now, ev->bytes, ev->len);
    if (ev->kind == EV_TOOL_CALL)
        on_call(u, v);
    else if (ev->kind == EV_TOOL_RESULT)
        on_result(u, v);
    else if (ev->kind == EV_NOTICE)
        say(u, UI_TEXT, str_of(json_get_str(v, "content", "")));
    else if (ev->kind == EV_FAILURE)
        on_failure(u, json_get_str(v, "code", NULL), json_get_str(v, "reason", json_get_str(v, "content", "")));
    else if (ev->kind == EV_END)
        on_end(u, v);
    arena_free(u->now);
    u->now = NULL;
}

void ui_stream_event(ui_stream *u, const event *ev, ui_sink sink, void *arg)
{
    if (ev->message != NULL && !cstr_eq(ev->message->session_id, u->session_id))
        return;
    u->sink = sink;
    u->arg = arg;
    if (ev->kind == EV_TEXT || ev->kind == EV_REASONING)
        say(u, ev->kind == EV_TEXT ? UI_TEXT : UI_REASONING, (str){ev->bytes, ev->len});
    else if (ev->kind == EV_TEXT_END)
        end_blocks(u);
    else if (ev->len > 0)
        on_json(u, ev);
}

/* Writing */

static void put_text(buf *out, const char *key, str text)
{
    buf_printf(out, ",\"%s\":", key);
    json_put_string(out, text.p != NULL ? text.p : "", text.len);
}

static void put_value(buf *out, const char *key, const json_t *value)
{
    buf_printf(out, ",\"%s\":", key);
    json_write(out, value);
}

void ui_chunk_write(buf *out, const ui_chunk *c)
{
    /* Clients refuse members that a type does not have: nothing is added to these. */
    static const struct {
        const char *type, *id, *text, *value;
        bool name;
    } forms[] = {
        [UI_START] = {"start", "messageId"},
        [UI_STEP] = {"start-step"},
        [UI_STEP_END] = {"finish-step"},
        [UI_TEXT_START] = {"text-start", "id"},
        [UI_TEXT] = {"text-delta", "id", "delta"},
        [UI_TEXT_END] = {"text-end", "id"},
        [UI_REASONING_START] = {"reasoning-start", "id"},
        [UI_REASONING] = {"reasoning-delta", "id", "delta"},
        [UI_REASONING_END] = {"reasoning-end", "id"},
        [UI_CALL] = {"tool-input-start", "toolCallId", .name = true},
        [UI_CALL_ARGUMENTS] = {"tool-input-delta", "toolCallId", "inputTextDelta"},
        [UI_CALL_INPUT] = {"tool-input-available", "toolCallId", .value = "input", .name = true},
        [UI_CALL_BAD_INPUT] = {"tool-input-error", "toolCallId", "errorText", "input", true},
        [UI_RESULT] = {"tool-output-available", "toolCallId", .value = "output"},
        [UI_RESULT_ERROR] = {"tool-output-error", "toolCallId", "errorText"},
        [UI_ERROR] = {"error", .text = "errorText"},
        [UI_ABORT] = {"abort"},
        [UI_FINISH] = {"finish"},
    };

    if (c->kind == UI_DONE) {
        buf_puts(out, "data: [DONE]\n\n");
        return;
    }
    buf_printf(out, "data: {\"type\":\"%s\"", forms[c->kind].type);
    if (forms[c->kind].id != NULL)
        put_text(out, forms[c->kind].id, str_of(c->id));
    if (forms[c->kind].name)
        put_text(out, "toolName", str_of(c->name));
    if (forms[c->kind].value != NULL)
        put_value(out, forms[c->kind].value, c->value);
    if (forms[c->kind].text != NULL)
        put_text(out, forms[c->kind].text, c->text);
    buf_puts(out, "}\n\n");
}
