/* SPDX-License-Identifier: MIT */
/* Tests of base/map.c. */
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

TEST(put_get_take)
{
    map *m = map_new();
    int a, b;

    CHECK(map_get(m, "k") == NULL, "absent");
    CHECK(map_put(m, "k", &a) == NULL, "new");
    CHECK(map_put(m, "k", &b) == &a, "replaced");
    CHECK(map_get(m, "k") == &b, "the new one");
    CHECK_INT(map_count(m), 1);
    CHECK(map_take(m, "other") == NULL, "absent");
    CHECK(map_take(m, "k") == &b, "taken");
    CHECK(map_take(m, "k") == NULL, "gone");
    CHECK_INT(map_count(m), 0);
    map_free(m);
    map_free(NULL);
}

TEST(keys_are_copied_and_may_be_empty)
{
    map *m = map_new();
    char key[] = "first";
    int a, b;

    map_put(m, key, &a);
    memcpy(key, "other", 5);
    map_put(m, "", &b);
    CHECK(map_get(m, "first") == &a && map_get(m, "other") == NULL && map_get(m, "") == &b, "copied");
    map_free(m);
}

/* Against a plain array, with many removals: taking closes gaps in the table. */
TEST(random_puts_and_takes_agree_with_an_array)
{
    enum { KEYS = 300, STEPS = 60000 };
    static bool present[KEYS];
    static int values[KEYS];
    map *m = map_new();
    size_t count = 0;
    char key[16];

    srand(11);
    for (int step = 0; step < STEPS; step++) {
        int k = rand() % KEYS;
        void *before = present[k] ? &values[k] : NULL;

        snprintf(key, sizeof key, "key-%d", k);
        CHECK(map_get(m, key) == before, "step %d", step);
        if (rand() % 2 == 0) {
            CHECK(map_put(m, key, &values[k]) == before, "step %d", step);
            count += !present[k];
            present[k] = true;
        } else {
            CHECK(map_take(m, key) == before, "step %d", step);
            count -= present[k];
            present[k] = false;
        }
        CHECK_INT(map_count(m), count);
    }
    for (int k = 0; k < KEYS; k++) {
        snprintf(key, sizeof key, "key-%d", k);
        CHECK((map_get(m, key) != NULL) == present[k], "%s", key);
    }
    map_free(m);
}

TEST(next_visits_every_entry_once)
{
    enum { KEYS = 1000 };
    static int visits[KEYS];
    map *m = map_new();
    const char *name;
    size_t at = 0, n = 0;
    void *value;
    char key[16];

    for (int k = 0; k < KEYS; k++) {
        snprintf(key, sizeof key, "%d", k);
        map_put(m, key, &visits[k]);
    }
    for (; map_next(m, &at, &name, &value); n++) {
        ++*(int *)value;
        CHECK(value == &visits[strtol(name, NULL, 10)], "%s", name);
    }
    CHECK_INT(n, KEYS);
    for (int k = 0; k < KEYS; k++)
        CHECK_INT(visits[k], 1);
    at = 0;
    CHECK(map_next(m, &at, NULL, NULL), "what is not wanted may be NULL");
    map_free(m);
}
