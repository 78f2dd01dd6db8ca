/* SPDX-License-Identifier: MIT */
/* Triggers of an integration (contracts/langdock.md section 2.13; PATCH and `kind` are ours). */
#include "model/trigger.h"

#include "face/langdock/code.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "face/langdock/shape.h"
#include "model/input_field.h"

typedef struct {
    const char *name, *description, *pollingCode, *kind;
    json_t *inputFields;
} trigger_body;

#define TRIGGER_FIELDS                                                                                                 \
    FIELD(trigger_body, description, .max = 90),                                                                       \
        FIELD(trigger_body, pollingCode, .max = 40000, .text = "Returns an array of {id, timestamp, data}"),           \
        FIELD(trigger_body, kind, .one_of = "polling|webhook", .text = "How events come; polling unless told"),        \
        FIELD(trigger_body, inputFields, .json = JSON_ARRAY_TYPE, .items = &dock_trigger_field_schema,                 \
              .max = INPUT_FIELDS_MAX)

static const field write_fields[] = {
    FIELD(trigger_body, name, .required = true, .not_null = true, .min = 1, .max = 100),
    TRIGGER_FIELDS,
};
const schema dock_trigger_schema = SCHEMA(trigger_body, write_fields);

static const field patch_fields[] = {
    FIELD(trigger_body, name, .not_null = true, .min = 1, .max = 100),
    TRIGGER_FIELDS,
};
const schema dock_trigger_patch_schema = SCHEMA(trigger_body, patch_fields);

err dock_path_trigger(request *rq, response *rs, trigger_row **out)
{
    integration_row *i;
    const char *id;

    TRY(dock_own_integration(rq, rs, &i));
    TRY(dock_id(rq, rs, "triggerId", "trigger", &id));
    return trigger_find(rq->scope, i->id, id, out);
}

/* Options of a trigger's fields come from nowhere else, and its values are plain. */
static err take_fields(request *rq, const json_t *sent, const char **out)
{
    json_t *copy = json_hold(rq->scope->arena, sent != NULL ? json_deep_copy(sent) : json_array());

    for (size_t i = 0; i < json_array_size(copy); i++) {
        json_object_del(json_array_get(copy, i), "contextActionId");
        json_object_del(json_array_get(copy, i), "jsonSchema");
    }
    return dock_take_fields(rq, copy, NULL, out);
}

/* POST …/triggers/create */
err dock_trigger_create(request *rq, response *rs)
{
    const trigger_body *in = rq->body;
    trigger_row row = {.name = in->name, .description = in->description, .code = in->pollingCode, .kind = in->kind};
    integration_row *i;
    bool answered;

    TRY(dock_own_integration(rq, rs, &i));
    TRY(dock_once(rq, rs, &answered));
    if (answered)
        return OK;
    TRY(take_fields(rq, in->inputFields, &row.input_fields));
    TRY(dock_check_code(rq, rs, "pollingCode", in->pollingCode, &answered));
    if (answered)
        return OK;
    row.integration_id = i->id;
    TRY(trigger_insert(rq->scope, &row));
    return dock_created(rq, rs, 201, dock_wrap(rq, "trigger", dock_trigger_json(rq->scope->arena, &row)));
}

static err change(request *rq, response *rs, const trigger_row *t, trigger_patch *p)
{
    const trigger_body *in = rq->body;
    trigger_row *now;
    bool answered;

    p->name = in->name;
    p->kind = in->kind;
    TRY(dock_check_code(rq, rs, "pollingCode", in->pollingCode, &answered));
    if (answered)
        return OK;
    TRY(trigger_change(rq->scope, t->integration_id, t->id, p));
    TRY(trigger_find(rq->scope, t->integration_id, t->id, &now));
    return reply_json(rs, 200, dock_wrap(rq, "trigger", dock_trigger_json(rq->scope->arena, now)));
}

/* PUT …/triggers/{triggerId}: what is left out is emptied, the code too (section 2.13). */
err dock_trigger_replace(request *rq, response *rs)
{
    const trigger_body *in = rq->body;
    trigger_patch p = {.description = in->description != NULL ? in->description : "",
                       .code = in->pollingCode != NULL ? in->pollingCode : ""};
    trigger_row *t;

    TRY(dock_path_trigger(rq, rs, &t));
    TRY(take_fields(rq, in->inputFields, &p.input_fields));
    return change(rq, rs, t, &p);
}

/* PATCH …/triggers/{triggerId}: what is left out stays. */
err dock_trigger_patch(request *rq, response *rs)
{
    const trigger_body *in = rq->body;
    trigger_patch p = {0};
    trigger_row *t;

    TRY(dock_path_trigger(rq, rs, &t));
    if (dock_given(rq, "description"))
        p.description = in->description != NULL ? in->description : "";
    if (dock_given(rq, "pollingCode"))
        p.code = in->pollingCode != NULL ? in->pollingCode : "";
    if (dock_given(rq, "inputFields"))
        TRY(take_fields(rq, in->inputFields, &p.input_fields));
    return change(rq, rs, t, &p);
}

/* DELETE …/triggers/{triggerId} */
err dock_trigger_delete(request *rq, response *rs)
{
    trigger_row *t;

    TRY(dock_path_trigger(rq, rs, &t));
    TRY(trigger_delete(rq->scope, t->integration_id, t->id));
    return dock_deleted(rq, rs, "Trigger deleted", t->id);
}
