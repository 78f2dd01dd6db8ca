/* SPDX-License-Identifier: MIT */
/*
 * The text of Set-Cookie values (RFC 6265), in the spelling that the platforms' clients have seen.
 */
#ifndef AUTH_COOKIE_H
#define AUTH_COOKIE_H

#include "base/arena.h"

typedef struct {
    const char *name;
    const char *same_site; /* "lax", "strict" or "none" */
    bool secure;
    bool script_readable; /* leaves HttpOnly out */
} cookie_form;

/* `name=value; path=/; Max-Age=…; httponly; samesite=lax[; secure]`.  Max-Age 0 leaves it out: until the browser closes. */
char *cookie_text(arena *a, const cookie_form *form, const char *value, int64_t max_age);

/* The one that makes the browser forget it. */
char *cookie_deletion(arena *a, const cookie_form *form);

#endif
