/* SPDX-License-Identifier: MIT */
/*
 * A server for tests of clients: a thread a connection, blocking calls, and a handler that writes whatever bytes the test
 * wants the client to see.  It ends with the test's process.
 */
#ifndef UNIT_FAKE_SERVER_H
#define UNIT_FAKE_SERVER_H

#include "base/def.h"

typedef struct fake_conn fake_conn;

typedef struct {
    char method[16];
    char path[2048];
    const char *head; /* from the request line to the empty line */
    const char *body; /* whole, NUL-terminated; chunks are joined */
    size_t body_len;
    int number;     /* of this request on the server, from 1 */
    int connection; /* number of its connection, from 1 */
} fake_request;

/* Answers one request; false closes the connection. */
typedef bool (*fake_handler)(fake_conn *c, const fake_request *rq, void *arg);

/* Listens on 127.0.0.1; returns the port. */
int fake_server_start(fake_handler handler, void *arg);

/* These return false when the client has gone. */
bool fake_write(fake_conn *c, const void *bytes, size_t len);
bool fake_printf(fake_conn *c, const char *format, ...) PRINTF(2, 3);

/* A whole response with Content-Length. */
bool fake_reply(fake_conn *c, int status, const char *type, const char *body);

/* The value of a request header, in a static buffer of the thread; NULL when absent. */
const char *fake_header(const fake_request *rq, const char *name);

/* Waits until the client has closed, at most `ms`; whether it did. */
bool fake_wait_closed(fake_conn *c, int ms);
void fake_sleep_ms(int ms);
int fake_connections(void); /* that are open now */

#endif
