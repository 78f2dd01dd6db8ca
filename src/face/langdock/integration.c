/* SPDX-License-Identifier: MIT */
/* Integrations: list, create, get (contracts/langdock.md sections 2.3 to 2.5). */
#include "model/integration.h"

#include "auth/rules.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"

/* Stored JSON text as a value. */
static json_t *stored(arena *a, const char *text, const char *fallback)
{
    json_t *v;

    if (text == NULL)
        text = fallback;
    return json_parse(a, text, strlen(text), NULL, &v) == OK ? json_incref(v) : json_null();
}

static json_t *summary_json(const integration_row *i)
{
    json_t *o = json_object();

    json_set_str(o, "id", i->id);
    json_set_str(o, "name", i->name);
    json_set_str(o, "description", i->description);
    json_set_str(o, "authType", i->auth_type != NULL ? i->auth_type : "NONE");
    json_set_bool(o, "buildByLangdock", i->owner_id == NULL);
    json_set(o, "actions", json_array());
    return o;
}

/* GET /integrations/v1/get */
err dock_integration_list(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object()), *list = json_array();
    integration_row *rows;
    size_t n;

    json_set(o, "integrations", list);
    TRY(integration_list(rq->scope, rows_of(rq->user), &rows, &n));
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, summary_json(&rows[i]));
    return reply_json(rs, 200, o);
}

typedef struct {
    const char *name, *description;
} create_body;
static const field create_fields[] = {
    FIELD(create_body, name, .required = true, .not_null = true, .min = 1, .max = 40, .text = "Shown in lists"),
    FIELD(create_body, description, .max = 90),
};
const schema dock_integration_schema = SCHEMA(create_body, create_fields);

/* POST /integrations/v1/create */
err dock_integration_create(request *rq, response *rs)
{
    const create_body *in = rq->body;
    integration_row row = {
        .owner_id = rq->user->user_id, .name = in->name, .description = in->description != NULL ? in->description : ""};
    json_t *o, *one;

    TRY(integration_insert(rq->scope, &row));
    o = json_hold(rq->scope->arena, json_object());
    one = json_object();
    json_set_str(one, "id", row.id);
    json_set_str(one, "name", row.name);
    json_set_str(one, "description", row.description);
    json_set_str(one, "createdAt", dock_time(rq->scope->arena, row.created_at));
    json_set(o, "integration", one);
    return reply_json(rs, 201, o);
}

/* GET /integrations/v1/{integrationId} */
err dock_integration_get(request *rq, response *rs)
{
    const char *id = request_param(rq, "integrationId");
    arena *a = rq->scope->arena;
    json_t *o, *one;
    integration_row *row;
    err e;

    if (cstr_eq(id, "create")) { /* a path of its own, which takes only POST */
        reply_header(rs, "Allow", "POST");
        return dock_error(rq, rs, 405, "Method not allowed");
    }
    if (!dock_is_id(id))
        return dock_error(rq, rs, 400, "Invalid integration ID format");
    e = integration_find(rq->scope, rows_of(rq->user), id, &row);
    if (e == ERR_NOT_FOUND)
        return dock_error(rq, rs, 404, "Integration not found");
    TRY(e);
    one = summary_json(row);
    json_set_str(one, "authTestCode", row->auth_test_code);
    json_set(one, "authFields", stored(a, row->auth_fields, "[]"));
    json_set(one, "oauthClient", stored(a, row->oauth, "null"));
    json_set(one, "triggers", json_array());
    json_set_str(one, "iconUrl", row->icon_url);
    json_set_str(one, "color", row->color);
    json_set_str(one, "createdAt", dock_time(a, row->created_at));
    json_set_str(one, "updatedAt", dock_time(a, row->updated_at));
    o = json_hold(a, json_object());
    json_set(o, "integration", one);
    return reply_json(rs, 200, o);
}
