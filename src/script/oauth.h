/* SPDX-License-Identifier: MIT */
/*
 * OAuth 2.0 for connections (contracts/langdock.md section 4.3): consent, exchange, refresh; plain with PKCE or by scripts.
 *
 * Tokens are stored before they are used, and in a scope that no client's leaving ends: a provider that rotates refresh tokens would
 * otherwise be out of reach.  One refresh at a time runs for a connection, whoever asks; the others wait for it.
 */
#ifndef SCRIPT_OAUTH_H
#define SCRIPT_OAUTH_H

#include "script/connection.h"

#define OAUTH_CALLBACK_PATH "/oauth/integrations/callback"

bool oauth_is_kind(const char *auth_type); /* OAUTH, OAUTH_DCR */

/* Begins a consent for the row (its credentials opened in `c`): *url is where the user has to go.  For OAUTH_DCR a client is registered first
 * and kept in the row.  ERR_INVALID, code "oauth.setup": the integration is not set up for it; ERR_UPSTREAM: the provider failed. */
MUST_USE err oauth_begin(scope *s, const integration_row *i, credentials *c, const char *redirect_url,
                         const char **url);

/* For whom a consent was begun: who will act with it, and in what.  For asking somebody who is not logged in here whether he means it:
 * the link of a consent can be sent to others.  ERR_INVALID or ERR_NOT_FOUND: no state, or one that does not count any more. */
typedef struct {
    const char *integration, *user; /* their names */
} oauth_purpose;
MUST_USE err oauth_look(scope *s, const char *state, oauth_purpose *out);

/* The user came back.  `user_id` is who is logged in (NULL: nobody): somebody else's consent is refused.  On success the connection is
 * active.  *integration and *label are for the page, also on failure when they are known. */
typedef struct {
    const char *state, *code, *error, *error_description; /* as in the query; NULL when absent */
    const char *user_id;
} oauth_return;
typedef struct {
    const char *integration, *label;
} oauth_result;
MUST_USE err oauth_finish(scope *s, const oauth_return *r, oauth_result *out);

/* New tokens for the connection, whose row and credentials are brought up to date; does nothing when somebody else has
 * refreshed it since `c` was opened.  ERR_CONFLICT, code "connection.needs_reconnect". */
MUST_USE err oauth_refresh(scope *s, const integration_row *i, credentials *c);

#endif
