/* SPDX-License-Identifier: MIT */
/*
 * Strings and slices: comparing, searching, number parsing, percent and hex coding, UTF-8.
 *
 * A `str` is a slice that somebody else owns; it need not end with NUL and may hold any byte.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <string.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct {
    const char *p;
    size_t len;
} str;

#define STR(literal) ((str){(literal), sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).len, (s).p /* for "%.*s" */

str str_of(const char *s); /* NULL gives an empty slice */
char *str_dup(arena *a, str s);
bool str_eq(str a, str b);
bool str_is(str a, const char *b);
bool str_is_nocase(str a, const char *b); /* ASCII */
bool str_starts(str s, const char *prefix);
bool str_ends(str s, const char *suffix);
str str_trim(str s); /* spaces, tabs, CR, LF at both ends */

/* Takes the part before the first `sep` off the front of `*rest`; false when nothing is left. */
bool str_next(str *rest, char sep, str *part);

/* Where `needle` begins in `s`, or -1. */
ptrdiff_t str_find(str s, str needle);

bool cstr_eq(const char *a, const char *b); /* NULL equals only NULL */
bool cstr_starts(const char *s, const char *prefix);
bool cstr_ends(const char *s, const char *suffix);
bool cstr_blank(const char *s); /* NULL, empty or only white space */

/* Whole strings only, no sign but '-', no white space; false leaves *out untouched. */
MUST_USE bool str_to_int(str s, int64_t *out);
MUST_USE bool str_to_double(str s, double *out);

/* Sizes and durations as people write them: "32M", "64kb", "10m", "250ms"; a bare number is bytes, or seconds. */
MUST_USE bool str_to_bytes(str s, int64_t *bytes);
MUST_USE bool str_to_duration(str s, int64_t *nanoseconds);

/* RFC 3986 section 2.1.  Decoding fails on a bad escape or an encoded NUL; `plus` turns '+' into a space. */
MUST_USE bool percent_decode(arena *a, str s, bool plus, char **out);
char *percent_encode(arena *a, str s); /* all but unreserved characters */

void hex_encode(const void *bytes, size_t len, char *out); /* 2 * len characters and NUL */
MUST_USE bool hex_decode(str hex, void *out, size_t len);  /* exactly 2 * len characters, either case */

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(const char *s, size_t len);
size_t utf8_span(const char *s, size_t len);  /* how many bytes at the front are valid */
size_t utf8_whole(const char *s, size_t len); /* where the last whole character ends, when more is to come */
size_t utf8_count(str s);                     /* code points of valid UTF-8 */

/* At most `max` code points from the front of valid UTF-8. */
str utf8_prefix(str s, size_t max);

#endif
