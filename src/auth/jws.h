/* SPDX-License-Identifier: MIT */
/*
 * JSON Web Tokens in compact form (RFC 7519), HS256 and nothing else.
 *
 * The signature is checked, in constant time, before any byte of a token is parsed: a forged one never reaches the JSON
 * parser.  What the claims mean is auth/token.h's business.
 */
#ifndef AUTH_JWS_H
#define AUTH_JWS_H

#include "base/json.h"

enum { JWS_MAX = 8192 }; /* longest token that is looked at */

/* `claims` signed with the key, any length. */
char *jws_sign(arena *a, str key, const json_t *claims);

/* ERR_INVALID when it is no token, is signed otherwise or with another key.  Times are not looked at. */
MUST_USE err jws_verify(arena *a, str key, str token, json_t **claims);

/* Whether the text has the outer form of a token: three parts of base64url.  Keys of ours never have. */
bool jws_looks_like(str text);

#endif
