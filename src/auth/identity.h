/* SPDX-License-Identifier: MIT */
/*
 * Who is calling: what the faces see of a user, whatever the credential was.
 *
 * An identity is read from the user's row when the credential is checked (auth/authenticate.h), so a role that was taken
 * away or an account that was disabled stops working within two seconds, also when another process did it.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include "base/arena.h"

typedef struct identity {
    const char *user_id, *username;
    const char *nickname;                   /* the username when there is none */
    const char *email, *phone, *avatar_url; /* "" when there is none */
    const char *role;
    bool admin;
    enum { VIA_SESSION, VIA_TOKEN, VIA_KEY, VIA_PROXY } via;
    const char *key_id;     /* of the API key, else NULL */
    const char *scopes;     /* of a key, space-separated; NULL: all that the user may do */
    const char *faces;      /* of a key: where it is taken; NULL: everywhere */
    int64_t expires;        /* of a token: Unix seconds; else 0 */
    const char *set_cookie; /* Set-Cookie value that extends the session; NULL nearly always */
} identity;

/* Whether the credential covers `scope`.  Says nothing about ownership: see auth/rules.h.  NULL has no scopes. */
bool identity_may(const identity *id, const char *scope);

/* Whether the credential is taken by that face ("langbot"). */
bool identity_on_face(const identity *id, const char *face);

/* A copy with all its texts in `a`. */
identity *identity_copy(arena *a, const identity *id);

#endif
