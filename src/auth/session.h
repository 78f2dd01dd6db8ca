/* SPDX-License-Identifier: MIT */
/*
 * Web sessions: a random cookie value in the browser, its hash in the database.
 *
 * A session ends fourteen days after it was last used; the expiry is moved at most once an hour.
 */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include "model/user.h"
#include "model/web_session.h"
#include "net/request.h"

#define SESSION_LIFETIME ((int64_t)14 * 86400 * 1000000) /* microseconds, as clock_wall() */
#define SESSION_RENEW_AFTER ((int64_t)3600 * 1000000)

/* Starts a session of the user; *set_cookie is for the Set-Cookie header.  Parks. */
MUST_USE err session_begin(scope *s, const char *user_id, char **set_cookie);

/* The value of the request's session cookie, NULL when there is none that could be one of ours. */
const char *session_value(const request *rq);

/* Ends the session of the request's cookie, if there is one; *set_cookie makes the browser forget it.  Parks. */
MUST_USE err session_end(request *rq, char **set_cookie);

/* The session with this hash and its active user.  ERR_UNAUTHENTICATED, code "auth.session_invalid" or "auth.user_inactive". */
MUST_USE err session_find_usable(scope *s, const char *hash, web_session_row **session, user_row **user);

/* Moves the expiry.  The cookie to send again, or NULL when the database would not: the session is good all the same. */
char *session_renew(scope *s, const char *hash, const char *value);

/* A fiber's function for scope_spawn(): deletes expired sessions now and every hour, until `s` ends.  One a process is enough. */
err session_purge_loop(scope *s, void *unused);

#endif
