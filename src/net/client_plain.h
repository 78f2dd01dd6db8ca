/* SPDX-License-Identifier: MIT */
/*
 * What client_plain.c (requests and answers) and client_conn.c (connections) share.
 *
 * A connection outlives its streams: it is kept for the next one when an answer has come whole and left no doubt where it
 * ended.  Whatever arrives on a kept connection ends it.
 */
#ifndef NET_CLIENT_PLAIN_H
#define NET_CLIENT_PLAIN_H

#include "base/map.h"
#include "net/client_internal.h"
#include "net/client_resolve.h"
#include "net/client_response.h"

/* A host and port: what its name means, and the connections to it that wait for a request. */
typedef struct {
    client *home;
    size_t refs; /* of streams and connections; map and wheel hold none */
    list_link idle;
    list_link waiting; /* streams, for the lookup */
    address_list *known;
    uint64_t known_until; /* uv_now() value */
    lookup *lookup;
    uint16_t port;
    const char *host; /* in `key` */
    char key[];       /* "host:port", then the host again */
} origin;

typedef enum {
    LINK_CONNECTING,
    LINK_BUSY,      /* carries a stream */
    LINK_LINGERING, /* the rest of an answer that nobody reads any more */
    LINK_IDLE
} link_state;

typedef struct plain_stream plain_stream;

typedef struct {
    uv_poll_t poll;
    origin *at;
    list_link link; /* in at->idle, when idle */
    list_link age;  /* in side->idle, oldest first, or side->busy */
    wheel_entry limit;
    uint64_t due; /* uv_now() value */
    address peer;
    plain_stream *user; /* CONNECTING and BUSY */
    response answer;
    uint64_t swallowed_from; /* LINGERING */
    int fd;
    int watched; /* events */
    link_state state;
    bool used; /* has carried an answer before this one */
} plain_conn;

struct plain_stream {
    http_stream base;
    origin *at;
    plain_conn *conn;
    list_link waiting; /* in at->waiting */
    address_list *addresses;
    size_t next; /* of them, to be tried */
    buf out;     /* the head; of a streamed upload, then what was read of it */
    size_t out_sent;
    bool to_head;
    bool has_body;
    bool upload_ended; /* everything that is to be sent is in `out` or was sent */
    bool gave_up;      /* the request was not sent whole */
};

struct plain_side {
    map *origins;
    list_link idle, busy; /* connections */
    size_t n_idle;
    wheel limits;            /* of connections */
    char input[WAITING_MAX]; /* read into, by whoever is called */
};

/* --- client_conn.c --- */

struct plain_side *side_of(client *c);

origin *origin_take(client *c, const char *host, const char *port);
void origin_give(origin *at);

/* True: `p->addresses` is there; else plain_resolved() is called. */
bool origin_resolve(origin *at, plain_stream *p);
void origin_forget(origin *at); /* what the name means */

plain_conn *conn_kept(origin *at, guard_policy guard); /* the youngest that the guard permits, or NULL */
plain_conn *conn_open(origin *at, const address *to);  /* begins to connect; NULL: refused at once */
void conn_keep(plain_conn *k);
void conn_linger(plain_conn *k);
void conn_close(plain_conn *k);
void conn_watch(plain_conn *k, int events);
void conn_limit(plain_conn *k, uint64_t ms);

/* --- client_plain.c: what happens there --- */

void plain_resolved(plain_stream *p);
void plain_connected(plain_conn *k, bool well);
bool plain_writable(plain_conn *k); /* false: it is closed */
void plain_readable(plain_conn *k); /* or broken: reading will tell */

#endif
