/* SPDX-License-Identifier: MIT */
/*
 * Responses that follow a source after their handler has ended.
 *
 * At the end of a turn the source is asked for what is ready, into a buffer that all connections of the loop share; so an
 * open stream holds no buffer of its own, unless its client is slow.  A slow client's source is left alone until all that
 * was taken from it is gone.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "net/server_internal.h"

enum { ROOM = 16384, ROUNDS = 4, FRAME = 10, SCRATCH_KEPT = 262144 };

static void send_framed(conn *c, const response *rs, buf *b, bool last)
{
    size_t skip = FRAME, len = b->len - FRAME;
    char size[FRAME + 1];
    int digits;

    if (rs->framing == BODY_CHUNKED) {
        if (len > 0) {
            digits = snprintf(size, sizeof size, "%zx\r\n", len);
            skip -= (size_t)digits;
            memcpy(b->data + skip, size, (size_t)digits);
            buf_add(b, "\r\n", 2);
        }
        if (last)
            buf_add(b, "0\r\n\r\n", 5);
    }
    if (b->len > skip)
        out_send(c, b->data + skip, b->len - skip, NULL, 0);
}

/* Takes one helping; true when there may be more at once. */
static bool pull_once(conn *c, response *rs)
{
    source *src = rs->src;
    buf *b = &c->w->scratch;
    source_state st;
    size_t len;

    buf_reset(b);
    buf_add(b, "0000000\r\n\r", FRAME); /* overwritten by the size of the chunk */
    st = src->pull(src, b, ROOM);
    len = b->len - FRAME;
    if (len > c->w->sv->limits.max_unsent) {
        log_warn("a stream was cut: too much at once", log_int("bytes", (int64_t)len));
        conn_cut(c);
        return false;
    }
    if (st == SOURCE_CUT) {
        send_framed(c, rs, b, false);
        rs->close = true;
        follow_stop(rs);
        conn_finish(c, false);
        return false;
    }
    send_framed(c, rs, b, st == SOURCE_END);
    if (rs->src == NULL) /* the write found the client gone, and the source is closed */
        return false;
    if (len > 0 && src->idle_text != NULL)
        c->beat_due = conn_due(c, src->idle_after);
    if (st == SOURCE_END)
        follow_stop(rs);
    return st == SOURCE_MORE && c->state != CONN_CLOSED && c->job == NULL;
}

void follow_pull(conn *c)
{
    response *rs = &c->x->rs;
    buf *b = &c->w->scratch;
    int rounds = 0;

    c->pull = false;
    if (rs->src == NULL || c->job != NULL)
        return; /* on_written() comes back here */
    while (pull_once(c, rs)) {
        if (++rounds == ROUNDS) {
            c->pull = true;
            conn_at_turn_end(c);
            break;
        }
    }
    if (b->cap > SCRATCH_KEPT)
        buf_close(b);
}

void follow_stop(response *rs)
{
    source *src = rs->src;

    if (src == NULL)
        return;
    rs->src = NULL;
    src->sink = NULL;
    src->close(src);
    rs->done = true;
    conn_at_turn_end(rs->x->conn);
}

void follow_beat(conn *c)
{
    response *rs = c->x != NULL ? &c->x->rs : NULL;
    buf *b = &c->w->scratch;

    c->beat_due = UINT64_MAX;
    if (rs == NULL || rs->src == NULL || c->state == CONN_CLOSED)
        return;
    c->beat_due = conn_due(c, rs->src->idle_after);
    if (out_unsent(c) > 0)
        return;
    buf_reset(b);
    buf_add(b, "0000000\r\n\r", FRAME);
    buf_puts(b, rs->src->idle_text);
    send_framed(c, rs, b, false);
}

err reply_follow(response *rs, int status, const char *type, source *src)
{
    conn *c = rs->x->conn;
    err e = reply_begin(rs, status, type);

    if (e != OK || rs->framing == BODY_NONE) {
        src->close(src);
        rs->done = rs->done || rs->streaming;
        return e;
    }
    rs->src = src;
    src->sink = c;
    c->pull = true;
    if (src->idle_text != NULL && src->idle_after > 0) {
        c->beat_due = conn_due(c, src->idle_after);
        conn_arm(c);
    }
    conn_at_turn_end(c);
    return OK;
}

void source_ready(source *src)
{
    conn *c = src->sink;

    if (c == NULL || c->pull)
        return;
    c->pull = true;
    conn_at_turn_end(c);
}
