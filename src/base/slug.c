/* SPDX-License-Identifier: MIT */
/* See slug.h. */
#include "base/slug.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* Latin-1 letters and Latin Extended-A without their accents, from U+00C0 on. */
static const char *const latin[] = {
    "A", "A", "A",  "A", "A", "A", "Ae", "C",  "E", "E", "E",  "E",  "I", "I", "I",  "I",  "D", "N", "O",  "O",
    "O", "O", "O",  "",  "O", "U", "U",  "U",  "U", "Y", "Th", "ss", "a", "a", "a",  "a",  "a", "a", "ae", "c",
    "e", "e", "e",  "e", "i", "i", "i",  "i",  "d", "n", "o",  "o",  "o", "o", "o",  "",   "o", "u", "u",  "u",
    "u", "y", "th", "y", "A", "a", "A",  "a",  "A", "a", "C",  "c",  "C", "c", "C",  "c",  "C", "c", "D",  "d",
    "D", "d", "E",  "e", "E", "e", "E",  "e",  "E", "e", "E",  "e",  "G", "g", "G",  "g",  "G", "g", "G",  "g",
    "H", "h", "H",  "h", "I", "i", "I",  "i",  "I", "i", "I",  "i",  "I", "i", "Ij", "ij", "J", "j", "K",  "k",
    "k", "L", "l",  "L", "l", "L", "l",  "L",  "l", "L", "l",  "N",  "n", "N", "n",  "N",  "n", "n", "N",  "n",
    "O", "o", "O",  "o", "O", "o", "Oe", "oe", "R", "r", "R",  "r",  "R", "r", "S",  "s",  "S", "s", "S",  "s",
    "S", "s", "T",  "t", "T", "t", "T",  "t",  "U", "u", "U",  "u",  "U", "u", "U",  "u",  "U", "u", "U",  "u",
    "W", "w", "Y",  "y", "Y", "Z", "z",  "Z",  "z", "Z", "z",  "s",
};
enum { LATIN_FIRST = 0xC0 };

/* ASCII letters and digits, and ' ' for whatever stands between words. */
static char *plain(arena *a, const char *text)
{
    buf *b = buf_new(a, 2 * strlen(text) + 1);

    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        unsigned code = 0;

        if (*p < 0x80) {
            buf_putc(b, (char)*p);
            continue;
        }
        if (*p >= 0xC3 && *p <= 0xC5 && (p[1] & 0xC0) == 0x80)
            code = (unsigned)(*p & 0x1F) << 6 | (p[1] & 0x3F);
        while ((p[1] & 0xC0) == 0x80)
            p++;
        if (code >= LATIN_FIRST && code - LATIN_FIRST < COUNT(latin) && *latin[code - LATIN_FIRST] != '\0')
            buf_puts(b, latin[code - LATIN_FIRST]);
        else
            buf_putc(b, ' ');
    }
    return arena_strdup(a, buf_str(b));
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_lower(c) || is_upper(c) || is_digit(c);
}

/* Whether a word begins at *p: after a separator, at fooBar, at 2Bar, and before the last capital of FOOBar. */
static bool begins_word(const char *text, const char *p)
{
    if (p == text || !is_word(p[-1]))
        return true;
    if (!is_upper(*p))
        return false;
    return is_lower(p[-1]) || is_digit(p[-1]) || is_lower(p[1]);
}

static size_t cut_at(const char *slug, size_t max)
{
    size_t len = MIN_OF(strlen(slug), max);

    while (len > 0 && slug[len - 1] == '_')
        len--;
    return len;
}

char *slug_make(arena *a, const char *text, const char *fallback, size_t max)
{
    const char *from = plain(a, text);
    buf *b = buf_new(a, 2 * strlen(from) + 2);

    for (const char *p = from; *p != '\0'; p++) {
        if (!is_word(*p))
            continue;
        if (b->len == 0 && is_digit(*p))
            buf_putc(b, '_');
        else if (b->len > 0 && begins_word(from, p))
            buf_putc(b, '_');
        buf_putc(b, is_upper(*p) ? (char)(*p - 'A' + 'a') : *p);
    }
    if (b->len == 0)
        return arena_strdup(a, fallback);
    return arena_strndup(a, buf_str(b), cut_at(buf_str(b), max));
}

char *slug_numbered(arena *a, const char *slug, size_t n, size_t max)
{
    char suffix[24];
    int len;

    if (n <= 1)
        return arena_strdup(a, slug);
    len = snprintf(suffix, sizeof suffix, "_%zu", n);
    return arena_printf(a, "%.*s%s", (int)cut_at(slug, max - (size_t)len), slug, suffix);
}

char *slug_camel(arena *a, const char *slug)
{
    char *out = arena_alloc(a, strlen(slug) + 1), *to = out;

    for (const char *p = slug; *p != '\0'; p++) {
        if (*p == '_' && p > slug && p[1] != '\0') {
            p++;
            *to++ = is_lower(*p) ? (char)(*p - 'a' + 'A') : *p;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
    return out;
}

bool slug_is_identifier(const char *text)
{
    if (*text == '\0' || is_digit(*text))
        return false;
    for (; *text != '\0'; text++)
        if (!is_word(*text) && *text != '_' && *text != '$' && (unsigned char)*text < 0x80)
            return false;
    return true;
}
