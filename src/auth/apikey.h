/* SPDX-License-Identifier: MIT */
/*
 * API keys: long random texts that act as their user.  The text is shown once, when the key is made; only its hash is kept.
 */
#ifndef AUTH_APIKEY_H
#define AUTH_APIKEY_H

#include "base/str.h"
#include "model/api_key.h"
#include "model/user.h"

/* How a key begins: what the clients of each platform are used to. */
typedef enum { KEY_SLUICE, KEY_LANGBOT, KEY_LANGFLOW, KEY_LANGDOCK } key_kind;

typedef struct {
    key_kind kind;
    const char *user_id;
    const char *label;
    const char *description; /* may be NULL */
    const char *scopes;      /* known ones (auth/scopes.h), separated by spaces */
    const char *faces;       /* NULL: those that the scopes are for */
    int64_t expires_at;      /* 0: never */
} key_wish;

/* Makes and stores a key: its row and its text.  ERR_INVALID, code "key.unknown_scope" with the scope as subject: the sentence
 * lists the known ones; "key.no_scope"; "key.expired": the expiry is past.  ERR_NOT_FOUND: no such user. */
MUST_USE err apikey_create(scope *s, const key_wish *wish, api_key_row **row, char **text);

/* Hex SHA-256 of a key or session value. */
char *apikey_hash(arena *a, str text);

/* The usable key with this hash and its active user.  ERR_UNAUTHENTICATED, code "auth.key_invalid" or "auth.user_inactive". */
MUST_USE err apikey_find_usable(scope *s, const char *hash, api_key_row **key, user_row **user);

/* Notes a number of uses without waiting: a fiber of the loop writes them.  Failing to is logged and no more. */
void apikey_note_uses(const char *id, int64_t uses, int64_t when);

#endif
