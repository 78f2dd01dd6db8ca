/* SPDX-License-Identifier: MIT */
/*
 * A stage for the agent loop: a provider that answers from a script, tools of the test's own, and a run whose log is read
 * back.  Everything lives in the process of one test.
 */
#ifndef UNIT_AGENT_STAGE_H
#define UNIT_AGENT_STAGE_H

#include "agent/agent.h"

/* One answer of the provider; the last one repeats. */
typedef struct {
    int status;       /* 0: 200 */
    const char *body; /* of the stream: ANSWER(TEXT("…") STOP); of a refusal: its JSON */
    int pause_ms;     /* in front of the rest, after the body: the stream then hangs until the client has gone */
} stage_answer;

#define CHUNK(delta) "data: {\"choices\":[{\"index\":0,\"delta\":" delta "}]}\n\n"
#define TEXT(t) CHUNK("{\"content\":\"" t "\"}")
#define THOUGHT(t) CHUNK("{\"reasoning_content\":\"" t "\"}")
#define CALL(index, id, name, args)                                                                                    \
    CHUNK("{\"tool_calls\":[{\"index\":" index ",\"id\":\"" id                                                         \
          "\",\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"arguments\":\"" args "\"}}]}")
#define MORE(index, args) CHUNK("{\"tool_calls\":[{\"index\":" index ",\"function\":{\"arguments\":\"" args "\"}}]}")
#define STOP "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

enum { STAGE_REQUESTS = 64 };

typedef struct {
    const stage_answer *answers;
    int n;
    stage_answer summary;         /* to requests for a summary, which are not among `answers` and `requests` */
    int summaries;                /* so far */
    char *summary_body;           /* of the last request for one */
    int requests;                 /* so far */
    char *bodies[STAGE_REQUESTS]; /* of the requests */
    plan plan;
    ledger *ledger;
    run *run;
    scope *s; /* of the run */
    agent_outcome out;
} stage;

/* A run over these answers, with the tools "fast", "slow", "fail" and "note" (stage.c says what they do). */
stage *stage_new(scope *s, const stage_answer *answers, size_t n);
#define STAGE(s, answers) stage_new((s), (answers), COUNT(answers))

/* Base URL of a provider that plays the stage's script. */
const char *stage_provider(arena *a, stage *st);

err stage_run(stage *st); /* agent_run() */
void stage_close(stage *st);

entry *stage_user(stage *st, const char *text);

/* The request's messages as the provider got them (parsed, in the scope's arena); `request` from 0. */
json_t *stage_request(stage *st, int request);
json_t *stage_messages(stage *st, int request);
bool stage_request_has(stage *st, int request, const char *text);

/* The events of the run so far, a line each: "TEXT Hello", "TOOL_CALL {…}", "RESULT {…}" … */
const char *stage_log(stage *st);

/* The same in short: kinds only, "TEXT TEXT END_OF_TEXT". */
const char *stage_kinds(stage *st);

/* The first event of a kind that has `part`, parsed; NULL when there is none. */
json_t *stage_event(stage *st, event_kind kind, const char *part);

#endif
