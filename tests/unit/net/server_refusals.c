/* SPDX-License-Identifier: MIT */
/* What the server answers by itself: malformed, ambiguous and oversized requests never reach the application. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "probe_app.h"
#include "test.h"

/* Sends raw bytes, wants one answer with this status that closes, and that the application saw nothing. */
typedef struct {
    const char *name;
    const char *bytes;
    size_t len;
    int status;
} probe_case;

#define CASE(case_name, wanted, text)                                                                                  \
    {                                                                                                                  \
        (case_name), (text), sizeof(text) - 1, (wanted)                                                                \
    }

static void send_case(int port, const probe_case *c)
{
    char out[4096];
    int fd = probe_connect(port), status;

    probe_send_bytes(fd, c->bytes, c->len);
    probe_read(fd, out, sizeof out);
    close(fd);
    status = strncmp(out, "HTTP/1.1 ", 9) == 0 ? atoi(out + 9) : 0;
    CHECK(status == c->status, "%s: answered \"%s\"", c->name, out);
    CHECK(strstr(out + 1, "HTTP/1.1 ") == NULL, "%s: one answer only: %s", c->name, out);
    CHECK(strstr(out, "Connection: close\r\n") != NULL, "%s: %s", c->name, out);
    CHECK(strstr(out, "\r\n\r\n{\"detail\": \"") != NULL, "%s: %s", c->name, out);
}

static void send_cases(int port, const probe_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        send_case(port, &cases[i]);
    CHECK_INT(seen.served, 0);
}

#define POST "POST /echo HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

static void framing_client(void *arg)
{
    static const probe_case cases[] = {
        CASE("both framings", 400, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
        CASE("both framings, other order", 400,
             POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" SMUGGLED),
        CASE("two lengths", 400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
        CASE("two equal lengths", 400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"),
        CASE("list of lengths", 400, POST "Content-Length: 5, 5\r\n\r\nabcde"),
        CASE("plus", 400, POST "Content-Length: +7\r\n\r\nabcdefg"),
        CASE("minus", 400, POST "Content-Length: -1\r\n\r\n"),
        CASE("hexadecimal", 400, POST "Content-Length: 0x7\r\n\r\nabcdefg"),
        CASE("empty length", 400, POST "Content-Length:\r\n\r\n"),
        CASE("inner space", 400, POST "Content-Length: 1 2\r\n\r\nabcdefghijkl"),
        CASE("immense length", 413, POST "Content-Length: 99999999999999999999\r\n\r\n"),
        CASE("xchunked", 400, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SMUGGLED),
        CASE("gzip, chunked", 400, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        CASE("chunked twice", 400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE("chunked, identity", 400, POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        CASE("quoted chunked", 400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        CASE("vertical tab", 400, POST "Transfer-Encoding: \013chunked\r\n\r\n0\r\n\r\n"),
        CASE("chunked in HTTP/1.0", 400, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
        CASE("space before colon", 400, POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        CASE("0x chunk", 400, CHUNKED "0x7\r\nabcdefg\r\n0\r\n\r\n"),
        CASE("+ chunk", 400, CHUNKED "+7\r\nabcdefg\r\n0\r\n\r\n"),
        CASE("negative chunk", 400, CHUNKED "-1\r\n\r\n"),
        CASE("overflowing chunk", 400, CHUNKED "11111111111111111\r\nabc\r\n0\r\n\r\n"),
        CASE("large chunk", 413,
             CHUNKED "fffffffffff\r\n"
                     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"),
        CASE("chunk line with bare LF", 400, CHUNKED "3\nabc\r\n0\r\n\r\n"),
        CASE("chunk data too long", 400, CHUNKED "3\r\nabcd\r\n0\r\n\r\n"),
        CASE("chunk end with bare LF", 400, CHUNKED "3\r\nabc\n0\r\n\r\n"),
        CASE("chunk size with space", 400, CHUNKED "3 \r\nabc\r\n0\r\n\r\n"),
        CASE("empty chunk size", 400, CHUNKED "\r\nabc\r\n0\r\n\r\n"),
    };
    send_cases(port_of(arg), cases, COUNT(cases));
}

FIBER_TEST(ambiguous_framing_is_refused)
{
    server_limits limits = server_default_limits;

    limits.max_body = 50;
    with_app(s, framing_client, &limits);
}

static void syntax_client(void *arg)
{
    static const probe_case cases[] = {
        CASE("NUL in a value", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
        CASE("NUL in a name", 400, "GET / HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n"),
        CASE("NUL in the path", 400, "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("bare CR in a value", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
        CASE("bare CR at the end of a line", 400, "GET / HTTP/1.1\r\nHost: a\r\r\nX: b\r\n\r\n"),
        CASE("bare LF", 400, "GET / HTTP/1.1\nHost: a\n\n"),
        CASE("bare LF between headers", 400, "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
        CASE("folded line", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
        CASE("line folded with a tab", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n"),
        CASE("folded first header", 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        CASE("header without colon", 400, "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n"),
        CASE("header without name", 400, "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"),
        CASE("control character", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\001b\r\n\r\n"),
        CASE("no host", 400, "GET / HTTP/1.1\r\n\r\n"),
        CASE("two hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        CASE("empty host", 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        CASE("host with a path", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        CASE("host with a user", 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        CASE("host with a space", 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        CASE("host with a bad port", 400, "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"),
        CASE("host with an open bracket", 400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
        CASE("host that contradicts the target", 400, "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("target without slash", 400, "GET x HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("target with fragment", 400, "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("target with raw UTF-8", 400, "GET /\303\244 HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("target with space", 400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("no version", 400, "GET /\r\n\r\n"),
        CASE("small letters", 400, "GET / http/1.1\r\nHost: a\r\n\r\n"),
        CASE("no HTTP at all", 400, "\026\003\001\002\r\n\r\n"),
        CASE("HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        CASE("HTTP/1.2", 505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        CASE("HTTP/0.9", 505, "GET / HTTP/0.9\r\n\r\n"),
        CASE("unknown method", 501, "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("small method", 501, "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("CONNECT", 501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE("other expectation", 417, POST "Content-Length: 1\r\nExpect: magic\r\n\r\nx"),
        CASE("two expectations", 417,
             POST "Content-Length: 1\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\nx"),
    };

    send_cases(port_of(arg), cases, COUNT(cases));
}

FIBER_TEST(malformed_heads_are_refused)
{
    with_app(s, syntax_client, NULL);
}

static void accepted_client(void *arg)
{
    static const probe_case cases[] = {
        CASE("absolute target", 200, "GET http://A:8/x?y HTTP/1.1\r\nHost: a:8\r\nConnection: close\r\n\r\n"),
        CASE("IPv6 host", 200, "GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n"),
        CASE("empty value", 200, "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nConnection: close\r\n\r\n"),
        CASE("UTF-8 in a value", 200, "GET / HTTP/1.1\r\nHost: a\r\nX: \303\244\r\nConnection: close\r\n\r\n"),
        CASE("odd target characters", 200, "GET /a|b{c}?d=[e] HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        CASE("zero length", 200, POST "Content-Length: 0\r\nConnection: close\r\n\r\n"),
        CASE("leading zeros", 200, POST "Content-Length: 003\r\nConnection: close\r\n\r\nabc"),
        CASE("large hexadecimal chunk", 200,
             POST "Transfer-Encoding: Chunked\r\nConnection: close\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"),
        CASE("tab in a value", 200, "GET / HTTP/1.1\r\nHost: a\r\nX: a\tb\r\nConnection: close\r\n\r\n"),
        CASE("upgrade to h2c", 200, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"),
        CASE("OPTIONS", 200, "OPTIONS /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    };
    char out[4096];

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(probe_once(port_of(arg), cases[i].bytes, out, sizeof out) == 200, "%s: %s", cases[i].name, out);
}

FIBER_TEST(unusual_but_proper_requests_are_served)
{
    with_app(s, accepted_client, NULL);
}

/* ---- sizes ---- */

static void check_refused(int port, buf *b, int status)
{
    probe_case c = {"size", b->data, b->len, status};

    send_case(port, &c);
    buf_close(b);
}

static void sizes_client(void *arg)
{
    buf b = BUF_INIT(MIB(8));

    buf_puts(&b, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    for (int i = 0; i < 100000; i++)
        buf_putc(&b, 'x');
    check_refused(port_of(arg), &b, 431); /* without waiting for the end of the head */
    buf_puts(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "X-%d: y\r\n", i);
    buf_puts(&b, "\r\n");
    check_refused(port_of(arg), &b, 431);
    buf_puts(&b, "GET /");
    for (int i = 0; i < 10000; i++)
        buf_putc(&b, 'x');
    buf_puts(&b, " HTTP/1.1\r\nHost: a\r\n\r\n");
    check_refused(port_of(arg), &b, 414);
    buf_puts(&b, "GET /");
    for (int i = 0; i < 3000000; i++)
        buf_putc(&b, 'x');
    check_refused(port_of(arg), &b, 414);
    CHECK_INT(seen.served, 0);
}

FIBER_TEST(oversized_heads_are_refused_before_they_end)
{
    with_app(s, sizes_client, NULL);
}

static void extension_client(void *arg)
{
    buf b = BUF_INIT(MIB(8));
    char out[1024];
    int fd = probe_connect(port_of(arg));

    buf_puts(&b, CHUNKED);
    for (int i = 0; i < 2000; i++)
        buf_puts(&b, "1;extension=which-is-much-longer-than-the-byte-that-it-is-about\r\nx\r\n");
    probe_send_bytes(fd, b.data, b.len);
    probe_read(fd, out, sizeof out);
    CHECK(strstr(out, "HTTP/1.1 413 ") == out, "%s", out);
    close(fd);
    buf_close(&b);
}

FIBER_TEST(chunk_extensions_without_end_are_refused)
{
    with_app(s, extension_client, NULL);
}

/* ---- time ---- */

static void slow_client(void *arg)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: yes\r\n";
    char out[1024];
    int fd = probe_connect(port_of(arg)), quiet = probe_connect(port_of(arg));
    int64_t began = clock_mono();

    for (size_t i = 0; i < sizeof text - 1; i++) {
        probe_send_bytes(fd, text + i, 1);
        usleep(10000);
    }
    probe_read(fd, out, sizeof out);
    CHECK(strstr(out, "HTTP/1.1 408 ") == out, "%s", out);
    CHECK(clock_mono() - began < SECONDS(3), "bytes that trickle do not move the deadline");
    CHECK(probe_closed(quiet, 10000), "a connection that asks nothing is closed");
    close(fd);
    close(quiet);
}

FIBER_TEST(a_head_that_trickles_in_is_timed_as_a_whole)
{
    server_limits limits = server_default_limits;

    limits.head_timeout = MILLISECONDS(150);
    with_app(s, slow_client, &limits);
    CHECK_INT(seen.served, 0);
}

static void idle_client(void *arg)
{
    char out[1024];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(!probe_closed(fd, 50), "not at once");
    CHECK(probe_closed(fd, 10000), "but soon");
    close(fd);
}

FIBER_TEST(an_idle_connection_is_closed_in_silence)
{
    server_limits limits = server_default_limits;

    limits.idle_timeout = SECONDS(1);
    with_app(s, idle_client, &limits);
}

/* ---- numbers ---- */

static void crowd_client(void *arg)
{
    const probe_server *p = ((client_arg *)arg)->server;
    char out[1024];
    int a = probe_connect(port_of(arg)), b = probe_connect(port_of(arg)), c;

    probe_send(a, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(a, out, sizeof out, false), 200);
    probe_send(b, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(b, out, sizeof out, false), 200);
    c = probe_connect(port_of(arg));
    probe_read(c, out, sizeof out);
    CHECK(strstr(out, "HTTP/1.1 503 ") == out, "%s", out);
    close(c);
    close(b);
    probe_wait_connections(arg, 1);
    CHECK_INT(probe_once(port_of(arg), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof out), 200);
    CHECK_INT(server_read_stats(p->sv).refused, 1);
    close(a);
}

FIBER_TEST(one_connection_too_many_is_told_so)
{
    server_limits limits = server_default_limits;

    limits.max_connections = 2;
    with_app(s, crowd_client, &limits);
}
