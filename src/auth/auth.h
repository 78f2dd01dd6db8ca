/* SPDX-License-Identifier: MIT */
/*
 * What authentication is configured with: set once before the loops start, read by everybody.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/cookie.h"
#include "base/err.h"
#include "base/str.h"
#include "db/settings.h"

typedef struct {
    const char *jwt_key;        /* signs access tokens; NULL: derived from the master key */
    const char *refresh_key;    /* signs refresh tokens; NULL: derived */
    int64_t sage_token_seconds; /* how long tokens live */
    int64_t langbot_token_seconds;
    int64_t langflow_token_seconds;
    int64_t langflow_refresh_seconds;
    cookie_form session_cookie;
    const char *const *trusted_origins;  /* further pages whose requests a cookie may vouch for; NULL: none */
    const char *const *identity_proxies; /* addresses or CIDR that may send X-Sage-Internal-UserId; NULL: none */
} auth_config;

/* Lists and texts are borrowed from the settings. */
auth_config auth_config_of(const struct settings *st);

/* Takes the configuration (copied, lists too) and makes the signing keys: after seal_setup().  ERR_INVALID with a sentence in
 * `why` when a proxy's address cannot be read. */
MUST_USE err auth_setup(const auth_config *config, char *why, size_t why_size);

const auth_config *auth_settings(void);
str auth_jwt_key(void);
str auth_refresh_key(void);

#endif
