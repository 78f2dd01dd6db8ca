/* SPDX-License-Identifier: MIT */
/*
 * What the tests of drivers share: a provider that answers as it is told, the deltas of an answer in one line, and the body
 * of a request as JSON.
 */
#ifndef UNIT_LLM_DRIVER_H
#define UNIT_LLM_DRIVER_H

#include "llm/llm_internal.h"
#include "test.h"

/* What the provider answers to the next requests, and what the last one was. */
typedef struct {
    int status;
    const char *type; /* Content-Type */
    const char *body;
    char asked[65536], asked_head[4096];
} provider_play;
extern provider_play play;

/* A request for "Hi" at that provider, tried once, with the key "the-key"; the answer is a stream again.  `path` follows
 * host and port. */
llm_request driver_request(scope *s, const char *driver, const char *model, const char *path);

/* The deltas in one line: T(text) R(reasoning) B(block of thinking) C index [id|name](arguments) S(finish)
 * U prompt/completion/total/cached/reasoning.  ERR_CLOSED after the proper end. */
err driver_read(scope *s, const llm_request *rq, buf *out);

/* The same for one answer, which must end properly. */
void driver_check_answer(scope *s, const llm_request *rq, const char *body, const char *want);

/* The body that `write` makes of the request. */
typedef void (*body_writer)(scope *s, const llm_request *rq, const llm_quirks *q, buf *out);
json_t *driver_body(scope *s, const llm_request *rq, body_writer write);

/* That a value is this JSON text; NULL is "-". */
void driver_check_json(scope *s, const json_t *v, const char *want);

#endif
