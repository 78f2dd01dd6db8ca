/* SPDX-License-Identifier: MIT */
/* Clients that leave, servers that stop, loops that share a port. */
#include "net/server.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe_app.h"
#include "rt/fiber.h"
#include "rt/sleep.h"
#include "test.h"

/* ---- leaving and stopping ---- */

static int64_t left_at;

static void leave_client(void *arg)
{
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    probe_wait_requests(arg, 1);
    left_at = clock_mono();
    close(fd);
    probe_wait_connections(arg, 0);
}

FIBER_TEST(a_client_that_leaves_is_noticed_at_once)
{
    with_app(s, leave_client, NULL);
    CHECK_INT(seen.cancelled, 1);
    CHECK_STR(seen.reason, "client disconnected");
    fprintf(stderr, "# noticed after %lld us\n", (long long)(seen.noticed_at - left_at) / 1000);
    CHECK(seen.noticed_at - left_at < MILLISECONDS(test_instrumented() ? 1000 : 200), "%lld us",
          (long long)(seen.noticed_at - left_at) / 1000);
}

static void leave_held(void *arg)
{
    int fd = probe_connect(port_of(arg));

    probe_send(fd, "GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    usleep(50000);
    close(fd);
    usleep(400000);
}

FIBER_TEST(a_request_that_is_held_goes_on_without_its_client_until_it_is_released)
{
    with_app(s, leave_held, NULL);
    CHECK_INT(seen.written, 1);
    CHECK_INT(seen.cancelled, 1);
    CHECK_STR(seen.reason, "client disconnected");
}

/* Sends the first `len` bytes, reads a little or nothing, and goes: politely, or with a reset. */
static void vanish(int port, const char *text, size_t len, bool reset)
{
    struct linger now = {.l_onoff = 1};
    char out[256];
    int fd = probe_connect(port);

    probe_send_bytes(fd, text, len);
    if (len % 3 == 0)
        usleep(300);
    if (len % 5 == 0)
        (void)!recv(fd, out, sizeof out, MSG_DONTWAIT);
    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void vanishing_client(void *arg)
{
    static const char *const scripts[] = {
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /follow?n=-1 "
         "HTTP/1.1\r\n"
         "Host: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabcGET /wait "
         "HTTP/1.1\r\nHost: a\r\n\r\n"),
        "GET /follow?n=100000 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /half HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n01GET /nothing but bytes",
    };
    const server *sv = ((client_arg *)arg)->server->sv;

    for (size_t i = 0; i < COUNT(scripts); i++)
        for (size_t len = 0; len <= strlen(scripts[i]); len++)
            vanish(port_of(arg), scripts[i], len, (len + i) % 2 == 0);
    probe_wait_connections(arg, 0);
    CHECK_INT(server_read_stats(sv).streams, 0);
}

FIBER_TEST(clients_that_vanish_anywhere_leave_nothing_behind, .limit = 30)
{
    size_t before = fiber_count();

    with_app(s, vanishing_client, NULL);
    CHECK_INT(fiber_count(), before);
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
    with_app(s, half_close_client, NULL);
}

static void slow_request_client(void *arg)
{
    char out[4096];
    int idle = probe_connect(port_of(arg)), fd = probe_connect(port_of(arg));

    probe_send(idle, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_INT(probe_response(idle, out, sizeof out, false), 200);
    probe_send(fd, "GET /soon HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(probe_closed(idle, 10000), "idle connections are closed at once");
    CHECK_INT(probe_response(fd, out, sizeof out, false), 200);
    CHECK(strstr(out, "Connection: close") != NULL && strstr(out, "\r\n\r\nsoon") != NULL, "%s", out);
    CHECK(probe_closed(fd, 10000), "closed after the answer");
    close(fd);
    close(idle);
}

/* Stops the server when the last of the client's two requests has begun. */
static err stop_soon(scope *s, void *arg)
{
    probe_server *p = arg;

    while (server_read_stats(p->sv).requests < 2)
        TRY(sleep_for(s, MILLISECONDS(5)));
    scope_cancel(p->running, "stop");
    return OK;
}

static int64_t stop_while(scope *s, void (*client)(void *arg), int64_t grace)
{
    probe_server p = {.grace = grace};
    client_arg arg;
    int64_t began = clock_mono();

    probe_start(s, &p, probe_app, NULL, NULL);
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
    CHECK(probe_closed(stream_fd, 10000), "the stream was cut");
    close(fd);
    close(stream_fd);
}

FIBER_TEST(stopping_cancels_what_runs_longer_than_the_grace)
{
    CHECK(stop_while(s, endless_client, MILLISECONDS(200)) < SECONDS(7), "it did not wait for the handler's 8 s");
    CHECK_INT(seen.cancelled, 1);
    CHECK_STR(seen.reason, "the server is shutting down");
    CHECK_INT(seen.sources_closed, 1);
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

    while (atomic_load(&sp->ready) == 0)
        usleep(1000);
    for (int i = 0; i < 400 && atomic_load(&sp->loops_seen) != 3; i++)
        CHECK_INT(probe_once(sp->p.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof out),
                  200);
}

static void on_ready(void *arg)
{
    atomic_fetch_add(&((shared_port *)arg)->ready, 1);
}

static err serve_one(scope *s, void *arg)
{
    return server_serve(s, ((shared_port *)arg)->p.sv, 0);
}

static err serve_on_loop(scope *root, void *arg)
{
    shared_port *sp = arg;
    scope *client = scope_child(root, NO_LIMIT);

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
    server_on_ready(sp.p.sv, on_ready, &sp);
    CHECK_INT(loops_run(2, serve_on_loop, &sp), 0);
    CHECK_INT(sp.loops_seen, 3);
    CHECK_INT(sp.ready, 1);
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
