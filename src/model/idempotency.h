/* SPDX-License-Identifier: MIT */
/*
 * Answers kept for a day, so that a request that is sent again under the same key is carried out once.
 */
#ifndef MODEL_IDEMPOTENCY_H
#define MODEL_IDEMPOTENCY_H

#include "rt/scope.h"

typedef struct {
    const char *user_id;
    const char *name;         /* the key, as the client sent it */
    const char *request_hash; /* of method, path and body */
} idempotency_key;

enum { IDEMPOTENCY_NAME_MAX = 255 };

typedef enum {
    IDEMPOTENCY_MINE,  /* carry it out, then store the answer or give the key back */
    IDEMPOTENCY_KEPT,  /* carried out before: the stored answer */
    IDEMPOTENCY_BUSY,  /* the first request is still at work */
    IDEMPOTENCY_OTHER, /* the key belongs to another request */
} idempotency_state;

typedef struct {
    idempotency_state state;
    int64_t status;     /* of KEPT */
    const char *answer; /* of KEPT */
} idempotency_claim;

/* A claim whose owner never came back (the server was killed) is given to the next one after five minutes. */
MUST_USE err idempotency_begin(scope *s, const idempotency_key *k, idempotency_claim *out);
MUST_USE err idempotency_store(scope *s, const idempotency_key *k, int64_t status, const char *answer);
MUST_USE err idempotency_drop(scope *s, const idempotency_key *k); /* the request failed: it may be sent again */
MUST_USE err idempotency_purge(scope *s, int64_t *deleted);

#endif
