/* SPDX-License-Identifier: MIT */
/*
 * The heap, for what outlives every arena.  Running out of memory aborts: nothing above can do better.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/def.h"

void *mem_alloc(size_t size);
void *mem_zalloc(size_t count, size_t size); /* the product is checked */
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s); /* NULL gives NULL */

/* Gives memory that was freed back to the system when it is more than `keep` bytes.  Takes milliseconds, and other threads
 * wait for some of them: now and then, on a thread of the pool. */
void mem_trim(size_t keep);

/* Says what could not be allocated and aborts. */
void mem_die(const char *what, size_t size) NORETURN;

#endif
