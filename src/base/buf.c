/* SPDX-License-Identifier: MIT */
/* Growing byte buffers; see buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SMALLEST = 64 };

void buf_close(buf *b)
{
    free(b->data);
    *b = BUF_INIT(b->max);
}

void buf_reset(buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

bool buf_ok(const buf *b)
{
    return !b->overflow;
}

static void close_deferred(void *arg)
{
    buf_close(arg);
}

buf *buf_new(arena *a, size_t max)
{
    buf *b = arena_one(a, buf);

    b->max = max;
    arena_defer(a, close_deferred, b);
    return b;
}

char *buf_reserve(buf *b, size_t len)
{
    size_t need, cap;

    if (b->overflow || ADD_OVERFLOWS(b->len, len, &need) || need > b->max || need == SIZE_MAX) {
        b->overflow = true;
        return NULL;
    }
    if (need + 1 > b->cap) {
        cap = MAX_OF(b->cap, (size_t)SMALLEST);
        while (cap < need + 1)
            cap = cap > SIZE_MAX / 2 ? need + 1 : cap * 2;
        if (cap - 1 > b->max)
            cap = b->max + 1;
        b->data = mem_realloc(b->data, cap);
        b->cap = cap;
    }
    b->data[need] = '\0';
    return b->data + b->len;
}

void buf_add(buf *b, const void *p, size_t len)
{
    char *room = buf_reserve(b, len);

    if (room == NULL)
        return;
    if (len > 0)
        memcpy(room, p, len);
    b->len += len;
}

void buf_puts(buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_putc(buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_vprintf(buf *b, const char *format, va_list args)
{
    size_t room = b->overflow || b->cap <= b->len ? 0 : b->cap - b->len;
    va_list again;
    char *to;
    int len;

    va_copy(again, args);
    len = vsnprintf(room > 0 ? b->data + b->len : NULL, room, format, args);
    if (len < 0)
        mem_die("formatting", 0);
    if ((size_t)len < room) {
        b->len += (size_t)len;
    } else {
        if (room > 0)
            b->data[b->len] = '\0'; /* the beginning was written */
        if ((to = buf_reserve(b, (size_t)len)) != NULL) {
            vsnprintf(to, (size_t)len + 1, format, again);
            b->len += (size_t)len;
        }
    }
    va_end(again);
}

void buf_printf(buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_int(buf *b, int64_t n)
{
    char digits[24];
    char *p = digits + sizeof digits;
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0)
        *--p = '-';
    buf_add(b, p, (size_t)(digits + sizeof digits - p));
}

void buf_consume(buf *b, size_t len)
{
    if (len >= b->len) {
        buf_reset(b);
        return;
    }
    memmove(b->data, b->data + len, b->len - len + 1);
    b->len -= len;
}

const char *buf_str(const buf *b)
{
    if (b->data == NULL)
        return "";
    b->data[b->len] = '\0'; /* after buf_reserve() only part of the room may have been used */
    return b->data;
}
