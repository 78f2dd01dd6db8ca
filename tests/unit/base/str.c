/* SPDX-License-Identifier: MIT */
/* Tests of base/str.c. */
#include "base/str.h"

#include <math.h>

#include "test.h"

TEST(empty_slices_compare_without_being_touched)
{
    str none = {NULL, 0};

    CHECK(str_eq(none, STR("")), "equal");
    CHECK(str_is(none, ""), "is");
    CHECK(str_is_nocase(none, ""), "nocase");
    CHECK(str_starts(none, "") && str_ends(none, ""), "starts, ends");
    CHECK(!str_starts(none, "x") && !str_ends(none, "x"), "but not with x");
    CHECK_INT(str_find(none, STR("x")), -1);
    CHECK_INT(str_find(none, STR("")), 0);
    CHECK_INT(str_trim(none).len, 0);
    CHECK_INT(str_of(NULL).len, 0);
    CHECK(cstr_eq(NULL, NULL) && !cstr_eq(NULL, "") && !cstr_eq("", NULL) && cstr_eq("a", "a"), "cstr_eq");
    CHECK(!cstr_starts(NULL, "") && cstr_starts("abc", "ab") && !cstr_starts("a", "ab"), "cstr_starts");
    CHECK(!cstr_ends(NULL, "") && cstr_ends("abc", "bc") && !cstr_ends("c", "bc"), "cstr_ends");
    CHECK(cstr_blank(NULL) && cstr_blank(" \t\r\n") && !cstr_blank(" x "), "cstr_blank");
}

TEST(comparisons_mind_length_and_case)
{
    CHECK(!str_eq(STR("ab"), STR("abc")), "length");
    CHECK(str_is_nocase(STR("Content-TYPE"), "content-type"), "case");
    CHECK(!str_is_nocase(STR("content\0type"), "content"), "NUL");
    CHECK(str_eq(str_trim(STR(" \r\n a b\t")), STR("a b")), "inner space stays");
    CHECK_INT(str_find(STR("hello"), STR("lo")), 3);
}

TEST(next_splits_at_every_separator)
{
    str rest = STR("a,,b,"), part;
    static const char *const parts[] = {"a", "", "b", ""};

    for (size_t i = 0; i < COUNT(parts); i++) {
        CHECK(str_next(&rest, ',', &part), "part %zu", i);
        CHECK(str_is(part, parts[i]), "part %zu: %.*s", i, STR_ARG(part));
    }
    CHECK(!str_next(&rest, ',', &part), "the end");
}

TEST(integers_are_whole_and_in_range)
{
    static const struct {
        str text;
        bool good;
        int64_t value;
    } cases[] = {
        {STR("0"), true, 0},
        {STR("-0"), true, 0},
        {STR("007"), true, 7},
        {STR("9223372036854775807"), true, INT64_MAX},
        {STR("-9223372036854775808"), true, INT64_MIN},
        {STR("9223372036854775808"), false, 0},
        {STR("-9223372036854775809"), false, 0},
        {STR("99999999999999999999999"), false, 0},
        {STR(""), false, 0},
        {STR("-"), false, 0},
        {STR("--1"), false, 0},
        {STR("+1"), false, 0},
        {STR(" 1"), false, 0},
        {STR("1 "), false, 0},
        {STR("1.0"), false, 0},
        {STR("1\0"), false, 0},
        {STR("0x10"), false, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t n = 77;

        CHECK(str_to_int(cases[i].text, &n) == cases[i].good, "case %zu", i);
        CHECK_INT(n, cases[i].good ? cases[i].value : 77);
    }
}

TEST(numbers_are_decimal_finite_and_whole)
{
    static const struct {
        str text;
        bool good;
        double value;
    } cases[] = {
        {STR("0.5"), true, 0.5},    {STR("-1e3"), true, -1000}, {STR(".5"), true, 0.5},   {STR("1E-2"), true, 0.01},
        {STR(""), false, 0},        {STR("-"), false, 0},       {STR("."), false, 0},     {STR("1e999"), false, 0},
        {STR("nan"), false, 0},     {STR("-inf"), false, 0},    {STR("0x1p3"), false, 0}, {STR(" 1"), false, 0},
        {STR("1 "), false, 0},      {STR("1,5"), false, 0},     {STR("+1"), false, 0},    {STR("1e"), false, 0},
        {STR("1\0junk"), false, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        double n = 77;

        CHECK(str_to_double(cases[i].text, &n) == cases[i].good, "case %zu", i);
        CHECK(n == (cases[i].good ? cases[i].value : 77), "case %zu: %g", i, n);
    }
}

TEST(sizes_and_durations_as_people_write_them)
{
    static const struct {
        const char *text;
        int64_t bytes, ns; /* -1: refused */
    } cases[] = {
        {"0", 0, 0},
        {"32M", 32 << 20, MINUTES(32)},
        {"32m", 32 << 20, MINUTES(32)},
        {"64kb", 64 << 10, -1},
        {"2GiB", 2LL << 30, -1},
        {"250ms", -1, MILLISECONDS(250)},
        {"10s", -1, SECONDS(10)},
        {"7", 7, SECONDS(7)},
        {"2d", -1, MINUTES(2 * 24 * 60)},
        {"", -1, -1},
        {"M", -1, -1},
        {"-1", -1, -1},
        {"1.5M", -1, -1},
        {"10 s", -1, -1},
        {"9223372036854775807G", -1, -1},
        {"9223372036854775807d", -1, -1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t n = -1;

        CHECK(str_to_bytes(str_of(cases[i].text), &n) == (cases[i].bytes >= 0), "%s", cases[i].text);
        CHECK_INT(n, cases[i].bytes);
        n = -1;
        CHECK(str_to_duration(str_of(cases[i].text), &n) == (cases[i].ns >= 0), "%s", cases[i].text);
        CHECK_INT(n, cases[i].ns);
    }
}

TEST(percent_coding_goes_there_and_back)
{
    arena *a = arena_new(NULL);
    char all[255], *coded, *back = NULL;

    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    coded = percent_encode(a, (str){all, 255});
    CHECK(percent_decode(a, str_of(coded), false, &back), "decodes");
    CHECK(memcmp(back, all, 255) == 0 && back[255] == '\0', "the same bytes");
    CHECK_STR(percent_encode(a, STR("a b/\xc3\xa4~")), "a%20b%2F%C3%A4~");
    CHECK(percent_decode(a, STR("a+b%2B"), true, &back), "decodes");
    CHECK_STR(back, "a b+");
    CHECK(percent_decode(a, STR("a+b"), false, &back), "decodes");
    CHECK_STR(back, "a+b");
    arena_free(a);
}

TEST(bad_escapes_are_refused)
{
    static const str cases[] = {STR("%"),     STR("%4"),   STR("%4g"), STR("%zz"),
                                STR("a%00b"), STR("a\0b"), STR("%-1"), STR("%+1")};
    arena *a = arena_new(NULL);
    char *out = NULL;

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(!percent_decode(a, cases[i], false, &out), "case %zu", i);
    CHECK(out == NULL, "untouched");
    arena_free(a);
}

TEST(hex_goes_there_and_back)
{
    unsigned char bytes[4] = {0};
    char text[9];

    CHECK(hex_decode(STR("00fF7a80"), bytes, 4), "decodes");
    hex_encode(bytes, 4, text);
    CHECK_STR(text, "00ff7a80");
    CHECK(!hex_decode(STR("00ff7a8"), bytes, 4), "odd");
    CHECK(!hex_decode(STR("00ff7a8000"), bytes, 4), "long");
    CHECK(!hex_decode(STR("00ff7a8g"), bytes, 4), "not hex");
    CHECK(!hex_decode(STR("00ff7a 1"), bytes, 4), "not hex");
}

TEST(utf8_is_checked_as_rfc_3629_says)
{
    static const struct {
        str text;
        size_t span;
    } cases[] = {
        {STR(""), 0},
        {STR("plain"), 5},
        {STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 9},
        {STR("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"), 10},
        {STR("a\0b"), 3},
        {STR("a\x80"), 1},            /* continuation alone */
        {STR("a\xc3"), 1},            /* cut */
        {STR("ab\xe2\x82"), 2},       /* cut */
        {STR("\xc0\x80"), 0},         /* overlong */
        {STR("\xc1\xbf"), 0},         /* overlong */
        {STR("\xe0\x9f\xbf"), 0},     /* overlong */
        {STR("\xf0\x8f\xbf\xbf"), 0}, /* overlong */
        {STR("\xed\xa0\x80"), 0},     /* surrogate */
        {STR("\xf4\x90\x80\x80"), 0}, /* above U+10FFFF */
        {STR("\xf5\x80\x80\x80"), 0},
        {STR("\xff"), 0},
        {STR("\xc3x"), 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CHECK_INT(utf8_span(cases[i].text.p, cases[i].text.len), cases[i].span);
        CHECK(utf8_valid(cases[i].text.p, cases[i].text.len) == (cases[i].span == cases[i].text.len), "case %zu", i);
    }
}

TEST(code_points_are_counted_and_cut)
{
    str s = STR("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");

    CHECK_INT(utf8_count(s), 4);
    CHECK_INT(utf8_prefix(s, 0).len, 0);
    CHECK_INT(utf8_prefix(s, 2).len, 3);
    CHECK_INT(utf8_prefix(s, 3).len, 6);
    CHECK_INT(utf8_prefix(s, 4).len, 10);
    CHECK_INT(utf8_prefix(s, 9).len, 10);
}

TEST(a_character_whose_rest_is_still_to_come_is_left_behind)
{
    static const struct {
        const char *text;
        size_t whole;
    } cases[] = {
        {"", 0},          {"abc", 3},           {"a\xc3\xa4", 3},         {"a\xc3", 1},
        {"a\xe2\x82", 1}, {"a\xe2\x82\xac", 4}, {"\xf0\x9f\x98", 0},      {"\xf0\x9f\x98\x80", 4},
        {"a\xf0\x9f", 1}, {"a\x80\x80", 3},     {"a\x80\x80\x80\x80", 5}, {"\xf0", 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(utf8_whole(cases[i].text, strlen(cases[i].text)), cases[i].whole);
}
