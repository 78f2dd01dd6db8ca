/* SPDX-License-Identifier: MIT */
/*
 * Accounts: logging in and out, under /api/auth and as older clients spell it under /api/user
 * (contracts/sage-platform.md section 3.6).
 */
#include "auth/auth.h"
#include "auth/csrf.h"
#include "auth/identity.h"
#include "auth/login.h"
#include "auth/session.h"
#include "auth/token.h"
#include "face/sage/envelope.h"
#include "face/sage/handlers.h"
#include "face/sage/logins.h"
#include "model/agent.h"
#include "model/provider.h"

typedef struct {
    const char *username_or_email;
    const char *password;
} login_body;

static const field login_fields[] = {
    FIELD(login_body, username_or_email, .required = true, .text = "User name or e-mail address"),
    FIELD(login_body, password, .required = true),
};
const schema sage_login_schema = SCHEMA(login_body, login_fields);

/* The cookie, unless a page of another site made the browser send this. */
static err set_session(request *rq, response *rs, const user_row *u)
{
    csrf_facts facts = csrf_facts_of(rq);
    char *cookie;

    if (csrf_cross_site(&facts, auth_settings()->trusted_origins))
        return OK;
    TRY(session_begin(rq->scope, u->id, &cookie));
    reply_header(rs, "Set-Cookie", cookie);
    return OK;
}

/* POST /api/auth/login */
err sage_login(request *rq, response *rs)
{
    const login_body *in = rq->body;
    arena *a = rq->scope->arena;
    int64_t lifetime = auth_settings()->sage_token_seconds;
    json_t *data;
    user_row *u;

    TRY(login_password(rq->scope, in->username_or_email, in->password, rq->peer, &u));
    TRY(set_session(rq, rs, u));
    data = json_object();
    json_set_str(data, "access_token", token_sage_access(a, u, token_expiry(lifetime)));
    json_set_str(data, "refresh_token", token_sage_refresh(a, u));
    json_set_int(data, "expires_in", lifetime);
    return sage_ok_trimmed(rq, rs, "auth.login_success", NULL, data);
}

/* The claims object, as the caller's credential carries it. */
static json_t *claims_of(const identity *who)
{
    json_t *o = json_object();

    json_set_str(o, "userid", who->user_id);
    json_set_str(o, "username", who->username);
    json_set_str(o, "nickname", who->nickname);
    if (who->via != VIA_PROXY) {
        json_set_str(o, "phonenum", who->phone);
        json_set_str(o, "email", who->email);
    }
    json_set_str(o, "role", who->role);
    if (who->via != VIA_PROXY) {
        json_set_str(o, "avatar", who->avatar_url);
        json_set_str(o, "avatar_url", who->avatar_url);
    }
    if (who->via == VIA_TOKEN)
        json_set_int(o, "exp", who->expires);
    return o;
}

/* GET /api/auth/session */
err sage_session(request *rq, response *rs)
{
    provider_scope own = {.who = owned_by_user(rq->user->user_id)};
    int64_t providers, agents;
    provider_row *first;
    json_t *data;
    size_t n;

    TRY(provider_list(rq->scope, own, (page){.limit = 1}, &first, &n, &providers));
    TRY(agent_count_owned(rq->scope, rq->user->user_id, &agents));
    data = json_object();
    json_set(data, "user", claims_of(rq->user));
    json_set_bool(data, "has_provider", providers > 0);
    json_set_bool(data, "has_agent", agents > 0);
    return sage_ok_trimmed(rq, rs, "auth.login_success", NULL, data);
}

/* POST /api/auth/logout */
err sage_logout(request *rq, response *rs)
{
    char *cookie;

    TRY(session_end(rq, &cookie));
    reply_header(rs, "Set-Cookie", cookie);
    return sage_ok_trimmed(rq, rs, "auth.logout_success", NULL, json_object());
}

/* GET /api/auth/providers */
err sage_auth_providers(request *rq, response *rs)
{
    return sage_ok_trimmed(rq, rs, "auth.providers_loaded", NULL, sage_login_providers());
}
