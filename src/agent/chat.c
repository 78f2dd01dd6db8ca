/* SPDX-License-Identifier: MIT */
/*
 * The life of a chat turn: prepare, begin, run, end.
 *
 * The write that begins a turn and the call of the model go out at the same time; the caller of chat_start() waits for the
 * write, so that a full disk is an ordinary error.  The write that ends it is on disk before anybody sees the end.
 */
#include "agent/chat.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/agent_internal.h"
#include "agent/attach.h"
#include "agent/replay.h"
#include "agent/resolve.h"
#include "agent/tags.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "model/turn.h"
#include "rt/fiber.h"
#include "rt/loop.h"
#include "rt/sleep.h"

#define NO_AGENT "default_agent" /* stands where an agent's id is needed and there is none */

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

typedef struct {
    scope *s; /* of the run: closed by its fiber */
    run *run;
    plan plan;
    ledger *ledger;
    agent_outcome outcome;
    run_row row;
    bool is_new;                                              /* the session has no conversation yet */
    bool stateless;                                           /* and will have none */
    enum { BEGIN_PENDING, BEGIN_STORED, BEGIN_FAILED } begun; /* the write that begins the turn */
    fiber *waits_for_begin;
} chat;

/* Preparing */

char *chat_workspace(arena *a, const char *user_id, const char *agent_id)
{
    char *user = percent_encode(a, str_of(user_id != NULL ? user_id : "default_user"));
    char *agent = percent_encode(a, str_of(agent_id != NULL ? agent_id : NO_AGENT));

    /* "." and ".." are unreserved characters, and not names */
    return arena_printf(a, "%s/%s%s/%s%s", settings.workspaces, *user == '.' ? "_" : "", user, *agent == '.' ? "_" : "",
                        agent);
}

err chat_make_workspace(scope *s, const char *path)
{
    char *parent = arena_strdup(s->arena, path);

    *strrchr(parent, '/') = '\0';
    if ((mkdir(parent, 0700) != 0 && errno != EEXIST) || (mkdir(path, 0700) != 0 && errno != EEXIST))
        return fail(s, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "cannot make the agent's workspace: %s",
                    strerror(errno));
    return OK;
}

static bool named(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (cstr_eq(json_string_value(json_array_get(names, i)), name))
            return true;
    return false;
}

static bool is_shell(const char *name)
{
    return cstr_eq(name, "execute_shell_command") || cstr_eq(name, "await_shell") || cstr_eq(name, "kill_shell");
}

/* Which of all tools a run offers (contracts/sage-agent-runtime.md section 6.1). */
static bool offers(const tool *t, const merged_config *m, completion_mode until)
{
    const json_t *names = m->tools;
    bool any = json_array_size(names) == 0 && !m->only_named_tools;

    if (cstr_eq(t->name, "turn_status"))
        return until == UNTIL_TURN_STATUS;
    if (cstr_eq(t->name, "tool_expand_tools")) /* offered only when the list was narrowed, which we do not do */
        return false;
    if (t->kind == TOOL_ACTION && m->actions != NULL) /* the source has listed what the agent names */
        return true;
    if (any)
        return !t->explicit_only;
    if (is_shell(t->name) &&
        (named(names, "execute_shell_command") || named(names, "await_shell") || named(names, "kill_shell")))
        return true;
    return named(names, t->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const tool *const *)a)->name, (*(const tool *const *)b)->name);
}

static err choose_tools(scope *prep, chat *c, const merged_config *m)
{
    const tool **all;
    size_t n;

    TRY(tool_list(prep, c->s->arena, &c->plan.tool_context, &all, &n));
    c->plan.tools = arena_array(c->s->arena, const tool *, n);
    for (size_t i = 0; i < n; i++)
        if (offers(all[i], m, c->plan.until))
            c->plan.tools[c->plan.n_tools++] = all[i];
    qsort(c->plan.tools, c->plan.n_tools, sizeof *c->plan.tools, by_name);
    for (size_t i = 0; i < c->plan.n_tools; i++)
        c->plan.prompt.has_todo |= cstr_eq(c->plan.tools[i]->name, "todo_write");
    c->plan.prompt.has_tools = c->plan.n_tools > 0;
    return OK;
}

static const char *append(arena *a, const char *text, const char *more)
{
    if (cstr_blank(more))
        return text;
    return cstr_blank(text) ? more : arena_printf(a, "%s\n\n%s", text, more);
}

/* The system prompt of agent or request, the agent's files, and what else stands behind it. */
static err find_role(scope *prep, arena *a, const chat_request *rq, const merged_config *m, const char **out)
{
    owned_by owner = m->agent_owner != NULL ? owned_by_user(m->agent_owner) : owned_by_user(rq->user_id);
    const char *files;

    TRY(attach_for_prompt(prep, prep->arena, owner, m->attachments, &files));
    *out = arena_strdup(a, append(prep->arena, append(prep->arena, m->system_prefix, files), rq->system_suffix));
    return OK;
}

/* Everything that the run needs after the request is gone, in its own scope. */
static err make_plan(scope *prep, chat *c, const chat_request *rq, const merged_config *m)
{
    arena *a = c->s->arena;
    plan *p = &c->plan;
    const char *language = prompt_language(m->response_language);
    json_t *context = json_hold(a, json_incref(m->system_context));

    *p = (plan){
        .session_id = run_facts(c->run)->session_id,
        .speaker = "SimpleAgent",
        .until = rq->stateless ? UNTIL_NO_TOOL_CALL : settings.until,
        .max_loops = m->max_loops,
        .max_parallel_tools = settings.max_parallel_tools,
        .tool_context = {.user_id = arena_strdup(a, rq->user_id),
                         .admin = rq->admin,
                         .session_id = run_facts(c->run)->session_id,
                         .agent_id = run_facts(c->run)->agent_id,
                         .workspace = chat_workspace(a, rq->user_id, m->agent_id),
                         .language = language,
                         .system_context = context,
                         .actions = m->actions != NULL ? json_hold(a, json_deep_copy(m->actions)) : NULL},
        .prompt = {.language = language,
                   .response_language = json_get_str(context, "response_language", "en-US"),
                   .system_context = context,
                   .turn_status = settings.until == UNTIL_TURN_STATUS && !rq->stateless},
        .model = {.response_format =
                      rq->response_format != NULL ? json_hold(a, json_deep_copy(rq->response_format)) : NULL},
    };
    p->prompt.workspace = p->tool_context.workspace;
    TRY(find_role(prep, a, rq, m, &p->prompt.role));
    TRY(resolve_model(prep, a, rq, m, &p->model.at));
    p->tool_context.multimodal = !p->model.at.no_images;
    TRY(chat_make_workspace(prep, p->tool_context.workspace));
    p->tool_context.session = tool_session_new(c->s);
    return choose_tools(prep, c, m);
}

/* The ledger */

/* One message of the request as a ledger entry. */
static err read_message(scope *s, arena *a, const json_t *v, control_tags *tags, entry *out)
{
    const char *role = json_get_str(v, "role", "");
    json_t *content = json_object_get(v, "content"), *meta = json_get_obj(v, "metadata");

    *out = (entry){
        .id = arena_strdup(a, json_get_str(v, "message_id", NULL)),
        .role = cstr_eq(role, "assistant") ? ROLE_ASSISTANT : ROLE_USER,
        .reasoning = arena_strdup(a, json_get_str(v, "reasoning_content", NULL)),
        .metadata = json_object_size(meta) > 0 ? json_hold(a, json_deep_copy(meta)) : NULL,
    };
    out->type = out->role == ROLE_USER ? "user_input" : "assistant_text";
    if (cstr_blank(out->id))
        out->id = NULL;
    if (out->id != NULL && strlen(out->id) > 255)
        return fail_code(s, ERR_INVALID, "chat.message_invalid", NULL, "a message id is longer than 255 bytes");
    if (json_is_array(content)) {
        json_t *first = json_hold(a, json_deep_copy(content)), *part = json_array_get(first, 0);
        const char *text = json_get_str(part, "text", NULL);

        if (text != NULL)
            json_set_str(part, "text", tags_take(s->arena, text, tags));
        out->parts = json_array_size(first) > 0 ? first : NULL;
    } else if (json_is_string(content)) {
        out->text = arena_strdup(a, tags_take(s->arena, json_string_value(content), tags));
    }
    if (out->parts == NULL && cstr_blank(out->text) && out->reasoning == NULL)
        return fail_code(s, ERR_INVALID, "chat.message_invalid", NULL,
                         "a message has neither content nor reasoning_content");
    return OK;
}

/* The request's messages join the ledger; a message whose id is there already replaces that one. */
static err join_messages(scope *prep, chat *c, const json_t *messages)
{
    bool settled = false; /* requests bring no calls, so once is enough */

    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *v = json_array_get(messages, i);
        control_tags tags = {0};
        entry e, *known;

        if (cstr_eq(json_get_str(v, "role", ""), "system")) /* regenerated for every request */
            continue;
        if (cstr_eq(json_get_str(v, "role", ""), "tool"))
            return fail_code(prep, ERR_INVALID, "chat.message_invalid", NULL, "messages of role tool cannot be sent");
        TRY(read_message(prep, c->ledger->a, v, &tags, &e));
        if (e.role == ROLE_USER) {
            c->plan.model.thinking = tags.thinking;
            c->plan.model.thinking_level = tags.level;
        }
        known = e.id != NULL ? ledger_find(c->ledger, e.id) : NULL;
        if (known != NULL) {
            e.time = known->time;
            *known = e;
            continue;
        }
        if (e.role == ROLE_USER && !settled)
            ledger_settle(c->ledger);
        settled |= e.role == ROLE_USER;
        ledger_add(c->ledger, e);
    }
    return OK;
}

/* The control tags of the message that is answered again, which an edit may have left in it. */
static void take_tags_of_last(chat *c)
{
    entry *last = ledger_last_user(c->ledger);
    control_tags tags = {0};
    const char *text;

    if (last == NULL || last->text == NULL)
        return;
    text = tags_take(c->ledger->a, last->text, &tags);
    last->stored = last->stored && text == last->text;
    last->text = text;
    c->plan.model.thinking = tags.thinking;
    c->plan.model.thinking_level = tags.level;
}

static err join_rerun(scope *prep, chat *c)
{
    if (ledger_last_user(c->ledger) == NULL)
        return fail_code(prep, ERR_CONFLICT, "conversation.no_rerunnable", c->plan.session_id,
                         "the conversation has no user message that could be answered again");
    ledger_settle(c->ledger);
    take_tags_of_last(c);
    return OK;
}

/* Storing */

static const char *role_name(llm_role role)
{
    return role == ROLE_USER ? "user" : role == ROLE_TOOL ? "tool" : "assistant";
}

/* The entries that the database does not have as they are; they count as stored from here on. */
static size_t take_unstored(const ledger *l, arena *a, message_row **out)
{
    message_row *rows = arena_array(a, message_row, l->n);
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        entry *e = l->items[i];

        if (e->stored)
            continue;
        rows[n++] = (message_row){.message_id = e->id,
                                  .role = role_name(e->role),
                                  .type = e->type,
                                  .body = entry_write(a, e),
                                  .created_at = e->time};
        e->stored = true;
    }
    *out = rows;
    return n;
}

/* They are not stored after all: the next write takes them again. */
static void give_back(const ledger *l, const message_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        entry *e = ledger_find(l, rows[i].message_id);

        if (e != NULL)
            e->stored = false;
    }
}

static err save_progress(scope *s, void *arg)
{
    chat *c = arg;
    arena *a = arena_new(s->arena);
    message_row *rows;
    size_t n = take_unstored(c->ledger, a, &rows);
    err e = OK;

    while (c->begun == BEGIN_PENDING && e == OK) { /* engines with several connections do not keep our order for us */
        c->waits_for_begin = fiber_self();
        e = fiber_park(s);
    }
    c->waits_for_begin = NULL;
    if (e == OK && n > 0)
        e = turn_progress(s, c->plan.session_id, rows, n);
    if (e != OK)
        give_back(c->ledger, rows, n);
    arena_free(a);
    return e;
}

static char *models_text(arena *a, const usage_tally *u)
{
    json_t *names = json_hold(a, json_array());

    for (const usage_step *step = u->steps; step != NULL; step = step->next)
        json_array_append_new(names, json_string(step->model != NULL ? step->model : ""));
    return json_text(a, names);
}

/* The write that ends a turn, in a scope of its own: the run's has perhaps been cancelled. */
static err save_end(scope *s, chat *c, run_status status, const char *reason)
{
    static const char *const names[] = {
        [RUN_COMPLETED] = "completed", [RUN_FAILED] = "failed", [RUN_INTERRUPTED] = "interrupted"};
    const usage_tally *u = &c->outcome.usage;
    turn_finish end = {.session_id = c->plan.session_id, .run = &c->row};
    message_row *rows;

    c->row.status = names[status];
    c->row.error = status == RUN_FAILED ? reason : NULL;
    c->row.finished_at = clock_wall();
    c->row.usage = (token_usage){
        .input_tokens = u->total.prompt,
        .output_tokens = u->total.completion,
        .total_tokens = u->total.total,
        .cached_tokens = u->total.cached,
        .reasoning_tokens = u->total.reasoning,
        .steps = (int64_t)u->n_steps,
        .step_models = models_text(s->arena, u),
    };
    if (c->stateless)
        return run_row_insert(s, &c->row);
    end.n_messages = take_unstored(c->ledger, s->arena, &rows);
    end.messages = rows;
    return turn_end(s, &end);
}

/* Running and ending */

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
        stored = save_end(end, c, status, reason);
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
    if (c->s->ended == ERR_TIMEOUT || stored != OK) {
        const run_message *m = run_message_new(c->run, id_uuid4(end->arena), c->plan.session_id, c->plan.speaker);
        json_t *told = json_object();

        json_set_str(told, "code", stored != OK ? "chat.not_stored" : "chat.timeout");
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

/* The user knows that the turn failed; when there is space again, say, the records shall know it too. */
static void mark_failed_later(scope *root, chat *c)
{
    enum { TRIES = 1000 };
    turn_finish end = {.session_id = c->plan.session_id, .run = &c->row};
    err e = ERR_IO;

    c->row.status = "failed";
    c->row.error = "the conversation could not be stored";
    c->row.usage.step_models = models_text(c->s->arena, &c->outcome.usage);
    for (int i = 0; e != OK && i < TRIES && sleep_for(root, SECONDS(5)) == OK; i++) {
        scope *s = scope_new("run-end");

        scope_set_timeout(s, SECONDS(30));
        e = turn_end(s, &end);
        scope_close(s);
    }
}

static err chat_fiber(scope *root, void *arg)
{
    chat *c = arg;
    scope *s = c->s;

    if (finish(c, agent_run(s, c->run, &c->plan, c->ledger, &c->outcome)) != OK)
        mark_failed_later(root, c);
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
        text = json_get_str(json_array_get(content, 0), "text", "");
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
    scope *storing = scope_child(prep, NO_LIMIT);
    message_row *rows;
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
    start.n_messages = take_unstored(c->ledger, prep->arena, &rows);
    start.messages = rows;
    scope_spawn(loop_root(c->s->loop), chat_fiber, c);
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
    if (rq->session_id != NULL && (strlen(rq->session_id) > 255 || !utf8_valid(rq->session_id, strlen(rq->session_id))))
        return fail_code(s, ERR_INVALID, "chat.session_id_invalid", NULL, "the session id is longer than 255 bytes");
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
    };
    run *before;
    err e = query_of(prep, rq, &info.query);

    if (e != OK)
        return fail_from(c->s, prep, e);
    before = rq->replace != NULL ? hub_find(info.session_id) : NULL;
    if (before != NULL && (rq->admin || cstr_eq(run_facts(before)->user_id, rq->user_id)))
        run_interrupt(before, rq->replace);
    run_unref(before);
    return run_begin(c->s, &info, &c->run);
}

static err prepare(scope *prep, chat *c, const chat_request *rq, const merged_config *m)
{
    TRY(make_plan(prep, c, rq, m));
    if (rq->stateless) {
        c->ledger = ledger_new(c->s->arena);
        return replay_messages(prep, c->ledger, rq->messages);
    }
    c->plan.save = save_progress;
    c->plan.save_arg = c;
    c->ledger = ledger_new(c->s->arena);
    if (!c->is_new)
        TRY(chat_history(prep, c->s->arena, c->plan.session_id, &c->ledger));
    if (rq->rerun)
        TRY(join_rerun(prep, c));
    return join_messages(prep, c, rq->messages);
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
    if ((e = prepare(prep, c, rq, &m)) == OK) {
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
