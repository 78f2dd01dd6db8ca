/* SPDX-License-Identifier: MIT */
/* Strings and slices; see str.h. */
#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

str str_of(const char *s)
{
    return (str){s != NULL ? s : "", s != NULL ? strlen(s) : 0};
}

char *str_dup(arena *a, str s)
{
    return arena_strndup(a, s.p, s.len);
}

bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool str_is(str a, const char *b)
{
    return str_eq(a, str_of(b));
}

bool str_is_nocase(str a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || strncasecmp(a.p, b, a.len) == 0);
}

bool str_starts(str s, const char *prefix)
{
    size_t n = strlen(prefix);

    return s.len >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

bool str_ends(str s, const char *suffix)
{
    size_t n = strlen(suffix);

    return s.len >= n && (n == 0 || memcmp(s.p + s.len - n, suffix, n) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

str str_trim(str s)
{
    while (s.len > 0 && is_space(s.p[0]))
        s = (str){s.p + 1, s.len - 1};
    while (s.len > 0 && is_space(s.p[s.len - 1]))
        s.len--;
    return s;
}

bool str_next(str *rest, char sep, str *part)
{
    const char *at;

    if (rest->p == NULL)
        return false;
    at = rest->len > 0 ? memchr(rest->p, sep, rest->len) : NULL;
    if (at == NULL) {
        *part = *rest;
        *rest = (str){NULL, 0};
        return true;
    }
    *part = (str){rest->p, (size_t)(at - rest->p)};
    *rest = (str){at + 1, rest->len - part->len - 1};
    return true;
}

ptrdiff_t str_find(str s, str needle)
{
    const char *at;

    if (needle.len == 0)
        return 0;
    at = s.len > 0 ? memmem(s.p, s.len, needle.p, needle.len) : NULL;
    return at != NULL ? at - s.p : -1;
}

bool cstr_eq(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool cstr_starts(const char *s, const char *prefix)
{
    return s != NULL && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool cstr_ends(const char *s, const char *suffix)
{
    return s != NULL && str_ends(str_of(s), suffix);
}

bool cstr_blank(const char *s)
{
    return s == NULL || str_trim(str_of(s)).len == 0;
}

bool str_to_int(str s, int64_t *out)
{
    bool negative = s.len > 0 && s.p[0] == '-';
    int64_t n = 0;
    size_t i = negative ? 1 : 0;

    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || MUL_OVERFLOWS(n, (int64_t)10, &n))
            return false;
        if (negative ? __builtin_sub_overflow(n, (int64_t)(s.p[i] - '0'), &n)
                     : __builtin_add_overflow(n, (int64_t)(s.p[i] - '0'), &n))
            return false;
    }
    *out = n;
    return true;
}

bool str_to_double(str s, double *out)
{
    char text[64], *end;
    double n;

    if (s.len == 0 || s.len >= sizeof text || (!isdigit((unsigned char)s.p[0]) && s.p[0] != '-' && s.p[0] != '.'))
        return false;
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    if (strpbrk(text, "xXnNiIpP") != NULL) /* hexadecimal, nan, inf */
        return false;
    n = strtod(text, &end);
    if (end != text + s.len || !isfinite(n)) /* a NUL in the middle ends it early */
        return false;
    *out = n;
    return true;
}

/* The number at the front of `s`; the rest is the unit. */
static bool split_unit(str s, int64_t *number, str *unit)
{
    size_t digits = 0;

    while (digits < s.len && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    *unit = (str){s.p + digits, s.len - digits};
    return str_to_int((str){s.p, digits}, number);
}

typedef struct {
    const char *name;
    int64_t factor;
} unit_factor;

static bool scale(str s, const unit_factor *units, size_t n, int64_t *out)
{
    int64_t number, scaled;
    str unit;

    if (!split_unit(s, &number, &unit))
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_is_nocase(unit, units[i].name)) {
            if (MUL_OVERFLOWS(number, units[i].factor, &scaled))
                return false;
            *out = scaled;
            return true;
        }
    return false;
}

bool str_to_bytes(str s, int64_t *bytes)
{
    static const unit_factor units[] = {
        {"", 1},         {"B", 1},        {"K", 1 << 10},   {"M", 1 << 20},   {"G", 1 << 30},   {"KB", 1 << 10},
        {"MB", 1 << 20}, {"GB", 1 << 30}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
    };

    return scale(s, units, COUNT(units), bytes);
}

bool str_to_duration(str s, int64_t *nanoseconds)
{
    static const unit_factor units[] = {
        {"", SECONDS(1)},  {"ms", MILLISECONDS(1)}, {"s", SECONDS(1)},
        {"m", MINUTES(1)}, {"h", MINUTES(60)},      {"d", MINUTES(60 * 24)},
    };

    return scale(s, units, COUNT(units), nanoseconds);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_decode(arena *a, str s, bool plus, char **out)
{
    char *decoded = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        int high, low;

        if (s.p[i] != '%') {
            decoded[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
            continue;
        }
        if (i + 2 >= s.len || (high = hex_digit(s.p[i + 1])) < 0 || (low = hex_digit(s.p[i + 2])) < 0 ||
            high + low == 0)
            return false;
        decoded[n++] = (char)(high * 16 + low);
        i += 2;
    }
    decoded[n] = '\0';
    if (memchr(decoded, '\0', n) != NULL)
        return false;
    *out = decoded;
    return true;
}

char *percent_encode(arena *a, str s)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t room, n = 0;
    char *out;

    if (MUL_OVERFLOWS(s.len, (size_t)3, &room) || ADD_OVERFLOWS(room, (size_t)1, &room))
        return arena_strdup(a, "");
    out = arena_alloc(a, room);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x80 && (isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[c >> 4];
        out[n++] = digits[c & 15];
    }
    out[n] = '\0';
    return out;
}

void hex_encode(const void *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

bool hex_decode(str hex, void *out, size_t len)
{
    unsigned char *p = out;

    if (hex.len / 2 != len || hex.len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        p[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

/* The length of the sequence at `s`, or 0 when it is not well-formed (RFC 3629 section 4). */
static size_t utf8_step(const unsigned char *s, size_t left)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

    if (len == 1)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

size_t utf8_span(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t i = 0, step;

    while (i < len && (step = utf8_step(p + i, len - i)) != 0)
        i += step;
    return i;
}

bool utf8_valid(const char *s, size_t len)
{
    return utf8_span(s, len) == len;
}

size_t utf8_count(str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

size_t utf8_whole(const char *s, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)s[len - back];
        size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

        if ((c & 0xc0) != 0x80)
            return need > back ? len - back : len;
    }
    return len;
}

str utf8_prefix(str s, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.p[i] & 0xc0) != 0x80 && n++ == max)
            return (str){s.p, i};
    return s;
}
