/* SPDX-License-Identifier: MIT */
/* Login, API keys, health and version (contracts/langflow-api.md sections 2.4, 2.5 and 3). */
#include "auth/apikey.h"
#include "auth/auth.h"
#include "auth/login.h"
#include "auth/rules.h"
#include "auth/token.h"
#include "base/id.h"
#include "base/log.h"
#include "face/langflow/envelope.h"
#include "face/langflow/handlers.h"

enum { FORM_MAX = 16384 };

/* A field of a form body, decoded; NULL when absent. */
static const char *form_field(arena *a, str form, const char *name)
{
    str pair, key;

    while (str_next(&form, '&', &pair)) {
        char *decoded, *value;

        if (!str_next(&pair, '=', &key) || !percent_decode(a, key, true, &decoded) || strcmp(decoded, name) != 0)
            continue;
        return percent_decode(a, pair.p != NULL ? pair : STR(""), true, &value) ? value : NULL;
    }
    return NULL;
}

static err missing_field(request *rq, response *rs, const char *name)
{
    json_t *o = json_hold(rq->scope->arena, json_pack("{s:[{s:s,s:[s,s],s:s,s:n}]}", "detail", "type", "missing", "loc",
                                                      "body", name, "msg", "Field required", "input"));

    return reply_json(rs, 422, o);
}

static const cookie_form access_cookie = {.name = "access_token_lf", .same_site = "lax", .script_readable = true};
static const cookie_form refresh_cookie = {.name = "refresh_token_lf", .same_site = "none", .secure = true};
static const cookie_form store_cookie = {.name = "apikey_tkn_lflw", .same_site = "lax", .script_readable = true};

static err answer_tokens(request *rq, response *rs, const user_row *u)
{
    const auth_config *config = auth_settings();
    arena *a = rq->scope->arena;
    const char *sub = id_dashed(a, u->id);
    char *access = token_langflow(a, u, sub, false, token_expiry(config->langflow_token_seconds));
    char *refresh = token_langflow(a, u, sub, true, token_expiry(config->langflow_refresh_seconds));
    json_t *o = json_hold(a, json_object());

    reply_header(rs, "Set-Cookie", cookie_text(a, &access_cookie, access, config->langflow_token_seconds));
    reply_header(rs, "Set-Cookie", cookie_text(a, &refresh_cookie, refresh, config->langflow_refresh_seconds));
    reply_header(rs, "Set-Cookie", cookie_text(a, &store_cookie, "", 0));
    json_set_str(o, "access_token", access);
    json_set_str(o, "refresh_token", refresh);
    json_set_str(o, "token_type", "bearer");
    return reply_json(rs, 200, o);
}

/* POST /api/v1/login: a form, as OAuth2's password grant sends it. */
err lf_login(request *rq, response *rs)
{
    const char *name, *password;
    user_row *u;
    str form;
    err e;

    TRY(request_body_all(rq, FORM_MAX, &form));
    name = form_field(rq->scope->arena, form, "username");
    password = form_field(rq->scope->arena, form, "password");
    if (name == NULL)
        return missing_field(rq, rs, "username");
    if (password == NULL)
        return missing_field(rq, rs, "password");
    e = login_password(rq->scope, name, password, rq->peer, &u);
    if (e == ERR_UNAUTHENTICATED) {
        reply_header(rs, "WWW-Authenticate", "Bearer");
        return lf_error(rq, rs, 401, "Incorrect username or password");
    }
    if (e == ERR_DENIED)
        return lf_error(rq, rs, 401, "Inactive user");
    TRY(e);
    return answer_tokens(rq, rs, u);
}

/* GET /api/v1/auto_login: there is none here; clients then show their login page. */
err lf_auto_login(request *rq, response *rs)
{
    json_t *o = json_pack("{s:{s:s,s:b}}", "detail", "message",
                          "Auto login is disabled. Please enable it in the settings", "auto_login", 0);

    return reply_json(rs, 403, json_hold(rq->scope->arena, o));
}

/* POST /api/v1/logout */
err lf_logout(request *rq, response *rs)
{
    arena *a = rq->scope->arena;
    json_t *o = json_hold(a, json_object());

    reply_header(rs, "Set-Cookie", cookie_deletion(a, &access_cookie));
    reply_header(rs, "Set-Cookie", cookie_deletion(a, &refresh_cookie));
    reply_header(rs, "Set-Cookie", cookie_deletion(a, &store_cookie));
    json_set_str(o, "message", "Logout successful");
    return reply_json(rs, 200, o);
}

/* API keys */

static json_t *key_json(arena *a, const api_key_row *k, const char *text)
{
    json_t *o = json_object();

    json_set_str(o, "name", cstr_blank(k->label) ? NULL : k->label);
    json_set(o, "last_used_at", lf_time(k->last_used_at));
    json_set_int(o, "total_uses", k->uses);
    json_set_bool(o, "is_active", k->active);
    json_set_str(o, "id", k->id);
    json_set_str(o, "api_key", text);
    json_set_str(o, "user_id", id_dashed(a, k->user_id));
    return o;
}

/* GET /api/v1/api_key/ */
err lf_key_list(request *rq, response *rs)
{
    arena *a = rq->scope->arena;
    json_t *o = json_hold(a, json_object()), *list = json_array();
    api_key_row *rows;
    size_t n, shown = 0;

    json_set(o, "api_keys", list);
    TRY(api_key_list(rq->scope, own_rows_of(rq->user), (page){.all = true}, &rows, &n, NULL));
    for (size_t i = 0; i < n; i++) {
        json_t *one;

        if (!rows[i].active)
            continue;
        one = key_json(a, &rows[i], rows[i].masked != NULL ? rows[i].masked : rows[i].prefix);
        json_set(one, "created_at", lf_time(rows[i].created_at));
        json_array_append_new(list, one);
        shown++;
    }
    json_set_int(o, "total_count", (int64_t)shown);
    json_set_str(o, "user_id", id_dashed(a, rq->user->user_id));
    return reply_json(rs, 200, o);
}

typedef struct {
    const char *name;
} key_body;
static const field key_fields[] = {FIELD(key_body, name, .max = 255, .text = "Shown in lists")};
const schema lf_key_schema = SCHEMA(key_body, key_fields);

/* POST /api/v1/api_key/ */
err lf_key_create(request *rq, response *rs)
{
    const key_body *in = rq->body;
    key_wish wish = {.kind = KEY_LANGFLOW,
                     .user_id = rq->user->user_id,
                     .label = in->name != NULL ? in->name : "",
                     .scopes = "langflow"};
    api_key_row *row;
    char *text;

    TRY(apikey_create(rq->scope, &wish, &row, &text));
    return reply_json(rs, 200, json_hold(rq->scope->arena, key_json(rq->scope->arena, row, text)));
}

/* DELETE /api/v1/api_key/{api_key_id} */
err lf_key_delete(request *rq, response *rs)
{
    const char *id;
    err e = lf_uuid_param(rq, rs, "api_key_id", &id);

    if (id == NULL)
        return e;
    TRY(api_key_delete(rq->scope, own_rows_of(rq->user), id));
    return lf_error(rq, rs, 200, "API Key deleted");
}

/* GET /health */
err lf_health(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    json_set_str(o, "status", "ok");
    return reply_json(rs, 200, o);
}

/* GET /health_check: whether the parts work. */
err lf_health_check(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object()), *wrapped;
    int64_t users;
    bool ok = user_count(rq->scope, &users) == OK;

    json_set_str(o, "status", ok ? "ok" : "nok");
    json_set_str(o, "chat", "ok");
    json_set_str(o, "db", ok ? "ok" : "error check the server logs");
    if (ok)
        return reply_json(rs, 200, o);
    log_error("health_check.failed", log_str("reason", rq->scope->failure.text));
    wrapped = json_hold(rq->scope->arena, json_object());
    json_set(wrapped, "detail", json_incref(o));
    return reply_json(rs, 500, wrapped);
}

/* GET /api/v1/version */
err lf_version(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    json_set_str(o, "version", "1.9.6"); /* of the platform whose API this is: clients compare it */
    json_set_str(o, "main_version", "1.9.6");
    json_set_str(o, "package", "Langflow");
    return reply_json(rs, 200, o);
}
