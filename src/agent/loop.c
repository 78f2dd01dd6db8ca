/* SPDX-License-Identifier: MIT */
/* The agent loop itself: read this first; what one turn does is in turn.c and calls.c. */
#include "agent/agent_internal.h"

static err save(agent_state *st)
{
    return st->p->save != NULL ? st->p->save(st->s, st->p->save_arg) : OK;
}

/* A response without tool calls in the mode that waits for turn_status: the next request asks for that alone. */
static void ask_status(agent_state *st)
{
    if (st->status_turn) {
        notice_recovery(st, "turn_status_protocol_loop", NULL);
        st->stop = true;
    } else if (plan_tool(st->p, "turn_status") == NULL) {
        st->stop = true; /* it cannot be called, so it is not waited for */
    }
    st->status_turn = !st->stop;
}

/* Is the run over? */
static err judge(agent_state *st, const turn *t)
{
    if (t->n_calls > 0) {
        st->status_turn = st->must_call = false;
        st->text_turns = 0;
        return OK;
    }
    st->text_turns++;
    if (st->p->until == UNTIL_TURN_STATUS && (st->status_turn || t->text.len > 0))
        ask_status(st);
    else if (st->p->until == UNTIL_JUDGED && t->text.len > 0)
        return judge_text(st, t);
    else
        st->stop = true;
    return OK;
}

/* One turn: ask, answer, run tools. */
static err take_turn(agent_state *st, turn *t)
{
    TRY(turn_ask(st, t));
    if (t->n_calls > 0)
        TRY(turn_run_calls(st, t));
    if (!st->stop)
        TRY(judge(st, t));
    if (!st->stop && repeat_seen(st, t))
        st->stop = true;
    return st->stop ? OK : save(st); /* the last turn is stored with the end of the run, in one write */
}

static void turn_close(turn *t)
{
    buf_close(&t->text);
    buf_close(&t->reasoning);
    buf_close(&t->thoughts);
    for (turn_call *c = t->calls; c != NULL; c = c->next)
        buf_close(&c->arguments);
}

err agent_run(scope *s, run *r, const plan *p, ledger *l, agent_outcome *out)
{
    agent_state st = {.s = s, .r = r, .p = p, .l = l, .out = out};
    err e = OK;

    while (e == OK && !st.stop) {
        turn t = {.text = BUF_INIT(MIB(8)), .reasoning = BUF_INIT(MIB(8)), .thoughts = BUF_INIT(MIB(8))};

        if (out->turns++ >= p->max_loops) {
            notice_max_loops(&st);
            break;
        }
        e = take_turn(&st, &t);
        turn_close(&t);
    }
    if (e != OK && s->ended != ERR_CANCELLED && !st.told)
        notice_failure(&st, e, false);
    return e;
}
