/* SPDX-License-Identifier: MIT */
/*
 * From a complete head to the handler's fiber, and to the end of both request and response.
 *
 * The request's strings are one copy of the head in the scope's arena, cut by NULs in place.
 */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "net/server_internal.h"

enum { DRAIN_MAX = 65536, REQUEST_ID_MAX = 128 };

/* ---- the request ---- */

static const char *cut(char *copy, const char *text, str part)
{
    char *p = copy + (part.p - text);

    p[part.len] = '\0'; /* the space, '?', CR or LF after it, which nobody needs any more */
    return p;
}

static void copy_lines(arena *a, request *rq, const request_head *h, char *copy)
{
    rq->headers.items = arena_alloc(a, h->n_lines * sizeof(http_header));
    rq->headers.count = rq->headers.cap = h->n_lines;
    for (size_t i = 0; i < h->n_lines; i++) {
        const head_line *l = &h->lines[i];

        copy[l->name + l->name_len] = '\0';
        copy[l->value + l->value_len] = '\0';
        rq->headers.items[i] = (http_header){copy + l->name, copy + l->value};
    }
}

/* What may go into logs and response headers as it stands. */
static bool is_sane_id(const char *id)
{
    size_t len = 0;

    for (; id[len] != '\0'; len++)
        if (len == REQUEST_ID_MAX ||
            !((id[len] >= '0' && id[len] <= '9') || ((id[len] | 32) >= 'a' && (id[len] | 32) <= 'z') ||
              strchr("-_.:/+=", id[len]) != NULL))
            return false;
    return len > 0;
}

/* Unique and not guessable from its neighbours; no secret (the mixing function is splitmix64's). */
static const char *next_id(worker *w, arena *a)
{
    uint64_t n = w->id_seed + ++w->id_count * 0x9e3779b97f4a7c15U;
    char *id = arena_alloc(a, 17);

    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9U;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebU;
    n ^= n >> 31;
    hex_encode(&n, sizeof n, id);
    return id;
}

/* The client as trusted proxies tell it: from the right, the first hop that is not one of them. */
static void believe_proxy(conn *c, request *rq)
{
    const server *sv = c->w->sv;
    uint8_t ip[16];

    for (size_t i = rq->headers.count; i-- > 0;) {
        str rest, hop;

        if (strcasecmp(rq->headers.items[i].name, "X-Forwarded-For") != 0)
            continue;
        rest = str_of(rq->headers.items[i].value);
        while (rest.len > 0) {
            const char *comma = memrchr(rest.p, ',', rest.len);
            size_t start = comma != NULL ? (size_t)(comma - rest.p) + 1 : 0;

            hop = str_trim((str){rest.p + start, rest.len - start});
            rest.len = comma != NULL ? start - 1 : 0;
            if (!address_ip_parse(hop, ip))
                return;
            rq->peer = str_dup(rq->scope->arena, hop);
            if (!address_in_ranges(ip, sv->trusted, sv->n_trusted))
                return;
        }
    }
}

static void learn_scheme(request *rq)
{
    const char *proto = request_header(rq, "X-Forwarded-Proto");

    if (proto != NULL && strcasecmp(proto, "https") == 0)
        rq->scheme = "https";
}

static void fill_request(exchange *x, scope *s, const request_head *h, const char *text, size_t len)
{
    conn *c = x->conn;
    request *rq = &x->rq;
    char *copy = arena_strndup(s->arena, text, len);
    const char *id;

    rq->scope = s;
    rq->method = h->method;
    rq->content_length = h->content_length;
    rq->began = clock_mono();
    rq->peer = c->peer;
    rq->scheme = "http";
    rq->listener = c->tag;
    copy_lines(s->arena, rq, h, copy);
    rq->path = cut(copy, text, h->path);
    rq->query = h->query.len > 0 ? cut(copy, text, h->query) : "";
    rq->host = h->host.len > 0 ? str_dup(s->arena, h->host) : "";
    id = request_header(rq, "X-Request-ID");
    rq->id = id != NULL && is_sane_id(id) ? id : next_id(c->w, s->arena);
    s->label = "request";
    s->id = rq->id;
    if (c->peer_trusted) {
        believe_proxy(c, rq);
        learn_scheme(rq);
    }
}

static void close_body(void *body)
{
    incoming_close(body);
}

static void open_body(exchange *x, const request_head *h, const llhttp_t *parser)
{
    conn *c = x->conn;
    arena *a = x->rq.scope->arena;
    struct request_body *b = arena_one(a, struct request_body);

    incoming_init(b, parser, c->w->sv->limits.max_body);
    arena_defer(a, close_body, b);
    b->conn = c;
    b->continue_due = h->expects_continue;
    x->rq.incoming = b;
}

/* ---- the handler ---- */

/* A followed response goes on for long without its request: what the handler knew is dropped, so that a quiet stream is
 * small.  Not while anything of it is still at work. */
static void forget_request(exchange *x)
{
    scope *s = x->rq.scope;

    if (x->rs.src == NULL || s->fibers > 1 || !list_empty(&s->children) ||
        (x->rq.incoming != NULL && !x->rq.incoming->complete))
        return;
    x->rq = (request){.scope = s, .method = x->rq.method, .path = "", .query = "", .peer = "", .id = ""};
    x->rs.extra = NULL;
    x->rs.extra_end = &x->rs.extra;
    s->id = NULL;
    s->failure = (failure){0};
    arena_rewind(s->arena, x->bare);
}

static err run_handler(scope *s, void *arg)
{
    exchange *x = arg;
    conn *c = x->conn;
    const server *sv = c->w->sv;

    (void)s;
    sv->app(&x->rq, &x->rs, sv->arg);
    if (x->rs.status == 0)
        reply_unanswered(&x->rs);
    else if (!x->rs.done && x->rs.src == NULL)
        x->rs.close = x->rs.done = true; /* what was said still goes out; clients notice that the end is missing */
    forget_request(x);
    x->fiber_ended = true;
    conn_at_turn_end(c);
    return OK;
}

static refusal body_refusal(const struct request_body *b)
{
    return b->error == ERR_TOO_LARGE ? (refusal){413, b->why} : (refusal){400, b->why};
}

void exchange_begin(conn *c, const char *text, size_t len, const char *rest, size_t rest_len)
{
    worker *w = c->w;
    request_head *h = &w->parsed;
    llhttp_t parser = {.data = NULL};
    refusal r = head_parse(text, len, w->sv->limits.max_headers, &parser, &incoming_settings, h);
    exchange *x;
    scope *s;

    c->read_due = UINT64_MAX;
    if (r.status == 0 && h->content_length > w->sv->limits.max_body)
        r = (refusal){413, "the request body is too large"};
    if (r.status != 0) {
        refuse(c, r);
        return;
    }
    s = scope_child(w->requests, NO_LIMIT);
    x = arena_one(s->arena, exchange);
    x->bare = arena_mark_now(s->arena);
    x->conn = c;
    x->http10 = h->http10;
    x->keep_alive = h->keep_alive;
    x->upgrade = h->upgrade;
    x->rs.x = x;
    x->rs.extra_end = &x->rs.extra;
    fill_request(x, s, h, text, len);
    c->x = x;
    c->state = CONN_AHEAD;
    if (h->content_length != 0) {
        open_body(x, h, &parser);
        c->state = CONN_BODY;
        c->read_due = conn_due(c, w->sv->limits.body_timeout);
        conn_arm(c);
    }
    if (rest_len > 0) {
        if (c->state == CONN_BODY)
            exchange_body(c, rest, rest_len);
        else
            buf_add(&c->in, rest, rest_len);
    }
    if (x->rq.incoming != NULL && x->rq.incoming->error != OK) { /* broken already: the handler never sees it */
        r = body_refusal(x->rq.incoming);
        c->x = NULL;
        scope_close(s);
        refuse(c, r);
        return;
    }
    count(&w->counters->requests, 1);
    scope_spawn(s, run_handler, x);
}

/* ---- meanwhile ---- */

void exchange_body(conn *c, const char *bytes, size_t len)
{
    struct request_body *b = c->x->rq.incoming;
    size_t used;
    err e = incoming_feed(b, bytes, len, &used);

    b->continue_due = false; /* it does not wait for us to ask */
    c->read_due = conn_due(c, c->w->sv->limits.body_timeout);
    if (e != OK || b->complete) {
        c->read_due = UINT64_MAX;
        c->state = CONN_AHEAD;
    }
    if (e != OK)
        conn_read_off(c); /* what follows cannot be understood; the response will close */
    else if (used < len)
        buf_add(&c->in, bytes + used, len - used);
    if (c->state == CONN_BODY && b->data.len >= BODY_BUFFERED_MAX) {
        conn_read_off(c);
        c->read_due = UINT64_MAX;
    }
    conn_arm(c);
    if (b->reader != NULL)
        fiber_wake(b->reader);
}

void exchange_client_gone(conn *c, const char *reason)
{
    exchange *x = c->x;
    struct request_body *b;

    if (x == NULL)
        return;
    if ((b = x->rq.incoming) != NULL) {
        incoming_fail(b, ERR_CLOSED, "the client went away");
        if (b->reader != NULL)
            fiber_wake(b->reader);
    }
    x->rq.left = reason;
    if (!x->rq.held)
        scope_cancel(x->rq.scope, reason);
    out_wake(c);
    follow_stop(&x->rs);
}

/* ---- the end ---- */

/* How a body that was not read to its end leaves the connection: the rest is skipped when that is little. */
static void judge_body(const struct request_body *b, bool *keep, bool *linger, int64_t *skip)
{
    int64_t left;

    if (b == NULL || b->complete)
        return;
    left = (b->parser.flags & F_CHUNKED) != 0 ? INT64_MAX : (int64_t)b->parser.content_length;
    *linger = true;
    if (b->error != OK || b->continue_due || left > DRAIN_MAX)
        *keep = false;
    else
        *skip = left;
}

static void move_on(conn *c, bool keep, bool linger)
{
    c->x = NULL;
    worker_check_stop(c->w);
    if (keep || c->state == CONN_CLOSED)
        conn_next(c);
    else
        conn_finish(c, linger);
}

typedef struct {
    conn *conn;
    scope *request;
    bool keep, linger;
} ending;

/* When the handler has left something behind, closing its scope may have to wait. */
static err close_slowly(scope *s, void *arg)
{
    ending e = *(ending *)arg;

    (void)s;
    scope_close(e.request);
    move_on(e.conn, e.keep, e.linger);
    return OK;
}

void exchange_end(conn *c)
{
    exchange *x = c->x;
    scope *s = x->rq.scope;
    bool keep = x->keep_alive && !x->rs.close && !c->gone && !c->closing && !c->w->stopping && c->state != CONN_RAW;
    bool linger = false;
    ending *e;

    x->fiber_ended = false; /* once is enough */
    judge_body(x->rq.incoming, &keep, &linger, &c->skip);
    if (c->in.len > 0 || c->state == CONN_RAW)
        linger = true;
    if (c->state == CONN_BODY)
        c->state = CONN_AHEAD;
    if (x->rs.streaming)
        count(&c->w->counters->streams, (uint64_t)-1);
    c->beat_due = c->read_due = UINT64_MAX;
    if (scope_closes_at_once(s)) {
        scope_close(s);
        move_on(c, keep, linger);
        return;
    }
    e = arena_one(s->arena, ending);
    *e = (ending){c, s, keep, linger};
    scope_spawn(c->w->requests, close_slowly, e);
}
