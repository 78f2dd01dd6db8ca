/* SPDX-License-Identifier: MIT */
/*
 * Heads and bodies of responses; see response.h.
 *
 * What would confuse the client about where a response ends is not the handler's to say: Content-Length and
 * Transfer-Encoding come from here alone, and a line break never gets into a header.
 */
#include "net/response.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/log.h"
#include "base/str.h"
#include "net/server_internal.h"

enum { CHUNK_HEAD_MAX = 20, DRAINED_MAX = 65536, SMALL_BODY = 4096 };

/* ---- headers ---- */

static bool is_clean(const char *value)
{
    for (const char *p = value; *p != '\0'; p++)
        if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
            return false;
    return true;
}

/* The server's own; handlers do not say where a message ends. */
static bool is_ours(const char *name)
{
    return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0 ||
           strcasecmp(name, "Date") == 0 || strcasecmp(name, "X-Request-ID") == 0;
}

void reply_header(response *rs, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = value != NULL ? strlen(value) : 0;
    extra_header *h;

    if (rs->status != 0 || value == NULL || is_ours(name) || !head_is_token(str_of(name)) || !is_clean(value)) {
        log_warn("response header dropped", log_str("name", name));
        return;
    }
    if (strcasecmp(name, "Connection") == 0) {
        rs->close = rs->close || strcasecmp(value, "close") == 0;
        return;
    }
    rs->typed = rs->typed || strcasecmp(name, "Content-Type") == 0;
    h = arena_alloc(rs->x->rq.scope->arena, sizeof *h + name_len + value_len + 5);
    h->next = NULL;
    h->len = (size_t)snprintf(h->line, name_len + value_len + 5, "%s: %s\r\n", name, value);
    *rs->extra_end = h;
    rs->extra_end = &h->next;
}

static void put_date(worker *w, buf *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != w->date_at) {
        struct tm tm;

        gmtime_r(&now.tv_sec, &tm);
        w->date_at = now.tv_sec;
        strftime(w->date, sizeof w->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm); /* the locale is "C" */
    }
    buf_puts(out, w->date);
}

static void put_status(buf *out, int status)
{
    if (status == 200) {
        buf_add(out, "HTTP/1.1 200 OK\r\n", 17);
        return;
    }
    buf_puts(out, "HTTP/1.1 ");
    buf_int(out, status);
    buf_putc(out, ' ');
    buf_puts(out, http_phrase(status));
    buf_puts(out, "\r\n");
}

/* A body that is still coming and is not worth waiting for ends the connection. */
static bool must_close(const response *rs)
{
    const exchange *x = rs->x;
    const struct request_body *b = x->rq.incoming;

    if (rs->close || !x->keep_alive || x->conn->w->stopping || x->conn->gone)
        return true;
    if (b == NULL || b->complete)
        return false;
    return b->error != OK || b->continue_due || (b->parser.flags & F_CHUNKED) != 0 ||
           b->parser.content_length > DRAINED_MAX;
}

static void put_connection(response *rs, buf *out)
{
    rs->close = must_close(rs);
    if (rs->close)
        buf_puts(out, "Connection: close\r\n");
    else if (rs->x->http10)
        buf_puts(out, "Connection: keep-alive\r\n");
}

static bool has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* `length` -1: streamed; -2: no body and no length. */
void response_head(response *rs, buf *out, int status, const char *type, int64_t length)
{
    exchange *x = rs->x;

    rs->status = status;
    rs->framing = BODY_NONE;
    buf_reset(out);
    put_status(out, status);
    put_date(x->conn->w, out);
    buf_puts(out, "X-Request-ID: ");
    buf_puts(out, x->rq.id);
    buf_puts(out, "\r\n");
    if (type != NULL && !rs->typed && is_clean(type)) {
        buf_puts(out, "Content-Type: ");
        buf_puts(out, type);
        buf_puts(out, "\r\n");
    }
    if (length >= 0) {
        buf_puts(out, "Content-Length: ");
        buf_int(out, length);
        buf_puts(out, "\r\n");
        rs->framing = BODY_PLAIN;
    } else if (length == -1 && !x->http10) {
        buf_puts(out, "Transfer-Encoding: chunked\r\n");
        rs->framing = BODY_CHUNKED;
    } else if (length == -1) {
        rs->close = true;
        rs->framing = BODY_PLAIN;
    }
    if (x->rq.method == HEAD)
        rs->framing = BODY_NONE;
    put_connection(rs, out);
    for (const extra_header *h = rs->extra; h != NULL; h = h->next)
        buf_add(out, h->line, h->len);
    buf_puts(out, "\r\n");
}

bool response_can_begin(response *rs, int status)
{
    if (rs->status != 0) {
        log_error("a second response was dropped", log_int("first", rs->status), log_int("second", status));
        return false;
    }
    if (status < 200 || status > 599) {
        log_error("a response with a bad status", log_int("status", status));
        return false;
    }
    return true;
}

void response_finished(response *rs)
{
    rs->done = true;
    if (rs->x->fiber_ended)
        conn_at_turn_end(rs->x->conn);
}

bool reply_begun(const response *rs)
{
    return rs->status != 0;
}

int reply_status(const response *rs)
{
    return rs->status;
}

/* ---- whole responses ---- */

err reply(response *rs, int status, const char *type, const void *bytes, size_t len)
{
    conn *c = rs->x->conn;
    buf *text = &c->w->scratch;

    if (!response_can_begin(rs, status))
        return ERR_INTERNAL;
    response_head(rs, text, status, type, has_body(status) ? (int64_t)len : -2);
    rs->done = true;
    if (c->state == CONN_CLOSED)
        return ERR_CLOSED;
    if (rs->framing != BODY_PLAIN)
        len = 0;
    if (len > 0 && len <= SMALL_BODY) { /* copying it is cheaper than a second vector */
        buf_add(text, bytes, len);
        len = 0;
    }
    out_send(c, text->data, text->len, bytes, len);
    return OK;
}

err reply_text(response *rs, int status, const char *text)
{
    return reply(rs, status, "text/plain; charset=utf-8", text, strlen(text));
}

err reply_json(response *rs, int status, const json_t *v)
{
    buf text = BUF_INIT(SIZE_MAX - 1);
    err e;

    json_write(&text, v);
    e = reply(rs, status, "application/json", text.data, text.len);
    buf_close(&text);
    return e;
}

err reply_buf(response *rs, int status, const char *type, buf *b)
{
    if (!buf_ok(b))
        return fail(rs->x->rq.scope, ERR_TOO_LARGE, "the response is too large");
    return reply(rs, status, type, b->data, b->len);
}

err reply_empty(response *rs, int status)
{
    return reply(rs, status, NULL, NULL, 0);
}

err reply_redirect(response *rs, int status, const char *location)
{
    reply_header(rs, "Location", location);
    return reply_empty(rs, status);
}

/* ---- streamed responses ---- */

err reply_begin(response *rs, int status, const char *type)
{
    conn *c = rs->x->conn;
    buf *text = &c->w->scratch;

    if (!response_can_begin(rs, status))
        return fail(rs->x->rq.scope, ERR_INTERNAL, "the response cannot begin");
    response_head(rs, text, status, type, has_body(status) ? -1 : -2);
    rs->streaming = true;
    count(&c->w->counters->streams, 1);
    out_add(c, text->data, text->len);
    return c->state == CONN_CLOSED || c->gone ? fail(rs->x->rq.scope, ERR_CLOSED, "the client went away") : OK;
}

err reply_write(response *rs, const void *bytes, size_t len)
{
    conn *c = rs->x->conn;
    scope *s = rs->x->rq.scope;
    char size[CHUNK_HEAD_MAX];

    if (!rs->streaming || rs->done)
        return fail(s, ERR_INTERNAL, "write to a response that is not open");
    if (c->state == CONN_CLOSED || c->gone)
        return fail(s, ERR_CLOSED, "the client went away");
    if (len == 0 || rs->framing == BODY_NONE)
        return OK;
    if (rs->framing == BODY_CHUNKED)
        out_add(c, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", len));
    out_add(c, bytes, len);
    if (rs->framing == BODY_CHUNKED)
        out_add(c, "\r\n", 2);
    if (out_unsent(c) > c->w->sv->limits.max_unsent) {
        out_flush(c);
        if (out_unsent(c) > c->w->sv->limits.max_unsent) {
            conn_cut(c);
            return fail(s, ERR_CLOSED, "the client was too far behind");
        }
    }
    return out_wait(c, s);
}

err reply_end(response *rs)
{
    conn *c = rs->x->conn;

    if (!rs->streaming || rs->done)
        return fail(rs->x->rq.scope, ERR_INTERNAL, "end of a response that is not open");
    if (rs->framing == BODY_CHUNKED)
        out_add(c, "0\r\n\r\n", 5);
    response_finished(rs);
    return c->state == CONN_CLOSED ? fail(rs->x->rq.scope, ERR_CLOSED, "the client went away") : OK;
}

/* ---- what the handler left open ---- */

void reply_unanswered(response *rs)
{
    const struct request_body *b = rs->x->rq.incoming;
    const scope *s = rs->x->rq.scope;
    int status = 500;
    const char *detail = "{\"detail\": \"internal error\"}";

    if (b != NULL && b->error == ERR_TOO_LARGE) {
        status = 413;
        detail = "{\"detail\": \"the request body is too large\"}";
    } else if (b != NULL && b->error == ERR_INVALID) {
        status = 400;
        detail = "{\"detail\": \"malformed chunked body\"}";
    } else if (b != NULL && b->error == ERR_TIMEOUT) {
        status = 408;
        detail = "{\"detail\": \"the request body did not arrive in time\"}";
    } else if (s->ended == ERR_CANCELLED) {
        status = 503;
        detail = "{\"detail\": \"the request was cancelled\"}";
    } else {
        log_error("a request was left without an answer", log_str("path", rs->x->rq.path));
    }
    (void)reply(rs, status, "application/json", detail, strlen(detail));
}
