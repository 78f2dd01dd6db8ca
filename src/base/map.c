/* SPDX-License-Identifier: MIT */
/* Hash maps: open addressing, linear probing, SipHash (libsodium's) with a key of the process. */
#include "base/map.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

typedef struct {
    char *key; /* NULL: free */
    void *value;
    uint64_t hash;
} slot;

struct map {
    slot *slots;
    size_t cap; /* a power of two */
    size_t used;
};

enum { FIRST_CAP = 16 };

static unsigned char hash_key[crypto_shorthash_KEYBYTES];

static void make_hash_key(void)
{
    random_bytes(hash_key, sizeof hash_key);
}

static uint64_t hash_of(const char *key)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t h;

    pthread_once(&once, make_hash_key);
    crypto_shorthash((unsigned char *)&h, (const unsigned char *)key, strlen(key), hash_key);
    return h;
}

map *map_new(void)
{
    map *m = mem_zalloc(1, sizeof *m);

    m->cap = FIRST_CAP;
    m->slots = mem_zalloc(m->cap, sizeof *m->slots);
    return m;
}

void map_free(map *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->cap; i++)
        free(m->slots[i].key);
    free(m->slots);
    free(m);
}

/* The slot of `key`, or the free one where it belongs. */
static slot *find(const map *m, const char *key, uint64_t hash)
{
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        slot *s = &m->slots[i];

        if (s->key == NULL || (s->hash == hash && strcmp(s->key, key) == 0))
            return s;
    }
}

static void grow(map *m)
{
    slot *old = m->slots;
    size_t old_cap = m->cap;

    m->cap *= 2;
    m->slots = mem_zalloc(m->cap, sizeof *m->slots);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].key != NULL)
            *find(m, old[i].key, old[i].hash) = old[i];
    free(old);
}

void *map_get(const map *m, const char *key)
{
    slot *s = find(m, key, hash_of(key));

    return s->key != NULL ? s->value : NULL;
}

void *map_put(map *m, const char *key, void *value)
{
    uint64_t hash = hash_of(key);
    slot *s = find(m, key, hash);
    void *before = NULL;

    if (s->key != NULL) {
        before = s->value;
        s->value = value;
        return before;
    }
    if ((m->used + 1) * 4 > m->cap * 3) {
        grow(m);
        s = find(m, key, hash);
    }
    *s = (slot){.key = mem_strdup(key), .value = value, .hash = hash};
    m->used++;
    return NULL;
}

void *map_take(map *m, const char *key)
{
    slot *s = find(m, key, hash_of(key));
    void *value = s->value;
    size_t hole, i;

    if (s->key == NULL)
        return NULL;
    free(s->key);
    hole = i = (size_t)(s - m->slots);
    for (;;) { /* closes the gap: moves back whatever could no longer be reached over it */
        size_t home;

        i = (i + 1) & (m->cap - 1);
        if (m->slots[i].key == NULL)
            break;
        home = m->slots[i].hash & (m->cap - 1);
        if (((i - home) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (slot){0};
    m->used--;
    return value;
}

size_t map_count(const map *m)
{
    return m->used;
}

bool map_next(const map *m, size_t *at, const char **key, void **value)
{
    while (*at < m->cap) {
        slot *s = &m->slots[(*at)++];

        if (s->key == NULL)
            continue;
        if (key != NULL)
            *key = s->key;
        if (value != NULL)
            *value = s->value;
        return true;
    }
    return false;
}
