/* SPDX-License-Identifier: MIT */
/*
 * The way out.  What a turn wrote goes to the kernel in one call at its end; a whole response goes at once.  Only what the
 * kernel does not take is kept, in one buffer being written and one being filled.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/server_internal.h"

size_t out_unsent(const conn *c)
{
    return c->out.len + (c->job != NULL ? uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) : 0);
}

/* On its fiber's stack. */
typedef struct {
    list_link link;
    fiber *fiber;
} waiting_writer;

void out_wake(conn *c)
{
    for (list_link *l = c->writers.next; l != &c->writers; l = l->next)
        fiber_wake(LIST_OF(l, waiting_writer, link)->fiber);
}

static void wake_writer(conn *c)
{
    if (out_unsent(c) <= c->w->sv->limits.high_water / 2)
        out_wake(c);
}

static void on_written(uv_write_t *req, int status)
{
    write_job *job = req->data;
    conn *c = job->conn;

    count(&c->w->counters->bytes_out, status == 0 ? job->bytes.len : 0);
    c->job = NULL;
    buf_close(&job->bytes);
    free(job);
    if (c->state == CONN_CLOSED)
        return;
    if (status < 0) {
        conn_cut(c);
        return;
    }
    c->write_due = UINT64_MAX;
    if (c->x != NULL && c->x->rs.src != NULL)
        c->pull = true;
    if (c->out.len > 0 || c->pull)
        conn_at_turn_end(c);
    wake_writer(c);
    if (out_unsent(c) == 0)
        conn_sent(c);
}

/* Hands `out` to libuv, which waits until the socket takes it. */
static void start_job(conn *c)
{
    write_job *job = mem_zalloc(1, sizeof *job);
    uv_buf_t b;

    job->conn = c;
    job->bytes = c->out;
    job->left = c->out.len;
    job->req.data = job;
    c->out = BUF_INIT(c->out.max);
    c->job = job;
    b = uv_buf_init(job->bytes.data, (unsigned)MIN_OF(job->bytes.len, (size_t)UINT32_MAX));
    if (uv_write(&job->req, (uv_stream_t *)&c->tcp, &b, 1, on_written) != 0) {
        c->job = NULL;
        buf_close(&job->bytes);
        free(job);
        conn_cut(c);
        return;
    }
    c->write_due = conn_due(c, c->w->sv->limits.write_timeout);
    conn_arm(c);
}

/* How many bytes the kernel takes now; false when the connection is broken. */
static bool try_write(conn *c, uv_buf_t *bufs, unsigned n, size_t *sent)
{
    int r = uv_try_write((uv_stream_t *)&c->tcp, bufs, n);

    *sent = 0;
    if (r == UV_EAGAIN)
        return true;
    if (r < 0) {
        conn_cut(c);
        return false;
    }
    *sent = (size_t)r;
    count(&c->w->counters->bytes_out, *sent);
    return true;
}

static void add_rest(buf *out, const char *p, size_t len, size_t *skip)
{
    size_t sent = MIN_OF(*skip, len);

    *skip -= sent;
    if (sent < len)
        buf_add(out, p + sent, len - sent);
}

void out_send(conn *c, const char *first, size_t first_len, const void *second, size_t second_len)
{
    uv_buf_t bufs[2];
    size_t sent = 0, kept;

    if (c->state == CONN_CLOSED)
        return;
    if (c->out.len == 0 && c->job == NULL && second_len <= INT32_MAX) {
        bufs[0] = uv_buf_init((char *)(uintptr_t)first, (unsigned)first_len);
        bufs[1] = uv_buf_init((char *)(uintptr_t)second, (unsigned)second_len);
        if (!try_write(c, bufs, second_len > 0 ? 2 : 1, &sent))
            return;
        if (sent == first_len + second_len)
            return;
    }
    kept = c->out.len;
    add_rest(&c->out, first, first_len, &sent);
    add_rest(&c->out, second, second_len, &sent);
    if (kept > 0)
        out_flush(c);
    else if (c->job == NULL)
        start_job(c);
}

void out_add(conn *c, const void *bytes, size_t len)
{
    if (c->state == CONN_CLOSED)
        return;
    buf_add(&c->out, bytes, len);
    conn_at_turn_end(c);
}

void out_flush(conn *c)
{
    uv_buf_t b;
    size_t sent;

    if (c->out.len == 0 || c->job != NULL || c->state == CONN_CLOSED)
        return;
    b = uv_buf_init(c->out.data, (unsigned)MIN_OF(c->out.len, (size_t)INT32_MAX));
    if (!try_write(c, &b, 1, &sent))
        return;
    if (sent < c->out.len) {
        buf_consume(&c->out, sent);
        start_job(c);
        return;
    }
    buf_close(&c->out);
    wake_writer(c);
    conn_sent(c);
}

err out_wait(conn *c, scope *s)
{
    waiting_writer me;

    while (c->state != CONN_CLOSED && out_unsent(c) > c->w->sv->limits.high_water) {
        err e;

        out_flush(c);
        if (out_unsent(c) <= c->w->sv->limits.high_water)
            break;
        me.fiber = fiber_self();
        list_append(&c->writers, &me.link);
        e = fiber_park(s);
        list_remove(&me.link);
        TRY(e);
    }
    return c->state == CONN_CLOSED || c->gone ? fail(s, ERR_CLOSED, "the client went away") : OK;
}

void out_check_progress(conn *c)
{
    size_t left = uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);

    if (c->job == NULL) {
        c->write_due = UINT64_MAX;
    } else if (left < c->job->left) {
        c->job->left = left;
        c->write_due = conn_due(c, c->w->sv->limits.write_timeout);
    } else {
        log_debug("client reads nothing", log_str("peer", c->peer), log_int("unsent", (int64_t)left));
        conn_cut(c);
    }
}
