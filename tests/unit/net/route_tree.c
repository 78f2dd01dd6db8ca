/* SPDX-License-Identifier: MIT */
/* Matching paths against route tables. */
#include "net/route_tree.h"

#include "test.h"

TEST(route_patterns_match_whole_segments)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } cases[] = {
        {"/api/agents/{id}", "/api/agents/7", true},
        {"/api/agents/{id}", "/api/agents/", false},
        {"/api/agents/{id}", "/api/agents//", false},
        {"/api/agents/{id}", "/api/agents", false},
        {"/api/agents/{id}", "/api/agents/7/", false},
        {"/api/agents/{id}", "/api/agents/7/runs", false},
        {"/api/agents/{id}", "/api/agents/a%2fb", true},
        {"/api/agents/{id}", "/api//agents/7", false},
        {"/api/agents/{id}", "//api/agents/7", false},
        {"/api/agents/{id}", "/API/agents/7", false},
        {"/api/agents/{id}", "/%61pi/agents/7", true},
        {"/api/agents/{id}", "/api%2fagents/7", false},
        {"/api/agents/{id}", "/api/agents/%zz", false},
        {"/api/agents/{id}", "/api/agents/%", false},
        {"/api/agents/{id}", "/api/agents/a%00b", false},
        {"/api/agents/{id}", "/api/agents/%ff", false},
        {"/api/agents/{id}", "/api/agents/%c3%a4", true},
        {"/api/%", "/api/x", false},
        {"/", "/", true},
        {"/", "//", false},
        {"/", "/x", false},
        {"/x/", "/x/", true},
        {"/x/", "/x", false},
        {"/x", "/x/", false},
        {"/{a}/{b}", "/1/2", true},
        {"/{a}/{b}", "/1/", false},
        {"/files/{rest...}", "/files/a", true},
        {"/files/{rest...}", "/files/a/b/", true},
        {"/files/{rest...}", "/files/", false},
        {"/files/{rest...}", "/files", false},
        {"/{rest...}", "/", false},
        {"/{rest...}", "/x", true},
        {"relative", "/relative", false},
        {"/a//b", "/a//b", false},
        {"/{rest...}/x", "/1/x", false},
        {"/{}", "/1", false},
        {"/x{id}", "/x1", false},
        {"/{id", "/1", false},
        {"/{i-d}", "/1", false},
        {"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}", "/1/2/3/4/5/6/7/8", true},
        {"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "/1/2/3/4/5/6/7/8/9", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);

        CHECK(route_match(a, cases[i].pattern, cases[i].path, NULL) == cases[i].match, "%s on %s", cases[i].pattern,
              cases[i].path);
        arena_free(a);
    }
}

TEST(parameters_are_decoded_and_named_by_their_pattern)
{
    arena *a = arena_new(NULL);
    request rq = {0};

    CHECK(route_match(a, "/a/{one}/b/{two}", "/a/x%2Fy+z/b/h%C3%A4", &rq), "matches");
    CHECK_INT(rq.n_params, 2);
    CHECK_STR(rq.params[0].name, "one");
    CHECK_STR(rq.params[0].value, "x/y+z");
    CHECK_STR(rq.params[1].name, "two");
    CHECK_STR(rq.params[1].value, "hä");
    CHECK(route_match(a, "/files/{id}/{path...}", "/files/7/a/%2e%2e//b", &rq), "matches");
    CHECK_STR(rq.params[0].value, "7");
    CHECK_STR(rq.params[1].name, "path");
    CHECK_STR(rq.params[1].value, "a/..//b");
    arena_free(a);
}

static const route table[] = {
    {.method = GET, .path = "/agents/{id}", .summary = "one"},
    {.method = DELETE, .path = "/agents/{agent}", .summary = "delete"},
    {.method = GET, .path = "/agents/default", .summary = "default"},
    {.method = GET, .path = "/agents", .summary = "list"},
    {.method = POST, .path = "/agents", .summary = "create"},
    {.method = GET, .path = "/agents/{id}/runs", .summary = "runs"},
    {.method = POST, .path = "/agents/default/start", .summary = "start"},
    {.method = GET, .path = "/{rest...}", .summary = "page"},
    {.method = HEAD, .path = "/own-head", .summary = "head"},
    {.method = GET, .path = "/own-head", .summary = "get"},
};

TEST(the_most_literal_route_with_the_method_wins)
{
    static const struct {
        http_method method;
        const char *path, *summary;
    } cases[] = {
        {GET, "/agents", "list"},
        {POST, "/agents", "create"},
        {GET, "/agents/7", "one"},
        {GET, "/agents/default", "default"},
        {GET, "/agents/defaul%74", "default"},
        {DELETE, "/agents/default", "delete"},
        {GET, "/agents/default/runs", "runs"},
        {POST, "/agents/default/start", "start"},
        {GET, "/agents/7/other", "page"},
        {GET, "/agents/", "page"},
        {HEAD, "/agents", "list"},
        {HEAD, "/own-head", "head"},
        {GET, "/own-head", "get"},
        {POST, "/agents/7/start", NULL},
        {GET, "/", NULL},
    };
    arena *a = arena_new(NULL);
    const char *why = "";
    route_tree *t = route_tree_new(a, table, COUNT(table), &why);

    CHECK(t != NULL, "%s", why);
    for (size_t i = 0; i < COUNT(cases); i++) {
        route_found found = route_tree_find(t, cases[i].method, str_of(cases[i].path));

        CHECK_STR(found.leaf != NULL ? found.leaf->route->summary : NULL, cases[i].summary);
    }
    arena_free(a);
}

TEST(other_methods_of_a_path_are_known)
{
    static const struct {
        http_method method;
        const char *path, *allow;
    } cases[] = {
        {PUT, "/agents", "GET, HEAD, POST"},
        {PATCH, "/agents/7", "GET, HEAD, DELETE"},
        {PATCH, "/agents/default", "GET, HEAD, DELETE"},
        {OPTIONS, "/agents", "GET, HEAD, POST"},
        {POST, "/nowhere", "GET, HEAD"},
        {GET, "/", ""},
    };
    arena *a = arena_new(NULL);
    const char *why = "";
    route_tree *t = route_tree_new(a, table, COUNT(table), &why);

    for (size_t i = 0; i < COUNT(cases); i++) {
        route_found found = route_tree_find(t, cases[i].method, str_of(cases[i].path));

        CHECK(found.leaf == NULL, "found: %s", cases[i].path);
        CHECK_STR(route_methods(a, found.allow), cases[i].allow);
    }
    arena_free(a);
}

TEST(parameters_of_one_place_may_have_different_names)
{
    arena *a = arena_new(NULL);
    const char *why = "";
    route_tree *t = route_tree_new(a, table, COUNT(table), &why);
    route_found found = route_tree_find(t, DELETE, STR("/agents/x"));
    request rq = {0};

    CHECK(found.leaf != NULL && route_take(a, &found, &rq), "found");
    CHECK_STR(rq.params[0].name, "agent");
    arena_free(a);
}

TEST(a_table_with_a_fault_is_refused_with_its_path)
{
    static const struct {
        route routes[2];
        const char *why;
    } cases[] = {
        {{{.path = "/a/{x}"}, {.path = "/a/{y}"}}, "/a/{y}: duplicate"},
        {{{.path = "/a/{x...}"}, {.path = "/a/{y...}"}}, "/a/{y...}: duplicate"},
        {{{.path = "/a"}, {.path = "b"}}, "b: malformed path"},
        {{{.path = "/a"}, {.path = NULL}}, "(no path): malformed path"},
        {{{.path = "/a"}, {.path = "/b", .method = METHOD_COUNT}}, "/b: no such method"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);
        const char *why = "accepted";

        CHECK(route_tree_new(a, cases[i].routes, 2, &why) == NULL, "accepted: %zu", i);
        CHECK_STR(why, cases[i].why);
        arena_free(a);
    }
}

TEST(very_long_and_deep_paths_cost_nothing_and_match_nothing)
{
    enum { LENGTH = 60000 };
    arena *a = arena_new(NULL);
    const char *why = "";
    route_tree *t = route_tree_new(a, table, COUNT(table) - 3, &why);
    char *path = arena_alloc(a, LENGTH);

    for (size_t i = 0; i < LENGTH; i++)
        path[i] = "/a"[i % 2];
    CHECK(route_tree_find(t, GET, (str){path, LENGTH}).leaf == NULL, "deep");
    for (size_t i = 1; i < LENGTH; i++)
        path[i] = "%61"[(i - 1) % 3];
    CHECK(route_tree_find(t, GET, (str){path, LENGTH}).leaf == NULL, "long");
    arena_free(a);
}
