/* SPDX-License-Identifier: MIT */
/*
 * What the files of the HTTP server share with each other and with nobody else.
 *
 * One worker a loop; its connections; and of a connection that is serving a request, the exchange: request, response and
 * body, all in the arena of the request's scope.  An idle connection holds no buffer: bytes are read into the worker's,
 * and what is left over in either direction gets memory only while it waits.
 *
 *   conn.c      life of a connection: accepting, reading, closing, timeouts
 *   exchange.c  from a complete head to the handler's fiber and its end
 *   outgoing.c  the way out: batching, back-pressure
 *   response.c  heads and bodies;  follow.c sources;  file.c files;  refuse.c answers of our own
 */
#ifndef NET_SERVER_INTERNAL_H
#define NET_SERVER_INTERNAL_H

#include <stdatomic.h>

#include "net/address.h"
#include "net/head.h"
#include "net/incoming.h"
#include "net/server.h"
#include "net/wheel.h"
#include "rt/fiber.h"

typedef struct conn conn;
typedef struct worker worker;
typedef struct exchange exchange;

enum { READ_BUFFER = 65536, AHEAD_MAX = 16384, BODY_BUFFERED_MAX = 65536, PEER_TEXT = 48 };

typedef enum {
    CONN_HEAD,    /* waits for a request, or has a part of its request_head */
    CONN_BODY,    /* serves one, whose body is still coming */
    CONN_AHEAD,   /* serves one; what comes belongs to the next */
    CONN_RAW,     /* upgraded: bytes go to `raw` */
    CONN_DISCARD, /* answered for the last time; reads on, lest a reset destroys the answer */
    CONN_CLOSED   /* the handle is closing */
} conn_state;

/* A write that the kernel did not take at once. */
typedef struct {
    uv_write_t req;
    conn *conn;
    buf bytes;
    size_t left; /* when last looked at */
} write_job;

struct conn {
    uv_tcp_t tcp;
    worker *w;
    list_link link; /* in worker->conns */
    list_link turn; /* in worker->turn: something is to be done at the end of the turn */
    wheel_entry timeout;
    uint64_t read_due, write_due, beat_due; /* uv_now() values, UINT64_MAX: none */
    exchange *x;                            /* NULL between requests */
    buf in;                                 /* a partial head, or bytes of the next request */
    buf out;                                /* not yet given to the kernel */
    write_job *job;
    list_link writers;                                     /* parked until less is unsent */
    void (*raw)(void *arg, const char *bytes, size_t len); /* len 0: the client is gone */
    void *raw_arg;
    int64_t skip; /* bytes of a body that nobody read */
    head_scan scan;
    conn_state state;
    bool reading;      /* uv_read_start() is on */
    bool gone;         /* the client has closed its side */
    bool closing;      /* closes when `out` is empty */
    bool linger;       /* and then discards what still comes */
    bool pull;         /* the source has more */
    bool ended;        /* the exchange is over: clean up at the end of the turn */
    bool peer_trusted; /* a proxy whose X-Forwarded-* count */
    bool counted;      /* in server->connections */
    const void *tag;
    char peer[PEER_TEXT];
};

typedef struct extra_header {
    struct extra_header *next;
    size_t len;
    char line[]; /* "Name: value\r\n" */
} extra_header;

typedef enum {
    BODY_NONE, /* a whole response, or a status or method that has no body */
    BODY_CHUNKED,
    BODY_PLAIN, /* Content-Length, counted down in `left`, or until close */
} body_framing;

struct response {
    exchange *x;
    int status; /* 0: nothing was sent */
    extra_header *extra, **extra_end;
    body_framing framing;
    bool done;      /* the last byte was handed over */
    bool streaming; /* counted in stats.streams */
    bool close;     /* the handler or the framing asks for it */
    bool typed;     /* reply_header() gave a Content-Type */
    source *src;    /* followed; NULL once it ended */
};

struct exchange {
    request rq;
    response rs;
    conn *conn;
    bool http10;
    bool keep_alive;
    bool fiber_ended;
    bool upgrade;    /* the request asks for one */
    arena_mark bare; /* the scope's arena before the request was put there */
};

/* Apart from the worker, so that they outlive it; each on cache lines of its own. */
typedef struct {
    _Alignas(64) _Atomic uint64_t streams, requests, refused, bytes_in, bytes_out;
} worker_counters;

typedef struct {
    uv_poll_t poll;
    uv_timer_t retry; /* accepting again after there were no descriptors */
    int fd;
    worker *w;
    const void *tag;
} acceptor;

struct worker {
    server *sv;
    uv_loop_t *uv;
    scope *requests; /* parent of all request scopes */
    fiber *waiter;   /* in server_serve() */
    list_link conns;
    size_t n_conns; /* memory not yet given back */
    size_t handles; /* acceptors and timer not yet closed */
    bool stopping;
    list_link turn;
    loop_hook hook;
    wheel timeouts;
    acceptor *acceptors;
    conn *spare; /* freed connections, linked by conn->link.next */
    size_t n_spare;
    uint64_t id_seed, id_count; /* of request ids */
    int64_t date_at;            /* second that `date` shows */
    char date[40];
    buf scratch;         /* a response's head, or what a source gave */
    request_head parsed; /* of the request that is starting */
    worker_counters *counters;
    char input[READ_BUFFER];
};

struct server {
    server_app app;
    void *arg;
    server_limits limits;
    address_range *trusted;
    size_t n_trusted;
    struct listener *listeners;
    size_t n_listeners;
    void (*on_ready)(void *arg); /* or NULL */
    void *on_ready_arg;
    _Atomic size_t n_accepting; /* loops */
    _Atomic uint64_t connections;
    _Atomic size_t n_workers; /* those that have counters */
    worker_counters counters[LOOPS_MAX];
};

typedef struct listener {
    struct sockaddr_storage address;
    const void *tag;
    _Atomic int first_fd; /* bound in server_listen(), for the first worker that comes; then -1 */
} listener;

static inline void count(_Atomic uint64_t *counter, uint64_t n)
{
    /* One writer each, so no locked instruction is needed. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* server.c */
void worker_check_stop(worker *w); /* something ended while it may be stopping */

/* conn.c */
void conn_accept(const acceptor *a, int fd); /* takes the descriptor */
void conn_read_on(conn *c);                  /* asks the kernel for more, unless enough is waiting */
void conn_read_off(conn *c);
void conn_at_turn_end(conn *c);
void conn_turns(void *w);               /* the worker's hook */
void conn_finish(conn *c, bool linger); /* closes once all is sent */
void conn_cut(conn *c);                 /* closes now */
void conn_sent(conn *c);                /* all is sent */
void conn_next(conn *c);                /* the exchange is over: on to the next request */
void conn_arm(conn *c);                 /* after one of the *_due changed */
void conn_fire(wheel_entry *e);
uint64_t conn_due(const conn *c, int64_t timeout);
void conn_free_spares(worker *w);

/* exchange.c */
void exchange_begin(conn *c, const char *text, size_t len, const char *rest, size_t rest_len);
void exchange_body(conn *c, const char *bytes, size_t len);
void exchange_client_gone(conn *c, const char *reason); /* `reason`: static text */
void exchange_end(conn *c);

/* outgoing.c */
void out_send(conn *c, const char *first, size_t first_len, const void *second,
              size_t second_len);                     /* now, if possible */
void out_add(conn *c, const void *bytes, size_t len); /* at the turn's end */
void out_flush(conn *c);
size_t out_unsent(const conn *c);
MUST_USE err out_wait(conn *c, scope *s); /* parks while more than the high-water mark is unsent; any number may */
void out_wake(conn *c);                   /* those who wait: the client has gone */
void out_check_progress(conn *c);

/* response.c */
void response_head(response *rs, buf *out, int status, const char *type, int64_t length);
bool response_can_begin(response *rs, int status);
void response_finished(response *rs); /* the last byte was handed over */

/* follow.c */
void follow_pull(conn *c);
void follow_stop(response *rs);
void follow_beat(conn *c);

/* refuse.c */
void refuse(conn *c, refusal r);

#endif
