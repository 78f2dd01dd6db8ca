/* SPDX-License-Identifier: MIT */
/*
 * The HTTP/1.1 server (RFC 9112) on every loop.
 *
 * Each request gets a fiber and a scope and is handed to the application.  What is malformed, ambiguous or too big never
 * reaches it: the server answers by itself and closes (docs/architecture.md has the list).
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/response.h"
#include "rt/loop.h"

typedef struct {
    size_t max_head;                    /* bytes of request line and headers */
    size_t max_headers;                 /* number of them */
    int64_t max_body;                   /* largest Content-Length or chunked total */
    int64_t head_timeout;               /* from the first byte to the end of the head */
    int64_t idle_timeout;               /* of a kept-alive connection */
    int64_t body_timeout;               /* longest pause within a body */
    int64_t write_timeout;              /* longest time without the client reading anything */
    size_t high_water;                  /* unsent bytes at which a writer waits */
    size_t max_unsent;                  /* unsent bytes at which a connection is cut */
    size_t max_connections;             /* per process; further ones get 503 */
    const char *const *trusted_proxies; /* addresses or CIDR, ends with NULL; may be NULL */
} server_limits;

extern const server_limits server_default_limits;

typedef struct server server;

/* Runs in a fiber of its own for each request; must reply.  A request that it leaves unanswered gets a 500. */
typedef void (*server_app)(request *rq, response *rs, void *arg);

server *server_new(server_app app, void *arg, const server_limits *limits);

/* Opens a listener "HOST:PORT" ("[::1]:0" too; port 0: any) on every loop (SO_REUSEPORT).  `tag` comes back in
 * request.listener.  *port: the one bound.  ERR_CONFLICT when the address is in use, ERR_INVALID when it is no address.
 * Call before loops_run() has begun to serve, on any thread. */
MUST_USE err server_listen(server *sv, const char *address, const void *tag, int *port, char *why, size_t why_size);

/* Calls fn(arg) once, when the last of all loops has begun to accept on every listener.  Before the loops run. */
void server_on_ready(server *sv, void (*fn)(void *arg), void *arg);

/* Serves on the calling fiber's loop until `root` is cancelled; then stops accepting, lets requests finish until `grace` has
 * passed, cancels the rest, and returns.  Call once on each loop.  Parks. */
MUST_USE err server_serve(scope *root, server *sv, int64_t grace);

void server_free(server *sv);

/* For metrics, of all loops. */
typedef struct {
    uint64_t connections; /* open now */
    uint64_t streams;     /* streamed or followed responses open now */
    uint64_t requests;    /* since start */
    uint64_t refused;     /* malformed or over a limit, since start */
    uint64_t bytes_in, bytes_out;
} server_stats;
server_stats server_read_stats(const server *sv);

#endif
