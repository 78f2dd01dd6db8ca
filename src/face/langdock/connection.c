/* SPDX-License-Identifier: MIT */
/* Connections of the caller to an integration: an extension of ours (contracts/langdock.md sections 4 and 14).  No answer has a
 * secret in it. */
#include "script/connection.h"

#include "auth/rules.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "face/langdock/shape.h"
#include "script/oauth.h"

typedef struct {
    const char *label;
    json_t *values;
    bool isDefault, shared;
} connection_body;
static const field connection_fields[] = {
    FIELD(connection_body, label, .min = 1, .max = 200, .text = "Left out: made by the integration's template"),
    FIELD(connection_body, values, .json = JSON_OBJECT_TYPE, .text = "By the slugs of the integration's authFields"),
    FIELD(connection_body, isDefault, .text = "What you act with when no connection is named"),
    FIELD(connection_body, shared, .text = "Everybody who may use the integration acts with it"),
};
const schema dock_connection_schema = SCHEMA(connection_body, connection_fields);

static json_t *connection_json(arena *a, const connection_row *c)
{
    json_t *o = json_object();

    json_set_str(o, "id", c->id);
    json_set_str(o, "integrationId", c->integration_id);
    json_set_str(o, "label", c->label);
    json_set_str(o, "status", c->status);
    json_set_str(o, "error", c->error);
    json_set_bool(o, "isDefault", c->is_default);
    json_set_bool(o, "shared", c->shared);
    json_set(o, "expiresAt", c->expires_at > 0 ? json_string(dock_time(a, c->expires_at)) : json_null());
    json_set_str(o, "createdAt", dock_time(a, c->created_at));
    json_set_str(o, "updatedAt", dock_time(a, c->updated_at));
    return o;
}

/* The integration of the path, which the caller may at least use. */
static err path_integration(request *rq, response *rs, integration_row **out)
{
    const char *id;

    TRY(dock_id(rq, rs, "integrationId", "integration", &id));
    return integration_find(rq->scope, rows_of(rq->user), id, out);
}

static err path_connection(request *rq, response *rs, integration_row **i, connection_row **c)
{
    const char *id;

    TRY(path_integration(rq, rs, i));
    TRY(dock_id(rq, rs, "connectionId", "connection", &id));
    return connection_find(rq->scope, own_rows_of(rq->user), (*i)->id, id, c);
}

/* Only who may change the integration gives credentials to everybody who may use it. */
static err check_shared(request *rq, const integration_row *i, bool shared)
{
    integration_row *unused;

    return shared ? integration_find_own(rq->scope, rows_of(rq->user), i->id, &unused) : OK;
}

static const char *callback_url(const request *rq)
{
    return arena_printf(rq->scope->arena, "%s%s", dock_base_url(rq), OAUTH_CALLBACK_PATH);
}

/* A test that fails is the caller's mistake: the values are wrong. */
static err tested(request *rq, err e)
{
    return e == ERR_DENIED
               ? fail_code(rq->scope, ERR_INVALID, "connection.test", NULL, "%s", scope_failure(rq->scope, e).text)
               : e;
}

/* GET …/connections */
err dock_connection_list(request *rq, response *rs)
{
    json_t *list = json_array(), *o = dock_wrap(rq, "connections", list);
    connection_row *rows;
    integration_row *i;
    size_t n;

    TRY(path_integration(rq, rs, &i));
    TRY(connection_list(rq->scope, own_rows_of(rq->user), i->id, &rows, &n));
    for (size_t k = 0; k < n; k++)
        json_array_append_new(list, connection_json(rq->scope->arena, &rows[k]));
    return reply_json(rs, 200, o);
}

/* Asks for consent: the user goes to the address, and the connection becomes active when he is back.  dock_created() is for the
 * answer to a POST that may be repeated; where there was no dock_once() it only answers. */
static err answer_consent(request *rq, response *rs, int status, const integration_row *i, connection_row *row)
{
    const char *url;
    credentials c;
    json_t *o;

    TRY(credentials_open(rq->scope, i, row, &c));
    TRY(oauth_begin(rq->scope, i, &c, callback_url(rq), &url));
    o = dock_wrap(rq, "connection", connection_json(rq->scope->arena, row));
    json_set_str(o, "authorizationUrl", url);
    return dock_created(rq, rs, status, o);
}

static err begin_consent(request *rq, response *rs, const integration_row *i, connection_row *row)
{
    err e;

    row->status = "pending";
    TRY(connection_insert(rq->scope, row));
    e = answer_consent(rq, rs, 201, i, row);
    if (e != OK) { /* nobody will ever come back to it */
        failure f = scope_failure(rq->scope, e);

        if (connection_delete(rq->scope, own_rows_of(rq->user), row->id) == OK)
            return fail_code(rq->scope, e, f.code, f.subject, "%s", f.text);
    }
    return e;
}

static err create_tested(request *rq, response *rs, const integration_row *i, connection_row *row)
{
    const connection_body *in = rq->body;
    json_t *result;
    credentials c;

    TRY(credentials_open(rq->scope, i, row, &c));
    TRY(tested(rq, connection_test(rq->scope, i, &c, &result)));
    row->label = in->label != NULL ? in->label : connection_label(rq->scope->arena, i, result);
    row->status = "active";
    TRY(connection_insert(rq->scope, row));
    return dock_created(rq, rs, 201, dock_wrap(rq, "connection", connection_json(rq->scope->arena, row)));
}

/* POST …/connections */
err dock_connection_create(request *rq, response *rs)
{
    const connection_body *in = rq->body;
    connection_row row = {.owner_id = rq->user->user_id, .is_default = in->isDefault, .shared = in->shared};
    integration_row *i;
    json_t *values;
    bool answered;

    TRY(path_integration(rq, rs, &i));
    TRY(dock_once(rq, rs, &answered));
    if (answered)
        return OK;
    if (cstr_eq(i->auth_type, "NONE"))
        return dock_error(rq, rs, 400, "This integration needs no connection");
    TRY(check_shared(rq, i, in->shared));
    row.integration_id = i->id;
    row.label = in->label != NULL ? in->label : i->name;
    TRY(connection_take_values(rq->scope, i, in->values, &values));
    row.sealed_values = connection_seal(rq->scope->arena, values, NULL);
    return oauth_is_kind(i->auth_type) ? begin_consent(rq, rs, i, &row) : create_tested(rq, rs, i, &row);
}

/* New values have to pass the test before they take the place of the old ones. */
static err take_values(request *rq, const integration_row *i, const connection_row *row, connection_patch *p)
{
    const connection_body *in = rq->body;
    connection_row wanted = *row;
    json_t *values, *result;
    credentials c;

    TRY(connection_take_values(rq->scope, i, in->values, &values));
    TRY(credentials_open(rq->scope, i, &wanted, &c));
    wanted.sealed_values = connection_seal(rq->scope->arena, values, c.own_client); /* tokens belong to that client */
    if (!oauth_is_kind(i->auth_type)) {
        TRY(credentials_open(rq->scope, i, &wanted, &c));
        TRY(tested(rq, connection_test(rq->scope, i, &c, &result)));
        p->status = "active";
        p->error = "";
    }
    p->sealed_values = wanted.sealed_values;
    return OK;
}

/* PATCH …/connections/{connectionId} */
err dock_connection_update(request *rq, response *rs)
{
    const connection_body *in = rq->body;
    connection_patch p = {.label = in->label};
    integration_row *i;
    connection_row *row;

    TRY(path_connection(rq, rs, &i, &row));
    if (dock_given(rq, "isDefault"))
        p.is_default = &in->isDefault;
    if (dock_given(rq, "shared")) {
        TRY(check_shared(rq, i, in->shared));
        p.shared = &in->shared;
    }
    if (in->values != NULL)
        TRY(take_values(rq, i, row, &p));
    TRY(connection_change(rq->scope, own_rows_of(rq->user), row->id, &p));
    TRY(connection_find(rq->scope, own_rows_of(rq->user), i->id, row->id, &row));
    return reply_json(rs, 200, dock_wrap(rq, "connection", connection_json(rq->scope->arena, row)));
}

/* DELETE …/connections/{connectionId} */
err dock_connection_delete(request *rq, response *rs)
{
    integration_row *i;
    connection_row *row;

    TRY(path_connection(rq, rs, &i, &row));
    TRY(connection_delete(rq->scope, own_rows_of(rq->user), row->id));
    return dock_deleted(rq, rs, "Connection deleted", row->id);
}

/* Runs the test with what is stored; an OAuth token is refreshed first when it is time. */
static err test_row(request *rq, const integration_row *i, connection_row *row)
{
    json_t *result;
    credentials c;

    if (oauth_is_kind(i->auth_type))
        TRY(credentials_choose(rq->scope, i, row->owner_id, row->id, NULL, true, &c));
    else
        TRY(credentials_open(rq->scope, i, row, &c));
    return connection_test(rq->scope, i, &c, &result);
}

/* POST …/connections/{connectionId}/test */
err dock_connection_test(request *rq, response *rs)
{
    connection_patch p = {.status = "active", .error = ""};
    integration_row *i;
    connection_row *row;
    json_t *o, *error;
    err e;

    TRY(path_connection(rq, rs, &i, &row));
    e = test_row(rq, i, row);
    if (e != OK && e != ERR_DENIED && e != ERR_CONFLICT)
        return e;
    o = json_hold(rq->scope->arena, json_object());
    json_set_bool(o, "success", e == OK);
    if (e != OK) {
        p.status = "needs_reconnect";
        p.error = scope_failure(rq->scope, e).text;
        error = json_object();
        json_set_str(error, "message", p.error);
        json_set(o, "error", error);
    }
    if (!cstr_eq(row->status, "pending") && e != ERR_CONFLICT) /* a conflict: what is stored says already why */
        TRY(connection_change(rq->scope, own_rows_of(rq->user), row->id, &p));
    TRY(connection_find(rq->scope, own_rows_of(rq->user), i->id, row->id, &row));
    json_set(o, "connection", connection_json(rq->scope->arena, row));
    return reply_json(rs, 200, o);
}

/* POST …/connections/{connectionId}/reconnect */
err dock_connection_reconnect(request *rq, response *rs)
{
    integration_row *i;
    connection_row *row;

    TRY(path_connection(rq, rs, &i, &row));
    if (!oauth_is_kind(i->auth_type))
        return dock_error(rq, rs, 400, "Only OAuth connections are connected again; change the values of this one");
    return answer_consent(rq, rs, 200, i, row);
}
