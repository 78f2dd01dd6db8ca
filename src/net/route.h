/* SPDX-License-Identifier: MIT */
/*
 * Routes are data: a face is a table of them, and this module turns requests into calls of their handlers.
 *
 * For each request the router finds the face by listener or path, then the route, and then in this order:
 * authorise, read and bind query and body, call the handler.  Whatever fails is answered by the face's envelope.
 */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/response.h"
#include "net/schema.h"

typedef enum {
    BODY_JSON,     /* when the route has a schema: application/json, bound to it */
    BODY_OPTIONAL, /* the same, but an empty body is an empty object */
    BODY_RAW       /* the handler reads it: multipart, downloads, forms */
} body_mode;

struct route {
    http_method method;
    const char *path;      /* "/api/agents/{id}"; "{rest...}" at the end takes the remaining segments */
    unsigned access;       /* meaning is the face's: see its routes.h */
    const schema *body;
    err (*handler)(request *rq, response *rs);
    const char *summary;   /* for the documentation; a sentence without full stop */
    const schema *args;    /* query parameters */
    body_mode mode;
    bool hidden;           /* not in the documentation */
    const char *tag;       /* section in the documentation; NULL: from the path */
};

typedef struct face {
    const char *name;   /* "sage": also reachable under /sage/… */
    const char *title;  /* for the documentation */
    const route *routes;
    size_t n_routes;
    size_t max_json;    /* largest JSON body; 0: 1 MiB */
    /* Sees every request of the face first: sets rq->user and rq->face_data, checks route->access.  `r` is NULL when no
     * route matches: the face may still insist on a login before saying so. */
    err (*authorize)(request *rq, response *rs, const route *r);
    /* Answers for a failed request: `f` is what fail() recorded. */
    void (*envelope)(request *rq, response *rs, failure f);
    /* Answers for a body or query that does not fit the schema.  `part` is "body" or "query". */
    void (*invalid)(request *rq, response *rs, const schema_faults *faults, const char *part);
    /* Answers when no route matches: `allow` lists the methods of the path ("GET, PUT"), or is NULL when there are none. */
    void (*no_route)(request *rq, response *rs, const char *allow);
    /* May answer before anything else (CORS preflight, browser-origin blocking …): true when it did.  NULL: nothing. */
    bool (*intercept)(request *rq, response *rs);
    /* Called when a handler returned OK without replying, or after any reply; NULL: nothing. */
    void (*after)(request *rq, response *rs);
} face;

/* Which face gets a path on the shared port, first match wins.  Prefixes end at a segment ("/api/v1" takes "/api/v1/x"). */
typedef struct {
    const char *prefix;
    const face *face;
} face_mount;

typedef struct router router;

/* Tables are checked when the router is made: a duplicate or malformed route aborts with its name. */
router *router_new(const face_mount *mounts, size_t n);
void router_free(router *r);

/* A listener whose `tag` is this face gives it the whole path space. */
void router_serve(request *rq, response *rs, void *router); /* a server_app */

/* Whether a pattern matches a path, for tests: decoded parameters in `a`.  An encoded '/' stays inside its segment. */
bool route_match(arena *a, const char *pattern, const char *path, request *rq);

/* OpenAPI 3.1 document of a face (NULL: of all), new reference; and the page that shows it, which needs no other server. */
json_t *openapi_describe(const router *r, const face *f, const char *version);
err openapi_serve_json(request *rq, response *rs, const router *r);
err openapi_serve_page(request *rq, response *rs, const router *r);

#endif
