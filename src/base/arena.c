/* SPDX-License-Identifier: MIT */
/*
 * Arenas.  The first chunk is small, because ten thousand streams each hold one; from the third on they double up to a limit.
 * An allocation larger than a quarter of the next chunk gets a chunk of its own, so that it wastes nothing.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* AddressSanitizer sees the bounds of what is inside a chunk: all of it is poisoned until it is handed out, with a gap
 * after each piece. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
enum { GAP = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
enum { GAP = 0 };
#endif

enum { ALIGN = 16, FIRST_CHUNK = 1024, LARGEST_CHUNK = 65536 };

typedef struct chunk {
    struct chunk *next;
    size_t size; /* of the bytes that follow */
    size_t used;
    size_t pad; /* keeps `bytes` aligned */
    char bytes[];
} chunk;

typedef struct deferred {
    struct deferred *next;
    void (*fn)(void *arg);
    void *arg;
} deferred;

struct arena {
    chunk *chunks; /* newest first; allocation happens in the head */
    deferred *deferred;
    arena *parent, *children, *next, *prev; /* siblings */
    size_t next_size;
    size_t total;
};

_Static_assert(sizeof(chunk) % ALIGN == 0, "chunk bytes must be aligned");

static chunk *chunk_new(arena *a, size_t size)
{
    size_t total;
    chunk *c;

    if (ADD_OVERFLOWS(size, sizeof(chunk), &total))
        mem_die("arena chunk", size);
    c = mem_alloc(total);
    c->size = size;
    c->used = 0;
    c->next = NULL;
    a->total += total;
    ASAN_POISON_MEMORY_REGION(c->bytes, size);
    return c;
}

arena *arena_new(arena *parent)
{
    arena *a = mem_zalloc(1, sizeof *a);

    a->next_size = FIRST_CHUNK - sizeof(chunk);
    a->total = sizeof *a;
    a->parent = parent;
    if (parent != NULL) {
        a->next = parent->children;
        if (a->next != NULL)
            a->next->prev = a;
        parent->children = a;
    }
    return a;
}

static void run_deferred(arena *a)
{
    while (a->deferred != NULL) {
        deferred *d = a->deferred;

        a->deferred = d->next;
        d->fn(d->arg);
    }
}

static void free_chunks(arena *a, chunk *keep)
{
    chunk *c = a->chunks;

    while (c != NULL) {
        chunk *next = c->next;

        if (c != keep) {
            a->total -= c->size + sizeof(chunk);
            ASAN_UNPOISON_MEMORY_REGION(c->bytes, c->size);
            free(c);
        }
        c = next;
    }
    a->chunks = keep;
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
        ASAN_POISON_MEMORY_REGION(keep->bytes, keep->size);
    }
}

static void unlink_from_parent(arena *a)
{
    if (a->prev != NULL)
        a->prev->next = a->next;
    else if (a->parent != NULL)
        a->parent->children = a->next;
    if (a->next != NULL)
        a->next->prev = a->prev;
}

static void release(arena *a)
{
    do {
        while (a->children != NULL)
            arena_free(a->children); /* unlinks itself; nesting is as deep as scopes nest */
        run_deferred(a);
    } while (a->children != NULL); /* a deferred call may have made one */
}

void arena_free(arena *a)
{
    if (a == NULL)
        return;
    release(a);
    free_chunks(a, NULL);
    unlink_from_parent(a);
    free(a);
}

void arena_reset(arena *a)
{
    chunk *smallest;

    release(a);
    smallest = a->chunks;
    for (chunk *c = a->chunks; c != NULL; c = c->next)
        if (c->size < smallest->size)
            smallest = c;
    if (smallest != NULL && smallest->size > LARGEST_CHUNK)
        smallest = NULL;
    free_chunks(a, smallest);
    a->next_size = FIRST_CHUNK - sizeof(chunk);
}

arena_mark arena_mark_now(arena *a)
{
    if (a->chunks == NULL)
        arena_alloc(a, 0); /* so that there is a place to go back to */
    return (arena_mark){.head = a->chunks, .behind = a->chunks->next, .deferred = a->deferred, .used = a->chunks->used};
}

/* Frees the chunks from `*at` to `end`, which stays. */
static void drop_chunks(arena *a, chunk **at, const chunk *end)
{
    while (*at != end) {
        chunk *c = *at;

        *at = c->next;
        a->total -= c->size + sizeof(chunk);
        ASAN_UNPOISON_MEMORY_REGION(c->bytes, c->size);
        free(c);
    }
}

void arena_rewind(arena *a, arena_mark mark)
{
    chunk *head = mark.head;

    while (a->children != NULL)
        arena_free(a->children);
    while (a->deferred != mark.deferred) {
        deferred *d = a->deferred;

        a->deferred = d->next;
        d->fn(d->arg);
    }
    drop_chunks(a, &a->chunks, head);
    drop_chunks(a, &head->next, mark.behind);
    ASAN_POISON_MEMORY_REGION(head->bytes + mark.used, head->size - mark.used);
    head->used = mark.used;
    a->next_size = FIRST_CHUNK - sizeof(chunk);
}

void *arena_alloc(arena *a, size_t size)
{
    size_t rounded;
    chunk *c = a->chunks;
    void *p;

    if (ADD_OVERFLOWS(size, (size_t)(ALIGN - 1 + GAP), &rounded))
        mem_die("arena", size);
    rounded &= ~(size_t)(ALIGN - 1);
    if (c == NULL || c->size - c->used < rounded) {
        bool alone = c != NULL && rounded > a->next_size / 4;

        if (alone) { /* behind the head, which may still have room */
            chunk *own = chunk_new(a, rounded);

            own->used = rounded;
            own->next = c->next;
            c->next = own;
            ASAN_UNPOISON_MEMORY_REGION(own->bytes, size);
            return own->bytes;
        }
        c = chunk_new(a, MAX_OF(rounded, a->next_size));
        c->next = a->chunks;
        a->chunks = c;
        if (c->next != NULL) /* most arenas of a stream need a little more than the first chunk, and never more */
            a->next_size = MIN_OF(a->next_size * 2, (size_t)LARGEST_CHUNK);
    }
    p = c->bytes + c->used;
    c->used += rounded;
    ASAN_UNPOISON_MEMORY_REGION(p, size);
    return p;
}

void *arena_zalloc(arena *a, size_t count, size_t size)
{
    size_t total;
    void *p;

    if (MUL_OVERFLOWS(count, size, &total))
        mem_die("arena array", count);
    p = arena_alloc(a, total);
    if (total > 0)
        memset(p, 0, total);
    return p;
}

char *arena_strdup(arena *a, const char *s)
{
    return s == NULL ? NULL : arena_strndup(a, s, strlen(s));
}

char *arena_strndup(arena *a, const char *s, size_t len)
{
    char *copy = arena_alloc(a, len + 1);

    if (len > 0)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void *arena_memdup(arena *a, const void *p, size_t len)
{
    void *copy = arena_alloc(a, len);

    if (len > 0)
        memcpy(copy, p, len);
    return copy;
}

char *arena_vprintf(arena *a, const char *format, va_list args)
{
    va_list again;
    char *out;
    int len;

    if (format == NULL)
        mem_die("no format", 0); /* also tells the compiler, which warns under UBSan */
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len < 0)
        mem_die("formatting", 0);
    out = arena_alloc(a, (size_t)len + 1);
    vsnprintf(out, (size_t)len + 1, format, again);
    va_end(again);
    return out;
}

char *arena_printf(arena *a, const char *format, ...)
{
    va_list args;
    char *out;

    va_start(args, format);
    out = arena_vprintf(a, format, args);
    va_end(args);
    return out;
}

void arena_defer(arena *a, void (*fn)(void *arg), void *arg)
{
    deferred *d = arena_alloc(a, sizeof *d);

    *d = (deferred){.next = a->deferred, .fn = fn, .arg = arg};
    a->deferred = d;
}

size_t arena_size(const arena *a)
{
    return a->total;
}
