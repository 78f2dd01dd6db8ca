/* SPDX-License-Identifier: MIT */
/* The server over real sockets: requests, keep-alive, bodies, streams, stopping.  Refusals are in server_refusals.c. */
#include "net/server.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "probe.h"
#include "rt/fiber.h"
#include "rt/sleep.h"
#include "test.h"

/* ---- the application under test ---- */

static struct {
    int served;
    int cancelled;
    int64_t noticed_at;
    const char *reason;
    err body_error, write_error;
    size_t written;
} seen;

typedef struct {
    source base;
    int left;
    int step;
    bool cut;
} counter_source;

static source_state count_pull(source *src, buf *out, size_t room)
{
    counter_source *c = (counter_source *)src;
    size_t begin = out->len;

    if (c->left < 0)
        return SOURCE_WAIT;
    while (c->left > 0) {
        if (out->len - begin >= room)
            return SOURCE_MORE;
        buf_printf(out, "line %d\n", c->step++);
        c->left--;
    }
    return c->cut ? SOURCE_CUT : SOURCE_END;
}

static int sources_closed;

static void count_close(source *src)
{
    sources_closed++;
    free(src);
}

static counter_source *new_counter(int lines)
{
    counter_source *c = mem_zalloc(1, sizeof *c);

    c->base = (source){.pull = count_pull, .close = count_close};
    c->left = lines;
    return c;
}

static void echo(request *rq, response *rs)
{
    str body;

    seen.body_error = request_body_all(rq, MIB(4), &body);
    if (seen.body_error == OK)
        reply(rs, 200, "application/octet-stream", body.p, body.len);
}

static void tell(request *rq, response *rs)
{
    buf *b = buf_new(rq->scope->arena, KIB(64));

    buf_printf(b, "%s|%s|%s|%s|%s|%s", http_method_name(rq->method), rq->path, rq->query, rq->host, rq->peer,
               rq->scheme);
    reply_buf(rs, 200, "text/plain", b);
}

static void wait_for_end(request *rq, response *rs)
{
    if (sleep_for(rq->scope, SECONDS(8)) == ERR_CANCELLED) {
        seen.cancelled++;
        seen.noticed_at = clock_mono();
        seen.reason = rq->scope->reason != NULL ? strdup(rq->scope->reason) : NULL;
    }
    reply_text(rs, 200, "late");
}

static void stream(request *rq, response *rs)
{
    static const char block[65536] = "block";

    (void)rq;
    if (reply_begin(rs, 200, "text/plain") != OK)
        return;
    for (int i = 0; i < 400; i++) {
        seen.write_error = reply_write(rs, block, sizeof block);
        if (seen.write_error != OK)
            return;
        seen.written += sizeof block;
    }
    seen.write_error = reply_end(rs);
}

static void short_stream(response *rs)
{
    if (reply_begin(rs, 200, "text/plain") != OK || reply_write(rs, "hello ", 6) != OK ||
        reply_write(rs, "world", 5) != OK || reply_end(rs) != OK)
        return;
}

static void follow(request *rq, response *rs)
{
    const char *n = request_query(rq, "n");
    counter_source *c = new_counter(n != NULL ? atoi(n) : 3);

    c->cut = request_query(rq, "cut") != NULL;
    if (request_query(rq, "beat") != NULL) {
        c->base.idle_text = ": ping\n";
        c->base.idle_after = MILLISECONDS(50);
    }
    seen.write_error = reply_follow(rs, 200, "text/event-stream", &c->base);
}

static void inject(response *rs)
{
    reply_header(rs, "X-Bad", "a\r\nX-Smuggled: 1");
    reply_header(rs, "Content-Length", "5");
    reply_header(rs, "Bad Name", "1");
    reply_header(rs, "X-Good", "fine");
    reply_text(rs, 200, "ok");
}

static void app(request *rq, response *rs, void *arg)
{
    (void)arg;
    seen.served++;
    if (strcmp(rq->path, "/echo") == 0)
        echo(rq, rs);
    else if (strcmp(rq->path, "/wait") == 0)
        wait_for_end(rq, rs);
    else if (strcmp(rq->path, "/stream") == 0)
        stream(rq, rs);
    else if (strcmp(rq->path, "/short") == 0)
        short_stream(rs);
    else if (strcmp(rq->path, "/follow") == 0)
        follow(rq, rs);
    else if (strcmp(rq->path, "/inject") == 0)
        inject(rs);
    else if (strcmp(rq->path, "/silent") == 0)
        return;
    else if (strcmp(rq->path, "/half") == 0)
        (void)!reply_begin(rs, 200, "text/plain");
    else if (strcmp(rq->path, "/twice") == 0 && reply_text(rs, 200, "one") == OK)
        reply_text(rs, 200, "two");
    else if (strcmp(rq->path, "/soon") == 0 && sleep_for(rq->scope, MILLISECONDS(200)) == OK)
        reply_text(rs, 200, "soon");
    else if (rs != NULL && !reply_begun(rs))
        tell(rq, rs);
}

/* A test is a client function that gets the port. */
typedef struct {
    int port;
    bool trusted; /* the client is a trusted proxy */
    probe_server *server;
} client_arg;

static void with_server(scope *s, void (*client)(void *arg), const server_limits *limits)
{
    probe_server p = {0};
    client_arg arg;

    probe_start(s, &p, app, NULL, limits);
    arg = (client_arg){p.port, limits != NULL && limits->trusted_proxies != NULL, &p};
    probe_client(s, client, &arg);
    probe_stop(&p);
}

static int port_of(void *arg)
{
    return ((client_arg *)arg)->port;
}

/* ---- requests ---- */

static void get_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    for (int i = 0; i < 3; i++) {
        probe_send(fd, "GET /a/b%20c?x=1&y=2 HTTP/1.1\r\nHost: example.org:81\r\n\r\n");
        CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
        CHECK(strstr(out, "\r\n\r\nGET|/a/b%20c|x=1&y=2|example.org:81|127.0.0.1|http") != NULL, "%s", out);
        CHECK(strstr(out, "\r\nDate: ") != NULL && strstr(out, " GMT\r\n") != NULL, "%s", out);
        CHECK(strstr(out, "Connection:") == NULL, "%s", out);
    }
    close(fd);
}

FIBER_TEST(one_connection_serves_many_requests)
{
    with_server(s, get_client, NULL);
    CHECK_INT(seen.served, 3);
}

static void pipeline_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                   "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    probe_response(fd, out, sizeof out, false);
    CHECK(strstr(out, "GET|/1|") != NULL, "%s", out);
    probe_response(fd, out, sizeof out, false);
    CHECK(strstr(out, "\r\n\r\nabc") != NULL, "%s", out);
    probe_response(fd, out, sizeof out, false);
    CHECK(strstr(out, "GET|/3|") != NULL && strstr(out, "Connection: close") != NULL, "%s", out);
    CHECK(probe_closed(fd, 1000), "closed as asked");
    close(fd);
}

FIBER_TEST(pipelined_requests_are_answered_in_order)
{
    with_server(s, pipeline_client, NULL);
    CHECK_INT(seen.served, 3);
}

static void trickle_client(void *arg)
{
    static const char text[] = "\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\nGET /n HTTP/1.1\r\nHost: a\r\n\r\n";
    char out[4096];
    int fd = probe_connect(port_of(arg));

    for (size_t i = 0; i + 1 < sizeof text; i++) {
        probe_send_bytes(fd, &text[i], 1);
        if (i % 8 == 0)
            usleep(500);
    }
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "\r\n\r\nabcde") != NULL, "%s", out);
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "GET|/n|") != NULL, "%s", out);
    close(fd);
}

FIBER_TEST(a_request_may_come_byte_by_byte)
{
    with_server(s, trickle_client, NULL);
}

static void http10_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    CHECK_INT(probe_once(port_of(arg), "GET / HTTP/1.0\r\n\r\n", out, sizeof out), 200);
    CHECK(strstr(out, "Connection: close") != NULL, "%s", out);
    CHECK_INT(probe_once(port_of(arg), "GET /short HTTP/1.0\r\n\r\n", out, sizeof out), 200);
    CHECK(strstr(out, "chunked") == NULL && strstr(out, "\r\n\r\nhello world") != NULL, "%s", out);
    probe_send(fd, "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "Connection: keep-alive") != NULL, "%s", out);
    probe_send(fd, "GET /2 HTTP/1.0\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(probe_closed(fd, 1000), "without keep-alive it closes");
    close(fd);
}

FIBER_TEST(http_1_0_is_answered_in_its_own_way)
{
    with_server(s, http10_client, NULL);
}

static void head_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, true), 200);
    CHECK(strstr(out, "Content-Length: 2") != NULL, "%s", out);
    probe_send(fd, "HEAD /short HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, true), 200);
    probe_send(fd, "HEAD /follow HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, true), 200);
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "\r\n\r\nGET|/y|") != NULL, "no body in between: %s", out);
    close(fd);
}

FIBER_TEST(head_gets_the_headers_alone)
{
    with_server(s, head_client, NULL);
    CHECK_INT(sources_closed, 1);
}

static void id_client(void *arg)
{
    char out[4096], other[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: abc-123\r\n\r\n");
    probe_response(fd, out, sizeof out, false);
    CHECK(strstr(out, "X-Request-ID: abc-123\r\n") != NULL, "%s", out);
    probe_send(fd, "GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: not sane\r\n\r\n");
    probe_response(fd, out, sizeof out, false);
    CHECK(strstr(out, "not sane") == NULL && strstr(out, "X-Request-ID: ") != NULL, "%s", out);
    probe_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    probe_response(fd, other, sizeof other, false);
    CHECK(strncmp(strstr(out, "X-Request-ID: "), strstr(other, "X-Request-ID: "), 30) != 0, "ids differ");
    close(fd);
}

FIBER_TEST(request_ids_come_in_and_go_out)
{
    with_server(s, id_client, NULL);
}

static void proxy_client(void *arg)
{
    char out[4096];

    probe_once(port_of(arg),
               "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 6.6.6.6, 8.8.4.4\r\n"
               "X-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: https\r\n\r\n",
               out, sizeof out);
    CHECK(strstr(out, ((client_arg *)arg)->trusted ? "|8.8.4.4|https" : "|127.0.0.1|http") != NULL, "%s", out);
}

FIBER_TEST(forwarded_headers_count_only_from_a_trusted_proxy)
{
    static const char *const trusted[] = {"127.0.0.0/8", "10.0.0.0/8", "::1", NULL};
    server_limits limits = server_default_limits;

    with_server(s, proxy_client, NULL);
    limits.trusted_proxies = trusted;
    with_server(s, proxy_client, &limits);
}

/* ---- bodies ---- */

static void big_body_client(void *arg)
{
    size_t size = MIB(3);
    char *body = mem_alloc(size), *out = mem_alloc(size + 4096);
    int fd = probe_connect(port_of(arg));

    memset(body, 'x', size);
    body[size - 1] = 'y';
    probe_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n");
    probe_send_bytes(fd, body, size);
    CHECK_INT(probe_response(fd, out, size + 4096, false), 200);
    CHECK(memcmp(strstr(out, "\r\n\r\n") + 4, body, size) == 0, "it came back whole");
    close(fd);
    free(body);
    free(out);
}

FIBER_TEST(a_large_body_comes_through_in_both_directions)
{
    with_server(s, big_body_client, NULL);
}

static void continue_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, true), 100);
    probe_send(fd, "ok");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "\r\n\r\nok") != NULL, "%s", out);
    probe_send(fd, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "Connection: close") != NULL, "it was not asked for, so nobody knows what follows: %s", out);
    CHECK(probe_closed(fd, 3000), "closed");
    close(fd);
}

FIBER_TEST(the_body_is_asked_for_only_when_the_handler_reads_it)
{
    with_server(s, continue_client, NULL);
}

static void unread_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    probe_send(fd, "56789GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "GET|/after|") != NULL, "%s", out);
    probe_send(fd, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n01234");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "Connection: close") != NULL, "too much to wait for: %s", out);
    close(fd);
}

FIBER_TEST(a_body_that_nobody_reads_is_skipped_or_ends_the_connection)
{
    with_server(s, unread_client, NULL);
}

static void stalled_body_client(void *arg)
{
    char out[4096];

    CHECK_INT(
        probe_once(port_of(arg), "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01", out, sizeof out),
        408);
}

FIBER_TEST(a_body_that_stops_coming_is_a_timeout)
{
    server_limits limits = server_default_limits;

    limits.body_timeout = MILLISECONDS(100);
    with_server(s, stalled_body_client, &limits);
    CHECK_INT(seen.body_error, ERR_TIMEOUT);
}

static void cut_body_client(void *arg)
{
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01");
    usleep(50000);
    close(fd);
    usleep(50000);
}

FIBER_TEST(a_client_that_leaves_within_its_body_ends_the_reading)
{
    with_server(s, cut_body_client, NULL);
    CHECK(seen.body_error == ERR_CLOSED || seen.body_error == ERR_CANCELLED, "%s", err_name(seen.body_error));
}

static void chunked_too_large_client(void *arg)
{
    char out[4096];

    CHECK_INT(probe_once(port_of(arg),
                         "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n",
                         out, sizeof out),
              413);
    CHECK_INT(probe_once(port_of(arg), "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", out, sizeof out),
              413);
    CHECK_INT(seen.served, 0);
}

FIBER_TEST(a_body_over_the_limit_is_refused_announced_or_not)
{
    server_limits limits = server_default_limits;

    limits.max_body = 10;
    with_server(s, chunked_too_large_client, &limits);
}

static void late_chunks_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n");
    usleep(50000);
    probe_send(fd, ((client_arg *)arg)->trusted ? "0x6\r\n012345\r\n" : "6\r\n012345\r\n0\r\n\r\n");
    probe_read(fd, out, sizeof out);
    CHECK(strstr(out, ((client_arg *)arg)->trusted ? "HTTP/1.1 400 " : "HTTP/1.1 413 ") == out, "%s", out);
    close(fd);
}

FIBER_TEST(a_fault_late_in_the_body_reaches_the_reader_and_the_client)
{
    static const char *const none[] = {NULL};
    server_limits limits = server_default_limits;

    limits.max_body = 10;
    with_server(s, late_chunks_client, &limits);
    CHECK_INT(seen.body_error, ERR_TOO_LARGE);
    limits.trusted_proxies = none;
    with_server(s, late_chunks_client, &limits);
    CHECK_INT(seen.body_error, ERR_INVALID);
}

/* ---- responses ---- */

static void inject_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /inject HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "Smuggled") == NULL && strstr(out, "Bad") == NULL, "%s", out);
    CHECK(strstr(out, "Content-Length: 2\r\n") != NULL && strstr(out, "Content-Length: 5") == NULL, "%s", out);
    CHECK(strstr(out, "X-Good: fine\r\n") != NULL, "%s", out);
    close(fd);
}

FIBER_TEST(a_handler_cannot_split_a_response)
{
    with_server(s, inject_client, NULL);
}

static void odd_handlers_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 500);
    probe_send(fd, "GET /twice HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "\r\n\r\none") != NULL, "%s", out);
    probe_send(fd, "GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
    probe_read(fd, out, sizeof out);
    CHECK(strstr(out, "0\r\n\r\n") == NULL, "the stream was not ended properly, and the client sees it: %s", out);
    close(fd);
}

FIBER_TEST(a_handler_that_forgets_its_answer_does_no_harm)
{
    with_server(s, odd_handlers_client, NULL);
}

static void short_stream_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    for (int i = 0; i < 2; i++) {
        probe_send(fd, "GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
        probe_response(fd, out, sizeof out, false);
        CHECK(strstr(out, "\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n") != NULL, "%s", out);
    }
    close(fd);
}

FIBER_TEST(a_stream_is_chunked_and_the_connection_goes_on)
{
    with_server(s, short_stream_client, NULL);
}

static void slow_reader_client(void *arg)
{
    int fd = probe_connect(port_of(arg)), small = 4096;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    probe_send(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    usleep(900000);
    close(fd);
}

FIBER_TEST(a_client_that_reads_nothing_holds_the_writer_and_is_cut)
{
    server_limits limits = server_default_limits;

    limits.write_timeout = MILLISECONDS(200);
    with_server(s, slow_reader_client, &limits);
    CHECK(seen.write_error == ERR_CANCELLED || seen.write_error == ERR_CLOSED, "%s", err_name(seen.write_error));
    CHECK(seen.written < 400 * 65536, "the writer was held back after %zu bytes", seen.written);
}

static void patient_reader_client(void *arg)
{
    static char out[65536];
    int fd = probe_connect(port_of(arg));
    size_t all = 0;

    probe_send(fd, "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for (size_t n; (n = probe_read(fd, out, sizeof out)) > 0; all += n)
        ;
    CHECK(all > 400 * 65536, "all of it came: %zu", all);
    CHECK(strcmp(out + strlen(out) - 5, "0\r\n\r\n") == 0 || all > 0, "and its end");
    close(fd);
}

FIBER_TEST(a_large_stream_reaches_a_client_that_reads)
{
    with_server(s, patient_reader_client, NULL);
    CHECK_INT(seen.written, 400 * 65536);
}

/* ---- followed sources ---- */

static void follow_client(void *arg)
{
    static char out[262144];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /follow?n=3 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "\r\n\r\n15\r\nline 0\nline 1\nline 2\n\r\n0\r\n\r\n") != NULL, "%s", out);
    probe_send(fd, "GET /follow?n=10000 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "line 9999\n\r\n0\r\n\r\n") != NULL, "the end came");
    probe_send(fd, "GET /follow?n=2&cut=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    probe_read(fd, out, sizeof out);
    CHECK(strstr(out, "line 1\n") != NULL && strstr(out, "0\r\n\r\n") == NULL, "cut without the last chunk: %s", out);
    close(fd);
}

FIBER_TEST(a_source_is_followed_to_its_end_or_cut)
{
    with_server(s, follow_client, NULL);
    CHECK_INT(sources_closed, 3);
}

static void beat_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg)), beats = 0;

    probe_send(fd, "GET /follow?n=-1&beat=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    while (beats < 3 && probe_read_some(fd, out, sizeof out))
        beats += strstr(out, "7\r\n: ping\n\r\n") != NULL;
    CHECK_INT(beats, 3);
    close(fd);
    usleep(100000);
}

FIBER_TEST(a_quiet_source_has_a_heartbeat_and_is_closed_when_the_client_leaves)
{
    with_server(s, beat_client, NULL);
    CHECK_INT(sources_closed, 1);
}

enum { MANY = 1000 };

static long resident_kb(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (f != NULL && fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages * 4;
}

static void many_streams_client(void *arg)
{
    static int fds[MANY + 50];
    char out[1024];
    long before = 0, after;

    for (int i = 0; i < MANY + 50; i++) { /* the first ones make what all share */
        if (i == 50)
            before = resident_kb();
        fds[i] = probe_connect(port_of(arg));
        probe_send(fds[i], "GET /follow?n=-1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: probe/1.0\r\n"
                           "Accept: text/event-stream\r\n\r\n");
        CHECK_INT(probe_response(fds[i], out, sizeof out, true), 200);
    }
    after = resident_kb();
    fprintf(stderr, "# %d followed streams: %ld bytes of user memory each\n", MANY, (after - before) * 1024 / MANY);
    CHECK(test_instrumented() || (after - before) * 1024 / MANY < 4096, "%ld KB for all", after - before);
    CHECK_INT(server_read_stats(((client_arg *)arg)->server->sv).streams, MANY + 50);
    for (int i = 0; i < MANY + 50; i++)
        close(fds[i]);
    for (int i = 0; i < 100 && server_read_stats(((client_arg *)arg)->server->sv).connections > 0; i++)
        usleep(20000);
    CHECK_INT(server_read_stats(((client_arg *)arg)->server->sv).connections, 0);
    CHECK_INT(server_read_stats(((client_arg *)arg)->server->sv).streams, 0);
}

FIBER_TEST(a_thousand_quiet_streams_cost_little_and_leave_nothing, .limit = 30)
{
    with_server(s, many_streams_client, NULL);
    CHECK_INT(sources_closed, MANY + 50);
}

/* ---- leaving and stopping ---- */

static int64_t left_at;

static void leave_client(void *arg)
{
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    usleep(50000);
    left_at = clock_mono();
    close(fd);
    usleep(100000);
}

FIBER_TEST(a_client_that_leaves_is_noticed_at_once)
{
    with_server(s, leave_client, NULL);
    CHECK_INT(seen.cancelled, 1);
    CHECK_STR(seen.reason, "client disconnected");
    fprintf(stderr, "# noticed after %lld us\n", (long long)(seen.noticed_at - left_at) / 1000);
    CHECK(seen.noticed_at - left_at < MILLISECONDS(test_instrumented() ? 100 : 10), "%lld us",
          (long long)(seen.noticed_at - left_at) / 1000);
}

static void half_close_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(fd, SHUT_WR);
    probe_read(fd, out, sizeof out);
    CHECK(strstr(out, "GET|/quick|") != NULL, "%s", out);
    close(fd);
}

FIBER_TEST(a_client_that_closes_its_side_still_gets_a_whole_answer)
{
    with_server(s, half_close_client, NULL);
}

static void slow_request_client(void *arg)
{
    char out[4096];
    int idle = probe_connect(port_of(arg)), fd = probe_connect(port_of(arg));

    probe_send(idle, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(idle, out, sizeof out, false), 200);
    probe_send(fd, "GET /soon HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(probe_closed(idle, 2000), "idle connections are closed at once");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "Connection: close") != NULL && strstr(out, "\r\n\r\nsoon") != NULL, "%s", out);
    CHECK(probe_closed(fd, 1000), "closed after the answer");
    close(fd);
    close(idle);
}

/* Stops the server 100 ms after the client has begun. */
static err stop_soon(scope *s, void *arg)
{
    probe_server *p = arg;

    if (sleep_for(s, MILLISECONDS(100)) == OK)
        scope_cancel(p->running, "stop");
    return OK;
}

static int64_t stop_while(scope *s, void (*client)(void *arg), int64_t grace)
{
    probe_server p = {.grace = grace};
    client_arg arg;
    int64_t began = clock_mono();

    probe_start(s, &p, app, NULL, NULL);
    arg = (client_arg){.port = p.port, .server = &p};
    scope_spawn(s, stop_soon, &p);
    probe_client(s, client, &arg);
    probe_stop(&p);
    return clock_mono() - began;
}

FIBER_TEST(stopping_lets_a_running_request_finish)
{
    stop_while(s, slow_request_client, SECONDS(3));
}

static void endless_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg)), stream_fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    probe_send(stream_fd, "GET /follow?n=-1 HTTP/1.1\r\nHost: a\r\n\r\n");
    probe_read(fd, out, sizeof out);
    CHECK(probe_closed(stream_fd, 1000), "the stream was cut");
    close(fd);
    close(stream_fd);
}

FIBER_TEST(stopping_cancels_what_runs_longer_than_the_grace)
{
    CHECK(stop_while(s, endless_client, MILLISECONDS(200)) < SECONDS(4), "it did not wait for the handler's 8 s");
    CHECK_INT(seen.cancelled, 1);
    CHECK_STR(seen.reason, "the server is shutting down");
    CHECK_INT(sources_closed, 1);
}

/* ---- two loops ---- */

typedef struct {
    probe_server p;
    _Atomic unsigned loops_seen;
    _Atomic int ready;
} shared_port;

static void tell_loop(request *rq, response *rs, void *arg)
{
    shared_port *sp = arg;

    (void)rq;
    atomic_fetch_or(&sp->loops_seen, 1U << loop_index(loop_self()));
    reply_text(rs, 200, "ok");
}

static void both_loops_client(void *arg)
{
    shared_port *sp = arg;
    char out[1024];

    while (atomic_load(&sp->ready) < 2)
        usleep(1000);
    usleep(50000);
    for (int i = 0; i < 400 && atomic_load(&sp->loops_seen) != 3; i++)
        CHECK_INT(probe_once(sp->p.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof out),
                  200);
}

static err serve_one(scope *s, void *arg)
{
    return server_serve(s, ((shared_port *)arg)->p.sv, 0);
}

static err serve_on_loop(scope *root, void *arg)
{
    shared_port *sp = arg;
    scope *client = scope_child(root, NO_LIMIT);

    atomic_fetch_add(&sp->ready, 1);
    if (loop_index(loop_self()) > 0)
        return server_serve(root, sp->p.sv, 0);
    sp->p.running = scope_child(root, NO_LIMIT);
    scope_spawn(sp->p.running, serve_one, sp);
    probe_client(client, both_loops_client, sp);
    loops_stop();
    return scope_join(sp->p.running);
}

TEST(two_loops_share_one_port)
{
    static shared_port sp;
    char why[200] = "";

    sp.p.sv = server_new(tell_loop, &sp, NULL);
    CHECK(server_listen(sp.p.sv, "127.0.0.1:0", NULL, &sp.p.port, why, sizeof why) == OK, "%s", why);
    CHECK_INT(loops_run(2, serve_on_loop, &sp), 0);
    CHECK_INT(sp.loops_seen, 3);
    CHECK(server_read_stats(sp.p.sv).requests >= 2, "counters of both loops are summed");
    server_free(sp.p.sv);
}

TEST(an_address_that_is_taken_or_senseless_is_said_so)
{
    char why[200] = "", address[64];
    server *one = server_new(tell_loop, NULL, NULL), *two = server_new(tell_loop, NULL, NULL);
    int port, other;

    CHECK(server_listen(one, "127.0.0.1:0", NULL, &port, why, sizeof why) == OK, "%s", why);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    CHECK_INT(server_listen(two, address, NULL, &other, why, sizeof why), ERR_CONFLICT);
    CHECK(strstr(why, address) != NULL, "%s", why);
    CHECK_INT(server_listen(two, "nonsense", NULL, &other, why, sizeof why), ERR_INVALID);
    CHECK_INT(server_listen(two, "127.0.0.1:99999", NULL, &other, why, sizeof why), ERR_INVALID);
    CHECK_INT(server_listen(two, "[::1]:0", NULL, &other, why, sizeof why), OK);
    server_free(one);
    server_free(two);
}
