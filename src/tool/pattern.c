/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions by PCRE2 with limits on their steps, so that no pattern can hold a thread.
 *
 * PCRE2's own limit does not do it alone: it counts anew from each place where a match could begin, and one counted step may go
 * through the whole text.  So the steps are counted by callouts, which PCRE2 makes before each item of the pattern, and a long way
 * from one to the next counts as many.
 */
#include "tool/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { PATTERN_MAX = 4096, MATCH_LIMIT = 200000, DEPTH_LIMIT = 10000, HEAP_KIB = 8192 };

/* What people search for takes about one step a byte, and what backtracks a lot on lines of text about five. */
enum { STEPS_MIN = 2000000, STEPS_PER_BYTE = 100, STEPS_BETWEEN_LOOKS = 4096, BYTES_PER_STEP = 16 };

struct pattern {
    pcre2_code *code;
    pcre2_match_context *context;
    pcre2_match_data *data;
    bool (*over)(void *arg);
    void *arg;
    uint64_t steps, most, next_look; /* of the match that is looked for */
    size_t at;                       /* in the text */
    bool stopped;
};

static void on_free(void *arg)
{
    pattern *p = arg;

    pcre2_match_data_free(p->data);
    pcre2_match_context_free(p->context);
    pcre2_code_free(p->code);
}

static int on_step(pcre2_callout_block *block, void *arg)
{
    pattern *p = arg;
    size_t at = block->current_position, way = at > p->at ? at - p->at : p->at - at;

    p->at = at;
    p->steps += 1 + way / BYTES_PER_STEP;
    if (p->steps > p->most)
        return PCRE2_ERROR_CALLOUT;
    if (p->steps < p->next_look || p->over == NULL)
        return 0;
    p->next_look = p->steps + STEPS_BETWEEN_LOOKS;
    p->stopped = p->over(p->arg);
    return p->stopped ? PCRE2_ERROR_CALLOUT : 0;
}

pattern *pattern_new(arena *a, const char *text, pattern_options options, const char **reason)
{
    uint32_t flags =
        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    pattern *p = arena_one(a, pattern);
    size_t at;
    int code;

    if (strlen(text) > PATTERN_MAX) {
        *reason = arena_printf(a, "the pattern is longer than %d bytes", PATTERN_MAX);
        return NULL;
    }
    if (options.ignore_case)
        flags |= PCRE2_CASELESS;
    if (options.multiline)
        flags |= PCRE2_DOTALL;
    p->code = pcre2_compile((PCRE2_SPTR)text, strlen(text), flags, &code, &at, NULL);
    if (p->code == NULL) {
        char message[160];

        pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
        *reason = arena_printf(a, "at character %zu: %s", at, message);
        return NULL;
    }
    p->context = pcre2_match_context_create(NULL);
    p->data = pcre2_match_data_create_from_pattern(p->code, NULL);
    pcre2_set_match_limit(p->context, MATCH_LIMIT);
    pcre2_set_depth_limit(p->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(p->context, HEAP_KIB);
    pcre2_set_callout(p->context, on_step, p);
    p->over = options.over;
    p->arg = options.arg;
    arena_defer(a, on_free, p);
    return p;
}

pattern_found pattern_find(pattern *p, str text, size_t from, size_t *start, size_t *end)
{
    size_t *at = pcre2_get_ovector_pointer(p->data);
    int n;

    p->steps = 0;
    p->next_look = STEPS_BETWEEN_LOOKS;
    p->at = from;
    p->most = STEPS_MIN + (uint64_t)STEPS_PER_BYTE * (text.len - from);
    p->stopped = false;
    n = pcre2_match(p->code, (PCRE2_SPTR)text.p, text.len, from, 0, p->data, p->context);
    if (n == PCRE2_ERROR_NOMATCH)
        return PATTERN_NO;
    if (p->stopped)
        return PATTERN_STOPPED;
    if (n < 0 || at[0] > at[1]) /* \K in a lookahead can give an end before the start */
        return PATTERN_TOO_HARD;
    *start = at[0];
    *end = at[1];
    return PATTERN_YES;
}

str pattern_group(const pattern *p, str text, unsigned n)
{
    const size_t *at = pcre2_get_ovector_pointer(p->data);

    if (n >= pcre2_get_ovector_count(p->data) || at[2 * n] == PCRE2_UNSET || at[2 * n] > at[2 * n + 1])
        return (str){"", 0};
    return (str){text.p + at[2 * n], at[2 * n + 1] - at[2 * n]};
}
