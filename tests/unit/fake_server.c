/* SPDX-License-Identifier: MIT */
/* A server for tests of clients; see fake_server.h. */
#include "fake_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 64 << 10, BODY_MAX = 64 << 20 };

typedef struct {
    int fd;
    fake_handler handler;
    void *arg;
    atomic_int requests, connections;
} fake_server;

struct fake_conn {
    fake_server *server;
    int fd;
    int number;
    char in[HEAD_MAX + 1]; /* read and not yet used */
    size_t len;
};

static atomic_int open_now;

static bool send_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* From a copy: once the last byte is out, the test may end before this thread has left the call, and its memory with it. */
bool fake_write(fake_conn *c, const void *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    bool sent;

    if (copy == NULL)
        abort();
    memcpy(copy, bytes, len);
    sent = send_all(c->fd, copy, len);
    free(copy);
    return sent;
}

bool fake_printf(fake_conn *c, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    int len;
    bool sent;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        abort();
    sent = fake_write(c, text, (size_t)len);
    free(text);
    return sent;
}

bool fake_reply(fake_conn *c, int status, const char *type, const char *body)
{
    return fake_printf(c, "HTTP/1.1 %d Text\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status, type,
                       strlen(body), body);
}

const char *fake_header(const fake_request *rq, const char *name)
{
    static _Thread_local char value[4096];
    size_t len = strlen(name);

    for (const char *p = strstr(rq->head, "\r\n"); p != NULL && p[2] != '\0'; p = strstr(p + 2, "\r\n")) {
        if (strncasecmp(p + 2, name, len) != 0 || p[2 + len] != ':')
            continue;
        p += 3 + len;
        p += strspn(p, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(p, "\r\n"), p);
        return value;
    }
    return NULL;
}

bool fake_wait_closed(fake_conn *c, int ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

    return poll(&p, 1, ms) == 1;
}

void fake_sleep_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

int fake_connections(void)
{
    return atomic_load(&open_now);
}

static bool fill(fake_conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->len, HEAD_MAX - c->len, 0);

    if (n <= 0)
        return false;
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    return true;
}

static void use(fake_conn *c, size_t n)
{
    memmove(c->in, c->in + n, c->len - n + 1);
    c->len -= n;
}

static bool take_bytes(fake_conn *c, char *to, size_t n)
{
    while (n > 0) {
        size_t part = MIN_OF(n, c->len);

        memcpy(to, c->in, part);
        use(c, part);
        to += part;
        n -= part;
        if (n > 0 && c->len == 0 && !fill(c))
            return false;
    }
    return true;
}

static bool take_line(fake_conn *c, char *line, size_t cap)
{
    char *end;

    while ((end = strstr(c->in, "\r\n")) == NULL)
        if (!fill(c))
            return false;
    snprintf(line, cap, "%.*s", (int)(end - c->in), c->in);
    use(c, (size_t)(end - c->in) + 2);
    return true;
}

static bool read_chunks(fake_conn *c, char *body, size_t *len)
{
    char line[64], end[3];

    for (;;) {
        size_t n;

        if (!take_line(c, line, sizeof line))
            return false;
        n = strtoul(line, NULL, 16);
        if (*len + n > BODY_MAX || !take_bytes(c, body + *len, n) || !take_bytes(c, end, 2))
            return false;
        *len += n;
        if (n == 0)
            return true;
    }
}

static bool read_body(fake_conn *c, fake_request *rq)
{
    const char *length = fake_header(rq, "Content-Length");
    size_t n = length != NULL ? strtoul(length, NULL, 10) : 0;
    bool chunked = fake_header(rq, "Transfer-Encoding") != NULL;
    char *body = malloc(chunked ? BODY_MAX + 1 : n + 1);

    rq->body = body;
    if (chunked ? !read_chunks(c, body, &rq->body_len) : !take_bytes(c, body, n))
        return false;
    rq->body_len = chunked ? rq->body_len : n;
    body[rq->body_len] = '\0';
    return true;
}

static bool serve_one(fake_conn *c)
{
    fake_request rq = {.connection = c->number};
    char *end, *head;
    bool go_on;

    while ((end = strstr(c->in, "\r\n\r\n")) == NULL)
        if (!fill(c))
            return false;
    head = strndup(c->in, (size_t)(end - c->in) + 2);
    use(c, (size_t)(end - c->in) + 4);
    rq.head = head;
    go_on = sscanf(head, "%15s %2047s", rq.method, rq.path) == 2 && read_body(c, &rq);
    rq.number = atomic_fetch_add(&c->server->requests, 1) + 1;
    go_on = go_on && c->server->handler(c, &rq, c->server->arg);
    free((char *)rq.body);
    free(head);
    return go_on;
}

static void *serve(void *arg)
{
    fake_conn *c = arg;

    while (serve_one(c))
        ;
    atomic_fetch_sub(&open_now, 1);
    close(c->fd);
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    fake_server *sv = arg;
    pthread_attr_t small;
    pthread_t thread;

    pthread_attr_init(&small);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int fd = accept(sv->fd, NULL, NULL);
        fake_conn *c;

        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        c = calloc(1, sizeof *c);
        c->server = sv;
        c->fd = fd;
        c->number = atomic_fetch_add(&sv->connections, 1) + 1;
        atomic_fetch_add(&open_now, 1);
        if (fd < 0 || pthread_create(&thread, &small, serve, c) != 0)
            abort();
    }
    return NULL;
}

int fake_server_start(fake_handler handler, void *arg)
{
    static fake_server servers[64];
    static int n;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    fake_server *sv = &servers[n++];
    pthread_t thread;

    sv->handler = handler;
    sv->arg = arg;
    sv->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sv->fd < 0 || bind(sv->fd, (struct sockaddr *)&at, len) != 0 || listen(sv->fd, 128) != 0 ||
        getsockname(sv->fd, (struct sockaddr *)&at, &len) != 0 || pthread_create(&thread, NULL, accept_all, sv) != 0)
        abort();
    pthread_detach(thread);
    return ntohs(at.sin_port);
}
