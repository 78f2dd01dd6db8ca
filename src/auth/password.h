/* SPDX-License-Identifier: MIT */
/*
 * Password hashes: argon2id in PHC form ("$argon2id$v=19$m=65536,t=2,p=1$…").
 *
 * A hash takes 64 MiB and some 60 ms of a core, so it runs on the blocking pool, few at once, and the number waiting is
 * bounded: a storm of logins gets ERR_BUSY, not the machine's memory.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "rt/scope.h"

enum { PASSWORD_MAX = 1024 }; /* bytes; longer ones are ERR_INVALID when set, and never match */

/* The hash to store, in the scope's arena.  Parks. */
MUST_USE err password_hash(scope *s, const char *password, char **phc);

/* Whether `password` belongs to `phc`.  Also takes argon2id and argon2i hashes with other costs, as the other platforms make
 * them.  With NULL (no such user, no password) it works as long as with a hash, and does not match.  Parks. */
MUST_USE err password_verify(scope *s, const char *phc, const char *password, bool *matches);

/* 20 characters without look-alikes, for a first password. */
char *password_random(arena *a);

#endif
