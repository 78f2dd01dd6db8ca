/* SPDX-License-Identifier: MIT */
/*
 * Tool calls of one response: all at once, each result streamed and kept as soon as it is there
 * (contracts/sage-agent-runtime.md section 6.4).
 */
#include "agent/agent_internal.h"

#include "base/id.h"
#include "rt/sem.h"

typedef struct {
    agent_state *st;
    turn_call *call;
    sem *slots;
} call_job;

const tool *plan_tool(const plan *p, const char *name)
{
    for (size_t i = 0; i < p->n_tools; i++)
        if (cstr_eq(p->tools[i]->name, name))
            return p->tools[i];
    return NULL;
}

/* What a result's metadata begin with. */
static json_t *meta_new(agent_state *st, bool failed)
{
    json_t *meta = json_hold(st->l->a, json_object());

    json_set_str(meta, "tool_execution_status", failed ? "error" : "success");
    return meta;
}

/* The result goes to whoever watches and into the ledger; the two agree about id and text. */
static err keep_result(agent_state *st, const turn_call *c, const char *text, json_t *meta)
{
    const run_message *m = run_message_new(st->r, id_uuid4(st->s->arena), st->p->session_id, st->p->speaker);
    json_t *payload;

    ledger_add(st->l, (entry){
                          .id = m->id,
                          .role = ROLE_TOOL,
                          .type = "tool_call_result",
                          .text = arena_strdup(st->l->a, text),
                          .tool_call_id = arena_strdup(st->l->a, c->id),
                          .metadata = meta,
                          .agent_name = st->p->speaker,
                      });
    if (c->hidden)
        return OK;
    payload = json_object();
    json_set_str(payload, "tool_call_id", c->id);
    json_set_str(payload, "name", c->name);
    json_set_str(payload, "content", text);
    json_set(payload, "metadata", json_incref(meta));
    return run_emit_json(st->s, st->r, EV_TOOL_RESULT, m, payload);
}

static err reject(agent_state *st, turn_call *c, const char *code, const char *note)
{
    json_t *o = json_hold(st->s->arena, json_object()), *meta = meta_new(st, true);

    json_set_bool(meta, "streamed_tool_rejected", true);
    json_set_str(o, "status", "rejected");
    json_set_str(o, "code", code);
    json_set_str(o, "tool_name", c->name);
    st->note = arena_printf(st->s->arena, "<system_reminder>%s</system_reminder>", note);
    return keep_result(st, c, json_text(st->s->arena, o), meta);
}

/* Whether the user has been told something before the status of this turn: beside it, or in the message in front of it. */
static bool user_was_told(const agent_state *st, const turn *t)
{
    const entry *before = NULL; /* this response, whose results may be there already */

    for (size_t i = st->l->n; i > 1 && before == NULL; i--)
        if (cstr_eq(st->l->items[i - 1]->id, t->message->id))
            before = st->l->items[i - 2];
    return t->text.len > 0 ||
           (before != NULL && before->role == ROLE_ASSISTANT && before->n_calls == 0 && !cstr_blank(before->text));
}

/* What turn_status means for the run; false when it is rejected.  Beside a call of another tool that was not carried out it
 * cannot mean the end. */
static bool heed_status(agent_state *st, const turn *t, const json_t *args)
{
    const char *status = json_get_str(args, "status", "");
    bool ends = cstr_eq(status, "task_done") || cstr_eq(status, "need_user_input") || cstr_eq(status, "blocked");

    if (ends && !user_was_told(st, t))
        return false;
    for (const turn_call *c = t->calls; c != NULL; c = c->next)
        ends = ends && c->coerced_from == NULL;
    st->stop |= ends;
    return true;
}

static void heed_result(agent_state *st, const turn_call *c, const tool_result *result)
{
    if (cstr_eq(c->name, "complete_task"))
        st->stop = true;
    else if (cstr_eq(c->name, "questionnaire_async") && result->value != NULL &&
             json_get_bool(result->value, "success", false))
        st->stop = true;
}

/* The result of a call that was made: kept, and what follows from it for the run. */
static err take_result(agent_state *st, const turn *t, const turn_call *c, const json_t *args,
                       const tool_result *result)
{
    json_t *meta;

    if (cstr_eq(c->name, "turn_status") && !heed_status(st, t, args)) {
        meta = meta_new(st, true);
        json_set_bool(meta, "turn_status_rejected", true);
        return keep_result(st, c,
                           "{\"success\":false,\"status\":\"error\",\"error\":\"Rejected: write the answer for the "
                           "user as text before you end the turn.\"}",
                           meta);
    }
    meta = meta_new(st, result->failed);
    if (c->coerced_from != NULL)
        json_set_str(meta, "coerced_from", c->coerced_from);
    TRY(keep_result(st, c, result->text, meta));
    heed_result(st, c, result);
    return OK;
}

typedef struct {
    call_job job;
    const turn *t;
} call_arg;

/* NULL when they are no JSON object. */
static json_t *arguments_of(arena *a, const turn_call *c)
{
    json_t *args;

    return json_parse(a, buf_str(&c->arguments), c->arguments.len, NULL, &args) == OK && json_is_object(args) ? args
                                                                                                              : NULL;
}

static err run_call(scope *s, void *arg)
{
    call_arg *ca = arg;
    agent_state *st = ca->job.st;
    turn_call *c = ca->job.call;
    const tool *t = plan_tool(st->p, c->name);
    scope *own = scope_child(s, NO_LIMIT);
    tool_context cx = st->p->tool_context;
    tool_result result;
    progress seen;
    json_t *args;
    err e;

    progress_init(&seen, st, own, c->id);
    if ((e = sem_take(own, ca->job.slots)) != OK)
        goto out;
    if (t == NULL) {
        e = reject(st, c, "tool_not_available_in_request",
                   "That tool is not available. Use only tools that you were offered.");
        goto give;
    }
    if ((args = arguments_of(own->arena, c)) == NULL) {
        e = reject(st, c, "invalid_tool_arguments", "The arguments of the tool call were not a valid JSON object.");
        goto give;
    }
    cx.call_id = c->id;
    cx.progress = progress_add;
    cx.progress_arg = &seen;
    e = tool_call(own, t, &cx, args, &result);
    progress_flush(&seen);
    if (e == OK && (e = take_result(st, ca->t, c, args, &result)) == OK && !c->hidden)
        progress_close(&seen);
give:
    sem_give(ca->job.slots);
out:
    scope_close(own);
    progress_free(&seen);
    return e;
}

/* What kind of error a result tells, for the question to the user. */
static const char *error_category(const entry *e)
{
    if (entry_meta_true(e, "turn_status_rejected"))
        return "TURN_STATUS";
    if (strstr(e->text, "\"TIMEOUT\"") != NULL)
        return "TIMEOUT";
    if (strstr(e->text, "\"INVALID_ARGUMENT\"") != NULL || strstr(e->text, "\"invalid_tool_arguments\"") != NULL)
        return "INVALID_ARGS";
    return entry_meta_true(e, "streamed_tool_rejected") ? "TOOL_REJECTED" : "OTHER";
}

/* The same error twice in a row means that a third try would fail as well. */
static void check_fuse(agent_state *st, size_t from)
{
    const entry *found = NULL;
    const char *text = NULL;

    for (size_t i = from; i < st->l->n; i++)
        if (entry_failed(st->l->items[i]))
            found = st->l->items[i];
    if (found != NULL)
        text = arena_strndup(st->s->arena, found->text, strnlen(found->text, 120));
    if (text != NULL && cstr_eq(text, st->last_error)) {
        json_t *details = json_object();

        json_set_str(details, "error_category", error_category(found));
        json_set_int(details, "consecutive_error_hits", 2);
        notice_recovery(st, "consecutive_execution_error", details);
        st->stop = true;
    }
    st->last_error = text;
}

err turn_run_calls(agent_state *st, turn *t)
{
    scope *group = scope_child(st->s, NO_LIMIT);
    size_t from = st->l->n;
    sem slots;
    err e;

    sem_setup(&slots, st->p->max_parallel_tools > 0 ? st->p->max_parallel_tools : 10);
    for (turn_call *c = t->calls; c != NULL; c = c->next) {
        call_arg *ca = arena_one(group->arena, call_arg);

        *ca = (call_arg){.job = {.st = st, .call = c, .slots = &slots}, .t = t};
        scope_spawn(group, run_call, ca);
    }
    e = scope_join(group);
    if (e != OK && group->failure.e == e) /* else it was recorded in the run's scope itself */
        fail_from(st->s, group, e);
    scope_close(group);
    if (e == OK && !st->stop)
        check_fuse(st, from);
    return e;
}
