/* SPDX-License-Identifier: MIT */
/*
 * JSON: jansson for documents, with arenas as owners, and direct writing into a buffer for hot paths.
 *
 * A document from outside is checked before jansson sees it: its depth and the number of its arrays and objects are
 * bounded, so a hostile one can exhaust neither a fiber's stack nor the memory.  Values tied to an arena are borrowed by
 * everybody else: json_incref() to keep one longer.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { JSON_MAX_NESTING = 100, JSON_MAX_CONTAINERS = 250000 };

typedef struct {
    size_t offset;    /* in bytes, where the fault was seen */
    char reason[160]; /* one clause, no input text beyond a token */
} json_fault;

/* Parses any JSON value; *out lives as long as `a`.  Rejects invalid UTF-8, NUL, duplicate keys, trailing bytes,
 * nesting deeper than JSON_MAX_NESTING and more arrays and objects than JSON_MAX_CONTAINERS with ERR_INVALID.  `fault`
 * may be NULL. */
MUST_USE err json_parse(arena *a, const char *text, size_t len, json_fault *fault, json_t **out);

/* Ties a new reference to the arena and returns it (borrowed); aborts on NULL, which jansson gives when memory is out
 * or the input is not UTF-8. */
json_t *json_hold(arena *a, json_t *owned);

/* Compact text, raw UTF-8, no "\/" escapes; `json_text` in the arena, `json_write` appended. */
char *json_text(arena *a, const json_t *v);
void json_write(buf *b, const json_t *v);
void json_write_spaced(buf *b, const json_t *v); /* with ", " and ": ", as Python's json.dumps gives */

/* Reading with a fallback when the member is absent, null or of another type.  Borrowed. */
const char *json_get_str(const json_t *object, const char *key, const char *fallback);
int64_t json_get_int(const json_t *object, const char *key, int64_t fallback);
double json_get_num(const json_t *object, const char *key, double fallback);
bool json_get_bool(const json_t *object, const char *key, bool fallback);
json_t *json_get_obj(const json_t *object, const char *key); /* NULL unless an object */
json_t *json_get_arr(const json_t *object, const char *key); /* NULL unless an array */

/* A new string value; NULL becomes JSON null, and what is not UTF-8 becomes U+FFFD: use it instead of json_string() for
 * text from outside.  Owned by the caller. */
json_t *json_str(const char *s);

/* Sets, taking a copy; text as in json_str(). */
void json_set_str(json_t *object, const char *key, const char *value);
void json_set_int(json_t *object, const char *key, int64_t value);
void json_set_num(json_t *object, const char *key, double value);
void json_set_bool(json_t *object, const char *key, bool value);
void json_set(json_t *object, const char *key, json_t *owned); /* steals the reference */

/* Direct writing.  `json_put_string` writes quotes and escapes; invalid UTF-8 becomes U+FFFD. */
void json_put_string(buf *b, const char *s, size_t len);
void json_put_cstr(buf *b, const char *s); /* NULL writes null */
void json_put_num(buf *b, double n);       /* shortest form that reads back the same */

/* "key": with a comma before it when the object already has a member.  Keys are our own, never escaped. */
void json_put_key(buf *b, const char *key);

#endif
