/* SPDX-License-Identifier: MIT */
/*
 * Arenas: memory that dies all at once.
 *
 * An arena grows in chunks and frees nothing singly.  Other resources can be tied to it with arena_defer(); they are
 * released in reverse order when the arena is reset or freed.  A child arena dies with its parent, or earlier.
 * Allocation never fails: when the system has no memory left the process aborts with a message.
 *
 * An arena belongs to one thread at a time; nothing here locks.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/def.h"

typedef struct arena arena;

/* A new arena.  `parent` may be NULL: then the caller owns it and must call arena_free(). */
arena *arena_new(arena *parent);

/* Releases everything: children, deferred calls (newest first), memory.  Accepts NULL. */
void arena_free(arena *a);

/* As arena_free(), but the arena can be used again; it keeps its smallest chunk. */
void arena_reset(arena *a);

/* Remembers how far the arena is filled; rewinding gives back everything that came later: memory, deferred calls (they run),
 * and all children, so none may have been made before the mark that is still needed. */
typedef struct {
    void *head, *behind, *deferred;
    size_t used;
} arena_mark;
arena_mark arena_mark_now(arena *a);
void arena_rewind(arena *a, arena_mark mark);

/* `size` bytes aligned for any type; contents undefined.  Size 0 gives a valid pointer. */
void *arena_alloc(arena *a, size_t size);

/* The same, zeroed; `count * size` is checked for overflow (aborts). */
void *arena_zalloc(arena *a, size_t count, size_t size);

#define arena_one(a, type) ((type *)arena_zalloc((a), 1, sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_zalloc((a), (n), sizeof(type)))

/* Copies.  arena_strdup(NULL) is NULL; arena_strndup() ends the copy with NUL. */
char *arena_strdup(arena *a, const char *s);
char *arena_strndup(arena *a, const char *s, size_t len);
void *arena_memdup(arena *a, const void *p, size_t len);
char *arena_printf(arena *a, const char *format, ...) PRINTF(2, 3);
char *arena_vprintf(arena *a, const char *format, va_list args) PRINTF(2, 0);

/* Calls fn(arg) when the arena is reset or freed. */
void arena_defer(arena *a, void (*fn)(void *arg), void *arg);

/* Bytes taken from the system by this arena, children left out. */
size_t arena_size(const arena *a);

#endif
