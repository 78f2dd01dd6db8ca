/* SPDX-License-Identifier: MIT */
/*
 * The HTTP client, seen as calls that park.
 *
 * Connections are kept and reused per loop.  Plain http goes over sockets and a parser of our own, which cost a live stream
 * under 1 KiB; what is secure or to be decoded goes through libcurl.  Nobody above can tell.
 *
 * Where the URL comes from a user, a script or a model, `guard` must be GUARD_PUBLIC: then every address that is connected
 * to, redirects included, is checked after resolving (net/guard.h).
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "net/guard.h"
#include "net/http.h"
#include "rt/scope.h"

typedef struct {
    http_method method;
    const char *verb;           /* sent instead of `method` ("PROPFIND"); NULL: none.  A token of RFC 9110 */
    const char *url;            /* http or https */
    const http_header *headers; /* n of them; a NULL value removes one that is sent anyway.
                                   Content-Length and Transfer-Encoding are the client's, not taken from here */
    size_t n_headers;
    const void *body; /* borrowed until the response's head has arrived */
    size_t body_len;
    /* Or a streamed upload: fills `bytes`, *len = 0 at the end; called on the loop, must not park. */
    err (*read_body)(void *arg, void *bytes, size_t cap, size_t *len);
    void *read_arg;
    int64_t read_length; /* -1: chunked */

    guard_policy guard;
    int64_t connect_timeout;    /* 0: 10 s */
    int64_t first_byte_timeout; /* from the request sent to the head; 0: 60 s */
    int64_t idle_timeout;       /* longest pause within the body; 0: 60 s */
    size_t max_body;            /* of fetch(); 0: 16 MiB */
    int max_redirects;          /* 0: none are followed */
    bool decode;                /* asks for gzip and the like, and gives the body decoded */
    bool small_buffers;         /* many slow streams: less memory for each, more calls */
} http_call;

typedef struct {
    int status;
    http_headers headers; /* of the last response, after redirects */
    const char *url;      /* after redirects */
} http_head;

typedef struct http_stream http_stream;

/* Sends the request and parks until the head of the response has come.  ERR_UPSTREAM: refused, unresolvable, broken, TLS;
 * ERR_TIMEOUT: one of the call's limits or the scope's deadline; ERR_DENIED: an address that the guard forbids;
 * ERR_INVALID: not a URL we call.  Any status is success.  The stream is closed with the scope, or by http_close(). */
MUST_USE err http_open(scope *s, const http_call *call, http_head *head, http_stream **out);

/* The next bytes of the body, borrowed until the next call; len 0 at its proper end.  A body that stops early is
 * ERR_UPSTREAM.  Parks.  Reading slowly slows the sender down: at most 64 KiB wait here. */
MUST_USE err http_read(scope *s, http_stream *h, str *bytes);
void http_close(http_stream *h); /* early: cancels the transfer.  Accepts NULL */

/* Closes a stream of which the reader has what it wants, although its end has not come: a little more is swallowed in the
 * background, so that the connection can be used again.  Does not park.  Accepts NULL. */
void http_finish(http_stream *h);

/* Whole response, at most `max_body` bytes (ERR_TOO_LARGE), in the scope's arena, NUL-terminated. */
MUST_USE err http_fetch(scope *s, const http_call *call, http_head *head, str *body);

/* How long the server asks to wait, in ns, an hour at most: Retry-After as seconds or as a date (RFC 9110 section 10.2.3), or
 * "retry-after-ms", which providers of models send for shorter ones.  0: it does not say, or the time has come. */
int64_t http_retry_after(const http_headers *headers);

/* What was recorded by a failed call can also be asked for as one of these. */
typedef enum {
    HTTP_FAIL_NONE,
    HTTP_FAIL_DNS,
    HTTP_FAIL_CONNECT,
    HTTP_FAIL_TLS,
    HTTP_FAIL_TIMEOUT,
    HTTP_FAIL_BROKEN
} http_failure;
http_failure http_last_failure(const scope *s);

/* Version and TLS backend of libcurl ("libcurl/7.88.1 OpenSSL/3.0.15"), for `sluice doctor`. */
const char *http_client_version(void);

#endif
