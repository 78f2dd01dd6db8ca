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
