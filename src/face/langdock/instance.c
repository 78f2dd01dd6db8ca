/* SPDX-License-Identifier: MIT */
/*
 * Instances of triggers, and the addresses of webhooks: an extension of ours, for upstream makes them in its interface only
 * (contracts/langdock.md section 5).
 */
#include "auth/rules.h"
#include "base/id.h"
#include "db/seal.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "face/langdock/shape.h"
#include "model/agent.h"
#include "model/connection.h"
#include "script/trigger.h"

enum { SECRET_CHARS = 48, HOOK_BODY_MAX = 1024 * 1024, INPUT_MAX = 100000 };

typedef struct {
    const char *agentId, *connectionId;
    json_t *inputs;
    int64_t pollingInterval;
    bool active, rotateSecret;
} instance_body;

#define INSTANCE_FIELDS                                                                                                \
    FIELD(instance_body, connectionId, .max = 36, .text = "Connection to use; your own default unless told"),          \
        FIELD(instance_body, inputs, .json = JSON_OBJECT_TYPE, .text = "Values of the trigger's fields, by slug")

#define INTERVAL_TEXT "Seconds between polls"

static const field create_fields[] = {
    FIELD(instance_body, agentId, .required = true, .not_null = true, .min = 1, .max = 64,
          .text = "Agent that gets a conversation for each event"),
    INSTANCE_FIELDS,
    FIELD(instance_body, pollingInterval, .min = TRIGGER_INTERVAL_MIN, .max = TRIGGER_INTERVAL_MAX, .fallback = "300",
          .text = INTERVAL_TEXT),
    FIELD(instance_body, active, .fallback = "true", .text = "Whether it works at once"),
};
const schema dock_instance_schema = SCHEMA(instance_body, create_fields);

static const field patch_fields[] = {
    FIELD(instance_body, agentId, .not_null = true, .min = 1, .max = 64),
    INSTANCE_FIELDS,
    FIELD(instance_body, pollingInterval, .min = TRIGGER_INTERVAL_MIN, .max = TRIGGER_INTERVAL_MAX,
          .text = INTERVAL_TEXT),
    FIELD(instance_body, active, .not_null = true,
          .text = "false stops it; true starts it, also one that was deactivated"),
    FIELD(instance_body, rotateSecret, .text = "A new secret for the webhook; shown in this answer only"),
};
const schema dock_instance_patch_schema = SCHEMA(instance_body, patch_fields);

static json_t *time_or_null(arena *a, int64_t when)
{
    return when > 0 && when != INT64_MAX ? json_string(dock_time(a, when)) : json_null();
}

/* `secret` NULL: it was shown before. */
static json_t *instance_json(const request *rq, const trigger_row *t, const trigger_instance_row *i, const char *secret)
{
    arena *a = rq->scope->arena;
    json_t *o = json_object(), *inputs;
    bool hook = cstr_eq(t->kind, "webhook");

    json_set_str(o, "id", i->id);
    json_set_str(o, "triggerId", t->id);
    json_set_str(o, "kind", t->kind);
    json_set_str(o, "agentId", i->target_id);
    json_set_str(o, "connectionId", i->connection_id);
    if (json_parse(a, i->input, strlen(i->input), NULL, &inputs) == OK)
        json_set(o, "inputs", json_incref(inputs));
    json_set_str(o, "state", hook && cstr_eq(i->state, "polling") ? "listening" : i->state);
    json_set_str(o, "error", i->error);
    if (hook) {
        json_set_str(o, "webhookUrl", arena_printf(a, "%s/api/hooks/triggers/%s", dock_base_url(rq), i->id));
        if (secret != NULL)
            json_set_str(o, "secret", secret);
    } else {
        json_set_int(o, "pollingInterval", i->interval / 1000000);
        json_set(o, "lastPollAt", time_or_null(a, i->last_poll_at));
        json_set(o, "nextPollAt", time_or_null(a, i->next_poll_at));
        json_set_int(o, "failures", i->failures);
    }
    json_set_str(o, "createdAt", dock_time(a, i->created_at));
    json_set_str(o, "updatedAt", dock_time(a, i->updated_at));
    return o;
}

static err path_instance(request *rq, response *rs, trigger_row **t, trigger_instance_row **i)
{
    const char *id;

    TRY(dock_path_trigger(rq, rs, t));
    TRY(dock_id(rq, rs, "instanceId", "instance", &id));
    TRY(trigger_instance_find(rq->scope, rows_of(rq->user), id, i));
    if (!cstr_eq((*i)->trigger_id, (*t)->id))
        return fail_code(rq->scope, ERR_NOT_FOUND, "trigger_instance.not_found", id, "no trigger instance %s", id);
    return OK;
}

/* The agent and the connection must be the owner's to use: the instance will act for him, also when an administrator changes it. */
static err take_body(request *rq, const trigger_row *t, trigger_instance_row *i)
{
    const instance_body *in = rq->body;
    owned_by owner = owned_by_user(i->owner_id);
    connection_row *c;
    agent_row *agent;

    if (in->agentId != NULL) {
        TRY(agent_find_for(rq->scope, cstr_eq(i->owner_id, rq->user->user_id) ? rows_of(rq->user) : owner, in->agentId,
                           &agent));
        i->target_id = agent->id;
    }
    if (!cstr_blank(in->connectionId)) {
        TRY(connection_find(rq->scope, owner, t->integration_id, in->connectionId, &c));
        i->connection_id = c->id;
    } else if (dock_given(rq, "connectionId")) {
        i->connection_id = NULL;
    }
    if (in->inputs != NULL)
        i->input = json_text(rq->scope->arena, in->inputs);
    if (i->input != NULL && strlen(i->input) > INPUT_MAX)
        return fail(rq->scope, ERR_INVALID, "inputs are longer than %d bytes", INPUT_MAX);
    if (in->pollingInterval != 0)
        i->interval = in->pollingInterval * 1000000;
    return OK;
}

static const char *new_secret(request *rq, trigger_instance_row *i)
{
    const char *secret = id_hex(rq->scope->arena, SECRET_CHARS);

    i->sealed_secret = seal_text(rq->scope->arena, secret);
    return secret;
}

/* POST …/triggers/{triggerId}/instances */
err dock_instance_create(request *rq, response *rs)
{
    const instance_body *in = rq->body;
    trigger_instance_row i = {.owner_id = rq->user->user_id, .target_kind = "agent", .state = "inactive"};
    const char *secret = NULL;
    trigger_row *t;
    bool answered;

    TRY(dock_path_trigger(rq, rs, &t));
    TRY(dock_once(rq, rs, &answered));
    if (answered)
        return OK;
    i.trigger_id = t->id;
    i.input = "{}";
    TRY(take_body(rq, t, &i));
    if (cstr_eq(t->kind, "webhook"))
        secret = new_secret(rq, &i);
    TRY(trigger_instance_insert(rq->scope, &i));
    dock_written(rq);
    if (in->active)
        TRY(trigger_activate(rq->scope, &i));
    return dock_created(rq, rs, 201, dock_wrap(rq, "instance", instance_json(rq, t, &i, secret)));
}

/* GET …/triggers/{triggerId}/instances */
err dock_instance_list(request *rq, response *rs)
{
    json_t *list = json_array();
    json_t *answer = dock_wrap(rq, "instances", list);
    trigger_instance_row *rows;
    trigger_row *t;
    size_t n;

    TRY(dock_path_trigger(rq, rs, &t));
    TRY(trigger_instance_list(rq->scope, rows_of(rq->user), t->id, NULL, &rows, &n));
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, instance_json(rq, t, &rows[i], NULL));
    return reply_json(rs, 200, answer);
}

/* GET …/instances/{instanceId} */
err dock_instance_get(request *rq, response *rs)
{
    trigger_instance_row *i;
    trigger_row *t;

    TRY(path_instance(rq, rs, &t, &i));
    return reply_json(rs, 200, dock_wrap(rq, "instance", instance_json(rq, t, i, NULL)));
}

/* PATCH …/instances/{instanceId} */
err dock_instance_patch(request *rq, response *rs)
{
    const instance_body *in = rq->body;
    const char *secret = NULL;
    trigger_instance_row *i;
    trigger_row *t;

    TRY(path_instance(rq, rs, &t, &i));
    TRY(take_body(rq, t, i));
    if (in->rotateSecret && cstr_eq(t->kind, "webhook"))
        secret = new_secret(rq, i);
    TRY(trigger_instance_update(rq->scope, rows_of(rq->user), i));
    if (dock_given(rq, "active"))
        TRY(in->active ? trigger_activate(rq->scope, i) : trigger_deactivate(rq->scope, i));
    TRY(trigger_reschedule(rq->scope, i));
    return reply_json(rs, 200, dock_wrap(rq, "instance", instance_json(rq, t, i, secret)));
}

/* DELETE …/instances/{instanceId} */
err dock_instance_delete(request *rq, response *rs)
{
    trigger_instance_row *i;
    trigger_row *t;

    TRY(path_instance(rq, rs, &t, &i));
    TRY(trigger_deactivate(rq->scope, i));
    TRY(trigger_instance_delete(rq->scope, rows_of(rq->user), i->id));
    return dock_deleted(rq, rs, "Instance deleted", i->id);
}

/* POST …/instances/{instanceId}/poll */
err dock_instance_poll(request *rq, response *rs)
{
    trigger_instance_row *i;
    trigger_row *t;

    TRY(path_instance(rq, rs, &t, &i));
    TRY(trigger_poll_now(rq->scope, i));
    return reply_json(rs, 202, dock_wrap(rq, "instance", instance_json(rq, t, i, NULL)));
}

/* Headers that a script or an agent may see: none that lets somebody in. */
static json_t *plain_headers(const request *rq)
{
    static const char *const secret[] = {"authorization", "cookie", "proxy-authorization", "x-webhook-secret",
                                         "x-api-key"};
    json_t *o = json_hold(rq->scope->arena, json_object());

    for (size_t i = 0; i < rq->headers.count; i++) {
        const char *name = rq->headers.items[i].name;
        bool hidden = false;

        for (size_t k = 0; k < COUNT(secret); k++)
            hidden |= str_is_nocase(str_of(name), secret[k]);
        if (!hidden)
            json_set_str(o, name, rq->headers.items[i].value);
    }
    return o;
}

static err plain_query(request *rq, json_t **out)
{
    query_pair *pairs;
    size_t n;

    *out = json_hold(rq->scope->arena, json_object());
    TRY(request_query_all(rq, &pairs, &n));
    for (size_t i = 0; i < n; i++)
        if (!cstr_eq(pairs[i].name, "secret"))
            json_set_str(*out, pairs[i].name, pairs[i].value);
    return OK;
}

static const char *shown_secret(request *rq)
{
    const char *secret = request_header(rq, "X-Webhook-Secret");

    return secret != NULL ? secret : request_query(rq, "secret");
}

/* POST /api/hooks/triggers/{instanceId}; who does not know the secret is not listened to, so it is asked for before the body. */
err dock_webhook(request *rq, response *rs)
{
    const char *delivery = request_header(rq, "X-Webhook-Id"), *id;
    webhook_call call = {.delivery_id = delivery != NULL ? delivery : request_header(rq, "Idempotency-Key"),
                         .headers = plain_headers(rq)};
    webhook *hook;
    json_t *query;

    TRY(dock_id(rq, rs, "instanceId", "instance", &id));
    TRY(trigger_webhook_open(rq->scope, id, shown_secret(rq), &hook));
    TRY(dock_count_call(rq, id));
    TRY(plain_query(rq, &query));
    call.query = query;
    TRY(request_body_all(rq, HOOK_BODY_MAX, &call.body));
    TRY(trigger_webhook_call(rq->scope, hook, &call));
    return reply_json(rs, 202, dock_wrap(rq, "status", json_string("accepted")));
}
