/* SPDX-License-Identifier: MIT */
/*
 * What client.c (requests) and client_loop.c (libcurl on the event loop) share: one transfer.
 *
 * libcurl itself runs on the loop's own stack only, never on a fiber's, so a fiber that waits for an answer keeps a small
 * stack.  Transfers are pooled per loop: an easy handle and a timer cost more to make than a small request does.
 */
#ifndef NET_CLIENT_INTERNAL_H
#define NET_CLIENT_INTERNAL_H

#include <curl/curl.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/client.h"
#include "rt/fiber.h"

typedef struct client client;

typedef enum {
    PHASE_CONNECT, /* until the request can be sent */
    PHASE_ANSWER,  /* until the head has come */
    PHASE_BODY
} transfer_phase;

struct http_stream {
    /* client_loop.c */
    client *home;
    CURL *easy;
    uv_timer_t timer; /* may fire early: `due` counts */
    list_link link;   /* in home->idle, or in home->queue while `queued` */
    bool queued;      /* to be started or resumed after this turn */
    bool running;     /* in the multi handle */
    bool done;        /* libcurl has finished with it: `result` */
    CURLcode result;
    fiber *waiter; /* parked until something happens here */
    int64_t due;   /* clock_mono() value at which the phase has taken too long */
    bool timed_out;
    bool lingering; /* nobody reads any more: released when it ends or takes too long */

    /* client.c */
    const http_call *call; /* the caller's; NULL once the head has been handed out */
    struct tie *tie;       /* to the scope */
    arena *memory;         /* of the scope, for the head */
    const char *host;      /* for messages */
    guard_policy guard;
    transfer_phase phase;
    int64_t idle_limit;
    size_t sent;    /* of call->body, when libcurl asks for it piece by piece */
    bool uploading; /* there is more of the body to send */
    err upload_error;
    bool denied; /* the guard refused an address */
    int status;
    http_headers headers;
    size_t head_bytes;
    bool head_done;
    bool paused; /* too much waits in `incoming` */
    bool small;
    buf incoming; /* arrived, not yet read */
    buf reading;  /* lent to the reader */
};

/* A transfer with a fresh easy handle, everything else zero.  On the calling loop. */
http_stream *transfer_take(scope *s);

void transfer_start(http_stream *h);   /* the options are set: begins after this turn */
void transfer_resume(http_stream *h);  /* after a pause: goes on after this turn */
void transfer_halt(http_stream *h);    /* the loop lets go of it at once */
void transfer_release(http_stream *h); /* halts and gives it back to the pool */

void transfer_linger(http_stream *h); /* lets it come to its end, then releases it */

void transfer_wake(http_stream *h);

/* The phase may take `ns` from now on. */
void transfer_limit(http_stream *h, int64_t ns);

/* For CURLOPT_OPENSOCKETFUNCTION and its opposite: sockets made here are watched until they are closed here. */
curl_socket_t transfer_open_socket(http_stream *h, const struct curl_sockaddr *address);

/* client_request.c: one request for one URL, as libcurl's options. */
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
void request_set_options(http_stream *h, const target *t, const hop *how);
int64_t request_connect_limit(const http_call *call);

enum { WAITING_MAX = 64 << 10 }; /* unread bytes at which the transfer pauses */

#endif
