/* SPDX-License-Identifier: MIT */
/* Calls to an OAuth provider: tokens, metadata, registration of clients.  For oauth.c. */
#ifndef SCRIPT_OAUTH_HTTP_H
#define SCRIPT_OAUTH_HTTP_H

#include "script/connection.h"

/* Names and values of a form; values may be NULL: left out. */
typedef struct {
    const char *name, *value;
} form_pair;
char *oauth_form(arena *a, const form_pair *pairs, size_t n);

/* POST of a form to the token endpoint.  *out: the token response with an access_token.  ERR_DENIED, code "oauth.refused": the provider
 * says no, in its words; ERR_UPSTREAM, ERR_TIMEOUT: it did not answer properly, and may later. */
MUST_USE err oauth_token_request(scope *s, const integration_row *i, const char *url, const form_pair *pairs, size_t n,
                                 json_t **out);

/* Whether `token` is a token response; else ERR_DENIED, code "oauth.refused", with the provider's words. */
MUST_USE err oauth_check_token(scope *s, const json_t *token);

/* Registers a client at the provider of `client` (RFC 8414, RFC 7591) and adds to it: clientId, clientSecret, authUrl,
 * tokenUrl.  ERR_UPSTREAM, ERR_INVALID (code "oauth.setup"). */
MUST_USE err oauth_register_client(scope *s, const integration_row *i, const char *redirect_url, const char *scopes,
                                   json_t *client);

#endif
