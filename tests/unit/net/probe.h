/* SPDX-License-Identifier: MIT */
/*
 * For tests of the HTTP server: a server on this loop, and a client with plain blocking sockets on a pool thread, so that
 * what goes over the wire is exactly what the test says.
 */
#ifndef TESTS_NET_PROBE_H
#define TESTS_NET_PROBE_H

#include "net/server.h"

typedef struct {
    server *sv;
    scope *running; /* cancel it to stop the server */
    int64_t grace;
    int port;
} probe_server;

/* Starts serving on 127.0.0.1; `limits` may be NULL.  Ends with `s`, or by probe_stop(). */
void probe_start(scope *s, probe_server *p, server_app app, void *arg, const server_limits *limits);
void probe_stop(probe_server *p); /* parks until it has ended, and frees it */

/* Runs the client on a thread and waits for it. */
void probe_client(scope *s, void (*client)(void *arg), void *arg);

/* The whole of it: a server for this application, a client, and the end.  The client gets a client_arg. */
typedef struct {
    int port;
    bool trusted; /* the client is a trusted proxy */
    probe_server *server;
} client_arg;
void probe_with(scope *s, server_app app, const server_limits *limits, void (*client)(void *arg));
int port_of(void *arg);

/* Wait, on the client's thread, until the server has begun so many requests in all, or has so many connections. */
void probe_wait_requests(void *arg, uint64_t n);
void probe_wait_connections(void *arg, uint64_t n);

/* The client's side.  A socket that waits longer than 10 s fails the test. */
int probe_connect(int port);
void probe_send(int fd, const char *text);
void probe_send_bytes(int fd, const void *bytes, size_t len);
size_t probe_read(int fd, char *out, size_t cap);    /* until close or `cap`; NUL-terminated */
bool probe_read_some(int fd, char *out, size_t cap); /* one read; false at the end */
bool probe_closed(int fd, int milliseconds);         /* whether the server closes within that time */

/* One response with Content-Length, chunked or without body (`head_only`), NUL-terminated and left framed; its status. */
int probe_response(int fd, char *out, size_t cap, bool head_only);

/* Connect, send, read all until close: the status. */
int probe_once(int port, const char *text, char *out, size_t cap);

#endif
