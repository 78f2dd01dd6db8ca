/* SPDX-License-Identifier: MIT */
/*
 * The first administrator, on an empty database: on every face the highest account there is.
 */
#ifndef AUTH_BOOTSTRAP_H
#define AUTH_BOOTSTRAP_H

#include "rt/scope.h"

/* Makes the user "admin@example.com" when there is no user at all.  `username` NULL or blank: "admin"; `password` NULL or blank: a
 * random one.  *made_name: the user's name, NULL when there were users already; *made_password: the random password, to be shown
 * once, else NULL.  Safe when several processes start at once.  Parks. */
MUST_USE err bootstrap_admin(scope *s, const char *username, const char *password, char **made_name,
                             char **made_password);

#endif
