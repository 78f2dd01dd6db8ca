/* SPDX-License-Identifier: MIT */
/*
 * The driver for Anthropic's Messages API (version 2023-06-01): reading the answer.  The request is in anthropic_body.c.
 *
 * An answer is a list of content blocks (text, thinking, tool use), each begun, filled by deltas and stopped.  Event types
 * and blocks that are unknown are passed over, as the API's versioning policy asks.
 */
#include "llm/anthropic.h"

static const char *anthropic_url(arena *a, const llm_endpoint *at)
{
    size_t len = strlen(at->base_url);

    while (len > 0 && at->base_url[len - 1] == '/')
        len--;
    if (str_ends((str){at->base_url, len}, "/v1"))
        len -= 3;
    return arena_printf(a, "%.*s/v1/messages", (int)len, at->base_url);
}

static size_t anthropic_headers(arena *a, const char *key, http_header out[LLM_HEADERS_MAX])
{
    size_t n = 0;

    (void)a;
    out[n++] = (http_header){"Content-Type", "application/json"};
    out[n++] = (http_header){"anthropic-version", "2023-06-01"};
    if (key != NULL && key[0] != '\0')
        out[n++] = (http_header){"x-api-key", key};
    return n;
}

static str member_slice(const json_t *object, const char *key)
{
    return str_of(json_get_str(object, key, NULL));
}

/* Later events repeat and complete the counts of earlier ones. */
static void keep_usage(llm_stream *st, const json_t *u)
{
    int64_t read, created, input;

    if (!json_is_object(u))
        return;
    st->has_usage = true;
    input = json_get_int(u, "input_tokens", -1);
    if (input >= 0) {
        read = json_get_int(u, "cache_read_input_tokens", 0);
        created = json_get_int(u, "cache_creation_input_tokens", 0);
        st->usage.cached = MAX_OF(read, st->usage.cached);
        st->usage.prompt = MAX_OF(input + read + created, st->usage.prompt);
    }
    st->usage.completion = json_get_int(u, "output_tokens", st->usage.completion);
    st->usage.total = st->usage.prompt + st->usage.completion;
}

static const char *finish_of(const char *reason)
{
    static const struct {
        const char *theirs, *ours;
    } known[] = {
        {"end_turn", "stop"},          {"stop_sequence", "stop"},  {"pause_turn", "stop"},
        {"max_tokens", "length"},      {"tool_use", "tool_calls"}, {"model_context_window_exceeded", "length"},
        {"refusal", "content_filter"},
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (cstr_eq(known[i].theirs, reason))
            return known[i].ours;
    return reason;
}

/* --- blocks of thinking, which are wanted back as they came --- */

enum { THOUGHT_MAX = 4 << 20, SIGNATURE_MAX = 1 << 20 };

/* The one that is being read. */
typedef struct {
    bool open, redacted;
    int64_t index;
    buf text, signature; /* of a redacted one: nothing, and its data */
} thought;

static void close_thought(void *arg)
{
    thought *t = arg;

    buf_close(&t->text);
    buf_close(&t->signature);
}

static void add(buf *b, str piece)
{
    buf_add(b, piece.p, piece.len);
}

static void begin_thought(llm_stream *st, int64_t index, const json_t *block, bool redacted)
{
    thought *t = st->data;

    if (t == NULL) {
        st->data = t = arena_one(st->own->arena, thought);
        t->text = BUF_INIT(THOUGHT_MAX);
        t->signature = BUF_INIT(SIGNATURE_MAX);
        arena_defer(st->own->arena, close_thought, t);
    }
    t->open = true;
    t->redacted = redacted;
    t->index = index;
    buf_reset(&t->text);
    buf_reset(&t->signature);
    add(&t->text, member_slice(block, "thinking"));
    add(&t->signature, member_slice(block, redacted ? "data" : "signature"));
}

static void fill_thought(llm_stream *st, int64_t index, const json_t *delta)
{
    thought *t = st->data;

    if (t == NULL || !t->open || t->index != index)
        return;
    add(&t->text, member_slice(delta, "thinking"));
    add(&t->signature, member_slice(delta, "signature"));
}

static void end_thought(llm_stream *st, int64_t index)
{
    thought *t = st->data;
    buf *out;

    if (t == NULL || !t->open || t->index != index)
        return;
    t->open = false;
    if (!buf_ok(&t->text) || !buf_ok(&t->signature) || t->text.len + t->signature.len == 0)
        return; /* a part of it would be refused, and nothing as well */
    out = buf_new(stream_memory(st), SIZE_MAX - 1);
    buf_puts(out, t->redacted ? "{\"type\":\"redacted_thinking\",\"data\":" : "{\"type\":\"thinking\",\"thinking\":");
    if (!t->redacted) {
        json_put_string(out, buf_str(&t->text), t->text.len);
        buf_puts(out, ",\"signature\":");
    }
    json_put_string(out, buf_str(&t->signature), t->signature.len);
    buf_putc(out, '}');
    stream_text(st, LLM_THOUGHT, (str){buf_str(out), out->len});
}

/* --- all blocks --- */

static err begin_block(scope *s, llm_stream *st, int64_t index, const json_t *block)
{
    const char *type = json_get_str(block, "type", "");
    const json_t *input = json_get_obj(block, "input");
    str arguments = {"", 0};

    if (cstr_eq(type, "text"))
        stream_text(st, LLM_TEXT, member_slice(block, "text"));
    if (cstr_eq(type, "thinking"))
        stream_text(st, LLM_REASONING, member_slice(block, "thinking"));
    if (cstr_eq(type, "thinking") || cstr_eq(type, "redacted_thinking"))
        begin_thought(st, index, block, type[0] == 'r');
    if (!cstr_eq(type, "tool_use"))
        return OK;
    if (json_object_size(input) > 0)
        arguments = str_of(json_text(stream_memory(st), input));
    return stream_call(s, st, index, json_get_str(block, "id", NULL), json_get_str(block, "name", NULL), arguments);
}

static err fill_block(scope *s, llm_stream *st, int64_t index, const json_t *delta)
{
    const char *type = json_get_str(delta, "type", "");

    if (cstr_eq(type, "text_delta"))
        stream_text(st, LLM_TEXT, member_slice(delta, "text"));
    else if (cstr_eq(type, "thinking_delta"))
        stream_text(st, LLM_REASONING, member_slice(delta, "thinking"));
    else if (cstr_eq(type, "input_json_delta"))
        return stream_call(s, st, index, NULL, NULL, member_slice(delta, "partial_json"));
    if (cstr_eq(type, "thinking_delta") || cstr_eq(type, "signature_delta"))
        fill_thought(st, index, delta);
    return OK;
}

/* A tool without arguments comes without a single fragment; an empty object is easier to use than no JSON at all. */
static err end_block(scope *s, llm_stream *st, int64_t index)
{
    end_thought(st, index);
    for (size_t i = 0; i < st->n_calls; i++)
        if (st->calls[i].wire_index == index && !st->calls[i].filled)
            return stream_call(s, st, index, NULL, NULL, STR("{}"));
    return OK;
}

static err fail_error(scope *s, llm_stream *st, const json_t *v)
{
    llm_fault f = fault_of_json(stream_memory(st), st->request, 0, v);

    return fault_fail(s, &f, st->model);
}

/* One document instead of a stream. */
static err read_message(scope *s, llm_stream *st, const json_t *v)
{
    const char *reason = json_get_str(v, "stop_reason", NULL);
    size_t i;
    json_t *block;

    json_array_foreach(json_object_get(v, "content"), i, block)
    {
        TRY(begin_block(s, st, (int64_t)i, block));
        TRY(end_block(s, st, (int64_t)i));
    }
    keep_usage(st, json_object_get(v, "usage"));
    if (reason != NULL)
        stream_stop(st, finish_of(reason), json_get_str(v, "stop_sequence", NULL));
    return OK;
}

static err begin_message(scope *s, llm_stream *st, const json_t *v)
{
    const json_t *message = json_get_obj(v, "message");
    const char *model = json_get_str(message, "model", NULL);

    (void)s;
    if (model != NULL && model[0] != '\0')
        st->model = arena_strdup(st->own->arena, model);
    keep_usage(st, json_object_get(message, "usage"));
    return OK;
}

static err end_message(scope *s, llm_stream *st, const json_t *v)
{
    const json_t *delta = json_get_obj(v, "delta");
    const char *reason = json_get_str(delta, "stop_reason", NULL);

    (void)s;
    keep_usage(st, json_object_get(v, "usage"));
    if (reason != NULL)
        stream_stop(st, finish_of(reason), json_get_str(delta, "stop_sequence", NULL));
    return OK;
}

static err anthropic_event(scope *s, llm_stream *st, const sse_event *ev)
{
    int64_t index;
    const char *type;
    json_t *v;

    if (json_parse(stream_memory(st), ev->data.p, ev->data.len, NULL, &v) != OK || !json_is_object(v))
        return fault_code(s, "llm.garbage", st->model);
    type = json_get_str(v, "type", "");
    index = json_get_int(v, "index", 0);
    if (cstr_eq(type, "content_block_delta"))
        return fill_block(s, st, index, json_get_obj(v, "delta"));
    if (cstr_eq(type, "content_block_start"))
        return begin_block(s, st, index, json_get_obj(v, "content_block"));
    if (cstr_eq(type, "content_block_stop"))
        return end_block(s, st, index);
    if (cstr_eq(type, "message_start"))
        return begin_message(s, st, v);
    if (cstr_eq(type, "message_delta"))
        return end_message(s, st, v);
    if (cstr_eq(type, "message_stop"))
        stream_end(st);
    if (cstr_eq(type, "message"))
        return read_message(s, st, v);
    if (cstr_eq(type, "error") || json_object_get(v, "error") != NULL)
        return fail_error(s, st, v);
    return OK;
}

const llm_driver anthropic_driver = {
    .name = "anthropic",
    .url = anthropic_url,
    .headers = anthropic_headers,
    .body = anthropic_body,
    .event = anthropic_event,
};
