/* SPDX-License-Identifier: MIT */
/*
 * Structured output: what the client asks for as `output`, as a schema for the model, and the value out of its answer.
 *
 * Models are asked for an object whatever is wanted, since that is what providers support: a list is its member "elements", a choice
 * its member "result".
 */
#ifndef FACE_LANGDOCK_CHAT_OUTPUT_H
#define FACE_LANGDOCK_CHAT_OUTPUT_H

#include "agent/chat.h"
#include "net/route.h"

typedef struct {
    const char *member;       /* of the object that holds the value; NULL: the object is the value */
    json_t *schema;           /* of the object */
    json_t *format;           /* response_format for the model */
    const char *instructions; /* for models without response_format */
} chat_output;

extern const schema dock_output_schema; /* of the member `output` of a body */

/* ERR_INVALID for an enum without values. */
MUST_USE err chat_output_read(request *rq, const json_t *asked, chat_output *out);

/* The value in the answer, borrowed; when it does not fit, the model is asked once more with what is wrong.  ERR_UPSTREAM when it does
 * not fit then either.  Parks. */
MUST_USE err chat_output_value(request *rq, const chat_output *o, const chat_request *asked, const char *answer,
                               json_t **out);

#endif
