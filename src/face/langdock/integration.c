/* SPDX-License-Identifier: MIT */
/* Integrations themselves (contracts/langdock.md sections 2.3 to 2.6, and 14 for what is ours). */
#include "model/integration.h"

#include "auth/rules.h"
#include "base/map.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "face/langdock/shape.h"
#include "store/object.h"

/* GET /integrations/v1/get */

static json_t *summary_json(const integration_row *i, json_t *actions)
{
    json_t *o = json_object();

    json_set_str(o, "id", i->id);
    json_set_str(o, "name", i->name);
    json_set_str(o, "description", i->description);
    json_set_str(o, "authType", i->auth_type);
    json_set_bool(o, "buildByLangdock", i->owner_id == NULL);
    json_set(o, "actions", actions);
    return o;
}

/* Each to the list of its integration: `lists` has them by id. */
static void add_actions(const map *lists, const action_row *actions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_t *list = map_get(lists, actions[i].integration_id), *o;

        if (list == NULL) /* its integration was not there yet */
            continue;
        o = json_object();
        json_set_str(o, "id", actions[i].id);
        json_set_str(o, "name", actions[i].name);
        json_set_str(o, "description", actions[i].description);
        json_array_append_new(list, o);
    }
}

err dock_integration_list(request *rq, response *rs)
{
    owned_by who = rows_of(rq->user);
    json_t *list = json_array(), *o = dock_wrap(rq, "integrations", list);
    integration_row *rows;
    action_row *actions;
    size_t n, n_actions;
    map *lists;
    bool cut;

    TRY(integration_list(rq->scope, who, &rows, &n));
    TRY(action_list_names(rq->scope, who, &actions, &n_actions, &cut));
    lists = map_new();
    for (size_t i = 0; i < n; i++) {
        json_t *of = json_array();

        map_put(lists, rows[i].id, of);
        json_array_append_new(list, summary_json(&rows[i], of));
    }
    add_actions(lists, actions, n_actions);
    map_free(lists);
    if (cut)
        json_set_bool(o, "truncated", true); /* ours: the API knows no pages here */
    return reply_json(rs, 200, o);
}

/* POST /integrations/v1/create */

typedef struct {
    const char *name, *description;
} create_body;
static const field create_fields[] = {
    FIELD(create_body, name, .required = true, .not_null = true, .min = 1, .max = 40, .text = "Shown in lists"),
    FIELD(create_body, description, .max = 90),
};
const schema dock_integration_schema = SCHEMA(create_body, create_fields);

err dock_integration_create(request *rq, response *rs)
{
    const create_body *in = rq->body;
    integration_row row = {.owner_id = rq->user->user_id, .name = in->name, .description = in->description};
    json_t *one;
    bool answered;

    TRY(dock_once(rq, rs, &answered));
    if (answered)
        return OK;
    TRY(integration_insert(rq->scope, &row));
    one = json_object();
    json_set_str(one, "id", row.id);
    json_set_str(one, "name", row.name);
    json_set_str(one, "description", row.description);
    json_set_str(one, "createdAt", dock_time(rq->scope->arena, row.created_at));
    return dock_created(rq, rs, 201, dock_wrap(rq, "integration", one));
}

/* GET /integrations/v1/{integrationId} */
err dock_integration_get(request *rq, response *rs)
{
    integration_row *row;
    const char *id;
    json_t *one;

    TRY(dock_id(rq, rs, "integrationId", "integration", &id));
    TRY(integration_find(rq->scope, rows_of(rq->user), id, &row));
    TRY(dock_integration_json(rq, row, &one));
    return reply_json(rs, 200, dock_wrap(rq, "integration", one));
}

/* PATCH /integrations/v1/{integrationId} */

typedef struct {
    const char *name, *description, *iconUrl, *color;
    json_t *allowedHosts;
} update_body;
static const field update_fields[] = {
    FIELD(update_body, name, .not_null = true, .min = 1, .max = 40),
    FIELD(update_body, description, .max = 90),
    FIELD(update_body, iconUrl, .max = 2000, .text = "null takes the icon away"),
    FIELD(update_body, color, .max = 7, .text = "#RGB or #RRGGBB"),
    FIELD(update_body, allowedHosts, .json = JSON_STRINGS_TYPE, .max = 100,
          .text = "Only these hosts may be called: api.example.org, *.example.org; null: any public one"),
};
const schema dock_integration_update_schema = SCHEMA(update_body, update_fields);

static bool is_color(const char *text)
{
    size_t len = strlen(text);

    return text[0] == '#' && (len == 4 || len == 7) && strspn(text + 1, "0123456789abcdefABCDEF") == len - 1;
}

static bool is_host_pattern(const char *text)
{
    size_t len = strlen(text);

    if (cstr_starts(text, "*."))
        return is_host_pattern(text + 2);
    return len > 0 && len <= 253 && text[0] != '.' && text[len - 1] != '.' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == len;
}

static err check_update(request *rq, const update_body *in)
{
    static const char *const members[] = {"name", "description", "iconUrl", "color", "allowedHosts"};
    bool any = false;

    for (size_t i = 0; i < COUNT(members); i++)
        any = any || dock_given(rq, members[i]);
    if (!any)
        return fail(rq->scope, ERR_INVALID,
                    "At least one field (name, description, iconUrl or color) must be provided.");
    if (in->color != NULL && !is_color(in->color))
        return fail(rq->scope, ERR_INVALID, "color must be a hex color such as #1A73E8");
    if (!cstr_blank(in->iconUrl) && !cstr_starts(in->iconUrl, "https://") && !cstr_starts(in->iconUrl, "http://"))
        return fail(rq->scope, ERR_INVALID, "iconUrl must be an http or https URL");
    for (size_t i = 0; i < json_array_size(in->allowedHosts); i++)
        if (!is_host_pattern(json_string_value(json_array_get(in->allowedHosts, i))))
            return fail(rq->scope, ERR_INVALID, "allowedHosts[%zu] must be a host name, or *. and one", i);
    return OK;
}

/* What a member that may be emptied becomes: NULL leaves it alone. */
static const char *emptied(const request *rq, const char *member, const char *value)
{
    return dock_given(rq, member) && value == NULL ? "" : value;
}

err dock_integration_update(request *rq, response *rs)
{
    const update_body *in = rq->body;
    integration_patch p = {.name = in->name, .description = emptied(rq, "description", in->description)};
    const char *replaced;
    integration_row *row;
    json_t *one;

    TRY(dock_own_integration(rq, rs, &row));
    TRY(check_update(rq, in));
    p.icon_url = emptied(rq, "iconUrl", in->iconUrl);
    p.color = emptied(rq, "color", in->color);
    if (p.icon_url != NULL && row->icon_object != NULL)
        p.icon_object = p.icon_type = ""; /* the new address takes its place */
    if (in->allowedHosts != NULL)
        p.allowed_hosts = json_text(rq->scope->arena, in->allowedHosts);
    else if (dock_given(rq, "allowedHosts"))
        p.allowed_hosts = "";
    p.private_ok = in->allowedHosts != NULL && rq->user->admin; /* only administrators open up private addresses */
    TRY(integration_change(rq->scope, rows_of(rq->user), row->id, &p, &replaced));
    object_discard(replaced);
    one = json_object();
    json_set_str(one, "id", row->id);
    json_set_str(one, "name", p.name != NULL ? p.name : row->name);
    json_set_str(one, "description", p.description != NULL ? p.description : row->description);
    return reply_json(rs, 200, dock_wrap(rq, "integration", one));
}

/* DELETE /integrations/v1/{integrationId} */
err dock_integration_delete(request *rq, response *rs)
{
    integration_row *row;
    const char *icon;

    TRY(dock_own_integration(rq, rs, &row));
    TRY(integration_delete(rq->scope, rows_of(rq->user), row->id, &icon));
    object_discard(icon);
    return dock_deleted(rq, rs, "Integration deleted", row->id);
}
