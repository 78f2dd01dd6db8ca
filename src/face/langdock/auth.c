/* SPDX-License-Identifier: MIT */
/* How users connect to an integration (contracts/langdock.md section 2.8). */
#include "auth/rules.h"
#include "base/id.h"
#include "db/seal.h"
#include "face/langdock/code.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "face/langdock/shape.h"

enum { AUTH_CODE_MAX = 40000, AUTH_FIELDS_MAX = 50, TRIES = 16 };

typedef struct {
    const char *slug, *label, *type, *description, *placeholder;
    bool required;
} auth_field_body;
static const field auth_field_fields[] = {
    FIELD(auth_field_body, slug, .required = true, .not_null = true, .min = 1, .max = 100,
          .text = "Scripts read it as data.auth.SLUG"),
    FIELD(auth_field_body, label, .required = true, .not_null = true, .min = 1, .max = 100),
    FIELD(auth_field_body, type, .required = true, .not_null = true,
          .one_of = "TEXT|MULTI_LINE_TEXT|PASSWORD|NUMBER|EMBEDDING_MODEL"),
    FIELD(auth_field_body, description, .max = 500),
    FIELD(auth_field_body, placeholder, .max = 200),
    FIELD(auth_field_body, required),
};
static const schema auth_field_schema = SCHEMA(auth_field_body, auth_field_fields);

typedef struct {
    const char *scopes, *authUrl, *tokenUrl, *clientId, *clientSecret, *tenantId, *label;
    const char *authorizationCode, *accessTokenCode, *refreshTokenCode;
} oauth_body;
static const field oauth_fields[] = {
    FIELD(oauth_body, scopes, .max = 2000, .text = "Apart by spaces"),
    FIELD(oauth_body, authUrl, .max = 2000),
    FIELD(oauth_body, tokenUrl, .max = 2000),
    FIELD(oauth_body, clientId, .max = 500, .text = "Left out: the stored one"),
    FIELD(oauth_body, clientSecret, .max = 500, .text = "Left out: the stored one"),
    FIELD(oauth_body, tenantId, .max = 500),
    FIELD(oauth_body, label, .max = 100, .text = "Of connections; may hold {{data.input.user.email}}"),
    FIELD(oauth_body, authorizationCode, .max = AUTH_CODE_MAX),
    FIELD(oauth_body, accessTokenCode, .max = AUTH_CODE_MAX),
    FIELD(oauth_body, refreshTokenCode, .max = AUTH_CODE_MAX),
};
static const schema oauth_schema = SCHEMA(oauth_body, oauth_fields);

typedef struct {
    const char *authType, *authTestCode;
    json_t *authFields, *oauthClient;
} auth_body;
static const field auth_fields[] = {
    FIELD(auth_body, authType, .required = true, .not_null = true,
          .one_of = "NONE|API_KEY|SERVICE_ACCOUNT|OAUTH|OAUTH_DCR"),
    FIELD(auth_body, authTestCode, .max = AUTH_CODE_MAX),
    FIELD(auth_body, authFields, .json = JSON_ARRAY_TYPE, .items = &auth_field_schema, .max = AUTH_FIELDS_MAX,
          .text = "Replaces the whole list; left out: no fields"),
    FIELD(auth_body, oauthClient, .json = JSON_OBJECT_TYPE, .items = &oauth_schema),
};
const schema dock_auth_schema = SCHEMA(auth_body, auth_fields);

typedef struct {
    bool dryRun;
} auth_args;
static const field auth_args_fields[] = {
    FIELD(auth_args, dryRun, .text = "Only say how many connections would be deleted"),
};
const schema dock_auth_args_schema = SCHEMA(auth_args, auth_args_fields);

/* Ids are made at each call: an id in the request does not count. */
static err take_fields(request *rq, const json_t *sent, const char **out)
{
    json_t *list = json_hold(rq->scope->arena, json_array());

    for (size_t i = 0; i < json_array_size(sent); i++) {
        const json_t *from = json_array_get(sent, i);
        const char *slug = json_get_str(from, "slug", "");
        json_t *to = json_object();

        for (size_t k = 0; k < i; k++)
            if (cstr_eq(json_get_str(json_array_get(list, k), "slug", NULL), slug)) {
                json_decref(to);
                return fail(rq->scope, ERR_INVALID, "authFields[%zu].slug is used twice: %s", i, slug);
            }
        json_set_str(to, "id", id_uuid4(rq->scope->arena));
        json_set_str(to, "slug", slug);
        json_set_str(to, "label", json_get_str(from, "label", ""));
        json_set_str(to, "type", json_get_str(from, "type", "TEXT"));
        json_set_str(to, "description", json_get_str(from, "description", ""));
        json_set_str(to, "placeholder", json_get_str(from, "placeholder", NULL));
        json_set_bool(to, "required", json_get_bool(from, "required", false));
        json_set_int(to, "order", (int64_t)i);
        json_array_append_new(list, to);
    }
    *out = json_text(rq->scope->arena, list);
    return OK;
}

/* What was sealed before; an empty object when there is nothing, or nothing readable. */
static json_t *credentials_of(arena *a, const integration_row *row)
{
    char *text = NULL;
    json_t *v;

    if (row->sealed_oauth != NULL && seal_open(a, row->sealed_oauth, &text) == OK &&
        json_parse(a, text, strlen(text), NULL, &v) == OK && json_is_object(v))
        return v;
    return json_hold(a, json_object());
}

static bool is_web_url(const char *url)
{
    return cstr_blank(url) || cstr_starts(url, "https://") || cstr_starts(url, "http://");
}

static void put_shown(json_t *o, const json_t *sent)
{
    static const char *const shown[] = {"scopes",          "authUrl",         "tokenUrl", "label", "authorizationCode",
                                        "accessTokenCode", "refreshTokenCode"};

    for (size_t i = 0; i < COUNT(shown); i++)
        json_set_str(o, shown[i], json_get_str(sent, shown[i], NULL));
}

/* The client as it is shown, and its credentials sealed: they can be set but never be read. */
static err take_client(request *rq, const json_t *sent, integration_row *row)
{
    static const char *const secrets[] = {"clientId", "clientSecret", "tenantId"};
    arena *a = rq->scope->arena;
    json_t *o = json_hold(a, json_object()), *kept = credentials_of(a, row);

    if (!is_web_url(json_get_str(sent, "authUrl", NULL)) || !is_web_url(json_get_str(sent, "tokenUrl", NULL)))
        return fail(rq->scope, ERR_INVALID, "oauthClient.authUrl and oauthClient.tokenUrl must be http or https URLs");
    for (size_t i = 0; i < COUNT(secrets); i++)
        if (json_get_str(sent, secrets[i], NULL) != NULL)
            json_object_set(kept, secrets[i], json_object_get(sent, secrets[i]));
    put_shown(o, sent);
    json_set_bool(o, "hasClientId", json_get_str(kept, "clientId", NULL) != NULL);
    json_set_bool(o, "hasClientSecret", json_get_str(kept, "clientSecret", NULL) != NULL);
    row->oauth = json_text(a, o);
    row->sealed_oauth = seal_text(a, json_text(a, kept));
    return OK;
}

static err check_scripts(request *rq, response *rs, const auth_body *in, bool *answered)
{
    static const char *const members[] = {"authorizationCode", "accessTokenCode", "refreshTokenCode"};

    TRY(dock_check_code(rq, rs, "authTestCode", in->authTestCode, answered));
    for (size_t i = 0; i < COUNT(members) && !*answered; i++)
        TRY(dock_check_code(rq, rs, members[i], json_get_str(in->oauthClient, members[i], NULL), answered));
    return OK;
}

/* What the body says of it, into a row that has just been read. */
static err take_body(request *rq, integration_row *row)
{
    const auth_body *in = rq->body;
    bool oauth = cstr_eq(in->authType, "OAUTH") || cstr_eq(in->authType, "OAUTH_DCR");

    row->auth_type = in->authType;
    TRY(take_fields(rq, in->authFields, &row->auth_fields));
    if (dock_given(rq, "authTestCode"))
        row->auth_test_code = cstr_blank(in->authTestCode) ? NULL : in->authTestCode;
    if (oauth)
        return in->oauthClient != NULL ? take_client(rq, in->oauthClient, row) : OK;
    row->oauth = row->sealed_oauth = NULL;
    return OK;
}

/* What is left out stays, also what others have set since the row was read: then once more upon theirs. */
static err store(request *rq, integration_row *row, int64_t *deleted)
{
    const auth_args *args = rq->args;
    err e = integration_set_auth(rq->scope, rows_of(rq->user), row, args->dryRun, deleted);

    for (int i = 1; e == ERR_CONFLICT && i < TRIES; i++) {
        TRY(integration_find_own(rq->scope, rows_of(rq->user), row->id, &row));
        TRY(take_body(rq, row));
        e = integration_set_auth(rq->scope, rows_of(rq->user), row, args->dryRun, deleted);
    }
    return e;
}

/* PATCH /integrations/v1/{integrationId}/auth */
err dock_auth_update(request *rq, response *rs)
{
    const auth_body *in = rq->body;
    const auth_args *args = rq->args;
    int64_t deleted = 0;
    integration_row *row;
    json_t *o, *one;
    bool answered;

    TRY(dock_own_integration(rq, rs, &row));
    TRY(take_body(rq, row));
    TRY(check_scripts(rq, rs, in, &answered));
    if (answered)
        return OK;
    TRY(store(rq, row, &deleted));
    TRY(integration_find(rq->scope, rows_of(rq->user), row->id, &row));
    TRY(dock_integration_json(rq, row, &one));
    o = dock_wrap(rq, "integration", one);
    json_set_int(o, "deletedConnections", deleted);
    if (args->dryRun)
        json_set_bool(o, "dryRun", true);
    return reply_json(rs, 200, o);
}
