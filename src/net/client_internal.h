/* SPDX-License-Identifier: MIT */
/*
 * What the files of the HTTP client share with each other and with nobody else.
 *
 *   client.c            the calls that park; redirects
 *   client_request.c    what is checked of a request, whichever way it goes
 *   client_loop.c       the client of a loop: time limits, its beginning and end
 *   client_plain.c      http: one request and its answer      client_conn.c     its connections, kept and new
 *   client_response.c   the parser of answers                 client_resolve.c  names to addresses
 *   client_curl.c       https: a request as libcurl's options   client_curl_loop.c  libcurl on the event loop
 *
 * Both ways do their work in callbacks on the loop's own stack, never on a fiber's, so a fiber that waits for an answer
 * keeps a small stack.
 */
#ifndef NET_CLIENT_INTERNAL_H
#define NET_CLIENT_INTERNAL_H

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/client.h"
#include "net/wheel.h"
#include "rt/fiber.h"

enum {
    WAITING_MAX = 64 << 10, /* unread bytes of a body at which its sender is made to wait */
    RESPONSE_HEAD_MAX = 64 << 10,
    RESPONSE_HEADERS_MAX = 200,
    CONNECTIONS_KEPT = 256, /* idle, besides those in use */
    LINGER_MAX = 4 << 10,   /* bytes swallowed of a stream that nobody reads any more */
    LINGER_MS = 1000        /* and for how long */
};

/* Of one loop. */
typedef struct client {
    uv_loop_t *uv;
    loop *loop;
    wheel limits; /* of streams */
    struct plain_side *plain;
    struct curl_side *curl;
} client;

typedef enum {
    PHASE_CONNECT, /* until the request can be sent */
    PHASE_ANSWER,  /* until the head has come */
    PHASE_BODY
} transfer_phase;

typedef struct transport transport;

/* A request and its answer.  Each transport has a struct of its own that begins with this. */
struct http_stream {
    client *home;
    const transport *via;
    const http_call *call; /* the caller's; NULL once the head has been handed out */
    struct tie *tie;       /* to the scope */
    arena *memory;         /* of the scope, for the head */
    const char *host;      /* for messages */
    fiber *waiter;         /* parked until something happens here */
    wheel_entry limit;     /* may fire early: `due` counts */
    int64_t due;           /* clock_mono() value at which the phase has taken too long */
    int64_t idle_limit;
    size_t sent; /* of the body */
    http_headers headers;
    buf incoming; /* arrived, not yet read */
    buf reading;  /* lent to the reader */
    int status;
    guard_policy guard;
    transfer_phase phase;
    http_failure failed; /* once it is done */
    const char *why;     /* in words without parts of the URL; static */
    err upload_error;
    bool denied; /* the guard refused an address */
    bool timed_out;
    bool uploading; /* there is more of the request to send */
    bool head_done;
    bool done;      /* nothing will happen here any more */
    bool lingering; /* nobody reads any more: released when it ends or takes too long */
    bool paused;    /* too much waits in `incoming` */
    bool small;
};

/* --- client_request.c --- */

typedef struct {
    const char *url; /* normalised, without fragment */
    const char *scheme, *host, *port;
} target;

typedef struct {
    http_method method;
    bool has_body;
    bool foreign; /* another origin than the caller's: no credentials go there, nor anywhere after it */
} hop;

/* `from` is the URL that redirected to `url`, or NULL.  Nothing of the URL goes into the error: it may hold a secret. */
MUST_USE err target_parse(scope *s, const char *from, const char *url, target *out);
bool target_same_origin(const target *a, const target *b);

MUST_USE err request_check_headers(scope *s, const http_call *call);

/* Whether a header of the call goes into the request. */
bool request_sends(const http_header *header, bool foreign);

int64_t request_connect_limit(const http_call *call);
int64_t request_answer_limit(const http_call *call);

/* --- the two ways --- */

struct transport {
    http_stream *(*take)(client *c); /* zeroed but for what is the transport's */
    void (*start)(http_stream *h, const target *t, const hop *how);
    void (*resume)(http_stream *h);  /* after a pause */
    void (*linger)(http_stream *h);  /* lets it come to its end, and releases it */
    void (*release)(http_stream *h); /* the loop lets go of it at once; `h` is gone */
};

extern const transport plain_transport, curl_transport;
bool plain_reaches(const http_call *call, const target *t);

/* When the loop ends; no stream is open. */
void plain_close(client *c);
void curl_close(client *c);

/* --- client_loop.c --- */

client *client_of(scope *s);

void transfer_wake(http_stream *h);
void transfer_limit(http_stream *h, int64_t ns); /* the phase may take so long from now on */
void transfer_progress(http_stream *h);          /* a part of the body has come */
void transfer_done(http_stream *h, http_failure failed, const char *why);

#endif
