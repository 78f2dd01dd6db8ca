/* SPDX-License-Identifier: MIT */
/*
 * WebSocket, server side; see ws.h.
 *
 * Frames are parsed as they arrive, whether or not anybody is in ws_recv(), so that pings and closes are answered at once.
 * Whole messages wait in a queue; when it holds too much, the connection is not read.
 */
#include "net/ws.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/server_internal.h"

enum { MESSAGE_MAX = 1 << 20, QUEUED_MAX = 1 << 20, KEY_CHARS = 24, ACCEPT_CHARS = 28, REASON_MAX = 123 };

typedef struct {
    list_link link;
    bool text;
    size_t len;
    char bytes[];
} message;

struct ws {
    conn *conn;
    wslay_event_context_ptr frames;
    const char *fed; /* bytes that wslay has not taken yet, during one call */
    size_t fed_len;
    list_link messages;
    size_t queued;
    fiber *reader;
    bool ended; /* nothing more will come */
};

/* ---- what wslay calls ---- */

static ssize_t on_want_bytes(wslay_event_context_ptr frames, uint8_t *out, size_t cap, int flags, void *arg)
{
    ws *w = arg;
    size_t n = MIN_OF(cap, w->fed_len);

    (void)flags;
    if (n == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, w->fed, n);
    w->fed += n;
    w->fed_len -= n;
    return (ssize_t)n;
}

static ssize_t on_send_bytes(wslay_event_context_ptr frames, const uint8_t *bytes, size_t len, int flags, void *arg)
{
    ws *w = arg;

    (void)frames;
    (void)flags;
    out_add(w->conn, bytes, len); /* never blocks: how much waits is watched elsewhere */
    return (ssize_t)len;
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *in, void *arg)
{
    ws *w = arg;
    message *m;

    (void)frames;
    if (wslay_is_ctrl_frame(in->opcode))
        return; /* wslay answers pings and closes by itself */
    m = mem_alloc(sizeof *m + in->msg_length);
    m->text = in->opcode == WSLAY_TEXT_FRAME;
    m->len = in->msg_length;
    if (m->len > 0)
        memcpy(m->bytes, in->msg, m->len);
    list_append(&w->messages, &m->link);
    w->queued += m->len + sizeof *m;
}

/* ---- bytes of the connection ---- */

static void wake_reader(ws *w)
{
    if (w->reader != NULL)
        fiber_wake(w->reader);
}

static void on_raw(void *arg, const char *bytes, size_t len)
{
    ws *w = arg;

    if (len == 0) {
        if (!wslay_event_get_close_received(w->frames))
            exchange_client_gone(w->conn, "client disconnected");
        w->ended = true;
        wake_reader(w);
        return;
    }
    w->fed = bytes;
    w->fed_len = len;
    if (wslay_event_recv(w->frames) != 0 || wslay_event_send(w->frames) != 0 ||
        !wslay_event_get_read_enabled(w->frames))
        w->ended = true;
    w->fed_len = 0;
    if (w->queued > QUEUED_MAX)
        conn_read_off(w->conn);
    if (w->ended || w->queued > 0)
        wake_reader(w);
    if (out_unsent(w->conn) > w->conn->w->sv->limits.max_unsent) /* pings without end, and nothing is read */
        conn_cut(w->conn);
}

/* ---- the handshake ---- */

/* RFC 6455 section 4.1: 16 bytes in base64. */
static bool is_key(const char *key)
{
    if (key == NULL || strlen(key) != KEY_CHARS || strcmp(key + KEY_CHARS - 2, "==") != 0)
        return false;
    for (size_t i = 0; i < KEY_CHARS - 2; i++)
        if (!((key[i] >= '0' && key[i] <= '9') || ((key[i] | 32) >= 'a' && (key[i] | 32) <= 'z') || key[i] == '+' ||
              key[i] == '/'))
            return false;
    return true;
}

static bool accept_value(const char *key, char out[ACCEPT_CHARS + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[KEY_CHARS + sizeof guid];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    memcpy(text, key, KEY_CHARS);
    memcpy(text + KEY_CHARS, guid, sizeof guid);
    if (EVP_Digest(text, KEY_CHARS + sizeof guid - 1, digest, &len, EVP_sha1(), NULL) != 1)
        return false;
    return EVP_EncodeBlock((unsigned char *)out, digest, (int)len) == ACCEPT_CHARS;
}

static bool lists(const char *value, const char *word, bool same_case)
{
    str rest = str_of(value), one;

    while (str_next(&rest, ',', &one)) {
        one = str_trim(one);
        if (same_case ? str_is(one, word) : str_is_nocase(one, word))
            return true;
    }
    return false;
}

static bool is_handshake(const exchange *x)
{
    const request *rq = &x->rq;
    const char *version = request_header(rq, "Sec-WebSocket-Version"), *upgrade = request_header(rq, "Upgrade");

    return x->upgrade && !x->http10 && rq->method == GET && rq->incoming == NULL && upgrade != NULL &&
           lists(upgrade, "websocket", false) && version != NULL && strcmp(version, "13") == 0 &&
           is_key(request_header(rq, "Sec-WebSocket-Key"));
}

static void close_ws(void *arg)
{
    ws *w = arg;
    list_link *l;

    wslay_event_context_free(w->frames);
    while ((l = list_take_first(&w->messages)) != NULL)
        free(LIST_OF(l, message, link));
}

static void send_acceptance(response *rs, const char *accept, const char *protocol)
{
    conn *c = rs->x->conn;
    buf *text = &c->w->scratch;

    rs->status = 101;
    rs->framing = BODY_NONE;
    rs->done = rs->close = rs->streaming = true;
    count(&c->w->counters->streams, 1);
    buf_reset(text);
    buf_printf(text, "HTTP/1.1 101 %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
               http_phrase(101), accept);
    if (protocol != NULL)
        buf_printf(text, "Sec-WebSocket-Protocol: %s\r\n", protocol);
    for (const extra_header *h = rs->extra; h != NULL; h = h->next)
        buf_add(text, h->line, h->len);
    buf_puts(text, "\r\n");
    out_add(c, text->data, text->len);
}

/* From now on bytes are frames; some may have come already. */
static void take_over(conn *c, ws *w)
{
    buf ahead = c->in;

    c->in = BUF_INIT(ahead.max);
    c->state = CONN_RAW;
    c->raw = on_raw;
    c->raw_arg = w;
    if (ahead.len > 0)
        on_raw(w, ahead.data, ahead.len);
    buf_close(&ahead);
    conn_read_on(c);
}

err ws_accept(request *rq, response *rs, const char *protocol, ws **out)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_want_bytes, .send_callback = on_send_bytes, .on_msg_recv_callback = on_message};
    const char *offered = request_header(rq, "Sec-WebSocket-Protocol");
    conn *c = rs->x->conn;
    char accept[ACCEPT_CHARS + 1];
    ws *w;

    if (!is_handshake(rs->x))
        return fail(rq->scope, ERR_INVALID, "this is not a WebSocket handshake");
    if (rs->status != 0 || !accept_value(request_header(rq, "Sec-WebSocket-Key"), accept))
        return fail(rq->scope, ERR_INTERNAL, "the handshake cannot be answered");
    if (c->state != CONN_AHEAD || c->gone)
        return fail(rq->scope, ERR_CLOSED, "the client went away");
    w = arena_one(rq->scope->arena, ws);
    w->conn = c;
    list_init(&w->messages);
    if (wslay_event_context_server_init(&w->frames, &callbacks, w) != 0)
        mem_die("WebSocket", sizeof *w);
    wslay_event_config_set_max_recv_msg_length(w->frames, MESSAGE_MAX);
    arena_defer(rq->scope->arena, close_ws, w);
    if (protocol != NULL && (offered == NULL || !lists(offered, protocol, true)))
        protocol = NULL; /* the client would have to fail the connection */
    send_acceptance(rs, accept, protocol);
    take_over(c, w);
    *out = w;
    return OK;
}

/* ---- messages ---- */

err ws_recv(scope *s, ws *w, arena *a, str *out, bool *text)
{
    message *m;

    while (list_empty(&w->messages)) {
        err e;

        if (w->ended || w->conn->state == CONN_CLOSED)
            return fail(s, ERR_CLOSED, "the WebSocket was closed");
        w->reader = fiber_self();
        e = fiber_park(s);
        w->reader = NULL;
        if (e != OK)
            return w->ended ? fail(s, ERR_CLOSED, "the WebSocket was closed") : e;
    }
    m = LIST_OF(list_take_first(&w->messages), message, link);
    w->queued -= m->len + sizeof *m;
    *out = (str){arena_strndup(a, m->bytes, m->len), m->len};
    *text = m->text;
    free(m);
    if (w->queued <= QUEUED_MAX / 2 && !w->ended)
        conn_read_on(w->conn);
    return OK;
}

err ws_send(scope *s, ws *w, const void *bytes, size_t len, bool text)
{
    struct wslay_event_msg m = {text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, bytes, len};

    if (w->ended || w->conn->state == CONN_CLOSED)
        return fail(s, ERR_CLOSED, "the WebSocket was closed");
    if (wslay_event_queue_msg(w->frames, &m) != 0 || wslay_event_send(w->frames) != 0)
        return fail(s, ERR_CLOSED, "the WebSocket was closed");
    return out_wait(w->conn, s);
}

/* A close frame holds 123 bytes of text; a character is not cut in two. */
static size_t reason_length(const char *reason)
{
    size_t len = reason != NULL ? strlen(reason) : 0;

    if (len <= REASON_MAX)
        return len;
    for (len = REASON_MAX; len > 0 && ((unsigned char)reason[len] & 0xc0) == 0x80; len--)
        ;
    return len;
}

void ws_close(ws *w, int code, const char *reason)
{
    size_t len = reason_length(reason);

    if (w->conn->state == CONN_CLOSED || wslay_event_get_close_sent(w->frames))
        return;
    if (wslay_event_queue_close(w->frames, (uint16_t)code, (const uint8_t *)reason, len) != 0 ||
        wslay_event_send(w->frames) != 0)
        log_debug("a WebSocket could not be closed properly");
    w->ended = true; /* what the client still says is not waited for */
    wake_reader(w);
}
