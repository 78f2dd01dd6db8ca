/* SPDX-License-Identifier: MIT */
/*
 * What remains of a run: how it went and the tokens it used.  One row a run of an agent or a flow, or a direct call of a model.
 */
#ifndef MODEL_RUN_LOG_H
#define MODEL_RUN_LOG_H

#include "db/db.h"
#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    int64_t input_tokens, output_tokens, total_tokens, cached_tokens, reasoning_tokens;
    int64_t input_audio_tokens, output_audio_tokens;
    int64_t steps;           /* calls of a model */
    const char *step_models; /* JSON array of model names, one a step; NULL: [] */
} token_usage;

typedef struct {
    const char *id;
    const char *session_id;
    const char *user_id;  /* "" when unknown; so are the next two */
    const char *agent_id; /* or the flow's id */
    const char *source;   /* what asked for it: "chat", "web-stream", "flow", "direct_model_invocation" … */
    const char *status;   /* "running", "completed", "failed", "interrupted" */
    const char *error;    /* for the user; NULL: none */
    token_usage usage;
    int64_t started_at;
    int64_t finished_at; /* 0: not yet */
} run_row;

/* Whole runs at once (a direct call of a model); turn.h writes those that go on for a while.  Fills id (when NULL). */
MUST_USE err run_row_insert(scope *s, run_row *r);
MUST_USE err run_row_find(scope *s, const char *id, run_row **out); /* ERR_NOT_FOUND, code "run.not_found" */
MUST_USE err run_row_list(scope *s, owned_by who, const char *session_id, page p, run_row **out,
                          size_t *n); /* newest first */

/* At start, before anything runs: what is still "running" was interrupted by the end of the process.  Gives those rows. */
MUST_USE err run_row_mark_interrupted(scope *s, const char *reason, run_row **out, size_t *n);

/* Sums over finished runs with steps. */
typedef enum { USAGE_BY_AGENT, USAGE_BY_USER, USAGE_BY_SESSION } usage_dimension;
typedef struct {
    owned_by who;
    usage_dimension by;
    const char *user_id, *agent_id, *session_id, *source; /* NULL: any */
    int64_t from, to;                                     /* of finished_at, both included; 0 and 0: any */
} usage_filter;
typedef struct {
    const char *agent_id, *user_id, *session_id; /* "" when not the dimension, unless a session's are unique */
    int64_t sessions, input_tokens, output_tokens, total_tokens, steps;
    int64_t started_at, finished_at; /* first and last */
} usage_sum;
/* By total tokens, most first, then by latest finish. */
MUST_USE err usage_list(scope *s, const usage_filter *f, usage_sum *summary, usage_sum **out, size_t *n);

#endif
