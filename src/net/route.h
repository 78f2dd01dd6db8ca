/* SPDX-License-Identifier: MIT */
/*
 * Routes are data: a face is a table of them, and this module turns requests into calls of their handlers.
 *
 * For each request the router finds the face by listener or path, then the route, and then in this order:
 * authorise, read and bind query and body, call the handler.  Whatever fails is answered by the face's envelope.
 *
 * Matching goes segment by segment: literal text wins over "{param}", which wins over "{rest...}", whatever the order of
 * the table; a route that has the method wins over one that has not.  A parameter is one segment that is not empty,
 * percent-decoded to UTF-8 without NUL (anything else does not match); an encoded '/' stays inside its segment.
 * "{rest...}" takes what is left, at least one character, decoded as a whole: who makes file names of it checks them.
 * HEAD is served by GET routes.
 */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/response.h"
#include "net/schema.h"

typedef enum {
    BODY_JSON,     /* when the route has a schema: application/json, bound to it */
    BODY_OPTIONAL, /* the same, but an empty body, or null, is an empty object */
    BODY_RAW       /* the handler reads it: multipart, downloads, forms */
} body_mode;

struct route {
    http_method method;
    const char *path; /* "/api/agents/{id}"; "{rest...}" at the end takes the remaining segments */
    unsigned access;  /* meaning is the face's: see its routes.h */
    const schema *body;
    err (*handler)(request *rq, response *rs);
    const char *summary; /* for the documentation; a sentence without full stop */
    const schema *args;  /* query parameters */
    body_mode mode;
    bool hidden;     /* not in the documentation */
    const char *tag; /* section in the documentation; NULL: from the path */
    bool quiet;      /* logged at debug level only: health, metrics */
};

/* What becomes of a path that a route matches but for a '/' at its end. */
typedef enum {
    SLASH_STRICT,   /* nothing: it does not match */
    SLASH_REDIRECT, /* 307 to the other form */
    SLASH_EITHER    /* it matches */
} slash_mode;

typedef struct face {
    const char *name;  /* "sage": also reachable under /sage/… */
    const char *title; /* for the documentation; NULL: the name */
    const route *routes;
    size_t n_routes;
    size_t max_json; /* largest JSON body; 0: 1 MiB */
    slash_mode slashes;
    bool docs; /* GET /openapi.json and GET /docs are answered by the router, for everybody, unless the table has
                           routes of its own for them */
    /* Sees every request of the face first: sets rq->user and rq->face_data, checks route->access.  `r` is NULL when no
     * route matches: the face may still insist on a login before saying so. */
    err (*authorize)(request *rq, response *rs, const route *r);
    /* The rest may each be NULL: then a plain answer is given, or nothing done. */
    /* Answers for a failed request: `f` is what fail() recorded. */
    void (*envelope)(request *rq, response *rs, failure f);
    /* Answers for a body or query that does not fit the schema.  `part` is "body" or "query". */
    void (*invalid)(request *rq, response *rs, const schema_faults *faults, const char *part);
    /* Answers when no route matches: `allow` lists the methods of the path ("GET, HEAD, PUT") and the Allow header is set
     * already, or it is NULL when there are none. */
    void (*no_route)(request *rq, response *rs, const char *allow);
    /* May answer before anything else (CORS preflight, browser-origin blocking …): true when it did. */
    bool (*intercept)(request *rq, response *rs);
    /* Called last for each request of the face, whoever answered; also when a handler returned OK without replying. */
    void (*after)(request *rq, response *rs);
    /* The user's id for the request log, or NULL when nobody is logged in. */
    const char *(*user_id)(const request *rq);
} face;

/* Which face gets a path on the shared port, first match wins.  Prefixes end at a segment ("/api/v1" takes "/api/v1/x";
 * "/" takes all).  Before the mounts come the faces' names: "/sage/x" is "/x" of the face "sage". */
typedef struct {
    const char *prefix; /* NULL: the face is made known, but has no place of its own on the shared port */
    const face *face;
    bool strip; /* the prefix is taken off the path */
} face_mount;

typedef struct router router;

/* Tables are checked when the router is made: a duplicate or malformed route aborts with its name.  The router registers
 * the metrics sluice_http_requests_total{face,status} and sluice_http_request_seconds{face} (until the handler returned). */
router *router_new(const face_mount *mounts, size_t n);
void router_free(router *r);

/* One line a request at info level: method, path without query, status, milliseconds, user.  On unless switched off. */
void router_log_requests(router *r, bool on);

/* A listener whose `tag` is this face gives it the whole path space. */
void router_serve(request *rq, response *rs, void *router); /* a server_app */

/* Whether a pattern matches a path, for tests: decoded parameters in `a`, and in `rq` unless that is NULL. */
bool route_match(arena *a, const char *pattern, const char *path, request *rq);

/* OpenAPI 3.1 document of a face, or (NULL) of the shared port: the routes of all faces, each at its own path where that
 * leads to it, else below its face's name.  New reference.  Served as /openapi.json to faces that have `docs`, and shown by
 * the page /docs, which needs no other server. */
json_t *openapi_describe(const router *r, const face *f, const char *version);

/* The page, for a route of one's own: it shows the openapi.json beside it. */
err openapi_serve_page(request *rq, response *rs);

#endif
