/* SPDX-License-Identifier: MIT */
/*
 * Bounded tables from text to small records, shared by all threads: when full, the entry used longest ago goes.
 *
 * For counters whose keys outsiders choose (account names, addresses).  The caller locks around every use, and must not park
 * meanwhile.
 */
#ifndef AUTH_LRU_H
#define AUTH_LRU_H

#include <pthread.h>

#include "base/list.h"
#include "base/map.h"

typedef struct {
    pthread_mutex_t lock;
    map *by_key;
    list_link order; /* used longest ago first */
    size_t max;
    size_t record_size;
} lru;

void lru_setup(lru *t, size_t max, size_t record_size);
void lru_close(lru *t);

void lru_lock(lru *t);
void lru_unlock(lru *t);

/* The record under `key`, now the most recently used; NULL when there is none. */
void *lru_find(lru *t, const char *key);

/* The same, or a new zeroed one. */
void *lru_get(lru *t, const char *key);

void lru_drop(lru *t, const char *key); /* harmless when absent */
size_t lru_count(const lru *t);

#endif
