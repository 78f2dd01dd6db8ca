/* SPDX-License-Identifier: MIT */
/*
 * Integrations: named groups of actions and triggers on somebody else's API.
 */
#ifndef MODEL_INTEGRATION_H
#define MODEL_INTEGRATION_H

#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id;             /* UUID */
    const char *owner_id;       /* NULL: built in, everybody's to use, nobody's to change */
    const char *name;           /* need not be unique */
    const char *description;    /* "" when unset */
    const char *auth_type;      /* "NONE" (NULL means that), "API_KEY", "SERVICE_ACCOUNT", "OAUTH", "OAUTH_DCR" */
    const char *auth_fields;    /* JSON array; NULL: [] */
    const char *auth_test_code; /* NULL allowed, as all below */
    const char *oauth;          /* JSON object without the credentials */
    const char *sealed_oauth;   /* the credentials, sealed (db/seal.h) */
    const char *icon_url, *color;
    int64_t created_at, updated_at;
} integration_row;

/* Fills id (when NULL) and times. */
MUST_USE err integration_insert(scope *s, integration_row *i);

/* ERR_NOT_FOUND, code "integration.not_found"; ERR_DENIED, code "integration.denied": somebody else's.  Built-in ones may be
 * read by everybody. */
MUST_USE err integration_find(scope *s, owned_by who, const char *id, integration_row **out);
MUST_USE err integration_list(scope *s, owned_by who, integration_row **out,
                              size_t *n);                                    /* by name, ASCII case ignored */
MUST_USE err integration_update(scope *s, owned_by who, integration_row *i); /* all but id, owner and creation time */
MUST_USE err integration_delete(scope *s, owned_by who, const char *id);

#endif
