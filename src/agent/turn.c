/* SPDX-License-Identifier: MIT */
/*
 * One model call: the request is assembled in an arena that is dropped as soon as the provider has begun to answer, so that
 * a quiet stream holds nothing but what it has said so far.
 */
#include "agent/agent_internal.h"

#include "agent/mend.h"
#include "base/clock.h"
#include "base/id.h"
#include "rt/fiber.h"

/* The context in front of a user message is made once and kept with it, so that the prompt's prefix stays the same over the
 * turns of a run and providers can cache it. */
static const char *context_of(agent_state *st, entry *user)
{
    enum { FILES_DEPTH = 2, FILES_PER_DIR = 5 };
    prompt_spec spec = st->p->prompt;

    if (user->context != NULL)
        return user->context;
    if (spec.has_todo && tool_todo_text(st->s, st->s->arena, &st->p->tool_context, &spec.todo) != OK)
        spec.todo = NULL; /* an unreadable list is no reason not to answer */
    if (tool_workspace_tree(st->s, st->s->arena, &st->p->tool_context, FILES_DEPTH, FILES_PER_DIR, &spec.files) != OK)
        spec.files = NULL; /* nor is an unreadable directory */
    user->context = prompt_before_user(st->l->a, &spec, clock_wall());
    return user->context;
}

static json_t *text_part(const char *text)
{
    json_t *part = json_object();

    json_set_str(part, "type", "text");
    json_set_str(part, "text", text);
    return part;
}

/* Puts the runtime context around the last user message of the view. */
static void wrap_last_user(agent_state *st, arena *a, llm_message *view, size_t n)
{
    entry *user = ledger_last_user(st->l);

    for (size_t i = n; user != NULL && i > 0; i--) {
        llm_message *m = &view[i - 1];
        const char *before;

        if (m->role != ROLE_USER)
            continue;
        before = context_of(st, user);
        if (m->parts == NULL) {
            m->text = arena_printf(a, "%s%s%s", before, m->text != NULL ? m->text : "", PROMPT_AFTER_USER);
        } else {
            json_t *parts = json_hold(a, json_copy(m->parts));

            json_array_insert_new(parts, 0, text_part(before));
            json_array_append_new(parts, text_part(PROMPT_AFTER_USER));
            m->parts = parts;
        }
        return;
    }
}

static void offer_tools(const agent_state *st, arena *a, llm_request *rq)
{
    llm_tool *offered = arena_array(a, llm_tool, st->p->n_tools);
    size_t n = 0;

    for (size_t i = 0; i < st->p->n_tools; i++) {
        const tool *t = st->p->tools[i];
        const char *language = st->p->tool_context.language;
        json_t *spec, *parameters;

        if (st->status_turn && !cstr_eq(t->name, "turn_status"))
            continue;
        spec = json_hold(a, tool_spec(t, language));
        parameters = json_object_get(json_object_get(spec, "function"), "parameters");
        offered[n++] =
            (llm_tool){.name = t->name, .description = tool_description(t, language), .parameters = parameters};
    }
    rq->tools = offered;
    rq->n_tools = n;
    if ((st->status_turn || st->must_call) && n > 0)
        rq->tool_choice = TOOL_CHOICE_REQUIRED;
}

/* What goes behind everything else, for one request only, however often that has to be assembled anew. */
enum { TRANSIENT_MAX = 3 };
typedef struct {
    llm_message items[TRANSIENT_MAX];
    size_t n;
} transient;

/* Images that tools have queued, and notes of the runtime. */
static transient take_transient(agent_state *st, arena *a)
{
    const char *note = st->note, *shells = tool_session_take_note(st->p->tool_context.session, a), *image;
    json_t *parts = NULL;
    transient t = {0};

    st->note = NULL;
    if (note != NULL)
        t.items[t.n++] = (llm_message){.role = ROLE_USER, .text = note};
    if (shells != NULL)
        t.items[t.n++] = (llm_message){.role = ROLE_USER, .text = shells};
    while ((image = tool_session_take_image(st->p->tool_context.session, a)) != NULL) {
        json_t *url = json_object(), *part = json_object();

        json_set_str(url, "url", image);
        json_set_str(part, "type", "image_url");
        json_set(part, "image_url", url);
        if (parts == NULL)
            parts = json_hold(a, json_array());
        json_array_append_new(parts, part);
    }
    if (parts != NULL)
        t.items[t.n++] = (llm_message){.role = ROLE_USER, .parts = parts};
    return t;
}

static void assemble(agent_state *st, arena *a, const transient *t, llm_request *rq)
{
    enum { SYSTEM = 1 };
    llm_message *view, *all;
    size_t n = ledger_view(st->l, a, &view);

    wrap_last_user(st, a, view, n);
    all = arena_array(a, llm_message, SYSTEM + n + t->n);
    all[0] = (llm_message){.role = ROLE_SYSTEM, .text = prompt_system(a, &st->p->prompt)};
    if (n > 0)
        memcpy(all + SYSTEM, view, n * sizeof *view);
    memcpy(all + SYSTEM + n, t->items, t->n * sizeof *all);
    images_inline(st, a, all, SYSTEM + n + t->n);
    *rq = st->p->model;
    rq->messages = all;
    rq->n_messages = SYSTEM + n + t->n;
    offer_tools(st, a, rq);
}

static int64_t tokens_of_tools(const llm_request *rq)
{
    int64_t sum = 0;

    for (size_t i = 0; i < rq->n_tools; i++)
        sum += tokens_of_text(str_of(rq->tools[i].name)) + tokens_of_text(str_of(rq->tools[i].description)) +
               40 * (int64_t)json_object_size(json_object_get(rq->tools[i].parameters, "properties"));
    return sum;
}

/* One try.  *again: the history was compressed, before the request went out or because it was refused for its length. */
static err try_open(agent_state *st, const transient *t, bool may_compress, llm_stream **out, int64_t *prompt_tokens,
                    bool *again)
{
    arena *a = arena_new(st->s->arena);
    llm_request rq;
    failure why;
    err e = OK;

    *again = false;
    assemble(st, a, t, &rq);
    *prompt_tokens = tokens_of_messages(rq.messages, rq.n_messages) + tokens_of_tools(&rq);
    if (may_compress)
        e = compress_when_needed(st, *prompt_tokens, again);
    if (e != OK || *again) {
        arena_free(a);
        return e;
    }
    e = llm_open(st->s, &rq, out);
    arena_free(a);
    if (e == OK || !may_compress || !cstr_eq(scope_failure(st->s, e).code, "llm.context_length"))
        return e;
    why = st->s->failure;
    if (compress_by_force(st) == OK) {
        *again = true;
        return OK;
    }
    st->s->failure = why; /* the provider's own word, not that of the attempt to help */
    return st->s->ended != OK ? st->s->ended : e;
}

/* Opens the stream; a request that is too long for the model is compressed and sent again. */
static err open_stream(agent_state *st, llm_stream **out, int64_t *prompt_tokens)
{
    enum { MOST_COMPRESSIONS = 20 };
    arena *kept = arena_new(st->s->arena);
    transient t = take_transient(st, kept);
    bool again = true;
    err e = OK;

    for (int tries = 0; again && e == OK; tries++)
        e = try_open(st, &t, tries < MOST_COMPRESSIONS, out, prompt_tokens, &again);
    arena_free(kept);
    return e;
}

/* The call that a fragment belongs to; NULL when there are too many. */
static turn_call *call_at(agent_state *st, turn *t, const llm_delta *d)
{
    enum { MOST_CALLS = 128 };
    turn_call **at = &t->calls;

    while (*at != NULL && (*at)->index != d->index)
        at = &(*at)->next;
    if (*at == NULL) {
        if (t->n_calls == MOST_CALLS)
            return NULL;
        *at = arena_one(st->s->arena, turn_call);
        (*at)->index = d->index;
        (*at)->arguments = BUF_INIT(MIB(4));
        t->n_calls++;
    }
    return *at;
}

/* When only its status was asked for, whatever else the model calls means that it goes on working
 * (contracts/sage-agent-runtime.md section 2.1). */
static void name_call(const agent_state *st, turn_call *c, const char *name)
{
    c->name = arena_strdup(st->s->arena, name);
    if (st->status_turn && !cstr_eq(name, "turn_status")) {
        c->coerced_from = c->name;
        c->name = "turn_status";
        c->arguments.len = 0;
        buf_puts(&c->arguments, "{\"status\":\"continue_work\"}");
    }
    c->hidden = cstr_eq(c->name, "turn_status");
}

/* The id of a call: the provider's own, unless it has used that before.  Results find their call by it, in clients too, and
 * some providers refuse what others send. */
static const char *id_of_call(const agent_state *st, const char *given)
{
    bool used = cstr_blank(given);

    for (size_t i = st->l->n; i > 0 && !used; i--)
        for (size_t c = 0; c < st->l->items[i - 1]->n_calls && !used; c++)
            used = cstr_eq(st->l->items[i - 1]->calls[c].id, given);
    return used ? arena_printf(st->s->arena, "call_%s", id_hex(st->s->arena, 24)) : arena_strdup(st->s->arena, given);
}

/* A tool call's fragment: shown as it comes, but for the runtime's own protocol. */
static err on_call_delta(agent_state *st, turn *t, const llm_delta *d)
{
    turn_call *c = call_at(st, t, d);
    buf b = BUF_INIT(MIB(32)); /* escaped, a fragment may be six times as long */
    err e;

    if (c == NULL)
        return fail_code(st->s, ERR_UPSTREAM, "llm.garbage", NULL, "the model asked for too many tools at once");
    if (c->id == NULL)
        c->id = id_of_call(st, d->id);
    if (c->name == NULL && d->name != NULL)
        name_call(st, c, d->name);
    if (c->coerced_from == NULL)
        buf_add(&c->arguments, d->text.p, d->text.len);
    if (!buf_ok(&c->arguments))
        return fail_code(st->s, ERR_UPSTREAM, "llm.garbage", NULL, "a tool call's arguments are larger than 4 MiB");
    if (c->hidden)
        return OK;
    buf_printf(&b, "{\"index\":%lld,\"id\":", (long long)c->index);
    json_put_cstr(&b, d->name != NULL ? c->id : NULL);
    buf_puts(&b, ",\"name\":");
    json_put_cstr(&b, d->name);
    buf_puts(&b, ",\"arguments\":");
    json_put_string(&b, d->text.p != NULL ? d->text.p : "", d->text.len);
    buf_putc(&b, '}');
    e = run_emit(st->s, st->r, EV_TOOL_CALL, t->message, b.data, b.len);
    buf_close(&b);
    return e;
}

/* A piece of the answer: kept, and shown as it comes. */
static err on_text(agent_state *st, turn *t, buf *whole, event_kind kind, str piece)
{
    buf_add(whole, piece.p, piece.len);
    if (!buf_ok(whole))
        return fail_code(st->s, ERR_UPSTREAM, "llm.garbage", NULL, "the model's answer is larger than %zu MiB",
                         whole->max >> 20);
    return run_emit(st->s, st->r, kind, t->message, piece.p, piece.len);
}

static err on_delta(agent_state *st, turn *t, const llm_delta *d, llm_usage *usage)
{
    switch (d->kind) {
    case LLM_TEXT: /* what is said beside the status was said before */
        return st->status_turn ? OK : on_text(st, t, &t->text, EV_TEXT, d->text);
    case LLM_REASONING:
        return on_text(st, t, &t->reasoning, EV_REASONING, d->text);
    case LLM_THOUGHT:
        if (t->thoughts.len > 0)
            buf_putc(&t->thoughts, ',');
        buf_add(&t->thoughts, d->text.p, d->text.len);
        return OK;
    case LLM_TOOL_CALL:
        return on_call_delta(st, t, d);
    case LLM_USAGE:
        *usage = d->usage;
        return OK;
    case LLM_STOP:
        t->finish = arena_strdup(st->s->arena, d->finish);
        return OK;
    }
    return OK;
}

/* What the model wants back with the results of its calls; NULL when there is nothing, or more than is kept. */
static const char *thoughts_of(const agent_state *st, const turn *t)
{
    buf b = BUF_INIT(SIZE_MAX - 1);
    char *text;

    if (t->thoughts.len == 0 || !buf_ok(&t->thoughts))
        return NULL;
    buf_puts(&b, "{\"model\":");
    json_put_cstr(&b, st->p->model.at.model);
    buf_puts(&b, ",\"blocks\":[");
    buf_add(&b, t->thoughts.data, t->thoughts.len);
    buf_puts(&b, "]}");
    text = arena_strndup(st->l->a, b.data, b.len);
    buf_close(&b);
    return text;
}

/* Arguments that are nearly JSON are made to be it; what cannot be helped is refused when the call is to run. */
static void mend_arguments(const agent_state *st, turn_call *c)
{
    arena *a = arena_new(st->s->arena);
    const char *object = "{}"; /* some providers send nothing for "no arguments", and refuse to get it back */

    if (!cstr_blank(buf_str(&c->arguments)))
        object = mend_object(a, (str){c->arguments.data, c->arguments.len});
    if (object != NULL) {
        buf_reset(&c->arguments);
        buf_puts(&c->arguments, object);
    }
    arena_free(a);
}

/* The response, as far as it came, as one ledger entry. */
static void keep_response(agent_state *st, turn *t, bool whole)
{
    llm_tool_call *calls = NULL;
    json_t *meta = NULL;
    size_t n = 0;

    if (whole && t->n_calls > 0) {
        calls = arena_array(st->l->a, llm_tool_call, t->n_calls);
        for (turn_call *c = t->calls; c != NULL; c = c->next) {
            if (c->coerced_from != NULL && meta == NULL)
                json_set_str(meta = json_hold(st->l->a, json_object()), "coerced_from", c->coerced_from);
            mend_arguments(st, c);
            calls[n++] = (llm_tool_call){.id = c->id,
                                         .name = c->name != NULL ? c->name : "",
                                         .arguments = arena_strdup(st->l->a, buf_str(&c->arguments))};
        }
    }
    if (t->text.len == 0 && t->reasoning.len == 0 && n == 0)
        return;
    ledger_add(
        st->l,
        (entry){
            .id = t->message->id,
            .role = ROLE_ASSISTANT,
            .type = n > 0 ? "tool_call" : "do_subtask_result",
            .text = t->text.len > 0 ? arena_strndup(st->l->a, t->text.data, t->text.len) : NULL,
            .reasoning = t->reasoning.len > 0 ? arena_strndup(st->l->a, t->reasoning.data, t->reasoning.len) : NULL,
            .thoughts = n > 0 ? thoughts_of(st, t) : NULL,
            .calls = calls,
            .n_calls = n,
            .metadata = meta,
            .agent_name = st->p->speaker,
        });
}

/* A stream that broke off: calls that are only half there are closed, so that nobody waits for them. */
static void discard_calls(agent_state *st, turn *t)
{
    static const char text[] =
        "{\"success\": false, \"status\": \"discarded\", \"error\": \"Partial streamed tool call discarded "
        "because the LLM stream ended before a complete response.\"}";

    for (turn_call *c = t->calls; c != NULL; c = c->next) {
        json_t *meta = json_object(), *payload = json_object();
        const run_message *m = run_message_new(st->r, id_uuid4(st->s->arena), st->p->session_id, st->p->speaker);

        json_set_bool(meta, "partial_stream_discarded", true);
        json_set_str(payload, "tool_call_id", c->id);
        json_set_str(payload, "name", c->name);
        json_set_str(payload, "content", text);
        json_set(payload, "metadata", meta);
        if (!c->hidden && run_emit_json(st->s, st->r, EV_TOOL_RESULT, m, payload) != OK)
            return;
    }
    t->n_calls = 0;
}

static void count_usage(agent_state *st, const turn *t, const char *model, int64_t prompt_tokens, llm_usage u)
{
    if (u.prompt == 0 && u.completion == 0) { /* the provider does not tell: our estimate is better than nothing */
        u.prompt = prompt_tokens;
        u.completion = tokens_of_text((str){buf_str(&t->text), t->text.len}) +
                       tokens_of_text((str){buf_str(&t->reasoning), t->reasoning.len});
    }
    if (u.total == 0)
        u.total = u.prompt + u.completion;
    usage_add(st->s->arena, &st->out->usage, "direct_execution", model, &u);
}

/* The provider ended the answer before its first word, for what it would have said. */
static bool is_withheld(const turn *t)
{
    return t->text.len == 0 && t->n_calls == 0 && cstr_eq(t->finish, "content_filter");
}

err turn_ask(agent_state *st, turn *t)
{
    llm_usage usage = {0};
    llm_stream *stream = NULL;
    int64_t prompt_tokens = 0;
    bool begun;
    llm_delta d;
    err e;

    t->message = run_message_new(st->r, id_uuid4(st->s->arena), st->p->session_id, st->p->speaker);
    e = open_stream(st, &stream, &prompt_tokens);
    fiber_trim(); /* the way to here was deep; a slow stream stays shallow */
    while (e == OK && (e = llm_next(st->s, stream, &d)) == OK)
        e = on_delta(st, t, &d, &usage);
    begun = stream != NULL;
    if (begun)
        count_usage(st, t, llm_stream_model(stream), prompt_tokens, usage);
    llm_close(stream);
    keep_response(st, t, e == ERR_CLOSED);
    if (e == ERR_CLOSED && is_withheld(t)) {
        e = fail_code(st->s, ERR_UPSTREAM, "llm.content_filter", NULL,
                      "The provider's content inspection withheld the answer");
        begun = false; /* nothing was said */
    }
    if (e == ERR_CLOSED) {
        if (t->n_calls == 0 && !st->status_turn)
            return run_emit(st->s, st->r, EV_TEXT_END, t->message, NULL, 0);
        return OK;
    }
    if (e != ERR_CANCELLED && st->s->ended != ERR_CANCELLED) {
        if (begun)
            discard_calls(st, t);
        notice_failure(st, e, begun);
    }
    return e;
}
