/* SPDX-License-Identifier: MIT */
/*
 * The credential cache: a set-associative table indexed by the credential's digest, which is as good as random.
 */
#include "auth/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/version.h"
#include "rt/loop.h"

enum { SETS = 1024, WAYS = 4 };

static THREAD_LOCAL credential *table; /* SETS * WAYS */

uint64_t cache_version(credential_kind kind)
{
    uint64_t v = version_of(VERSION_USERS);

    if (kind == CREDENTIAL_SESSION)
        v += version_of(VERSION_SESSIONS);
    if (kind == CREDENTIAL_KEY)
        v += version_of(VERSION_KEYS);
    return v;
}

static void drop_table(void *arg)
{
    (void)arg;
    cache_drop();
}

static credential *set_of(const unsigned char digest[DIGEST_SIZE])
{
    uint32_t n;

    if (table == NULL) {
        table = mem_zalloc(SETS * WAYS, sizeof(*table));
        if (loop_self() != NULL)
            scope_defer(loop_root(loop_self()), drop_table, NULL);
    }
    memcpy(&n, digest, sizeof(n));
    return table + (size_t)(n % SETS) * WAYS;
}

static credential *lookup(const unsigned char digest[DIGEST_SIZE], credential_kind kind)
{
    credential *set = set_of(digest);

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].who != NULL && set[i].kind == kind && memcmp(set[i].digest, digest, DIGEST_SIZE) == 0)
            return &set[i];
    return NULL;
}

credential *cache_find(const unsigned char digest[DIGEST_SIZE], credential_kind kind, int64_t mono, int64_t wall)
{
    credential *c = lookup(digest, kind);

    if (c == NULL || mono - c->loaded_at >= CACHE_TRUST || c->version != cache_version(kind))
        return NULL;
    if (c->ends != 0 && c->ends <= wall)
        return NULL;
    c->used_at = mono;
    return c;
}

static credential *place_for(const unsigned char digest[DIGEST_SIZE])
{
    credential *set = set_of(digest), *oldest = set;

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].who == NULL)
            return &set[i];
        if (set[i].used_at < oldest->used_at)
            oldest = &set[i];
    }
    return oldest;
}

credential *cache_put(const unsigned char digest[DIGEST_SIZE], credential_kind kind, const identity *who, int64_t ends,
                      uint64_t version, int64_t mono, void (*on_evict)(const credential *old))
{
    credential *c = lookup(digest, kind);

    if (c == NULL) {
        c = place_for(digest);
        if (c->who != NULL && on_evict != NULL)
            on_evict(c);
        arena_free(c->memory);
        *c = (credential){.kind = kind};
        memcpy(c->digest, digest, DIGEST_SIZE);
    } else {
        arena_free(c->memory);
    }
    c->memory = arena_new(NULL);
    c->who = identity_copy(c->memory, who);
    c->ends = ends;
    c->renew_at = 0;
    c->version = version;
    c->loaded_at = c->used_at = mono;
    return c;
}

void cache_drop(void)
{
    for (size_t i = 0; table != NULL && i < SETS * WAYS; i++)
        arena_free(table[i].memory);
    free(table);
    table = NULL;
}
