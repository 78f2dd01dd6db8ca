/* SPDX-License-Identifier: MIT */
/* Files as responses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "probe.h"
#include "test.h"

enum { SIZE = 300000 };

static char path[512];
static err result;

static void app(request *rq, response *rs, void *arg)
{
    (void)arg;
    if (strcmp(rq->path, "/missing") == 0)
        result = reply_file(rs, 200, NULL, "/nonexistent/file", NULL);
    else if (strcmp(rq->path, "/folder") == 0)
        result = reply_file(rs, 200, NULL, "/tmp", NULL);
    else if (strcmp(rq->path, "/named") == 0)
        result = reply_file(rs, 200, NULL, path, "na\xc3\xafve \"x\".txt");
    else
        result = reply_file(rs, 200, NULL, path, NULL);
    if (result != OK && !reply_begun(rs))
        reply_text(rs, result == ERR_NOT_FOUND ? 404 : 500, scope_failure(rq->scope, result).text);
}

static void write_file(void)
{
    FILE *f;

    snprintf(path, sizeof path, "%s/data.txt", test_dir());
    f = fopen(path, "w");
    CHECK(f != NULL, "open");
    for (int i = 0; i < SIZE; i++)
        fputc('a' + i % 26, f);
    fclose(f);
}

static int ask(int fd, const char *extra, char *out, size_t cap)
{
    char text[1024];

    snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\nHost: a\r\n%s\r\n", "x", extra);
    probe_send(fd, text);
    return probe_response(fd, out, cap, false);
}

static void whole_client(void *arg)
{
    size_t cap = SIZE + 4096;
    char *out = mem_alloc(cap);
    const char *body, *etag;
    char tag[128], line[200];
    int fd = probe_connect(port_of(arg));

    CHECK_INT(ask(fd, "", out, cap), 200);
    body = strstr(out, "\r\n\r\n") + 4;
    CHECK_INT(strlen(body), SIZE);
    CHECK(body[SIZE - 1] == 'a' + (SIZE - 1) % 26, "the last byte");
    CHECK(strstr(out, "Content-Type: text/plain; charset=utf-8\r\n") != NULL, "%.300s", out);
    etag = strstr(out, "ETag: ");
    CHECK(etag != NULL && sscanf(etag, "ETag: %127[^\r]", tag) == 1, "%.300s", out);
    snprintf(line, sizeof line, "If-None-Match: \"other\", W/%s\r\n", tag);
    CHECK_INT(ask(fd, line, out, cap), 304);
    snprintf(line, sizeof line, "If-Range: %s\r\nRange: bytes=0-0\r\n", tag);
    CHECK_INT(ask(fd, line, out, cap), 206);
    CHECK_INT(ask(fd, "If-Range: \"old\"\r\nRange: bytes=0-0\r\n", out, cap), 200);
    probe_send(fd, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, cap, true), 200);
    CHECK(strstr(out, "Content-Length: 300000\r\n") != NULL, "%s", out);
    close(fd);
    free(out);
}

static void range_client(void *arg)
{
    static const struct {
        const char *range;
        int status;
        const char *wanted;
    } cases[] = {
        {"bytes=0-3", 206, "\r\n\r\nabcd"},
        {"bytes=26-26", 206, "\r\n\r\na"},
        {"bytes=299998-", 206, "\r\n\r\nkl"},
        {"bytes=-2", 206, "\r\n\r\nkl"},
        {"bytes=299999-999999999", 206, "Content-Range: bytes 299999-299999/300000\r\n"},
        {"bytes=300000-", 416, "Content-Range: bytes */300000\r\n"},
        {"bytes=-0", 416, "Content-Range: bytes */300000\r\n"},
        {"bytes=5-2", 200, "Content-Length: 300000\r\n"},
        {"bytes=0-1,5-6", 200, "Content-Length: 300000\r\n"},
        {"lines=1-2", 200, "Content-Length: 300000\r\n"},
        {"bytes=99999999999999999999-", 200, "Content-Length: 300000\r\n"},
        {"bytes=a-b", 200, "Content-Length: 300000\r\n"},
    };
    size_t cap = SIZE + 4096;
    char *out = mem_alloc(cap), line[200];
    int fd = probe_connect(port_of(arg));

    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(line, sizeof line, "Range: %s\r\n", cases[i].range);
        CHECK(ask(fd, line, out, cap) == cases[i].status, "%s: %.300s", cases[i].range, out);
        CHECK(strstr(out, cases[i].wanted) != NULL, "%s: %.300s", cases[i].range, out);
    }
    close(fd);
    free(out);
}

static void odd_files_client(void *arg)
{
    static char out[SIZE + 4096];

    CHECK_INT(
        probe_once(port_of(arg), "GET /missing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof out),
        404);
    CHECK_INT(probe_once(port_of(arg), "GET /folder HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof out),
              404);
    CHECK_INT(probe_once(port_of(arg), "GET /named HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof out),
              200);
    CHECK(strstr(out, "Content-Disposition: attachment; filename=\"na__ve _x_.txt\"; "
                      "filename*=UTF-8''na%C3%AFve%20%22x%22.txt\r\n") != NULL,
          "%.400s", out);
}

static void shrinking_client(void *arg)
{
    static char out[65536];
    int fd = probe_connect(port_of(arg));
    size_t all = 0, n;

    probe_send(fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(probe_read_some(fd, out, 2048), "it began");
    CHECK(truncate(path, 0) == 0, "truncate");
    while ((n = probe_read(fd, out, sizeof out)) > 0)
        all += n;
    CHECK(all < SIZE * 100, "the rest did not come");
    close(fd);
}

static void with_file(scope *s, void (*client)(void *arg))
{
    write_file();
    probe_with(s, app, NULL, client);
}

FIBER_TEST(a_file_comes_whole_and_with_validators)
{
    with_file(s, whole_client);
}

FIBER_TEST(one_range_of_a_file_can_be_had)
{
    with_file(s, range_client);
}

FIBER_TEST(what_is_no_file_is_not_found_and_names_are_quoted)
{
    with_file(s, odd_files_client);
}

FIBER_TEST(a_file_that_shrinks_meanwhile_cuts_the_response)
{
    FILE *f;

    write_file();
    f = fopen(path, "w");
    CHECK(f != NULL && ftruncate(fileno(f), SIZE * 100) == 0, "grow");
    fclose(f);
    probe_with(s, app, NULL, shrinking_client);
    CHECK_INT(result, ERR_IO);
}
