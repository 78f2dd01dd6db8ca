/* SPDX-License-Identifier: MIT */
/* The server over real sockets: requests, keep-alive, bodies.  Refusals, streams and stopping have files of their own. */
#include "net/server.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "probe_app.h"
#include "test.h"

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
    with_app(s, get_client, NULL);
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
    with_app(s, pipeline_client, NULL);
    CHECK_INT(seen.served, 3);
}

static void upgrade_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd,
               "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc"
               "GET /next HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
               "GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
    probe_response(fd, out, sizeof out, false);
    CHECK(strstr(out, "\r\n\r\nabc") != NULL, "%s", out);
    probe_response(fd, out, sizeof out, false);
    CHECK(strstr(out, "GET|/next|") != NULL, "%s", out);
    probe_response(fd, out, sizeof out, false);
    CHECK(strstr(out, "GET|/last|") != NULL, "%s", out);
    close(fd);
}

FIBER_TEST(an_upgrade_that_nobody_wants_is_a_plain_request)
{
    with_app(s, upgrade_client, NULL);
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
    with_app(s, trickle_client, NULL);
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
    with_app(s, http10_client, NULL);
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
    with_app(s, head_client, NULL);
    CHECK_INT(seen.sources_closed, 1);
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
    with_app(s, id_client, NULL);
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

    with_app(s, proxy_client, NULL);
    limits.trusted_proxies = trusted;
    with_app(s, proxy_client, &limits);
}

static void leaving_handler_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    for (int i = 0; i < 3; i++) {
        probe_send(fd, "GET /leave HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
        CHECK(strstr(out, "\r\n\r\ngone") != NULL, "%s", out);
    }
    close(fd);
}

FIBER_TEST(fibers_that_a_handler_leaves_behind_are_ended_before_the_next_request)
{
    with_app(s, leaving_handler_client, NULL);
    CHECK_INT(seen.cancelled, 6);
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
    with_app(s, big_body_client, NULL);
}

/* Sends as much as the connection takes for 100 ms. */
static size_t push(int fd, const char *bytes, size_t len)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    size_t sent = 0;

    while (sent < len && poll(&p, 1, 100) == 1) {
        ssize_t n = send(fd, bytes + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    return sent;
}

static void pushing_client(void *arg)
{
    size_t size = MIB(16), sent;
    char *body = mem_zalloc(1, size), out[1024];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n");
    sent = push(fd, body, size);
    CHECK(sent < size, "it was stopped after %zu bytes", sent);
    CHECK(server_read_stats(((client_arg *)arg)->server->sv).bytes_in < KIB(256), "and the server holds little");
    atomic_store(&seen.may_read, true);
    probe_send_bytes(fd, body + sent, size - sent);
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "\r\n\r\n16777216") != NULL, "%s", out);
    close(fd);
    free(body);
}

FIBER_TEST(a_handler_that_reads_late_holds_the_sender)
{
    with_app(s, pushing_client, NULL);
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
    with_app(s, continue_client, NULL);
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
    with_app(s, unread_client, NULL);
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
    with_app(s, stalled_body_client, &limits);
    CHECK_INT(seen.body_error, ERR_TIMEOUT);
}

static void cut_body_client(void *arg)
{
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01");
    probe_wait_requests(arg, 1);
    close(fd);
    probe_wait_connections(arg, 0);
}

FIBER_TEST(a_client_that_leaves_within_its_body_ends_the_reading)
{
    with_app(s, cut_body_client, NULL);
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
    with_app(s, chunked_too_large_client, &limits);
}

static void late_chunks_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n");
    probe_wait_requests(arg, 1);
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
    with_app(s, late_chunks_client, &limits);
    CHECK_INT(seen.body_error, ERR_TOO_LARGE);
    limits.trusted_proxies = none;
    with_app(s, late_chunks_client, &limits);
    CHECK_INT(seen.body_error, ERR_INVALID);
}
