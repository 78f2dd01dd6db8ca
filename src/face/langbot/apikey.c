/* SPDX-License-Identifier: MIT */
/* API keys (contracts/langbot.md section 2.5). */
#include "auth/apikey.h"

#include "auth/rules.h"
#include "auth/scopes.h"
#include "base/clock.h"
#include "base/id.h"
#include "face/langbot/envelope.h"
#include "face/langbot/handlers.h"

static json_t *scopes_json(const char *list)
{
    json_t *out = json_array();
    str rest = str_of(list), word;

    while (str_next(&rest, ' ', &word))
        if (word.len > 0)
            json_array_append_new(out, json_stringn(word.p, word.len));
    return out;
}

static json_t *key_json(arena *a, const api_key_row *k)
{
    json_t *o = json_object();

    json_set_int(o, "id", k->number);
    json_set_str(o, "uuid", k->id);
    json_set_str(o, "workspace_uuid", BOT_WORKSPACE);
    json_set_str(o, "created_by_account_uuid", id_dashed(a, k->user_id));
    json_set_str(o, "name", k->label);
    json_set(o, "scopes", scopes_json(k->scopes));
    json_set_str(o, "status", k->active ? "active" : "revoked");
    json_set(o, "expires_at", bot_time(a, k->expires_at));
    json_set(o, "last_used_at", bot_time(a, k->last_used_at));
    json_set_str(o, "description", k->description != NULL ? k->description : "");
    json_set(o, "created_at", bot_time(a, k->created_at));
    json_set(o, "updated_at", bot_time(a, k->updated_at));
    json_set_bool(o, "secret_available", false);
    return o;
}

/* GET /api/v1/apikeys */
err bot_key_list(request *rq, response *rs)
{
    json_t *data, *list;
    api_key_row *rows;
    size_t n;

    TRY(api_key_list(rq->scope, own_rows_of(rq->user), (page){.all = true}, &rows, &n, NULL));
    list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, key_json(rq->scope->arena, &rows[i]));
    data = json_object();
    json_set(data, "keys", list);
    return bot_ok(rq, rs, data);
}

typedef struct {
    const char *name, *description, *expires_at;
    json_t *scopes;
} key_body;
static const field key_fields[] = {
    FIELD(key_body, name, .max = 255, .text = "Shown in lists"),
    FIELD(key_body, description, .max = 4096),
    FIELD(key_body, scopes, .json = JSON_STRINGS_TYPE, .max = 64,
          .text = "Permissions; all that the creator has when absent"),
    FIELD(key_body, expires_at, .text = "ISO 8601"),
};
const schema bot_key_schema = SCHEMA(key_body, key_fields);
static const field update_fields[] = {FIELD(key_body, name, .max = 255), FIELD(key_body, description, .max = 4096)};
const schema bot_key_update_schema = {"key_update", sizeof(key_body), update_fields, COUNT(update_fields), SIZE_MAX};

/* All of this platform's that the creator has: a key of its does not open the other faces, unless "*" is asked for. */
static const char *all_permissions(request *rq)
{
    buf *list = buf_new(rq->scope->arena, KIB(4));

    for (size_t i = 0; i < scope_table_count; i++)
        if (scope_table[i].family == SCOPES_LANGBOT && identity_may(rq->user, scope_table[i].name))
            buf_printf(list, "%s%s", list->len > 0 ? " " : "", scope_table[i].name);
    return buf_str(list);
}

static bool asked_before(const json_t *asked, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (json_equal(json_array_get(asked, i), json_array_get(asked, at)))
            return true;
    return false;
}

/* The scopes that the key gets: those asked for, each once, none that the creator lacks. */
static err choose_scopes(request *rq, response *rs, const json_t *asked, const char **out, bool *answered)
{
    arena *a = rq->scope->arena;
    buf *list = buf_new(a, KIB(8)); /* of known names only, each of which is short */

    *answered = true;
    if (asked == NULL) {
        *out = all_permissions(rq);
        *answered = false;
        return OK;
    }
    for (size_t i = 0; i < json_array_size(asked); i++) {
        const char *name = json_string_value(json_array_get(asked, i));

        if (strcmp(name, "*") != 0 && scope_find(str_of(name)) == NULL)
            return bot_error(rq, rs, 400, 0, "invalid_api_key", arena_printf(a, "Unknown API key scope: %s", name));
        if (!identity_may(rq->user, name))
            return bot_error(rq, rs, 403, 0, "permission_denied",
                             arena_printf(a, "Missing Workspace permission: %s", name));
        if (!asked_before(asked, i))
            buf_printf(list, "%s%s", list->len > 0 ? " " : "", name);
    }
    *out = buf_str(list);
    *answered = false;
    return OK;
}

/* POST /api/v1/apikeys */
err bot_key_create(request *rq, response *rs)
{
    const key_body *in = rq->body;
    key_wish wish = {
        .kind = KEY_LANGBOT, .user_id = rq->user->user_id, .label = in->name, .description = in->description};
    api_key_row *row;
    bool answered;
    json_t *data, *key;
    char *text;
    err e;

    if (cstr_blank(in->name))
        return bot_error(rq, rs, 400, 0, "invalid_api_key", "Name is required");
    if (!cstr_blank(in->expires_at) && !clock_parse_iso(str_trim(str_of(in->expires_at)), &wish.expires_at))
        return bot_error(rq, rs, 400, 0, "invalid_expiry", "Invalid API key expiry");
    if (wish.expires_at != 0 && wish.expires_at <= clock_wall())
        return bot_error(rq, rs, 400, 0, "invalid_expiry", "API key expiry must be in the future");
    e = choose_scopes(rq, rs, in->scopes, &wish.scopes, &answered);
    if (e != OK || answered)
        return e;
    TRY(apikey_create(rq->scope, &wish, &row, &text));
    key = key_json(rq->scope->arena, row);
    json_set_str(key, "key", text);
    json_set_bool(key, "secret_available", true);
    data = json_object();
    json_set(data, "key", key);
    return bot_ok(rq, rs, data);
}

static err find(request *rq, api_key_row **out)
{
    int64_t number;
    err e;

    if (!str_to_int(str_of(request_param(rq, "id")), &number))
        return fail_code(rq->scope, ERR_NOT_FOUND, "langbot.key", NULL, "API key not found");
    e = api_key_find_by_number(rq->scope, own_rows_of(rq->user), number, out);
    return e == ERR_NOT_FOUND ? fail_code(rq->scope, e, "langbot.key", NULL, "API key not found") : e;
}

/* GET /api/v1/apikeys/{id} */
err bot_key_get(request *rq, response *rs)
{
    api_key_row *row;
    json_t *data;

    TRY(find(rq, &row));
    data = json_object();
    json_set(data, "key", key_json(rq->scope->arena, row));
    return bot_ok(rq, rs, data);
}

/* PUT /api/v1/apikeys/{id} */
err bot_key_update(request *rq, response *rs)
{
    const key_body *in = rq->body;
    api_key_row *row;

    TRY(find(rq, &row));
    if (in->name != NULL && cstr_blank(in->name))
        return bot_error(rq, rs, 400, 0, "invalid_api_key", "Name is required");
    if (in->name != NULL)
        row->label = in->name;
    if (in->description != NULL)
        row->description = in->description;
    TRY(api_key_update(rq->scope, own_rows_of(rq->user), row));
    return bot_ok(rq, rs, NULL);
}

/* DELETE /api/v1/apikeys/{id}: revokes; the row stays. */
err bot_key_revoke(request *rq, response *rs)
{
    api_key_row *row;

    TRY(find(rq, &row));
    TRY(api_key_revoke(rq->scope, own_rows_of(rq->user), row->id));
    return bot_ok(rq, rs, NULL);
}
