/* SPDX-License-Identifier: MIT */
/* LangBot's envelope and access rules; see envelope.h. */
#include "face/langbot/envelope.h"

#include "auth/authenticate.h"
#include "auth/rules.h"
#include "base/clock.h"
#include "base/log.h"
#include "face/langbot/routes.h"

err bot_ok(request *rq, response *rs, json_t *data)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    json_set_int(o, "code", 0);
    json_set_str(o, "msg", "ok");
    json_set(o, "data", data != NULL ? data : json_null());
    return reply_json(rs, 200, o);
}

err bot_error(request *rq, response *rs, int status, int code, const char *word, const char *msg)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    if (word != NULL)
        json_set_str(o, "code", word);
    else
        json_set_int(o, "code", code);
    json_set_str(o, "msg", msg);
    if (status == 500)
        json_set_str(o, "request_id", rq->id);
    return reply_json(rs, status, o);
}

/* Core errors by kind; the word is LangBot's code, NULL is -1. */
static const struct {
    err e;
    int status;
    const char *word;
    const char *msg; /* NULL: the failure's own sentence */
} kinds[] = {
    {ERR_INVALID, 400, NULL, NULL},
    {ERR_DENIED, 403, "permission_denied", NULL},
    {ERR_NOT_FOUND, 404, "resource_not_found", "Resource not found"},
    {ERR_CONFLICT, 400, NULL, NULL},
    {ERR_BUSY, 429, "task_capacity_exceeded", NULL},
    {ERR_RATE, 429, "rate_limited", NULL},
    {ERR_TOO_LARGE, 400, NULL, "File size exceeds 10MB limit. Please split large files into smaller parts."},
    {ERR_NO_SPACE, 507, "storage_full", NULL},
    {ERR_UPSTREAM, 400, NULL, NULL},
};

static void refuse_credential(request *rq, response *rs, failure f)
{
    bool either = rq->route != NULL && (rq->route->access & BOT_EITHER) != 0;

    if (!cstr_eq(f.code, "auth.unauthorized"))
        bot_error(rq, rs, 401, 0, "invalid_authentication", "Invalid authentication credentials");
    else
        bot_error(rq, rs, 401, -1, NULL,
                  either ? "No valid authentication provided (user token or API key required)"
                         : "No valid user token provided");
}

void bot_envelope(request *rq, response *rs, failure f)
{
    if (f.e == ERR_UNAUTHENTICATED || cstr_eq(f.code, "auth.key_face")) {
        refuse_credential(rq, rs, f);
        return;
    }
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (kinds[i].e != f.e)
            continue;
        bool ours = cstr_starts(f.code, "langbot."); /* its text is the contract's */
        bot_error(rq, rs, kinds[i].status, -1, kinds[i].word, kinds[i].msg != NULL && !ours ? kinds[i].msg : f.text);
        return;
    }
    log_error("request.failed", log_str("reason", f.text));
    bot_error(rq, rs, 500, 0, "internal_error", "Internal server error");
}

void bot_invalid(request *rq, response *rs, const schema_faults *faults, const char *part)
{
    const schema_fault *f = faults->count > 0 ? &faults->items[0] : NULL;

    (void)part;
    if (f != NULL && f->kind == FAULT_TYPE && f->field != NULL && cstr_eq(f->expected, "object"))
        bot_error(rq, rs, 400, -1, NULL, arena_printf(rq->scope->arena, "%s must be an object", f->field->name));
    else
        bot_error(rq, rs, 400, -1, NULL, f != NULL ? f->reason : "the request is not valid");
}

void bot_no_route(request *rq, response *rs, const char *allow)
{
    if (allow != NULL)
        bot_error(rq, rs, 405, -1, NULL, "Method not allowed");
    else
        bot_error(rq, rs, 404, 0, "resource_not_found", "Resource not found");
}

bool bot_intercept(request *rq, response *rs)
{
    const char *asked;

    reply_header(rs, "Access-Control-Allow-Origin", "*");
    if (rq->method != OPTIONS || request_header(rq, "Access-Control-Request-Method") == NULL)
        return false;
    reply_header(rs, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE");
    asked = request_header(rq, "Access-Control-Request-Headers");
    reply_header(rs, "Access-Control-Allow-Headers",
                 asked != NULL ? asked : "Authorization, Content-Type, X-API-Key, X-Workspace-Id, X-Request-Id");
    return reply_empty(rs, 200) == OK;
}

/* The permission that a route wants, as scopes are called. */
static const char *permission_of(unsigned access)
{
    return access & BOT_VIEW      ? "resource.view"
           : access & BOT_MANAGE  ? "resource.manage"
           : access & BOT_SECRETS ? "provider_secret.manage"
           : access & BOT_KEYS    ? "api_key.manage"
                                  : NULL;
}

/* Logged-in users may name the workspace (section 2.6); to keys the header means nothing. */
static bool is_our_workspace(const char *asked)
{
    return cstr_blank(asked) || cstr_eq(asked, BOT_WORKSPACE);
}

err bot_authorize(request *rq, response *rs, const route *r)
{
    unsigned accepted = AUTH_FOR_LANGBOT;
    const char *permission;

    (void)rs;
    if (r == NULL || r->access == BOT_NONE)
        return OK;
    if (r->access & BOT_ACCOUNT)
        accepted = AUTH_BEARER_TOKEN | AUTH_BARE_TOKEN | AUTH_ON_LANGBOT;
    TRY(auth_identify(rq, accepted, &rq->user));
    permission = permission_of(r->access);
    if (permission != NULL && rq->user->key_id == NULL && !is_our_workspace(request_header(rq, "X-Workspace-Id")))
        return fail_code(rq->scope, ERR_NOT_FOUND, "workspace.not_found", NULL, "there is no such workspace");
    if (permission != NULL && !identity_may(rq->user, permission))
        return fail_code(rq->scope, ERR_DENIED, "auth.scope", permission, "Missing Workspace permission: %s",
                         permission);
    return OK;
}

bool bot_sees_secrets(const request *rq, const char *owner_id)
{
    return identity_may(rq->user, "provider_secret.manage") && owner_or_admin(rq->user, owner_id);
}

json_t *bot_time(arena *a, int64_t wall_us)
{
    char *text;

    if (wall_us == 0)
        return json_null();
    text = clock_iso(a, wall_us);
    text[strlen("2026-11-22T04:05:06")] = '\0';
    return json_string(text);
}
