/* SPDX-License-Identifier: MIT */
/* Query and body of a request into structs; see route_bind.h. */
#include "net/route_bind.h"

enum { MAX_JSON = 1 << 20 };

bool route_takes_as_json(arena *a, const char *content_type)
{
    str type;

    if (cstr_blank(content_type))
        return true;
    type = str_of(http_media_type(a, content_type));
    return str_is(type, "application/json") || str_is(type, "text/plain") ||
           (str_starts(type, "application/") && str_ends(type, "+json"));
}

static schema_faults *one_fault(request *rq, schema_fault ft)
{
    schema_faults *faults = arena_one(rq->scope->arena, schema_faults);

    faults->items[0] = ft;
    faults->count = 1;
    return faults;
}

/* Whatever handlers take from the query can then be stored and sent back: UTF-8 without NUL. */
static bool query_is_text(const request *rq)
{
    str query = str_of(rq->query);
    char *decoded;
    size_t plain = 0;

    while (plain < query.len && query.p[plain] != '%' && (unsigned char)query.p[plain] < 0x80)
        plain++;
    if (plain == query.len)
        return true;
    return percent_decode(rq->scope->arena, query, true, &decoded) && utf8_valid(decoded, strlen(decoded));
}

static bool bind_query(const face *f, request *rq, response *rs, err *e)
{
    schema_faults *faults;
    query_pair *pairs;
    size_t n;

    if (!query_is_text(rq)) {
        faults = one_fault(rq, (schema_fault){.kind = FAULT_TYPE,
                                              .expected = "string",
                                              .reason = "the query is not percent-encoded UTF-8"});
        route_answer_invalid(f, rq, rs, faults, "query");
        return false;
    }
    if (rq->route->args == NULL)
        return true;
    if ((*e = request_query_all(rq, &pairs, &n)) != OK)
        return false;
    faults = arena_one(rq->scope->arena, schema_faults);
    if (schema_bind_query(rq->scope->arena, rq->route->args, pairs, n, faults, &rq->args) == OK)
        return true;
    route_answer_invalid(f, rq, rs, faults, "query");
    return false;
}

/* The parser may quote the very bytes that are no text. */
static const char *reason_text(const json_fault *why)
{
    return utf8_valid(why->reason, strlen(why->reason)) ? why->reason : "it is not UTF-8";
}

/* The body as JSON; NULL when there is none.  A body that is not JSON is a fault. */
static err parse_body(const face *f, request *rq, schema_faults **faults)
{
    arena *a = rq->scope->arena;
    json_fault *why = arena_one(a, json_fault);
    str text;

    TRY(request_body_all(rq, f->max_json > 0 ? f->max_json : MAX_JSON, &text));
    if (str_trim(text).len == 0) {
        if (rq->route->mode == BODY_OPTIONAL)
            rq->json = json_hold(a, json_object());
        return OK;
    }
    if (!route_takes_as_json(a, request_header(rq, "content-type")))
        *faults =
            one_fault(rq, (schema_fault){.kind = FAULT_TYPE,
                                         .expected = "object",
                                         .reason = "the body must be JSON, and its Content-Type application/json"});
    else if (json_parse(a, text.p, text.len, why, &rq->json) != OK)
        *faults =
            one_fault(rq, (schema_fault){.kind = FAULT_SYNTAX,
                                         .offset = why->offset,
                                         .reason = arena_printf(a, "the body is not JSON: %s", reason_text(why))});
    else if (rq->route->mode == BODY_OPTIONAL && json_is_null(rq->json))
        rq->json = json_hold(a, json_object());
    return OK;
}

static bool bind_body(const face *f, request *rq, response *rs, err *e)
{
    schema_faults *faults = NULL;

    if (rq->route->body == NULL || rq->route->mode == BODY_RAW)
        return true;
    if ((*e = parse_body(f, rq, &faults)) != OK)
        return false;
    if (faults == NULL) {
        faults = arena_one(rq->scope->arena, schema_faults);
        if (schema_bind(rq->scope->arena, rq->route->body, rq->json, faults, &rq->body) == OK)
            return true;
    }
    route_answer_invalid(f, rq, rs, faults, "body");
    return false;
}

bool route_bind(const face *f, request *rq, response *rs, err *e)
{
    *e = OK;
    return bind_query(f, rq, rs, e) && bind_body(f, rq, rs, e);
}
