/* SPDX-License-Identifier: MIT */
/*
 * One HTTP response: whole, streamed by a fiber, or followed from a source after the handler has returned.
 */
#ifndef NET_RESPONSE_H
#define NET_RESPONSE_H

#include "base/buf.h"
#include "net/request.h"

typedef struct response response;

/* Before the first byte: adds a header (copied).  Line breaks in a value are refused by dropping the header and logging. */
void reply_header(response *rs, const char *name, const char *value);

/* A whole response.  `type` may be NULL for none.  Bytes are copied.  Does not park.  For HEAD the body is left out. */
err reply(response *rs, int status, const char *type, const void *bytes, size_t len);
err reply_text(response *rs, int status, const char *text);
err reply_json(response *rs, int status, const json_t *v); /* application/json, compact */
err reply_buf(response *rs, int status, const char *type, buf *b);
err reply_empty(response *rs, int status);
err reply_redirect(response *rs, int status, const char *location);

/* A streamed response (chunked, or until close for HTTP/1.0).  reply_write() parks while the client is more than the
 * high-water mark behind; ERR_CLOSED when it is gone.  What is written in one turn goes out in one packet. */
MUST_USE err reply_begin(response *rs, int status, const char *type);
MUST_USE err reply_write(response *rs, const void *bytes, size_t len);
MUST_USE err reply_end(response *rs);

/* Sends a file from disk with Content-Length; `name` non-NULL adds Content-Disposition: attachment (RFC 6266, RFC 5987
 * for names that are not ASCII).  Honours one Range (RFC 9110 section 14) and If-None-Match.  Parks. */
MUST_USE err reply_file(response *rs, int status, const char *type, const char *path, const char *name);

/* What the server says when nobody else does: about a body that ended badly (400, 408, 413), a cancelled request (503), or that
 * something went wrong (500). */
void reply_unanswered(response *rs);

bool reply_begun(const response *rs);
int reply_status(const response *rs); /* 0 before it is known */

/*
 * A source goes on feeding the response after the handler's fiber has ended, so that a quiet stream costs no stack.
 * All its functions run on the loop of the connection, outside any fiber, and must not park.
 */
typedef struct source source;
typedef enum {
    SOURCE_WAIT, /* nothing more now: source_ready() will come */
    SOURCE_MORE, /* stopped at `room`: pull again when the client has read */
    SOURCE_END,  /* the body is complete */
    SOURCE_CUT   /* the body cannot be completed: the connection is dropped, so that the client notices */
} source_state;

struct source {
    /* Appends what is ready, stopping soon after `room` bytes. */
    source_state (*pull)(source *src, buf *out, size_t room);
    /* Called exactly once, when the body has ended or the client is gone; frees the source. */
    void (*close)(source *src);
    const char *idle_text; /* sent when nothing was for `idle_after` nanoseconds; NULL: never */
    int64_t idle_after;
    bool endless; /* has no end of its own: a stop of the server does not wait for it */
    void *sink;   /* the server's */
};

/* Answers with the source's body.  The handler returns right after; the request's scope stays until the end.  The source
 * is taken over in any case: on an error it is closed already. */
MUST_USE err reply_follow(response *rs, int status, const char *type, source *src);

/* There is more to pull.  On the connection's loop; cheap, may be called for every event of a turn.  Harmless after close()
 * only in so far as the memory is still the caller's. */
void source_ready(source *src);

#endif
