/* SPDX-License-Identifier: MIT */
/* A server and a plain client; see probe.h. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt/offload.h"
#include "test.h"

enum { PATIENCE_MS = 10000 };

/* ---- the server ---- */

static err serve(scope *s, void *arg)
{
    probe_server *p = arg;

    return server_serve(s, p->sv, p->grace);
}

void probe_start(scope *s, probe_server *p, server_app app, void *arg, const server_limits *limits)
{
    char why[200] = "";

    p->sv = server_new(app, arg, limits);
    CHECK(server_listen(p->sv, "127.0.0.1:0", NULL, &p->port, why, sizeof why) == OK, "%s", why);
    p->running = scope_child(s, NO_LIMIT);
    if (p->grace == 0)
        p->grace = SECONDS(1);
    scope_spawn(p->running, serve, p);
}

void probe_stop(probe_server *p)
{
    scope_cancel(p->running, "test");
    CHECK(scope_join(p->running) == OK, "the server ended well");
    scope_close(p->running);
    server_free(p->sv);
}

void probe_client(scope *s, void (*client)(void *arg), void *arg)
{
    CHECK(offload(s, client, arg) == OK, "the client ran");
}

void probe_with(scope *s, server_app app, const server_limits *limits, void (*client)(void *arg))
{
    probe_server p = {0};
    client_arg arg;

    probe_start(s, &p, app, NULL, limits);
    arg = (client_arg){p.port, limits != NULL && limits->trusted_proxies != NULL, &p};
    probe_client(s, client, &arg);
    probe_stop(&p);
}

int port_of(void *arg)
{
    return ((client_arg *)arg)->port;
}

static server_stats stats_of(void *arg)
{
    return server_read_stats(((client_arg *)arg)->server->sv);
}

void probe_wait_requests(void *arg, uint64_t n)
{
    for (int i = 0; i < PATIENCE_MS && stats_of(arg).requests < n; i++)
        usleep(1000);
    CHECK(stats_of(arg).requests >= n, "%d requests have begun", (int)stats_of(arg).requests);
}

void probe_wait_connections(void *arg, uint64_t n)
{
    for (int i = 0; i < PATIENCE_MS && stats_of(arg).connections != n; i++)
        usleep(1000);
    CHECK(stats_of(arg).connections == n, "%d connections are open", (int)stats_of(arg).connections);
}

/* ---- the client ---- */

int probe_connect(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0, "socket: %s", strerror(errno));
    CHECK(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void probe_send_bytes(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* the server has answered and closed: the test will look at that */
        CHECK(n > 0, "send: %s", strerror(errno));
        p += n;
        len -= (size_t)n;
    }
}

void probe_send(int fd, const char *text)
{
    probe_send_bytes(fd, text, strlen(text));
}

static bool readable(int fd, int milliseconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, milliseconds) == 1;
}

static size_t read_once(int fd, char *out, size_t cap)
{
    ssize_t n;

    CHECK(readable(fd, PATIENCE_MS), "nothing came for %d ms", PATIENCE_MS);
    n = recv(fd, out, cap, 0);
    return n > 0 ? (size_t)n : 0;
}

bool probe_read_some(int fd, char *out, size_t cap)
{
    size_t n = read_once(fd, out, cap - 1);

    out[n] = '\0';
    return n > 0;
}

size_t probe_read(int fd, char *out, size_t cap)
{
    size_t len = 0, n;

    while (len < cap - 1 && (n = read_once(fd, out + len, cap - 1 - len)) > 0)
        len += n;
    out[len] = '\0';
    return len;
}

bool probe_closed(int fd, int milliseconds)
{
    char byte[256];

    while (readable(fd, milliseconds))
        if (recv(fd, byte, sizeof byte, 0) <= 0)
            return true;
    return false;
}

static bool ends_with(const char *text, size_t len, const char *tail)
{
    size_t n = strlen(tail);

    return len >= n && memcmp(text + len - n, tail, n) == 0;
}

static const char *find_header(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);

    return at != NULL ? at + strlen(name) : NULL;
}

int probe_response(int fd, char *out, size_t cap, bool head_only)
{
    size_t len = 0, want;
    const char *length;

    while (!ends_with(out, len, "\r\n\r\n")) { /* bytewise: what follows may be the next response */
        CHECK(len < cap - 1, "head fits");
        CHECK(read_once(fd, out + len, 1) == 1, "the connection was closed within a head: \"%.*s\"", (int)len, out);
        out[++len] = '\0';
    }
    length = find_header(out, "Content-Length: ");
    want = length != NULL && !head_only ? (size_t)strtoul(length, NULL, 10) : 0;
    while (want > 0) {
        size_t n = read_once(fd, out + len, MIN_OF(want, cap - 1 - len));

        CHECK(n > 0, "the connection was closed within a body");
        len += n;
        want -= n;
    }
    if (!head_only && find_header(out, "Transfer-Encoding: chunked") != NULL) {
        while (!ends_with(out, len, "\r\n0\r\n\r\n") && len < cap - 1) {
            CHECK(read_once(fd, out + len, 1) == 1, "the connection was closed within a chunked body");
            len++;
        }
    }
    out[len] = '\0';
    return atoi(out + strlen("HTTP/1.1 "));
}

int probe_once(int port, const char *text, char *out, size_t cap)
{
    int fd = probe_connect(port);

    probe_send(fd, text);
    probe_read(fd, out, cap);
    close(fd);
    return strncmp(out, "HTTP/1.1 ", 9) == 0 ? atoi(out + 9) : 0;
}
