/* SPDX-License-Identifier: MIT */
/* Responses: what handlers may not do, streams, back-pressure, followed sources and what they cost. */
#include "net/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe_app.h"
#include "test.h"

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
    with_app(s, inject_client, NULL);
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
    CHECK(strstr(out, "\r\n\r\n4\r\nhalf\r\n") != NULL, "what it said before comes: %s", out);
    CHECK(strstr(out, "0\r\n\r\n") == NULL, "the stream was not ended properly, and the client sees it: %s", out);
    close(fd);
}

FIBER_TEST(a_handler_that_forgets_its_answer_does_no_harm)
{
    with_app(s, odd_handlers_client, NULL);
}

static void deferring_client(void *arg)
{
    char out[4096];
    int fd = probe_connect(port_of(arg));

    for (int i = 0; i < 3; i++) {
        probe_send(fd, "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    }
    close(fd);
}

FIBER_TEST(what_a_handler_defers_may_park)
{
    with_app(s, deferring_client, NULL);
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
    with_app(s, short_stream_client, NULL);
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
    with_app(s, slow_reader_client, &limits);
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
    with_app(s, patient_reader_client, NULL);
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
    with_app(s, follow_client, NULL);
    CHECK_INT(seen.sources_closed, 3);
}

static void greedy_client(void *arg)
{
    static char out[262144];
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /follow?n=10000&greedy=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    probe_read(fd, out, sizeof out);
    CHECK(strstr(out, "line 9999") == NULL && strstr(out, "0\r\n\r\n") == NULL, "it was cut: %.200s", out);
    close(fd);
}

FIBER_TEST(a_source_that_gives_more_than_may_wait_is_cut)
{
    server_limits limits = server_default_limits;

    limits.max_unsent = KIB(32);
    with_app(s, greedy_client, &limits);
    CHECK_INT(seen.sources_closed, 1);
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
    probe_wait_connections(arg, 0);
}

FIBER_TEST(a_quiet_source_has_a_heartbeat_and_is_closed_when_the_client_leaves)
{
    with_app(s, beat_client, NULL);
    CHECK_INT(seen.sources_closed, 1);
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
    probe_wait_connections(arg, 0);
    CHECK_INT(server_read_stats(((client_arg *)arg)->server->sv).streams, 0);
}

FIBER_TEST(a_thousand_quiet_streams_cost_little_and_leave_nothing, .limit = 30)
{
    with_app(s, many_streams_client, NULL);
    CHECK_INT(seen.sources_closed, MANY + 50);
}
