/* SPDX-License-Identifier: MIT */
/*
 * Connections: a user's stored credentials for an integration, and the OAuth requests that are under way.
 *
 * Secrets are sealed (db/seal.h) before they come here.  Each change of them raises `version`, and whoever refreshes a token
 * holds a lease in the row: so one refresh at a time runs per connection, over all loops and processes on the database, and a
 * token that was rotated meanwhile is never overwritten.  Values may change while a token is being refreshed: tokens are told by
 * their sealed text, which no two have in common.
 */
#ifndef MODEL_CONNECTION_H
#define MODEL_CONNECTION_H

#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id; /* UUID */
    const char *integration_id, *owner_id;
    const char *label;
    const char *status;        /* "pending", "testing", "active", "refreshing", "needs_reconnect" */
    const char *error;         /* why it is not active, without secrets; NULL: nothing known */
    const char *sealed_values; /* object: auth field -> value; NULL: none */
    const char *sealed_oauth;  /* object: the provider's token response; NULL: none */
    int64_t expires_at;        /* of the access token, clock_wall(); 0: unknown */
    bool is_default;           /* at most one per owner and integration */
    bool shared;               /* everybody who may use the integration acts with it */
    int64_t version, lease_until;
    int64_t created_at, updated_at;
} connection_row;

enum { CONNECTIONS_MAX = 100 }; /* of a user for an integration */

/* Fills id (when NULL), version and times; is_default takes the flag from the others.  ERR_TOO_LARGE, code
 * "connection.too_many"; ERR_NOT_FOUND: no such user or integration. */
MUST_USE err connection_insert(scope *s, connection_row *c);

/* ERR_NOT_FOUND, code "connection.not_found", also for somebody else's: nobody learns of it.  integration_id NULL: any. */
MUST_USE err connection_find(scope *s, owned_by who, const char *integration_id, const char *id, connection_row **out);
MUST_USE err connection_list(scope *s, owned_by who, const char *integration_id, connection_row **out,
                             size_t *n); /* oldest first, without secrets; shared ones of others are not in it */

/* The one that a user acts with who names none: his default, else his only one, else the oldest shared one; pending ones do
 * not count.  ERR_NOT_FOUND, code "connection.none". */
MUST_USE err connection_choose(scope *s, const char *user_id, const char *integration_id, connection_row **out);

/* Changes what is not NULL; an empty error is none. */
typedef struct {
    const char *label, *status, *error;
    const char *sealed_values; /* raises the version */
    const bool *is_default, *shared;
} connection_patch;
MUST_USE err connection_change(scope *s, owned_by who, const char *id, const connection_patch *p);
MUST_USE err connection_delete(scope *s, owned_by who, const char *id);

/* Takes the right to refresh this version until `until`.  *mine false: somebody else has it, or it is another version by now. */
MUST_USE err connection_lease(scope *s, const char *id, int64_t version, int64_t until, bool *mine);

/* Stores tokens and ends the lease: status "active", no error, version + 1.  ERR_CONFLICT when the sealed tokens are not `replaced`
 * any more (NULL: they take the place of any). */
MUST_USE err connection_store_oauth(scope *s, const char *id, const char *replaced, const char *sealed_oauth,
                                    int64_t expires_at);

/* Ends the lease until `until` without new tokens.  What came of it is noted if the row is still of this version; else it is as
 * good as before. */
MUST_USE err connection_end_lease(scope *s, const char *id, int64_t until, int64_t version, const char *status,
                                  const char *error);

/* A consent that was asked for.  Taking it is possible once. */
typedef struct {
    const char *state_hash; /* hex SHA-256 of the state */
    const char *connection_id;
    const char *user_id;
    const char *sealed_data; /* what the exchange needs: verifier, redirect address */
    int64_t expires_at;
} oauth_state_row;
MUST_USE err oauth_state_insert(scope *s, const oauth_state_row *o);
MUST_USE err oauth_state_find(scope *s, const char *state_hash,
                              oauth_state_row **out); /* ERR_NOT_FOUND: unknown, used, old */
MUST_USE err oauth_state_take(scope *s, const char *state_hash, oauth_state_row **out); /* the same, once */

/* Old states, and connections whose consent never came. */
MUST_USE err connection_purge(scope *s, int64_t *deleted);

#endif
