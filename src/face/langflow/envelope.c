/* SPDX-License-Identifier: MIT */
/* Langflow's envelope and access rules; see envelope.h. */
#include "face/langflow/envelope.h"

#include <time.h>

#include "auth/authenticate.h"
#include "base/id.h"
#include "base/log.h"
#include "face/langflow/routes.h"
#include "face/pydantic.h"

err lf_error(request *rq, response *rs, int status, const char *detail)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    json_set_str(o, "detail", detail);
    return reply_json(rs, status, o);
}

/* Failures with a text of their own. */
static const struct {
    const char *code;
    int status;
    const char *text; /* NULL: the failure's own sentence */
} known[] = {
    {"flow.not_found", 404, "Flow not found"},
    {"flow.name_exists", 400, "Name must be unique"},
    {"flow.endpoint_exists", 400, "Endpoint name must be unique"},
    {"folder.not_found", 404, "Project not found"},
    {"flow.tweak_conflict", 400, NULL},
    {"auth.token_invalid", 401, "Could not validate credentials"},
    {"auth.token_expired", 401, "Token has expired."},
    {"auth.user_inactive", 401, "User not found or is inactive."},
    {"auth.key_invalid", 403, "Invalid or missing API key"},
    {"auth.key_face", 403, "Invalid or missing API key"},
    {"auth.unauthorized", 403, "An API key must be passed as query or header"},
    {"api_key.not_found", 400, "API Key not found"},
};

static int status_of(err e)
{
    static const int statuses[ERR_COUNT] = {
        [ERR_INVALID] = 400,     [ERR_UNAUTHENTICATED] = 401, [ERR_DENIED] = 403,
        [ERR_NOT_FOUND] = 404,   [ERR_CONFLICT] = 409,        [ERR_BUSY] = 503,
        [ERR_RATE] = 429,        [ERR_TOO_LARGE] = 413,       [ERR_NO_SPACE] = 507,
        [ERR_UNSUPPORTED] = 400, [ERR_UPSTREAM] = 502,        [ERR_TIMEOUT] = 504,
    };

    return statuses[e] != 0 ? statuses[e] : 500;
}

void lf_envelope(request *rq, response *rs, failure f)
{
    int status = status_of(f.e);
    const char *text = f.text;
    json_t *o;

    for (size_t i = 0; i < COUNT(known); i++) {
        if (!cstr_eq(known[i].code, f.code))
            continue;
        status = known[i].status;
        text = known[i].text != NULL ? known[i].text : text;
    }
    if (status == 401)
        reply_header(rs, "WWW-Authenticate", "Bearer");
    if (status == 503)
        reply_header(rs, "Retry-After", "1");
    if (status != 500) {
        lf_error(rq, rs, status, text);
        return;
    }
    log_error("request.failed", log_str("reason", text));
    o = json_hold(rq->scope->arena, json_object());
    json_set_str(o, "message", "Internal Server Error");
    json_set_str(o, "detail", "Internal Server Error"); /* where clients look for it */
    reply_json(rs, 500, o);
}

void lf_invalid(request *rq, response *rs, const schema_faults *faults, const char *part)
{
    reply_json(rs, 422, json_hold(rq->scope->arena, pydantic_detail(rq, faults, part)));
}

void lf_no_route(request *rq, response *rs, const char *allow)
{
    lf_error(rq, rs, allow != NULL ? 405 : 404, allow != NULL ? "Method Not Allowed" : "Not Found");
}

err lf_authorize(request *rq, response *rs, const route *r)
{
    (void)rs;
    if (r == NULL || r->access == FLOW_ANYONE)
        return OK;
    return auth_identify(rq, r->access == FLOW_KEY ? AUTH_FOR_LANGFLOW_RUN : AUTH_FOR_LANGFLOW, &rq->user);
}

const char *lf_uuid(arena *a, const char *text)
{
    char *digits = arena_alloc(a, 33);
    size_t n = 0;

    for (; *text != '\0'; text++) {
        bool gap = n == 8 || n == 12 || n == 16 || n == 20;

        if (*text == '-' && gap && text[-1] != '-')
            continue;
        if (n == 32 || strchr("0123456789abcdefABCDEF", *text) == NULL)
            return NULL;
        digits[n++] = (char)(*text | 32);
    }
    digits[n] = '\0';
    return n == 32 ? id_dashed(a, digits) : NULL;
}

err lf_uuid_param(request *rq, response *rs, const char *name, const char **id)
{
    arena *a = rq->scope->arena;
    const char *given = request_param(rq, name);

    *id = lf_uuid(a, given);
    if (*id != NULL)
        return OK;
    return reply_json(rs, 422, json_hold(a, pydantic_uuid_error(rq, name, given)));
}

json_t *lf_time(int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    char text[48];
    struct tm t;

    if (wall_us == 0)
        return json_null();
    gmtime_r(&seconds, &t);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00", &t);
    return json_string(text);
}
