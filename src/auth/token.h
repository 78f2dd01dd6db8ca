/* SPDX-License-Identifier: MIT */
/*
 * Access and refresh tokens: one function for each platform's claims.
 *
 * All are signed with one key, and name a user of the one table, so an access token of any face is one for all.  Each carries
 * the revision of the user's credentials: a new password voids it.
 */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include "auth/auth.h"
#include "base/json.h"
#include "model/user.h"
#include "rt/scope.h"

/* `expires` are Unix seconds: token_expiry(lifetime).  The texts live in `a`. */
int64_t token_expiry(int64_t lifetime_seconds);

/* Sage: the claims object, exp.  The refresh token has a key of its own and no expiry; nothing takes it. */
json_t *token_sage_claims(arena *a, const user_row *u);
char *token_sage_access(arena *a, const user_row *u, int64_t expires);
char *token_sage_refresh(arena *a, const user_row *u);

/* LangBot: user, sub, iss, aud, exp, account_revision. */
char *token_langbot(arena *a, const user_row *u, const char *instance_id, int64_t expires);

/* Langflow: sub, type, exp.  `sub` is the id in the face's own spelling; with or without dashes it means the same user. */
char *token_langflow(arena *a, const user_row *u, const char *sub, bool refresh, int64_t expires);

typedef enum { TOKEN_ACCESS, TOKEN_REFRESH } token_use;

typedef struct {
    const char *user_id; /* without dashes */
    int64_t revision;    /* -1: not told */
    int64_t expires;     /* Unix seconds */
} token_claims;

/* Checks signature, form, use and time (`now`: Unix seconds), not the user.  ERR_UNAUTHENTICATED with code "auth.token_expired" or
 * "auth.token_invalid". */
MUST_USE err token_read(scope *s, str token, token_use use, int64_t now, token_claims *out);

/* The user a token stands for, who must be active and have the token's revision.  Also "auth.user_inactive". */
MUST_USE err token_user(scope *s, const token_claims *claims, user_row **out);

#endif
