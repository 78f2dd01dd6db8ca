/* SPDX-License-Identifier: MIT */
/*
 * The first administrator, on an empty database: on every face the highest account there is.
 */
#ifndef AUTH_BOOTSTRAP_H
#define AUTH_BOOTSTRAP_H

#include "rt/scope.h"

/* For where an e-mail address is asked for. */
#define BOOTSTRAP_EMAIL "admin@example.com"

/* Makes the user of that address when there is no user at all.  `username` NULL or blank: "admin"; `password` NULL or blank: a
 * random one.  *made_name: the user's name, NULL when there were users already; *made_password: the random password, to be shown
 * once, else NULL.  Safe when several processes start at once.  Parks. */
MUST_USE err bootstrap_admin(scope *s, const char *username, const char *password, char **made_name,
                             char **made_password);

/* The same for a person who registers with an address of his own, under the configured name (admin.username).  ERR_CONFLICT, code
 * "user.not_first": there is a user already; of several at once one gets through.  Parks. */
MUST_USE err bootstrap_register(scope *s, const char *username, const char *email, const char *password);

#endif
