/* SPDX-License-Identifier: MIT */
/*
 * The output limit: how many tokens of a result a model gets to see.
 *
 * Tokens are estimated from characters.  Plain text is cut at its end.  JSON stays valid: long strings are cut first, all to
 * the same length, so that short members (status, paths, counts) survive; when the structure itself is too much, lists are
 * shortened.  Either way the result says that it was cut and how long it was.
 */
#include "tool/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* Weights in twentieths of a token. */
enum { UNIT = 20, CJK = 12, LETTER = 5, DIGIT = 4, OTHER = 8 };
enum { NOTICE_TOKENS = 120, SHORTEST = 16, PASSES = 8, DEPTH = 200 };

static int weight(uint32_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return LETTER;
    if (c >= '0' && c <= '9')
        return DIGIT;
    if ((c >= 0x2e80 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
        (c >= 0xff00 && c <= 0xffef) || (c >= 0x20000 && c <= 0x3ffff))
        return CJK;
    return c < 0x80 ? OTHER : LETTER;
}

/* The next character of valid UTF-8; its length in *len. */
static uint32_t decode(const unsigned char *p, const unsigned char *end, size_t *len)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fU >> n);

    if ((size_t)(end - p) < n) {
        *len = 1;
        return p[0];
    }
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3fU);
    *len = n;
    return c;
}

/* How many bytes from the front are within `limit` tokens; *used is what they come to. */
static size_t fitting(const char *text, size_t len, int64_t limit, int64_t *used)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    int64_t units = 0, most = limit > INT64_MAX / UNIT ? INT64_MAX : limit * UNIT;

    while (p < end) {
        size_t n;
        int w = weight(decode(p, end, &n));

        if (units + w > most)
            break;
        units += w;
        p += n;
    }
    *used = (units + UNIT - 1) / UNIT;
    return (size_t)(p - (const unsigned char *)text);
}

int64_t tokens_estimate(const char *text, size_t len)
{
    int64_t used;

    fitting(text, len, INT64_MAX, &used);
    return used;
}

char *text_cut(arena *a, const char *text, int64_t limit)
{
    size_t len = strlen(text), keep;
    int64_t used;

    keep = fitting(text, len, limit, &used);
    if (keep == len)
        return arena_strdup(a, text);
    return arena_printf(a,
                        "%.*s\n\n[Result truncated] Original result is about %" PRId64
                        " tokens, which exceeds the %" PRId64 " token limit. Showing the first %" PRId64
                        " tokens only.",
                        (int)keep, text, tokens_estimate(text, len), limit, limit);
}

typedef struct {
    int64_t string_limit; /* tokens of one string */
    size_t item_limit;    /* items of one list or object */
} bounds;

static json_t *string_within(const json_t *v, const bounds *b)
{
    size_t len = json_string_length(v), keep;
    int64_t used;
    json_t *out;
    buf text = BUF_INIT(len + 128);

    keep = fitting(json_string_value(v), len, b->string_limit, &used);
    if (keep == len)
        return json_incref((json_t *)(uintptr_t)v);
    buf_add(&text, json_string_value(v), keep);
    buf_printf(&text, "… [cut: %zu of %zu bytes shown]", keep, len);
    out = json_stringn(text.data, text.len);
    buf_close(&text);
    return out;
}

static json_t *within(const json_t *v, const bounds *b, int depth);

static json_t *list_within(const json_t *v, const bounds *b, int depth)
{
    json_t *out = json_array(), *item;
    size_t i, n = json_array_size(v);
    char text[80];

    json_array_foreach(v, i, item)
    {
        if (i >= b->item_limit)
            break;
        json_array_append_new(out, within(item, b, depth + 1));
    }
    if (n > b->item_limit) {
        snprintf(text, sizeof text, "[cut: %zu of %zu items shown]", b->item_limit, n);
        json_array_append_new(out, json_string(text));
    }
    return out;
}

static json_t *object_within(const json_t *v, const bounds *b, int depth)
{
    json_t *out = json_object(), *value;
    const char *key;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)v, key, value) if (n++ < b->item_limit)
        json_object_set_new(out, key, within(value, b, depth + 1));
    return out;
}

static json_t *within(const json_t *v, const bounds *b, int depth)
{
    if (json_is_string(v))
        return string_within(v, b);
    if (depth > DEPTH && (json_is_array(v) || json_is_object(v)))
        return json_string("[cut: nested too deeply]");
    if (json_is_array(v))
        return list_within(v, b, depth);
    if (json_is_object(v))
        return object_within(v, b, depth);
    return json_incref((json_t *)(uintptr_t)v);
}

static int64_t tokens_of(const json_t *v)
{
    buf text = BUF_INIT(SIZE_MAX / 2);
    int64_t n;

    json_write(&text, v);
    n = tokens_estimate(buf_str(&text), text.len);
    buf_close(&text);
    return n;
}

/* The tokens of all strings, and how many lists and objects hold how much at most. */
typedef struct {
    int64_t *tokens;
    size_t n, cap, most_items;
} survey;

static void survey_value(survey *sv, const json_t *v, int depth)
{
    json_t *item;
    const char *key;
    size_t i;

    if (json_is_string(v)) {
        if (sv->n == sv->cap) {
            sv->cap = MAX_OF(sv->cap * 2, 256);
            sv->tokens = mem_realloc(sv->tokens, sv->cap * sizeof *sv->tokens);
        }
        sv->tokens[sv->n++] = tokens_estimate(json_string_value(v), json_string_length(v));
    }
    if (depth > DEPTH)
        return;
    if (json_is_array(v))
        sv->most_items = MAX_OF(sv->most_items, json_array_size(v));
    json_array_foreach(v, i, item) survey_value(sv, item, depth + 1);
    if (json_is_object(v))
        sv->most_items = MAX_OF(sv->most_items, json_object_size(v));
    json_object_foreach((json_t *)(uintptr_t)v, key, item) survey_value(sv, item, depth + 1);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* The length to which all longer strings must be cut so that together they have at most `room` tokens. */
static int64_t level(survey *sv, int64_t room)
{
    if (sv->n > 0)
        qsort(sv->tokens, sv->n, sizeof *sv->tokens, ascending);
    for (size_t i = 0; i < sv->n; i++) {
        int64_t each = room / (int64_t)(sv->n - i);

        if (sv->tokens[i] > each)
            return MAX_OF(each, SHORTEST);
        room -= sv->tokens[i];
    }
    return INT64_MAX;
}

static int64_t sum(const survey *sv)
{
    int64_t total = 0;

    for (size_t i = 0; i < sv->n; i++)
        total += sv->tokens[i];
    return total;
}

static json_t *marked(json_t *v, int64_t original, int64_t limit)
{
    char text[200];

    snprintf(text, sizeof text,
             "[Result truncated] Original result is about %" PRId64 " tokens, which exceeds the %" PRId64
             " token limit. Long texts and lists are shortened.",
             original, limit);
    if (json_is_object(v))
        json_set_str(v, "result_truncated", text);
    else if (json_is_array(v))
        json_array_append_new(v, json_string(text));
    return v;
}

json_t *value_cut(const json_t *v, int64_t limit)
{
    int64_t original = tokens_of(v), room = MAX_OF(limit - NOTICE_TOKENS, SHORTEST), strings = room;
    survey sv = {0};
    bounds b;
    json_t *out = NULL;

    if (original <= limit)
        return json_incref((json_t *)(uintptr_t)v);
    survey_value(&sv, v, 0);
    b.item_limit = MAX_OF(sv.most_items, 1);
    strings = room - (original - sum(&sv)); /* what structure and short members leave */
    for (int pass = 0; pass < PASSES * 4; pass++) {
        b.string_limit = level(&sv, MAX_OF(strings, 0));
        json_decref(out);
        out = within(v, &b, 0);
        if (tokens_of(out) <= room)
            break;
        if (strings > room / 4 || (pass < PASSES && b.string_limit > SHORTEST))
            strings -= MAX_OF(strings / 4, 64);
        else if (b.item_limit > 1)
            b.item_limit = MAX_OF(b.item_limit / 2, 1), strings = room / 2;
        else
            strings /= 2;
    }
    free(sv.tokens);
    return marked(out, original, limit);
}
