/* SPDX-License-Identifier: MIT */
/* What the files of the agent loop share: the state of one run and the parts of one turn. */
#ifndef AGENT_AGENT_INTERNAL_H
#define AGENT_AGENT_INTERNAL_H

#include "agent/agent.h"

/* One model response while and after it streams. */
typedef struct {
    const run_message *message;
    buf text, reasoning;
    buf thoughts;            /* blocks of LLM_THOUGHT, apart by commas */
    struct turn_call *calls; /* linked, in order of index */
    size_t n_calls;
    const char *finish;
} turn;

typedef struct turn_call {
    struct turn_call *next;
    int64_t index;
    const char *id, *name;
    buf arguments;
    bool hidden;              /* turn_status: never shown */
    const char *coerced_from; /* the tool that the model named when only its status was asked for; or NULL */
} turn_call;

typedef struct {
    scope *s;
    run *r;
    const plan *p;
    ledger *l;
    agent_outcome *out;
    const char *note;        /* for the next request only, hidden from the user; or NULL */
    bool told;               /* the user knows why the run fails */
    const char *last_error;  /* of the turn before, cut; for the error fuse */
    bool status_turn;        /* the next request offers only turn_status */
    bool must_call;          /* the next request forbids a response without tool calls */
    int text_turns;          /* responses without tool calls in a row */
    uint64_t signatures[24]; /* of the last turns, newest last */
    size_t n_signatures;
    int repeats;
    bool stop; /* set by whatever ends the run */
} agent_state;

/* turn.c: asks the model and streams its answer; on return the response is in the ledger as far as it came. */
err turn_ask(agent_state *st, turn *t);

/* progress.c: a tool's live output, gathered for a moment before it goes to those who watch. */
enum { PROGRESS_STREAMS = 3 };
typedef struct {
    agent_state *st;
    scope *s; /* of the call; closed before `st` goes */
    const char *call_id;
    buf text[PROGRESS_STREAMS];
    bool waiting; /* a fiber in `s` is about to send it */
} progress;
void progress_init(progress *p, agent_state *st, scope *s, const char *call_id);
void progress_add(void *p, const char *stream, const char *text, size_t len); /* as in tool_context */
void progress_flush(progress *p);                                             /* sends what waits */
void progress_close(progress *p);                                             /* says that there will be no more */
void progress_free(progress *p);                                              /* when `s` is closed */

/* images.c: references to images of the workspace become data, in copies that live in `a`.  Parks. */
void images_inline(agent_state *st, arena *a, llm_message *m, size_t n);

/* calls.c: runs the response's tool calls at once; results are in the ledger and the log. */
err turn_run_calls(agent_state *st, turn *t);

/* calls.c: the offered tool of that name, or NULL. */
const tool *plan_tool(const plan *p, const char *name);

/* judge.c: whether a response without tool calls ends the run when the model itself is to say so; sets st->stop, or what the
 * next request is to say.  An error only when the run's scope ended. */
err judge_text(agent_state *st, const turn *t);

/* compress.c: replaces old messages by a summary when the request would pass the model's window. */
err compress_when_needed(agent_state *st, int64_t prompt_tokens, bool *compressed);
/* The same after the provider refused the length: compresses harder.  ERR_NOT_FOUND when nothing is left to compress. */
err compress_by_force(agent_state *st);

/* notice.c: what the runtime itself says. */
void notice_max_loops(agent_state *st);
void notice_recovery(agent_state *st, const char *stop_reason, json_t *details);
void notice_failure(agent_state *st, err e, bool mid_stream);

/* repeat.c: notes the turn; true when the run goes in circles for the third time. */
bool repeat_seen(agent_state *st, const turn *t);

#endif
