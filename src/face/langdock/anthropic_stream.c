/* SPDX-License-Identifier: MIT */
/* Anthropic's events; see anthropic_stream.h.  One block is open at a time, as that API has it. */
#include "face/langdock/anthropic_stream.h"

#include "base/id.h"
#include "face/langdock/model_wire.h"

typedef enum { BLOCK_NONE, BLOCK_TEXT, BLOCK_THINKING, BLOCK_CALL } block_kind;

typedef struct {
    model_call *c;
    model_wire wire;
    buf *out;
    block_kind open;
    int64_t call;  /* which of the response, of an open BLOCK_CALL */
    int64_t index; /* of the open block, or of the next one */
    const char *finish, *sequence;
} events;

const char *anthropic_message_id(arena *a)
{
    return arena_printf(a, "msg_%s", id_hex(a, 24));
}

const char *anthropic_stop_reason(const char *finish, const char *sequence)
{
    static const struct {
        const char *finish, *reason;
    } known[] = {{"length", "max_tokens"}, {"tool_calls", "tool_use"}, {"content_filter", "refusal"}};

    for (size_t i = 0; i < COUNT(known); i++)
        if (cstr_eq(known[i].finish, finish))
            return known[i].reason;
    return sequence != NULL ? "stop_sequence" : "end_turn";
}

json_t *anthropic_usage(const llm_usage *u)
{
    json_t *o = json_object();

    json_set_int(o, "input_tokens", u->prompt - MIN_OF(u->cached, u->prompt));
    json_set_int(o, "output_tokens", u->completion);
    json_set_int(o, "cache_read_input_tokens", u->cached);
    json_set_int(o, "cache_creation_input_tokens", 0);
    return o;
}

static void begin(events *ev, const char *type)
{
    buf_printf(ev->out, "event: %s\ndata: {\"type\":\"%s\"", type, type);
}

static void end(events *ev)
{
    buf_puts(ev->out, "}\n\n");
}

static void put_usage(events *ev)
{
    json_t *u = anthropic_usage(&ev->c->used);

    buf_puts(ev->out, ",\"usage\":");
    json_write(ev->out, u);
    json_decref(u);
}

static void put_start(events *ev)
{
    begin(ev, "message_start");
    buf_printf(ev->out, ",\"message\":{\"id\":\"%s\",\"type\":\"message\",\"role\":\"assistant\",\"model\":",
               anthropic_message_id(ev->c->rq->scope->arena));
    json_put_cstr(ev->out, ev->c->served->model.name);
    buf_puts(ev->out, ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null");
    put_usage(ev);
    buf_putc(ev->out, '}');
    end(ev);
    begin(ev, "ping");
    end(ev);
}

/* Blocks */

static void end_block(events *ev)
{
    if (ev->open == BLOCK_NONE)
        return;
    begin(ev, "content_block_stop");
    buf_printf(ev->out, ",\"index\":%lld", (long long)ev->index++);
    end(ev);
    ev->open = BLOCK_NONE;
}

static void begin_block(events *ev, block_kind kind)
{
    end_block(ev);
    ev->open = kind;
    begin(ev, "content_block_start");
    buf_printf(ev->out, ",\"index\":%lld,\"content_block\":", (long long)ev->index);
}

static void want_block(events *ev, block_kind kind)
{
    if (ev->open == kind)
        return;
    begin_block(ev, kind);
    buf_puts(ev->out, kind == BLOCK_TEXT ? "{\"type\":\"text\",\"text\":\"\"}"
                                         : "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
    end(ev);
}

static void put_piece(events *ev, const char *type, const char *member, str text)
{
    begin(ev, "content_block_delta");
    buf_printf(ev->out, ",\"index\":%lld,\"delta\":{\"type\":\"%s\",\"%s\":", (long long)ev->index, type, member);
    json_put_string(ev->out, text.p != NULL ? text.p : "", text.len);
    buf_putc(ev->out, '}');
    end(ev);
}

static void begin_call(events *ev, const llm_delta *d)
{
    arena *a = ev->c->rq->scope->arena;

    begin_block(ev, BLOCK_CALL);
    buf_puts(ev->out, "{\"type\":\"tool_use\",\"id\":");
    json_put_cstr(ev->out, d->id != NULL ? d->id : arena_printf(a, "toolu_%s", id_hex(a, 24)));
    buf_puts(ev->out, ",\"name\":");
    json_put_cstr(ev->out, d->name);
    buf_puts(ev->out, ",\"input\":{}}");
    end(ev);
    ev->call = d->index;
}

static void on_call(events *ev, const llm_delta *d)
{
    if (d->name != NULL)
        begin_call(ev, d);
    if (d->text.len > 0 && ev->open == BLOCK_CALL && ev->call == d->index)
        put_piece(ev, "input_json_delta", "partial_json", d->text);
}

/* A whole block of reasoning: its text has come already, what is left is the signature; of a hidden one all is left. */
static void on_thought(events *ev, str text)
{
    arena *a = arena_new(ev->c->rq->scope->arena);
    const char *signature;
    json_t *block;

    if (json_parse(a, text.p, text.len, NULL, &block) == OK) {
        signature = json_get_str(block, "signature", NULL);
        if (signature != NULL) {
            want_block(ev, BLOCK_THINKING);
            put_piece(ev, "signature_delta", "signature", str_of(signature));
        } else {
            begin_block(ev, BLOCK_THINKING);
            json_write(ev->out, block);
            end(ev);
        }
        end_block(ev);
    }
    arena_free(a);
}

static err send(events *ev)
{
    return model_wire_send(&ev->wire, ev->c->rq, ev->out);
}

static err on_delta(events *ev, const llm_delta *d)
{
    if (d->kind == LLM_TEXT && d->text.len > 0) {
        want_block(ev, BLOCK_TEXT);
        put_piece(ev, "text_delta", "text", d->text);
    } else if (d->kind == LLM_REASONING && d->text.len > 0) {
        want_block(ev, BLOCK_THINKING);
        put_piece(ev, "thinking_delta", "thinking", d->text);
    } else if (d->kind == LLM_THOUGHT) {
        on_thought(ev, d->text);
    } else if (d->kind == LLM_TOOL_CALL) {
        on_call(ev, d);
    } else if (d->kind == LLM_STOP) {
        ev->finish = arena_strdup(ev->c->rq->scope->arena, d->finish);
        ev->sequence = arena_strdup(ev->c->rq->scope->arena, d->sequence);
    }
    return send(ev);
}

static void put_end(events *ev)
{
    end_block(ev);
    begin(ev, "message_delta");
    buf_puts(ev->out, ",\"delta\":{\"stop_reason\":");
    json_put_cstr(ev->out, anthropic_stop_reason(ev->finish, ev->sequence));
    buf_puts(ev->out, ",\"stop_sequence\":");
    json_put_cstr(ev->out, ev->sequence);
    buf_putc(ev->out, '}');
    put_usage(ev);
    end(ev);
    begin(ev, "message_stop");
    end(ev);
}

static void put_error(events *ev, err e)
{
    begin(ev, "error");
    buf_puts(ev->out, ",\"error\":{\"type\":\"api_error\",\"message\":");
    json_put_cstr(ev->out, scope_failure(ev->c->rq->scope, e).text);
    buf_putc(ev->out, '}');
    end(ev);
}

static err put_deltas(events *ev, llm_stream *st)
{
    llm_delta d;
    err e;

    put_start(ev);
    e = send(ev);
    while (e == OK && (e = model_call_next(ev->c, st, &d)) == OK)
        e = on_delta(ev, &d);
    llm_close(st);
    return e;
}

/* A call that failed before anything was sent is answered like any other request; later it is told in the stream. */
static err stream_body(events *ev, response *rs)
{
    llm_stream *st;
    err e = model_call_open(ev->c, &st);

    if (e == OK)
        e = put_deltas(ev, st);
    model_wire_stop(&ev->wire);
    if (ev->c->rq->scope->ended != OK || !ev->wire.begun)
        return e;
    if (e == ERR_CLOSED)
        put_end(ev);
    else
        put_error(ev, e);
    TRY(reply_write(rs, ev->out->data, ev->out->len));
    TRY(reply_end(rs));
    return e == ERR_CLOSED ? OK : e;
}

err anthropic_stream(model_call *c, response *rs)
{
    events ev = {.c = c, .out = buf_new(c->rq->scope->arena, MIB(16)), .finish = "stop"};
    err e;

    model_wire_start(&ev.wire, c->rq, rs, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
    e = stream_body(&ev, rs);
    model_call_end(c, c->rq->scope->ended != OK ? ERR_CANCELLED : e);
    return ev.wire.begun ? OK : e; /* what failed has been told */
}
