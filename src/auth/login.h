/* SPDX-License-Identifier: MIT */
/*
 * Logging in with a password, the same on every face.
 */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "model/user.h"

/* The active user with this name or e-mail address (any case) and password; notes the time.  `address` is the client's.
 *
 * ERR_UNAUTHENTICATED, code "user.invalid_credentials": wrong password or no such user, which take the same time;
 * ERR_RATE, code "auth.throttled": too many failures, the subject says how many seconds to wait (auth/throttle.h);
 * ERR_DENIED, code "auth.user_inactive": the password is right, the account disabled;
 * ERR_BUSY: too many logins at once.  Parks. */
MUST_USE err login_password(scope *s, const char *name, const char *password, const char *address, user_row **out);

/* Whether `password` is the user's, with the same throttling: for changing it.  ERR_RATE as above. */
MUST_USE err login_check(scope *s, const user_row *u, const char *password, const char *address, bool *matches);

#endif
