/* SPDX-License-Identifier: MIT */
/*
 * Finding out who sent a request, from whatever credential it carries.
 *
 * A face says which credentials its platform takes; the order is always: key header when KEY_DECIDES, Authorization, token
 * cookie, key in the query, key header, session cookie, proxy header.  The first that is present decides, unless LENIENT: then
 * a bad one is passed over, and its error comes back only when nothing else was good.
 */
#ifndef AUTH_AUTHENTICATE_H
#define AUTH_AUTHENTICATE_H

#include "auth/identity.h"
#include "model/user.h"
#include "net/request.h"

enum {
    AUTH_BEARER_TOKEN = 1 << 0, /* Authorization: Bearer with a token */
    AUTH_BEARER_KEY = 1 << 1,   /* Authorization: Bearer with an API key */
    AUTH_BARE_TOKEN = 1 << 2,   /* either without the word Bearer too */
    AUTH_KEY_HEADER = 1 << 3,   /* X-API-Key */
    AUTH_KEY_QUERY = 1 << 4,    /* ?x-api-key= */
    AUTH_SESSION = 1 << 5,      /* our session cookie */
    AUTH_TOKEN_COOKIE = 1 << 6, /* a token in the cookie access_token_lf */
    AUTH_PROXY = 1 << 7,        /* X-Sage-Internal-UserId from a configured proxy */
    AUTH_KEY_DECIDES = 1 << 8,  /* a key header goes before everything */
    AUTH_LENIENT = 1 << 9,

    /* Which face asks: a key for other faces is refused. */
    AUTH_ON_SAGE = 1 << 16,
    AUTH_ON_LANGBOT = 1 << 17,
    AUTH_ON_LANGFLOW = 1 << 18,
    AUTH_ON_LANGDOCK = 1 << 19,

    AUTH_FOR_SAGE =
        AUTH_BEARER_TOKEN | AUTH_BEARER_KEY | AUTH_KEY_HEADER | AUTH_SESSION | AUTH_PROXY | AUTH_LENIENT | AUTH_ON_SAGE,
    AUTH_FOR_LANGBOT =
        AUTH_KEY_DECIDES | AUTH_KEY_HEADER | AUTH_BEARER_TOKEN | AUTH_BEARER_KEY | AUTH_BARE_TOKEN | AUTH_ON_LANGBOT,
    AUTH_FOR_LANGFLOW = AUTH_BEARER_TOKEN | AUTH_TOKEN_COOKIE | AUTH_KEY_QUERY | AUTH_KEY_HEADER | AUTH_ON_LANGFLOW,
    AUTH_FOR_LANGFLOW_RUN = AUTH_KEY_QUERY | AUTH_KEY_HEADER | AUTH_ON_LANGFLOW,
    AUTH_FOR_LANGDOCK = AUTH_BEARER_KEY | AUTH_ON_LANGDOCK
};

/* Sets *out, in the request's arena.  When a session's cookie has to be sent again, out->set_cookie holds it.  May park.
 *
 * ERR_UNAUTHENTICATED with one of these codes: "auth.unauthorized" (no credential), "auth.token_expired",
 * "auth.token_invalid", "auth.key_invalid", "auth.session_invalid", "auth.user_inactive".
 * ERR_DENIED: "auth.csrf" (a write that only a cookie vouches for, from another site), "auth.key_face" (a key for other faces).
 * Any other error means that it could not be found out. */
MUST_USE err auth_identify(request *rq, unsigned accepted, const identity **out);

/* The identity of a user's row, as of a token login; texts are borrowed from the row. */
identity identity_of_user(const user_row *u);

#endif
