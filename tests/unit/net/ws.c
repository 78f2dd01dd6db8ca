/* SPDX-License-Identifier: MIT */
/* WebSocket against a client written by hand, so that it can also do what no proper client does. */
#include "net/ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "probe.h"
#include "rt/sleep.h"
#include "test.h"

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, FIN = 0x80 };

static err accepted, ended;
static const char *reason;
static size_t received;
static bool inside; /* a handler has begun */

enum { SENDERS = 3, LARGE = 4 << 20 };

static err send_large(scope *s, void *arg)
{
    static char bytes[LARGE];

    TRY(ws_send(s, arg, bytes, sizeof bytes, false));
    return OK;
}

/* By several fibers, each of which has to wait for the client. */
static err send_much(scope *parent, ws *w)
{
    scope *s = scope_child(parent, NO_LIMIT);
    err e;

    for (int i = 0; i < SENDERS; i++)
        scope_spawn(s, send_large, w);
    e = scope_join(s);
    scope_close(s);
    return e;
}

/* Echoes; "close me" is answered with a close, "much" with more than fits. */
static void app(request *rq, response *rs, void *arg)
{
    arena *turn = arena_new(rq->scope->arena);
    ws *w;
    str m;
    bool text;

    (void)arg;
    accepted = ws_accept(rq, rs, "chat", &w);
    if (accepted != OK) {
        reply_text(rs, 400, scope_failure(rq->scope, accepted).text);
        return;
    }
    inside = true;
    while ((ended = ws_recv(rq->scope, w, turn, &m, &text)) == OK) {
        received++;
        if (str_is(m, "close me"))
            ws_close(w, 1000, "bye");
        else if (str_is(m, "much"))
            ended = send_much(rq->scope, w);
        else if (str_is(m, "nap"))
            ended = sleep_for(rq->scope, MILLISECONDS(200));
        else if (ws_send(rq->scope, w, m.p, m.len, text) != OK)
            return;
        arena_reset(turn);
    }
    reason = rq->scope->reason != NULL ? strdup(rq->scope->reason) : NULL;
}

/* ---- the client ---- */

#define HANDSHAKE                                                                                                      \
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"                         \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static int open_ws(int port)
{
    char out[1024];
    int fd = probe_connect(port);

    probe_send(fd, HANDSHAKE "Sec-WebSocket-Protocol: other, chat\r\n\r\n");
    CHECK_INT(probe_response(fd, out, sizeof out, true), 101);
    CHECK(strstr(out, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != NULL, "RFC 6455's example: %s", out);
    CHECK(strstr(out, "Sec-WebSocket-Protocol: chat\r\n") != NULL, "%s", out);
    return fd;
}

/* A masked frame; `first` is FIN and opcode. */
static void send_frame(int fd, int first, const void *bytes, size_t len)
{
    static const unsigned char mask[4] = {1, 2, 3, 4};
    unsigned char *frame = mem_alloc(len + 14), *p = frame;

    *p++ = (unsigned char)first;
    if (len < 126) {
        *p++ = (unsigned char)(0x80 | len);
    } else {
        *p++ = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            *p++ = (unsigned char)((uint64_t)len >> shift);
        if (len <= 0xffff) { /* the shortest form is asked for */
            p = frame + 1;
            *p++ = 0x80 | 126;
            *p++ = (unsigned char)(len >> 8);
            *p++ = (unsigned char)len;
        }
    }
    memcpy(p, mask, 4);
    p += 4;
    for (size_t i = 0; i < len; i++)
        *p++ = (unsigned char)(((const unsigned char *)bytes)[i] ^ mask[i % 4]);
    probe_send_bytes(fd, frame, (size_t)(p - frame));
    free(frame);
}

static void read_exactly(int fd, void *out, size_t len)
{
    char *whole = mem_alloc(len + 1);

    CHECK(probe_read(fd, whole, len + 1) == len, "the server closed within a frame");
    memcpy(out, whole, len);
    free(whole);
}

/* The next frame: its first byte; the payload NUL-terminated. */
static int read_frame(int fd, char *out, size_t cap, size_t *len)
{
    unsigned char head[2], more[8];
    uint64_t size;

    read_exactly(fd, head, 2);
    CHECK((head[1] & 0x80) == 0, "a server does not mask");
    size = head[1];
    if (size >= 126) {
        size_t n = size == 126 ? 2 : 8;

        read_exactly(fd, more, n);
        size = 0;
        for (size_t i = 0; i < n; i++)
            size = size << 8 | more[i];
    }
    CHECK(size < cap, "fits");
    read_exactly(fd, out, size);
    out[size] = '\0';
    *len = size;
    return head[0];
}

static void wants(int fd, int first, const char *bytes, size_t len)
{
    char *out = mem_alloc(len + 64 * 1024);
    size_t got;
    int f = read_frame(fd, out, len + 64 * 1024, &got);

    CHECK_INT(f, first);
    CHECK_INT(got, len);
    CHECK(memcmp(out, bytes, len) == 0, "the payload");
    free(out);
}

/* A close frame with this code, then the end of the connection. */
static void wants_close(int fd, int code)
{
    char out[256];
    size_t len;

    CHECK_INT(read_frame(fd, out, sizeof out, &len), FIN | CLOSE);
    CHECK(len >= 2, "with a code");
    CHECK_INT((unsigned char)out[0] << 8 | (unsigned char)out[1], code);
    CHECK(probe_closed(fd, 3000), "then the end");
    close(fd);
}

/* ---- tests ---- */

static void echo_client(void *arg)
{
    int fd = open_ws(port_of(arg));
    char large[70000];

    memset(large, 'z', sizeof large);
    send_frame(fd, FIN | TEXT, "h\xc3\xa9llo", 6);
    wants(fd, FIN | TEXT, "h\xc3\xa9llo", 6);
    send_frame(fd, FIN | BINARY, "\0\xff", 2);
    wants(fd, FIN | BINARY, "\0\xff", 2);
    send_frame(fd, TEXT, "in ", 3); /* fragments, with a ping in between */
    send_frame(fd, FIN | PING, "p", 1);
    send_frame(fd, 0, "three \xc3", 7);
    send_frame(fd, FIN, "\xa9", 1);
    wants(fd, FIN | PONG, "p", 1);
    wants(fd, FIN | TEXT, "in three \xc3\xa9", 11);
    send_frame(fd, FIN | BINARY, large, sizeof large);
    wants(fd, FIN | BINARY, large, sizeof large);
    send_frame(fd, FIN | TEXT, "", 0);
    wants(fd, FIN | TEXT, "", 0);
    send_frame(fd, FIN | CLOSE, "\003\350", 2);
    wants_close(fd, 1000);
}

FIBER_TEST(messages_come_whole_and_go_back)
{
    probe_with(s, app, NULL, echo_client);
    CHECK_INT(received, 5);
    CHECK_INT(ended, ERR_CLOSED);
}

static void pong_while_busy_client(void *arg)
{
    int fd = open_ws(port_of(arg));

    send_frame(fd, FIN | TEXT, "nap", 3);
    send_frame(fd, FIN | PING, "x", 1);
    send_frame(fd, FIN | TEXT, "after", 5);
    wants(fd, FIN | PONG, "x", 1);
    wants(fd, FIN | TEXT, "after", 5);
    send_frame(fd, FIN | TEXT, "close me", 8);
    wants_close(fd, 1000);
}

FIBER_TEST(pings_are_answered_while_the_handler_is_busy)
{
    probe_with(s, app, NULL, pong_while_busy_client);
}

static void bad_client(void *arg)
{
    int fd = open_ws(port_of(arg));
    char *large = mem_zalloc(1, (1 << 20) + 1);

    send_frame(fd, FIN | TEXT, "\xff\xfe", 2);
    wants_close(fd, 1007);
    fd = open_ws(port_of(arg));
    send_frame(fd, FIN | BINARY, large, (1 << 20) + 1);
    wants_close(fd, 1009);
    fd = open_ws(port_of(arg));
    send_frame(fd, FIN | 3, "x", 1); /* an opcode that does not exist */
    wants_close(fd, 1002);
    fd = open_ws(port_of(arg));
    send_frame(fd, FIN | 0, "x", 1); /* goes on with nothing */
    wants_close(fd, 1002);
    fd = open_ws(port_of(arg));
    probe_send_bytes(fd, "\x81\x02hi", 4); /* not masked */
    wants_close(fd, 1002);
    free(large);
}

FIBER_TEST(clients_that_break_the_rules_are_told_why)
{
    probe_with(s, app, NULL, bad_client);
    CHECK_INT(received, 0);
}

static void largest_client(void *arg)
{
    int fd = open_ws(port_of(arg));
    char *large = mem_zalloc(1, 1 << 20);

    send_frame(fd, FIN | BINARY, large, 1 << 20);
    wants(fd, FIN | BINARY, large, 1 << 20);
    close(fd);
    free(large);
}

FIBER_TEST(a_mebibyte_is_the_largest_message)
{
    probe_with(s, app, NULL, largest_client);
    CHECK_INT(received, 1);
}

static void late_client(void *arg)
{
    static char out[LARGE + 1];
    int fd = open_ws(port_of(arg));
    size_t len;

    send_frame(fd, FIN | TEXT, "much", 4);
    usleep(200000);
    for (int i = 0; i < SENDERS; i++) {
        CHECK_INT(read_frame(fd, out, sizeof out, &len), FIN | BINARY);
        CHECK_INT(len, LARGE);
    }
    send_frame(fd, FIN | TEXT, "again", 5);
    wants(fd, FIN | TEXT, "again", 5);
    close(fd);
}

FIBER_TEST(several_fibers_may_send_to_a_client_that_reads_late, .limit = 60)
{
    probe_with(s, app, NULL, late_client);
    CHECK_INT(received, 2);
}

static void leaving_client(void *arg)
{
    int fd = open_ws(port_of(arg));

    usleep(50000);
    close(fd);
    probe_wait_connections(arg, 0);
}

FIBER_TEST(a_client_that_leaves_without_a_word_cancels_the_scope)
{
    probe_with(s, app, NULL, leaving_client);
    CHECK_INT(ended, ERR_CLOSED);
    CHECK_STR(reason, "client disconnected");
}

static void staying_client(void *arg)
{
    int fd = open_ws(port_of(arg));

    CHECK(probe_closed(fd, 10000), "closed by the server");
    close(fd);
}

static err stop_soon(scope *s, void *arg)
{
    while (!inside)
        TRY(sleep_for(s, MILLISECONDS(5)));
    TRY(sleep_for(s, MILLISECONDS(20)));
    scope_cancel(((probe_server *)arg)->running, "stop");
    return OK;
}

FIBER_TEST(waiting_for_a_message_ends_with_the_server)
{
    probe_server p = {.grace = MILLISECONDS(50)};
    client_arg arg;

    probe_start(s, &p, app, NULL, NULL);
    arg = (client_arg){.port = p.port, .server = &p};
    scope_spawn(s, stop_soon, &p);
    probe_client(s, staying_client, &arg);
    probe_stop(&p);
    CHECK_INT(ended, ERR_CANCELLED);
}

static void handshake_client(void *arg)
{
    static const char *const cases[] = {
        "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "POST /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    };
    char out[1024];

    for (size_t i = 0; i < COUNT(cases); i++) {
        int fd = probe_connect(port_of(arg));

        probe_send(fd, cases[i]);
        CHECK(probe_response(fd, out, sizeof out, false) == 400, "%s%s", cases[i], out);
        close(fd);
    }
}

FIBER_TEST(what_is_no_handshake_is_answered_as_plain_http)
{
    probe_with(s, app, NULL, handshake_client);
    CHECK_INT(accepted, ERR_INVALID);
}

static void eager_client(void *arg)
{
    char out[1024];
    int fd = probe_connect(port_of(arg));
    char both[512];
    int len = snprintf(both, sizeof both, HANDSHAKE "\r\n%c%c%c%c%c%c%c", 0x81, 0x81, 1, 1, 1, 1, 'x' ^ 1);

    probe_send_bytes(fd, both, (size_t)len);
    CHECK_INT(probe_response(fd, out, sizeof out, true), 101);
    CHECK(strstr(out, "Sec-WebSocket-Protocol") == NULL, "it was not offered: %s", out);
    wants(fd, FIN | TEXT, "x", 1);
    close(fd);
}

FIBER_TEST(frames_may_follow_the_handshake_at_once)
{
    probe_with(s, app, NULL, eager_client);
}
