/* SPDX-License-Identifier: MIT */
/*
 * The bodies of Sage's answers; see envelope.h.  Who may call what is in access.c, CORS in cors.c.
 */
#include "face/sage/envelope.h"

#include "base/clock.h"
#include "base/log.h"
#include "face/pydantic.h"
#include "face/sage/locale.h"
#include "face/sage/messages.h"

enum { ENVELOPE_MAX = 64 << 20 };

void sage_put_seconds(buf *b, int64_t wall)
{
    int64_t fraction = wall % 1000000;
    char digits[] = ".000000";

    for (size_t i = sizeof(digits) - 2; fraction > 0; i--, fraction /= 10)
        digits[i] = (char)('0' + fraction % 10);
    buf_int(b, wall / 1000000);
    buf_add(b, digits, sizeof(digits) - 1);
}

/* Everything before the message's end; `success` NULL leaves that member out. */
static void put_head(buf *b, const char *success, int code, const char *text)
{
    (void)buf_reserve(b, 255); /* at once what most answers need */
    buf_putc(b, '{');
    if (success != NULL) {
        buf_puts(b, "\"success\":");
        buf_puts(b, success);
        buf_putc(b, ',');
    }
    buf_puts(b, "\"code\":");
    buf_int(b, code);
    buf_puts(b, ",\"message\":");
    json_put_cstr(b, text);
}

static err send(response *rs, int status, buf *b)
{
    buf_puts(b, ",\"timestamp\":");
    sage_put_seconds(b, clock_wall());
    buf_putc(b, '}');
    return reply_buf(rs, status, "application/json", b);
}

static const char *text_of(const request *rq, const char *code, const char *subject)
{
    return code != NULL ? locale_text(rq->scope->arena, locale_of(rq), code, subject) : "";
}

static err send_data(request *rq, response *rs, const char *success, int code, const char *text, json_t *data)
{
    buf *b = buf_new(rq->scope->arena, ENVELOPE_MAX);

    put_head(b, success, code, text);
    buf_puts(b, ",\"data\":");
    if (data != NULL)
        json_write(b, data);
    else
        buf_puts(b, "null");
    json_decref(data);
    return send(rs, 200, b);
}

static err send_error(request *rq, response *rs, int status, int code, const char *text, const char *detail)
{
    buf *b = buf_new(rq->scope->arena, ENVELOPE_MAX);

    put_head(b, "false", code, text);
    buf_puts(b, ",\"error_detail\":");
    json_put_cstr(b, detail);
    return send(rs, status, b);
}

err sage_ok(request *rq, response *rs, const char *message, const char *subject, json_t *data)
{
    return send_data(rq, rs, "true", 200, text_of(rq, message, subject), data);
}

err sage_ok_written(request *rq, response *rs, const char *message, const char *subject, const buf *data)
{
    buf *b = buf_new(rq->scope->arena, ENVELOPE_MAX);

    put_head(b, "true", 200, text_of(rq, message, subject));
    buf_puts(b, ",\"data\":");
    buf_add(b, buf_str(data), data->len);
    return send(rs, 200, b);
}

err sage_ok_trimmed(request *rq, response *rs, const char *message, const char *subject, json_t *data)
{
    return send_data(rq, rs, NULL, 200, text_of(rq, message, subject), data);
}

err sage_soft_error(request *rq, response *rs, int code, const char *message, const char *subject, const char *detail)
{
    return send_error(rq, rs, 200, code, text_of(rq, message, subject), detail);
}

err sage_soft_error_trimmed(request *rq, response *rs, int code, const char *message, const char *subject)
{
    return send_data(rq, rs, NULL, code, text_of(rq, message, subject), NULL);
}

err sage_error(request *rq, response *rs, int code, const char *message, const char *subject, const char *detail)
{
    return send_error(rq, rs, code, code, text_of(rq, message, subject), detail != NULL ? detail : "");
}

/* Errors that no message of their own belongs to. */
static const char *generic_code(err e)
{
    static const char *const codes[ERR_COUNT] = {
        [ERR_UNAUTHENTICATED] = "auth.unauthorized",
        [ERR_BUSY] = "error.busy",
        [ERR_RATE] = "error.rate",
        [ERR_TOO_LARGE] = "error.too_large",
        [ERR_TIMEOUT] = "error.timeout",
        [ERR_NO_SPACE] = "error.no_space",
        [ERR_IO] = "error.internal_server",
        [ERR_INTERNAL] = "error.internal_server",
    };

    return (unsigned)e < ERR_COUNT ? codes[e] : NULL;
}

/* What is our own fault is logged, and the caller gets the id to find it by. */
static void answer_internal(request *rq, response *rs, const failure *f, const sage_message *m)
{
    log_error("request_failed", log_str("path", rq->path), log_str("error", err_name(f->e)), log_str("why", f->text));
    (void)sage_error(rq, rs, 500, m->code, NULL, arena_printf(rq->scope->arena, "request %s", rq->id));
}

/* A rule that the schema cannot express, answered as if it could. */
static void answer_value_error(request *rq, response *rs, const failure *f, const sage_message *m)
{
    arena *a = rq->scope->arena;
    json_t *body = json_hold(a, pydantic_value_error(rq, m->detail, locale_text(a, locale_of(rq), m->code, f->text)));

    (void)reply_json(rs, 422, body);
}

void sage_envelope(request *rq, response *rs, failure f)
{
    const sage_message *m = sage_message_find(f.code);
    arena *a = rq->scope->arena;
    int status;

    if (m == NULL)
        m = sage_message_find(generic_code(f.e));
    if (m == NULL) { /* the platform's rule for business errors: 500, whose message its web client shows */
        status = f.e == ERR_INVALID ? 400 : 500;
        (void)send_error(rq, rs, status, status, f.text, "");
        return;
    }
    if (f.e == ERR_INTERNAL || f.e == ERR_IO) {
        answer_internal(rq, rs, &f, m);
        return;
    }
    if (m->status == 422) {
        answer_value_error(rq, rs, &f, m);
        return;
    }
    if (f.e == ERR_RATE && f.subject != NULL)
        reply_header(rs, "Retry-After", f.subject);
    status = m->status != 0 ? m->status : 500;
    (void)sage_error(rq, rs, status, m->code, f.subject, m->detail != NULL ? locale_fill(a, m->detail, f.subject) : "");
}

void sage_invalid(request *rq, response *rs, const schema_faults *faults, const char *part)
{
    (void)reply_json(rs, 422, json_hold(rq->scope->arena, pydantic_detail(rq, faults, part)));
}

void sage_no_route(request *rq, response *rs, const char *allow)
{
    json_t *body = json_hold(rq->scope->arena, json_object());

    json_set_str(body, "detail", allow != NULL ? "Method Not Allowed" : "Not Found");
    (void)reply_json(rs, allow != NULL ? 405 : 404, body);
}
