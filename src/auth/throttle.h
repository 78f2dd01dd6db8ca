/* SPDX-License-Identifier: MIT */
/*
 * Slows down guessing of passwords: after some failures an account, and an address, must wait longer and longer.
 *
 * A try is counted when it begins, so that a thousand at once are not a thousand free ones, and forgiven when it succeeds.
 * From an address where a login to the account has succeeded, only that pair's failures count: a stranger cannot lock the
 * owner out.  In memory, bounded, shared by all loops; forgotten at restart.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "base/def.h"

enum { THROTTLE_ACCOUNT_FREE = 5, THROTTLE_ADDRESS_FREE = 25 }; /* failures without delay */

typedef struct throttle throttle;

throttle *throttle_new(size_t max_entries);
void throttle_free(throttle *t); /* accepts NULL */

/* Begins a try at `now` (clock_mono()).  False: it must not be made for *wait more nanoseconds, and is not counted.  `account`
 * is the name as typed, in any case; `address` may be NULL (no such limit).  From any thread; does not park. */
MUST_USE bool throttle_begin(throttle *t, const char *account, const char *address, int64_t now, int64_t *wait);

/* The try succeeded: the account's and pair's failures are forgotten, the address gets its try back and becomes a known one. */
void throttle_success(throttle *t, const char *account, const char *address);

/* The try could not be decided (the database failed): it did not count. */
void throttle_undo(throttle *t, const char *account, const char *address);

#endif
