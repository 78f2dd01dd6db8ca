/* SPDX-License-Identifier: MIT */
/*
 * Path patterns.  Alternatives in braces are written out when the pattern is made, so matching is two nested loops that
 * each go back to the last star only: no pattern takes more than (parts × characters) squared steps.
 */
#include "tool/pattern.h"

enum { PATTERN_MAX = 1024, ALTERNATIVES_MAX = 64, PARTS_MAX = 64 };

typedef struct {
    str parts[PARTS_MAX];
    size_t n;
} alternative;

struct path_pattern {
    alternative *alternatives[ALTERNATIVES_MAX];
    size_t n;
};

/* The first brace group that has a comma; false when there is none.  Braces inside it count. */
static bool find_group(const char *text, size_t *open, size_t *close)
{
    size_t depth = 0, start = 0;
    bool comma = false;

    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '\\' && text[i + 1] != '\0') {
            i++;
        } else if (text[i] == '{') {
            if (depth++ == 0) {
                start = i;
                comma = false;
            }
        } else if (text[i] == ',' && depth == 1) {
            comma = true;
        } else if (text[i] == '}' && depth > 0 && --depth == 0 && comma) {
            *open = start;
            *close = i;
            return true;
        }
    }
    return false;
}

static bool split(arena *a, const char *text, alternative *out)
{
    str rest = str_of(text), part;

    if (strchr(text, '/') == NULL)
        out->parts[out->n++] = STR("**");
    while (str_next(&rest, '/', &part)) {
        if (part.len == 0 || str_is(part, "."))
            continue;
        if (str_is(part, "**") && out->n > 0 && str_is(out->parts[out->n - 1], "**"))
            continue;
        if (out->n == PARTS_MAX)
            return false;
        out->parts[out->n++] = str_of(str_dup(a, part));
    }
    return out->n > 0;
}

path_pattern *path_pattern_new(arena *a, const char *text, const char **reason)
{
    path_pattern *p = arena_one(a, path_pattern);
    const char *waiting[ALTERNATIVES_MAX];
    size_t n = 0, open, close;

    *reason = "the pattern is empty, too long or has too many alternatives";
    if (text[0] == '\0' || strlen(text) > PATTERN_MAX)
        return NULL;
    waiting[n++] = text;
    while (n > 0) {
        const char *now = waiting[--n];
        size_t depth = 0, from;

        if (!find_group(now, &open, &close)) {
            if (p->n == ALTERNATIVES_MAX)
                return NULL;
            p->alternatives[p->n] = arena_one(a, alternative);
            if (!split(a, now, p->alternatives[p->n++]))
                return NULL;
            continue;
        }
        from = open + 1;
        for (size_t i = open + 1; i <= close; i++) {
            depth += now[i] == '{';
            if (depth == 0 && (now[i] == ',' || i == close)) {
                if (n == ALTERNATIVES_MAX)
                    return NULL;
                waiting[n++] =
                    arena_printf(a, "%.*s%.*s%s", (int)open, now, (int)(i - from), now + from, now + close + 1);
                from = i + 1;
            }
            depth -= now[i] == '}' && depth > 0;
        }
    }
    return p;
}

/* "[…]" at p; its end in *end, or NULL when it is not closed. */
static bool class_matches(const char *p, const char *stop, unsigned char c, const char **end)
{
    bool negated = p + 1 < stop && (p[1] == '!' || p[1] == '^'), found = false;
    const char *q = p + 1 + negated, *first = q;

    for (; q < stop && (*q != ']' || q == first); q++) {
        if (q + 2 < stop && q[1] == '-' && q[2] != ']') {
            found |= c >= (unsigned char)q[0] && c <= (unsigned char)q[2];
            q += 2;
        } else {
            found |= c == (unsigned char)*q;
        }
    }
    *end = q < stop ? q + 1 : NULL;
    return found != negated;
}

/* One character of the name against the pattern at p; where the pattern goes on in *next. */
static bool one_matches(const char *p, const char *stop, unsigned char c, const char **next)
{
    bool yes;

    if (*p == '?') {
        *next = p + 1;
        return true;
    }
    if (*p == '[') {
        yes = class_matches(p, stop, c, next);
        if (*next != NULL)
            return yes;
    }
    if (*p == '\\' && p + 1 < stop)
        p++;
    *next = p + 1;
    return (unsigned char)*p == c;
}

static bool part_matches(str pat, str name)
{
    const char *p = pat.p, *stop = pat.p + pat.len, *star = NULL, *next;
    size_t i = 0, star_at = 0;

    while (i < name.len) {
        if (p < stop && *p == '*') {
            star = p++;
            star_at = i;
        } else if (p < stop && one_matches(p, stop, (unsigned char)name.p[i], &next)) {
            p = next;
            i++;
        } else if (star != NULL) {
            p = star + 1;
            i = ++star_at;
        } else {
            return false;
        }
    }
    while (p < stop && *p == '*')
        p++;
    return p == stop;
}

static bool parts_match(const alternative *alt, const str *names, size_t n)
{
    size_t p = 0, i = 0, star = SIZE_MAX, star_at = 0;

    while (i < n) {
        if (p < alt->n && str_is(alt->parts[p], "**")) {
            star = p++;
            star_at = i;
        } else if (p < alt->n && part_matches(alt->parts[p], names[i])) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++star_at;
        } else {
            return false;
        }
    }
    while (p < alt->n && str_is(alt->parts[p], "**"))
        p++;
    return p == alt->n;
}

bool path_pattern_matches(const path_pattern *p, const char *relative_path)
{
    str names[256], rest = str_of(relative_path), part;
    size_t n = 0;

    while (n < COUNT(names) && str_next(&rest, '/', &part))
        names[n++] = part;
    for (size_t i = 0; i < p->n; i++)
        if (parts_match(p->alternatives[i], names, n))
            return true;
    return false;
}
