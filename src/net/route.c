/* SPDX-License-Identifier: MIT */
/* From requests to handlers: which face, which route, in which order; see route.h.  Bodies and queries: route_bind.c. */
#include "net/route.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/route_bind.h"
#include "net/route_internal.h"

enum { STATUS_CLASSES = 5 };

/* Where a request belongs. */
typedef struct {
    served_face *to; /* NULL: to no face */
    str prefix;      /* taken off the path, or empty */
    bool shared;     /* found by a mount of the shared port */
} destination;

/* ---- making a router ---- */

static void refuse_table(const face *f, const char *why)
{
    log_error("route table", log_str("face", f->name), log_str("fault", why));
    abort();
}

static bool has_path(const face *f, const char *path)
{
    for (size_t i = 0; i < f->n_routes; i++)
        if (cstr_eq(f->routes[i].path, path))
            return true;
    return false;
}

static void check_routes(const face *f)
{
    for (size_t i = 0; i < f->n_routes; i++)
        if (f->routes[i].handler == NULL)
            refuse_table(f, f->routes[i].path);
}

static void add_face(router *r, const face *f)
{
    served_face *sf = &r->faces[r->n_faces];
    const char *why = NULL;

    for (size_t i = 0; i < r->n_faces; i++)
        if (r->faces[i].face == f)
            return;
    sf->face = f;
    sf->index = r->n_faces++;
    sf->docs = f->docs && !has_path(f, "/docs");
    sf->openapi = f->docs && !has_path(f, "/openapi.json");
    sf->tree = route_tree_new(r->arena, f->routes, f->n_routes, &why);
    if (sf->tree == NULL)
        refuse_table(f, why);
    check_routes(f);
}

/* Series of the metrics: the faces, then "none". */
static void add_metrics(router *r)
{
    size_t n = r->n_faces + 1;
    const char **faces = arena_array(r->arena, const char *, n + 1);
    const char **statuses = arena_array(r->arena, const char *, n *STATUS_CLASSES + 1);

    for (size_t i = 0; i < n; i++) {
        const char *name = i < r->n_faces ? r->faces[i].face->name : "none";

        faces[i] = arena_printf(r->arena, "face=\"%s\"", name);
        for (size_t c = 0; c < STATUS_CLASSES; c++)
            statuses[i * STATUS_CLASSES + c] = arena_printf(r->arena, "face=\"%s\",status=\"%zuxx\"", name, c + 1);
    }
    r->requests = (metric){.name = "sluice_http_requests_total",
                           .kind = METRIC_COUNTER,
                           .help = "Requests by face and class of status",
                           .series = statuses};
    r->seconds = (metric){.name = "sluice_http_request_seconds",
                          .kind = METRIC_SECONDS,
                          .help = "Time from the head of a request until its handler returned",
                          .series = faces};
    metrics_register(&r->requests);
    metrics_register(&r->seconds);
}

router *router_new(const face_mount *mounts, size_t n)
{
    arena *a = arena_new(NULL);
    router *r = arena_one(a, router);

    r->arena = a;
    r->mounts = arena_array(a, face_mount, n);
    r->n_mounts = n;
    r->faces = arena_array(a, served_face, n);
    r->log_requests = true;
    for (size_t i = 0; i < n; i++) {
        r->mounts[i] = mounts[i];
        add_face(r, mounts[i].face);
    }
    add_metrics(r);
    return r;
}

void router_free(router *r)
{
    if (r == NULL)
        return;
    metrics_unregister(&r->requests);
    metrics_unregister(&r->seconds);
    for (size_t i = 0; i < r->n_faces; i++)
        free(r->faces[i].document);
    free(r->document);
    arena_free(r->arena);
}

void router_log_requests(router *r, bool on)
{
    r->log_requests = on;
}

/* ---- which face ---- */

/* Whether `path` is `prefix` or lies below it; every request asks for dozens of prefixes, most of which differ early. */
static bool under(const char *path, const char *prefix)
{
    size_t n = 0;

    while (prefix[n] != '\0' && prefix[n] == path[n])
        n++;
    return prefix[n] == '\0' && (path[n] == '/' || path[n] == '\0');
}

const face_mount *route_mount(const router *r, const char *path)
{
    for (size_t i = 0; i < r->n_mounts; i++)
        if (r->mounts[i].prefix != NULL && (cstr_eq(r->mounts[i].prefix, "/") || under(path, r->mounts[i].prefix)))
            return &r->mounts[i];
    return NULL;
}

static served_face *served(router *r, const face *f)
{
    for (size_t i = 0; i < r->n_faces; i++)
        if (r->faces[i].face == f)
            return &r->faces[i];
    return NULL;
}

static destination find_face(router *r, const request *rq)
{
    served_face *own = rq->listener != NULL ? served(r, rq->listener) : NULL;
    const face_mount *m;
    size_t len;

    if (own != NULL)
        return (destination){.to = own};
    for (size_t i = 0; i < r->n_faces; i++) {
        const char *name = r->faces[i].face->name;

        if (under(rq->path + 1, name))
            return (destination){.to = &r->faces[i], .prefix = {rq->path, strlen(name) + 1}};
    }
    m = route_mount(r, rq->path);
    if (m == NULL)
        return (destination){.to = NULL};
    len = m->strip && strlen(m->prefix) > 1 ? strlen(m->prefix) : 0;
    return (destination){.to = served(r, m->face), .prefix = {rq->path, len}, .shared = true};
}

/* ---- answers of faces that have none of their own ---- */

static int plain_status(err e)
{
    static const int statuses[ERR_COUNT] = {
        [OK] = 200,
        [ERR_INVALID] = 400,
        [ERR_UNAUTHENTICATED] = 401,
        [ERR_DENIED] = 403,
        [ERR_NOT_FOUND] = 404,
        [ERR_CONFLICT] = 409,
        [ERR_BUSY] = 503,
        [ERR_RATE] = 429,
        [ERR_TOO_LARGE] = 413,
        [ERR_TIMEOUT] = 504,
        [ERR_NO_SPACE] = 507,
        [ERR_UPSTREAM] = 502,
        [ERR_UNSUPPORTED] = 501,
    };

    return (unsigned)e < ERR_COUNT && statuses[e] != 0 ? statuses[e] : 500;
}

static void plain_error(request *rq, response *rs, int status, const char *text)
{
    json_t *v = json_hold(rq->scope->arena, json_object());

    json_set_str(v, "error", text);
    (void)reply_json(rs, status, v);
}

static void answer_failure(const face *f, request *rq, response *rs, err e)
{
    failure why = scope_failure(rq->scope, e);

    if (request_body_stalled(rq)) /* a timeout of the client's, not of ours */
        reply_unanswered(rs);
    else if (f->envelope != NULL)
        f->envelope(rq, rs, why);
    else
        plain_error(rq, rs, plain_status(e), why.text);
}

void route_answer_invalid(const face *f, request *rq, response *rs, const schema_faults *faults, const char *part)
{
    if (f->invalid != NULL)
        f->invalid(rq, rs, faults, part);
    else
        plain_error(rq, rs, 422, faults->items[0].reason);
}

static void answer_no_route(const face *f, request *rq, response *rs, const char *allow)
{
    if (allow != NULL)
        reply_header(rs, "Allow", allow);
    if (f != NULL && f->no_route != NULL)
        f->no_route(rq, rs, allow);
    else
        plain_error(rq, rs, allow != NULL ? 405 : 404, allow != NULL ? "method not allowed" : "not found");
}

/* ---- which route ---- */

/* The path with a '/' more or less at its end. */
static str other_slash(arena *a, str path)
{
    if (path.len > 1 && path.p[path.len - 1] == '/')
        return (str){path.p, path.len - 1};
    return str_of(arena_printf(a, "%.*s/", STR_ARG(path)));
}

/* Sets *redirect to the other form of the path when the client is to be sent there. */
static route_found find_route(const served_face *sf, request *rq, str *redirect)
{
    str path = str_of(rq->path), other;
    route_found found = route_tree_find(sf->tree, rq->method, path), second;

    if (found.leaf != NULL || sf->face->slashes == SLASH_STRICT)
        return found;
    if (sf->face->slashes == SLASH_REDIRECT && found.allow != 0)
        return found;
    other = other_slash(rq->scope->arena, path);
    second = route_tree_find(sf->tree, rq->method, other);
    if (sf->face->slashes == SLASH_EITHER)
        return second.leaf != NULL || found.allow == 0 ? second : found;
    /* "//host/" must not become a Location that browsers read as another host. */
    if (second.allow != 0 && !str_starts(path, "//"))
        *redirect = other;
    return found;
}

static err redirect_to(request *rq, response *rs, str prefix, str path)
{
    const char *mark = *rq->query != '\0' ? "?" : "";

    return reply_redirect(
        rs, 307, arena_printf(rq->scope->arena, "%.*s%.*s%s%s", STR_ARG(prefix), STR_ARG(path), mark, rq->query));
}

static bool asks_for(const request *rq, const char *path)
{
    return (rq->method == GET || rq->method == HEAD) && cstr_eq(rq->path, path);
}

static err serve_document(router *r, const destination *d, request *rq, response *rs)
{
    return d->shared && d->prefix.len == 0 ? openapi_reply_all(rs, r) : openapi_reply(rq, rs, d->to, d->prefix);
}

static err serve_face(router *r, const destination *d, request *rq, response *rs)
{
    const face *f = d->to->face;
    str redirect = {NULL, 0};
    route_found found;
    err e;

    if (f->intercept != NULL && f->intercept(rq, rs))
        return OK;
    if (d->to->openapi && asks_for(rq, "/openapi.json"))
        return serve_document(r, d, rq, rs);
    if (d->to->docs && asks_for(rq, "/docs"))
        return openapi_serve_page(rq, rs);
    found = find_route(d->to, rq, &redirect);
    if (found.leaf != NULL && !route_take(rq->scope->arena, &found, rq))
        found = (route_found){.leaf = NULL};
    if (f->authorize != NULL)
        TRY(f->authorize(rq, rs, rq->route));
    if (reply_begun(rs))
        return OK;
    if (redirect.p != NULL)
        return redirect_to(rq, rs, d->prefix, redirect);
    if (rq->route == NULL) {
        answer_no_route(f, rq, rs, found.allow != 0 ? route_methods(rq->scope->arena, found.allow) : NULL);
        return OK;
    }
    if (!route_bind(f, rq, rs, &e))
        return e;
    return rq->route->handler(rq, rs);
}

/* ---- one request ---- */

static void log_request(const router *r, const destination *d, const request *rq, const response *rs, const char *path,
                        err e)
{
    log_level level = rq->route != NULL && rq->route->quiet ? LOG_DEBUG : LOG_INFO;
    log_field fields[6];
    size_t n = 0;
    const char *user;

    if (!r->log_requests || !log_enabled(level))
        return;
    fields[n++] = log_str("method", http_method_name(rq->method));
    fields[n++] = log_str("path", path);
    fields[n++] = log_int("status", reply_status(rs));
    fields[n++] = log_num("ms", (double)(clock_mono() - rq->began) / 1e6);
    user = d->to != NULL && d->to->face->user_id != NULL ? d->to->face->user_id(rq) : NULL;
    if (user != NULL)
        fields[n++] = log_str("user", user);
    if (e != OK)
        fields[n++] = log_str("error", scope_failure(rq->scope, e).text);
    log_write(level, "request", fields, n);
}

static void count_request(router *r, const destination *d, const request *rq, const response *rs)
{
    size_t which = d->to != NULL ? d->to->index : r->n_faces;
    int status = reply_status(rs);
    size_t class = status >= 100 && status < 600 ? (size_t)status / 100 - 1 : STATUS_CLASSES - 1;

    metric_add(&r->requests, which * STATUS_CLASSES + class, 1);
    metric_observe(&r->seconds, which, clock_mono() - rq->began);
}

void router_serve(request *rq, response *rs, void *arg)
{
    router *r = arg;
    destination d = find_face(r, rq);
    const char *path = rq->path;
    err e = OK;

    if (d.to == NULL) {
        answer_no_route(NULL, rq, rs, NULL);
    } else {
        if (d.prefix.len > 0)
            rq->path = path[d.prefix.len] != '\0' ? path + d.prefix.len : "/";
        e = serve_face(r, &d, rq, rs);
        if (e != OK && !reply_begun(rs))
            answer_failure(d.to->face, rq, rs, e);
        /* Once a response has begun nothing can be said: the server cuts what is not complete, and the log says why. */
        if (d.to->face->after != NULL)
            d.to->face->after(rq, rs);
    }
    count_request(r, &d, rq, rs);
    log_request(r, &d, rq, rs, path, e);
}
