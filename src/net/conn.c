/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection: accepted, read, timed, closed.
 *
 * Requests of one connection are served strictly one after the other.  While one is served, reading goes on, so that a
 * client that leaves is noticed at once; but what it sends ahead is bounded.
 *
 * A connection's memory goes back when its handle is closed and its exchange is over, whichever comes last.
 */
#include <unistd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/server_internal.h"

enum { SPARE_MAX = 256, DISCARD_MAX = 1 << 28, DISCARD_SECONDS = 5 };

static const uint64_t never = UINT64_MAX;

/* ---- memory ---- */

static conn *take_conn(worker *w)
{
    conn *c = w->spare;

    if (c == NULL) {
        c = mem_zalloc(1, sizeof *c);
    } else {
        w->spare = (conn *)(void *)c->link.next;
        w->n_spare--;
        memset(c, 0, sizeof *c);
    }
    c->w = w;
    c->read_due = c->write_due = c->beat_due = never;
    c->in = c->out = BUF_INIT(SIZE_MAX - 1); /* bounded where they are filled */
    list_init(&c->turn);
    list_init(&c->writers);
    list_append(&w->conns, &c->link);
    wheel_entry_init(&c->timeout);
    w->n_conns++;
    return c;
}

static void give_conn(conn *c)
{
    worker *w = c->w;

    list_remove(&c->link);
    list_remove(&c->turn);
    buf_close(&c->in);
    buf_close(&c->out);
    w->n_conns--;
    if (c->counted)
        atomic_fetch_sub_explicit(&w->sv->connections, 1, memory_order_relaxed);
    if (w->n_spare == SPARE_MAX) {
        free(c);
    } else {
        c->link.next = (list_link *)(void *)w->spare;
        w->spare = c;
        w->n_spare++;
    }
    worker_check_stop(w);
}

void conn_free_spares(worker *w)
{
    while (w->spare != NULL) {
        conn *c = w->spare;

        w->spare = (conn *)(void *)c->link.next;
        free(c);
    }
    w->n_spare = 0;
}

/* ---- timeouts ---- */

uint64_t conn_due(const conn *c, int64_t timeout)
{
    return timeout <= 0 || timeout == NO_LIMIT ? never : uv_now(c->w->uv) + (uint64_t)timeout / 1000000 + 1;
}

void conn_arm(conn *c)
{
    uint64_t due = MIN_OF(MIN_OF(c->read_due, c->write_due), c->beat_due);

    if (due != never && c->state != CONN_CLOSED)
        wheel_set(&c->w->timeouts, &c->timeout, due);
}

static void read_too_late(conn *c)
{
    struct request_body *b = c->x != NULL ? c->x->rq.incoming : NULL;

    c->read_due = never;
    if (c->state == CONN_HEAD && c->scan.len > 0) {
        refuse(c, (refusal){408, "the request did not arrive in time"});
    } else if (c->state == CONN_BODY) {
        incoming_fail(b, ERR_TIMEOUT, "the request body stopped coming");
        if (b->reader != NULL)
            fiber_wake(b->reader);
    } else {
        conn_cut(c);
    }
}

void conn_fire(wheel_entry *e)
{
    conn *c = CONTAINER_OF(e, conn, timeout);
    uint64_t now = uv_now(c->w->uv);

    if (c->read_due <= now)
        read_too_late(c);
    if (c->write_due <= now)
        out_check_progress(c);
    if (c->beat_due <= now)
        follow_beat(c);
    conn_arm(c);
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    const conn *c = h->data;

    (void)suggested;
    *out = uv_buf_init(c->w->input, READ_BUFFER);
}

static void take_head(conn *c, const char *p, size_t len)
{
    worker *w = c->w;
    refusal why = ACCEPTED;
    size_t used = 0;
    scan_result r;
    buf whole;

    for (; c->scan.len == 0 && len > 0 && (*p == '\r' || *p == '\n'); p++)
        len--; /* RFC 9112 section 2.2: empty lines before a request are skipped */
    if (len == 0)
        return;
    r = head_scan_feed(&c->scan, p, len, &used, &why);
    if (r != SCAN_BAD && c->scan.len > w->sv->limits.max_head)
        why = c->scan.lines == 0 ? (refusal){414, "the request target is too long"}
                                 : (refusal){431, "the request head is too large"};
    if (why.status != 0) {
        refuse(c, why);
        return;
    }
    if (r == SCAN_DONE && c->in.len == 0) {
        exchange_begin(c, p, used, p + used, len - used);
        return;
    }
    if (c->in.len == 0) {
        c->read_due = conn_due(c, w->sv->limits.head_timeout);
        conn_arm(c);
    }
    buf_add(&c->in, p, used);
    if (r == SCAN_MORE)
        return;
    whole = c->in;
    c->in = BUF_INIT(SIZE_MAX - 1);
    exchange_begin(c, whole.data, whole.len, p + used, len - used);
    buf_close(&whole);
}

static void take_ahead(conn *c, const char *p, size_t len)
{
    buf_add(&c->in, p, len);
    if (c->in.len >= AHEAD_MAX)
        conn_read_off(c);
}

static void conn_input(conn *c, const char *p, size_t len)
{
    size_t skip;

    switch (c->state) {
    case CONN_HEAD:
        skip = MIN_OF((size_t)c->skip, len);
        c->skip -= (int64_t)skip;
        take_head(c, p + skip, len - skip);
        break;
    case CONN_BODY:
        exchange_body(c, p, len);
        break;
    case CONN_AHEAD:
        take_ahead(c, p, len);
        break;
    case CONN_RAW:
        c->raw(c->raw_arg, p, len);
        break;
    case CONN_DISCARD:
        c->skip += (int64_t)len;
        if (c->skip > DISCARD_MAX)
            conn_cut(c);
        break;
    case CONN_CLOSED:
        break;
    }
}

/* The client has closed its side, or the connection is broken.  A handler that is about to answer in one piece may still
 * do so: some clients close their side right after asking. */
static void on_lost(conn *c, ssize_t status)
{
    conn_read_off(c);
    c->gone = true;
    c->read_due = never;
    if (c->state == CONN_RAW) {
        c->raw(c->raw_arg, NULL, 0);
        return;
    }
    if (status == UV_EOF && c->state != CONN_DISCARD && c->x != NULL && !c->x->rs.streaming) {
        exchange_client_gone(c, "client disconnected");
        return;
    }
    if (status != UV_EOF || c->x != NULL || out_unsent(c) == 0)
        conn_cut(c);
    else
        conn_finish(c, false);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    conn *c = stream->data;

    if (n < 0) {
        on_lost(c, n);
    } else if (n > 0) {
        count(&c->w->counters->bytes_in, (uint64_t)n);
        conn_input(c, bytes->base, (size_t)n);
    }
}

void conn_read_on(conn *c)
{
    if (c->reading || c->gone || c->state == CONN_CLOSED)
        return;
    c->reading = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0;
    if (!c->reading)
        conn_cut(c);
}

void conn_read_off(conn *c)
{
    if (!c->reading)
        return;
    uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
}

/* ---- accepting ---- */

static void learn_peer(conn *c)
{
    struct sockaddr_storage a;
    int size = sizeof a;
    const server *sv = c->w->sv;
    uint8_t ip[16];

    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &size) != 0)
        return;
    address_text((struct sockaddr *)&a, c->peer, sizeof c->peer);
    c->peer_trusted =
        sv->n_trusted > 0 && address_ip_parse(str_of(c->peer), ip) && address_in_ranges(ip, sv->trusted, sv->n_trusted);
}

static void on_closed(uv_handle_t *h)
{
    conn *c = h->data;

    c->tcp.data = NULL;
    if (c->x == NULL)
        give_conn(c);
}

void conn_accept(const acceptor *a, int fd)
{
    worker *w = a->w;
    conn *c = take_conn(w);
    uint64_t others;

    uv_tcp_init(w->uv, &c->tcp);
    c->tcp.data = c;
    c->tag = a->tag;
    if (uv_tcp_open(&c->tcp, fd) != 0) {
        close(fd);
        conn_cut(c);
        return;
    }
    others = atomic_fetch_add_explicit(&w->sv->connections, 1, memory_order_relaxed);
    c->counted = true;
    learn_peer(c);
    c->read_due = conn_due(c, w->sv->limits.head_timeout); /* a new connection is there to ask something soon */
    conn_arm(c);
    conn_read_on(c);
    if (others >= w->sv->limits.max_connections)
        refuse(c, (refusal){503, "too many connections"});
}

/* ---- what is left for the end of the turn ---- */

void conn_at_turn_end(conn *c)
{
    worker *w = c->w;

    if (c->turn.next != &c->turn)
        return;
    list_append(&w->turn, &c->turn);
    if (!w->hook.queued)
        loop_after_turn(&w->hook);
}

static void conn_turn(conn *c)
{
    if (c->state != CONN_CLOSED) {
        if (c->pull)
            follow_pull(c);
        out_flush(c);
    }
    if (c->x != NULL && c->x->fiber_ended && c->x->rs.src == NULL && (c->x->rs.done || c->state == CONN_CLOSED))
        exchange_end(c);
    else if (c->x == NULL && c->state == CONN_AHEAD && !c->closing)
        conn_next(c);
}

void conn_turns(void *arg)
{
    worker *w = arg;
    list_link now, *l;

    list_init(&now);
    while ((l = list_take_first(&w->turn)) != NULL)
        list_append(&now, l);
    while ((l = list_take_first(&now)) != NULL)
        conn_turn(LIST_OF(l, conn, turn));
    if (!list_empty(&w->turn) && !w->hook.queued)
        loop_after_turn(&w->hook);
}

void conn_next(conn *c)
{
    buf ahead = c->in;

    if (c->state == CONN_CLOSED) {
        if (c->tcp.data == NULL)
            give_conn(c);
        return;
    }
    if (out_unsent(c) > 0)
        return; /* conn_sent() comes back here */
    if (c->w->stopping || c->gone) {
        conn_finish(c, false);
        return;
    }
    c->state = CONN_HEAD;
    c->scan = (head_scan){0};
    c->in = BUF_INIT(SIZE_MAX - 1);
    c->read_due = conn_due(c, c->w->sv->limits.idle_timeout);
    conn_arm(c);
    conn_read_on(c);
    if (ahead.len > 0)
        conn_input(c, ahead.data, ahead.len);
    buf_close(&ahead);
}

/* ---- closing ---- */

void conn_sent(conn *c)
{
    int fd;

    c->write_due = never;
    worker_check_stop(c->w);
    if (c->state == CONN_CLOSED)
        return;
    if (!c->closing) {
        if (c->x == NULL && c->state == CONN_AHEAD)
            conn_at_turn_end(c);
        return;
    }
    if (!c->linger || c->gone || uv_fileno((uv_handle_t *)&c->tcp, &fd) != 0) {
        conn_cut(c);
        return;
    }
    shutdown(fd, SHUT_WR);
    c->read_due = conn_due(c, SECONDS(DISCARD_SECONDS));
    conn_arm(c);
    conn_read_on(c);
}

void conn_finish(conn *c, bool linger)
{
    if (c->state == CONN_CLOSED)
        return;
    c->closing = true;
    c->linger = linger;
    c->state = CONN_DISCARD; /* nothing that comes is a request any more */
    c->skip = 0;
    if (c->job == NULL && c->out.len > 0)
        out_flush(c); /* comes to conn_sent() when it all goes */
    else if (out_unsent(c) == 0)
        conn_sent(c);
}

void conn_cut(conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    c->gone = true;
    c->reading = false;
    wheel_unset(&c->w->timeouts, &c->timeout);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
    if (c->x != NULL) {
        exchange_client_gone(c, "client disconnected");
        conn_at_turn_end(c);
    }
}
