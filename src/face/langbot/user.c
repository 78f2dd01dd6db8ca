/* SPDX-License-Identifier: MIT */
/* Accounts as LangBot's clients know them (contracts/langbot.md sections 2.3 and 2.4). */
#include "auth/auth.h"
#include "auth/bootstrap.h"
#include "auth/csrf.h"
#include "auth/identity.h"
#include "auth/login.h"
#include "auth/token.h"
#include "db/settings.h"
#include "face/langbot/envelope.h"
#include "face/langbot/handlers.h"
#include "model/kv.h"
#include "base/id.h"

typedef struct {
    const char *user, *password;
} login_body;
static const field login_fields[] = {
    FIELD(login_body, user, .required = true, .not_null = true, .max = 320, .text = "User name or e-mail address"),
    FIELD(login_body, password, .required = true, .not_null = true, .max = 1024),
};
const schema bot_login_schema = SCHEMA(login_body, login_fields);

static err answer_token(request *rq, response *rs, const user_row *u)
{
    arena *a = rq->scope->arena;
    const char *instance;
    json_t *data;

    TRY(kv_set_if_absent(rq->scope, "instance_id", id_uuid4(a), &instance));
    data = json_object();
    json_set_str(data, "token", token_langbot(a, u, instance, token_expiry(auth_settings()->langbot_token_seconds)));
    return bot_ok(rq, rs, data);
}

/* POST /api/v1/user/auth: a failed login is HTTP 200 with code 1. */
err bot_login(request *rq, response *rs)
{
    const login_body *in = rq->body;
    user_row *u;
    err e = login_password(rq->scope, in->user, in->password, rq->peer, &u);

    if (e == ERR_UNAUTHENTICATED)
        return bot_error(rq, rs, 200, 1, NULL, "Invalid username or password");
    if (e == ERR_DENIED)
        return bot_error(rq, rs, 200, 1, NULL, "Account is disabled");
    TRY(e);
    return answer_token(rq, rs, u);
}

/* GET /api/v1/user/check-token */
err bot_check_token(request *rq, response *rs)
{
    user_row *u;

    TRY(user_find(rq->scope, rq->user->user_id, &u));
    return answer_token(rq, rs, u);
}

/* GET /api/v1/user/info */
err bot_user_info(request *rq, response *rs)
{
    json_t *data;
    user_row *u;

    TRY(user_find(rq->scope, rq->user->user_id, &u));
    data = json_object();
    json_set_str(data, "account_uuid", id_dashed(rq->scope->arena, u->id));
    json_set_str(data, "user", u->email != NULL ? u->email : u->username);
    json_set_str(data, "account_type", "local");
    json_set_bool(data, "has_password", u->password_hash != NULL);
    return bot_ok(rq, rs, data);
}

/* GET /api/v1/user/account-info */
err bot_account_info(request *rq, response *rs)
{
    json_t *data;
    int64_t users;

    TRY(user_count(rq->scope, &users));
    data = json_object();
    json_set_bool(data, "initialized", users > 0);
    if (users > 0) {
        json_set_bool(data, "password_login_enabled", true);
        json_set_bool(data, "space_login_enabled", false);
        json_set_bool(data, "authenticated_invitation_acceptance_enabled", false);
    }
    return bot_ok(rq, rs, data);
}

/* GET /api/v1/user/init */
err bot_initialized(request *rq, response *rs)
{
    json_t *data;
    int64_t users;

    TRY(user_count(rq->scope, &users));
    data = json_object();
    json_set_bool(data, "initialized", users > 0);
    return bot_ok(rq, rs, data);
}

/* Upstream keeps addresses in lower case. */
static char *plain_email(arena *a, const char *given)
{
    char *email = str_dup(a, str_trim(str_of(given)));

    for (char *p = email; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return email;
}

/* POST /api/v1/user/init: whoever comes first to a server without accounts owns it, but no page of another site does so for
 * him.  Where the server has made its administrator at the start (the setting admin.at_start), it is initialized. */
err bot_initialize(request *rq, response *rs)
{
    csrf_facts facts = csrf_facts_of(rq);
    const login_body *in = rq->body;
    int64_t users;
    err e;

    TRY(user_count(rq->scope, &users));
    if (users > 0)
        return bot_error(rq, rs, 200, 1, NULL, "System already initialized");
    if (csrf_cross_site(&facts, auth_settings()->trusted_origins))
        return bot_error(rq, rs, 403, -1, NULL, "Cross-site request refused");
    if (strchr(in->user, '@') == NULL)
        return bot_error(rq, rs, 400, -1, NULL, "A valid email address is required");
    if (cstr_blank(in->password))
        return bot_error(rq, rs, 400, -1, NULL, "A password is required");
    e = bootstrap_register(rq->scope, settings_get()->admin_username, plain_email(rq->scope->arena, in->user),
                           in->password);
    if (e == ERR_CONFLICT)
        return bot_error(rq, rs, 409, 0, "registration_closed", "Registration is closed");
    TRY(e);
    return bot_ok(rq, rs, NULL);
}

/* GET /healthz */
err bot_health(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    json_set_int(o, "code", 0);
    json_set_str(o, "msg", "ok");
    json_set(o, "resources", json_object());
    return reply_json(rs, 200, o);
}
