/* SPDX-License-Identifier: MIT */
/*
 * Running flows: a graph of components, executed layer by layer as a run of the core.
 *
 * The run's log holds the flow's own events (EV_OUTPUT: {"event","data"}), so that any face can watch it.  Messages go into
 * the conversation of the session, where every face sees them: its id is the session's name, with something put behind it when
 * another user has a conversation of that name.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "base/json.h"
#include "model/flow.h"
#include "store/run.h"

typedef struct {
    const char *user_id; /* who runs it */
    bool admin;
    const flow_row *flow;
    const char *input_value; /* NULL: none */
    const char *input_type;  /* "chat", "text", "any" */
    const char *output_type; /* "chat", "text", "any", "debug" */
    const char *output_component;
    const json_t *tweaks;
    const char *session_id; /* NULL: the flow's id */
    bool stream;
} flow_request;

/* Starts the run; the result comes as its last EV_OUTPUT: event "end" with {"result": RunResponse}, or "error" with
 * {"error": text}; an interrupted run has neither.  Errors before it began: "flow.tweak_conflict", "flow.invalid", and "run.busy" while
 * an agent answers in the session.  The caller has a reference.  Parks. */
MUST_USE err flow_start(scope *s, const flow_request *rq, run **out);

/* Longest run; once, before the loops start. */
void flow_configure(int64_t run_timeout);

#endif
