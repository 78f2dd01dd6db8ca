/* SPDX-License-Identifier: MIT */
/*
 * A model's answer as an event stream: its head, its events, and signs of life while the model is silent, so that no proxy on the
 * way takes the connection for dead.
 *
 * The answer begins with its first event.  A provider that is silent before that for long has it begin with a sign of life; what
 * fails afterwards can be told in the stream only.
 */
#ifndef FACE_LANGDOCK_MODEL_WIRE_H
#define FACE_LANGDOCK_MODEL_WIRE_H

#include "net/response.h"
#include "rt/sem.h"

typedef struct {
    response *rs;
    const char *sign; /* of life: an event or comment of the API that is spoken */
    bool begun;
    int64_t due; /* clock_mono() value of the next sign */
    sem writing;
    scope *alive; /* of the fiber that gives them */
} model_wire;

/* From here on there are signs of life, until model_wire_stop(); `w` must stay where it is. */
void model_wire_start(model_wire *w, request *rq, response *rs, const char *sign);

/* Sends the events in `out` and empties it.  Parks. */
MUST_USE err model_wire_send(model_wire *w, request *rq, buf *out);

/* No more signs.  Parks.  The response is still to be ended, if it has begun. */
void model_wire_stop(model_wire *w);

#endif
