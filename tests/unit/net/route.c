/* SPDX-License-Identifier: MIT */
/* The router behind a server: faces, order of the steps, and what each failure gets. */
#include "net/route.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/log.h"
#include "net/client.h"
#include "net/metrics.h"
#include "net/server.h"
#include "probe.h"
#include "rt/sleep.h"
#include "test.h"

/* ---- a face that says what happened to it ---- */

typedef struct {
    const char *name;
    int64_t count;
} thing;

static const field thing_fields[] = {FIELD(thing, name, .required = true),
                                     FIELD(thing, count, .max = 5, .fallback = "2")};
static const schema thing_schema = SCHEMA(thing, thing_fields);

static const field page_fields[] = {FIELD(thing, count, .max = 5, .fallback = "1")};
static const schema page_schema = SCHEMA(thing, page_fields);

enum { OPEN, MEMBERS };

static err show_params(request *rq, response *rs)
{
    return reply_text(rs, 200, arena_printf(rq->scope->arena, "id=%s", request_param(rq, "id")));
}

static err show_body(request *rq, response *rs)
{
    const thing *in = rq->body;

    return reply_text(
        rs, 200, arena_printf(rq->scope->arena, "name=%s count=%d", in->name != NULL ? in->name : "-", (int)in->count));
}

static err show_args(request *rq, response *rs)
{
    return reply_text(rs, 200, arena_printf(rq->scope->arena, "count=%d", (int)((const thing *)rq->args)->count));
}

static err show_path(request *rq, response *rs)
{
    return reply_text(rs, 200, rq->path);
}

static err fails(request *rq, response *rs)
{
    (void)rs;
    return fail(rq->scope, ERR_CONFLICT, "it is there already");
}

static err fails_late(request *rq, response *rs)
{
    TRY(reply_begin(rs, 200, "text/plain"));
    TRY(reply_write(rs, "half", 4));
    TRY(sleep_for(rq->scope, MILLISECONDS(20))); /* it is on its way */
    return fail(rq->scope, ERR_UPSTREAM, "the rest is lost");
}

static err says_nothing(request *rq, response *rs)
{
    (void)rq;
    (void)rs;
    return OK;
}

static err raw_body(request *rq, response *rs)
{
    str text;

    TRY(request_body_all(rq, 100, &text));
    return reply(rs, 200, "text/plain", text.p, text.len);
}

static const route routes[] = {
    {GET, "/things/{id}", OPEN, NULL, show_params, "One"},
    {GET, "/things", OPEN, NULL, show_args, "List", .args = &page_schema},
    {POST, "/things", MEMBERS, &thing_schema, show_body, "Create"},
    {POST, "/perhaps", OPEN, &page_schema, show_body, "Optional body", .mode = BODY_OPTIONAL},
    {POST, "/raw", OPEN, &thing_schema, raw_body, "Raw body", .mode = BODY_RAW},
    {GET, "/folder/", OPEN, NULL, show_path, "With a slash"},
    {GET, "/fails", OPEN, NULL, fails, "Fails"},
    {GET, "/fails-late", OPEN, NULL, fails_late, "Fails half way"},
    {GET, "/nothing", OPEN, NULL, says_nothing, "Does not answer", .quiet = true},
};

static atomic_int after_calls;

static err authorize(request *rq, response *rs, const route *r)
{
    (void)rs;
    if (request_header(rq, "x-locked") != NULL ||
        (r != NULL && r->access == MEMBERS && request_header(rq, "x-user") == NULL))
        return fail(rq->scope, ERR_UNAUTHENTICATED, "who are you");
    return OK;
}

static void invalid(request *rq, response *rs, const schema_faults *faults, const char *part)
{
    (void)reply_text(
        rs, 422,
        arena_printf(rq->scope->arena, "%s: %s (%d)", part, faults->items[0].reason, (int)faults->items[0].kind));
}

static bool intercept(request *rq, response *rs)
{
    if (rq->method != OPTIONS || request_header(rq, "origin") == NULL)
        return false;
    (void)reply_text(rs, 200, "preflight");
    return true;
}

static void after(request *rq, response *rs)
{
    (void)rq;
    after_calls += reply_status(rs) != 0;
}

static const face main_face = {.name = "main",
                               .title = "Main",
                               .routes = routes,
                               .n_routes = COUNT(routes),
                               .max_json = 1000,
                               .slashes = SLASH_REDIRECT,
                               .docs = true,
                               .authorize = authorize,
                               .invalid = invalid,
                               .intercept = intercept,
                               .after = after};

static const route other_routes[] = {{GET, "/where", OPEN, NULL, show_path, "Path"},
                                     {GET, "/things", OPEN, NULL, show_path, "Things"}};
static const face other_face = {
    .name = "other", .routes = other_routes, .n_routes = COUNT(other_routes), .slashes = SLASH_EITHER};

/* ---- a server for a test ---- */

typedef struct {
    scope *scope;
    server *sv;
    router *r;
    server_limits limits; /* zeroed: the usual ones */
    int port;
} site;

static err serve(scope *s, void *arg)
{
    site *t = arg;

    return server_serve(s, t->sv, SECONDS(1));
}

static void site_open(scope *s, site *t, const void *tag)
{
    static const face_mount mounts[] = {
        {"/alias", &other_face, .strip = true}, {"/where", &other_face}, {"/", &main_face}};
    char why[200] = "";

    if (t->limits.max_head == 0)
        t->limits = server_default_limits;
    t->r = router_new(mounts, COUNT(mounts));
    t->sv = server_new(router_serve, t->r, &t->limits);
    CHECK(server_listen(t->sv, "127.0.0.1:0", tag, &t->port, why, sizeof why) == OK, "%s", why);
    t->scope = scope_child(s, NO_LIMIT);
    scope_spawn(t->scope, serve, t);
}

static void site_close(site *t)
{
    scope_cancel(t->scope, "test is over");
    scope_close(t->scope);
    server_free(t->sv);
    router_free(t->r);
}

typedef struct {
    http_method method;
    const char *path;
    const char *body;
    http_header headers[3];
} ask;

/* "status body" */
static const char *answer(scope *s, const site *t, ask a, http_head *head)
{
    http_head unused;
    str body;
    size_t n = 0;

    head = head != NULL ? head : &unused;
    while (n < COUNT(a.headers) && a.headers[n].name != NULL)
        n++;

    http_call call = {.method = a.method,
                      .url = arena_printf(s->arena, "http://127.0.0.1:%d%s", t->port, a.path),
                      .headers = a.headers,
                      .n_headers = n,
                      .body = a.body,
                      .body_len = a.body != NULL ? strlen(a.body) : 0,
                      .guard = GUARD_ANY};
    err e = http_fetch(s, &call, head, &body);

    if (e != OK)
        return arena_printf(s->arena, "%s", err_name(e));
    return arena_printf(s->arena, "%d %.*s", head->status, STR_ARG(body));
}

/* ---- tests ---- */

FIBER_TEST(requests_reach_their_handlers_with_parameters_query_and_body)
{
    static const struct {
        ask ask;
        const char *answer;
    } cases[] = {
        {{GET, "/things/7"}, "200 id=7"},
        {{GET, "/things/a%2Fb"}, "200 id=a/b"},
        {{GET, "/things"}, "200 count=1"},
        {{GET, "/things?count=4&other=1"}, "200 count=4"},
        {{POST, "/things", "{\"name\":\"n\"}", {{"x-user", "u"}, {"content-type", "application/json"}}},
         "200 name=n count=2"},
        {{POST, "/perhaps", ""}, "200 name=- count=1"},
        {{POST, "/perhaps", "null", {{"content-type", "application/json"}}}, "200 name=- count=1"},
        {{POST, "/perhaps", "{\"count\":3}", {{"content-type", "application/json"}}}, "200 name=- count=3"},
        {{POST, "/raw", "not json at all"}, "200 not json at all"},
    };
    site t = {0};

    site_open(s, &t, NULL);
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(answer(s, &t, cases[i].ask, NULL), cases[i].answer);
    site_close(&t);
}

FIBER_TEST(what_does_not_match_is_404_405_or_sent_to_the_other_slash)
{
    site t = {0};
    http_head head;

    site_open(s, &t, NULL);
    CHECK_STR(answer(s, &t, (ask){GET, "/no/such/path"}, NULL), "404 {\"error\":\"not found\"}");
    CHECK_STR(answer(s, &t, (ask){GET, "/things/%ff"}, NULL), "404 {\"error\":\"not found\"}");
    CHECK_STR(answer(s, &t, (ask){DELETE, "/things"}, &head), "405 {\"error\":\"method not allowed\"}");
    CHECK_STR(http_headers_get(&head.headers, "allow"), "GET, HEAD, POST");
    CHECK_STR(answer(s, &t, (ask){OPTIONS, "/things"}, NULL), "405 {\"error\":\"method not allowed\"}");
    CHECK_STR(answer(s, &t, (ask){OPTIONS, "/things", NULL, {{"origin", "http://x"}}}, NULL), "200 preflight");
    answer(s, &t, (ask){GET, "/things/?count=3"}, &head);
    CHECK_INT(head.status, 307);
    CHECK_STR(http_headers_get(&head.headers, "location"), "/things?count=3");
    answer(s, &t, (ask){GET, "/main/folder"}, &head);
    CHECK_INT(head.status, 307);
    CHECK_STR(http_headers_get(&head.headers, "location"), "/main/folder/");
    CHECK_STR(answer(s, &t, (ask){GET, "/folder/"}, NULL), "200 /folder/");
    CHECK_STR(answer(s, &t, (ask){GET, "/other/things/"}, NULL), "200 /things/");
    site_close(&t);
}

FIBER_TEST(head_is_served_by_get_without_a_body)
{
    site t = {0};

    site_open(s, &t, NULL);
    CHECK_STR(answer(s, &t, (ask){HEAD, "/things/7"}, NULL), "200 ");
    site_close(&t);
}

FIBER_TEST(a_face_is_found_by_its_name_a_mount_or_its_listener)
{
    site t = {0}, own = {0};

    site_open(s, &t, NULL);
    CHECK_STR(answer(s, &t, (ask){GET, "/where"}, NULL), "200 /where");
    CHECK_STR(answer(s, &t, (ask){GET, "/other/where"}, NULL), "200 /where");
    CHECK_STR(answer(s, &t, (ask){GET, "/alias/where"}, NULL), "200 /where");
    CHECK_STR(answer(s, &t, (ask){GET, "/aliases/where"}, NULL), "404 {\"error\":\"not found\"}");
    CHECK_STR(answer(s, &t, (ask){GET, "/main/things"}, NULL), "200 count=1");
    site_close(&t);

    site_open(s, &own, &other_face);
    CHECK_STR(answer(s, &own, (ask){GET, "/things"}, NULL), "200 /things");
    CHECK_STR(answer(s, &own, (ask){GET, "/main/things"}, NULL), "404 {\"error\":\"not found\"}");
    site_close(&own);
}

FIBER_TEST(who_asks_is_settled_before_what_is_asked)
{
    static const char denied[] = "401 {\"error\":\"who are you\"}";
    site t = {0};

    site_open(s, &t, NULL);
    CHECK_STR(answer(s, &t, (ask){POST, "/things", "{broken"}, NULL), denied);
    CHECK_STR(answer(s, &t, (ask){GET, "/no/such/path", NULL, {{"x-locked", "1"}}}, NULL), denied);
    CHECK_STR(answer(s, &t, (ask){GET, "/things/", NULL, {{"x-locked", "1"}}}, NULL), denied);
    CHECK_STR(answer(s, &t, (ask){PUT, "/things", NULL, {{"x-locked", "1"}}}, NULL), denied);
    site_close(&t);
}

FIBER_TEST(input_that_does_not_fit_is_answered_by_the_face)
{
    static const struct {
        const char *path, *type, *body, *answer;
    } cases[] = {
        {"/things", "application/json", "{\"name\":1}", "422 body: name must be of type string (2)"},
        {"/things", "application/json", "", "422 body: the body is required (1)"},
        {"/things", "application/json", " \n", "422 body: the body is required (1)"},
        {"/things", "application/json", "[]", "422 body: the body must be of type object (2)"},
        {"/things", "application/json", "{\"name\":\"\xff\"}", NULL},
        {"/things", "application/json", "\xff\xfe", NULL},
        {"/things", "application/json", "{\"name\":\xff}", NULL},
        {"/things", "application/json", "{\"name\":", NULL},
        {"/things", "application/x-www-form-urlencoded", "name=1",
         "422 body: the body must be JSON, and its Content-Type application/json (2)"},
        {"/perhaps", "application/json", "[]", "422 body: the body must be of type object (2)"},
    };
    site t = {0};

    site_open(s, &t, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        ask a = {POST, cases[i].path, cases[i].body, {{"x-user", "u"}, {"content-type", cases[i].type}}};
        const char *got = answer(s, &t, a, NULL);

        if (cases[i].answer != NULL)
            CHECK_STR(got, cases[i].answer);
        else
            CHECK(cstr_starts(got, "422 body: the body is not JSON: ") && cstr_ends(got, "(0)") &&
                      utf8_valid(got, strlen(got)),
                  "%s", got);
    }
    CHECK_STR(answer(s, &t, (ask){GET, "/things?count=x"}, NULL), "422 query: count must be of type integer (2)");
    CHECK_STR(answer(s, &t, (ask){GET, "/things?count=6"}, NULL), "422 query: count must be at most 5 (3)");
    CHECK_STR(answer(s, &t, (ask){GET, "/things/7?x=%ff"}, NULL),
              "422 query: the query is not percent-encoded UTF-8 (2)");
    CHECK_STR(answer(s, &t, (ask){GET, "/things/7?x=%0"}, NULL),
              "422 query: the query is not percent-encoded UTF-8 (2)");
    CHECK_STR(answer(s, &t, (ask){GET, "/things/7?x=%c3%a4+b"}, NULL), "200 id=7");
    site_close(&t);
}

FIBER_TEST(careless_content_types_are_taken_for_json)
{
    static const char *const types[] = {"application/json", "application/json; charset=utf-8", "Application/JSON",
                                        "application/vnd.api+json", "text/plain;charset=UTF-8"};
    site t = {0};

    site_open(s, &t, NULL);
    for (size_t i = 0; i < COUNT(types); i++) {
        ask a = {POST, "/things", "{\"name\":\"n\"}", {{"x-user", "u"}, {"content-type", types[i]}}};

        CHECK_STR(answer(s, &t, a, NULL), "200 name=n count=2");
    }
    site_close(&t);
}

FIBER_TEST(a_body_over_the_limit_of_the_face_is_refused)
{
    char body[1200];
    site t = {0};

    memset(body, ' ', sizeof body);
    memcpy(body, "{\"name\":\"n\"}", 12);
    body[sizeof body - 1] = '\0';
    site_open(s, &t, NULL);
    CHECK(cstr_starts(answer(s, &t, (ask){POST, "/things", body, {{"x-user", "u"}}}, NULL), "413 "), "too large");
    body[999] = '\0';
    CHECK_STR(answer(s, &t, (ask){POST, "/things", body, {{"x-user", "u"}, {"content-type", "text/plain"}}}, NULL),
              "200 name=n count=2");
    site_close(&t);
}

static void stalling_client(void *arg)
{
    static const char *const requests[] = {
        "POST /things HTTP/1.1\r\nHost: a\r\nX-User: u\r\nContent-Length: 12\r\n\r\n{\"name\"",
        "POST /raw HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    };
    char out[2000];

    for (size_t i = 0; i < COUNT(requests); i++)
        CHECK(probe_once(((const site *)arg)->port, requests[i], out, sizeof out) == 408, "%s", out);
}

FIBER_TEST(a_client_that_stops_within_its_body_is_told_that_it_was_too_slow)
{
    site t = {.limits = server_default_limits};

    t.limits.body_timeout = MILLISECONDS(100);
    site_open(s, &t, NULL);
    probe_client(s, stalling_client, &t);
    site_close(&t);
}

FIBER_TEST(a_failed_handler_is_answered_or_cut_when_it_has_begun)
{
    site t = {0};

    site_open(s, &t, NULL);
    CHECK_STR(answer(s, &t, (ask){GET, "/fails"}, NULL), "409 {\"error\":\"it is there already\"}");
    CHECK_STR(answer(s, &t, (ask){GET, "/fails-late"}, NULL), "upstream");
    CHECK(cstr_starts(answer(s, &t, (ask){GET, "/nothing"}, NULL), "500"), "the server answers");
    CHECK_STR(answer(s, &t, (ask){GET, "/things/7"}, NULL), "200 id=7");
    CHECK_INT(after_calls, 3);
    site_close(&t);
}

FIBER_TEST(the_document_and_its_page_are_served_beside_the_routes)
{
    http_head head;
    const char *page;
    site t = {0};

    site_open(s, &t, NULL);
    CHECK(cstr_starts(answer(s, &t, (ask){GET, "/openapi.json"}, &head), "200 {\"openapi\":\"3.1.0\","), "document");
    CHECK_STR(http_headers_get(&head.headers, "content-type"), "application/json");
    CHECK(cstr_starts(answer(s, &t, (ask){GET, "/main/openapi.json"}, NULL),
                      "200 {\"servers\":[{\"url\":\"/main\"}],\"openapi\""),
          "paths are below the name");
    CHECK(strstr(answer(s, &t, (ask){GET, "/openapi.json"}, NULL), "\"/other/things\":") != NULL,
          "of all that the port has");
    CHECK(strstr(answer(s, &t, (ask){GET, "/main/openapi.json"}, NULL), "/other/") == NULL, "of the face alone");
    page = answer(s, &t, (ask){GET, "/docs"}, &head);
    CHECK(cstr_starts(page, "200 <!DOCTYPE html>") && cstr_ends(page, "</html>\n"), "the whole page");
    CHECK(strstr(http_headers_get(&head.headers, "content-security-policy"), "script-src 'sha256-") != NULL, "policy");
    CHECK(cstr_starts(answer(s, &t, (ask){GET, "/other/docs"}, NULL), "404"), "only for faces that ask for it");
    site_close(&t);
}

FIBER_TEST(requests_are_counted_by_face_and_status)
{
    buf text = BUF_INIT(MIB(1));
    site t = {0};

    site_open(s, &t, NULL);
    answer(s, &t, (ask){GET, "/things"}, NULL);
    answer(s, &t, (ask){GET, "/things?count=9"}, NULL);
    answer(s, &t, (ask){GET, "/other/where"}, NULL);
    metrics_render(&text);
    CHECK(strstr(buf_str(&text), "sluice_http_requests_total{face=\"main\",status=\"2xx\"} 1\n") != NULL, "one good");
    CHECK(strstr(buf_str(&text), "sluice_http_requests_total{face=\"main\",status=\"4xx\"} 1\n") != NULL, "one bad");
    CHECK(strstr(buf_str(&text), "sluice_http_request_seconds_count{face=\"other\"} 1\n") != NULL, "timed");
    buf_close(&text);
    site_close(&t);
}

static void make_bad_table(void)
{
    static const route bad[] = {{GET, "/x", OPEN, NULL, show_path, "X"}, {GET, "/x", OPEN, NULL, show_path, "X again"}};
    static const face f = {.name = "bad", .routes = bad, .n_routes = COUNT(bad)};

    router_new(&(face_mount){"/", &f}, 1);
}

TEST(a_table_with_a_fault_ends_the_process_with_its_name)
{
    char said[2000];
    int status = test_in_child(make_bad_table, said, sizeof said);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %d", status);
    CHECK(strstr(said, "face=bad") != NULL && strstr(said, "/x: duplicate") != NULL, "%s", said);
}
