/* SPDX-License-Identifier: MIT */
/*
 * Identifiers from the system's random source.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/arena.h"

void random_bytes(void *out, size_t len); /* cryptographically strong; aborts when the system has none */

char *id_uuid4(arena *a);             /* RFC 9562 section 5.4: 36 characters */
char *id_uuid4_hex(arena *a);         /* the same without dashes: 32 characters */
char *id_uuid7(arena *a);             /* RFC 9562 section 5.7: sorts by time; monotonic within a thread */
char *id_ulid(arena *a);              /* 26 characters of Crockford base 32: sorts by time; monotonic within a thread */
char *id_hex(arena *a, size_t chars); /* `chars` lower-case hexadecimal digits, at most 64 */

/* Dashes put into 32 characters of a UUID, in `a`; other texts and NULL as they are. */
const char *id_dashed(arena *a, const char *id);

#endif
