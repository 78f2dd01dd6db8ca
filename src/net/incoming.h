/* SPDX-License-Identifier: MIT */
/*
 * A request body on its way in: llhttp takes the framing off, the bytes wait here until the handler reads them.
 */
#ifndef NET_INCOMING_H
#define NET_INCOMING_H

#include <llhttp.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

typedef struct fiber fiber;

struct request_body {
    llhttp_t parser;
    buf data;         /* decoded, not yet read */
    int64_t received; /* decoded, in all */
    int64_t max;
    size_t overhead; /* bytes of chunk framing and trailers */
    bool complete;
    bool discard; /* nobody will read it */
    err error;    /* why no more will come */
    const char *why;

    /* The server's part. */
    struct conn *conn;
    fiber *reader; /* parked in request_body_read() */
    bool continue_due;
    bool whole; /* request_body_all() has returned `all` */
    str all;
};

/* For head_parse(): pauses at the end of a message. */
extern const llhttp_settings_t incoming_settings;

/* Starts with the parser that has just parsed the head. */
void incoming_init(struct request_body *b, const llhttp_t *parser, int64_t max);
void incoming_close(struct request_body *b);

/* Takes bytes up to the end of the body; `*used` says how many.  ERR_INVALID for broken framing, ERR_TOO_LARGE: also kept in
 * b->error with a sentence in b->why. */
MUST_USE err incoming_feed(struct request_body *b, const char *bytes, size_t len, size_t *used);

/* No more will come. */
void incoming_fail(struct request_body *b, err e, const char *why);

#endif
