/* SPDX-License-Identifier: MIT */
/* The credential cache with a clock of the test's own; see auth/cache.h. */
#include "auth/cache.h"

#include <sodium.h>

#include "base/str.h"
#include "model/version.h"
#include "test.h"

static unsigned char one[DIGEST_SIZE] = {1};

static const identity mira = {.user_id = "u1", .username = "mira"};

static credential *put(const unsigned char *digest, credential_kind kind, int64_t ends, int64_t now)
{
    return cache_put(digest, kind, &mira, ends, cache_version(kind), now, NULL);
}

TEST(an_entry_is_believed_for_two_seconds)
{
    put(one, CREDENTIAL_TOKEN, 0, 100);
    CHECK(cache_find(one, CREDENTIAL_TOKEN, 100 + CACHE_TRUST - 1, 0) != NULL, "just before");
    CHECK(cache_find(one, CREDENTIAL_TOKEN, 100 + CACHE_TRUST, 0) == NULL, "then not");
    CHECK(CACHE_TRUST <= SECONDS(2), "as the documentation promises");
    cache_drop();
}

TEST(a_credential_is_not_taken_for_one_of_another_kind)
{
    put(one, CREDENTIAL_SESSION, 0, 0);
    CHECK(cache_find(one, CREDENTIAL_SESSION, 0, 0) != NULL, "its own kind");
    CHECK(cache_find(one, CREDENTIAL_KEY, 0, 0) == NULL, "a key");
    CHECK(cache_find(one, CREDENTIAL_TOKEN, 0, 0) == NULL, "a token");
    cache_drop();
}

TEST(a_credential_ends_by_itself)
{
    put(one, CREDENTIAL_KEY, 5000, 0);
    CHECK(cache_find(one, CREDENTIAL_KEY, 0, 4999) != NULL, "before its end");
    CHECK(cache_find(one, CREDENTIAL_KEY, 0, 5000) == NULL, "at its end");
    cache_drop();
}

TEST(changes_of_users_keys_and_sessions_are_seen_at_once)
{
    static const struct {
        credential_kind kind;
        version_family family;
        bool seen;
    } cases[] = {
        {CREDENTIAL_TOKEN, VERSION_USERS, true},     {CREDENTIAL_TOKEN, VERSION_KEYS, false},
        {CREDENTIAL_TOKEN, VERSION_SESSIONS, false}, {CREDENTIAL_SESSION, VERSION_USERS, true},
        {CREDENTIAL_SESSION, VERSION_KEYS, false},   {CREDENTIAL_SESSION, VERSION_SESSIONS, true},
        {CREDENTIAL_KEY, VERSION_USERS, true},       {CREDENTIAL_KEY, VERSION_KEYS, true},
        {CREDENTIAL_KEY, VERSION_SESSIONS, false},   {CREDENTIAL_KEY, VERSION_AGENTS, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        put(one, cases[i].kind, 0, 0);
        CHECK(cache_find(one, cases[i].kind, 0, 0) != NULL, "case %zu", i);
        version_bump(cases[i].family);
        CHECK((cache_find(one, cases[i].kind, 0, 0) == NULL) == cases[i].seen, "case %zu", i);
    }
    cache_drop();
}

TEST(a_change_while_the_rows_are_read_makes_the_entry_stale)
{
    uint64_t before = cache_version(CREDENTIAL_KEY);

    version_bump(VERSION_KEYS);
    cache_put(one, CREDENTIAL_KEY, &mira, 0, before, 0, NULL);
    CHECK(cache_find(one, CREDENTIAL_KEY, 0, 0) == NULL, "read again");
    cache_drop();
}

static int64_t evicted_uses;

static void on_evict(const credential *old)
{
    evicted_uses += old->uses;
}

TEST(the_table_is_bounded_and_uses_of_what_leaves_it_are_told)
{
    enum { MANY = 20000 };
    size_t found = 0;

    for (uint32_t i = 0; i < MANY; i++) {
        unsigned char digest[DIGEST_SIZE];

        crypto_hash_sha256(digest, (const unsigned char *)&i, sizeof(i));
        cache_put(digest, CREDENTIAL_KEY, &mira, 0, cache_version(CREDENTIAL_KEY), i, on_evict)->uses = 1;
    }
    for (uint32_t i = 0; i < MANY; i++) {
        unsigned char digest[DIGEST_SIZE];

        crypto_hash_sha256(digest, (const unsigned char *)&i, sizeof(i));
        found += cache_find(digest, CREDENTIAL_KEY, MANY, 0) != NULL;
    }
    CHECK(found > 3000 && found <= 4096, "%zu are kept", found);
    CHECK_INT(evicted_uses, MANY - (int64_t)found);
    cache_drop();
}

TEST(an_entry_read_again_keeps_its_uses)
{
    put(one, CREDENTIAL_KEY, 0, 0)->uses = 7;
    CHECK_INT(put(one, CREDENTIAL_KEY, 0, SECONDS(5))->uses, 7);
    cache_drop();
}
