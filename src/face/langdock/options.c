/* SPDX-License-Identifier: MIT */
/* Options of a field for forms: an extension of ours (contracts/langdock.md section 3.9). */
#include "auth/rules.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "script/options.h"

typedef struct {
    const char *field, *connectionId;
} options_args;
static const field options_fields[] = {
    FIELD(options_args, field, .required = true, .not_null = true, .min = 1, .max = 100, .text = "Slug of the field"),
    FIELD(options_args, connectionId, .max = 36, .text = "Left out: your default connection"),
};
const schema dock_options_schema = SCHEMA(options_args, options_fields);

/* GET …/actions/{actionId}/options */
err dock_action_options(request *rq, response *rs)
{
    const options_args *in = rq->args;
    options_request ask = {.field = in->field,
                           .user_id = rq->user->user_id,
                           .connection_id = cstr_blank(in->connectionId) ? NULL : in->connectionId};
    integration_row *i;
    action_row *a;
    const char *id;
    json_t *list, *o;

    TRY(dock_id(rq, rs, "integrationId", "integration", &id));
    TRY(integration_find(rq->scope, rows_of(rq->user), id, &i));
    TRY(dock_id(rq, rs, "actionId", "action", &id));
    TRY(action_find(rq->scope, i->id, id, &a));
    ask.integration = i;
    ask.action = a;
    TRY(options_of_field(rq->scope, &ask, &list));
    o = json_hold(rq->scope->arena, json_object());
    json_object_set(o, "options", list);
    return reply_json(rs, 200, o);
}
