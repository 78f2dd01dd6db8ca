/* SPDX-License-Identifier: MIT */
/*
 * Hash maps from text to pointers.  Keys are copied; values are the caller's.  Not for keys whose number an outsider
 * controls without limit, although the hash is keyed per process.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/def.h"

typedef struct map map;

map *map_new(void);
void map_free(map *m); /* accepts NULL; frees keys, not values */

void *map_get(const map *m, const char *key);        /* NULL when absent */
void *map_put(map *m, const char *key, void *value); /* returns the value that was replaced, or NULL */
void *map_take(map *m, const char *key);             /* removes and returns, or NULL */
size_t map_count(const map *m);

/* Visits all entries in no order: start with *at = 0; false at the end.  The map must not change meanwhile. */
bool map_next(const map *m, size_t *at, const char **key, void **value);

#endif
