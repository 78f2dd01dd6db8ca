/* SPDX-License-Identifier: MIT */
/* Actions of an integration (contracts/langdock.md sections 2.10 to 2.12; PATCH is ours). */
#include "model/action.h"

#include "face/langdock/code.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "face/langdock/shape.h"
#include "model/input_field.h"

enum { CODE_MAX = 150000 }; /* characters */

typedef struct {
    const char *name, *description, *code;
    json_t *inputFields;
    bool requiresConfirmation;
    const char *activeLabel, *doneLabel, *failedLabel;
} action_body;

#define ACTION_FIELDS                                                                                                  \
    FIELD(action_body, description, .max = 1000, .text = "Shown to the model"),                                        \
        FIELD(action_body, code, .max = CODE_MAX, .text = "Body of an async function in JavaScript"),                  \
        FIELD(action_body, inputFields, .json = JSON_ARRAY_TYPE, .items = &dock_action_field_schema,                   \
              .max = INPUT_FIELDS_MAX),                                                                                \
        FIELD(action_body, requiresConfirmation, .fallback = "true"),                                                  \
        FIELD(action_body, activeLabel, .max = 200, .text = "Status line while it runs"),                              \
        FIELD(action_body, doneLabel, .max = 200), FIELD(action_body, failedLabel, .max = 200)

static const field write_fields[] = {
    FIELD(action_body, name, .required = true, .not_null = true, .min = 1, .max = 100),
    ACTION_FIELDS,
};
const schema dock_action_schema = SCHEMA(action_body, write_fields);

static const field patch_fields[] = {
    FIELD(action_body, name, .not_null = true, .min = 1, .max = 100),
    ACTION_FIELDS,
};
const schema dock_action_patch_schema = SCHEMA(action_body, patch_fields);

static err path_action(request *rq, response *rs, integration_row **i, action_row **a)
{
    const char *id;

    TRY(dock_own_integration(rq, rs, i));
    TRY(dock_id(rq, rs, "actionId", "action", &id));
    return action_find(rq->scope, (*i)->id, id, a);
}

/* POST …/actions/create */
err dock_action_create(request *rq, response *rs)
{
    const action_body *in = rq->body;
    action_row row = {.name = in->name,
                      .description = in->description,
                      .code = in->code,
                      .requires_confirmation = in->requiresConfirmation,
                      .active_label = in->activeLabel,
                      .done_label = in->doneLabel,
                      .failed_label = in->failedLabel};
    integration_row *i;
    bool answered;

    TRY(dock_own_integration(rq, rs, &i));
    TRY(dock_once(rq, rs, &answered));
    if (answered)
        return OK;
    TRY(dock_take_fields(rq, in->inputFields, NULL, &row.input_fields));
    TRY(dock_check_code(rq, rs, "code", in->code, &answered));
    if (answered)
        return OK;
    row.integration_id = i->id;
    TRY(action_insert(rq->scope, &row));
    return dock_created(rq, rs, 201, dock_wrap(rq, "action", dock_action_json(rq->scope->arena, &row)));
}

/* Checks, stores and shows a change. */
static err change(request *rq, response *rs, const action_row *a, action_patch *p)
{
    const action_body *in = rq->body;
    action_row *now;
    bool answered;

    p->name = in->name;
    if (dock_given(rq, "code"))
        p->code = in->code != NULL ? in->code : "";
    if (dock_given(rq, "requiresConfirmation"))
        p->requires_confirmation = &in->requiresConfirmation;
    if (dock_given(rq, "activeLabel"))
        p->active_label = in->activeLabel != NULL ? in->activeLabel : "";
    if (dock_given(rq, "doneLabel"))
        p->done_label = in->doneLabel != NULL ? in->doneLabel : "";
    if (dock_given(rq, "failedLabel"))
        p->failed_label = in->failedLabel != NULL ? in->failedLabel : "";
    TRY(dock_check_code(rq, rs, "code", in->code, &answered));
    if (answered)
        return OK;
    TRY(action_change(rq->scope, a->integration_id, a->id, p));
    TRY(action_find(rq->scope, a->integration_id, a->id, &now));
    return reply_json(rs, 200, dock_wrap(rq, "action", dock_action_json(rq->scope->arena, now)));
}

/* PUT …/actions/{actionId}: what is left out is emptied, but for code, confirmation, labels and schemas of fields (2.11). */
err dock_action_replace(request *rq, response *rs)
{
    const action_body *in = rq->body;
    action_patch p = {.description = in->description != NULL ? in->description : ""};
    integration_row *i;
    action_row *a;

    TRY(path_action(rq, rs, &i, &a));
    TRY(dock_take_fields(rq, in->inputFields, a->input_fields, &p.input_fields));
    return change(rq, rs, a, &p);
}

/* PATCH …/actions/{actionId}: what is left out stays. */
err dock_action_patch(request *rq, response *rs)
{
    const action_body *in = rq->body;
    action_patch p = {0};
    integration_row *i;
    action_row *a;

    TRY(path_action(rq, rs, &i, &a));
    if (dock_given(rq, "description"))
        p.description = in->description != NULL ? in->description : "";
    if (dock_given(rq, "inputFields"))
        TRY(dock_take_fields(rq, in->inputFields, a->input_fields, &p.input_fields));
    return change(rq, rs, a, &p);
}

/* DELETE …/actions/{actionId} */
err dock_action_delete(request *rq, response *rs)
{
    integration_row *i;
    action_row *a;

    TRY(path_action(rq, rs, &i, &a));
    TRY(action_delete(rq->scope, i->id, a->id));
    return dock_deleted(rq, rs, "Action deleted", a->id);
}
