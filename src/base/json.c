/* SPDX-License-Identifier: MIT */
/* JSON documents and direct writing; see json.h. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { JSON_WRITE_NESTING = 2 * JSON_MAX_NESTING };

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static bool too_deep(json_fault *fault, size_t at)
{
    fault->offset = at;
    snprintf(fault->reason, sizeof fault->reason, "nested deeper than %d levels", JSON_MAX_NESTING);
    return false;
}

static bool too_many(json_fault *fault, size_t at)
{
    fault->offset = at;
    snprintf(fault->reason, sizeof fault->reason, "more than %d arrays and objects", JSON_MAX_CONTAINERS);
    return false;
}

/* Bounds the nesting before the recursive parser runs: its stack use is then known.  And the containers: an empty object
 * takes more than a hundred times the memory of its text. */
static bool shape_ok(const char *text, size_t len, json_fault *fault)
{
    size_t depth = 0, containers = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_MAX_NESTING)
                return too_deep(fault, i);
            if (++containers > JSON_MAX_CONTAINERS)
                return too_many(fault, i);
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return true;
}

static void decref(void *v)
{
    json_decref(v);
}

json_t *json_hold(arena *a, json_t *owned)
{
    if (owned == NULL)
        mem_die("json value", 0);
    arena_defer(a, decref, owned);
    return owned;
}

err json_parse(arena *a, const char *text, size_t len, json_fault *fault, json_t **out)
{
    const char *nul = len > 0 ? memchr(text, '\0', len) : NULL;
    json_fault unused;
    json_error_t e;
    json_t *v;

    fault = fault != NULL ? fault : &unused;
    if (nul != NULL) { /* jansson takes one at the end for the end */
        fault->offset = (size_t)(nul - text);
        snprintf(fault->reason, sizeof fault->reason, "a NUL byte");
        return ERR_INVALID;
    }
    if (!shape_ok(text, len, fault))
        return ERR_INVALID;
    v = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    if (v == NULL) {
        fault->offset = e.position > 0 ? (size_t)e.position : 0;
        snprintf(fault->reason, sizeof fault->reason, "%s", e.text);
        return ERR_INVALID;
    }
    *out = json_hold(a, v);
    return OK;
}

char *json_text(arena *a, const json_t *v)
{
    buf b = BUF_INIT(SIZE_MAX - 1);
    char *text;

    json_write(&b, v);
    text = arena_strndup(a, buf_str(&b), b.len);
    buf_close(&b);
    return text;
}

const char *json_get_str(const json_t *object, const char *key, const char *fallback)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s != NULL ? s : fallback;
}

int64_t json_get_int(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *v = json_object_get(object, key);

    return json_is_integer(v) ? json_integer_value(v) : fallback;
}

double json_get_num(const json_t *object, const char *key, double fallback)
{
    const json_t *v = json_object_get(object, key);

    return json_is_number(v) ? json_number_value(v) : fallback;
}

bool json_get_bool(const json_t *object, const char *key, bool fallback)
{
    const json_t *v = json_object_get(object, key);

    return json_is_boolean(v) ? json_is_true(v) : fallback;
}

json_t *json_get_obj(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);

    return json_is_object(v) ? v : NULL;
}

json_t *json_get_arr(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);

    return json_is_array(v) ? v : NULL;
}

void json_set(json_t *object, const char *key, json_t *owned)
{
    if (json_object_set_new(object, key, owned) != 0)
        mem_die("json member", 0);
}

/* A string that jansson takes: what is not UTF-8 becomes U+FFFD. */
static json_t *clean_string(const char *s, size_t len)
{
    buf b = BUF_INIT(SIZE_MAX - 1);
    json_t *v;

    while (len > 0) {
        size_t good = utf8_span(s, len);

        buf_add(&b, s, good);
        if (good == len)
            break;
        buf_puts(&b, REPLACEMENT);
        s += good + 1;
        len -= good + 1;
    }
    v = json_stringn(buf_str(&b), b.len);
    buf_close(&b);
    return v;
}

json_t *json_str(const char *s)
{
    json_t *v;

    if (s == NULL)
        return json_null();
    v = json_string(s);
    if (v == NULL)
        v = clean_string(s, strlen(s));
    if (v == NULL)
        mem_die("json string", 0);
    return v;
}

void json_set_str(json_t *object, const char *key, const char *value)
{
    json_set(object, key, json_str(value));
}

void json_set_int(json_t *object, const char *key, int64_t value)
{
    json_set(object, key, json_integer(value));
}

void json_set_num(json_t *object, const char *key, double value)
{
    json_set(object, key, isfinite(value) ? json_real(value) : json_null());
}

void json_set_bool(json_t *object, const char *key, bool value)
{
    json_set(object, key, json_boolean(value));
}

static void put_escape(buf *b, unsigned char c)
{
    static const char *const named[] = {['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t"};

    if (c == '"' || c == '\\') {
        char pair[2] = {'\\', (char)c};

        buf_add(b, pair, 2);
    } else if (c < COUNT(named) && named[c] != NULL) {
        buf_puts(b, named[c]);
    } else {
        buf_printf(b, "\\u%04x", c);
    }
}

static void put_plain(buf *b, const char *s, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(b, s + start, i - start);
        put_escape(b, c);
        start = i + 1;
    }
    buf_add(b, s + start, len - start);
}

void json_put_string(buf *b, const char *s, size_t len)
{
    buf_putc(b, '"');
    while (len > 0) {
        size_t good = utf8_span(s, len);

        put_plain(b, s, good);
        if (good == len)
            break;
        buf_puts(b, REPLACEMENT);
        s += good + 1;
        len -= good + 1;
    }
    buf_putc(b, '"');
}

void json_put_cstr(buf *b, const char *s)
{
    if (s == NULL)
        buf_puts(b, "null");
    else
        json_put_string(b, s, strlen(s));
}

void json_put_num(buf *b, double n)
{
    char text[32];

    if (!isfinite(n)) {
        buf_puts(b, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, n);
        if (strtod(text, NULL) == n)
            break;
    }
    buf_puts(b, text);
}

void json_put_key(buf *b, const char *key)
{
    if (b->len > 0 && b->data[b->len - 1] != '{')
        buf_putc(b, ',');
    buf_putc(b, '"');
    buf_puts(b, key);
    buf_puts(b, "\":");
}

/* ---- documents to text ---- */

/* jansson's own writer prints 0.1 as 0.10000000000000001, and is slower. */
typedef struct {
    buf *b;
    const char *comma, *colon;
} writer;

static void put_value(const writer *w, const json_t *v, int depth);

static void put_real(buf *b, double n)
{
    size_t start = b->len;

    json_put_num(b, n);
    if (isfinite(n) && strpbrk(buf_str(b) + MIN_OF(start, b->len), ".e") == NULL)
        buf_puts(b, ".0"); /* reads back as a real number */
}

static void put_object(const writer *w, const json_t *v, int depth)
{
    json_t *object = (json_t *)(uintptr_t)v; /* iterating takes no const */
    bool first = true;

    buf_putc(w->b, '{');
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        if (!first)
            buf_puts(w->b, w->comma);
        first = false;
        json_put_string(w->b, json_object_iter_key(at), json_object_iter_key_len(at));
        buf_puts(w->b, w->colon);
        put_value(w, json_object_iter_value(at), depth + 1);
    }
    buf_putc(w->b, '}');
}

static void put_array(const writer *w, const json_t *v, int depth)
{
    buf_putc(w->b, '[');
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i > 0)
            buf_puts(w->b, w->comma);
        put_value(w, json_array_get(v, i), depth + 1);
    }
    buf_putc(w->b, ']');
}

static void put_value(const writer *w, const json_t *v, int depth)
{
    if (v == NULL || depth > JSON_WRITE_NESTING) { /* deeper is our own mistake, or a circle */
        buf_puts(w->b, "null");
        return;
    }
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        put_object(w, v, depth);
        break;
    case JSON_ARRAY:
        put_array(w, v, depth);
        break;
    case JSON_STRING:
        json_put_string(w->b, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        buf_int(w->b, json_integer_value(v));
        break;
    case JSON_REAL:
        put_real(w->b, json_real_value(v));
        break;
    case JSON_TRUE:
        buf_puts(w->b, "true");
        break;
    case JSON_FALSE:
        buf_puts(w->b, "false");
        break;
    case JSON_NULL:
        buf_puts(w->b, "null");
        break;
    }
}

void json_write(buf *b, const json_t *v)
{
    put_value(&(writer){b, ",", ":"}, v, 0);
}

void json_write_spaced(buf *b, const json_t *v)
{
    put_value(&(writer){b, ", ", ": "}, v, 0);
}
