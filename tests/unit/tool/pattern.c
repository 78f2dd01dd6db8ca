/* SPDX-License-Identifier: MIT */
#include "tool/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"
#include "base/clock.h"
#include "test.h"

static pattern *compiled(arena *a, const char *text, pattern_options options)
{
    const char *reason = "";
    pattern *p = pattern_new(a, text, options, &reason);

    CHECK(p != NULL, "%s: %s", text, reason);
    return p;
}

/* The same match by PCRE2 itself, without limits. */
static bool plainly(const char *text, str subject, size_t from, size_t *start, size_t *end)
{
    size_t at, *found;
    int code, n;
    pcre2_code *c = pcre2_compile((PCRE2_SPTR)text, strlen(text), PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_MULTILINE,
                                  &code, &at, NULL);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(c, NULL);

    n = pcre2_match(c, (PCRE2_SPTR)subject.p, subject.len, from, 0, data, NULL);
    found = pcre2_get_ovector_pointer(data);
    *start = found[0];
    *end = found[1];
    pcre2_match_data_free(data);
    pcre2_code_free(c);
    return n > 0;
}

static void check_same(arena *a, const char *text, str subject)
{
    pattern *p = compiled(a, text, (pattern_options){0});

    for (size_t from = 0; from <= subject.len; from++) {
        size_t start = 0, end = 0, start_wanted = 0, end_wanted = 0;
        bool wanted = plainly(text, subject, from, &start_wanted, &end_wanted);
        pattern_found found = pattern_find(p, subject, from, &start, &end);

        CHECK(found == (wanted ? PATTERN_YES : PATTERN_NO), "%s in %.*s from %zu: %d", text, STR_ARG(subject), from,
              (int)found);
        CHECK(!wanted || (start == start_wanted && end == end_wanted), "%s in %.*s from %zu: %zu to %zu", text,
              STR_ARG(subject), from, start, end);
    }
}

TEST(matches_are_those_of_pcre, .limit = 60)
{
    static const char *const patterns[] = {"a",
                                           "^",
                                           "$",
                                           "^a",
                                           "a$",
                                           "\\Aa",
                                           "a\\z",
                                           "\\Ga",
                                           "\\G\\w",
                                           "(?<=a)b",
                                           "(?<!a)b",
                                           "(?<=\\n)\\w",
                                           "\\bfoo\\b",
                                           "\\Bo",
                                           "fo+",
                                           "fo+?",
                                           "(\\w)\\1",
                                           "(?i)FOO",
                                           "(?s).+",
                                           ".*",
                                           ".*?b",
                                           "[^a]+",
                                           "a|b|foo",
                                           "(a|ab)(c|bcd)(d*)",
                                           "(?=foo)f",
                                           "(?!foo)\\w+",
                                           "(?>a+)b",
                                           "a++b",
                                           "\\d{2,3}",
                                           "(?:ab)*c",
                                           "(a(?:b(?1)?)?)",
                                           "(?(?=f)foo|b)",
                                           "é",
                                           "[é-ü]",
                                           "\\x{20ac}",
                                           "\\X",
                                           "\\R",
                                           "^\\s*$",
                                           "(?m-s)^.*$",
                                           "a\\Kb",
                                           "(*SKIP)a",
                                           "a(*SKIP)(*F)|b",
                                           "()",
                                           "|a",
                                           "(|||a)*b",
                                           "(?C1)a(?C2)b",
                                           "\\p{L}+",
                                           "(?<n>a)(?&n)?"};
    static const char *const subjects[] = {"",
                                           "a",
                                           "ab\nab",
                                           "foo bar\nfoobar oo\n\nab",
                                           "abcd abbcd",
                                           "12 123 1a",
                                           "é€ü aé",
                                           "a\xff"
                                           "b\xe2\x82 foo",
                                           "\n\n",
                                           "aaa bb \r\n a"};
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(patterns); i++)
        for (size_t k = 0; k < COUNT(subjects); k++)
            check_same(a, patterns[i], str_of(subjects[k]));
    arena_free(a);
}

/* Each of 100,000 places where a match could begin is worth many steps, or some that go through all of it. */
static str many_places(arena *a)
{
    char *text = arena_alloc(a, 100000);

    memset(text, 'a', 100000);
    return (str){text, 100000};
}

static const char *const slow[] = {"[a-z]*[a-z]*\\d[!?]", "(?:[a-z]*+\\d|.)*[!?]", "(a*)*\\d", "(?=(\\w+))\\1[:;]",
                                   "\\w*a\\w*[:;]"};

TEST(no_pattern_holds_a_thread_for_long, .limit = 60)
{
    arena *a = arena_new(NULL);
    str text = many_places(a);
    size_t start, end;

    for (size_t i = 0; i < COUNT(slow); i++) {
        int64_t began = clock_mono();
        pattern_found found = pattern_find(compiled(a, slow[i], (pattern_options){0}), text, 0, &start, &end);

        CHECK(found == PATTERN_TOO_HARD, "%s: %d", slow[i], (int)found);
        CHECK(clock_mono() - began < SECONDS(8), "%s took %lld ms", slow[i],
              (long long)((clock_mono() - began) / 1000000));
    }
    arena_free(a);
}

static bool at_once(void *arg)
{
    ++*(int *)arg;
    return true;
}

TEST(a_match_that_nobody_waits_for_ends, .limit = 60)
{
    arena *a = arena_new(NULL);
    str text = many_places(a);
    int asked = 0;
    pattern *p = compiled(a, slow[0], (pattern_options){.over = at_once, .arg = &asked});
    size_t start, end;

    CHECK(pattern_find(p, text, 0, &start, &end) == PATTERN_STOPPED, "asked %d times", asked);
    CHECK_INT(asked, 1);
    CHECK(pattern_find(p, STR("ab1!"), 0, &start, &end) == PATTERN_YES && start == 0 && end == 4, "the next one");
    arena_free(a);
}

TEST(large_texts_have_room_for_honest_patterns, .limit = 60)
{
    static const struct {
        const char *text;
        bool found;
    } cases[] = {
        {"\\w+@\\w+\\.org", true}, {"^\\s*def \\w+\\(.*\\):$", true}, {"(\\w+) \\1 \\1", false}, {".*needle", false}};
    arena *a = arena_new(NULL);
    buf *b = buf_new(a, MIB(4));
    size_t start, end;

    while (b->len < MIB(2))
        buf_puts(b, "    The quick brown fox jumps over the lazy dog, again and again; (x = y) + f(z).\n");
    buf_puts(b, "me@example.org\n  def f(x, y):\n");
    for (size_t i = 0; i < COUNT(cases); i++) {
        pattern *p = compiled(a, cases[i].text, (pattern_options){0});
        pattern_found found = pattern_find(p, (str){buf_str(b), b->len}, 0, &start, &end);

        CHECK(found == (cases[i].found ? PATTERN_YES : PATTERN_NO), "%s: %d", cases[i].text, (int)found);
    }
    arena_free(a);
}
