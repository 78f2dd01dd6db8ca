/* SPDX-License-Identifier: MIT */
/*
 * Events of a run as Sage's NDJSON lines; see lines.h.
 *
 * This runs for every chunk of every stream, so the common lines are written straight into the buffer; jansson is used
 * only where a payload is JSON already.
 */
#include "face/sage/lines.h"

#include "base/json.h"

enum { SNIPPET_MAX = 5000 };

/* Every event kind gives a line or none, whatever its payload: only then do indexes agree between streams. */
static bool has_line(const run *r, event_kind kind, bool progress)
{
    if (kind == EV_END) /* clients take the end of an interrupted body for the end (section 2.8) */
        return run_state(r) != RUN_INTERRUPTED;
    return kind != EV_OUTPUT && (kind != EV_TOOL_PROGRESS || progress);
}

static void put_time(buf *b, const char *key, int64_t wall_us)
{
    buf_printf(b, ",\"%s\":%lld.%06lld", key, (long long)(wall_us / 1000000), (long long)(wall_us % 1000000));
}

static void put_member(buf *b, const char *key, const char *value)
{
    buf_printf(b, ",\"%s\":", key);
    json_put_cstr(b, value);
}

/* What every message chunk ends with. */
static void put_tail(buf *b, const event *ev, const char *type, const json_t *metadata)
{
    if (ev->message != NULL)
        put_member(b, "message_id", ev->message->id);
    put_member(b, "type", type);
    put_time(b, "timestamp", ev->time);
    if (ev->message != NULL && ev->message->agent_name != NULL)
        put_member(b, "agent_name", ev->message->agent_name);
    buf_puts(b, ",\"metadata\":");
    if (metadata != NULL)
        json_write(b, metadata);
    else
        buf_puts(b, "{}");
    if (ev->message != NULL)
        put_member(b, "session_id", ev->message->session_id);
    buf_putc(b, '}');
}

static void put_delta(buf *b, const event *ev, const char *key, const char *type, const char *text, size_t len)
{
    buf_printf(b, "{\"role\":\"assistant\",\"%s\":", key);
    json_put_string(b, text, len);
    put_tail(b, ev, type, NULL);
}

static void put_tool_call(buf *b, const event *ev, const json_t *v)
{
    const char *id = json_get_str(v, "id", NULL);

    buf_puts(b, "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":");
    json_put_cstr(b, id);
    buf_printf(b, ",\"type\":%s,\"index\":%lld,\"function\":{\"name\":", id != NULL ? "\"function\"" : "null",
               (long long)json_get_int(v, "index", 0));
    json_put_cstr(b, json_get_str(v, "name", NULL));
    put_member(b, "arguments", json_get_str(v, "arguments", ""));
    buf_puts(b, "}}]");
    put_tail(b, ev, "tool_call", json_get_obj(v, "metadata"));
}

static void cut_item(json_t *item)
{
    static const char *const long_keys[] = {"snippet", "description", "content"};
    const char *image = json_get_str(item, "image", NULL);

    for (size_t i = 0; i < COUNT(long_keys); i++) {
        const char *text = json_get_str(item, long_keys[i], NULL);
        str cut = utf8_prefix(str_of(text), SNIPPET_MAX);
        buf b = BUF_INIT(MIB(1));

        if (text == NULL || text[cut.len] == '\0')
            continue;
        buf_add(&b, cut.p, cut.len);
        buf_puts(&b, "...[TRUNCATED]");
        json_set_str(item, long_keys[i], b.data);
        buf_close(&b);
    }
    if (cstr_starts(image, "data:image"))
        json_set_str(item, "image", "[BASE64_IMAGE_REMOVED_FOR_DISPLAY]");
}

/* When all that `v` has is an object written as text: takes that in its place. */
static void take_inner(arena *a, json_t **v, const char **text)
{
    const char *inner = json_get_str(*v, "content", NULL);
    json_t *object;

    if (inner == NULL || *inner != '{' || json_object_size(*v) != 1 ||
        json_parse(a, inner, strlen(inner), NULL, &object) != OK)
        return;
    *v = object;
    *text = inner;
}

const char *lines_clean_result(arena *a, const char *text)
{
    json_t *v, *results;

    if (*text != '{' || (strstr(text, "\"results\"") == NULL && strstr(text, "\"content\"") == NULL))
        return text;
    if (json_parse(a, text, strlen(text), NULL, &v) != OK)
        return text;
    take_inner(a, &v, &text);
    if ((results = json_get_arr(v, "results")) == NULL)
        return text;
    for (size_t i = 0; i < json_array_size(results); i++)
        if (json_is_object(json_array_get(results, i)))
            cut_item(json_array_get(results, i));
    return json_text(a, v);
}

static void put_tool_result(buf *b, arena *a, const event *ev, const json_t *v)
{
    buf_puts(b, "{\"role\":\"tool\",\"content\":");
    json_put_cstr(b, lines_clean_result(a, json_get_str(v, "content", "")));
    put_member(b, "tool_call_id", json_get_str(v, "tool_call_id", NULL));
    put_tail(b, ev, "tool_call_result", json_get_obj(v, "metadata"));
}

static void put_progress(buf *b, const run *r, const event *ev, const json_t *v)
{
    buf_puts(b, "{\"type\":\"tool_progress\"");
    put_member(b, "session_id", run_facts(r)->session_id);
    put_member(b, "tool_call_id", json_get_str(v, "tool_call_id", NULL));
    put_member(b, "text", json_get_str(v, "text", ""));
    put_member(b, "stream", json_get_str(v, "stream", "info"));
    buf_printf(b, ",\"closed\":%s", json_get_bool(v, "closed", false) ? "true" : "false");
    put_time(b, "ts", ev->time);
    buf_putc(b, '}');
}

static void put_said(buf *b, const event *ev, const json_t *v, const char *role, const char *type)
{
    json_t *content = json_object_get(v, "content");

    buf_printf(b, "{\"role\":\"%s\",\"content\":", role);
    if (json_is_array(content))
        json_write(b, content);
    else
        json_put_cstr(b, json_get_str(v, "content", ""));
    put_tail(b, ev, type, json_get_obj(v, "metadata"));
}

/* What went wrong around the run, and not in it, is told in these words whatever the language. */
static void put_failure(buf *b, arena *a, const event *ev, json_t *v)
{
    const char *type = json_get_str(v, "type", "final_answer");

    if (cstr_eq(type, "error"))
        json_set_str(v, "content", arena_printf(a, "处理失败: %s", json_get_str(v, "content", "")));
    put_said(b, ev, v, "assistant", type);
}

static void put_usage(buf *b, arena *a, const run *r, const event *ev, json_t *v)
{
    json_t *meta = json_hold(a, json_object()), *total = json_get_obj(v, "total_info");
    event own = *ev;
    /* The web client shows only chunks of its own session, this one included. */
    run_message m = {.id = run_facts(r)->id, .session_id = run_facts(r)->session_id};

    json_set(meta, "token_usage", json_incref(v));
    json_set_str(meta, "model", json_get_str(total, "model", NULL));
    json_set(meta, "models", json_incref(json_object_get(v, "models")));
    json_set_str(meta, "session_id", m.session_id);
    own.message = &m;
    buf_puts(b, "{\"role\":\"assistant\",\"content\":\"\"");
    put_tail(b, &own, "token_usage", meta);
}

static void put_end(buf *b, const run *r, const event *ev, uint64_t before)
{
    buf_puts(b, "{\"type\":\"stream_end\"");
    put_member(b, "session_id", run_facts(r)->session_id);
    put_time(b, "timestamp", ev->time);
    buf_printf(b, ",\"total_stream_count\":%llu}", (unsigned long long)before);
}

/* Lines whose payload is JSON. */
static void put_parsed(buf *b, const run *r, const event *ev, uint64_t before)
{
    arena *a = arena_new(NULL);
    json_t *v;

    if (json_parse(a, ev->bytes, ev->len, NULL, &v) != OK)
        v = json_hold(a, json_object()); /* our own payloads always parse */
    switch (ev->kind) {
    case EV_TOOL_CALL:
        put_tool_call(b, ev, v);
        break;
    case EV_TOOL_RESULT:
        put_tool_result(b, a, ev, v);
        break;
    case EV_TOOL_PROGRESS:
        put_progress(b, r, ev, v);
        break;
    case EV_NOTICE:
        put_said(b, ev, v, "assistant", "assistant_text");
        break;
    case EV_FAILURE:
        put_failure(b, a, ev, v);
        break;
    case EV_USER:
        put_said(b, ev, v, "user", "user_input");
        break;
    case EV_USAGE:
        put_usage(b, a, r, ev, v);
        break;
    default:
        put_end(b, r, ev, before);
        break;
    }
    arena_free(a);
}

void lines_render(void *state, const run *r, const event *ev, buf *out)
{
    lines_state *st = state;

    if (!has_line(r, ev->kind, st->progress))
        return;
    if (st->produced++ < st->skip)
        return;
    switch (ev->kind) {
    case EV_TEXT:
        put_delta(out, ev, "content", "do_subtask_result", ev->bytes, ev->len);
        break;
    case EV_REASONING:
        put_delta(out, ev, "reasoning_content", "reasoning_content", ev->bytes, ev->len);
        break;
    case EV_TEXT_END:
        put_delta(out, ev, "content", "do_subtask_result", "\n", 1);
        break;
    case EV_SUGGESTION:
        put_delta(out, ev, "content", "query_suggest", ev->bytes, ev->len);
        break;
    default:
        put_parsed(out, r, ev, st->produced - 1);
        break;
    }
    buf_putc(out, '\n');
}

uint64_t lines_count(run *r, bool progress)
{
    run_reader *rd = run_reader_open(r, NULL, NULL);
    uint64_t n = 0;
    event ev;

    while (run_reader_next(rd, &ev))
        n += has_line(r, ev.kind, progress);
    run_reader_close(rd);
    return n;
}
