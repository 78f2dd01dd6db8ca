/* SPDX-License-Identifier: MIT */
/*
 * The life of a chat turn: prepare, begin, run, end.
 *
 * The call of the model and the write that begins a turn go out at the same time; the caller of chat_start() waits for the
 * write, so that a full disk is an ordinary error.  The write that ends it is on disk before anybody sees the end.
 */
#include "agent/chat.h"

#include <limits.h>
#include <stdlib.h>

#include "agent/chat_internal.h"
#include "agent/replay.h"
#include "agent/tags.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "rt/loop.h"

static chat_settings settings = {
    .workspaces = "agents",
    .run_timeout = MINUTES(60),
    .max_parallel_tools = 10,
};

void chat_configure(const chat_settings *s)
{
    static char absolute[PATH_MAX];

    settings = *s;
    if (realpath(s->workspaces, absolute) != NULL) /* tools tell models where their files are */
        settings.workspaces = absolute;
}

const chat_settings *chat_configured(void)
{
    return &settings;
}

/* Returns whether the end was stored. */
static err finish(chat *c, err e)
{
    run_status status = e == OK ? RUN_COMPLETED : c->s->ended == ERR_CANCELLED ? RUN_INTERRUPTED : RUN_FAILED;
    const char *reason = status == RUN_COMPLETED     ? NULL
                         : status == RUN_INTERRUPTED ? c->s->reason
                                                     : scope_failure(c->s, e).text;
    scope *end = scope_new("run-end");
    err stored = OK;

    scope_set_timeout(end, SECONDS(30));
    while (c->begun == BEGIN_PENDING) {
        c->waits_for_begin = fiber_self();
        fiber_park_shielded();
    }
    if (c->begun == BEGIN_STORED)
        stored = chat_save_end(end, c, status, reason);
    if (stored != OK) {
        failure f = scope_failure(end, stored);

        log_error("run.not_stored", log_str("run", c->row.id), log_str("reason", f.text));
    }
    if (c->stateless) /* that its usage is not known is no reason to fail */
        stored = OK;
    if (stored != OK) {
        status = RUN_FAILED;
        reason = "the conversation could not be stored";
    }
    if (stored != OK) {
        const run_message *m = run_message_new(c->run, id_uuid4(end->arena), c->plan.session_id, c->plan.speaker);
        json_t *told = json_object();

        json_set_str(told, "code", "chat.not_stored");
        json_set_str(told, "type", "error");
        json_set_str(told, "reason", reason);
        json_set_str(told, "content", reason);
        run_emit_json(end, c->run, EV_FAILURE, m, told); /* the status at the end says it as well */
    }
    if (status != RUN_INTERRUPTED)
        run_emit_json(end, c->run, EV_USAGE, NULL, usage_json(&c->outcome.usage));
    run_finish(c->run, status, reason);
    scope_close(end);
    return stored;
}

static err chat_fiber(scope *root, void *arg)
{
    chat *c = arg;
    scope *s = c->s;

    if (finish(c, agent_run(s, c->run, &c->plan, c->ledger, &c->outcome)) != OK)
        chat_mark_failed_later(root, c);
    run_unref(c->run);
    scope_close(s);
    return OK;
}

static char *title_of(arena *a, const chat_request *rq)
{
    const json_t *content = json_object_get(json_array_get(rq->messages, 0), "content");
    const char *text = json_string_value(content);
    char *title;

    if (text == NULL)
        text = json_get_str(tags_text_part(content), "text", "");
    title = tags_title(a, text);
    return *title != '\0' ? title : arena_strdup(a, rq->empty_title != NULL ? rq->empty_title : "New conversation");
}

static err store_beginning(scope *s, void *arg)
{
    return turn_begin(s, arg);
}

/* Starts the run's fiber and waits until the beginning is on disk.  The run comes first: its request is on the way to the
 * model when the writer gets to work, which may well take this processor for it. */
static err begin(scope *prep, chat *c, const chat_request *rq, const merged_config *m)
{
    const run_info *facts = run_facts(c->run);
    const char *user = rq->user_id != NULL ? rq->user_id : "default_user";
    conversation_row row = {.session_id = facts->session_id,
                            .user_id = user,
                            .agent_id = m->agent_id,
                            .agent_name = m->agent_name,
                            .title = title_of(prep->arena, rq)};
    turn_start start = {.who = rq->admin ? OWNED_BY_ANYONE : owned_by_user(user), .conversation = &row, .run = &c->row};
    message_row *rows;
    scope *storing;
    err e;

    if (m->agent_id == NULL) { /* a conversation keeps the agent that it had */
        row.agent_id = c->is_new ? NO_AGENT : NULL;
        row.agent_name = c->is_new ? m->agent_name : NULL;
    }
    c->row = (run_row){.id = facts->id,
                       .session_id = facts->session_id,
                       .user_id = arena_strdup(c->s->arena, user),
                       .agent_id = m->agent_id != NULL ? arena_strdup(c->s->arena, m->agent_id) : NO_AGENT,
                       .source = arena_strdup(c->s->arena, rq->source),
                       .status = "running",
                       .started_at = clock_wall()};
    if (c->stateless) {
        c->begun = BEGIN_STORED;
        scope_spawn(loop_root(c->s->loop), chat_fiber, c);
        return OK;
    }
    start.n_messages = chat_take_unstored(c->ledger, prep->arena, &rows);
    start.messages = rows;
    scope_spawn(loop_root(c->s->loop), chat_fiber, c);
    storing = scope_child(prep, NO_LIMIT);
    scope_spawn(storing, store_beginning, &start);
    e = scope_join(storing);
    fail_from(prep, storing, e);
    scope_close(storing);
    /* The run may not have looked yet, or may be waiting for this; it lives on until it has seen it. */
    c->begun = e == OK ? BEGIN_STORED : BEGIN_FAILED;
    if (e != OK)
        run_interrupt(c->run, "the beginning of the turn could not be stored"); /* who tries again waits for its end */
    if (c->waits_for_begin != NULL)
        fiber_wake(c->waits_for_begin);
    return e;
}

static bool is_session_id(const char *id)
{
    return utf8_valid(id, strlen(id)) && utf8_count(str_of(id)) <= 255;
}

static err check(scope *s, const chat_request *rq, const merged_config *m)
{
    enum { MESSAGES_MAX = 1000 };

    if (json_array_size(rq->messages) == 0 && !rq->rerun)
        return fail_code(s, ERR_INVALID, "chat.messages_empty", NULL, "the message list cannot be empty");
    if (json_array_size(rq->messages) > MESSAGES_MAX)
        return fail_code(s, ERR_INVALID, "chat.message_invalid", NULL, "a request carries at most %d messages",
                         MESSAGES_MAX);
    if (m->max_loops == 0)
        return fail_code(s, ERR_INVALID, "chat.max_loops_required", NULL, "max_loop_count must be given");
    if (m->max_loops < 0)
        return fail_code(s, ERR_INVALID, "chat.max_loops_required", NULL, "max_loop_count must be at least 1");
    if (rq->session_id != NULL && !is_session_id(rq->session_id))
        return fail_code(s, ERR_INVALID, "chat.session_id_invalid", NULL,
                         "the session id is longer than 255 characters");
    return OK;
}

/* What is being answered, for lists of running sessions: the first new message, or the last old one. */
static err query_of(scope *prep, const chat_request *rq, const char **out)
{
    const json_t *first = json_object_get(json_array_get(rq->messages, 0), "content");
    const entry *last = NULL;
    ledger *l;

    if (first == NULL && rq->rerun) {
        TRY(chat_history(prep, prep->arena, rq->session_id, &l));
        last = ledger_last_user(l);
        first = last == NULL ? NULL : last->parts != NULL ? last->parts : json_hold(prep->arena, json_str(last->text));
    }
    *out = first != NULL ? json_text(prep->arena, first) : NULL;
    return OK;
}

static err enter_run(scope *prep, chat *c, const chat_request *rq, const merged_config *m)
{
    run_info info = {
        .session_id = cstr_blank(rq->session_id) ? id_uuid4(prep->arena) : rq->session_id,
        .user_id = rq->user_id,
        .agent_id = m->agent_id,
        .managed = rq->managed,
        .shows_progress = rq->shows_progress,
        .replace = rq->replace,
        .replace_any = rq->admin,
    };
    err e = query_of(prep, rq, &info.query);

    if (e != OK)
        return fail_from(c->s, prep, e);
    return run_begin(c->s, &info, &c->run);
}

static err prepare(scope *prep, chat *c, const chat_request *rq, const merged_config *m)
{
    TRY(chat_make_plan(prep, c, rq, m));
    if (rq->stateless) {
        c->ledger = ledger_new(c->s->arena);
        return replay_messages(prep, c->ledger, rq->messages);
    }
    c->plan.save = chat_save_progress;
    c->plan.save_arg = c;
    c->ledger = ledger_new(c->s->arena);
    if (!c->is_new)
        TRY(chat_history(prep, c->s->arena, c->plan.session_id, &c->ledger));
    if (rq->rerun)
        TRY(chat_join_rerun(prep, c));
    return chat_join_messages(prep, c, rq->messages);
}

/* Nobody goes on with somebody else's conversation. */
static err check_session(scope *prep, const chat_request *rq, bool *is_new)
{
    conversation_row *row;
    err e;

    *is_new = true;
    if (cstr_blank(rq->session_id))
        return OK;
    e = conversation_find(prep, OWNED_BY_ANYONE, rq->session_id, &row);
    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    *is_new = false;
    if (!rq->admin && !cstr_eq(row->user_id, rq->user_id != NULL ? rq->user_id : "default_user"))
        return fail_code(prep, ERR_DENIED, "conversation.not_yours", rq->session_id,
                         "the conversation belongs to somebody else");
    return OK;
}

err chat_start(scope *s, const chat_request *rq, run **out)
{
    scope *prep = scope_child(s, NO_LIMIT), *rs;
    merged_config m;
    run *watched;
    bool is_new;
    chat *c;
    err e;

    if ((e = resolve_config(prep, rq, &m)) == OK && m.max_loops == 0)
        m.max_loops = settings.default_max_loops;
    if (e != OK || (e = check(prep, rq, &m)) != OK || (e = check_session(prep, rq, &is_new)) != OK) {
        fail_from(s, prep, e);
        scope_close(prep);
        return e;
    }
    rs = scope_new("run"); /* not below the loop's: at a stop, runs get their grace (cli/serve.c) */
    scope_set_timeout(rs, settings.run_timeout);
    rs->id = arena_strdup(rs->arena, s->id);
    c = arena_one(rs->arena, chat);
    c->s = rs;
    c->is_new = is_new;
    c->stateless = rq->stateless;
    if ((e = enter_run(prep, c, rq, &m)) != OK) {
        fail_from(s, rs, e);
        scope_close(rs);
        scope_close(prep);
        return e;
    }
    watched = run_ref(c->run);
    if (run_waited(c->run)) /* the one before may have made the conversation */
        e = check_session(prep, rq, &c->is_new);
    if (e == OK && (e = prepare(prep, c, rq, &m)) == OK) {
        e = begin(prep, c, rq, &m); /* from here on the run's fiber owns `c` */
        if (e != OK)
            fail_from(s, prep, e);
    } else {
        fail_from(s, prep, e);
        run_finish(c->run, RUN_FAILED, NULL);
        run_unref(c->run);
        scope_close(rs);
    }
    scope_close(prep);
    if (e != OK)
        run_unref(watched);
    else
        *out = watched;
    return e;
}
