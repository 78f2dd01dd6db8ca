/* SPDX-License-Identifier: MIT */
/* Requests from pages of other origins; see cors.h. */
#include "face/cors.h"

#include <inttypes.h>

#include "db/settings.h"

/* "*" stands for everything. */
static bool in_list(const char *const *list, str item)
{
    for (; list != NULL && *list != NULL; list++)
        if (cstr_eq(*list, "*") || str_is_nocase(item, *list))
            return true;
    return false;
}

static bool is_anything(const char *const *list)
{
    return in_list(list, STR("*"));
}

static const char *joined(arena *a, const char *const *list)
{
    buf *b = buf_new(a, KIB(8));

    for (; *list != NULL; list++)
        buf_printf(b, "%s%s", b->len > 0 ? ", " : "", *list);
    return buf_str(b);
}

static void allow_origin(response *rs, const char *origin)
{
    if (is_anything(settings_get()->cors_origins)) {
        reply_header(rs, "Access-Control-Allow-Origin", "*");
        return;
    }
    reply_header(rs, "Access-Control-Allow-Origin", origin);
    reply_header(rs, "Vary", "Origin");
    if (settings_get()->cors_credentials)
        reply_header(rs, "Access-Control-Allow-Credentials", "true");
}

static bool headers_allowed(const char *wanted)
{
    static const char *const simple[] = {"Accept", "Accept-Language", "Content-Language", "Content-Type", NULL};
    str rest = str_of(wanted), one;

    while (wanted != NULL && str_next(&rest, ',', &one)) {
        one = str_trim(one);
        if (one.len > 0 && !in_list(simple, one) && !in_list(settings_get()->cors_headers, one))
            return false;
    }
    return true;
}

static void answer_preflight(request *rq, response *rs, const char *origin, const char *method)
{
    const char *wanted = request_header(rq, "Access-Control-Request-Headers");
    arena *a = rq->scope->arena;
    const struct settings *cfg = settings_get();
    buf *refused = buf_new(a, 64);

    if (in_list(cfg->cors_origins, str_of(origin)))
        allow_origin(rs, origin);
    else
        buf_puts(refused, "origin");
    if (!in_list(cfg->cors_methods, str_of(method)))
        buf_printf(refused, "%smethod", refused->len > 0 ? ", " : "");
    if (!headers_allowed(wanted))
        buf_printf(refused, "%sheaders", refused->len > 0 ? ", " : "");
    reply_header(rs, "Access-Control-Allow-Methods",
                 is_anything(cfg->cors_methods) ? "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
                                                : joined(a, cfg->cors_methods));
    if (!is_anything(cfg->cors_headers))
        reply_header(rs, "Access-Control-Allow-Headers", joined(a, cfg->cors_headers));
    else if (wanted != NULL)
        reply_header(rs, "Access-Control-Allow-Headers", wanted);
    reply_header(rs, "Access-Control-Max-Age", arena_printf(a, "%" PRId64, cfg->cors_max_age / SECONDS(1)));
    if (refused->len > 0)
        (void)reply_text(rs, 400, arena_printf(a, "Disallowed CORS %s", buf_str(refused)));
    else
        (void)reply_text(rs, 200, "OK");
}

bool cors_intercept(request *rq, response *rs)
{
    const char *origin = request_header(rq, "Origin");
    const struct settings *cfg = settings_get();
    const char *method;

    if (origin == NULL)
        return false;
    method = request_header(rq, "Access-Control-Request-Method");
    if (rq->method == OPTIONS && method != NULL) {
        answer_preflight(rq, rs, origin, method);
        return true;
    }
    if (in_list(cfg->cors_origins, str_of(origin))) {
        allow_origin(rs, origin);
        if (cfg->cors_expose_headers != NULL && cfg->cors_expose_headers[0] != NULL)
            reply_header(rs, "Access-Control-Expose-Headers", joined(rq->scope->arena, cfg->cors_expose_headers));
    }
    return false;
}
