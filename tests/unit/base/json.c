/* SPDX-License-Identifier: MIT */
/* Tests of base/json.c. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

static json_t *parsed(arena *a, const char *text)
{
    json_t *v = NULL;
    json_fault f;

    CHECK(json_parse(a, text, strlen(text), &f, &v) == OK, "%s: %s", text, f.reason);
    return v;
}

TEST(documents_come_back_as_they_went_in)
{
    static const char *const texts[] = {
        "null",
        "true",
        "[]",
        "{}",
        "\"a/b\"",
        "-9223372036854775808",
        "{\"z\":1,\"a\":[1,2.5,\"x\",{\"k\":null}],\"m\":false}",
        "\"\xc3\xa4\xe2\x82\xac\\n\\u0001\\\\\\\"\"",
        "[0.1,0.7,1e-07,1e+300,1.0,-0.0,100.0]",
    };
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(texts); i++)
        CHECK_STR(json_text(a, parsed(a, texts[i])), texts[i]);
    arena_free(a);
}

TEST(spaced_text_is_as_python_writes_it)
{
    arena *a = arena_new(NULL);
    buf b = BUF_INIT(1000);

    json_write_spaced(&b, parsed(a, "{\"a\":[1,2],\"b\":{}}"));
    CHECK_STR(buf_str(&b), "{\"a\": [1, 2], \"b\": {}}");
    buf_close(&b);
    arena_free(a);
}

TEST(what_is_not_a_single_clean_document_is_refused)
{
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {
#define BAD(literal) {literal, sizeof(literal) - 1}
        BAD(""),
        BAD(" "),
        BAD("{"),
        BAD("[1,]"),
        BAD("{\"a\":1,}"),
        BAD("1 2"),
        BAD("{} x"),
        BAD("{\"a\":1,\"a\":2}"),
        BAD("'a'"),
        BAD("nul"),
        BAD("NaN"),
        BAD("Infinity"),
        BAD("01"),
        BAD("1."),
        BAD("\"\x80\""),
        BAD("\"\xed\xa0\x80\""),
        BAD("\"\\ud800\""),
        BAD("\"\\u0000\""),
        BAD("\"a\nb\""),
        BAD("\"open"),
        BAD("1\0"),
        BAD("[1\0]"),
        BAD("1e999"),
        BAD("99999999999999999999"),
        BAD("// c\n1"),
        BAD("\xef\xbb\xbf{}"),
        BAD("{1:2}"),
        BAD("\"\\x\""),
#undef BAD
    };
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_fault f = {.offset = 999999};
        json_t *v = NULL;

        CHECK(json_parse(a, cases[i].text, cases[i].len, &f, &v) == ERR_INVALID, "case %zu: %s", i, cases[i].text);
        CHECK(v == NULL, "untouched");
        CHECK(f.offset <= cases[i].len && f.reason[0] != '\0', "case %zu: at %zu: %s", i, f.offset, f.reason);
    }
    arena_free(a);
}

TEST(nesting_is_bounded_before_the_parser_sees_it)
{
    enum { DEEP = 100000 };
    arena *a = arena_new(NULL);
    char *text = arena_alloc(a, DEEP + 1);
    json_fault f;
    json_t *v;

    memset(text, '[', DEEP);
    text[DEEP] = '\0';
    CHECK_INT(json_parse(a, text, DEEP, &f, &v), ERR_INVALID);
    CHECK_INT(f.offset, JSON_MAX_NESTING);
    memset(text + JSON_MAX_NESTING, ']', JSON_MAX_NESTING);
    CHECK_INT(json_parse(a, text, 2 * JSON_MAX_NESTING, &f, &v), OK);
    CHECK_INT(strlen(json_text(a, v)), 2 * JSON_MAX_NESTING);
    CHECK(json_parse(a, "[\"[[[[\\\"[[\",\"]\"]", 16, &f, &v) == OK, "brackets in strings do not count: %s", f.reason);
    arena_free(a);
}

/* Two bytes each, and more than two hundred in memory. */
static err parse_empty_objects(size_t n, json_fault *f)
{
    arena *a = arena_new(NULL);
    char *text = arena_alloc(a, 3 * n + 2);
    json_t *v;
    err e;

    for (size_t i = 0; i < n; i++)
        memcpy(text + 3 * i, i == 0 ? "[{}" : ",{}", 3);
    text[3 * n] = ']';
    e = json_parse(a, text, 3 * n + 1, f, &v);
    arena_free(a);
    return e;
}

TEST(the_number_of_objects_is_bounded_before_the_parser_sees_it)
{
    json_fault f;

    CHECK(parse_empty_objects(JSON_MAX_CONTAINERS - 1, &f) == OK, "%s", f.reason);
    CHECK_INT(parse_empty_objects(JSON_MAX_CONTAINERS, &f), ERR_INVALID);
    CHECK_STR(f.reason, "more than 250000 arrays and objects");
}

TEST(a_fault_quotes_no_more_than_a_token)
{
    arena *a = arena_new(NULL);
    char text[5000];
    json_fault f;
    json_t *v;

    memset(text, 'x', sizeof text);
    CHECK_INT(json_parse(a, text, sizeof text, &f, &v), ERR_INVALID);
    CHECK(strlen(f.reason) < sizeof f.reason, "%s", f.reason);
    arena_free(a);
}

TEST(reading_falls_back_when_a_member_is_absent_or_of_another_type)
{
    arena *a = arena_new(NULL);
    json_t *v = parsed(a, "{\"s\":\"x\",\"i\":7,\"d\":2.5,\"b\":true,\"o\":{},\"a\":[],\"n\":null}");

    CHECK_STR(json_get_str(v, "s", "f"), "x");
    CHECK_STR(json_get_str(v, "i", "f"), "f");
    CHECK_STR(json_get_str(v, "n", "f"), "f");
    CHECK_STR(json_get_str(NULL, "s", NULL), NULL);
    CHECK_INT(json_get_int(v, "i", 1), 7);
    CHECK_INT(json_get_int(v, "d", 1), 1);
    CHECK(json_get_num(v, "d", 0) == 2.5 && json_get_num(v, "i", 0) == 7 && json_get_num(v, "s", 3) == 3, "numbers");
    CHECK(json_get_bool(v, "b", false) && json_get_bool(v, "i", true) && !json_get_bool(v, "none", false), "booleans");
    CHECK(json_get_obj(v, "o") != NULL && json_get_obj(v, "a") == NULL && json_get_obj(v, "none") == NULL, "objects");
    CHECK(json_get_arr(v, "a") != NULL && json_get_arr(v, "o") == NULL, "arrays");
    arena_free(a);
}

TEST(setting_takes_any_text_and_number)
{
    arena *a = arena_new(NULL);
    json_t *v = json_hold(a, json_object());

    json_set_str(v, "good", "\xc3\xa4");
    json_set_str(v, "bad",
                 "a\xff"
                 "b\xc3");
    json_set_str(v, "none", NULL);
    json_set_int(v, "i", INT64_MIN);
    json_set_num(v, "inf", INFINITY);
    json_set_num(v, "d", 0.1);
    json_set_bool(v, "t", true);
    json_set(v, "list", json_array());
    json_set_str(v, "good", "replaced");
    CHECK_STR(json_text(a, v),
              "{\"good\":\"replaced\",\"bad\":\"a\xef\xbf\xbd"
              "b\xef\xbf\xbd\",\"none\":null,\"i\":-9223372036854775808,\"inf\":null,\"d\":0.1,\"t\":true,"
              "\"list\":[]}");
    arena_free(a);
}

TEST(written_strings_are_valid_whatever_they_hold)
{
    static const struct {
        const char *in;
        size_t len;
        const char *out;
    } cases[] = {
        {"", 0, "\"\""},
        {"a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t\x01\x1f\x7f", 8, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\xc3\xa4\xf0\x9f\x98\x80", 6, "\"\xc3\xa4\xf0\x9f\x98\x80\""},
        {"\xff\xfe", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"x\xc3", 2, "\"x\xef\xbf\xbd\""},
        {"\xe2\x82z", 3, "\"\xef\xbf\xbd\xef\xbf\xbdz\""},
        {"ok\xed\xa0\x80ok", 7, "\"ok\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdok\""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        buf b = BUF_INIT(1000);

        json_put_string(&b, cases[i].in, cases[i].len);
        CHECK_STR(buf_str(&b), cases[i].out);
        buf_close(&b);
    }
}

/* Each bad byte must cost a little, not a scan of the rest. */
TEST(a_long_string_of_bad_bytes_is_written_in_linear_time, .limit = 5)
{
    enum { LEN = 2000000 };
    arena *a = arena_new(NULL);
    char *bad = arena_alloc(a, LEN);
    buf b = BUF_INIT(4 * LEN);

    memset(bad, 0x80, LEN);
    json_put_string(&b, bad, LEN);
    CHECK_INT(b.len, 3 * LEN + 2);
    buf_close(&b);
    arena_free(a);
}

TEST(any_bytes_written_parse_again)
{
    arena *a = arena_new(NULL);

    srand(5);
    for (int round = 0; round < 2000; round++) {
        char in[40];
        size_t len = (size_t)rand() % sizeof in;
        buf b = BUF_INIT(1000);
        json_t *v;

        for (size_t i = 0; i < len; i++)
            in[i] = (char)(rand() % 4 == 0 ? 0x80 | rand() : 1 + rand() % 127);
        json_put_string(&b, in, len);
        CHECK(json_parse(a, b.data, b.len, NULL, &v) == OK, "%s", b.data);
        buf_close(&b);
    }
    arena_free(a);
}

TEST(numbers_are_written_shortest_and_read_back_the_same)
{
    static const struct {
        double n;
        const char *text;
    } cases[] = {{0, "0"},
                 {0.1, "0.1"},
                 {0.7, "0.7"},
                 {1.0 / 3, "0.3333333333333333"},
                 {1e21, "1e+21"},
                 {-2.5, "-2.5"},
                 {100, "100"},
                 {NAN, "null"},
                 {-INFINITY, "null"},
                 {5e-324, "4.94065645841247e-324"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        buf b = BUF_INIT(100);

        json_put_num(&b, cases[i].n);
        CHECK_STR(buf_str(&b), cases[i].text);
        buf_close(&b);
    }
}

TEST(keys_put_commas_where_they_belong)
{
    buf b = BUF_INIT(1000);

    buf_putc(&b, '{');
    json_put_key(&b, "a");
    json_put_cstr(&b, "{");
    json_put_key(&b, "b");
    buf_putc(&b, '{');
    json_put_key(&b, "c");
    json_put_cstr(&b, NULL);
    buf_puts(&b, "}}");
    CHECK_STR(buf_str(&b), "{\"a\":\"{\",\"b\":{\"c\":null}}");
    buf_close(&b);
}

TEST(a_document_without_end_is_cut_not_followed)
{
    arena *a = arena_new(NULL);
    json_t *top = json_hold(a, json_array()), *inner = top;
    char *text;

    for (int i = 0; i < 5000; i++) {
        json_t *next = json_array();

        json_array_append_new(inner, next);
        inner = next;
    }
    text = json_text(a, top);
    CHECK(strstr(text, "[null]") != NULL && strlen(text) < 1000, "%zu bytes", strlen(text));
    arena_free(a);
}
