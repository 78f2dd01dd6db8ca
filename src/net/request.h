/* SPDX-License-Identifier: MIT */
/*
 * One HTTP request as a handler sees it, and its body.
 *
 * Everything lives in the request's scope, which is cancelled when the client goes away (but see request_hold()).
 */
#ifndef NET_REQUEST_H
#define NET_REQUEST_H

#include "base/json.h"
#include "net/http.h"
#include "net/schema.h"
#include "rt/scope.h"

typedef struct route route;
typedef struct request_body request_body;

enum { PATH_PARAMS_MAX = 8 };

typedef struct request {
    scope *scope;
    http_method method;
    const char *path;       /* as sent, still percent-encoded, without the query; always begins with '/' */
    const char *query;      /* as sent, "" when there is none */
    http_headers headers;   /* in the order received */
    const char *peer;       /* the client's address without port; of the proxy's header when that peer is trusted */
    const char *scheme;     /* "http" or "https" (from a trusted proxy) */
    const char *host;       /* the Host header, checked for syntax */
    const char *id;         /* request id: the client's X-Request-ID when it is sane, else ours */
    const void *listener;   /* the `tag` of the listener that took the connection */
    int64_t content_length; /* -1 when chunked; 0 without body */
    int64_t began;          /* clock_mono() when the head was complete */
    request_body *incoming; /* see the functions below */
    bool held;              /* by request_hold() */
    const char *left;       /* why the scope is cancelled when it is held no longer; NULL: the client is there */

    /* Filled in by the router (net/route.h). */
    const route *route;
    struct {
        const char *name, *value;
    } params[PATH_PARAMS_MAX]; /* percent-decoded */
    size_t n_params;
    void *body;   /* the struct that the route's body schema describes, or NULL */
    void *args;   /* the struct that the route's query schema describes, or NULL */
    json_t *json; /* the parsed body, whatever schema there is; NULL without a JSON body */

    /* Filled in by the face's authorisation. */
    const struct identity *user; /* NULL when nobody is logged in */
    void *face_data;             /* whatever else the face keeps with a request (locale …) */
} request;

const char *request_header(const request *rq, const char *name); /* NULL when absent */
const char *request_param(const request *rq, const char *name);  /* path parameter; "" when the pattern has none */

/* A query parameter, decoded ('+' is a space); the first of several; NULL when absent. */
const char *request_query(const request *rq, const char *name);

/* From here on the request goes on although its client goes away, until it is released: for work that must not be left half done.
 * Only the server's stop ends it then. */
void request_hold(request *rq);
void request_release(request *rq);

/* All query pairs in order, decoded.  ERR_INVALID for a bad escape. */
MUST_USE err request_query_all(request *rq, query_pair **pairs, size_t *n);

/* The whole body, at most `max` bytes, NUL-terminated, in the scope's arena.  Parks.  ERR_TOO_LARGE, ERR_CLOSED when the
 * client ends early, ERR_TIMEOUT when it stalls.  Asking again gives the same bytes. */
MUST_USE err request_body_all(request *rq, size_t max, str *out);

/* The body piece by piece: *len = 0 at its end.  Parks.  Not after request_body_all(). */
MUST_USE err request_body_read(request *rq, void *bytes, size_t cap, size_t *len);

/* The client has stopped sending in the middle of the body. */
bool request_body_stalled(const request *rq);

#endif
