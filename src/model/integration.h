/* SPDX-License-Identifier: MIT */
/*
 * Integrations: named groups of actions (model/action.h) and triggers (model/trigger.h) on somebody else's API.
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
    const char *allowed_hosts; /* JSON array of host patterns; NULL: any public host */
    bool private_ok;           /* those hosts may have private addresses: an administrator chose them */
    const char *icon_object;   /* key of the stored icon (store/object.h) */
    const char *icon_type;     /* its media type */
    int64_t icon_version;      /* raised with each icon */
} integration_row;

enum { INTEGRATIONS_MAX = 1000 }; /* of one user */

/* Fills id (when NULL) and times.  ERR_TOO_LARGE, code "integration.too_many". */
MUST_USE err integration_insert(scope *s, integration_row *i);

/* ERR_NOT_FOUND, code "integration.not_found"; ERR_DENIED, code "integration.denied": somebody else's.  Built-in ones may be
 * read by everybody. */
MUST_USE err integration_find(scope *s, owned_by who, const char *id, integration_row **out);
MUST_USE err integration_find_own(scope *s, owned_by who, const char *id,
                                  integration_row **out); /* which may be changed: no built-in ones */
MUST_USE err integration_list(scope *s, owned_by who, integration_row **out,
                              size_t *n); /* by name, ASCII case ignored */

/* Changes what is not NULL; an empty text empties the nullable ones (all but name and description).  Atomic: two changes of
 * different members both hold.  *replaced (may be NULL): key of the icon that it was the one to replace, or NULL. */
typedef struct {
    const char *name, *description, *icon_url, *color;
    const char *allowed_hosts;
    bool private_ok; /* counts with allowed_hosts */
    const char *icon_object, *icon_type;
} integration_patch;
MUST_USE err integration_change(scope *s, owned_by who, const char *id, const integration_patch *p,
                                const char **replaced);

/* Sets how users connect: the five auth members of `i`.  Another auth type deletes all connections; *deleted (may be NULL)
 * says how many.  With `dry` nothing is changed, and *deleted says how many it would be.  ERR_CONFLICT, code
 * "integration.changed_meanwhile", when the row's updated_at is another than that of `i`, which is brought up to date. */
MUST_USE err integration_set_auth(scope *s, owned_by who, integration_row *i, bool dry, int64_t *deleted);

/* With all that belongs to it but the object of its icon, whose key is in *icon (may be NULL), or NULL there. */
MUST_USE err integration_delete(scope *s, owned_by who, const char *id, const char **icon);

#endif
