/* SPDX-License-Identifier: MIT */
/*
 * Credentials that were good a moment ago, on each loop: so that an authenticated request costs one hash and one look.
 *
 * An entry is believed for CACHE_TRUST, and only as long as no user, key or session was changed by this process since.  What
 * another process changes (`sluice key revoke`, a second node) is therefore seen within two seconds.  Bad credentials
 * are never remembered.  The table has a fixed number of places; a new entry takes the place of the one not used for longest.
 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include "auth/identity.h"

#define CACHE_TRUST SECONDS(2)

enum { DIGEST_SIZE = 32 };

typedef enum { CREDENTIAL_TOKEN, CREDENTIAL_SESSION, CREDENTIAL_KEY } credential_kind;

typedef struct {
    unsigned char digest[DIGEST_SIZE];
    credential_kind kind;
    arena *memory;       /* of the identity */
    const identity *who; /* NULL: the place is free */
    int64_t ends;        /* clock_wall() value from which the credential is void by itself; 0: never */
    int64_t renew_at;    /* of a session: clock_wall() value from which its expiry should be moved */
    int64_t uses;        /* of a key: not yet written down */
    int64_t noted_at;    /* of a key: when they last were, clock_mono() */
    uint64_t version;
    int64_t loaded_at; /* clock_mono() */
    int64_t used_at;
} credential;

/* Take this before reading the rows that an entry is made from. */
uint64_t cache_version(credential_kind kind);

/* The entry of a credential when it may still be believed at `mono`/`wall`; NULL otherwise. */
credential *cache_find(const unsigned char digest[DIGEST_SIZE], credential_kind kind, int64_t mono, int64_t wall);

/* Remembers it (the identity is copied) and returns its entry, valid until the fiber parks.  An entry that had gone stale keeps
 * its count of uses.  Uses of an entry that loses its place go to `on_evict` (may be NULL). */
credential *cache_put(const unsigned char digest[DIGEST_SIZE], credential_kind kind, const identity *who, int64_t ends,
                      uint64_t version, int64_t mono, void (*on_evict)(const credential *old));

/* Frees this loop's table; the loop's end does so too. */
void cache_drop(void);

#endif
