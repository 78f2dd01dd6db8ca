/* SPDX-License-Identifier: MIT */
/*
 * Answering a request with a run: its events, rendered by the face, as the response's body.
 *
 * The handler returns as soon as the response has begun; a quiet stream costs no fiber.
 */
#ifndef STORE_FOLLOW_H
#define STORE_FOLLOW_H

#include "net/response.h"
#include "store/run.h"

typedef struct {
    const char *type; /* Content-Type */
    /* Appends the event in the face's stream format, or nothing.  `state` is the stream's own.  Must not park. */
    void (*render)(void *state, const run *r, const event *ev, buf *out);
    const void *state; /* copied; needs no alignment beyond that of a pointer */
    size_t state_size;
    /* Called once when the stream has ended, however, for what `state` points to; the request's memory is gone long before.
     * NULL: nothing to do. */
    void (*close)(void *state);
    /* Appended instead of the rest when the client has fallen behind by more than the limit; NULL: nothing. */
    const char *too_slow;
    const char *idle_text; /* see net/response.h */
    int64_t idle_after;
    const char *abandoned; /* a client that goes away interrupts the run for this reason; NULL: the run goes on */
    bool no_end;           /* an interrupted run's body is not completed: the connection is cut */
} follow_spec;

/* Takes its own reference to the run.  From the first event on. */
MUST_USE err run_follow(response *rs, run *r, const follow_spec *spec);

/* How far a client may fall behind, in bytes of the log (default 8 MiB). */
void follow_set_limit(size_t bytes);

#endif
