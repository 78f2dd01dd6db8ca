/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests against servers that behave, misbehave, hang and redirect.  Built twice: what asks for decoding goes another
 * way through the client than what does not, and nobody may be able to tell.
 */
#include "net/client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "fake_server.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "test.h"

#ifndef DECODE
#define DECODE false
#endif

static atomic_llong bytes_sent; /* of the endless answer */
static atomic_int streams_sent; /* to their ends */
static atomic_int taken;        /* chunks of the stream on demand that the test has read */
static int other_port;          /* another origin, for redirects */

static bool path_is(const fake_request *rq, const char *path)
{
    return strcmp(rq->path, path) == 0;
}

static bool send_stream(fake_conn *c, const fake_request *rq)
{
    int pause = 5;

    (void)rq;
    if (!fake_printf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"))
        return false;
    for (int i = 0; i < 5; i++) {
        if (!fake_printf(c, "7\r\nchunk %d\r\n", i))
            return false;
        fake_sleep_ms(pause);
    }
    if (!fake_printf(c, "0\r\nTrailer: x\r\n\r\n"))
        return false;
    atomic_fetch_add(&streams_sent, 1);
    return true;
}

/* A chunk comes only after the one before it was read. */
static bool send_on_demand(fake_conn *c)
{
    if (!fake_printf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"))
        return false;
    for (int i = 0; i < 5; i++) {
        for (int tries = 0; atomic_load(&taken) < i && tries < 10000; tries++)
            fake_sleep_ms(1);
        if (!fake_printf(c, "7\r\nchunk %d\r\n", i))
            return false;
    }
    return fake_printf(c, "0\r\n\r\n");
}

static bool send_endless(fake_conn *c)
{
    static char block[32768];

    fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", 64LL << 20);
    for (long long left = 64LL << 20; left > 0; left -= (long long)sizeof block) {
        memset(block, 'x', sizeof block);
        if (!fake_write(c, block, sizeof block))
            return false;
        atomic_fetch_add(&bytes_sent, (long long)sizeof block);
    }
    return true;
}

static bool send_redirect(fake_conn *c, const fake_request *rq)
{
    int status = 0, port = other_port;
    char where[256] = "";

    if (sscanf(rq->path, "/redirect/%d/%255s", &status, where) != 2)
        return false;
    if (strncmp(where, "other/", 6) == 0)
        return fake_printf(c, "HTTP/1.1 %d R\r\nLocation: http://127.0.0.1:%d/%s\r\nContent-Length: 0\r\n\r\n", status,
                           port, where + 6);
    return fake_printf(c, "HTTP/1.1 %d R\r\nLocation: %s%s\r\nContent-Length: 0\r\n\r\n", status,
                       strstr(where, "://") != NULL ? "" : "/", where);
}

/* The head as it came, a "|", and the body. */
static bool send_echo(fake_conn *c, const fake_request *rq)
{
    return fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s|", strlen(rq->head) + 1 + rq->body_len,
                       rq->head) &&
           fake_write(c, rq->body, rq->body_len);
}

static bool send_raw(fake_conn *c, const fake_request *rq)
{
    static const struct {
        const char *path, *bytes;
    } raw[] = {
        {"/short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"},
        {"/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123"},
        {"/no-last-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"},
        {"/half-head", "HTTP/1.1 200 OK\r\nContent-Le"},
        {"/no-answer", ""},
        {"/garbage", "SSH-2.0-OpenSSH_9.2\r\n"},
        {"/until-close", "HTTP/1.1 200 OK\r\n\r\nall of it"},
    };

    for (size_t i = 0; i < COUNT(raw); i++)
        if (path_is(rq, raw[i].path))
            fake_printf(c, "%s", raw[i].bytes);
    return false;
}

static bool send_interim(fake_conn *c)
{
    return fake_printf(c, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nX-A: 1\r\n"
                          "x-a: 2\r\nContent-Length: 2\r\n\r\nok");
}

static bool send_big_head(fake_conn *c, int headers, int length)
{
    fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (int i = 0; i < headers; i++)
        fake_printf(c, "X-%d: %0*d\r\n", i, length, 0);
    return fake_printf(c, "\r\n");
}

static bool handle(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)arg;
    if (path_is(rq, "/hello"))
        return fake_reply(c, 200, "text/plain; charset=utf-8", "Hello");
    if (path_is(rq, "/connection"))
        return fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n%4d", rq->connection);
    if (path_is(rq, "/missing"))
        return fake_reply(c, 404, "application/json", "{\"detail\":\"Not Found\"}");
    if (path_is(rq, "/empty"))
        return fake_printf(c, "HTTP/1.1 204 No Content\r\n\r\n");
    if (path_is(rq, "/interim"))
        return send_interim(c);
    if (path_is(rq, "/stream"))
        return send_stream(c, rq);
    if (path_is(rq, "/on-demand"))
        return send_on_demand(c);
    if (path_is(rq, "/endless"))
        return send_endless(c);
    if (path_is(rq, "/hang"))
        return fake_wait_closed(c, 20000) && false;
    if (path_is(rq, "/stall"))
        return fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345") && fake_wait_closed(c, 20000) &&
               false;
    if (path_is(rq, "/many-headers"))
        return send_big_head(c, 300, 4);
    if (path_is(rq, "/long-headers"))
        return send_big_head(c, 100, 1000);
    if (path_is(rq, "/close-after"))
        return fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") && false;
    if (path_is(rq, "/redirect-with-blanks"))
        return fake_printf(
            c, "HTTP/1.1 302 R\r\nLocation: http://127.0.0.1:%d/echo/a b?c d\r\nContent-Length: 0\r\n\r\n", other_port);
    if (strncmp(rq->path, "/redirect/", 10) == 0)
        return send_redirect(c, rq);
    if (strncmp(rq->path, "/echo", 5) == 0)
        return send_echo(c, rq);
    if (strcmp(rq->method, "HEAD") == 0)
        return fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    return send_raw(c, rq);
}

static char base[64];

static const char *url(scope *s, const char *path)
{
    if (base[0] == '\0') {
        other_port = fake_server_start(handle, NULL);
        snprintf(base, sizeof base, "http://127.0.0.1:%d", fake_server_start(handle, NULL));
    }
    return arena_printf(s->arena, "%s%s", base, path);
}

static http_call get(scope *s, const char *path)
{
    return (http_call){.method = GET, .url = url(s, path), .guard = GUARD_ANY, .decode = DECODE};
}

FIBER_TEST(a_fetch_gives_status_headers_and_body)
{
    http_call call = get(s, "/hello");
    http_head head;
    str body;

    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK_INT(head.status, 200);
    CHECK_STR(http_headers_get(&head.headers, "content-type"), "text/plain; charset=utf-8");
    CHECK_STR(body.p, "Hello");
    CHECK_STR(head.url, call.url);
    CHECK(http_last_failure(s) == HTTP_FAIL_NONE, "nothing failed");
}

FIBER_TEST(every_status_is_a_success_of_the_call)
{
    http_call call = get(s, "/missing");
    http_head head;
    str body;

    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK_INT(head.status, 404);
    CHECK_STR(body.p, "{\"detail\":\"Not Found\"}");
}

FIBER_TEST(an_answer_without_body_is_whole)
{
    http_call call = get(s, "/empty"), head_call = get(s, "/head");
    http_head head;
    str body;

    CHECK(http_fetch(s, &call, &head, &body) == OK && head.status == 204 && body.len == 0, "204");
    head_call.method = HEAD;
    CHECK(http_fetch(s, &head_call, &head, &body) == OK && head.status == 200 && body.len == 0, "HEAD");
    CHECK_STR(http_headers_get(&head.headers, "Content-Length"), "1234");
}

FIBER_TEST(interim_answers_are_passed_over_and_repeated_headers_kept)
{
    http_call call = get(s, "/interim");
    http_head head;
    str body;

    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK_INT(head.status, 201);
    CHECK_INT(head.headers.count, 3);
    CHECK_STR(http_headers_get(&head.headers, "X-A"), "1");
    CHECK(http_headers_get(&head.headers, "Link") == NULL, "a header of the interim answer");
}

FIBER_TEST(connections_are_kept_and_used_again)
{
    http_call call = get(s, "/connection");
    http_head head;
    str first, again;

    CHECK(http_fetch(s, &call, &head, &first) == OK, "%s", s->failure.text);
    for (int i = 0; i < 10; i++)
        CHECK(http_fetch(s, &call, &head, &again) == OK && str_eq(first, again), "on %s, then %s", first.p, again.p);
}

FIBER_TEST(a_kept_connection_that_the_server_closed_is_replaced)
{
    http_call closing = get(s, "/close-after");
    http_head head;
    str body;

    for (int i = 0; i < 5; i++) {
        CHECK(http_fetch(s, &closing, &head, &body) == OK, "%d: %s", i, s->failure.text);
        CHECK(sleep_for(s, MILLISECONDS(i * 2)) == OK, "slept");
    }
}

FIBER_TEST(methods_and_bodies_arrive_as_they_were_given)
{
    static const struct {
        http_method method;
        const char *body, *want_line, *want_body;
    } cases[] = {
        {GET, NULL, "GET /echo HTTP/1.1\r\n", "|"},         {POST, "a=1", "POST /echo HTTP/1.1\r\n", "|a=1"},
        {POST, NULL, "POST /echo HTTP/1.1\r\n", "|"},       {PUT, "{}", "PUT /echo HTTP/1.1\r\n", "|{}"},
        {PATCH, "{}", "PATCH /echo HTTP/1.1\r\n", "|{}"},   {DELETE, NULL, "DELETE /echo HTTP/1.1\r\n", "|"},
        {DELETE, "x", "DELETE /echo HTTP/1.1\r\n", "|x"},   {GET, "query", "GET /echo HTTP/1.1\r\n", "|query"},
        {OPTIONS, NULL, "OPTIONS /echo HTTP/1.1\r\n", "|"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        http_call call = get(s, "/echo");
        http_head head;
        str body;

        call.method = cases[i].method;
        call.body = cases[i].body;
        call.body_len = cases[i].body != NULL ? strlen(cases[i].body) : 0;
        CHECK(http_fetch(s, &call, &head, &body) == OK, "%zu: %s", i, s->failure.text);
        CHECK(cstr_starts(body.p, cases[i].want_line), "%s", body.p);
        CHECK(cstr_ends(body.p, cases[i].want_body), "%s", body.p);
        CHECK(strcasestr(body.p, "content-type:") == NULL, "a type of our own: %s", body.p);
        CHECK(strcasestr(body.p, "expect:") == NULL, "%s", body.p);
    }
}

FIBER_TEST(headers_are_sent_replaced_removed_and_sent_empty)
{
    http_header headers[] = {{"X-One", "1"}, {"Accept", NULL}, {"X-Empty", ""}, {"User-Agent", "test/1"}};
    http_call call = get(s, "/echo");
    http_head head;
    str body;

    call.headers = headers;
    call.n_headers = COUNT(headers);
    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK(strstr(body.p, "\r\nX-One: 1\r\n") != NULL, "%s", body.p);
    CHECK(strstr(body.p, "\r\nX-Empty:") != NULL, "%s", body.p);
    CHECK(strstr(body.p, "\r\nUser-Agent: test/1\r\n") != NULL, "%s", body.p);
    CHECK(strstr(body.p, "Accept:") == NULL, "%s", body.p);
}

FIBER_TEST(headers_that_would_break_the_request_are_refused)
{
    static const http_header bad[] = {
        {"X-A", "1\r\nX-B: 2"}, {"X-A", "1\n"}, {"X A", "1"}, {"X-A:", "1"}, {"", "1"}, {"X-\r\nA", "1"},
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        http_call call = get(s, "/echo");
        http_head head;
        str body;

        call.headers = &bad[i];
        call.n_headers = 1;
        CHECK(http_fetch(s, &call, &head, &body) == ERR_INVALID, "case %zu", i);
    }
}

FIBER_TEST(a_large_body_arrives_whole)
{
    size_t len = MIB(3) + 17;
    char *sent = arena_alloc(s->arena, len);
    http_call call = get(s, "/echo");
    http_head head;
    str body;

    for (size_t i = 0; i < len; i++)
        sent[i] = (char)('a' + i % 23);
    call.method = POST;
    call.body = sent;
    call.body_len = len;
    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK(body.len > len && memcmp(body.p + body.len - len, sent, len) == 0, "the same bytes");
    CHECK(strcasestr(arena_strndup(s->arena, body.p, 300), "\r\nContent-Length: 3145745\r\n") != NULL, "its length");
}

typedef struct {
    int pieces;
    err fails;
} upload;

static err read_upload(void *arg, void *bytes, size_t cap, size_t *len)
{
    upload *u = arg;

    if (u->pieces == 0 && u->fails != OK)
        return u->fails;
    *len = u->pieces > 0 ? MIN_OF(cap, (size_t)5) : 0;
    memcpy(bytes, "piece", *len);
    u->pieces--;
    return OK;
}

FIBER_TEST(a_large_head_and_a_body_that_fit_no_buffer_together_arrive_whole)
{
    static const size_t sizes[] = {30 << 10, 59 << 10, 61 << 10};
    char *value = arena_zalloc(s->arena, 1, (40 << 10) + 1), *bytes = arena_alloc(s->arena, 61 << 10);
    http_header headers[] = {{"X-Large", value}};

    memset(value, 'v', 40 << 10);
    memset(bytes, 'b', 61 << 10);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        http_call call = get(s, "/echo");
        const char *bar;
        http_head head;
        str body;

        call.method = POST;
        call.headers = headers;
        call.n_headers = 1;
        call.body = bytes;
        call.body_len = sizes[i];
        CHECK(http_fetch(s, &call, &head, &body) == OK, "%zu: %s", sizes[i], s->failure.text);
        bar = strchr(body.p, '|');
        CHECK(bar != NULL && strstr(body.p, value) != NULL, "the head");
        CHECK_INT(body.len - (size_t)(bar + 1 - body.p), sizes[i]);
    }
}

FIBER_TEST(an_upload_is_streamed_with_or_without_a_length)
{
    for (int chunked = 0; chunked <= 1; chunked++) {
        upload u = {.pieces = 1000};
        http_call call = get(s, "/echo");
        http_head head;
        str body;

        call.method = POST;
        call.read_body = read_upload;
        call.read_arg = &u;
        call.read_length = chunked ? -1 : 5000;
        CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
        CHECK(cstr_ends(body.p, "piecepiecepiece") && strstr(body.p, "|piece") != NULL, "the pieces");
        CHECK((strcasestr(body.p, "transfer-encoding: chunked") != NULL) == (bool)chunked, "%.300s", body.p);
        CHECK_INT(strlen(strchr(body.p, '|') + 1), 5000);
    }
}

FIBER_TEST(an_upload_that_fails_ends_the_call_with_its_error)
{
    upload u = {.pieces = 3, .fails = ERR_NO_SPACE};
    http_call call = get(s, "/echo");
    http_head head;
    str body;

    call.method = PUT;
    call.read_body = read_upload;
    call.read_arg = &u;
    call.read_length = -1;
    CHECK_INT(http_fetch(s, &call, &head, &body), ERR_NO_SPACE);
}

/* Answers after the first bytes, and swallows the rest. */
static void *refuse_upload(void *arg)
{
    int fd = accept((int)(intptr_t)arg, NULL, NULL);
    static const char text[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
    char bytes[2048];

    if (read(fd, bytes, sizeof bytes) > 0)
        (void)!write(fd, text, sizeof text - 1);
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
    close(fd);
    return NULL;
}

static int one_connection(void *(*serve)(void *arg))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;

    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 1) == 0, "listening");
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "its port");
    CHECK(pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0, "a thread");
    pthread_detach(thread);
    return ntohs(at.sin_port);
}

FIBER_TEST(an_upload_that_is_refused_early_gives_the_refusal)
{
    upload u = {.pieces = 1 << 30};
    http_call call = get(s, "/");
    http_stream *h;
    http_head head;

    call.url = arena_printf(s->arena, "http://127.0.0.1:%d/", one_connection(refuse_upload));
    call.method = POST;
    call.read_body = read_upload;
    call.read_arg = &u;
    call.read_length = -1;
    CHECK(http_open(s, &call, &head, &h) == OK, "%s", s->failure.text);
    CHECK_INT(head.status, 413);
    http_close(h);
}

FIBER_TEST(an_upload_shorter_than_it_said_is_an_error)
{
    upload u = {.pieces = 10};
    http_call call = get(s, "/echo");
    http_head head;
    str body;

    call.method = POST;
    call.read_body = read_upload;
    call.read_arg = &u;
    call.read_length = 5000;
    CHECK(http_fetch(s, &call, &head, &body) != OK, "10 pieces are not 5000 bytes");
}

FIBER_TEST(the_length_of_a_body_is_not_the_callers_to_say)
{
    http_header headers[] = {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}};
    http_call call = get(s, "/echo");
    http_head head;
    str body;

    call.headers = headers;
    call.n_headers = COUNT(headers);
    call.method = POST;
    call.body = "body";
    call.body_len = 4;
    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK(strstr(body.p, "\r\nContent-Length: 4\r\n") != NULL, "%s", body.p);
    CHECK(strstr(body.p, "Content-Length: 1\r\n") == NULL && strcasestr(body.p, "chunked") == NULL, "%s", body.p);
}

FIBER_TEST(a_stream_is_read_as_it_comes)
{
    http_call call = get(s, "/on-demand");
    buf *all = buf_new(s->arena, 1000);
    http_stream *h;
    http_head head;
    int reads = 0;
    str piece;

    CHECK(http_open(s, &call, &head, &h) == OK, "%s", s->failure.text);
    for (;;) {
        CHECK(http_read(s, h, &piece) == OK, "%s", s->failure.text);
        if (piece.len == 0)
            break;
        buf_add(all, piece.p, piece.len);
        reads++;
        atomic_store(&taken, (int)all->len / 7);
    }
    CHECK_STR(buf_str(all), "chunk 0chunk 1chunk 2chunk 3chunk 4");
    CHECK(reads >= 5, "in %d reads", reads);
    CHECK(http_read(s, h, &piece) == OK && piece.len == 0, "the end stays the end");
    http_close(h);
}

FIBER_TEST(an_answer_without_length_ends_with_the_connection)
{
    http_call call = get(s, "/until-close");
    http_head head;
    str body;

    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK_STR(body.p, "all of it");
}

FIBER_TEST(reading_slowly_slows_the_sender_down, .limit = 30)
{
    http_call call = get(s, "/endless");
    long long total = 0, before = 0;
    http_stream *h;
    http_head head;
    str piece;

    CHECK(http_open(s, &call, &head, &h) == OK, "%s", s->failure.text);
    for (int tries = 0; (before == 0 || atomic_load(&bytes_sent) != before) && tries < 100; tries++) {
        before = atomic_load(&bytes_sent);
        CHECK(sleep_for(s, MILLISECONDS(200)) == OK, "slept");
    }
    CHECK(atomic_load(&bytes_sent) == before, "the sender waits");
    CHECK(before < 32LL << 20, "what the system's buffers hold, not all: %lld", before);
    do {
        CHECK(http_read(s, h, &piece) == OK, "%s", s->failure.text);
        CHECK(piece.len <= 64 << 10, "%zu bytes waited", piece.len);
        total += (long long)piece.len;
    } while (piece.len > 0);
    CHECK_INT(total, 64LL << 20);
}

FIBER_TEST(a_body_that_stops_early_is_an_error)
{
    static const char *const paths[] = {"/short", "/cut-chunk", "/no-last-chunk"};

    for (size_t i = 0; i < COUNT(paths); i++) {
        http_call call = get(s, paths[i]);
        http_head head;
        str body;

        CHECK(http_fetch(s, &call, &head, &body) == ERR_UPSTREAM, "%s", paths[i]);
        CHECK(http_last_failure(s) == HTTP_FAIL_BROKEN, "%s", paths[i]);
    }
}

FIBER_TEST(what_is_not_an_http_answer_is_an_error)
{
    static const char *const paths[] = {"/half-head", "/no-answer", "/garbage", "/many-headers", "/long-headers"};

    for (size_t i = 0; i < COUNT(paths); i++) {
        http_call call = get(s, paths[i]);
        http_stream *h;
        http_head head;

        CHECK(http_open(s, &call, &head, &h) == ERR_UPSTREAM, "%s", paths[i]);
        CHECK(http_last_failure(s) == HTTP_FAIL_BROKEN, "%s", paths[i]);
    }
}

FIBER_TEST(a_body_longer_than_the_caller_takes_is_an_error)
{
    http_call call = get(s, "/hello");
    http_head head;
    str body;

    call.max_body = 5;
    CHECK(http_fetch(s, &call, &head, &body) == OK, "just fits");
    call.max_body = 4;
    CHECK_INT(http_fetch(s, &call, &head, &body), ERR_TOO_LARGE);
}

static int64_t milliseconds_since(int64_t began)
{
    return (clock_mono() - began) / MILLISECONDS(1);
}

FIBER_TEST(a_server_that_does_not_answer_runs_into_the_limit)
{
    http_call call = get(s, "/hang");
    int64_t began = clock_mono();
    http_stream *h;
    http_head head;

    call.first_byte_timeout = MILLISECONDS(60);
    CHECK_INT(http_open(s, &call, &head, &h), ERR_TIMEOUT);
    CHECK(http_last_failure(s) == HTTP_FAIL_TIMEOUT, "%s", s->failure.code);
    CHECK(milliseconds_since(began) >= 60 && milliseconds_since(began) < 2000, "%d ms", (int)milliseconds_since(began));
    CHECK(s->ended == OK, "the scope goes on");
}

FIBER_TEST(a_server_that_stops_in_the_middle_runs_into_the_limit)
{
    http_call call = get(s, "/stall");
    http_stream *h;
    http_head head;
    str piece;

    call.idle_timeout = MILLISECONDS(60);
    CHECK(http_open(s, &call, &head, &h) == OK, "%s", s->failure.text);
    CHECK(http_read(s, h, &piece) == OK && str_is(piece, "12345"), "what came");
    CHECK_INT(http_read(s, h, &piece), ERR_TIMEOUT);
    CHECK(http_last_failure(s) == HTTP_FAIL_TIMEOUT, "%s", s->failure.code);
    CHECK_INT(http_read(s, h, &piece), ERR_TIMEOUT);
}

FIBER_TEST(a_slow_reader_does_not_run_into_the_senders_limit)
{
    http_call call = get(s, "/stream");
    http_stream *h;
    http_head head;
    str piece;

    call.idle_timeout = MILLISECONDS(500);
    CHECK(http_open(s, &call, &head, &h) == OK, "%s", s->failure.text);
    CHECK(sleep_for(s, MILLISECONDS(1500)) == OK, "slept");
    do
        CHECK(http_read(s, h, &piece) == OK, "%s", s->failure.text);
    while (piece.len > 0);
}

/* A listener whose queue is full lets further connections hang. */
static int full_listener(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 0) == 0, "listening");
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "its port");
    for (int i = 0; i < 4; i++) {
        int filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        (void)!connect(filler, (struct sockaddr *)&at, len);
    }
    *port = ntohs(at.sin_port);
    return fd;
}

FIBER_TEST(a_connection_that_does_not_come_runs_into_the_limit)
{
    http_call call = get(s, "/");
    http_stream *h;
    http_head head;
    int port, fd = full_listener(&port);

    call.url = arena_printf(s->arena, "http://127.0.0.1:%d/", port);
    call.connect_timeout = MILLISECONDS(80);
    CHECK_INT(http_open(s, &call, &head, &h), ERR_TIMEOUT);
    CHECK(http_last_failure(s) == HTTP_FAIL_TIMEOUT, "%s", s->failure.code);
    close(fd);
}

static void *answer_without_tls(void *arg)
{
    int fd = accept((int)(intptr_t)arg, NULL, NULL);
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

    (void)!write(fd, text, sizeof text - 1);
    close(fd);
    return NULL;
}

FIBER_TEST(refused_unknown_and_insecure_hosts_are_told_apart)
{
    static const struct {
        const char *url;
        http_failure failure;
    } cases[] = {
        {"http://127.0.0.1:1/", HTTP_FAIL_CONNECT},
        {"http://a-label-of-more-than-sixty-three-characters-cannot-be-looked-up-anywhere.invalid/", HTTP_FAIL_DNS},
    };
    http_call call = {.guard = GUARD_ANY, .decode = DECODE};
    http_stream *h;
    http_head head;

    for (size_t i = 0; i < COUNT(cases); i++) {
        call.url = cases[i].url;
        CHECK(http_open(s, &call, &head, &h) == ERR_UPSTREAM, "%s", cases[i].url);
        CHECK(http_last_failure(s) == cases[i].failure, "%s: %s", cases[i].url, s->failure.code);
    }
    call.url = arena_printf(s->arena, "https://127.0.0.1:%d/", one_connection(answer_without_tls));
    CHECK_INT(http_open(s, &call, &head, &h), ERR_UPSTREAM);
    CHECK(http_last_failure(s) == HTTP_FAIL_TLS, "%s", s->failure.code);
}

FIBER_TEST(only_plain_web_urls_are_called_and_a_refusal_does_not_repeat_them)
{
    static const char *const bad[] = {
        "",
        "hello",
        "/path",
        "127.0.0.1",
        "ftp://127.0.0.1/secret",
        "file:///secret",
        "gopher://127.0.0.1/secret",
        "http://",

        "https:",
        "http://user:secret@127.0.0.1/",
        "http://user@127.0.0.1/secret",
        "http://127.0.0.1:secret/",
        "http://127.0.0.1:99999/secret",
        "http://[fe80::1%25eth0]/secret",
        "http://[::1/secret",
        "http://127.0.0.1/a secret",
        "http://127.0.0.1/\r\nsecret",
        "dict://127.0.0.1:1/secret",
        "httpx://127.0.0.1/secret",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        http_call call = {.url = bad[i], .guard = GUARD_ANY, .decode = DECODE};
        http_stream *h;
        http_head head;

        CHECK(http_open(s, &call, &head, &h) == ERR_INVALID, "%s", bad[i]);
        CHECK(strstr(s->failure.text, "secret") == NULL, "%s", s->failure.text);
    }
}

FIBER_TEST(errors_name_the_host_and_not_the_rest_of_the_url)
{
    http_call call = get(s, "/no-answer?key=hush");
    http_stream *h;
    http_head head;

    CHECK_INT(http_open(s, &call, &head, &h), ERR_UPSTREAM);
    CHECK(strstr(s->failure.text, "127.0.0.1") != NULL && strstr(s->failure.text, "hush") == NULL, "%s",
          s->failure.text);
}

static void *answer_two(void *arg)
{
    int fd = accept((int)(intptr_t)arg, NULL, NULL);
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv6";
    char request[2048];

    if (read(fd, request, sizeof request) > 0)
        (void)!write(fd, text, sizeof text - 1);
    close(fd);
    return NULL;
}

/* On ::1 only. */
static int v6_listener(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    pthread_t thread;

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0)
        return 0; /* a machine without IPv6 */
    CHECK(listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0, "listening");
    CHECK(pthread_create(&thread, NULL, answer_two, (void *)(intptr_t)fd) == 0, "a thread");
    pthread_detach(thread);
    return ntohs(at.sin6_port);
}

FIBER_TEST(every_address_of_a_name_is_tried_and_literals_of_both_kinds_are_called)
{
    static const char *const hosts[] = {"localhost", "[::1]"};

    for (size_t i = 0; i < COUNT(hosts); i++) {
        http_call call = get(s, "/");
        int port = v6_listener();
        http_head head;
        str body;

        call.url = arena_printf(s->arena, "http://%s:%d/", hosts[i], port);
        CHECK(port == 0 || http_fetch(s, &call, &head, &body) == OK, "%s: %s", hosts[i], s->failure.text);
        CHECK(port == 0 || str_is(body, "v6"), "%s", hosts[i]);
    }
}

FIBER_TEST(a_private_address_is_not_reached_by_a_users_url)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost",  "[::1]",  "0.0.0.0",
                                        "127.1",     "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"};
    const char *port = strrchr(url(s, ""), ':');

    for (size_t i = 0; i < COUNT(hosts); i++) {
        http_call call = {.url = arena_printf(s->arena, "http://%s%s/hello", hosts[i], port), .decode = DECODE};
        http_stream *h;
        http_head head;

        CHECK(http_open(s, &call, &head, &h) == ERR_DENIED, "%s: %s", hosts[i], s->failure.text);
    }
}

FIBER_TEST(a_kept_connection_is_no_way_round_the_guard)
{
    http_call call = get(s, "/hello");
    http_head head;
    str body;

    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text); /* leaves a connection behind */
    call.guard = GUARD_PUBLIC;
    CHECK_INT(http_fetch(s, &call, &head, &body), ERR_DENIED);
    guard_allow_private(true);
    CHECK(http_fetch(s, &call, &head, &body) == OK, "the switch is on: %s", s->failure.text);
}

/* A name that has to be looked up and is this machine's loopback; NULL when there is none. */
static const char *name_of_loopback(scope *s)
{
    struct addrinfo want = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    char name[256];
    bool is = gethostname(name, sizeof name) == 0 && strcmp(name, "localhost") != 0 &&
              getaddrinfo(name, NULL, &want, &found) == 0 &&
              ((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);

    if (found != NULL)
        freeaddrinfo(found);
    return is ? arena_strdup(s->arena, name) : NULL;
}

typedef struct {
    const char *url;
    guard_policy guard;
    err e;
} visit;

static err go(scope *s, void *arg)
{
    visit *v = arg;
    http_call call = {.url = v->url, .guard = v->guard, .decode = DECODE};
    http_head head;
    str body;

    v->e = http_fetch(s, &call, &head, &body);
    return OK;
}

FIBER_TEST(whom_the_guard_stops_does_not_stop_the_others_who_look_up_the_same_name)
{
    const char *name = name_of_loopback(s), *port = strrchr(url(s, ""), ':');
    scope *both = scope_child(s, NO_LIMIT);
    visit stopped = {.guard = GUARD_PUBLIC}, free_one = {.guard = GUARD_ANY};

    if (name == NULL) {
        fprintf(stderr, "# skipped: no name but localhost is 127.0.0.1 here\n");
        return;
    }
    stopped.url = free_one.url = arena_printf(s->arena, "http://%s%s/hello", name, port);
    scope_spawn(both, go, &stopped);
    scope_spawn(both, go, &free_one);
    CHECK(scope_join(both) == OK, "both");
    CHECK_INT(stopped.e, ERR_DENIED);
    CHECK_INT(free_one.e, OK);
}

FIBER_TEST(redirects_are_followed_as_far_as_allowed)
{
    http_call call = get(s, "/redirect/302/redirect/301/hello");
    http_head head;
    str body;

    CHECK(http_fetch(s, &call, &head, &body) == OK && head.status == 302, "not unless asked");
    call.max_redirects = 1;
    CHECK_INT(http_fetch(s, &call, &head, &body), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "http.redirect");
    call.max_redirects = 2;
    CHECK(http_fetch(s, &call, &head, &body) == OK && head.status == 200, "%s", s->failure.text);
    CHECK_STR(head.url, url(s, "/hello"));
}

FIBER_TEST(a_redirect_to_an_address_that_is_not_encoded_is_followed)
{
    http_call call = get(s, "/redirect-with-blanks");
    http_head head;
    str body;

    call.max_redirects = 1;
    CHECK(http_fetch(s, &call, &head, &body) == OK && head.status == 200, "%s", s->failure.text);
    CHECK(cstr_starts(body.p, "GET /echo/a%20b?c+d HTTP/1.1\r\n"), "%s", body.p);
    call = get(s, "/a b");
    CHECK_INT(http_fetch(s, &call, &head, &body), ERR_INVALID);
}

FIBER_TEST(a_redirect_changes_the_request_as_the_standard_says)
{
    static const struct {
        http_method method;
        int status;
        const char *line, *body;
    } cases[] = {
        {POST, 301, "GET /echo", "|"},      {POST, 302, "GET /echo", "|"},    {POST, 303, "GET /echo", "|"},
        {PUT, 303, "GET /echo", "|"},       {PUT, 302, "PUT /echo", "|body"}, {POST, 307, "POST /echo", "|body"},
        {POST, 308, "POST /echo", "|body"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        http_call call = get(s, arena_printf(s->arena, "/redirect/%d/echo", cases[i].status));
        http_head head;
        str body;

        call.method = cases[i].method;
        call.body = "body";
        call.body_len = 4;
        call.max_redirects = 1;
        CHECK(http_fetch(s, &call, &head, &body) == OK, "%zu: %s", i, s->failure.text);
        CHECK(cstr_starts(body.p, cases[i].line), "%zu: %s", i, body.p);
        CHECK(cstr_ends(body.p, cases[i].body), "%zu: %s", i, body.p);
    }
}

FIBER_TEST(credentials_stay_with_the_origin_they_were_given_for)
{
    static const http_header headers[] = {
        {"Authorization", "Bearer hush"}, {"Cookie", "a=hush"}, {"X-API-Key", "hush"}, {"X-Plain", "shown"}};
    http_call call = get(s, "/redirect/307/echo");
    http_head head;
    str body;

    call.headers = headers;
    call.n_headers = COUNT(headers);
    call.max_redirects = 5;
    CHECK(http_fetch(s, &call, &head, &body) == OK && strstr(body.p, "Bearer hush") != NULL, "the same origin");
    call.url = url(s, "/redirect/307/other/echo");
    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK(strstr(body.p, "hush") == NULL && strstr(body.p, "X-Plain: shown") != NULL, "%s", body.p);
    call.url = url(s, arena_printf(s->arena, "/redirect/307/other/redirect/307/%s/echo", base));
    CHECK(http_fetch(s, &call, &head, &body) == OK, "%s", s->failure.text);
    CHECK(cstr_starts(body.p, "GET /echo") && strstr(body.p, "hush") == NULL, "not back again either: %s", body.p);
}

FIBER_TEST(a_redirect_leads_nowhere_that_the_call_may_not_go)
{
    static const struct {
        const char *to;
        err want;
    } cases[] = {
        {"ftp://127.0.0.1/", ERR_INVALID},
        {"file:///etc/passwd", ERR_INVALID},
        {"http://user:pw@127.0.0.1/", ERR_INVALID},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        http_call call = get(s, arena_printf(s->arena, "/redirect/302/%s", cases[i].to));
        http_stream *h;
        http_head head;

        call.max_redirects = 3;
        CHECK(http_open(s, &call, &head, &h) == cases[i].want, "%s", cases[i].to);
    }
}

static err open_and_read(scope *s, void *arg)
{
    http_call *call = arg;
    http_stream *h;
    http_head head;
    str piece;
    err e = http_open(s, call, &head, &h);

    while (e == OK)
        e = http_read(s, h, &piece);
    return e;
}

FIBER_TEST(cancelling_the_scope_ends_the_call_and_the_connection)
{
    static const char *const paths[] = {"/hang", "/stall"};

    for (size_t i = 0; i < COUNT(paths); i++) {
        scope *child = scope_child(s, NO_LIMIT);
        http_call call = get(s, paths[i]);
        int64_t began = clock_mono();

        scope_spawn(child, open_and_read, &call);
        CHECK(sleep_for(s, MILLISECONDS(50)) == OK, "slept");
        scope_cancel(child, "enough");
        CHECK(scope_join(child) == ERR_CANCELLED, "%s", paths[i]);
        scope_close(child);
        CHECK(milliseconds_since(began) < 2000, "%s: at once", paths[i]);
        for (int tries = 0; fake_connections() > 0 && tries < 1000; tries++)
            CHECK(sleep_for(s, MILLISECONDS(10)) == OK, "slept");
        CHECK_INT(fake_connections(), 0);
    }
}

FIBER_TEST(the_deadline_of_the_scope_ends_the_call)
{
    static const char *const paths[] = {"/hang", "/stall"};

    for (size_t i = 0; i < COUNT(paths); i++) {
        scope *child = scope_child(s, MILLISECONDS(60));
        http_call call = get(s, paths[i]);

        CHECK(open_and_read(child, &call) == ERR_TIMEOUT, "%s", paths[i]);
        CHECK(http_last_failure(child) == HTTP_FAIL_NONE, "not a limit of the call");
        scope_close(child);
    }
}

FIBER_TEST(a_call_in_an_ended_scope_is_not_made)
{
    scope *child = scope_child(s, NO_LIMIT);
    http_call call = get(s, "/hello");
    http_head head;
    str body;

    scope_cancel(child, "over");
    CHECK_INT(http_fetch(child, &call, &head, &body), ERR_CANCELLED);
    scope_close(child);
}

FIBER_TEST(streams_may_be_left_to_their_scope_or_closed_early)
{
    for (int i = 0; i < 20; i++) {
        scope *child = scope_child(s, NO_LIMIT);
        http_call call = get(s, i % 2 == 0 ? "/endless" : "/stream");
        http_stream *h, *other;
        http_head head;

        CHECK(http_open(child, &call, &head, &h) == OK, "%s", child->failure.text);
        CHECK(http_open(child, &call, &head, &other) == OK, "%s", child->failure.text);
        if (i % 3 == 0)
            http_close(other);
        scope_close(child);
    }
    http_close(NULL);
}

FIBER_TEST(a_finished_stream_gives_its_connection_back_although_its_end_was_not_read)
{
    http_call stream = get(s, "/stream"), call = get(s, "/connection"), stall = get(s, "/stall");
    http_stream *h;
    http_head head;
    str piece, number;

    CHECK(http_open(s, &stream, &head, &h) == OK && http_read(s, h, &piece) == OK, "%s", s->failure.text);
    http_finish(h);
    for (int tries = 0; atomic_load(&streams_sent) == 0 && tries < 500; tries++)
        CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "slept");
    for (int turns = 0; turns < 10; turns++) /* in which its end is read */
        CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "slept");
    CHECK(http_fetch(s, &call, &head, &number) == OK, "%s", s->failure.text);
    CHECK_STR(number.p, "   1");
    CHECK(http_open(s, &stall, &head, &h) == OK && http_read(s, h, &piece) == OK, "%s", s->failure.text);
    http_finish(h); /* its end does not come: it is given up, at the latest with the loop */
    for (int tries = 0; fake_connections() > 0 && tries < 500; tries++)
        CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "slept");
    CHECK(fake_connections() == 0, "%d left", fake_connections());
    CHECK(http_open(s, &stall, &head, &h) == OK && http_read(s, h, &piece) == OK, "%s", s->failure.text);
    http_finish(h);
    http_finish(NULL);
}

static int64_t asked_to_wait(const char *name, const char *value)
{
    http_header one = {name, value};
    http_headers all = {&one, 1, 1};

    return http_retry_after(&all);
}

TEST(a_pause_may_be_asked_for_in_seconds_milliseconds_or_as_a_date)
{
    char later[64];
    time_t then = time(NULL) + 20;
    struct tm tm;

    strftime(later, sizeof later, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &tm));
    CHECK_INT(asked_to_wait("Retry-After", " 7 "), SECONDS(7));
    CHECK_INT(asked_to_wait("Retry-After-Ms", "250"), MILLISECONDS(250));
    CHECK_INT(asked_to_wait("retry-after", "99999999999"), MINUTES(60));
    CHECK_INT(asked_to_wait("Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"), MINUTES(60));
    CHECK_INT(asked_to_wait("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"), 0);
    CHECK_INT(asked_to_wait("Retry-After", "soon"), 0);
    CHECK_INT(asked_to_wait("Retry-After", "-5"), 0);
    CHECK_INT(asked_to_wait("Other", "7"), 0);
    CHECK(asked_to_wait("Retry-After", later) > SECONDS(15) && asked_to_wait("Retry-After", later) <= SECONDS(20), "%s",
          later);
}

TEST(the_client_says_what_it_is_made_of)
{
    CHECK(strstr(http_client_version(), "OpenSSL/") != NULL, "%s", http_client_version());
    CHECK(cstr_starts(http_client_version(), "libcurl/"), "%s", http_client_version());
}

typedef struct {
    int left, done;
    const http_call *call;
} burst;

static err fetch_some(scope *s, void *arg)
{
    burst *b = arg;

    while (b->left-- > 0) {
        scope *one = scope_child(s, NO_LIMIT);
        http_head head;
        str body;
        err e = http_fetch(one, b->call, &head, &body);

        scope_close(one);
        if (e != OK)
            return e;
        b->done++;
    }
    return OK;
}

FIBER_TEST(many_fetches_at_once_all_succeed, .limit = 60)
{
    http_call call = get(s, "/hello");
    burst b = {.left = 4000, .call = &call};
    scope *group = scope_child(s, NO_LIMIT);
    int64_t began = clock_mono();

    for (int i = 0; i < 40; i++)
        scope_spawn(group, fetch_some, &b);
    CHECK(scope_join(group) == OK, "all of them");
    CHECK_INT(b.done, 4000);
    fprintf(stderr, "# %d requests, %.0f/s, in %d connections\n", b.done,
            b.done / ((double)(clock_mono() - began) / 1e9), fake_connections());
    scope_close(group);
}

static atomic_int fetched;

static err fetch_on_each_loop(scope *root, void *arg)
{
    for (int i = 0; i < 50; i++) {
        scope *one = scope_child(root, NO_LIMIT);
        http_head head;
        str body;
        err e = http_fetch(one, arg, &head, &body);

        scope_close(one);
        if (e != OK)
            return e;
        atomic_fetch_add(&fetched, 1);
    }
    return OK;
}

TEST(every_loop_calls_by_itself)
{
    char where[100];
    http_call call = {.url = where, .guard = GUARD_ANY, .decode = DECODE};

    snprintf(where, sizeof where, "http://127.0.0.1:%d/hello", fake_server_start(handle, NULL));
    CHECK_INT(loops_run(3, fetch_on_each_loop, &call), 0);
    CHECK_INT(fetched, 150);
    CHECK_INT(loops_run(2, fetch_on_each_loop, &call), 0); /* and again after they have ended */
    CHECK_INT(fetched, 250);
}

/* --- what an open stream costs --- */

enum { STREAMS = 1000, RECEIVED = STREAMS * 5 * 50 /* bytes at least, some chunks each */ };

static long resident_kb(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;

    CHECK(f != NULL && fscanf(f, "%ld %ld", &size, &resident) == 2, "statm");
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* In a process of its own: answers each connection with a head and then a chunk every 100 ms, until it is killed. */
static NORETURN void drip(int listener)
{
    static const char head[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n";
    static const char event[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
    static int fds[STREAMS];
    char request[4096], chunk[128];
    int len = snprintf(chunk, sizeof chunk, "%zx\r\n%s\r\n", sizeof event - 1, event);

    for (int i = 0; i < STREAMS; i++) {
        fds[i] = accept(listener, NULL, NULL);
        if (read(fds[i], request, sizeof request) <= 0 || write(fds[i], head, sizeof head - 1) < 0)
            _exit(1);
    }
    for (;;) {
        for (int i = 0; i < STREAMS; i++)
            (void)!write(fds[i], chunk, (size_t)len);
        usleep(100000);
    }
}

static int start_drip(pid_t *pid)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, STREAMS) == 0, "listening");
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "its port");
    if ((*pid = fork()) == 0)
        drip(fd);
    close(fd);
    return ntohs(at.sin_port);
}

typedef struct {
    http_call call;
    int64_t received;
    bool open_only; /* the stack of a fiber that only waits, to compare with */
} dripping;

/* What any fiber that does some work has touched of its stack. */
static __attribute__((noinline)) void use_stack(void)
{
    volatile char room[16 << 10];

    for (size_t i = 0; i < sizeof room; i += 512)
        room[i] = 1;
}

static err read_forever(scope *s, void *arg)
{
    dripping *d = arg;
    scope *own = scope_child(s, NO_LIMIT);
    http_stream *h;
    http_head head;
    str piece;
    err e;

    use_stack();
    e = d->open_only ? sleep_for(own, SECONDS(60)) : http_open(own, &d->call, &head, &h);
    while (e == OK && (e = http_read(own, h, &piece)) == OK && piece.len > 0)
        d->received += (int64_t)piece.len;
    scope_close(own);
    return e;
}

/* KiB that the process has taken up since it had `before`, with so many of them open. */
static long cost_of(scope *s, dripping *d, int64_t wait, long before)
{
    scope *group = scope_child(s, NO_LIMIT);
    long after;

    for (int i = 0; i < STREAMS; i++)
        scope_spawn(group, read_forever, d);
    CHECK(sleep_for(s, wait) == OK, "waited");
    for (int tries = 0; !d->open_only && d->received <= RECEIVED && tries < 600; tries++)
        CHECK(sleep_for(s, MILLISECONDS(50)) == OK, "waited");
    after = resident_kb();
    scope_close(group);
    return after - before;
}

FIBER_TEST(a_thousand_slow_streams_stay_small, .limit = 60)
{
    dripping d = {.open_only = true};
    pid_t pid;
    int port = start_drip(&pid);
    http_call first = get(s, "/hello");
    long before, fibers, all;
    http_head head;
    str body;

    CHECK(http_fetch(s, &first, &head, &body) == OK, "the libraries are loaded: %s", s->failure.text);
    before = resident_kb();
    fibers = cost_of(s, &d, MILLISECONDS(200), before);
    d = (dripping){.call = {.url = arena_printf(s->arena, "http://127.0.0.1:%d/", port),
                            .guard = GUARD_ANY,
                            .small_buffers = true,
                            .decode = DECODE}};
    all = cost_of(s, &d, SECONDS(2), before);
    kill(pid, SIGKILL);
    CHECK(d.received > RECEIVED, "each had several chunks: %lld bytes", (long long)d.received);
    fprintf(stderr, "# an open stream: %.1f KiB, of which a fiber and its scope are %.1f KiB\n", (double)all / STREAMS,
            (double)fibers / STREAMS);
    CHECK(test_instrumented() || all - fibers <= (DECODE ? 15 : 3) * STREAMS, "%ld KiB for %d streams", all - fibers,
          STREAMS);
}
