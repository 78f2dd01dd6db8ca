/* SPDX-License-Identifier: MIT */
/* Tests of net/location.c. */
#include "net/location.h"

#include "base/str.h"
#include "test.h"

static location parsed(arena *a, const char *from, const char *url)
{
    location out;

    CHECK(location_parse(a, from, url, &out), "%s", url);
    return out;
}

TEST(an_address_is_taken_apart_and_credentials_are_taken_out)
{
    arena *a = arena_new(NULL);
    location x = parsed(a, NULL, "HTTPS://us%20er:pa%3Ass@API.Example.org./p a?q=1#frag");

    CHECK_STR(x.scheme, "https");
    CHECK_STR(x.host, "api.example.org");
    CHECK_STR(x.port, "443");
    CHECK_STR(x.authorization, "Basic dXMgZXI6cGE6c3M=");
    CHECK(strchr(x.url, '@') == NULL && strchr(x.url, '#') == NULL, "%s", x.url);
    CHECK(cstr_ends(x.url, "/p%20a?q=1"), "%s", x.url);
    CHECK(parsed(a, NULL, "http://h/").authorization == NULL, "none");
    arena_free(a);
}

TEST(a_relative_address_is_resolved_where_it_stands)
{
    arena *a = arena_new(NULL);

    CHECK_STR(parsed(a, "http://h:81/a/b?c", "../d").url, "http://h:81/d");
    CHECK_STR(parsed(a, "http://h:81/a/b", "/e").url, "http://h:81/e");
    CHECK_STR(parsed(a, "https://h/a", "//other/x").url, "https://other/x");
    arena_free(a);
}

TEST(what_is_no_web_address_is_refused)
{
    static const char *const urls[] = {"",
                                       "x",
                                       "/p",
                                       "ftp://h/",
                                       "file:///etc/passwd",
                                       "http://",

                                       "http://h:99999/",
                                       "http://h h/",
                                       "javascript:1",
                                       "http://[::1",
                                       "http://h\r\n/"};
    arena *a = arena_new(NULL);
    location out;

    for (size_t i = 0; i < COUNT(urls); i++)
        CHECK(!location_parse(a, NULL, urls[i], &out), "%s", urls[i]);
    CHECK(!location_parse(a, "http://h/", "file:///etc/passwd", &out), "a redirect cannot leave the web");
    arena_free(a);
}

TEST(an_origin_is_scheme_host_and_port)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {{"http://h/a", "http://H:80/b", true}, {"http://h/", "https://h/", false},
                 {"http://h/", "http://h:81/", false},  {"http://h/", "http://i/", false},
                 {"http://h./", "http://h/", true},     {"https://h:443/", "https://h/", true}};
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++) {
        location x = parsed(a, NULL, cases[i].a), y = parsed(a, NULL, cases[i].b);

        CHECK(location_same_origin(&x, &y) == cases[i].same, "%s %s", cases[i].a, cases[i].b);
    }
    arena_free(a);
}

TEST(a_star_stands_for_names_below_and_not_for_the_name_itself)
{
    static const char *const list[] = {"api.example.org", "*.example.com"};
    static const struct {
        const char *url;
        bool permitted;
    } cases[] = {{"https://api.example.org/", true},
                 {"https://API.example.ORG./", true},
                 {"https://example.org/", false},
                 {"https://a.example.com/", true},
                 {"https://a.b.example.com/", true},
                 {"https://example.com/", false},
                 {"https://evilexample.com/", false},
                 {"https://api.example.org.evil.net/", false},
                 {"https://api.example.org@evil.net/", false},
                 {"https://.example.com/", false},
                 {"https://evil.net/?api.example.org", false},
                 {"https://evil.net\\\\.example.com/", false}};
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++) {
        location x;
        bool good = location_parse(a, NULL, cases[i].url, &x);

        CHECK((good && location_permitted(&x, list, 2)) == cases[i].permitted, "%s", cases[i].url);
    }
    CHECK(location_permitted(&(location){.host = "any"}, NULL, 0), "no list: all");
    arena_free(a);
}
