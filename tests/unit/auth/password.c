/* SPDX-License-Identifier: MIT */
/* Password hashing; see auth/password.h. */
#include "auth/password.h"

#include "base/clock.h"
#include "test.h"

FIBER_TEST(a_hash_matches_its_own_password_only, .limit = 60)
{
    char *one, *two;
    bool matches = false;

    CHECK(password_hash(s, "correct horse", &one) == OK, "hashed");
    CHECK(password_hash(s, "correct horse", &two) == OK, "hashed again");
    CHECK(strncmp(one, "$argon2id$v=19$m=65536,t=2,p=1$", 31) == 0, "%s", one);
    CHECK(strcmp(one, two) != 0, "salted");
    CHECK(password_verify(s, one, "correct horse", &matches) == OK && matches, "right");
    CHECK(password_verify(s, one, "correct horse ", &matches) == OK && !matches, "a space more");
    CHECK(password_verify(s, one, "", &matches) == OK && !matches, "empty");
}

FIBER_TEST(hashes_of_the_other_platforms_match, .limit = 60) /* made by the argon2 reference library */
{
    static const char four_lanes[] = "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$"
                                     "L1b1NjppUoj/KIEORq1pof4waLxklM0mqKZzt9nCsKI";
    static const char one_lane[] = "$argon2id$v=19$m=65536,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
                                   "klmcZ/I/HZ3Om28M+1qbGM4RAzbeAHmZR0ckZe3Z5Jo";
    bool matches = false;

    CHECK(password_verify(s, four_lanes, "correct horse", &matches) == OK && matches, "p=4");
    CHECK(password_verify(s, one_lane, "correct horse", &matches) == OK && matches, "p=1");
    CHECK(password_verify(s, one_lane, "wrong horse", &matches) == OK && !matches, "wrong");
}

FIBER_TEST(what_is_no_hash_matches_nothing, .limit = 60)
{
    static const char *const hashes[] = {
        NULL,
        "",
        "*",
        "correct horse",
        "$2b$12$abcdefghijklmnopqrstuuN9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
        "$argon2id$",
        "$argon2id$v=19$m=4194304,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$klmcZ/I/HZ3Om28M+1qbGM4RAzbeAHmZR0ckZe3Z5Jo",
        "$argon2id$v=19$m=65536,t=99999,p=1$MDEyMzQ1Njc4OWFiY2RlZg$klmcZ/I/HZ3Om28M+1qbGM4RAzbeAHmZR0ckZe3Z5Jo",
        "$argon2id$v=19$m=65536,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$",
    };
    bool matches;

    for (size_t i = 0; i < COUNT(hashes); i++) {
        matches = true;
        CHECK(password_verify(s, hashes[i], "correct horse", &matches) == OK, "case %zu", i);
        CHECK(!matches, "case %zu", i);
    }
}

FIBER_TEST(a_missing_user_takes_as_long_as_a_wrong_password, .limit = 60)
{
    int64_t real = INT64_MAX, dummy = INT64_MAX;
    bool matches;
    char *hash;

    CHECK(password_hash(s, "x", &hash) == OK, "hashed");
    for (int i = 0; i < 5; i++) { /* the shortest of each: others may want the processor meanwhile */
        int64_t began = clock_mono(), between, ended;

        CHECK(password_verify(s, hash, "y", &matches) == OK && !matches, "wrong");
        between = clock_mono();
        CHECK(password_verify(s, NULL, "y", &matches) == OK && !matches, "nobody");
        ended = clock_mono();
        real = MIN_OF(real, between - began);
        dummy = MIN_OF(dummy, ended - between);
    }
    CHECK(dummy > real / 3 && dummy < real * 3, "%lld and %lld ns", (long long)dummy, (long long)real);
}

FIBER_TEST(a_password_that_is_too_long_is_refused_and_never_matches, .limit = 60)
{
    char text[PASSWORD_MAX + 2];
    char *hash;
    bool matches = true;

    memset(text, 'p', sizeof(text));
    text[PASSWORD_MAX + 1] = '\0';
    CHECK(password_hash(s, text, &hash) == ERR_INVALID, "too long");
    text[PASSWORD_MAX] = '\0';
    CHECK(password_hash(s, text, &hash) == OK, "just fits");
    text[PASSWORD_MAX] = 'p';
    CHECK(password_verify(s, hash, text, &matches) == OK && !matches, "not cut to fit");
}

static size_t verified, refused;

static err verify_one(scope *s, void *hash)
{
    bool matches;
    err e = password_verify(s, hash, "x", &matches);

    if (e == OK)
        verified += matches;
    else if (e == ERR_BUSY)
        refused++;
    return OK;
}

FIBER_TEST(a_storm_of_logins_is_bounded_and_leaves_the_gate_open, .limit = 120)
{
    scope *storm = scope_child(s, NO_LIMIT);
    bool matches = false;
    char *hash;

    CHECK(password_hash(s, "x", &hash) == OK, "hashed");
    for (int i = 0; i < 100; i++)
        scope_spawn(storm, verify_one, hash);
    CHECK(scope_join(storm) == OK, "all ended");
    scope_close(storm);
    CHECK(verified > 0 && refused > 0 && verified + refused == 100, "%zu verified, %zu refused", verified, refused);
    CHECK(password_verify(s, hash, "x", &matches) == OK && matches, "afterwards");
}

FIBER_TEST(a_cancelled_check_gives_its_place_back, .limit = 60)
{
    scope *quick = scope_child(s, MILLISECONDS(1));
    bool matches = false;
    char *hash;

    CHECK(password_hash(s, "x", &hash) == OK, "hashed");
    for (int i = 0; i < 4; i++)
        CHECK(password_verify(quick, hash, "x", &matches) == ERR_TIMEOUT, "out of time");
    scope_close(quick);
    CHECK(password_verify(s, hash, "x", &matches) == OK && matches, "afterwards");
}

TEST(random_passwords_differ_and_are_easy_to_read)
{
    arena *a = arena_new(NULL);
    const char *one = password_random(a), *two = password_random(a);

    CHECK_INT(strlen(one), 20);
    CHECK(strcmp(one, two) != 0, "%s", one);
    CHECK(strpbrk(one, "0O1lI") == NULL, "%s", one);
    arena_free(a);
}
