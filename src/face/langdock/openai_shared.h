/* SPDX-License-Identifier: MIT */
/*
 * Direct calls of models, whatever API the client speaks and whatever the provider: finding the model, reading the answer piece by
 * piece or whole, and the record of what it used.
 */
#ifndef FACE_LANGDOCK_OPENAI_SHARED_H
#define FACE_LANGDOCK_OPENAI_SHARED_H

#include "llm/llm.h"
#include "model/provider.h"
#include "net/route.h"

enum { CALL_MESSAGES_MAX = 5000, CALL_TOOLS_MAX = 256 };

typedef struct {
    request *rq;
    const served_model *served;
    llm_request ask;
    llm_message *messages; /* of `ask`: filled by model_call_add() */
    size_t cap;
    json_t *params; /* of `ask`: the model's own, to be added to */
    llm_usage used;
    int64_t began; /* clock_wall() */
} model_call;

/* Finds the model and makes an empty request for it.  Parks. */
MUST_USE err model_call_new(request *rq, const char *model, model_call *out);

/* ERR_INVALID when there are too many. */
MUST_USE err model_call_add(model_call *c, llm_message m);

/* Sends it.  The error says, as dock_model_error(), whose fault it was.  Parks. */
MUST_USE err model_call_open(model_call *c, llm_stream **out);

/* The next piece; usage is kept in `used`.  ERR_CLOSED after the last.  Parks. */
MUST_USE err model_call_next(model_call *c, llm_stream *st, llm_delta *out);

/* Records what was used, also of a call that failed (`e`).  Parks. */
void model_call_end(model_call *c, err e);

/* The whole answer. */
typedef struct {
    buf *text, *reasoning;
    json_t *thoughts;              /* array of blocks (LLM_THOUGHT) */
    json_t *calls;                 /* array of {"id","name","arguments"} */
    const char *finish, *sequence; /* as in llm_delta */
} model_answer;
MUST_USE err model_call_answer(model_call *c, model_answer *out);

/* "eu" and "us" are places of the platform that a server of one's own has not: both are this server. */
MUST_USE err model_check_region(request *rq);

#endif
