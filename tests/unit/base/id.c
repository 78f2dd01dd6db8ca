/* SPDX-License-Identifier: MIT */
/* Tests of base/id.c. */
#include "base/id.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "test.h"

static void check_uuid(const char *u, char version)
{
    CHECK_INT(strlen(u), 36);
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        CHECK(dash ? u[i] == '-' : strchr("0123456789abcdef", u[i]) != NULL, "%s at %zu", u, i);
    }
    CHECK_INT(u[14], version);
    CHECK(strchr("89ab", u[19]) != NULL, "variant of %s", u);
}

TEST(uuids_have_their_form_and_do_not_repeat)
{
    arena *a = arena_new(NULL);
    map *seen = map_new();

    for (int i = 0; i < 20000; i++) {
        char *four = id_uuid4(a), *bare = id_uuid4_hex(a), *seven = id_uuid7(a), *ulid = id_ulid(a);

        check_uuid(four, '4');
        check_uuid(seven, '7');
        CHECK_INT(strlen(bare), 32);
        check_uuid(id_dashed(a, bare), '4');
        CHECK(map_put(seen, four, a) == NULL && map_put(seen, seven, a) == NULL && map_put(seen, ulid, a) == NULL,
              "new");
    }
    map_free(seen);
    arena_free(a);
}

TEST(time_ordered_ids_of_one_thread_sort_as_they_were_made)
{
    arena *a = arena_new(NULL);
    char *uuid = id_uuid7(a), *ulid = id_ulid(a);

    for (int i = 0; i < 200000; i++) {
        char *next_uuid = id_uuid7(a), *next_ulid = id_ulid(a);

        CHECK(strcmp(uuid, next_uuid) < 0, "%s then %s", uuid, next_uuid);
        CHECK(strcmp(ulid, next_ulid) < 0, "%s then %s", ulid, next_ulid);
        uuid = next_uuid;
        ulid = next_ulid;
    }
    arena_free(a);
}

TEST(time_ordered_ids_begin_with_the_time)
{
    arena *a = arena_new(NULL);
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    int64_t before = clock_wall() / 1000, from_uuid, from_ulid = 0, after;
    char *uuid = id_uuid7(a), *ulid = id_ulid(a), hex[13];

    after = clock_wall() / 1000;
    snprintf(hex, sizeof hex, "%.8s%.4s", uuid, uuid + 9);
    from_uuid = strtoll(hex, NULL, 16);
    CHECK(from_uuid >= before && from_uuid <= after, "%s", uuid);
    CHECK_INT(strlen(ulid), 26);
    for (int i = 0; i < 26; i++)
        CHECK(strchr(digits, ulid[i]) != NULL, "%s at %d", ulid, i);
    for (int i = 0; i < 10; i++)
        from_ulid = from_ulid * 32 + (strchr(digits, ulid[i]) - digits);
    CHECK(from_ulid >= before && from_ulid <= after, "%s", ulid);
    arena_free(a);
}

TEST(hex_ids_have_the_length_asked_for)
{
    arena *a = arena_new(NULL);

    for (size_t n = 0; n <= 64; n++)
        CHECK_INT(strlen(id_hex(a, n)), n);
    CHECK_INT(strlen(id_hex(a, 1000)), 64);
    arena_free(a);
}

TEST(random_bytes_of_every_length_look_random)
{
    unsigned char bytes[4096];
    unsigned ones = 0;

    for (size_t len = 0; len <= 600; len++)
        random_bytes(bytes, len);
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        ones += (unsigned)__builtin_popcount(bytes[i]);
    CHECK(ones > 4096 * 8 * 45 / 100 && ones < 4096 * 8 * 55 / 100, "%u ones", ones);
}

enum { THREADS = 4, IDS = 2000 };

static void *make_ids(void *arg)
{
    char **ids = arg;
    arena *a = (arena *)(void *)ids[IDS];

    for (int i = 0; i < IDS; i++)
        ids[i] = id_uuid7(a);
    return NULL;
}

TEST(threads_make_different_ids)
{
    static char *ids[THREADS][IDS + 1];
    pthread_t threads[THREADS];
    map *seen = map_new();

    for (int t = 0; t < THREADS; t++) {
        ids[t][IDS] = (char *)(void *)arena_new(NULL);
        CHECK_INT(pthread_create(&threads[t], NULL, make_ids, ids[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        for (int i = 0; i < IDS; i++)
            CHECK(map_put(seen, ids[t][i], seen) == NULL, "%s twice", ids[t][i]);
    }
    map_free(seen);
    for (int t = 0; t < THREADS; t++)
        arena_free((arena *)(void *)ids[t][IDS]);
}
