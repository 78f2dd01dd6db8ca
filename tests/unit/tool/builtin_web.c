/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "../fake_server.h"
#include "net/guard.h"

static bool answer(fake_conn *c, const fake_request *rq, void *arg)
{
    int *failures = arg;

    if (strcmp(rq->path, "/page") == 0)
        return fake_reply(c, 200, "text/html; charset=utf-8", "<title>T</title><h1>Hello</h1><p>World of pages</p>");
    if (strcmp(rq->path, "/data.json") == 0)
        return fake_reply(c, 200, "application/json", "{\"a\":1}");
    if (strcmp(rq->path, "/img.png") == 0)
        return fake_reply(c, 200, "image/png", "\x89PNG....");
    if (strcmp(rq->path, "/flaky") == 0 && ++*failures < 2)
        return fake_reply(c, 503, "text/plain", "later");
    if (strcmp(rq->path, "/flaky") == 0)
        return fake_reply(c, 200, "text/plain", "now");
    if (strcmp(rq->path, "/slow") == 0) {
        fake_sleep_ms(5000);
        return false;
    }
    if (strcmp(rq->path, "/hop") == 0)
        return fake_printf(c, "HTTP/1.1 302 Found\r\nLocation: /page\r\nContent-Length: 0\r\n\r\n");
    if (strcmp(rq->path, "/huge") == 0) {
        bool ok = fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99999999\r\n\r\n");
        char block[4096];

        memset(block, 'x', sizeof block);
        for (int i = 0; ok && i < 4000; i++)
            ok = fake_write(c, block, sizeof block);
        return false;
    }
    return fake_reply(c, 404, "text/html", "<p>none</p>");
}

static json_t *fetch(scope *s, const tool_context *cx, int port, const char *paths, const char *more)
{
    buf *b = buf_new(s->arena, KIB(64));
    str rest = str_of(paths), path;

    while (str_next(&rest, ' ', &path))
        buf_printf(b, "%s\"http://127.0.0.1:%d%.*s\"", b->len > 0 ? "," : "", port, STR_ARG(path));
    return fixture_call(s, cx, "fetch_webpages", arena_printf(s->arena, "{\"urls\":[%s]%s}", buf_str(b), more));
}

static json_t *result_at(json_t *v, size_t i)
{
    return json_array_get(json_get_arr(v, "results"), i);
}

static const char *saved(scope *s, const tool_context *cx, json_t *one)
{
    const char *path = json_get_str(json_get_obj(one, "metadata"), "save_path", NULL);

    CHECK(path != NULL && cstr_starts(path, cx->workspace), "%s", path);
    return fixture_read(s, cx, path + strlen(cx->workspace) + 1);
}

FIBER_TEST(pages_come_as_text_and_are_saved, .limit = 60)
{
    tool_context cx = fixture_context(s);
    int failures = 0, port = fake_server_start(answer, &failures);
    json_t *v, *one;

    guard_allow_private(true);
    v = fetch(s, &cx, port, "/page /data.json /img.png /none /hop", "");
    CHECK_STR(json_get_str(v, "status", NULL), "success");
    CHECK_INT(json_get_int(v, "total_urls", 0), 5);
    CHECK_INT(json_get_int(v, "success_count", 0), 4);
    CHECK_INT(json_get_int(v, "error_count", 0), 1);
    CHECK_STR(json_get_str(v, "workspace", NULL), cx.workspace);
    one = result_at(v, 0);
    CHECK_STR(json_get_str(one, "url", NULL), arena_printf(s->arena, "http://127.0.0.1:%d/page", port));
    CHECK_STR(json_get_str(one, "type", NULL), "html");
    CHECK_STR(json_get_str(one, "content", NULL), "# Hello\n\nWorld of pages");
    CHECK_STR(json_get_str(json_get_obj(one, "metadata"), "title", NULL), "T");
    CHECK_INT(json_get_int(json_get_obj(one, "metadata"), "content_length", 0), 23);
    CHECK_STR(saved(s, &cx, one), "# Hello\n\nWorld of pages");
    one = result_at(v, 1);
    CHECK_STR(json_get_str(one, "type", NULL), "file");
    CHECK_STR(json_get_str(one, "content", NULL), "{\"a\":1}");
    CHECK(cstr_ends(json_get_str(json_get_obj(one, "metadata"), "filename", ""), ".json"), "its ending");
    one = result_at(v, 2);
    CHECK_STR(json_get_str(one, "type", NULL), "file");
    CHECK_STR(json_get_str(one, "content", NULL), "");
    CHECK(memcmp(saved(s, &cx, one), "\x89PNG....", 8) == 0, "as it came");
    CHECK_STR(json_get_str(result_at(v, 3), "status", NULL), "error");
    CHECK_STR(json_get_str(result_at(v, 3), "error", NULL), "HTTP 404 Not Found");
    CHECK_STR(json_get_str(result_at(v, 4), "content", NULL), "# Hello\n\nWorld of pages");
}

FIBER_TEST(the_answer_is_cut_the_file_is_whole, .limit = 60)
{
    tool_context cx = fixture_context(s);
    int failures = 0, port = fake_server_start(answer, &failures);
    json_t *one;

    guard_allow_private(true);
    one = result_at(fetch(s, &cx, port, "/huge /page", ",\"retries\":0,\"max_length_per_url\":100"), 0);
    CHECK_STR(json_get_str(one, "status", NULL), "error");
    one = result_at(fetch(s, &cx, port, "/page", ",\"max_length_per_url\":10"), 0);
    CHECK_INT(json_get_int(json_get_obj(one, "metadata"), "return_length", 0), 23);
}

FIBER_TEST(failures_are_retried_as_often_as_asked, .limit = 60)
{
    tool_context cx = fixture_context(s);
    int failures = 0, port = fake_server_start(answer, &failures);
    json_t *v;

    guard_allow_private(true);
    v = fetch(s, &cx, port, "/flaky", ",\"retries\":0");
    CHECK_STR(json_get_str(v, "status", NULL), "error");
    CHECK_STR(json_get_str(result_at(v, 0), "error", NULL), "HTTP 503 Service Unavailable");
    failures = 0;
    v = fetch(s, &cx, port, "/flaky", ",\"retries\":2");
    CHECK_STR(json_get_str(result_at(v, 0), "content", NULL), "now");
}

FIBER_TEST(a_slow_page_is_given_up, .limit = 60)
{
    tool_context cx = fixture_context(s);
    int failures = 0, port = fake_server_start(answer, &failures);
    json_t *v;

    guard_allow_private(true);
    v = fetch(s, &cx, port, "/slow", ",\"retries\":0,\"timeout\":1");
    CHECK_INT(json_get_int(v, "error_count", 0), 1);
    CHECK(!cstr_blank(json_get_str(result_at(v, 0), "error", NULL)), "%s", json_text(s->arena, v));
}

FIBER_TEST(private_addresses_and_other_schemes_are_refused, .limit = 60)
{
    tool_context cx = fixture_context(s);
    int failures = 0, port = fake_server_start(answer, &failures);
    json_t *v = fetch(s, &cx, port, "/page", "");

    CHECK_INT(json_get_int(v, "success_count", -1), 0);
    v = fixture_call(
        s, &cx, "fetch_webpages",
        "{\"urls\":[\"file:///etc/passwd\",\"http://169.254.169.254/\",\"http://[::1]/\",\"gopher://x/\",\"nonsense\","
        "\"http://10.0.0.1/\"]}");
    CHECK_INT(json_get_int(v, "success_count", -1), 0);
    CHECK_INT(json_get_int(v, "error_count", -1), 6);
}

FIBER_TEST(addresses_must_be_a_short_list_of_texts)
{
    tool_context cx = fixture_context(s);
    buf *b = buf_new(s->arena, KIB(64));

    fixture_fails(s, &cx, "fetch_webpages", "{\"urls\":[]}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "fetch_webpages", "{\"urls\":[{\"x\":1}]}", "INVALID_ARGUMENT");
    for (int i = 0; i < 21; i++)
        buf_printf(b, "%s\"http://x/%d\"", i > 0 ? "," : "", i);
    fixture_fails(s, &cx, "fetch_webpages", arena_printf(s->arena, "{\"urls\":[%s]}", buf_str(b)), "INVALID_ARGUMENT");
}

FIBER_TEST(without_a_workspace_nothing_is_saved, .limit = 60)
{
    tool_context cx = fixture_context(s);
    int failures = 0, port = fake_server_start(answer, &failures);
    json_t *one;

    guard_allow_private(true);
    cx.workspace = NULL;
    one = result_at(fetch(s, &cx, port, "/page", ""), 0);
    CHECK_STR(json_get_str(one, "content", NULL), "# Hello\n\nWorld of pages");
    CHECK(json_is_null(json_object_get(json_get_obj(one, "metadata"), "save_path")), "nowhere");
}
