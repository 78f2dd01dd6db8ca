/* SPDX-License-Identifier: MIT */
/*
 * The parser of answers to plain requests.  Bytes in, a head and a body out, no sockets: the fuzzer drives the same code.
 *
 * llhttp reads the syntax.  What is here is what it leaves to its caller: limits, which framings are believed, and after
 * which answers the connection can be used again.  A server that leaves room for doubt loses its connection at least.
 */
#ifndef NET_CLIENT_RESPONSE_H
#define NET_CLIENT_RESPONSE_H

#include <llhttp.h>

#include "base/buf.h"
#include "net/http.h"

typedef struct {
    llhttp_t parser;
    arena *memory;         /* where the head goes, and */
    http_headers *headers; /* its list; both are not touched after the head */
    buf *body;             /* NULL: discarded */
    buf line;              /* a header: its name, NUL, its value */
    size_t name_len;
    uint64_t seen, received; /* bytes: all of them; of the body, decoded */
    const char *why;         /* it is broken; static text */
    bool no_body;            /* the answer to HEAD */
    bool head_done, complete;
    bool reusable; /* complete, and the connection may carry another request */
} response;

/* For one answer.  `r->body` may be changed between two feeds. */
void response_begin(response *r, bool to_head, arena *memory, http_headers *headers, buf *body);
void response_close(response *r); /* begun or zeroed */

/* False: what came is no answer that we believe; `why` says what is wrong with it.  Nothing may be fed after the end. */
MUST_USE bool response_feed(response *r, const char *bytes, size_t len);

/* The other side has closed: whether the answer is complete by that. */
MUST_USE bool response_end(response *r);

int response_status(const response *r); /* of the head that is done */

#endif
