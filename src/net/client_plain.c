/* SPDX-License-Identifier: MIT */
/*
 * Plain requests: what is sent, what comes back, and what then becomes of the connection; see client_plain.h.
 *
 * A request that met a kept connection just as the other side closed it is sent once more, on a new one: nothing of an
 * answer had come, and its body can be read again.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/client_plain.h"

enum {
    SENDS_MAX = 16, /* in one go: a fast receiver does not hold up everybody else */
    UPLOAD_PIECE = 16 << 10
};

static plain_stream *of(http_stream *h)
{
    return CONTAINER_OF(h, plain_stream, base);
}

bool plain_reaches(const http_call *call, const target *t)
{
    static const char names[] = "-._:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return !call->decode && cstr_eq(t->scheme, "http") && strlen(t->host) < 256 &&
           strspn(t->host, names) == strlen(t->host); /* others are international names */
}

static http_stream *take(client *c)
{
    plain_stream *p = mem_zalloc(1, sizeof *p);

    (void)c;
    list_init(&p->waiting);
    p->out = BUF_INIT(SIZE_MAX / 2);
    return &p->base;
}

/* --- the head of the request --- */

static const char *own_value(const http_call *call, const char *name, bool foreign, const char *otherwise)
{
    for (size_t i = 0; i < call->n_headers; i++)
        if (str_is_nocase(str_of(call->headers[i].name), name) && request_sends(&call->headers[i], foreign))
            return call->headers[i].value;
    return otherwise;
}

static void put_header(buf *b, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_puts(b, name);
    buf_puts(b, value[0] != '\0' ? ": " : ":");
    buf_puts(b, value);
    buf_puts(b, "\r\n");
}

static void put_host(buf *b, const http_call *call, const target *t, bool foreign)
{
    const char *host = own_value(call, "host", foreign, NULL);

    buf_puts(b, "Host: ");
    buf_puts(b, host != NULL ? host : t->host);
    if (host == NULL && !cstr_eq(t->port, "80")) {
        buf_putc(b, ':');
        buf_puts(b, t->port);
    }
    buf_puts(b, "\r\n");
}

static void put_framing(buf *b, const http_call *call)
{
    if (call->read_body != NULL && call->read_length < 0) {
        put_header(b, "Transfer-Encoding", "chunked");
        return;
    }
    buf_puts(b, "Content-Length: ");
    buf_int(b, call->read_body != NULL ? call->read_length : (int64_t)call->body_len);
    buf_puts(b, "\r\n");
}

static void write_head(plain_stream *p, const target *t, const hop *how)
{
    static const char *const ours[] = {"Host", "User-Agent", "Accept"};
    const http_call *call = p->base.call;
    const char *path = strchr(t->url + strlen("http://"), '/');
    buf *b = &p->out;

    buf_puts(b, call->verb != NULL && how->method == call->method ? call->verb : http_method_name(how->method));
    buf_putc(b, ' ');
    buf_puts(b, path != NULL ? path : "/");
    buf_puts(b, " HTTP/1.1\r\n");
    put_host(b, call, t, how->foreign);
    put_header(b, ours[1], own_value(call, ours[1], how->foreign, "sluice/" SLUICE_VERSION));
    put_header(b, ours[2], own_value(call, ours[2], how->foreign, "*/*"));
    for (size_t i = 0; i < call->n_headers; i++) {
        const http_header *h = &call->headers[i];
        bool put = !request_sends(h, how->foreign);

        for (size_t k = 0; k < COUNT(ours) && !put; k++)
            put = str_is_nocase(str_of(h->name), ours[k]);
        if (!put)
            put_header(b, h->name, h->value);
    }
    if (how->has_body)
        put_framing(b, call);
    buf_puts(b, "\r\n");
}

/* --- ends --- */

static void watch(plain_stream *p)
{
    const http_stream *h = &p->base;

    conn_watch(p->conn, (h->paused ? 0 : UV_READABLE) | (h->uploading ? UV_WRITABLE : 0));
}

static void drop_conn(plain_stream *p)
{
    if (p->conn != NULL)
        conn_close(p->conn);
    p->conn = NULL;
}

static void fail_stream(plain_stream *p, http_failure failed, const char *why)
{
    drop_conn(p);
    p->base.uploading = false;
    transfer_done(&p->base, failed, why);
}

/* The answer is there. */
static void finish(plain_stream *p)
{
    plain_conn *k = p->conn;

    p->conn = NULL;
    if (k->answer.reusable && !p->base.uploading && !p->gave_up)
        conn_keep(k);
    else
        conn_close(k);
    p->base.uploading = false;
    transfer_done(&p->base, HTTP_FAIL_NONE, NULL);
}

/* No more of the request is sent; the answer may still come. */
static void give_up_sending(plain_stream *p)
{
    p->gave_up = true;
    p->base.uploading = false;
    transfer_wake(&p->base);
}

/* --- sending --- */

/* The next piece of a streamed upload into `out`. */
static err read_upload(plain_stream *p)
{
    const http_call *call = p->base.call;
    char *room = p->base.home->plain->input;
    size_t cap = UPLOAD_PIECE, len = 0;
    bool chunked = call->read_length < 0;

    if (!chunked)
        cap = (size_t)MIN_OF((int64_t)cap, call->read_length - (int64_t)p->base.sent);
    if (cap > 0)
        TRY(call->read_body(call->read_arg, room, cap, &len));
    assert(len <= cap);
    p->base.sent += len;
    p->upload_ended = len == 0;
    buf_reset(&p->out);
    p->out_sent = 0;
    if (chunked)
        buf_printf(&p->out, "%zx\r\n", len);
    buf_add(&p->out, room, len);
    if (chunked)
        buf_puts(&p->out, "\r\n");
    if (!chunked && len == 0 && (int64_t)p->base.sent < call->read_length)
        return ERR_INVALID; /* shorter than its length */
    return OK;
}

/* One system call.  -1: not now; -2: never again. */
static ssize_t send_piece(plain_stream *p)
{
    const http_call *call = p->base.call;
    struct iovec v[2] = {{p->out.data + p->out_sent, p->out.len - p->out_sent}};
    struct msghdr message = {.msg_iov = v, .msg_iovlen = 1};
    ssize_t n;

    if (p->has_body && call->read_body == NULL && call->body_len > p->base.sent) {
        v[1].iov_base = (char *)(uintptr_t)call->body + p->base.sent; /* only read */
        v[1].iov_len = call->body_len - p->base.sent;
        message.msg_iovlen = 2;
    }
    n = sendmsg(p->conn->fd, &message, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? -1 : -2;
    return n;
}

static void count_sent(plain_stream *p, size_t n)
{
    size_t head = MIN_OF(n, p->out.len - p->out_sent);
    const http_call *call = p->base.call;

    p->out_sent += head;
    if (call->read_body == NULL)
        p->base.sent += n - head;
    if (p->out_sent == p->out.len &&
        (call->read_body == NULL ? !p->has_body || p->base.sent == call->body_len : p->upload_ended)) {
        p->base.uploading = false;
        transfer_wake(&p->base);
    }
}

/* As much as the socket takes.  False: that was the end of the stream. */
static bool send_some(plain_stream *p)
{
    http_stream *h = &p->base;

    for (int i = 0; i < SENDS_MAX && h->uploading; i++) {
        ssize_t n;

        if (h->call->read_body != NULL && p->out_sent == p->out.len && !p->upload_ended &&
            (h->upload_error = read_upload(p)) != OK) {
            fail_stream(p, HTTP_FAIL_BROKEN, "the upload failed");
            return false;
        }
        n = p->out.len > p->out_sent || h->call->read_body == NULL ? send_piece(p) : 0;
        if (n == -1)
            break;
        if (n < 0) {
            give_up_sending(p); /* reading will tell */
            break;
        }
        transfer_limit(h, request_answer_limit(h->call));
        count_sent(p, (size_t)n);
    }
    watch(p);
    return true;
}

bool plain_writable(plain_conn *k)
{
    plain_stream *p = k->user;

    if (p == NULL || !p->base.uploading)
        return true;
    if (p->base.call == NULL) { /* the body is the caller's again */
        give_up_sending(p);
        watch(p);
        return true;
    }
    return send_some(p);
}

static void carry(plain_stream *p, plain_conn *k)
{
    http_stream *h = &p->base;

    p->conn = k;
    k->user = p;
    k->state = LINK_BUSY;
    response_begin(&k->answer, p->to_head, h->memory, &h->headers, &h->incoming);
    h->phase = PHASE_ANSWER;
    transfer_limit(h, request_answer_limit(h->call));
    send_some(p);
}

/* --- connecting --- */

static void connect_next(plain_stream *p)
{
    http_stream *h = &p->base;

    while (p->next < p->addresses->n) {
        const address *a = &p->addresses->at[p->next++];
        size_t others = p->addresses->n - p->next;
        int64_t left = MAX_OF(h->due - clock_mono(), 0);

        if (!guard_permits(h->guard, &a->any)) {
            h->denied = true;
            continue;
        }
        if ((p->conn = conn_open(p->at, a)) == NULL)
            continue;
        p->conn->user = p;
        if (others > 0) /* one that never answers leaves time for the next */
            conn_limit(p->conn, (uint64_t)(left / MILLISECONDS(1)) / (others + 1));
        return;
    }
    if (!h->denied) /* else the name means what it means to others */
        origin_forget(p->at);
    fail_stream(p, HTTP_FAIL_CONNECT, "not connected");
}

void plain_resolved(plain_stream *p)
{
    if (p->addresses == NULL || p->addresses->n == 0)
        fail_stream(p, HTTP_FAIL_DNS, "no such host");
    else
        connect_next(p);
}

void plain_connected(plain_conn *k, bool well)
{
    plain_stream *p = k->user;

    if (well) {
        carry(p, k);
        return;
    }
    drop_conn(p);
    connect_next(p);
}

static void connect_stream(plain_stream *p)
{
    p->next = 0;
    if (p->addresses != NULL || origin_resolve(p->at, p))
        plain_resolved(p);
}

static void start(http_stream *h, const target *t, const hop *how)
{
    plain_stream *p = of(h);
    plain_conn *k;

    p->to_head = how->method == HEAD || cstr_eq(h->call->verb, "HEAD");
    p->has_body = how->has_body;
    h->uploading = true;
    write_head(p, t, how);
    p->at = origin_take(h->home, t->host, t->port);
    k = h->call->read_body == NULL ? conn_kept(p->at, h->guard) : NULL; /* an upload cannot be sent twice */
    if (k != NULL)
        carry(p, k);
    else
        connect_stream(p);
}

/* --- receiving --- */

/* The other side has closed a kept connection before it saw the request. */
static bool start_again(plain_stream *p)
{
    http_stream *h = &p->base;

    if (!p->conn->used || p->conn->answer.seen > 0 || h->call == NULL || h->call->read_body != NULL)
        return false;
    drop_conn(p);
    p->out_sent = h->sent = 0;
    p->gave_up = false;
    h->uploading = true;
    h->phase = PHASE_CONNECT;
    transfer_limit(h, request_connect_limit(h->call));
    connect_stream(p);
    return true;
}

static void on_head(plain_stream *p)
{
    http_stream *h = &p->base;

    h->status = response_status(&p->conn->answer);
    h->head_done = true;
    h->phase = PHASE_BODY;
    if (h->uploading && h->status >= 300)
        give_up_sending(p);
    if (!h->uploading)
        buf_close(&p->out);
    transfer_wake(h);
}

/* The parser has been fed. */
static void tell(plain_stream *p, bool well, uint64_t received_before)
{
    http_stream *h = &p->base;
    response *r = &p->conn->answer;

    if (!well) {
        fail_stream(p, HTTP_FAIL_BROKEN, r->why);
        return;
    }
    if (r->head_done && !h->head_done)
        on_head(p);
    if (r->received > received_before)
        transfer_progress(h);
    if (r->complete) {
        finish(p);
        return;
    }
    h->paused = h->incoming.len >= WAITING_MAX;
    watch(p);
}

static void swallow(plain_conn *k, size_t n)
{
    response *r = &k->answer;
    bool well = n > 0 && response_feed(r, k->at->home->plain->input, n);

    if (well && r->complete && r->reusable)
        conn_keep(k);
    else if (!well || r->complete || r->received - k->swallowed_from > LINGER_MAX)
        conn_close(k);
    else
        conn_watch(k, UV_READABLE);
}

static void on_end(plain_stream *p, bool closed)
{
    if (closed && response_end(&p->conn->answer))
        finish(p);
    else if (!start_again(p))
        fail_stream(p, HTTP_FAIL_BROKEN, closed ? "it was closed too early" : "the connection is lost");
}

void plain_readable(plain_conn *k)
{
    char *input = k->at->home->plain->input;
    plain_stream *p = k->user;
    size_t room = p != NULL ? WAITING_MAX - p->base.incoming.len : LINGER_MAX;
    uint64_t before = k->answer.received;
    ssize_t n;

    if (room == 0)
        return; /* paused, and broken meanwhile: the reader comes first */
    n = recv(k->fd, input, room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        conn_watch(k, UV_READABLE | (p != NULL && p->base.uploading ? UV_WRITABLE : 0));
        return;
    }
    if (p == NULL) {
        swallow(k, n > 0 ? (size_t)n : 0);
    } else if (n <= 0) {
        on_end(p, n == 0);
    } else {
        tell(p, response_feed(&k->answer, input, (size_t)n), before);
    }
}

/* --- the transport --- */

static void resume(http_stream *h)
{
    if (of(h)->conn != NULL)
        watch(of(h));
}

static void release(http_stream *h)
{
    plain_stream *p = of(h);

    drop_conn(p);
    list_remove(&p->waiting);
    addresses_give(p->addresses);
    if (p->at != NULL)
        origin_give(p->at);
    buf_close(&p->out);
    free(p);
}

static void linger(http_stream *h)
{
    plain_stream *p = of(h);

    if (p->conn != NULL && h->head_done && !h->uploading && !p->gave_up) {
        conn_linger(p->conn);
        p->conn = NULL;
    }
    release(h);
}

const transport plain_transport = {
    .take = take, .start = start, .resume = resume, .linger = linger, .release = release};
