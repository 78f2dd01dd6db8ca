/* SPDX-License-Identifier: MIT */
/*
 * Health and system information (contracts/sage-platform.md section 7.1).
 */
#include "base/clock.h"
#include "face/sage/envelope.h"
#include "face/sage/handlers.h"
#include "face/sage/logins.h"
#include "model/kv.h"

/* The texts are Chinese in every language: the web client shows them as they come. */
json_t *sage_login_providers(void)
{
    json_t *list = json_array(), *o = json_object();

    json_set_str(o, "id", "native");
    json_set_str(o, "type", "native");
    json_set_str(o, "name", "账号密码");
    json_set_str(o, "button_text", "使用账号密码登录");
    json_set_str(o, "description", "输入 Sage 内置账号和密码进入工作台");
    json_set_str(o, "icon", "key-round");
    json_array_append_new(list, o);
    return list;
}

/* GET /api/health */
err sage_health(request *rq, response *rs)
{
    buf *data = buf_new(rq->scope->arena, 256);

    buf_puts(data, "{\"status\":\"healthy\",\"timestamp\":");
    sage_put_seconds(data, clock_wall());
    buf_puts(data, ",\"service\":\"SagePlatform\"}");
    return sage_ok_written(rq, rs, "system.healthy", NULL, data);
}

/* GET /active */
err sage_active(request *rq, response *rs)
{
    static const char text[] = "\"Service is available.\"";

    (void)rq;
    return reply(rs, 200, "application/json", text, sizeof(text) - 1);
}

/* GET /api/system/info */
err sage_system_info(request *rq, response *rs)
{
    const char *allowed;
    json_t *data;

    TRY(kv_get(rq->scope, "allow_registration", "false", &allowed));
    data = json_object();
    json_set_bool(data, "allow_registration", !cstr_eq(allowed, "false"));
    json_set_str(data, "auth_mode", "native");
    json_set(data, "auth_providers", sage_login_providers());
    json_set_str(data, "default_auth_provider", "native");
    json_set_bool(data, "has_local_auth", true);
    json_set_bool(data, "has_oauth_auth", false);
    json_set_bool(data, "oauth_enabled", false);
    json_set_str(data, "oauth_provider_name", NULL);
    json_set_bool(data, "native_login_admin_only", false);
    return sage_ok(rq, rs, "system.info_loaded", NULL, data);
}

typedef struct {
    bool allow_registration;
} settings_body;

static const field settings_fields[] = {
    FIELD(settings_body, allow_registration, .required = true, .text = "Whether people may make accounts of their own"),
};
const schema sage_system_settings_schema = SCHEMA(settings_body, settings_fields);

/* POST /api/system/update_settings */
err sage_system_settings(request *rq, response *rs)
{
    const settings_body *in = rq->body;

    TRY(kv_set(rq->scope, "allow_registration", in->allow_registration ? "true" : "false"));
    return sage_ok_trimmed(rq, rs, "system.settings_updated", NULL, json_object());
}
