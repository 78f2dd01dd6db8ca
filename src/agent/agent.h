/* SPDX-License-Identifier: MIT */
/*
 * The one agent loop (contracts/sage-agent-runtime.md section 2).
 *
 * A plan says everything about a run: who, which model, which tools, which limits.  agent_run() carries it out: assemble,
 * call the model, stream, run tools in parallel, repeat until done, limit or cancel.  It writes events to the run's log
 * and whole messages to the ledger; chat.h makes plans out of requests and stores what came of them.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/prompt.h"
#include "store/run.h"
#include "tool/tool.h"

/* When a run is over (section 2.1). */
typedef enum {
    UNTIL_NO_TOOL_CALL, /* the first response without tool calls */
    UNTIL_TURN_STATUS,  /* the model calls the tool turn_status */
    UNTIL_JUDGED,       /* the model, asked about its response without tool calls, says that nothing is left to do */
} completion_mode;

typedef struct {
    const char *session_id;
    const char *speaker; /* shown as agent_name of messages: "SimpleAgent" */
    llm_request model;   /* endpoint, thinking, limits; messages and tools are filled in for each turn */
    llm_endpoint fast;   /* of a cheaper model, for judging whether the work is done; no driver: there is none */
    const tool **tools;  /* offered, sorted by name */
    size_t n_tools;
    tool_context tool_context;
    prompt_spec prompt;
    completion_mode until;
    int64_t max_loops;         /* model turns */
    size_t max_parallel_tools; /* 0: 10 */
    /* Stores the ledger's entries that are not stored yet; called between turns, and by the caller at the end.  May be NULL. */
    err (*save)(scope *s, void *arg);
    void *save_arg;
} plan;

/* Tokens used, by model call, for the usage record and chunk. */
typedef struct usage_step {
    struct usage_step *next;
    const char *name; /* "direct_execution", "compress_history" … */
    const char *model;
    llm_usage usage;
} usage_step;

typedef struct {
    llm_usage total;
    usage_step *steps, *last;
    size_t n_steps;
    const char *model; /* of the last step */
} usage_tally;

/* What a run leaves behind besides events and ledger entries. */
typedef struct {
    usage_tally usage;
    int64_t turns;
} agent_outcome;

/*
 * Runs the agent.  OK when it came to an end of its own, which includes the limit of turns.  ERR_CANCELLED when somebody
 * ended it; everything streamed until then is in the ledger.  Other errors, ERR_TIMEOUT of the scope among them, have been
 * told to the user as EV_FAILURE.
 */
MUST_USE err agent_run(scope *s, run *r, const plan *p, ledger *l, agent_outcome *out);

/* Adds one model call to the sum; strings are copied into `a`. */
void usage_add(arena *a, usage_tally *sum, const char *step, const char *model, const llm_usage *u);

/* The payload of EV_USAGE: {"total_info":{…},"per_step_info":[…],"models":[…]}; new reference. */
json_t *usage_json(const usage_tally *sum);

#endif
