/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests as calls that park; see client.h.
 *
 * Redirects are followed here and not by libcurl, so that each target passes the same checks and nothing secret goes to
 * another origin.
 */
#include "net/client.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>

#include "base/clock.h"
#include "net/client_internal.h"

enum { BUFFER_KEPT = 4 << 10 }; /* an empty buffer larger than this is freed */

#define DEFAULT_IDLE SECONDS(60)
#define DEFAULT_MAX_BODY MIB(16)

/* What the scope knows of a stream: NULL once it was closed by hand. */
struct tie {
    http_stream *stream;
};

/* --- waiting and failing --- */

static err fail_limit(scope *s, const http_stream *h)
{
    const char *late = h->phase == PHASE_CONNECT  ? "did not accept a connection in time"
                       : h->phase == PHASE_ANSWER ? "did not answer in time"
                                                  : "stopped sending in the middle of its answer";

    return fail_code(s, ERR_TIMEOUT, "http.timeout", h->host, "%s %s", h->host, late);
}

static err fail_result(scope *s, const http_stream *h)
{
    if (h->upload_error != OK)
        return h->upload_error;
    if (h->denied && h->failed == HTTP_FAIL_CONNECT)
        return fail_code(s, ERR_DENIED, "http.denied", h->host, "%s is on a network that may not be reached", h->host);
    switch (h->failed) {
    case HTTP_FAIL_DNS:
        return fail_code(s, ERR_UPSTREAM, "http.dns", h->host, "there is no host %s", h->host);
    case HTTP_FAIL_CONNECT:
        return fail_code(s, ERR_UPSTREAM, "http.connect", h->host, "%s does not accept connections", h->host);
    case HTTP_FAIL_TIMEOUT:
        return fail_limit(s, h);
    case HTTP_FAIL_TLS:
        return fail_code(s, ERR_UPSTREAM, "http.tls", h->host, "no secure connection to %s: %s", h->host, h->why);
    default:
        return fail_code(s, ERR_UPSTREAM, "http.broken", h->host, "the answer of %s broke off: %s", h->host, h->why);
    }
}

http_failure http_last_failure(const scope *s)
{
    static const struct {
        const char *code;
        http_failure failure;
    } known[] = {
        {"http.dns", HTTP_FAIL_DNS},         {"http.connect", HTTP_FAIL_CONNECT}, {"http.tls", HTTP_FAIL_TLS},
        {"http.timeout", HTTP_FAIL_TIMEOUT}, {"http.broken", HTTP_FAIL_BROKEN},
    };

    for (size_t i = 0; i < COUNT(known) && s->failure.e != OK; i++)
        if (cstr_eq(s->failure.code, known[i].code))
            return known[i].failure;
    return HTTP_FAIL_NONE;
}

/* Until something happens to the transfer. */
static err park(scope *s, http_stream *h)
{
    err e;

    assert(h->waiter == NULL); /* one fiber at a time */
    h->waiter = fiber_self();
    e = fiber_park(s);
    h->waiter = NULL;
    return e;
}

static err await_head(scope *s, http_stream *h)
{
    while (!h->done && (!h->head_done || (h->uploading && h->status < 300))) {
        if (h->timed_out)
            return fail_limit(s, h);
        TRY(park(s, h));
    }
    return h->head_done ? OK : fail_result(s, h);
}

static void close_tied(void *arg)
{
    http_close(((struct tie *)arg)->stream);
}

static void tie_to_scope(scope *s, http_stream *h)
{
    h->tie = arena_one(s->arena, struct tie);
    h->tie->stream = h;
    scope_defer(s, close_tied, h->tie);
}

/* --- what the header promises --- */

static err open_hop(scope *s, const http_call *call, const target *t, const hop *how, http_head *head,
                    http_stream **out)
{
    const transport *via = plain_reaches(call, t) ? &plain_transport : &curl_transport;
    client *c = client_of(s);
    http_stream *h = via->take(c);
    err e;

    h->via = via;
    h->home = c;
    h->call = call;
    h->guard = call->guard;
    h->memory = s->arena;
    h->host = t->host;
    h->small = call->small_buffers;
    h->idle_limit = call->idle_timeout > 0 ? call->idle_timeout : DEFAULT_IDLE;
    h->incoming = h->reading = BUF_INIT(WAITING_MAX);
    wheel_entry_init(&h->limit);
    tie_to_scope(s, h);
    transfer_limit(h, request_connect_limit(call));
    via->start(h, t, how);
    if ((e = await_head(s, h)) != OK) {
        http_close(h);
        return e;
    }
    h->call = NULL;
    *head = (http_head){.status = h->status, .headers = h->headers, .url = t->url};
    *out = h;
    return OK;
}

static const char *redirect_of(const http_head *head)
{
    switch (head->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return http_headers_get(&head->headers, "Location");
    default:
        return NULL;
    }
}

/* RFC 9110 section 15.4: which request follows. */
static err next_hop(scope *s, const http_call *call, int status, hop *how)
{
    if (status == 303 || (status <= 302 && how->method == POST)) {
        how->method = how->method == HEAD ? HEAD : GET;
        how->has_body = false;
    }
    if (how->has_body && call->read_body != NULL)
        return fail_code(s, ERR_UPSTREAM, "http.redirect", NULL, "a streamed upload was redirected");
    return OK;
}

err http_open(scope *s, const http_call *call, http_head *head, http_stream **out)
{
    hop how = {.method = call->method};
    target first, t;

    how.has_body = call->body_len > 0 || call->read_body != NULL || call->method == POST || call->method == PUT ||
                   call->method == PATCH;
    TRY(scope_check(s));
    TRY(request_check_headers(s, call));
    TRY(target_parse(s, NULL, call->url, &first));
    t = first;
    for (int followed = 0;; followed++) {
        const char *location;
        http_stream *h;

        TRY(open_hop(s, call, &t, &how, head, &h));
        location = call->max_redirects > 0 ? redirect_of(head) : NULL;
        if (location == NULL) {
            *out = h;
            return OK;
        }
        http_close(h);
        if (followed == call->max_redirects)
            return fail_code(s, ERR_UPSTREAM, "http.redirect", t.host, "%s redirects too often", t.host);
        TRY(next_hop(s, call, head->status, &how));
        TRY(target_parse(s, t.url, location, &t));
        how.foreign = how.foreign || !target_same_origin(&first, &t);
    }
}

static void give_back(http_stream *h)
{
    if (h->small || h->reading.cap > BUFFER_KEPT)
        buf_close(&h->reading);
    else
        buf_reset(&h->reading);
}

err http_read(scope *s, http_stream *h, str *bytes)
{
    buf lent;

    TRY(scope_check(s));
    give_back(h);
    while (h->incoming.len == 0) {
        if (h->done && h->failed != HTTP_FAIL_NONE)
            return fail_result(s, h);
        if (h->done) {
            *bytes = (str){"", 0};
            return OK;
        }
        if (h->timed_out)
            return fail_limit(s, h);
        transfer_limit(h, h->idle_limit);
        TRY(park(s, h));
    }
    h->timed_out = false;
    lent = h->incoming;
    h->incoming = h->reading;
    h->reading = lent;
    *bytes = (str){lent.data, lent.len};
    if (h->paused) {
        h->paused = false;
        h->via->resume(h);
    }
    return OK;
}

/* Nobody reads it any more. */
static void let_go(http_stream *h)
{
    h->tie->stream = NULL;
    wheel_unset(&h->home->limits, &h->limit);
    buf_close(&h->incoming);
    buf_close(&h->reading);
}

void http_close(http_stream *h)
{
    if (h == NULL)
        return;
    let_go(h);
    h->via->release(h);
}

void http_finish(http_stream *h)
{
    if (h == NULL)
        return;
    let_go(h);
    h->sent = 0;
    h->via->linger(h);
}

static err read_all(scope *s, http_stream *h, buf *all)
{
    str piece;

    for (;;) {
        TRY(http_read(s, h, &piece));
        if (piece.len == 0)
            return OK;
        buf_add(all, piece.p, piece.len);
        if (!buf_ok(all))
            return fail_code(s, ERR_TOO_LARGE, "http.too_large", h->host, "the answer of %s is longer than %zu bytes",
                             h->host, all->max);
    }
}

err http_fetch(scope *s, const http_call *call, http_head *head, str *body)
{
    http_stream *h;
    buf *all;
    err e;

    TRY(http_open(s, call, head, &h));
    all = buf_new(s->arena, call->max_body > 0 ? call->max_body : DEFAULT_MAX_BODY);
    e = read_all(s, h, all);
    http_close(h);
    if (e == OK)
        *body = (str){buf_str(all), all->len};
    return e;
}

const char *http_client_version(void)
{
    static THREAD_LOCAL char text[96];
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

    snprintf(text, sizeof text, "libcurl/%s %s", v->version, v->ssl_version != NULL ? v->ssl_version : "without TLS");
    return text;
}

/* --- what an answer asks for --- */

int64_t http_retry_after(const http_headers *headers)
{
    static const struct {
        const char *name;
        int64_t unit;
    } said[] = {{"retry-after-ms", MILLISECONDS(1)}, {"Retry-After", SECONDS(1)}};
    const char *text = NULL;
    time_t date;
    int64_t n;

    for (size_t i = 0; i < COUNT(said); i++) {
        text = http_headers_get(headers, said[i].name);
        if (text != NULL && str_to_int(str_trim(str_of(text)), &n) && n >= 0)
            return n > MINUTES(60) / said[i].unit ? MINUTES(60) : n * said[i].unit;
    }
    date = text != NULL ? curl_getdate(text, NULL) : -1;
    if (date == -1)
        return 0;
    n = (int64_t)date - clock_wall() / 1000000;
    return n <= 0 ? 0 : MIN_OF(n, INT64_C(3600)) * SECONDS(1);
}
