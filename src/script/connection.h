/* SPDX-License-Identifier: MIT */
/*
 * Connections at run time (contracts/langdock.md section 4): which one a user acts with, what scripts see of it, tests, labels.
 *
 * What scripts see is in clear text: it lives in the scope's arena and goes nowhere but to the script.
 */
#ifndef SCRIPT_CONNECTION_H
#define SCRIPT_CONNECTION_H

#include "base/json.h"
#include "model/connection.h"
#include "model/integration.h"
#include "script/script.h"

/* A connection opened for use. */
typedef struct {
    connection_row *row; /* NULL: the integration needs none */
    json_t *auth;        /* data.auth: values of the fields, and the token response over them */
    json_t *values;      /* of the fields alone */
    json_t *token;       /* the token response; an empty object when there is none */
    json_t *own_client;  /* that was registered for this connection alone; NULL: none */
    json_t *client;      /* {"clientId","clientSecret","tenantId","authUrl","tokenUrl"} as far as there are any */
} credentials;

/* Opens the seals of a row (may be NULL).  ERR_INTERNAL: sealed under another master key. */
MUST_USE err credentials_open(scope *s, const integration_row *i, connection_row *row, credentials *out);

/* The choice of section 4.1: `id` of `owner` (both may be NULL), else the user's own unless `id_only`.  An access token that is about to end is
 * refreshed.  Errors as of invoke(). */
MUST_USE err credentials_choose(scope *s, const integration_row *i, const char *user_id, const char *id,
                                const char *owner, bool id_only, credentials *out);

/* Which hosts scripts of the integration may call, into the job (section 14, 16). */
void credentials_limit_hosts(scope *s, const integration_row *i, const credentials *c, script_job *job);

/* env of auth scripts: CLIENT_ID, CLIENT_SECRET, TENANT_ID; in the arena. */
json_t *credentials_env(arena *a, const credentials *c);

/* `text` with stars for whatever it has of passwords, tokens and client secrets: for sentences that are stored, logged or shown, whatever
 * a script or provider wrote into them.  NULL gives NULL. */
const char *credentials_redact(arena *a, const integration_row *i, const credentials *c, const char *text);

/* Values for the fields of the integration, checked: unknown keys are left out, numbers become numbers.  ERR_INVALID, code
 * "connection.values": a required one is missing, or one is no text or number, or longer than 64 KiB. */
MUST_USE err connection_take_values(scope *s, const integration_row *i, const json_t *sent, json_t **out);

/* The text of sealed_values. */
const char *connection_seal(arena *a, const json_t *values, const json_t *client);

/* Runs authTestCode (none: success).  ERR_DENIED, code "connection.test": the script's sentence.  *result: what it returned. */
MUST_USE err connection_test(scope *s, const integration_row *i, const credentials *c, json_t **result);

/* The template over the test's result ("Calendar - {{data.input.user.email}}"); the integration's name when a path leads nowhere. */
const char *connection_label(arena *a, const integration_row *i, json_t *result);

#endif
