/* SPDX-License-Identifier: MIT */
/*
 * The ways of logging in that the platform's login page offers.
 */
#ifndef FACE_SAGE_LOGINS_H
#define FACE_SAGE_LOGINS_H

#include <jansson.h>

/* The array of /api/auth/providers, new reference. */
json_t *sage_login_providers(void);

#endif
