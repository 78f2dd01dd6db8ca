/* SPDX-License-Identifier: MIT */
/* Query strings, parameters, and bodies that are not there.  Bodies over the wire are in server.c. */
#include "net/request.h"

#include "test.h"

static request make(scope *s, const char *query)
{
    return (request){.scope = s, .method = GET, .path = "/", .query = query};
}

FIBER_TEST(query_parameters_are_decoded_and_the_first_one_counts)
{
    request rq = make(s, "a=1&b=x%20y+z&a=2&empty=&bare&%63=encoded%20name&&=nameless");

    CHECK_STR(request_query(&rq, "a"), "1");
    CHECK_STR(request_query(&rq, "b"), "x y z");
    CHECK_STR(request_query(&rq, "empty"), "");
    CHECK_STR(request_query(&rq, "bare"), "");
    CHECK_STR(request_query(&rq, "c"), "encoded name");
    CHECK(request_query(&rq, "missing") == NULL, "absent");
    rq = make(s, "");
    CHECK(request_query(&rq, "a") == NULL, "no query at all");
}

FIBER_TEST(all_query_pairs_come_in_order)
{
    request rq = make(s, "a=1&&b&a=%C3%A9&");
    query_pair *pairs;
    size_t n;

    CHECK_INT(request_query_all(&rq, &pairs, &n), OK);
    CHECK_INT(n, 3);
    CHECK(cstr_eq(pairs[0].name, "a") && cstr_eq(pairs[0].value, "1"), "first");
    CHECK(cstr_eq(pairs[1].name, "b") && cstr_eq(pairs[1].value, ""), "second");
    CHECK(cstr_eq(pairs[2].name, "a") && cstr_eq(pairs[2].value, "\xc3\xa9"), "third");
}

FIBER_TEST(a_bad_escape_in_the_query_is_invalid)
{
    static const char *const cases[] = {"a=%", "a=%4", "a=%zz", "%00=1", "a=1&b=%0"};

    for (size_t i = 0; i < COUNT(cases); i++) {
        request rq = make(s, cases[i]);
        query_pair *pairs = NULL;
        size_t n = 7;

        CHECK(request_query_all(&rq, &pairs, &n) == ERR_INVALID && pairs == NULL && n == 7, "%s", cases[i]);
    }
}

FIBER_TEST(path_parameters_are_found_by_name)
{
    request rq = make(s, "");

    rq.params[0].name = "id";
    rq.params[0].value = "7";
    rq.n_params = 1;
    CHECK_STR(request_param(&rq, "id"), "7");
    CHECK_STR(request_param(&rq, "other"), "");
}

FIBER_TEST(a_request_without_body_has_an_empty_one)
{
    request rq = make(s, "");
    char bytes[8];
    size_t len = 9;
    str all;

    CHECK_INT(request_body_read(&rq, bytes, sizeof bytes, &len), OK);
    CHECK_INT(len, 0);
    CHECK_INT(request_body_all(&rq, 10, &all), OK);
    CHECK_INT(all.len, 0);
}
