/* SPDX-License-Identifier: MIT */
/*
 * Growing byte buffers, each made with the maximum it may reach.
 *
 * Writers never fail one by one: a write past the maximum sets `overflow` and is dropped, and whoever hands the bytes
 * on checks once (buf_ok).  `data` is always NUL-terminated after a write, so it can be read as a string.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/arena.h"

typedef struct {
    char *data; /* NULL until the first write */
    size_t len;
    size_t cap;
    size_t max;
    bool overflow;
} buf;

#define BUF_INIT(maximum) ((buf){.max = (maximum)})

void buf_close(buf *b);    /* frees the bytes; the buffer can be used again */
void buf_reset(buf *b);    /* empties it, keeps the memory */
bool buf_ok(const buf *b); /* nothing was dropped */

/* A buffer that is closed with the arena. */
buf *buf_new(arena *a, size_t max);

void buf_add(buf *b, const void *p, size_t len);
void buf_puts(buf *b, const char *s);
void buf_putc(buf *b, char c);
void buf_printf(buf *b, const char *format, ...) PRINTF(2, 3);
void buf_vprintf(buf *b, const char *format, va_list args) PRINTF(2, 0);
void buf_int(buf *b, int64_t n);

/* Room for `len` more bytes at the end, to be filled and then counted with `b->len +=`; NULL past the maximum.  After
 * filling less than that, the bytes end with NUL again only through buf_str() or the next write. */
char *buf_reserve(buf *b, size_t len);

/* Drops the first `len` bytes. */
void buf_consume(buf *b, size_t len);

/* The bytes as a string: "" when empty.  Valid until the next write. */
const char *buf_str(const buf *b);

#endif
