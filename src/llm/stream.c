/* SPDX-License-Identifier: MIT */
/*
 * Streams of deltas: the queue that a driver fills from one event, tool calls and their fragments, and the proper end.
 *
 * A provider's event may hold several things at once (reasoning, text, tool calls, the end); each becomes a delta.
 */
#include "base/id.h"
#include "base/mem.h"
#include "llm/llm_internal.h"

arena *stream_memory(llm_stream *st)
{
    if (st->event == NULL)
        st->event = arena_new(st->own->arena);
    return st->event;
}

void stream_push(llm_stream *st, llm_delta d)
{
    if (st->n_queue == st->cap_queue) {
        size_t cap = st->cap_queue == 0 ? 2 : st->cap_queue * 2;
        llm_delta *grown = arena_array(st->own->arena, llm_delta, cap);

        if (st->n_queue > 0)
            memcpy(grown, st->queue, st->n_queue * sizeof *grown);
        st->queue = grown;
        st->cap_queue = cap;
    }
    st->queue[st->n_queue++] = d;
    st->spoke = true;
}

void stream_text(llm_stream *st, llm_delta_kind kind, str text)
{
    if (text.len > 0)
        stream_push(st, (llm_delta){.kind = kind, .text = text});
}

/* Whether a fragment goes on with `c`, which has its index.  Some providers number all calls 0: then another id, or another
 * name where there are no ids, is another call. */
static bool continues(const call_state *c, const char *id, const char *name)
{
    bool renamed = name != NULL && !cstr_blank(c->name) && !cstr_eq(c->name, name);

    if (id != NULL && c->wire_id != NULL)
        return cstr_eq(c->wire_id, id);
    if (id != NULL) /* the first id of a call that began without one */
        return name == NULL || cstr_blank(c->name);
    return !renamed;
}

/* The newest call that the fragment can belong to; `n_calls` when it begins one. */
static size_t find_call(const llm_stream *st, int64_t wire_index, const char *id, const char *name)
{
    for (size_t i = st->n_calls; i-- > 0;) {
        const call_state *c = &st->calls[i];

        if (c->wire_index != wire_index)
            continue;
        if (continues(c, id, name))
            return i;
        if (id == NULL)
            break; /* without an id only the newest is meant */
    }
    return st->n_calls;
}

static bool id_is_taken(const llm_stream *st, const char *id)
{
    for (size_t i = 0; i < st->n_calls; i++)
        if (cstr_eq(st->calls[i].id, id))
            return true;
    return false;
}

static void add_call(llm_stream *st, int64_t wire_index, const char *id)
{
    arena *a = st->own->arena;
    call_state c = {.wire_index = wire_index, .wire_id = arena_strdup(a, id)};

    c.id = id != NULL && !id_is_taken(st, id) ? c.wire_id : arena_printf(a, "call_%s", id_hex(a, 24));
    if (st->n_calls == st->cap_calls) {
        size_t cap = st->cap_calls == 0 ? 4 : st->cap_calls * 2;
        call_state *grown = arena_array(a, call_state, cap);

        if (st->n_calls > 0)
            memcpy(grown, st->calls, st->n_calls * sizeof *grown);
        st->calls = grown;
        st->cap_calls = cap;
    }
    st->calls[st->n_calls++] = c;
}

static void push_fragment(llm_stream *st, size_t at, str arguments)
{
    call_state *c = &st->calls[at];

    c->filled = c->filled || arguments.len > 0;
    stream_push(st, (llm_delta){.kind = LLM_TOOL_CALL, .index = c->index, .text = arguments});
}

/* The first fragment that is handed out: with id and name. */
static void push_first(llm_stream *st, size_t at, const char *name, str arguments)
{
    call_state *c = &st->calls[at];
    llm_delta *d;

    c->name = arena_strdup(st->own->arena, name);
    c->index = st->n_begun++;
    push_fragment(st, at, arguments);
    d = &st->queue[st->n_queue - 1];
    d->id = c->id;
    d->name = c->name;
}

/* Whoever reads is to refuse a call that never got a name, and not to miss it. */
static void push_nameless(llm_stream *st)
{
    for (size_t i = 0; i < st->n_calls; i++)
        if (st->calls[i].name == NULL)
            push_first(st, i, "", (str){"", 0});
}

err stream_call(scope *s, llm_stream *st, int64_t wire_index, const char *id, const char *name, str arguments)
{
    size_t at;

    id = cstr_blank(id) ? NULL : id;
    name = cstr_blank(name) ? NULL : name;
    at = find_call(st, wire_index, id, name);
    if (at == CALLS_MAX)
        return fault_code(s, "llm.garbage", st->model);
    if (at == st->n_calls)
        add_call(st, wire_index, id);
    if (st->calls[at].wire_id == NULL)
        st->calls[at].wire_id = arena_strdup(st->own->arena, id);
    if (st->calls[at].name != NULL && arguments.len > 0)
        push_fragment(st, at, arguments);
    else if (st->calls[at].name == NULL && (name != NULL || arguments.len > 0))
        push_first(st, at, name != NULL ? name : "", arguments);
    return OK;
}

void stream_stop(llm_stream *st, const char *finish, const char *sequence)
{
    if (st->stopped)
        return;
    push_nameless(st);
    st->stopped = true;
    stream_push(st, (llm_delta){.kind = LLM_STOP, .finish = finish, .sequence = sequence});
}

void stream_end(llm_stream *st)
{
    if (st->ended)
        return;
    stream_stop(st, st->n_calls > 0 ? "tool_calls" : "stop", NULL);
    if (st->has_usage) {
        if (st->usage.total == 0)
            st->usage.total = st->usage.prompt + st->usage.completion;
        stream_push(st, (llm_delta){.kind = LLM_USAGE, .usage = st->usage});
    }
    st->ended = true;
    http_finish(st->http);
    st->http = NULL;
}

/* --- reading on --- */

static err take_event(scope *s, llm_stream *st, const sse_event *ev)
{
    st->got_event = true;
    return st->driver->event(s, st, ev);
}

/* The body has ended, or could not be read on (`e`).  After LLM_STOP nothing can be missing but the usage. */
static err end_of_body(scope *s, llm_stream *st, err e, size_t read)
{
    err why = scope_check(s);

    if (why != OK)
        return why;
    if (st->stopped) {
        stream_end(st);
        return OK;
    }
    if (e == ERR_TIMEOUT)
        return e;
    return fault_code(s, e == OK && read > 0 && !st->got_event ? "llm.garbage" : "llm.truncated", st->model);
}

enum { WHOLE_MAX = 32 << 20 };

/* A server that does not stream although it was asked to sends one document. */
static err read_whole(scope *s, llm_stream *st)
{
    buf *all = buf_new(stream_memory(st), WHOLE_MAX);
    str piece = {"", 1};
    err e = OK;

    while (e == OK && piece.len > 0 && buf_ok(all)) {
        e = http_read(s, st->http, &piece);
        if (e == OK)
            buf_add(all, piece.p, piece.len);
    }
    if (e != OK || !buf_ok(all) || all->len == 0)
        return end_of_body(s, st, e, 0);
    TRY(take_event(s, st, &(sse_event){.event = "message", .data = {buf_str(all), all->len}}));
    if (!st->stopped && st->n_queue == 0)
        return fault_code(s, "llm.garbage", st->model);
    stream_end(st);
    return OK;
}

/* After LLM_STOP only the usage may come, and the end, which some servers leave out: neither is waited for long. */
static err read_some(scope *s, llm_stream *st, str *bytes)
{
    scope *limited;
    err e;

    if (!st->stopped)
        return http_read(s, st->http, bytes);
    limited = scope_child(s, SECONDS(5));
    e = http_read(limited, st->http, bytes);
    scope_close(limited);
    return e;
}

err stream_advance(scope *s, llm_stream *st)
{
    size_t read = 0;
    sse_event ev;
    str bytes;

    st->n_queue = st->taken = 0;
    if (st->event != NULL)
        arena_reset(st->event);
    if (st->driver->step != NULL)
        return st->driver->step(s, st);
    if (st->whole)
        return read_whole(s, st);
    while (st->n_queue == 0 && !st->ended) {
        err e;

        if (sse_next(st->sse, &ev)) {
            TRY(take_event(s, st, &ev));
            if (st->n_queue == 0 && st->event != NULL)
                arena_reset(st->event); /* any number of events may say nothing */
            continue;
        }
        e = read_some(s, st, &bytes);
        if (e != OK || bytes.len == 0)
            return end_of_body(s, st, e, read);
        read += bytes.len;
        if (sse_feed(st->sse, bytes.p, bytes.len) != OK)
            return fault_code(s, "llm.garbage", st->model);
    }
    return OK;
}
