/* SPDX-License-Identifier: MIT */
/* Trying out actions and triggers: an extension of ours (contracts/langdock.md section 14, 3). */
#include "auth/rules.h"
#include "base/clock.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "face/langdock/shape.h"
#include "script/action.h"

typedef struct {
    json_t *inputs;
    const char *connectionId, *lastPollTime;
} test_body;
static const field test_fields[] = {
    FIELD(test_body, inputs, .json = JSON_OBJECT_TYPE, .text = "By slug, camelCase name or label of the fields"),
    FIELD(test_body, connectionId, .max = 36, .text = "Left out: your default connection"),
    FIELD(test_body, lastPollTime, .max = 40, .text = "Of triggers; now unless told"),
};
const schema dock_test_schema = SCHEMA(test_body, test_fields);

static json_t *outcome_json(const script_outcome *out, const char *failed)
{
    json_t *o = json_object(), *error;

    json_set_bool(o, "success", failed == NULL);
    if (failed == NULL) {
        json_set(o, "result", json_incref(out->value));
    } else {
        error = json_object();
        json_set_str(error, "message", failed);
        if (out->stack != NULL)
            json_set_str(error, "stack", out->stack);
        if (out->line > 0)
            json_set_int(error, "line", out->line);
        json_set(o, "error", error);
    }
    json_set(o, "logs", out->logs != NULL ? json_incref(out->logs) : json_array());
    json_set_int(o, "durationMs", out->duration / MILLISECONDS(1));
    return o;
}

/* What keeps a script from running at all is an outcome, too, when it is about the connection. */
static bool is_outcome(request *rq)
{
    const char *code = rq->scope->failure.code;

    return cstr_eq(code, "connection.none") || cstr_eq(code, "connection.needs_reconnect") ||
           cstr_eq(code, "input.vector");
}

static err check_connection(request *rq, const invocation *in)
{
    connection_row *unused;

    if (in->connection_id == NULL)
        return OK;
    return connection_find(rq->scope, own_rows_of(rq->user), in->integration->id, in->connection_id, &unused);
}

static err answer_run(request *rq, response *rs, invocation *in, bool events)
{
    json_t *attachments = json_hold(rq->scope->arena, json_array()), *o;
    const char *failed = NULL;
    err e = OK;

    TRY(check_connection(rq, in));
    TRY(action_check_input(rq->scope, in->input_fields, in->input));
    if (cstr_blank(in->code))
        failed = "there is no code";
    else
        e = invoke(rq->scope, in);
    if (e != OK && !is_outcome(rq))
        return e;
    if (e != OK)
        failed = scope_failure(rq->scope, e).text;
    else if (failed == NULL && in->outcome.status != SCRIPT_DONE)
        failed = in->outcome.message;
    else if (failed == NULL && events && !json_is_array(in->outcome.value))
        failed = "the script must return an array of events";
    if (failed == NULL)
        TRY(invoke_keep_files(rq->scope, in, NULL, attachments));
    o = json_hold(rq->scope->arena, outcome_json(&in->outcome, failed));
    if (json_array_size(attachments) > 0)
        json_object_set(o, "attachmentIds", attachments);
    return reply_json(rs, 200, o);
}

/* POST …/actions/{actionId}/test */
err dock_action_test(request *rq, response *rs)
{
    const test_body *body = rq->body;
    integration_row *i;
    action_row *a;
    invocation in;
    const char *id;

    TRY(dock_own_integration(rq, rs, &i));
    TRY(dock_id(rq, rs, "actionId", "action", &id));
    TRY(action_find(rq->scope, i->id, id, &a));
    in = (invocation){.integration = i,
                      .user_id = rq->user->user_id,
                      .connection_id = body->connectionId,
                      .no_default = body->connectionId != NULL,
                      .name = a->slug,
                      .code = a->code,
                      .input_fields = a->input_fields,
                      .input = body->inputs,
                      .test = true};
    return answer_run(rq, rs, &in, false);
}

/* POST …/triggers/{triggerId}/test */
err dock_trigger_test(request *rq, response *rs)
{
    const test_body *body = rq->body;
    integration_row *i;
    trigger_row *t;
    invocation in;
    const char *id;

    TRY(dock_own_integration(rq, rs, &i));
    TRY(dock_id(rq, rs, "triggerId", "trigger", &id));
    TRY(trigger_find(rq->scope, i->id, id, &t));
    in = (invocation){.integration = i,
                      .user_id = rq->user->user_id,
                      .connection_id = body->connectionId,
                      .no_default = body->connectionId != NULL,
                      .name = t->slug,
                      .code = t->code,
                      .input_fields = t->input_fields,
                      .input = body->inputs,
                      .last_poll_time =
                          body->lastPollTime != NULL ? body->lastPollTime : dock_time(rq->scope->arena, clock_wall()),
                      .test = true};
    return answer_run(rq, rs, &in, true);
}
