/* SPDX-License-Identifier: MIT */
/* The agent loop itself: read this first; what one turn does is in turn.c and calls.c. */
#include "agent/agent_internal.h"

static err save(agent_state *st)
{
    return st->p->save != NULL ? st->p->save(st->s, st->p->save_arg) : OK;
}

/* A response without tool calls, or with turn_status: is the run over? */
static void judge(agent_state *st, const turn *t)
{
    bool silent = t->text.len == 0 && t->n_calls == 0;

    if (t->n_calls == 0 && st->status_turn) {
        notice_recovery(st, "turn_status_protocol_loop", NULL);
        st->stop = true;
    } else if (silent || (st->p->until == UNTIL_NO_TOOL_CALL && t->n_calls == 0)) {
        st->stop = true;
    }
    st->status_turn = st->p->until == UNTIL_TURN_STATUS && t->n_calls == 0 && !st->stop;
}

/* One turn: ask, answer, run tools. */
static err take_turn(agent_state *st, turn *t)
{
    TRY(turn_ask(st, t));
    if (t->n_calls > 0)
        TRY(turn_run_calls(st, t));
    if (!st->stop)
        judge(st, t);
    if (!st->stop && repeat_seen(st, t))
        st->stop = true;
    return st->stop ? OK : save(st); /* the last turn is stored with the end of the run, in one write */
}

static void turn_close(turn *t)
{
    buf_close(&t->text);
    buf_close(&t->reasoning);
    for (turn_call *c = t->calls; c != NULL; c = c->next)
        buf_close(&c->arguments);
}

err agent_run(scope *s, run *r, const plan *p, ledger *l, agent_outcome *out)
{
    agent_state st = {.s = s, .r = r, .p = p, .l = l, .out = out};
    err e = OK;

    while (e == OK && !st.stop) {
        turn t = {.text = BUF_INIT(MIB(8)), .reasoning = BUF_INIT(MIB(8))};

        if (out->turns++ >= p->max_loops) {
            notice_max_loops(&st);
            break;
        }
        e = take_turn(&st, &t);
        turn_close(&t);
    }
    if (e != OK && s->ended == OK && !st.told)
        notice_failure(&st, e, false);
    return e;
}

void usage_add(arena *a, usage_tally *sum, const char *step, const char *model, const llm_usage *u)
{
    usage_step *one = arena_one(a, usage_step);

    *one = (usage_step){.name = step, .model = arena_strdup(a, model), .usage = *u};
    if (sum->last != NULL)
        sum->last->next = one;
    else
        sum->steps = one;
    sum->last = one;
    sum->n_steps++;
    sum->model = one->model;
    sum->total.prompt += u->prompt;
    sum->total.completion += u->completion;
    sum->total.total += u->total;
    sum->total.cached += u->cached;
    sum->total.reasoning += u->reasoning;
}

static json_t *tokens_json(const llm_usage *u)
{
    json_t *o = json_object();

    json_set_int(o, "prompt_tokens", u->prompt);
    json_set_int(o, "completion_tokens", u->completion);
    json_set_int(o, "total_tokens", u->total);
    if (u->cached > 0)
        json_set_int(o, "cached_tokens", u->cached);
    if (u->reasoning > 0)
        json_set_int(o, "reasoning_tokens", u->reasoning);
    return o;
}

static bool model_listed(const json_t *models, const char *name)
{
    for (size_t i = 0; i < json_array_size(models); i++)
        if (cstr_eq(json_string_value(json_array_get(models, i)), name))
            return true;
    return false;
}

json_t *usage_json(const usage_tally *sum)
{
    json_t *o = json_object(), *total = tokens_json(&sum->total), *steps = json_array(), *models = json_array();

    for (const usage_step *step = sum->steps; step != NULL; step = step->next) {
        json_t *one = json_object();

        json_set_str(one, "step_name", step->name);
        json_set_str(one, "model", step->model);
        json_set(one, "usage", tokens_json(&step->usage));
        json_array_append_new(steps, one);
        if (step->model != NULL && !model_listed(models, step->model))
            json_array_append_new(models, json_string(step->model));
    }
    json_set_str(total, "model", sum->model);
    json_set(total, "models", json_incref(models));
    json_set(o, "total_info", total);
    json_set(o, "per_step_info", steps);
    json_set(o, "models", models);
    return o;
}
