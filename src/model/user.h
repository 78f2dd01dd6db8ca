/* SPDX-License-Identifier: MIT */
/*
 * Users: one table for all faces.
 */
#ifndef MODEL_USER_H
#define MODEL_USER_H

#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id;       /* 32 lower-case hex */
    const char *username; /* unique, compared exactly */
    const char *email;    /* unique without regard to ASCII case; NULL: none */
    const char *nickname; /* NULL: none; so are the next two */
    const char *phone;
    const char *avatar_url;
    const char *role;          /* "admin" has every right; anything else is an ordinary user */
    const char *password_hash; /* PHC string; NULL: cannot log in with a password */
    const char *extra;         /* JSON object of what only one face knows ("optins"); NULL: {} */
    bool active;
    int64_t revision; /* of the credentials: tokens issued under an older one are void */
    int64_t created_at, updated_at;
    int64_t last_login_at; /* 0: never */
} user_row;

bool user_is_admin(const user_row *u);

/* Fills id (when NULL), role ("user" when NULL), times.  ERR_CONFLICT with code "user.username_exists" or
 * "user.email_exists" and the value as subject. */
MUST_USE err user_insert(scope *s, user_row *u);

/* The same, only while there is no user at all: ERR_CONFLICT, code "user.not_first". */
MUST_USE err user_insert_first(scope *s, user_row *u);

/* ERR_NOT_FOUND, code "user.not_found". */
MUST_USE err user_find(scope *s, const char *id, user_row **out);
MUST_USE err user_recall(scope *s, const char *id, user_row **out); /* as it was a moment ago: not for changing it */
MUST_USE err user_find_by_username(scope *s, const char *username, user_row **out);
MUST_USE err user_find_by_email(scope *s, const char *email, user_row **out); /* trims, ignores ASCII case */

/* What people type to log in: a user name, else (with an '@') an e-mail address. */
MUST_USE err user_find_by_login(scope *s, const char *text, user_row **out);

MUST_USE err user_count(scope *s, int64_t *out);

/* Newest first.  `search` (may be NULL) is part of the name or e-mail.  `total` may be NULL. */
MUST_USE err user_list(scope *s, const char *search, page p, user_row **out, size_t *n, int64_t *total);

/* By name, for choosing one. */
MUST_USE err user_list_names(scope *s, page p, user_row **out, size_t *n);

/* Writes everything but the id, password, revision, creation and login time. */
MUST_USE err user_update(scope *s, user_row *u);

/* Also raises the revision and ends the user's web sessions except `keep_session` (its id hash, or NULL). */
MUST_USE err user_set_password(scope *s, const char *id, const char *password_hash, const char *keep_session);
MUST_USE err user_set_login_time(scope *s, const char *id, int64_t when);

/* The row, its web sessions, API keys, settings and permissions.  What the user made stays. */
MUST_USE err user_delete(scope *s, const char *id);

/* The user's own settings: a JSON object, "{}" when never set. */
MUST_USE err user_config_get(scope *s, const char *user_id, const char **out);
MUST_USE err user_config_set(scope *s, const char *user_id, const char *json);

#endif
