/* SPDX-License-Identifier: MIT */
/*
 * Who may call which route of the Sage face (contracts/sage-platform.md section 3.3).
 */
#include "auth/authenticate.h"
#include "db/settings.h"
#include "face/sage/envelope.h"
#include "face/sage/routes.h"

static bool under_api(const char *path)
{
    return cstr_starts(path, "/api") && (path[4] == '/' || path[4] == '\0');
}

static bool is_open(const route *r)
{
    return r->access == SAGE_ANYONE || r->access == SAGE_OPEN ||
           (r->access == SAGE_GUEST && settings_get()->auth_anonymous);
}

/* Whether nobody needs to log in to hear that this path has no such method. */
static bool is_public_path(request *rq)
{
    for (size_t i = 0; i < sage_face.n_routes; i++) {
        const route *r = &sage_face.routes[i];

        if (is_open(r) && route_match(rq->scope->arena, r->path, rq->path, NULL))
            return true;
    }
    return false;
}

static bool needs_login(request *rq, const route *r)
{
    if (rq->method == OPTIONS)
        return false;
    if (r != NULL)
        return !is_open(r);
    return under_api(rq->path) && !is_public_path(rq);
}

err sage_authorize(request *rq, response *rs, const route *r)
{
    err e;

    if (r != NULL && r->access == SAGE_OPEN)
        return OK;
    e = auth_identify(rq, AUTH_FOR_SAGE, &rq->user);
    if (e != OK && e != ERR_UNAUTHENTICATED && e != ERR_DENIED)
        return e;
    if (e != OK)
        return needs_login(rq, r) ? e : OK;
    if (rq->user->set_cookie != NULL)
        reply_header(rs, "Set-Cookie", rq->user->set_cookie);
    if (r != NULL && r->access == SAGE_ADMIN && !rq->user->admin)
        return sage_soft_error_trimmed(rq, rs, 403, "common.permission_denied", NULL);
    return OK;
}
