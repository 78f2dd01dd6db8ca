/* SPDX-License-Identifier: MIT */
/* See shape.h. */
#include "face/langdock/shape.h"

#include "auth/rules.h"
#include "face/langdock/envelope.h"
#include "model/input_field.h"

json_t *dock_wrap(request *rq, const char *key, json_t *value)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    json_set(o, key, value);
    return o;
}

err dock_deleted(request *rq, response *rs, const char *message, const char *id)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    json_set_str(o, "message", message);
    json_set_str(o, "id", id);
    return reply_json(rs, 200, o);
}

bool dock_given(const request *rq, const char *member)
{
    return json_object_get(rq->json, member) != NULL;
}

err dock_own_integration(request *rq, response *rs, integration_row **out)
{
    const char *id;

    TRY(dock_id(rq, rs, "integrationId", "integration", &id));
    return integration_find_own(rq->scope, rows_of(rq->user), id, out);
}

/* Input fields */

typedef struct {
    const char *label, *value;
} option_body;
static const field option_fields[] = {
    FIELD(option_body, label, .max = 500),
    FIELD(option_body, value, .required = true, .not_null = true, .max = 2000),
};
static const schema option_schema = SCHEMA(option_body, option_fields);

typedef struct {
    const char *label, *type, *description, *placeholder, *contextActionId, *jsonSchema;
    bool required, allowMultiSelect;
    json_t *options;
} input_field_body;

#define COMMON_FIELDS(types)                                                                                           \
    FIELD(input_field_body, label, .required = true, .not_null = true, .min = 1, .max = 100),                          \
        FIELD(input_field_body, type, .one_of = types, .fallback = "TEXT"),                                            \
        FIELD(input_field_body, description, .max = 500, .text = "Shown to the model"),                                \
        FIELD(input_field_body, placeholder, .max = 200), FIELD(input_field_body, required),                           \
        FIELD(input_field_body, options, .json = JSON_ARRAY_TYPE, .items = &option_schema, .max = 1000,                \
              .text = "Of a SELECT"),                                                                                  \
        FIELD(input_field_body, allowMultiSelect, .text = "Of a SELECT, and of a FILE: several files")

static const field action_field_fields[] = {
    COMMON_FIELDS("TEXT|MULTI_LINE_TEXT|NUMBER|BOOLEAN|SELECT|PASSWORD|VECTOR|OBJECT|FILE|ID"),
    FIELD(input_field_body, contextActionId, .max = 36, .text = "Action whose result are the options"),
    FIELD(input_field_body, jsonSchema, .max = 20000, .text = "JSON Schema of the value, as text"),
};
const schema dock_action_field_schema = SCHEMA(input_field_body, action_field_fields);

static const field trigger_field_fields[] = {
    COMMON_FIELDS("TEXT|MULTI_LINE_TEXT|NUMBER|BOOLEAN|SELECT|PASSWORD|VECTOR"),
};
const schema dock_trigger_field_schema = SCHEMA(input_field_body, trigger_field_fields);

err dock_take_fields(request *rq, const json_t *sent, const char *before, const char **out)
{
    arena *a = rq->scope->arena;
    json_t *list;

    for (size_t i = 0; i < json_array_size(sent); i++) {
        const char *id = json_get_str(json_array_get(sent, i), "contextActionId", NULL);

        if (id != NULL && !dock_is_id(id))
            return fail(rq->scope, ERR_INVALID, "inputFields[%zu].contextActionId is not an action ID", i);
    }
    TRY(input_fields_make(rq->scope, sent, before != NULL ? input_fields_parse(a, before) : NULL, &list));
    *out = json_text(a, list);
    return strlen(*out) <= INPUT_FIELDS_BYTES
               ? OK
               : fail(rq->scope, ERR_INVALID, "inputFields are longer than %d bytes", INPUT_FIELDS_BYTES);
}

/* Objects of the API */

json_t *dock_action_json(arena *a, const action_row *row)
{
    json_t *o = json_object();

    json_set_str(o, "id", row->id);
    json_set_str(o, "name", row->name);
    json_set_str(o, "slug", row->slug);
    json_set_str(o, "description", row->description);
    json_set_str(o, "code", row->code);
    json_set_int(o, "order", row->order);
    json_set_bool(o, "requiresConfirmation", row->requires_confirmation);
    json_set(o, "inputFields", json_incref(input_fields_parse(a, row->input_fields)));
    json_set_str(o, "activeLabel", row->active_label);
    json_set_str(o, "doneLabel", row->done_label);
    json_set_str(o, "failedLabel", row->failed_label);
    json_set_str(o, "createdAt", dock_time(a, row->created_at));
    json_set_str(o, "updatedAt", dock_time(a, row->updated_at));
    return o;
}

json_t *dock_trigger_json(arena *a, const trigger_row *row)
{
    json_t *o = json_object();

    json_set_str(o, "id", row->id);
    json_set_str(o, "name", row->name);
    json_set_str(o, "slug", row->slug);
    json_set_str(o, "description", row->description);
    json_set_str(o, "kind", row->kind);
    json_set_str(o, "pollingCode", row->code);
    json_set_int(o, "order", row->order);
    json_set(o, "inputFields", json_incref(input_fields_parse(a, row->input_fields)));
    json_set_str(o, "createdAt", dock_time(a, row->created_at));
    json_set_str(o, "updatedAt", dock_time(a, row->updated_at));
    return o;
}

const char *dock_icon_url(const request *rq, const integration_row *row)
{
    if (row->icon_object == NULL)
        return row->icon_url;
    return arena_printf(rq->scope->arena, "%s/api/public/integrations/v1/%s/icon/raw?v=%lld", dock_base_url(rq),
                        row->id, (long long)row->icon_version);
}

/* Stored JSON text as a value, new reference. */
static json_t *stored(arena *a, const char *text)
{
    json_t *v;

    return text != NULL && json_parse(a, text, strlen(text), NULL, &v) == OK ? json_incref(v) : json_null();
}

static err put_parts(request *rq, const integration_row *row, json_t *o)
{
    arena *a = rq->scope->arena;
    json_t *actions = json_array(), *triggers = json_array();
    action_row *action;
    trigger_row *trigger;
    size_t n;

    json_set(o, "actions", actions);
    json_set(o, "triggers", triggers);
    TRY(action_list(rq->scope, row->id, &action, &n));
    for (size_t i = 0; i < n; i++)
        json_array_append_new(actions, dock_action_json(a, &action[i]));
    TRY(trigger_list(rq->scope, row->id, &trigger, &n));
    for (size_t i = 0; i < n; i++)
        json_array_append_new(triggers, dock_trigger_json(a, &trigger[i]));
    return OK;
}

err dock_integration_json(request *rq, const integration_row *row, json_t **out)
{
    arena *a = rq->scope->arena;
    json_t *o = json_hold(a, json_object());

    json_set_str(o, "id", row->id);
    json_set_str(o, "name", row->name);
    json_set_str(o, "description", row->description);
    json_set_str(o, "authType", row->auth_type);
    json_set_bool(o, "buildByLangdock", row->owner_id == NULL);
    json_set_str(o, "authTestCode", row->auth_test_code);
    json_set(o, "authFields", stored(a, row->auth_fields));
    json_set(o, "oauthClient", stored(a, row->oauth));
    json_set(o, "allowedHosts", stored(a, row->allowed_hosts));
    json_set_str(o, "iconUrl", dock_icon_url(rq, row));
    json_set_str(o, "color", row->color);
    json_set_str(o, "createdAt", dock_time(a, row->created_at));
    json_set_str(o, "updatedAt", dock_time(a, row->updated_at));
    TRY(put_parts(rq, row, o));
    *out = json_incref(o);
    return OK;
}
