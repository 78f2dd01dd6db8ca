/* SPDX-License-Identifier: MIT */
/* The heap; see mem.h. */
#include "base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mem_die(const char *what, size_t size)
{
    fprintf(stderr, "sluice: out of memory: %s, %zu bytes\n", what, size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = malloc(size > 0 ? size : 1);

    if (p == NULL)
        mem_die("malloc", size);
    return p;
}

void *mem_zalloc(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1); /* calloc checks the product */

    if (p == NULL)
        mem_die("calloc", count);
    return p;
}

void *mem_realloc(void *p, size_t size)
{
    void *grown = realloc(p, size > 0 ? size : 1);

    if (grown == NULL)
        mem_die("realloc", size);
    return grown;
}

char *mem_strdup(const char *s)
{
    return s == NULL ? NULL : memcpy(mem_alloc(strlen(s) + 1), s, strlen(s) + 1);
}

void mem_trim(size_t keep)
{
    if (mallinfo2().fordblks > keep)
        malloc_trim(0);
}
