/* SPDX-License-Identifier: MIT */
/* Header values, parameters, cookies, methods and types. */
#include "net/http.h"

#include "test.h"

TEST(methods_have_names_and_names_are_methods)
{
    for (int i = 0; i < METHOD_COUNT; i++) {
        http_method m;

        CHECK(http_method_parse(str_of(http_method_name((http_method)i)), &m) && (int)m == i, "%d", i);
    }
    http_method m = PUT;
    CHECK(!http_method_parse(STR("get"), &m) && !http_method_parse(STR("BREW"), &m) && m == PUT, "methods are exact");
}

TEST(statuses_have_phrases)
{
    CHECK_STR(http_phrase(200), "OK");
    CHECK_STR(http_phrase(404), "Not Found");
    CHECK_STR(http_phrase(431), "Request Header Fields Too Large");
    CHECK_STR(http_phrase(299), "Unknown");
}

TEST(headers_are_found_in_any_case_and_the_first_one_counts)
{
    arena *a = arena_new(NULL);
    http_headers h = {0};

    for (int i = 0; i < 50; i++)
        http_headers_add(a, &h, arena_printf(a, "X-%d", i % 40), arena_printf(a, "%d", i));
    CHECK_INT(h.count, 50);
    CHECK_STR(http_headers_get(&h, "x-7"), "7");
    CHECK_STR(http_headers_get(&h, "X-39"), "39");
    CHECK(http_headers_get(&h, "X") == NULL, "whole names only");
    arena_free(a);
}

TEST(media_types_lose_parameters_and_case)
{
    arena *a = arena_new(NULL);

    CHECK_STR(http_media_type(a, "Application/JSON; charset=utf-8"), "application/json");
    CHECK_STR(http_media_type(a, " text/plain "), "text/plain");
    CHECK_STR(http_media_type(a, ""), "");
    CHECK_STR(http_media_type(a, NULL), "");
    arena_free(a);
}

TEST(parameters_are_tokens_or_quoted)
{
    static const struct {
        const char *value, *param, *wanted;
    } cases[] = {
        {"text/plain; charset=utf-8", "charset", "utf-8"},
        {"text/plain;CHARSET = utf-8 ; x=y", "charset", "utf-8"},
        {"a; b=\"c;d\\\"e\"; f=g", "b", "c;d\"e"},
        {"a; b=\"c;d\\\"e\"; f=g", "f", "g"},
        {"a; b=\"f=1; f=2\"; f=g", "f", "g"},
        {"a; lonely; f=g", "f", "g"},
        {"a; f=", "f", ""},
        {"a; f=\"open", "f", NULL},
        {"a; f=\"open\\", "f", NULL},
        {"a; ff=1", "f", NULL},
        {"f=1", "f", NULL},
        {"a;;;", "f", NULL},
        {"", "f", NULL},
        {NULL, "f", NULL},
    };
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(http_param(a, cases[i].value, cases[i].param), cases[i].wanted);
    arena_free(a);
}

TEST(cookies_are_found_by_their_exact_name)
{
    static const struct {
        const char *header, *name, *wanted;
    } cases[] = {
        {"a=1; b=2", "b", "2"},   {"a=1;b=2", "b", "2"}, {"a=\"q\"", "a", "q"}, {"a=x=y", "a", "x=y"}, {"a=", "a", ""},
        {"ab=1; b=2", "a", NULL}, {"A=1", "a", NULL},    {"a", "a", NULL},      {"", "a", NULL},
    };
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(http_cookie(a, cases[i].header, cases[i].name), cases[i].wanted);
    arena_free(a);
}

TEST(file_types_come_from_the_ending)
{
    CHECK_STR(http_type_of_file("a/b.c/report.PDF"), "application/pdf");
    CHECK_STR(http_type_of_file("page.html"), "text/html; charset=utf-8");
    CHECK_STR(http_type_of_file("Makefile"), "application/octet-stream");
    CHECK_STR(http_type_of_file("x.unknown"), "application/octet-stream");
    CHECK_STR(http_type_of_file(NULL), "application/octet-stream");
}
