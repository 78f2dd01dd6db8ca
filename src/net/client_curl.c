/* SPDX-License-Identifier: MIT */
/*
 * One request as libcurl sees it: the options, and the callbacks that move bytes.
 *
 * The address guard is asked twice: before a socket is made, and before the request is sent, because a kept connection
 * needs no new socket.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>

#include "net/client_curl.h"

enum {
    TOGETHER_MAX = 60 << 10, /* of head and body: libcurl sends such a request from one buffer of its own */
    OWN_LINES = 1 << 10      /* what libcurl adds to the head */
};

#define CA_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

/* --- callbacks from libcurl --- */

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    http_stream *h = arg;

    (void)purpose;
    if (!guard_permits(h->guard, &address->addr)) {
        h->denied = true;
        return CURL_SOCKET_BAD;
    }
    return curl_open_socket(h->home, address);
}

static bool permits_text(guard_policy policy, const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        return guard_permits(policy, (const struct sockaddr *)&in);
    if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1)
        return guard_permits(policy, (const struct sockaddr *)&in6);
    return policy == GUARD_ANY;
}

/* Connected, by a new or a kept connection, and about to send. */
static int on_connected(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    http_stream *h = arg;

    (void)local;
    (void)peer_port;
    (void)local_port;
    if (!permits_text(h->guard, peer)) {
        h->denied = true;
        return CURL_PREREQFUNC_ABORT;
    }
    h->phase = PHASE_ANSWER;
    transfer_limit(h, request_answer_limit(h->call));
    return CURL_PREREQFUNC_OK;
}

static size_t on_upload(char *room, size_t one, size_t n, void *arg)
{
    http_stream *h = arg;
    size_t cap = one * n, len = 0;

    if (h->call == NULL)
        return CURL_READFUNC_ABORT; /* the body is the caller's again */
    if (h->call->read_body != NULL) {
        h->upload_error = h->call->read_body(h->call->read_arg, room, cap, &len);
        if (h->upload_error == OK && len == 0 && h->call->read_length > (int64_t)h->sent)
            h->upload_error = ERR_INVALID; /* shorter than its length */
        if (h->upload_error != OK)
            return CURL_READFUNC_ABORT;
        assert(len <= cap);
    } else {
        len = MIN_OF(cap, h->call->body_len - h->sent);
        memcpy(room, (const char *)h->call->body + h->sent, len);
    }
    h->sent += len;
    transfer_limit(h, request_answer_limit(h->call));
    if (len == 0 || (h->call->read_body == NULL && h->sent == h->call->body_len)) {
        h->uploading = false;
        transfer_wake(h);
    }
    return len;
}

/* libcurl sends again from the start when a kept connection turned out to be dead. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
    http_stream *h = arg;

    if (h->call == NULL || h->call->read_body != NULL || origin != SEEK_SET || offset != 0)
        return CURL_SEEKFUNC_CANTSEEK;
    h->sent = 0;
    h->uploading = true;
    return CURL_SEEKFUNC_OK;
}

static void begin_head(http_stream *h, str line)
{
    str version;
    int64_t status = 0;

    h->headers = (http_headers){0};
    if (str_next(&line, ' ', &version) && line.len >= 3 && str_to_int((str){line.p, 3}, &status))
        h->status = (int)status;
}

static void add_header(http_stream *h, str line)
{
    const char *colon = memchr(line.p, ':', line.len);
    str name, value;

    if (colon == NULL || colon == line.p)
        return;
    name = str_trim((str){line.p, (size_t)(colon - line.p)});
    value = str_trim((str){colon + 1, line.len - (size_t)(colon - line.p) - 1});
    http_headers_add(h->memory, &h->headers, str_dup(h->memory, name), str_dup(h->memory, value));
}

static size_t on_header(char *bytes, size_t one, size_t n, void *arg)
{
    curl_stream *cs = arg;
    http_stream *h = &cs->base;
    size_t len = one * n;
    str line = str_trim((str){bytes, len});

    cs->head_bytes += len;
    if (cs->head_bytes > RESPONSE_HEAD_MAX || h->headers.count >= RESPONSE_HEADERS_MAX)
        return 0;
    if (h->head_done)
        return len; /* trailers */
    if (str_starts(line, "HTTP/")) {
        begin_head(h, line);
    } else if (line.len > 0) {
        add_header(h, line);
    } else if (h->status >= 200) { /* 100 and 103 are followed by the real one */
        h->head_done = true;
        h->phase = PHASE_BODY;
        transfer_wake(h);
    }
    return len;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
    http_stream *h = arg;
    size_t len = one * n;

    if (h->lingering) {
        h->sent += len;
        return h->sent <= LINGER_MAX ? len : 0; /* 0 ends the transfer */
    }
    if (h->incoming.len > 0 && h->incoming.len + len > WAITING_MAX) {
        h->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    buf_add(&h->incoming, bytes, len);
    transfer_progress(h);
    return len;
}

/* --- the request --- */

static struct curl_slist *push_line(arena *a, struct curl_slist *rest, char *line)
{
    struct curl_slist *node = arena_one(a, struct curl_slist);

    node->data = line;
    node->next = rest;
    return node;
}

/* libcurl's notation: "Name:" removes, "Name;" sends an empty one.  `foreign`: another origin than the caller named. */
static struct curl_slist *header_lines(arena *a, const http_call *call, bool has_body, bool foreign)
{
    struct curl_slist *list = push_line(a, NULL, (char *)"Expect:");
    bool typed = !has_body;

    for (size_t i = 0; i < call->n_headers; i++) {
        const http_header *h = &call->headers[i];

        typed = typed || str_is_nocase(str_of(h->name), "content-type");
        if (!request_sends(h, foreign))
            continue;
        if (h->value == NULL)
            list = push_line(a, list, arena_printf(a, "%s:", h->name));
        else if (h->value[0] == '\0')
            list = push_line(a, list, arena_printf(a, "%s;", h->name));
        else
            list = push_line(a, list, arena_printf(a, "%s: %s", h->name, h->value));
    }
    return typed ? list : push_line(a, list, (char *)"Content-Type:");
}

/* Whether libcurl copies the body at once.  Of a larger request newer versions read the rest when the socket takes it, which
 * may be after the answer has begun, and the body then is the caller's again. */
static bool goes_together(const http_call *call, const target *t)
{
    size_t size = OWN_LINES + strlen(t->url);

    if (call->read_body != NULL || call->body_len > TOGETHER_MAX)
        return false;
    for (size_t i = 0; i < call->n_headers && size <= TOGETHER_MAX; i++) {
        const http_header *h = &call->headers[i];

        size += strlen(h->name) + (h->value != NULL ? strlen(h->value) : 0) + 4;
    }
    return size + call->body_len <= TOGETHER_MAX;
}

static void set_body(curl_stream *cs, const target *t, http_method method)
{
    http_stream *h = &cs->base;
    const http_call *call = h->call;

    if (goes_together(call, t)) {
        curl_easy_setopt(cs->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(cs->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
        curl_easy_setopt(cs->easy, CURLOPT_POSTFIELDS, call->body_len > 0 ? call->body : "");
    } else {
        curl_easy_setopt(cs->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(cs->easy, CURLOPT_READFUNCTION, on_upload);
        curl_easy_setopt(cs->easy, CURLOPT_READDATA, cs);
        curl_easy_setopt(cs->easy, CURLOPT_SEEKFUNCTION, on_rewind);
        curl_easy_setopt(cs->easy, CURLOPT_SEEKDATA, cs);
        curl_easy_setopt(cs->easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
        curl_easy_setopt(cs->easy, CURLOPT_INFILESIZE_LARGE,
                         call->read_body != NULL ? (curl_off_t)call->read_length : (curl_off_t)call->body_len);
        h->uploading = true;
    }
    if (method != POST || h->uploading)
        curl_easy_setopt(cs->easy, CURLOPT_CUSTOMREQUEST, http_method_name(method));
}

static void set_tls(CURL *easy)
{
    const char *bundle = getenv("SSL_CERT_FILE");

    /* A directory of certificates would cost close to a megabyte a connection. */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO, bundle != NULL && bundle[0] != '\0' ? bundle : CA_BUNDLE);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void set_callbacks(curl_stream *cs)
{
    curl_easy_setopt(cs->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(cs->easy, CURLOPT_OPENSOCKETDATA, cs);
    curl_easy_setopt(cs->easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(cs->easy, CURLOPT_PREREQDATA, cs);
    curl_easy_setopt(cs->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(cs->easy, CURLOPT_HEADERDATA, cs);
    curl_easy_setopt(cs->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(cs->easy, CURLOPT_WRITEDATA, cs);
}

void curl_set_options(curl_stream *cs, const target *t, const hop *how)
{
    const http_stream *h = &cs->base;
    const http_call *call = h->call;
    CURL *easy = cs->easy;

    set_callbacks(cs);
    curl_easy_setopt(easy, CURLOPT_URL, t->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* the guard would see the proxy's address */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a cancelled lookup is left to its thread, not waited for */
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(request_connect_limit(call) / MILLISECONDS(1)) + 1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header_lines(h->memory, call, how->has_body, how->foreign));
    if (call->decode)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* whatever this libcurl was built with */
    if (call->small_buffers)
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L);
    if (cstr_eq(t->scheme, "https"))
        set_tls(easy);
    if (how->has_body)
        set_body(cs, t, how->method);
    else if (how->method == HEAD)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (how->method != GET)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(how->method));
    if (call->verb != NULL && how->method == call->method)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->verb);
}
