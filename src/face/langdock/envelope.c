/* SPDX-License-Identifier: MIT */
/* Langdock's envelope and access rules; see envelope.h. */
#include "face/langdock/envelope.h"

#include <pthread.h>

#include "auth/authenticate.h"
#include "auth/rate.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/settings.h"
#include "face/langdock/routes.h"

enum { CALLERS_MAX = 10000 };

/* The model endpoints of one family have an envelope that its clients insist on. */
static bool is_anthropic(const request *rq)
{
    return cstr_starts(rq->path, "/anthropic/");
}

static err anthropic_error(request *rq, response *rs, int status, const char *message)
{
    static const struct {
        int status;
        const char *type;
    } types[] = {{400, "invalid_request_error"}, {401, "authentication_error"}, {403, "permission_error"},
                 {404, "not_found_error"},       {413, "request_too_large"},    {429, "rate_limit_error"},
                 {503, "overloaded_error"}};
    json_t *o = json_hold(rq->scope->arena, json_object()), *error = json_object();
    const char *type = "api_error";

    for (size_t i = 0; i < COUNT(types); i++)
        if (types[i].status == status)
            type = types[i].type;
    json_set_str(error, "type", type);
    json_set_str(error, "message", message);
    json_set_str(o, "type", "error");
    json_set(o, "error", error);
    return reply_json(rs, status, o);
}

err dock_error(request *rq, response *rs, int status, const char *message)
{
    json_t *o;

    if (is_anthropic(rq))
        return anthropic_error(rq, rs, status, message);
    o = json_hold(rq->scope->arena, json_object());
    json_set_str(o, "message", message);
    json_set_str(o, "error", message);
    return reply_json(rs, status, o);
}

static int status_of(err e)
{
    static const int statuses[ERR_COUNT] = {
        [ERR_INVALID] = 400,     [ERR_UNAUTHENTICATED] = 401, [ERR_DENIED] = 403,
        [ERR_NOT_FOUND] = 404,   [ERR_CONFLICT] = 409,        [ERR_RATE] = 429,
        [ERR_BUSY] = 429,        [ERR_TOO_LARGE] = 413,       [ERR_NO_SPACE] = 507,
        [ERR_UNSUPPORTED] = 501, [ERR_UPSTREAM] = 502,        [ERR_TIMEOUT] = 504,
    };

    return statuses[e] != 0 ? statuses[e] : 500;
}

/* Failures whose sentence of the core is not the platform's.  A message that is NULL is the core's. */
static const struct {
    const char *code;
    int status;
    const char *message;
} known[] = {
    {"integration.not_found", 404, "Integration not found"},
    {"integration.denied", 403, "You do not have access to this integration"},
    {"integration.too_many", 400, NULL},
    {"action.not_found", 404, "Action not found"},
    {"action.too_many", 400, NULL},
    {"trigger.not_found", 404, "Trigger not found"},
    {"trigger.too_many", 400, NULL},
    {"trigger_instance.too_many", 400, NULL},
    {"trigger_instance.not_found", 404, "Trigger instance not found"},
    {"agent.not_found", 404, "Agent not found"},
    {"agent.denied", 404, "Agent not found"},
    {"connection.not_found", 404, "Connection not found"},
    {"connection.too_many", 400, NULL},
    {"idempotency.other", 422, NULL},
    {"file.not_found", 400, NULL},
    {DOCK_BAD_METHOD, 405, "Method not allowed"},
};

/* What is too busy does not say when it will not be. */
static void tell_when(response *rs, const failure *f)
{
    reply_header(rs, "Retry-After", cstr_eq(f->code, DOCK_RATE) ? f->subject : "5");
}

static bool answer_known(request *rq, response *rs, const failure *f)
{
    for (size_t i = 0; f->code != NULL && i < COUNT(known); i++) {
        if (!cstr_eq(f->code, known[i].code))
            continue;
        dock_error(rq, rs, known[i].status, known[i].message != NULL ? known[i].message : f->text);
        return true;
    }
    return false;
}

void dock_envelope(request *rq, response *rs, failure f)
{
    int status = status_of(f.e);

    if (status == 429)
        tell_when(rs, &f);
    if (answer_known(rq, rs, &f))
        return;
    if (f.e == ERR_UNAUTHENTICATED)
        dock_error(rq, rs, 401, "The provided API key is invalid.");
    else if (status == 500)
        dock_error(rq, rs, 500, "Internal Server Error");
    else
        dock_error(rq, rs, status, f.text);
    if (status == 500)
        log_error("request.failed", log_str("reason", f.text));
}

/* Validation issues in the shape of that platform's validator. */

static const char *type_name(const json_t *v)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object", [JSON_ARRAY] = "array",  [JSON_STRING] = "string", [JSON_INTEGER] = "number",
        [JSON_REAL] = "number",   [JSON_TRUE] = "boolean", [JSON_FALSE] = "boolean", [JSON_NULL] = "null"};

    return v == NULL ? "undefined" : names[json_typeof(v)];
}

static void put_range(json_t *o, arena *a, const schema_fault *f)
{
    const char *type = f->field->kind == F_STRING ? "string" : f->field->kind == F_JSON ? "array" : "number";
    int64_t limit = (int64_t)f->limit;

    json_set_str(o, "code", f->low ? "too_small" : "too_big");
    json_set_int(o, f->low ? "minimum" : "maximum", limit);
    json_set_str(o, "type", type);
    json_set_bool(o, "inclusive", true);
    json_set_bool(o, "exact", false);
    if (strcmp(type, "number") == 0)
        json_set_str(
            o, "message",
            arena_printf(a, "Number must be %s than or equal to %lld", f->low ? "greater" : "less", (long long)limit));
    else
        json_set_str(o, "message",
                     arena_printf(a, "%s must contain at %s %lld %s", strcmp(type, "array") == 0 ? "Array" : "String",
                                  f->low ? "least" : "most", (long long)limit,
                                  strcmp(type, "array") == 0 ? "element(s)" : "character(s)"));
}

static void put_choice(json_t *o, arena *a, const schema_fault *f)
{
    json_t *options = json_array();
    buf expected = BUF_INIT(KIB(4));
    str rest = str_of(f->field->one_of), word;

    while (str_next(&rest, '|', &word)) {
        json_array_append_new(options, json_stringn(word.p, word.len));
        buf_printf(&expected, "%s'%.*s'", expected.len > 0 ? " | " : "", STR_ARG(word));
    }
    json_set_str(o, "code", "invalid_enum_value");
    json_set(o, "options", options);
    json_set_str(o, "received", json_string_value(f->input));
    json_set_str(o, "message",
                 arena_printf(a, "Invalid enum value. Expected %s, received '%s'", buf_str(&expected),
                              json_string_value(f->input) != NULL ? json_string_value(f->input) : ""));
    buf_close(&expected);
}

static json_t *issue_json(arena *a, const schema_fault *f)
{
    json_t *o = json_object(), *path = json_array();

    for (size_t i = 0; i < COUNT(f->where) && f->where[i] != NULL; i++) {
        int64_t index;

        json_array_append_new(path,
                              str_to_int(str_of(f->where[i]), &index) ? json_integer(index) : json_string(f->where[i]));
    }
    if (f->kind == FAULT_RANGE) {
        put_range(o, a, f);
    } else if (f->kind == FAULT_CHOICE) {
        put_choice(o, a, f);
    } else if (f->kind == FAULT_SYNTAX) {
        json_set_str(o, "code", "custom");
        json_set_str(o, "message", f->reason);
    } else {
        const char *got = f->kind == FAULT_MISSING ? "undefined" : type_name(f->input);
        const char *wanted = f->expected != NULL ? f->expected : "object";

        json_set_str(o, "code", "invalid_type");
        json_set_str(o, "expected", wanted);
        json_set_str(o, "received", got);
        json_set_str(o, "message",
                     f->kind == FAULT_MISSING ? "Required" : arena_printf(a, "Expected %s, received %s", wanted, got));
    }
    json_set(o, "path", path);
    return o;
}

void dock_invalid(request *rq, response *rs, const schema_faults *faults, const char *part)
{
    arena *a = rq->scope->arena;
    const char *message = strcmp(part, "body") == 0 ? "Invalid request body" : "Invalid request query";
    json_t *o, *errors;

    if (is_anthropic(rq) && faults->count > 0) {
        anthropic_error(rq, rs, 400, faults->items[0].reason != NULL ? faults->items[0].reason : message);
        return;
    }
    o = json_hold(a, json_object());
    errors = json_array();
    for (size_t i = 0; i < faults->count; i++)
        json_array_append_new(errors, issue_json(a, &faults->items[i]));
    json_set_str(o, "message", message);
    json_set_str(o, "error", message);
    json_set(o, "errors", errors);
    reply_json(rs, 400, o);
}

void dock_no_route(request *rq, response *rs, const char *allow)
{
    if (allow != NULL)
        dock_error(rq, rs, 405, "Method not allowed");
    else
        dock_error(rq, rs, 404, "Not found");
}

/* Pages in browsers (section 1.5). */

static bool origin_allowed(const char *origin)
{
    const char *const *list = settings_get()->public_api_allow_browser_origins;

    for (; origin != NULL && list != NULL && *list != NULL; list++)
        if (cstr_eq(*list, "*") || str_is_nocase(str_of(origin), *list))
            return true;
    return false;
}

static bool admit_origin(request *rq, response *rs, const char *origin)
{
    reply_header(rs, "Access-Control-Allow-Origin", origin);
    reply_header(rs, "Vary", "Origin");
    if (rq->method != OPTIONS) {
        reply_header(rs, "Access-Control-Expose-Headers",
                     "Retry-After, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, "
                     "x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, "
                     "x-ratelimit-reset-tokens");
        return false;
    }
    reply_header(rs, "Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    reply_header(rs, "Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key");
    reply_header(rs, "Access-Control-Max-Age", "600");
    return reply_empty(rs, 204) == OK;
}

/* Node.js says "cors" as well, but it knows no sites. */
static bool is_page(const request *rq)
{
    return cstr_eq(request_header(rq, "Sec-Fetch-Mode"), "cors") && request_header(rq, "Sec-Fetch-Site") != NULL;
}

/* They are kept away, so that nobody puts a key into one; all but our own documentation and the origins that are allowed. */
bool dock_intercept(request *rq, response *rs)
{
    const char *origin = request_header(rq, "Origin");

    if (rq->method == GET && cstr_eq(rq->path, "/openapi.json"))
        return false;
    if (origin_allowed(origin))
        return admit_origin(rq, rs, origin);
    if (origin == NULL && !is_page(rq) && rq->method != OPTIONS)
        return false;
    return dock_error(rq, rs, 403, "Browser requests are not allowed") == OK;
}

/* Scopes and rates */

static bool has_scope(const identity *who, unsigned access)
{
    return ((access & DOCK_ASSISTANT) != 0 && identity_may(who, "ASSISTANT_API")) ||
           ((access & DOCK_AGENT) != 0 && identity_may(who, "AGENT_API")) ||
           ((access & DOCK_INTEGRATION) != 0 && identity_may(who, "INTEGRATION_API")) ||
           ((access & DOCK_KNOWLEDGE) != 0 && identity_may(who, "KNOWLEDGE_FOLDER_API")) ||
           ((access & DOCK_COMPLETION) != 0 && identity_may(who, "COMPLETION_API"));
}

/* Calls of webhooks are counted apart, so that no number of them makes it forget the users.  Of tokens: NULL without a limit. */
static rate_limiter *requests, *calls, *tokens;

static void make_limiters(void)
{
    requests = rate_new(settings_get()->public_api_requests_per_minute, MINUTES(1), CALLERS_MAX);
    calls = rate_new(settings_get()->public_api_requests_per_minute, MINUTES(1), CALLERS_MAX);
    if (settings_get()->public_api_tokens_per_minute > 0)
        tokens = rate_new(settings_get()->public_api_tokens_per_minute, MINUTES(1), CALLERS_MAX);
}

static void prepare_limiters(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_limiters);
}

/* "6m0s", as clients of OpenAI read it. */
static const char *duration(arena *a, int64_t ns)
{
    int64_t seconds = (ns + SECONDS(1) - 1) / SECONDS(1);

    return seconds < 60 ? arena_printf(a, "%llds", (long long)seconds)
                        : arena_printf(a, "%lldm%llds", (long long)(seconds / 60), (long long)(seconds % 60));
}

static void tell_rate(request *rq, response *rs, const char *what, const rate_state *st)
{
    arena *a = rq->scope->arena;

    reply_header(rs, arena_printf(a, "x-ratelimit-limit-%s", what), arena_printf(a, "%lld", (long long)st->limit));
    reply_header(rs, arena_printf(a, "x-ratelimit-remaining-%s", what),
                 arena_printf(a, "%lld", (long long)st->remaining));
    reply_header(rs, arena_printf(a, "x-ratelimit-reset-%s", what), duration(a, st->full_after));
}

static err refuse_rate(request *rq, int64_t wait, const char *message)
{
    const char *seconds = arena_printf(rq->scope->arena, "%lld", (long long)(wait / SECONDS(1) + 1));

    return fail_code(rq->scope, ERR_RATE, DOCK_RATE, seconds, "%s", message);
}

/* Both limits are the user's, whatever key he uses and wherever the API is mounted. */
static err count_request(request *rq, response *rs)
{
    rate_state st;
    bool taken;

    prepare_limiters();
    taken = rate_take(requests, rq->user->user_id, 1, clock_mono(), &st);
    tell_rate(rq, rs, "requests", &st);
    return taken ? OK : refuse_rate(rq, st.retry_after, "Rate limit for public API exceeded");
}

err dock_count_call(request *rq, const char *id)
{
    rate_state st;

    prepare_limiters();
    return rate_take(calls, id, 1, clock_mono(), &st)
               ? OK
               : refuse_rate(rq, st.retry_after, "Rate limit for this webhook exceeded");
}

/* How many tokens a call takes is known after it: it may begin while there are any.  Gives how long there will be none. */
static int64_t tell_tokens(request *rq, response *rs)
{
    rate_state st;

    prepare_limiters();
    if (tokens == NULL)
        return 0;
    (void)!rate_take(tokens, rq->user->user_id, 0, clock_mono(), &st);
    tell_rate(rq, rs, "tokens", &st);
    return st.remaining > 0 ? 0 : MAX_OF(st.full_after - MINUTES(1) + MINUTES(1) / st.limit, (int64_t)1);
}

/* Nobody's request counts against nobody. */
static void tell_full_rates(request *rq, response *rs)
{
    int64_t most = settings_get()->public_api_requests_per_minute,
            most_tokens = settings_get()->public_api_tokens_per_minute;

    tell_rate(rq, rs, "requests", &(rate_state){.limit = most, .remaining = most});
    if (most_tokens > 0)
        tell_rate(rq, rs, "tokens", &(rate_state){.limit = most_tokens, .remaining = most_tokens});
}

void dock_spend_tokens(const request *rq, int64_t n)
{
    prepare_limiters();
    if (tokens != NULL)
        rate_spend(tokens, rq->user->user_id, n, clock_mono());
}

err dock_authorize(request *rq, response *rs, const route *r)
{
    int64_t no_tokens;
    err e;

    if (r != NULL && (r->access & DOCK_OPEN) != 0)
        return OK;
    e = auth_identify(rq, AUTH_FOR_LANGDOCK | (is_anthropic(rq) ? AUTH_KEY_HEADER : 0), &rq->user);
    if (e != OK)
        tell_full_rates(rq, rs);
    TRY(e);
    no_tokens = tell_tokens(rq, rs);
    TRY(count_request(rq, rs));
    if (r != NULL && !has_scope(rq->user, r->access))
        return fail_code(rq->scope, ERR_DENIED, "auth.scope", NULL, "Insufficient scope: this key may not call %s",
                         r->path);
    if (r != NULL && (r->access & DOCK_SPENDS) != 0 && no_tokens > 0)
        return refuse_rate(rq, no_tokens, "Rate limit for public API exceeded: the tokens of this minute are used up");
    return OK;
}

const char *dock_time(arena *a, int64_t wall_us)
{
    return clock_iso_ms(a, wall_us);
}

bool dock_is_id(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '-' ? text[i] != '-' : strchr("0123456789abcdefABCDEF", text[i]) == NULL)
            return false;
    return true;
}

/* Paths that are no ids, and what they take. */
static const char *method_of(const char *segment)
{
    return cstr_eq(segment, "get") ? "GET" : cstr_eq(segment, "create") ? "POST" : NULL;
}

err dock_id(request *rq, response *rs, const char *param, const char *what, const char **out)
{
    const char *id = request_param(rq, param), *method = method_of(id);

    if (method != NULL) {
        reply_header(rs, "Allow", method);
        return fail_code(rq->scope, ERR_UNSUPPORTED, DOCK_BAD_METHOD, NULL, "%s takes only %s", id, method);
    }
    if (!dock_is_id(id))
        return fail(rq->scope, ERR_INVALID, "Invalid %s ID format", what);
    *out = id;
    return OK;
}

const char *dock_base_url(const request *rq)
{
    const char *fixed = settings_get()->public_url;
    size_t len = strlen(fixed);

    if (len == 0)
        return arena_printf(rq->scope->arena, "%s://%s", rq->scheme, rq->host);
    while (len > 0 && fixed[len - 1] == '/')
        len--;
    return arena_strndup(rq->scope->arena, fixed, len);
}
