/* SPDX-License-Identifier: MIT */
/*
 * Web sessions: what stands behind a session cookie.  Only a hash of the cookie's value is stored.
 */
#ifndef MODEL_WEB_SESSION_H
#define MODEL_WEB_SESSION_H

#include "rt/scope.h"

typedef struct {
    const char *id_hash; /* hex SHA-256 of the cookie's value */
    const char *user_id; /* NULL: nobody yet (in the middle of a login elsewhere) */
    const char *data;    /* JSON object for the login in progress; NULL: {} */
    int64_t created_at, expires_at;
} web_session_row;

/* Fills created_at. */
MUST_USE err web_session_insert(scope *s, web_session_row *w);

/* ERR_NOT_FOUND also when it is past its expiry.  One indexed read. */
MUST_USE err web_session_find(scope *s, const char *id_hash, web_session_row **out);

/* Slides the expiry; callers do so only when a good part of the lifetime has passed. */
MUST_USE err web_session_extend(scope *s, const char *id_hash, int64_t expires_at);
MUST_USE err web_session_set_data(scope *s, const char *id_hash, const char *json);

MUST_USE err web_session_delete(scope *s, const char *id_hash); /* OK when there is none */
MUST_USE err web_session_delete_of_user(scope *s, const char *user_id);
MUST_USE err web_session_purge(scope *s, int64_t *deleted); /* the expired ones; `deleted` may be NULL */

#endif
