/* SPDX-License-Identifier: MIT */
/* JSON documents and direct writing; see json.h. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Bounds the nesting before the recursive parser runs: its stack use is then known. */
static bool nesting_ok(const char *text, size_t len, size_t *at)
{
    size_t depth = 0;
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
            if (++depth > JSON_MAX_NESTING) {
                *at = i;
                return false;
            }
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
    json_fault unused;
    json_error_t e;
    json_t *v;

    fault = fault != NULL ? fault : &unused;
    if (!nesting_ok(text, len, &fault->offset)) {
        snprintf(fault->reason, sizeof fault->reason, "nested deeper than %d levels", JSON_MAX_NESTING);
        return ERR_INVALID;
    }
    v = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    if (v == NULL) {
        fault->offset = e.position > 0 ? (size_t)e.position : 0;
        snprintf(fault->reason, sizeof fault->reason, "%s", e.text);
        return ERR_INVALID;
    }
    *out = json_hold(a, v);
    return OK;
}

static int append(const char *bytes, size_t len, void *b)
{
    buf_add(b, bytes, len);
    return 0;
}

void json_write(buf *b, const json_t *v)
{
    json_dump_callback(v, append, b, JSON_COMPACT | JSON_ENCODE_ANY);
}

void json_write_spaced(buf *b, const json_t *v)
{
    json_dump_callback(v, append, b, JSON_ENCODE_ANY);
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

void json_set_str(json_t *object, const char *key, const char *value)
{
    json_t *text = value != NULL ? json_string(value) : json_null();

    json_set(object, key, text != NULL ? text : json_string("\xef\xbf\xbd")); /* not UTF-8: U+FFFD */
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
        size_t good = len;

        if (!utf8_valid(s, len)) { /* the rare path: find how far it is valid */
            size_t low = 0;

            for (size_t step = 1; low < len; low += step) {
                for (step = 1; step <= 4 && step <= len - low && !utf8_valid(s + low, step); step++)
                    ;
                if (step > 4 || step > len - low)
                    break;
            }
            good = low;
        }
        put_plain(b, s, good);
        if (good == len)
            break;
        buf_puts(b, "\xef\xbf\xbd");
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
