/* SPDX-License-Identifier: MIT */
/*
 * API keys: one store for all faces.  Only the SHA-256 of a key is kept: keys are long and random, so a plain hash is enough.
 */
#ifndef MODEL_API_KEY_H
#define MODEL_API_KEY_H

#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id;      /* UUID */
    int64_t number;      /* small, for the face whose key ids are integers */
    const char *user_id; /* who the key acts as */
    const char *label;
    const char *description; /* NULL: none */
    const char *prefix;      /* the first characters of the key, for recognising it */
    const char *hash;        /* hex SHA-256 of the whole key; unique */
    const char *scopes;      /* separated by spaces; "*": all that the user has */
    const char *faces;       /* "sage langbot langflow langdock", separated by spaces; "*": all */
    const char *masked;      /* how the key is shown ("sk-abc12****"); NULL: prefix only */
    bool active;             /* false: revoked, kept for the record */
    int64_t uses;
    int64_t created_at, updated_at;
    int64_t last_used_at; /* 0: never */
    int64_t expires_at;   /* 0: never */
} api_key_row;

/* Fills id (when NULL), number, times, and sets active.  ERR_CONFLICT when the hash is known; ERR_NOT_FOUND when there is no
 * such user. */
MUST_USE err api_key_insert(scope *s, api_key_row *k);

/* One indexed read.  Gives revoked and expired keys too: see api_key_usable().  ERR_NOT_FOUND, code "api_key.not_found". */
MUST_USE err api_key_find_by_hash(scope *s, const char *hash, api_key_row **out);
bool api_key_usable(const api_key_row *k, int64_t now);

MUST_USE err api_key_find(scope *s, owned_by who, const char *id, api_key_row **out);
MUST_USE err api_key_find_by_number(scope *s, owned_by who, int64_t number, api_key_row **out);
MUST_USE err api_key_list(scope *s, owned_by who, page p, api_key_row **out, size_t *n,
                          int64_t *total); /* oldest first */

/* Label, description, scopes, faces, expiry. */
MUST_USE err api_key_update(scope *s, owned_by who, api_key_row *k);
MUST_USE err api_key_revoke(scope *s, owned_by who, const char *id);
MUST_USE err api_key_delete(scope *s, owned_by who, const char *id);

/* Counts `uses` more, the last of them at `when`.  Collect uses and call this now and then, not at each request. */
MUST_USE err api_key_touch(scope *s, const char *id, int64_t uses, int64_t when);

#endif
