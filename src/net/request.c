/* SPDX-License-Identifier: MIT */
/* What handlers ask of a request, and reading its body; see request.h. */
#include "net/request.h"

#include <string.h>

#include "net/server_internal.h"

const char *request_header(const request *rq, const char *name)
{
    return http_headers_get(&rq->headers, name);
}

const char *request_param(const request *rq, const char *name)
{
    for (size_t i = 0; i < rq->n_params; i++)
        if (strcmp(rq->params[i].name, name) == 0)
            return rq->params[i].value;
    return "";
}

void request_hold(request *rq)
{
    rq->held = true;
}

void request_release(request *rq)
{
    rq->held = false;
    if (rq->left != NULL)
        scope_cancel(rq->scope, rq->left);
}

/* ---- the query ---- */

/* Decodes one "name=value"; a part without '=' has an empty value. */
static bool decode_pair(arena *a, str part, query_pair *out)
{
    str name = STR("");
    char *n, *v;

    (void)str_next(&part, '=', &name);
    if (part.p == NULL)
        part = STR("");
    if (!percent_decode(a, name, true, &n) || !percent_decode(a, part, true, &v))
        return false;
    *out = (query_pair){n, v};
    return true;
}

const char *request_query(const request *rq, const char *name)
{
    str rest = str_of(rq->query), part;
    query_pair pair;

    while (str_next(&rest, '&', &part))
        if (part.len > 0 && decode_pair(rq->scope->arena, part, &pair) && strcmp(pair.name, name) == 0)
            return pair.value;
    return NULL;
}

err request_query_all(request *rq, query_pair **pairs, size_t *n)
{
    str rest = str_of(rq->query), part;
    size_t most = 1, found = 0;
    query_pair *out;

    for (const char *p = rq->query; *p != '\0'; p++)
        most += *p == '&';
    out = arena_array(rq->scope->arena, query_pair, most);
    while (str_next(&rest, '&', &part)) {
        if (part.len == 0)
            continue;
        if (!decode_pair(rq->scope->arena, part, &out[found]))
            return fail(rq->scope, ERR_INVALID, "the query string has a bad escape");
        found++;
    }
    *pairs = out;
    *n = found;
    return OK;
}

/* ---- the body ---- */

static void ask_for_body(struct request_body *b)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (!b->continue_due || b->conn->x->rs.status != 0)
        return;
    b->continue_due = false;
    out_send(b->conn, text, sizeof text - 1, NULL, 0);
}

/* Parks until there are bytes, the end or an error. */
static err wait_for_body(request *rq, struct request_body *b)
{
    ask_for_body(b);
    while (b->data.len == 0 && !b->complete) {
        err e;

        if (b->error != OK)
            return fail(rq->scope, b->error, "%s", b->why);
        b->reader = fiber_self();
        e = fiber_park(rq->scope);
        b->reader = NULL;
        TRY(e);
    }
    return OK;
}

/* There is room again. */
static void resume_reading(struct request_body *b)
{
    conn *c = b->conn;

    if (c->state != CONN_BODY || c->reading || b->data.len >= BODY_BUFFERED_MAX / 2)
        return;
    c->read_due = conn_due(c, c->w->sv->limits.body_timeout);
    conn_arm(c);
    conn_read_on(c);
}

err request_body_read(request *rq, void *bytes, size_t cap, size_t *len)
{
    struct request_body *b = rq->incoming;
    size_t n;

    *len = 0;
    if (b == NULL)
        return OK;
    if (b->whole)
        return fail(rq->scope, ERR_INTERNAL, "the body was read already");
    TRY(wait_for_body(rq, b));
    n = MIN_OF(cap, b->data.len);
    if (n > 0)
        memcpy(bytes, b->data.data, n);
    buf_consume(&b->data, n);
    if (b->data.len == 0)
        buf_close(&b->data);
    resume_reading(b);
    *len = n;
    return OK;
}

/* Collects the rest of the body. */
static err collect(request *rq, struct request_body *b, size_t max, buf *all)
{
    for (;;) {
        TRY(wait_for_body(rq, b));
        if (b->data.len == 0)
            return OK;
        if (all->len + b->data.len > max)
            return fail(rq->scope, ERR_TOO_LARGE, "the request body is larger than %zu bytes", max);
        buf_add(all, b->data.data, b->data.len);
        buf_close(&b->data);
        resume_reading(b);
    }
}

err request_body_all(request *rq, size_t max, str *out)
{
    struct request_body *b = rq->incoming;
    buf all = BUF_INIT(max);
    err e;

    if (b == NULL) {
        *out = STR("");
        return OK;
    }
    if (b->whole) {
        *out = b->all;
        return OK;
    }
    if (rq->content_length > 0 && (uint64_t)rq->content_length > max)
        return fail(rq->scope, ERR_TOO_LARGE, "the request body is larger than %zu bytes", max);
    if ((e = collect(rq, b, max, &all)) == OK) {
        b->all = (str){arena_strndup(rq->scope->arena, buf_str(&all), all.len), all.len};
        b->whole = true;
        *out = b->all;
    }
    buf_close(&all);
    return e;
}

bool request_body_stalled(const request *rq)
{
    return rq->incoming != NULL && rq->incoming->error == ERR_TIMEOUT;
}
