/* SPDX-License-Identifier: MIT */
/* The same-origin check; see auth/csrf.h. */
#include "auth/csrf.h"

#include "test.h"

TEST(a_cookie_vouches_for_writes_of_our_own_pages_only)
{
    static const struct {
        http_method method;
        const char *scheme, *host, *origin, *site;
        bool permitted;
    } cases[] = {
        /* reading is free */
        {GET, "http", "a.example", NULL, NULL, true},
        {HEAD, "http", "a.example", "http://evil.example", "cross-site", true},
        {OPTIONS, "http", "a.example", "http://evil.example", "cross-site", true},
        /* nothing said: not a browser that we can trust */
        {POST, "http", "a.example", NULL, NULL, false},
        {DELETE, "http", "a.example", NULL, NULL, false},
        /* Sec-Fetch-Site alone */
        {POST, "http", "a.example", NULL, "same-origin", true},
        {POST, "http", "a.example", NULL, "none", true},
        {PUT, "http", "a.example", NULL, "same-site", false},
        {PATCH, "http", "a.example", NULL, "cross-site", false},
        {POST, "http", "a.example", NULL, "", false},
        {POST, "http", "a.example", NULL, "SAME-ORIGIN", false},
        /* Origin alone */
        {POST, "http", "a.example", "http://a.example", NULL, true},
        {POST, "http", "A.example:80", "http://a.Example", NULL, true},
        {POST, "http", "a.example:8000", "http://a.example:8000", NULL, true},
        {POST, "http", "127.0.0.1:8000", "http://127.0.0.1:8000", NULL, true},
        {POST, "http", "[::1]:8000", "http://[::1]:8000", NULL, true},
        {POST, "https", "a.example", "https://a.example", NULL, true},
        {POST, "https", "a.example", "https://a.example:443", NULL, true},
        {POST, "http", "a.example", "http://a.example:8000", NULL, false},
        {POST, "http", "a.example:8000", "http://a.example", NULL, false},
        {POST, "http", "a.example", "http://a.example.evil.example", NULL, false},
        {POST, "http", "a.example", "http://evil.example", NULL, false},
        {POST, "http", "a.example", "http://b.a.example", NULL, false},
        {POST, "http", "a.example", "null", NULL, false},
        {POST, "http", "a.example", "", NULL, false},
        {POST, "http", "a.example", "ftp://a.example", NULL, false},
        {POST, "http", "a.example", "http://", NULL, false},
        {POST, "http", "", "http://", NULL, false},
        {POST, "http", NULL, "http://", NULL, false},
        {POST, "http", "a.example", "a.example", NULL, false},
        /* TLS ends at a proxy that is not configured: the page is https, we see http; never the other way */
        {POST, "http", "a.example", "https://a.example", NULL, true},
        {POST, "https", "a.example", "http://a.example", NULL, false},
        {POST, "http", "a.example:80", "https://a.example", NULL, false},
        /* both said: both must agree */
        {POST, "http", "a.example", "http://a.example", "same-origin", true},
        {POST, "http", "a.example", "http://evil.example", "same-origin", false},
        {POST, "http", "a.example", "http://a.example", "cross-site", false},
        /* trusted by configuration */
        {POST, "http", "a.example", "https://app.example", "cross-site", true},
        {POST, "http", "a.example", "HTTPS://app.example", NULL, true},
        {POST, "http", "a.example", "https://app.example:8443", "cross-site", false},
        {POST, "http", "a.example", "http://app.example", "cross-site", false},
    };
    static const char *const trusted[] = {"https://other.example", "https://app.example", NULL};

    for (size_t i = 0; i < COUNT(cases); i++) {
        csrf_facts f = {cases[i].method, cases[i].scheme, cases[i].host, cases[i].origin, cases[i].site};

        CHECK(csrf_permits(&f, trusted) == cases[i].permitted, "case %zu", i);
    }
}

TEST(a_login_from_another_site_is_told_from_one_without_a_browser)
{
    static const struct {
        const char *origin, *site;
        bool cross;
    } cases[] = {
        {NULL, NULL, false},          {"http://a.example", NULL, false},          {NULL, "same-origin", false},
        {NULL, "none", false},        {"http://evil.example", NULL, true},        {NULL, "cross-site", true},
        {"null", "cross-site", true}, {"http://a.example", "same-origin", false}, {NULL, "same-site", true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        csrf_facts f = {POST, "http", "a.example", cases[i].origin, cases[i].site};

        CHECK(csrf_cross_site(&f, NULL) == cases[i].cross, "case %zu", i);
    }
}
