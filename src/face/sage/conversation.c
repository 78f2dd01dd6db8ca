/* SPDX-License-Identifier: MIT */
/* Conversations: list, messages, the shared view, title, deletion (contracts/sage-chat-agents.md section 5). */
#include "model/conversation.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "agent/chat.h"
#include "auth/identity.h"
#include "auth/network.h"
#include "auth/rate.h"
#include "base/clock.h"
#include "face/sage/envelope.h"
#include "face/sage/filter.h"
#include "face/sage/handlers.h"
#include "face/sage/lines.h"
#include "face/sage/locale.h"

static owned_by caller(const request *rq)
{
    return rq->user->admin ? OWNED_BY_ANYONE : owned_by_user(rq->user->user_id);
}

static void set_time(request *rq, json_t *o, const char *key, int64_t wall_us)
{
    json_set_str(o, key, clock_iso_local(rq->scope->arena, wall_us));
}

err sage_own_conversation(request *rq, const char *session, const char *denied, conversation_row **out)
{
    conversation_row *row;
    err e = conversation_find(rq->scope, OWNED_BY_ANYONE, session, &row);

    if (e == ERR_NOT_FOUND)
        return fail_code(rq->scope, e, "conversation.not_exist", session, "Conversation %s does not exist", session);
    TRY(e);
    if (!cstr_eq(row->user_id, rq->user->user_id))
        return fail_code(rq->scope, ERR_DENIED, denied, session, "the conversation belongs to somebody else");
    if (out != NULL)
        *out = row;
    return OK;
}

/* The list */

typedef struct {
    int64_t page, page_size;
    const char *user_id, *search, *agent_id, *sort_by;
} list_args;
static const field list_fields[] = {
    FIELD(list_args, page, .min = 1, .max = 1e15, .fallback = "1", .text = "From 1"),
    FIELD(list_args, page_size, .min = 1, .max = 100, .fallback = "10", .text = "Conversations a page"),
    FIELD(list_args, user_id, .text = "Ignored: everybody sees his own, administrators see all"),
    FIELD(list_args, search, .text = "Part of the title or of the session id"),
    FIELD(list_args, agent_id, .text = "Only those with this agent"),
    FIELD(list_args, sort_by, .fallback = "date", .text = "date, title or messages"),
};
const schema sage_conversation_list_schema = SCHEMA(list_args, list_fields);

/* Under which id traces of a session are kept: the MD5 of its name, in hexadecimal. */
static const char *trace_id(const char *session_id, char out[2 * EVP_MAX_MD_SIZE + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (EVP_Digest(session_id, strlen(session_id), digest, &len, EVP_md5(), NULL) != 1)
        return NULL; /* a system that allows no MD5 */
    hex_encode(digest, len, out);
    return out;
}

static json_t *row_json(request *rq, const conversation_row *c)
{
    char trace[2 * EVP_MAX_MD_SIZE + 1];
    json_t *o = json_object();

    json_set_str(o, "session_id", c->session_id);
    if (c->agent_id != NULL)
        json_set_str(o, "agent_id", c->agent_id);
    if (c->agent_name != NULL)
        json_set_str(o, "agent_name", c->agent_name);
    json_set_str(o, "title", c->title);
    json_set_int(o, "message_count", c->message_count);
    json_set_int(o, "user_count", c->user_count);
    json_set_int(o, "agent_count", c->agent_count);
    set_time(rq, o, "created_at", c->created_at);
    set_time(rq, o, "updated_at", c->updated_at);
    json_set_str(o, "user_id", c->user_id);
    json_set_str(o, "trace_id", trace_id(c->session_id, trace));
    return o;
}

static conversation_order order_of(const char *name)
{
    return cstr_eq(name, "title")      ? CONVERSATIONS_BY_TITLE
           : cstr_eq(name, "messages") ? CONVERSATIONS_BY_SIZE
                                       : CONVERSATIONS_BY_DATE;
}

/* GET /api/conversations */
err sage_conversation_list(request *rq, response *rs)
{
    const list_args *in = rq->args;
    conversation_filter f = {
        .who = caller(rq),
        .agent_id = sage_filter(in->agent_id),
        .search = sage_filter(in->search),
        .order = order_of(in->sort_by),
        .page = {.offset = (in->page - 1) * in->page_size, .limit = in->page_size},
    };
    json_t *data = json_hold(rq->scope->arena, json_object()), *list = json_array();
    conversation_row *rows;
    int64_t total, pages;
    size_t n;

    json_set(data, "list", list);
    TRY(conversation_list(rq->scope, &f, &rows, &n, &total));
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, row_json(rq, &rows[i]));
    pages = (total + in->page_size - 1) / in->page_size;
    json_set_int(data, "total", total);
    json_set_int(data, "page", in->page);
    json_set_int(data, "page_size", in->page_size);
    json_set_int(data, "total_pages", pages);
    json_set_bool(data, "has_next", in->page < pages);
    json_set_bool(data, "has_prev", in->page > 1);
    if (!rq->user->admin)
        json_set_str(data, "user_id", rq->user->user_id);
    return sage_ok(rq, rs, "conversation.list_loaded", NULL, json_incref(data));
}

/* Messages */

static json_t *calls_json(const entry *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->n_calls; i++) {
        json_t *call = json_object(), *function = json_object();

        if (cstr_eq(e->calls[i].name, "turn_status")) {
            json_decref(call);
            json_decref(function);
            continue;
        }
        json_set_str(function, "name", e->calls[i].name);
        json_set_str(function, "arguments", e->calls[i].arguments);
        json_set_str(call, "id", e->calls[i].id);
        json_set_str(call, "type", "function");
        json_set(call, "function", function);
        json_array_append_new(list, call);
    }
    return list;
}

static json_t *entry_json(arena *a, const char *session, const entry *e)
{
    json_t *o = json_object(), *calls = calls_json(e);

    json_set_str(o, "role", e->role == ROLE_USER ? "user" : e->role == ROLE_TOOL ? "tool" : "assistant");
    if (e->parts != NULL)
        json_set(o, "content", json_incref(e->parts));
    else if (e->text != NULL)
        json_set_str(o, "content", e->role == ROLE_TOOL ? lines_clean_result(a, e->text) : e->text);
    if (e->reasoning != NULL)
        json_set_str(o, "reasoning_content", e->reasoning);
    if (json_array_size(calls) > 0)
        json_set(o, "tool_calls", json_incref(calls));
    if (e->tool_call_id != NULL)
        json_set_str(o, "tool_call_id", e->tool_call_id);
    json_decref(calls);
    json_set_str(o, "message_id", e->id);
    json_set_str(o, "type", e->type);
    json_set_str(o, "message_type", e->type);
    json_set_num(o, "timestamp", (double)e->time / 1e6);
    json_set_str(o, "chunk_id", e->id);
    json_set_bool(o, "is_final", false);
    json_set_bool(o, "is_chunk", false);
    if (e->agent_name != NULL)
        json_set_str(o, "agent_name", e->agent_name);
    json_set(o, "metadata", e->metadata != NULL ? json_incref(e->metadata) : json_object());
    json_set_str(o, "session_id", session);
    return o;
}

/* Looks backwards: a call is near its result, and some models use the same ids again and again. */
static bool is_status_result(const ledger *l, size_t at)
{
    const entry *e = l->items[at];

    for (size_t i = at; e->role == ROLE_TOOL && i > 0; i--)
        for (size_t c = 0; c < l->items[i - 1]->n_calls; c++)
            if (cstr_eq(l->items[i - 1]->calls[c].id, e->tool_call_id))
                return cstr_eq(l->items[i - 1]->calls[c].name, "turn_status");
    return false;
}

static json_t *ledger_json(arena *a, const char *session, const ledger *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < l->n; i++) {
        const entry *e = l->items[i];
        json_t *o;

        if (!chat_shows(e) || is_status_result(l, i))
            continue;
        o = entry_json(a, session, e);
        if (e->n_calls > 0 && json_object_get(o, "tool_calls") == NULL && cstr_blank(e->text)) {
            json_decref(o); /* nothing but a hidden call */
            continue;
        }
        json_array_append_new(list, o);
    }
    return list;
}

/*
 * Where a client that has these messages goes on in the live run's stream: at the first line of a message that is not
 * among them.  What the run has said of an unfinished message is replayed from there, so nothing is missing or doubled,
 * whenever the two were read.
 */
static uint64_t next_line(run *r, const ledger *stored)
{
    run_reader *rd = run_reader_open(r, NULL, NULL);
    lines_state lines = {.skip = UINT64_MAX, .progress = run_facts(r)->shows_progress}; /* count, do not render */
    const run_message *known = NULL;
    uint64_t next = 0;
    event ev;

    while (run_reader_next(rd, &ev)) {
        if (ev.message != NULL && ev.message != known) {
            if (ledger_find(stored, ev.message->id) == NULL)
                break;
            known = ev.message;
        }
        lines_render(&lines, r, &ev, NULL);
        next = lines.produced;
    }
    run_reader_close(rd);
    return next;
}

static json_t *info_json(request *rq, const conversation_row *c)
{
    json_t *o = json_object();

    json_set_str(o, "session_id", c->session_id);
    json_set_str(o, "agent_id", c->agent_id);
    json_set_str(o, "agent_name", c->agent_name);
    json_set_str(o, "title", c->title);
    set_time(rq, o, "created_at", c->created_at);
    set_time(rq, o, "updated_at", c->updated_at);
    return o;
}

static err answer_messages(request *rq, response *rs, owned_by who)
{
    const char *session = request_param(rq, "session_id");
    arena *a = rq->scope->arena;
    uint64_t next = 0;
    conversation_row *row;
    json_t *data, *list;
    ledger *l;
    run *live;
    err e;

    TRY(conversation_find(rq->scope, who, session, &row));
    TRY(chat_history(rq->scope, a, session, &l));
    live = hub_find(session);
    if (live != NULL && run_state(live) == RUN_LIVE)
        next = next_line(live, l);
    run_unref(live);
    list = ledger_json(a, session, l);
    data = json_object();
    json_set_str(data, "conversation_id", session);
    json_set(data, "messages", list);
    json_set_int(data, "message_count", (int64_t)json_array_size(list));
    json_set_int(data, "next_stream_index", (int64_t)next);
    json_set(data, "conversation_info", info_json(rq, row));
    e = sage_ok(rq, rs, "conversation.messages_loaded", NULL, data);
    if (e == ERR_TOO_LARGE)
        return fail_code(rq->scope, e, "conversation.too_large_to_show", session,
                         "the conversation is too large to be shown at once");
    return e;
}

/* GET /api/conversations/{session_id}/messages */
err sage_conversation_messages(request *rq, response *rs)
{
    return answer_messages(rq, rs, caller(rq));
}

enum { GUESSES_PER_MINUTE = 30, GUESSERS_MAX = 10000 };

static rate_limiter *guesses;

static void make_guesses(void)
{
    guesses = rate_new(GUESSES_PER_MINUTE, MINUTES(1), GUESSERS_MAX);
}

/*
 * GET /api/share/conversations/{session_id}/messages: a public link, for whoever knows the id.
 *
 * Ids of the web client are little more than a time, so who asks for unknown ones must soon wait, and gets nothing at all
 * until then: an answer to the right id only would tell it.  A request counts while it is under way, or many at once would be
 * free.
 */
err sage_conversation_shared(request *rq, response *rs)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char client[NETWORK_CLIENT_SIZE];
    rate_state st;
    err e;

    pthread_once(&once, make_guesses);
    network_client(rq->peer, client);
    if (!rate_take(guesses, client, 1, clock_mono(), &st))
        return fail_code(rq->scope, ERR_RATE, "error.rate",
                         arena_printf(rq->scope->arena, "%lld", (long long)(st.retry_after / SECONDS(1)) + 1),
                         "too many unknown conversations were asked for");
    e = answer_messages(rq, rs, OWNED_BY_ANYONE);
    if (e != ERR_NOT_FOUND)
        rate_give_back(guesses, client, 1);
    return e;
}

typedef struct {
    const char *title;
} title_body;
static const field title_fields[] = {FIELD(title_body, title, .required = true, .not_null = true, .max = 255)};
const schema sage_title_schema = SCHEMA(title_body, title_fields);

/* POST /api/conversations/{session_id}/title */
err sage_conversation_title(request *rq, response *rs)
{
    const title_body *in = rq->body;
    const char *session = request_param(rq, "session_id");
    json_t *data;
    err e = conversation_set_title(rq->scope, caller(rq), session, in->title);

    if (e == ERR_NOT_FOUND)
        return fail_code(rq->scope, e, "conversation.not_exist", session, "Conversation %s does not exist", session);
    TRY(e);
    data = json_object();
    json_set_str(data, "session_id", session);
    json_set_str(data, "title", in->title);
    return sage_ok(rq, rs, "conversation.title_updated", NULL, data);
}

typedef struct {
    const char *content;
} edit_body;
static const field edit_fields[] = {
    FIELD(edit_body, content, .required = true, .not_null = true, .text = "The new text of the message"),
};
const schema sage_edit_schema = SCHEMA(edit_body, edit_fields);

/* POST /api/conversations/{session_id}/edit-last-user-message: what came after the message is gone. */
err sage_conversation_edit(request *rq, response *rs)
{
    const edit_body *in = rq->body;
    const char *session = request_param(rq, "session_id");
    arena *a = rq->scope->arena;
    sage_locale l = locale_of(rq);
    chat_edit edit = {
        .session_id = session,
        .text = in->content,
        .reason = locale_text(a, l, "chat.session_edited", NULL),
        .empty_title = locale_text(a, l, "conversation.new_title", NULL),
    };
    chat_edited now;
    json_t *data, *list;

    TRY(sage_own_conversation(rq, session, "conversation.edit_forbidden", NULL));
    TRY(chat_edit_last(rq->scope, &edit, &now));
    list = json_hold(a, ledger_json(a, session, now.ledger));
    data = json_object();
    json_set_str(data, "session_id", session);
    json_set_str(data, "title", now.title);
    json_set_int(data, "message_count", (int64_t)json_array_size(list));
    json_set(data, "last_user_message", json_incref(json_array_get(list, json_array_size(list) - 1)));
    return sage_ok(rq, rs, "conversation.edited", NULL, data);
}

/* POST /api/sessions/{session_id}/tasks_status: the task list of the conversation. */
err sage_tasks_status(request *rq, response *rs)
{
    const char *session = request_param(rq, "session_id");
    tool_context cx = {.session_id = session};
    conversation_row *row;
    json_t *data, *status, *tasks;
    err e = conversation_find(rq->scope, caller(rq), session, &row);

    if (e == ERR_NOT_FOUND)
        return fail_code(rq->scope, e, "chat.session_over", session, "Session %s has completed or does not exist",
                         session);
    TRY(e);
    cx.workspace = chat_workspace(rq->scope->arena, row->user_id, row->agent_id);
    TRY(tool_todo_list(rq->scope, &cx, &tasks));
    status = json_object();
    json_set(status, "tasks", tasks);
    data = json_object();
    json_set_str(data, "session_id", session);
    json_set(data, "tasks_status", status);
    json_set_str(data, "user_id", rq->user->user_id);
    return sage_ok(rq, rs, "chat.tasks_loaded", session, data);
}

/* DELETE /api/conversations/{session_id}: stops its run as well. */
err sage_conversation_delete(request *rq, response *rs)
{
    const char *session = request_param(rq, "session_id");
    json_t *data;

    TRY(sage_own_conversation(rq, session, "conversation.delete_forbidden", NULL));
    TRY(chat_delete(rq->scope, session, "the conversation was deleted"));
    data = json_object();
    json_set_str(data, "session_id", session);
    return sage_ok(rq, rs, "conversation.deleted", session, data);
}
