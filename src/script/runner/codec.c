/* SPDX-License-Identifier: MIT */
/*
 * Text and bytes for scripts: UTF-8, base64, hex, JSON strings.  The engine's strings are UTF-16 that may hold lone surrogates.
 */
#include <string.h>

#include "script/runner/runner.h"

enum { REPLACEMENT = 0xFFFD, DIGITS_LARGE = 19 };

static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* The code point at *i, which moves past it. */
static uint32_t next_point(const JSChar *in, size_t n, size_t *i)
{
    uint32_t c = in[(*i)++];

    if (c < 0xD800 || c > 0xDFFF)
        return c;
    if (c > 0xDBFF || *i == n || in[*i] < 0xDC00 || in[*i] > 0xDFFF)
        return REPLACEMENT;
    return 0x10000 + ((c - 0xD800) << 10) + (in[(*i)++] - 0xDC00u);
}

size_t codec_utf8(const JSChar *in, size_t n, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < n;)
        len += put_utf8(next_point(in, n, &i), out + len);
    return len;
}

/* What the first byte of a sequence says: how many follow, and in which range the first of them must be (Unicode table 3-7). */
static int followers(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first >= 0xC2 && first <= 0xDF)
        return 1;
    if (first >= 0xE0 && first <= 0xEF)
        return 2;
    return first >= 0xF0 && first <= 0xF4 ? 3 : -1;
}

/* One sequence or, as the Encoding Standard has it, the longest front of one that is broken. */
static uint32_t next_sequence(const uint8_t *in, size_t n, size_t *i)
{
    uint8_t first = in[(*i)++], low, high;
    int more = followers(first, &low, &high);
    uint32_t c;

    if (first < 0x80)
        return first;
    if (more < 0)
        return UINT32_MAX;
    c = first & (0x3Fu >> more);
    for (; more > 0; more--, low = 0x80, high = 0xBF) {
        if (*i == n || in[*i] < low || in[*i] > high)
            return UINT32_MAX;
        c = c << 6 | (in[(*i)++] & 0x3F);
    }
    return c;
}

bool codec_utf16(const uint8_t *in, size_t n, JSChar *out, size_t *units)
{
    bool good = true;
    size_t len = 0;

    for (size_t i = 0; i < n;) {
        uint32_t c = next_sequence(in, n, &i);

        if (c == UINT32_MAX) {
            good = false;
            c = REPLACEMENT;
        }
        if (c < 0x10000) {
            out[len++] = (JSChar)c;
        } else {
            out[len++] = (JSChar)(0xD7C0 + (c >> 10));
            out[len++] = (JSChar)(0xDC00 + (c & 0x3FF));
        }
    }
    *units = len;
    return good;
}

/* ---- base64 and hex ---- */

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t codec_base64_size(size_t n)
{
    return (n + 2) / 3 * 4;
}

size_t codec_base64(const uint8_t *in, size_t n, bool url, char *out)
{
    const char *digits = url ? for_urls : standard;
    size_t i = 0, len = 0;

    for (; n - i >= 3; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

        out[len++] = digits[v >> 18];
        out[len++] = digits[v >> 12 & 63];
        out[len++] = digits[v >> 6 & 63];
        out[len++] = digits[v & 63];
    }
    if (i < n) {
        uint32_t v = (uint32_t)in[i] << 16 | (n - i == 2 ? (uint32_t)in[i + 1] << 8 : 0);

        out[len++] = digits[v >> 18];
        out[len++] = digits[v >> 12 & 63];
        if (n - i == 2)
            out[len++] = digits[v >> 6 & 63];
        for (size_t pad = n - i; !url && pad < 3; pad++)
            out[len++] = '=';
    }
    return len;
}

static int digit64(JSChar c, bool loose)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || (loose && c == '-'))
        return 62;
    return c == '/' || (loose && c == '_') ? 63 : -1;
}

static bool is_space(JSChar c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* The forgiving decoding of the Infra Standard; `loose`: up to the first '=', skipping what is no digit. */
bool codec_unbase64(const JSChar *in, size_t n, bool loose, uint8_t *out, size_t *len)
{
    size_t digits = 0, pads = 0, put = 0;
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++) {
        int d = digit64(in[i], loose);

        if (in[i] == '=') {
            if (loose)
                break;
            pads++;
        } else if (d >= 0 && pads == 0) {
            v = v << 6 | (uint32_t)d;
            if (++digits % 4 != 1)
                out[put++] = (uint8_t)(v >> (digits % 4 == 0 ? 0 : digits % 4 == 3 ? 2 : 4));
        } else if (!loose && !is_space(in[i])) {
            return false;
        }
    }
    *len = put;
    return loose || (pads == 0 ? digits % 4 != 1 : pads <= 2 && (digits + pads) % 4 == 0);
}

void codec_hex(const uint8_t *in, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
}

static int digit16(JSChar c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t codec_unhex(const JSChar *in, size_t n, uint8_t *out)
{
    size_t len = 0;

    for (size_t i = 0; i + 1 < n; i += 2) {
        int high = digit16(in[i]), low = digit16(in[i + 1]);

        if (high < 0 || low < 0)
            break;
        out[len++] = (uint8_t)(high << 4 | low);
    }
    return len;
}

/* ---- JSON ---- */

void codec_clean_json(char *json, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (json[i] != '\\')
            continue;
        i++; /* the escaped character, which may be a backslash itself */
        if (json[i] == 'u' && i + 4 < len &&
            (memcmp(json + i + 1, "0000", 4) == 0 ||
             ((json[i + 1] | 32) == 'd' && strchr("89abcdefABCDEF", json[i + 2]))))
            memcpy(json + i + 1, "fffd", 4);
    }
}

/* Readers refuse integers that do not fit 64 bits; with an exponent they are real numbers. */
static size_t end_integer(size_t digits, char *out)
{
    if (digits < DIGITS_LARGE)
        return 0;
    memcpy(out, "e0", 2);
    return 2;
}

size_t codec_tame_integers(const char *in, size_t len, char *out)
{
    size_t n = 0, digits = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        bool is_digit = !in_string && in[i] >= '0' && in[i] <= '9';

        if (!is_digit && in[i] != '.' && in[i] != 'e')
            n += end_integer(digits, out + n);
        digits = is_digit ? digits + 1 : 0;
        in_string = in_string != (in[i] == '"');
        out[n++] = in[i];
        if (in_string && in[i] == '\\' && i + 1 < len)
            out[n++] = in[++i];
    }
    return n + end_integer(digits, out + n);
}

static size_t put_escape(uint32_t c, char *out)
{
    static const char digits[] = "0123456789abcdef";

    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        return 2;
    }
    memcpy(out, "\\u00", 4);
    out[4] = digits[c >> 4];
    out[5] = digits[c & 15];
    return 6;
}

size_t codec_quote(const JSChar *in, size_t n, char *out)
{
    size_t len = 0;

    out[len++] = '"';
    for (size_t i = 0; i < n;) {
        uint32_t c = next_point(in, n, &i);

        if (c == 0)
            c = REPLACEMENT;
        len += c < 0x20 || c == '"' || c == '\\' ? put_escape(c, out + len) : put_utf8(c, out + len);
    }
    out[len++] = '"';
    return len;
}
