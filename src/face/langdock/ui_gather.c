/* SPDX-License-Identifier: MIT */
/* One message out of chunks; see ui_gather.h. */
#include "face/langdock/ui_gather.h"

#include "base/id.h"

void ui_gather_init(ui_gathered *g, arena *a, const char *message_id)
{
    *g = (ui_gathered){.a = a,
                       .message_id = message_id,
                       .parts = json_hold(a, json_array()),
                       .result = json_hold(a, json_array()),
                       .calls = json_hold(a, json_array()),
                       .results = json_hold(a, json_array()),
                       .text = buf_new(a, MIB(64)),
                       .all_text = buf_new(a, MIB(64)),
                       .piece = buf_new(a, MIB(64))};
}

static json_t *typed(const char *type)
{
    json_t *o = json_object();

    json_set_str(o, "type", type);
    return o;
}

static json_t *text_of(const char *type, const buf *text)
{
    json_t *o = typed(type);

    json_set_str(o, "text", buf_str(text));
    return o;
}

/* A message of the assistants API; steals the content.  The last one gets the id that the whole answer has. */
static void add_message(ui_gathered *g, const char *role, json_t *content)
{
    json_t *o = json_object();

    json_set_str(o, "id", id_uuid4(g->a));
    json_set_str(o, "role", role);
    json_set(o, "content", content);
    json_array_append_new(g->result, o);
}

static void end_text(ui_gathered *g)
{
    json_array_append_new(g->parts, text_of("text", g->piece));
    json_array_append_new(g->calls, text_of("text", g->piece));
    buf_add(g->text, g->piece->data, g->piece->len);
    buf_add(g->all_text, g->piece->data, g->piece->len);
    buf_reset(g->piece);
}

static void end_step(ui_gathered *g)
{
    if (json_array_size(g->calls) > 0)
        add_message(g, "assistant", json_copy(g->calls));
    if (json_array_size(g->results) > 0)
        add_message(g, "tool", json_copy(g->results));
    json_array_clear(g->calls);
    json_array_clear(g->results);
}

static void on_input(ui_gathered *g, const ui_chunk *c)
{
    json_t *part = typed(arena_printf(g->a, "tool-%s", c->name)), *call = typed("tool-call");

    json_set_str(part, "toolCallId", c->id);
    json_set_str(part, "state", c->kind == UI_CALL_INPUT ? "input-available" : "output-error");
    json_set(part, "input", json_incref(c->value));
    if (c->kind == UI_CALL_BAD_INPUT)
        json_set(part, "errorText", json_str(str_dup(g->a, c->text)));
    json_array_append_new(g->parts, part);
    json_set_str(call, "toolCallId", c->id);
    json_set_str(call, "toolName", c->name);
    json_set(call, "args", json_incref(c->value));
    json_array_append_new(g->calls, call);
}

static json_t *part_of_call(const ui_gathered *g, const char *id)
{
    for (size_t i = json_array_size(g->parts); i > 0; i--) {
        json_t *part = json_array_get(g->parts, i - 1);

        if (cstr_eq(json_get_str(part, "toolCallId", NULL), id))
            return part;
    }
    return NULL;
}

static void on_result(ui_gathered *g, const ui_chunk *c)
{
    json_t *part = part_of_call(g, c->id), *result = typed("tool-result");
    bool failed = c->kind == UI_RESULT_ERROR;
    json_t *text = json_str(str_dup(g->a, c->text));

    json_set_str(part, "state", failed ? "output-error" : "output-available");
    if (failed)
        json_set(part, "errorText", json_incref(text));
    else
        json_set(part, "output", json_incref(c->value));
    json_set_str(result, "toolCallId", c->id);
    json_set_str(result, "toolName", c->name);
    json_set(result, "result", json_incref(failed ? text : c->value));
    if (failed)
        json_set_bool(result, "isError", true);
    json_array_append_new(g->results, result);
    json_decref(text);
}

void ui_gather(void *gathered, const ui_chunk *c)
{
    ui_gathered *g = gathered;

    switch (c->kind) {
    case UI_STEP:
        json_array_append_new(g->parts, typed("step-start"));
        buf_reset(g->text);
        break;
    case UI_STEP_END:
        end_step(g);
        break;
    case UI_TEXT:
    case UI_REASONING:
        buf_add(g->piece, c->text.p, c->text.len);
        break;
    case UI_TEXT_END:
        end_text(g);
        break;
    case UI_REASONING_END:
        json_array_append_new(g->parts, text_of("reasoning", g->piece));
        buf_reset(g->piece);
        break;
    case UI_CALL_INPUT:
    case UI_CALL_BAD_INPUT:
        on_input(g, c);
        break;
    case UI_RESULT:
    case UI_RESULT_ERROR:
        on_result(g, c);
        break;
    case UI_ERROR:
        g->failed = true;
        g->code = arena_strdup(g->a, c->name);
        g->reason = str_dup(g->a, c->text);
        break;
    case UI_ABORT:
        g->aborted = true;
        g->reason = str_dup(g->a, c->text);
        break;
    case UI_DONE:
        g->done = true;
        break;
    case UI_START:
    case UI_TEXT_START:
    case UI_REASONING_START:
    case UI_CALL:
    case UI_CALL_ARGUMENTS:
    case UI_FINISH:
        break;
    }
}
