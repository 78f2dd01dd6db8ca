/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the way of bytes from a socket to requests: finding heads, parsing them, decoding bodies, pipelining.  The first
 * byte is the size of the pieces.  How the bytes are cut must make no difference, and what is accepted must be sound.
 */
#include <stdlib.h>
#include <string.h>

#include "net/head.h"
#include "net/incoming.h"

enum { MAX_HEAD = 32768, MAX_LINES = 100, MAX_BODY = 100000 };

/* A connection without its socket. */
typedef struct {
    buf head;
    head_scan scan;
    bool in_body, dead;
    struct request_body body;
    buf log; /* what was understood */
} reader;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void log_request(reader *r, const request_head *h)
{
    require(h->path.len > 0 && h->path.p[0] == '/' && h->path.len <= URI_MAX);
    require(memchr(h->path.p, '\0', h->path.len) == NULL && memchr(h->path.p, ' ', h->path.len) == NULL);
    require(h->http10 || h->host.len > 0);
    require(h->content_length >= -1 && h->n_lines <= MAX_LINES);
    for (size_t i = 0; i < h->n_lines; i++) {
        str name = {r->head.data + h->lines[i].name, h->lines[i].name_len};
        str value = {r->head.data + h->lines[i].value, h->lines[i].value_len};

        require(head_is_token(name));
        for (size_t k = 0; k < value.len; k++)
            require(value.p[k] != '\0' && value.p[k] != '\r' && value.p[k] != '\n');
    }
    buf_printf(&r->log, "%s %.*s ? %.*s %lld %d%d;", http_method_name(h->method), STR_ARG(h->path), STR_ARG(h->query),
               (long long)h->content_length, h->keep_alive, h->expects_continue);
}

static void refuse(reader *r, int status)
{
    require(status >= 400 && status <= 505);
    buf_printf(&r->log, "refused %d;", status);
    r->dead = true;
}

static void head_complete(reader *r)
{
    static request_head h;
    llhttp_t parser = {.data = NULL};
    refusal why = head_parse(r->head.data, r->head.len, MAX_LINES, &parser, &incoming_settings, &h);

    if (why.status != 0) {
        refuse(r, why.status);
        return;
    }
    log_request(r, &h);
    if (h.content_length > MAX_BODY) {
        refuse(r, 413);
    } else if (h.content_length != 0) {
        memset(&r->body, 0, sizeof r->body);
        incoming_init(&r->body, &parser, MAX_BODY);
        r->in_body = true;
    }
    r->scan = (head_scan){0};
    buf_reset(&r->head);
}

static size_t feed_head(reader *r, const char *p, size_t len)
{
    refusal why = ACCEPTED;
    size_t used = 1;
    scan_result s;

    if (r->scan.len == 0 && (*p == '\r' || *p == '\n'))
        return 1;
    s = head_scan_feed(&r->scan, p, len, &used, &why);
    if (s == SCAN_BAD) {
        refuse(r, why.status);
        return len;
    }
    require(used > 0 && used <= len);
    buf_add(&r->head, p, used);
    if (r->scan.len > MAX_HEAD)
        refuse(r, 431);
    else if (s == SCAN_DONE)
        head_complete(r);
    return used;
}

static size_t feed_body(reader *r, const char *p, size_t len)
{
    struct request_body *b = &r->body;
    size_t used = len;
    err e = incoming_feed(b, p, len, &used);

    if (e != OK) {
        refuse(r, e == ERR_TOO_LARGE ? 413 : 400);
        incoming_close(b);
        return len;
    }
    require(used <= len && b->received <= MAX_BODY && (b->complete || used == len));
    if (b->complete) {
        buf_printf(&r->log, "body %.*s;", (int)b->data.len, buf_str(&b->data));
        incoming_close(b);
        r->in_body = false;
    }
    return used;
}

static void run(reader *r, const char *p, size_t len, size_t step)
{
    *r = (reader){.head = BUF_INIT(MIB(1)), .log = BUF_INIT(MIB(4))};
    while (len > 0 && !r->dead) {
        size_t piece = MIN_OF(step, len), used;

        for (const char *at = p; at < p + piece && !r->dead; at += used)
            used = r->in_body ? feed_body(r, at, (size_t)(p + piece - at)) : feed_head(r, at, (size_t)(p + piece - at));
        p += piece;
        len -= piece;
    }
    if (r->in_body && !r->dead)
        incoming_close(&r->body);
    buf_close(&r->head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reader whole, pieces;
    char *copy;

    if (size < 2)
        return 0;
    copy = malloc(size); /* exact, so that a read past the end is seen */
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    run(&whole, copy + 1, size - 1, size);
    run(&pieces, copy + 1, size - 1, (size_t)data[0] % 16 + 1);
    require(whole.log.len == pieces.log.len);
    require(whole.log.len == 0 || memcmp(whole.log.data, pieces.log.data, whole.log.len) == 0);
    buf_close(&whole.log);
    buf_close(&pieces.log);
    free(copy);
    return 0;
}
