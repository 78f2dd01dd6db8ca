/* SPDX-License-Identifier: MIT */
/*
 * Langdock's answers, keys, scopes and rate limits (contracts/langdock.md section 1).
 */
#ifndef FACE_LANGDOCK_ENVELOPE_H
#define FACE_LANGDOCK_ENVELOPE_H

#include "net/route.h"

/* Of failures that the core names by a code (fail_code()): what the answer says.  These are made by handlers: */
#define DOCK_BAD_METHOD "dock.method" /* 405 */
#define DOCK_RATE "dock.rate"         /* 429; the subject says after how many seconds it may be tried again */

/* {"message":…,"error":…}: clients read one or the other. */
err dock_error(request *rq, response *rs, int status, const char *message);

void dock_envelope(request *rq, response *rs, failure f);
void dock_invalid(request *rq, response *rs, const schema_faults *faults, const char *part);
void dock_no_route(request *rq, response *rs, const char *allow);
err dock_authorize(request *rq, response *rs, const route *r);
bool dock_intercept(request *rq, response *rs);
void dock_after(request *rq, response *rs);

/* The caller's model used that many tokens: counted against his limit of tokens a minute, which the headers tell and routes with
 * DOCK_SPENDS keep. */
void dock_spend_tokens(const request *rq, int64_t tokens);

/* A webhook takes as many calls a minute as a user may make requests.  Only for calls that have shown the secret: who does not know
 * it locks nobody out. */
MUST_USE err dock_count_call(request *rq, const char *id);

/* A path parameter that is an id of ours: ERR_INVALID when it is none ("Invalid integration ID format"). */
MUST_USE err dock_id(request *rq, response *rs, const char *param, const char *what, const char **out);

/* Where users reach this server: "https://host". */
const char *dock_base_url(const request *rq);

/*
 * Idempotency-Key (section 14, 10): a handler that creates something begins with dock_once() and ends with dock_created(), which
 * keeps the answer before it is sent.  In between the request goes on when its client leaves.  *answered: the request was carried
 * out before, or may not be now, and has its answer.  dock_once_of() is for bodies that are not in memory: `content` tells one
 * from another.  Whoever may fail after his write says dock_written() in between: then it is not carried out again.
 */
MUST_USE err dock_once(request *rq, response *rs, bool *answered);
MUST_USE err dock_once_of(request *rq, response *rs, str content, bool *answered);
void dock_written(request *rq);
err dock_created(request *rq, response *rs, int status, const json_t *answer);

/* UTC with milliseconds and Z: "2026-02-11T09:15:27.412Z". */
const char *dock_time(arena *a, int64_t wall_us);

/* Whether a path parameter is an id of ours; answers 400 when it is not. */
bool dock_is_id(const char *text);

#endif
