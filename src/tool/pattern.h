/* SPDX-License-Identifier: MIT */
/*
 * Patterns that models and users write: regular expressions with bounds on their work, and path patterns.
 */
#ifndef TOOL_PATTERN_H
#define TOOL_PATTERN_H

#include "base/arena.h"
#include "base/str.h"

typedef struct pattern pattern;

typedef struct {
    bool ignore_case;
    bool multiline;          /* "." matches line ends too */
    bool (*over)(void *arg); /* or NULL; asked every few thousand steps of a match, true ends it */
    void *arg;
} pattern_options;

/* A compiled regular expression that lives as long as `a`; NULL when it is not one, with the reason in `a`. */
pattern *pattern_new(arena *a, const char *text, pattern_options options, const char **reason);

typedef enum { PATTERN_NO, PATTERN_YES, PATTERN_TOO_HARD, PATTERN_STOPPED } pattern_found;

/* The first match at or after `from`.  `text` may hold any bytes.  The steps are bounded by its length: PATTERN_TOO_HARD.  That
 * may still be seconds for a large text, so a pattern from outside belongs on a pool thread.  PATTERN_STOPPED: `over` said so. */
pattern_found pattern_find(pattern *p, str text, size_t from, size_t *start, size_t *end);

/* What group `n` of the last match matched; empty when it took no part. */
str pattern_group(const pattern *p, str text, unsigned n);

/*
 * Path patterns: "*" and "?" within a part, "[a-z]", "{a,b}", "**" for any number of directories.  A pattern without "/"
 * is for the name alone, in any directory.
 */
typedef struct path_pattern path_pattern;

path_pattern *path_pattern_new(arena *a, const char *text, const char **reason);
bool path_pattern_matches(const path_pattern *p, const char *relative_path);

#endif
