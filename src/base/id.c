/* SPDX-License-Identifier: MIT */
/*
 * Identifiers; see id.h.  The time-ordered ones count up their random part within one millisecond, so that ids made one
 * after the other by a thread also sort that way.
 */
#include "base/id.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

/* The kernel's source costs a system call; a small stock per thread serves many ids. */
static THREAD_LOCAL unsigned char stock[512];
static THREAD_LOCAL size_t stock_left;

static void fill(void *out, size_t len)
{
    unsigned char *p = out;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            mem_die("random bytes", len);
        p += n;
        len -= (size_t)n;
    }
}

void random_bytes(void *out, size_t len)
{
    if (len > sizeof stock / 4) {
        fill(out, len);
        return;
    }
    if (stock_left < len) {
        fill(stock, sizeof stock);
        stock_left = sizeof stock;
    }
    stock_left -= len;
    memcpy(out, stock + stock_left, len);
    explicit_bzero(stock + stock_left, len); /* a used byte never stays behind */
}

static char *put_dashes(arena *a, const char hex[33])
{
    char *out = arena_alloc(a, 37);
    size_t n = 0;

    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[n++] = '-';
        out[n++] = hex[i];
    }
    out[n] = '\0';
    return out;
}

const char *id_dashed(arena *a, const char *id)
{
    return id != NULL && strlen(id) == 32 ? put_dashes(a, id) : id;
}

static char *uuid_text(arena *a, const unsigned char b[16])
{
    char hex[33];

    hex_encode(b, 16, hex);
    return put_dashes(a, hex);
}

static void draw_uuid4(unsigned char b[16])
{
    random_bytes(b, 16);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
}

char *id_uuid4(arena *a)
{
    unsigned char b[16];

    draw_uuid4(b);
    return uuid_text(a, b);
}

char *id_uuid4_hex(arena *a)
{
    unsigned char b[16];
    char *hex = arena_alloc(a, 33);

    draw_uuid4(b);
    hex_encode(b, 16, hex);
    return hex;
}

/* 48 bits of milliseconds and 80 random bits; within one millisecond the random part counts up. */
static void timed(unsigned char out[16])
{
    static THREAD_LOCAL unsigned char last[16];
    static THREAD_LOCAL uint64_t last_ms;
    uint64_t ms = (uint64_t)(clock_wall() / 1000);

    if (ms <= last_ms) {
        for (size_t i = 15; i >= 6 && ++last[i] == 0; i--)
            ;
    } else {
        last_ms = ms;
        for (size_t i = 0; i < 6; i++)
            last[i] = (unsigned char)(ms >> (8 * (5 - i)));
        random_bytes(last + 6, 10);
        last[6] &= 0x7f; /* room to count */
    }
    memcpy(out, last, 16);
}

char *id_uuid7(arena *a)
{
    static THREAD_LOCAL unsigned char last[16];
    static THREAD_LOCAL uint64_t last_ms;
    unsigned char b[16];
    uint64_t ms = (uint64_t)(clock_wall() / 1000);

    /* The version and variant bits cut the random part in two, so it counts in what follows both: the last seven bytes. */
    if (ms <= last_ms) {
        for (size_t i = 15; i >= 9 && ++last[i] == 0; i--)
            ;
    } else {
        last_ms = ms;
        for (size_t i = 0; i < 6; i++)
            last[i] = (unsigned char)(ms >> (8 * (5 - i)));
        random_bytes(last + 6, 10);
        last[9] &= 0x7f;
    }
    memcpy(b, last, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x70);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    return uuid_text(a, b);
}

char *id_ulid(arena *a)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char b[16];
    char *out = arena_alloc(a, 27);
    unsigned bits = 0, held = 2; /* 130 bits of digits for 128 of data: two zero bits lead */
    size_t n = 0;

    timed(b);
    for (size_t i = 0; i < sizeof b; i++) {
        bits = (bits << 8) | b[i];
        held += 8;
        while (held >= 5) {
            held -= 5;
            out[n++] = digits[(bits >> held) & 31];
        }
    }
    out[n] = '\0';
    return out;
}

char *id_hex(arena *a, size_t chars)
{
    unsigned char b[32];
    char hex[65];

    chars = MIN_OF(chars, (size_t)64);
    random_bytes(b, (chars + 1) / 2);
    hex_encode(b, (chars + 1) / 2, hex);
    return arena_strndup(a, hex, chars);
}
