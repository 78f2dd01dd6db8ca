/* SPDX-License-Identifier: MIT */
/*
 * Bounded tables with least-recently-used eviction.
 */
#include "auth/lru.h"

#include <stdlib.h>

#include "base/mem.h"

typedef struct {
    list_link link;
    char *key;
    max_align_t record[]; /* record_size bytes */
} entry;

void lru_setup(lru *t, size_t max, size_t record_size)
{
    *t = (lru){.max = max, .record_size = record_size, .by_key = map_new()};
    pthread_mutex_init(&t->lock, NULL);
    list_init(&t->order);
}

static void entry_free(lru *t, entry *e)
{
    map_take(t->by_key, e->key);
    list_remove(&e->link);
    free(e->key);
    free(e);
}

void lru_close(lru *t)
{
    while (!list_empty(&t->order))
        entry_free(t, LIST_OF(t->order.next, entry, link));
    map_free(t->by_key);
    pthread_mutex_destroy(&t->lock);
}

void lru_lock(lru *t)
{
    pthread_mutex_lock(&t->lock);
}

void lru_unlock(lru *t)
{
    pthread_mutex_unlock(&t->lock);
}

void *lru_find(lru *t, const char *key)
{
    entry *e = map_get(t->by_key, key);

    if (e == NULL)
        return NULL;
    list_remove(&e->link);
    list_append(&t->order, &e->link);
    return e->record;
}

void *lru_get(lru *t, const char *key)
{
    void *found = lru_find(t, key);
    entry *e;

    if (found != NULL)
        return found;
    if (map_count(t->by_key) >= t->max)
        entry_free(t, LIST_OF(t->order.next, entry, link));
    e = mem_zalloc(1, sizeof(*e) + t->record_size);
    e->key = mem_strdup(key);
    list_append(&t->order, &e->link);
    map_put(t->by_key, key, e);
    return e->record;
}

void lru_drop(lru *t, const char *key)
{
    entry *e = map_get(t->by_key, key);

    if (e != NULL)
        entry_free(t, e);
}

size_t lru_count(const lru *t)
{
    return map_count(t->by_key);
}
