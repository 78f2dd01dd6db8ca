/* SPDX-License-Identifier: MIT */
/*
 * A model server for benchmarks: OpenAI-style streams at a set pace, as cheaply as one thread can.
 *
 * A chunk goes out when it is due, to some microseconds: with ticks of a millisecond a client that takes a little longer
 * would seem to take a whole tick longer, or no longer at all.
 *
 * The model's name says what to do: "bench-CHUNKS-MICROS" answers with so many chunks, so many microseconds apart; with 0
 * everything is one write.  An answer without streaming is one object.  It reads requests of up to 1 MB with
 * Content-Length, or chunked ones by their end, and trusts its client: it is no example of a server.
 *
 *     fake_llm PORT        listens on 127.0.0.1 and prints "ready"
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REQUEST = 1 << 20, CHUNK_MAX = 512 };

typedef struct conn {
    int fd;
    char *in; /* the request so far */
    size_t in_len, in_cap;
    char *out; /* what a full socket did not take */
    size_t out_len, out_sent;
    int chunks_left;
    int chunk;
    int64_t pace; /* microseconds between chunks */
    int64_t due;
    size_t at; /* in the heap, from 1; 0 when it is not there */
} conn;

static int poller;
static conn **heap; /* those with a chunk to come; heap[1] is due first */
static size_t heap_len, heap_cap;

static int64_t now_micros(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void heap_put(size_t at, conn *c)
{
    heap[at] = c;
    c->at = at;
}

/* The place `at` is free: finds the right one for `c` from there. */
static void heap_settle(size_t at, conn *c)
{
    for (; at > 1 && heap[at / 2]->due > c->due; at /= 2)
        heap_put(at, heap[at / 2]);
    for (size_t child; (child = 2 * at) <= heap_len; at = child) {
        child += child < heap_len && heap[child + 1]->due < heap[child]->due;
        if (heap[child]->due >= c->due)
            break;
        heap_put(at, heap[child]);
    }
    heap_put(at, c);
}

static void heap_remove(conn *c)
{
    conn *last = heap_len > 0 ? heap[heap_len] : NULL;
    size_t at = c->at;

    if (at == 0)
        return;
    heap_len--;
    c->at = 0;
    if (last != c)
        heap_settle(at, last);
}

static void heap_add(conn *c, int64_t due)
{
    if (heap_len + 2 > heap_cap) {
        heap_cap = heap_cap == 0 ? 1024 : heap_cap * 2;
        heap = realloc(heap, heap_cap * sizeof(conn *));
        if (heap == NULL)
            die("realloc");
    }
    c->due = due;
    heap_settle(++heap_len, c);
}

static void conn_close(conn *c)
{
    heap_remove(c);
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

static void conn_watch(conn *c, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

/* Sends, or keeps what the socket does not take.  False: the connection is broken. */
static bool conn_send(conn *c, const char *data, size_t len)
{
    ssize_t n = 0;

    if (c->out_len == c->out_sent) {
        n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0)
            n = 0;
        if ((size_t)n == len)
            return true;
        conn_watch(c, EPOLLIN | EPOLLOUT);
    }
    len -= (size_t)n;
    c->out = realloc(c->out, c->out_len + len);
    if (c->out == NULL)
        die("realloc");
    memcpy(c->out + c->out_len, data + n, len);
    c->out_len += len;
    return true;
}

static bool conn_flush(conn *c)
{
    ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);

    if (n < 0)
        return errno == EAGAIN;
    c->out_sent += (size_t)n;
    if (c->out_sent == c->out_len) {
        c->out_len = c->out_sent = 0;
        conn_watch(c, EPOLLIN);
    }
    return true;
}

/* One event as one HTTP chunk. */
static size_t chunk_write(char *to, size_t cap, const char *data)
{
    return (size_t)snprintf(to, cap, "%zx\r\n%s\r\n", strlen(data), data);
}

static size_t word_chunk(char *to, size_t cap, int n)
{
    char event[CHUNK_MAX - 32];

    snprintf(event, sizeof event,
             "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\",\"choices\":"
             "[{\"index\":0,\"delta\":{\"content\":\"word %d \"},\"finish_reason\":null}]}\n\n",
             n);
    return chunk_write(to, cap, event);
}

static size_t end_chunks(char *to, size_t cap, int chunks)
{
    char event[CHUNK_MAX - 32];
    size_t n;

    snprintf(event, sizeof event,
             "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\",\"choices\":"
             "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    n = chunk_write(to, cap, event);
    snprintf(event, sizeof event,
             "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"bench\",\"choices\":"
             "[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\ndata: [DONE]\n\n",
             chunks, chunks + 10);
    n += chunk_write(to + n, cap - n, event);
    n += (size_t)snprintf(to + n, cap - n, "0\r\n\r\n");
    return n;
}

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char WHOLE[] =
    "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"bench\",\"choices\":[{\"index\":0,"
    "\"message\":"
    "{\"role\":\"assistant\",\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":10,"
    "\"completion_tokens\":1,\"total_tokens\":11}}";

static bool answer_at_once(conn *c, int chunks)
{
    size_t cap = sizeof HEAD + (size_t)(chunks + 4) * CHUNK_MAX, n = sizeof HEAD - 1;
    char *all = malloc(cap);
    bool sent;

    if (all == NULL)
        die("malloc");
    memcpy(all, HEAD, n);
    for (int i = 0; i < chunks; i++)
        n += word_chunk(all + n, cap - n, i);
    n += end_chunks(all + n, cap - n, chunks);
    sent = conn_send(c, all, n);
    free(all);
    return sent;
}

static bool answer_whole(conn *c)
{
    char all[1024];
    int n =
        snprintf(all, sizeof all, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 sizeof WHOLE - 1, WHOLE);

    return conn_send(c, all, (size_t)n);
}

/* The next chunk of a paced answer; its time is counted from the last due time, so that the pace does not drift. */
static bool conn_tick(conn *c)
{
    char data[4 * CHUNK_MAX];
    size_t n = word_chunk(data, sizeof data, c->chunk++);

    if (--c->chunks_left == 0)
        n += end_chunks(data + n, sizeof data - n, c->chunk);
    else
        heap_add(c, c->due + c->pace);
    return conn_send(c, data, n);
}

static bool conn_answer(conn *c, const char *body)
{
    const char *model = strstr(body, "bench-");
    int chunks = 1;
    long pace = 0;

    if (strstr(body, "\"stream\":true") == NULL && strstr(body, "\"stream\": true") == NULL)
        return answer_whole(c);
    if (model == NULL || sscanf(model, "bench-%d-%ld", &chunks, &pace) != 2 || chunks < 1 || chunks > 100000000)
        chunks = 1;
    if (pace == 0)
        return answer_at_once(c, chunks);
    c->chunks_left = chunks;
    c->chunk = 0;
    c->pace = pace;
    if (!conn_send(c, HEAD, sizeof HEAD - 1))
        return false;
    /* The streams of a test begin together: spread them over the pace, as real ones are. */
    heap_add(c, now_micros() + (chunks > 100 ? (int64_t)(random() % pace) : pace));
    return true;
}

/* Takes whole requests from the input.  False: the connection is to be closed. */
static bool conn_requests(conn *c)
{
    for (;;) {
        char *end, *length, *body;
        size_t need;

        c->in[c->in_len] = '\0';
        end = strstr(c->in, "\r\n\r\n");
        if (end == NULL)
            return true;
        body = end + 4;
        length = strcasestr(c->in, "\r\ncontent-length:");
        if (length != NULL && length < end) {
            need = (size_t)(body - c->in) + strtoul(length + 17, NULL, 10);
            if (c->in_len < need)
                return true;
        } else {
            char *last = strcasestr(c->in, "\r\ntransfer-encoding:") != NULL ? strstr(body, "0\r\n\r\n") : body;

            if (last == NULL)
                return true;
            need = (size_t)((last == body ? body : last + 5) - c->in);
        }
        if (!conn_answer(c, body))
            return false;
        memmove(c->in, c->in + need, c->in_len - need);
        c->in_len -= need;
    }
}

static bool conn_read(conn *c)
{
    ssize_t n;

    if (c->in_len + 1 >= c->in_cap) {
        c->in_cap = c->in_cap == 0 ? 4096 : c->in_cap * 2;
        if (c->in_cap > MAX_REQUEST)
            return false;
        c->in = realloc(c->in, c->in_cap);
        if (c->in == NULL)
            die("realloc");
    }
    n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len - 1, 0);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    c->in_len += (size_t)n;
    return conn_requests(c);
}

static void serve_due(void)
{
    int64_t now = now_micros();

    while (heap_len > 0 && heap[1]->due <= now) {
        conn *c = heap[1];

        heap_remove(c);
        if (!conn_tick(c))
            conn_close(c);
    }
}

/* Waits for events, at most until the next chunk is due. */
static int wait_events(struct epoll_event *events, int most)
{
    int64_t left = heap_len > 0 ? heap[1]->due - now_micros() : 0;
    struct timespec t = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};

    if (left < 0)
        t = (struct timespec){0};
    return epoll_pwait2(poller, events, most, heap_len > 0 ? &t : NULL, NULL);
}

static void accept_all(int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        conn *c = calloc(1, sizeof *c);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

        if (c == NULL)
            die("calloc");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        c->fd = fd;
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    }
}

static int listen_on(const char *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    at.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4096) < 0)
        die("listen");
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[512], e = {.events = EPOLLIN, .data.ptr = NULL};
    struct rlimit files;
    int listener;

    if (argc != 2) {
        fprintf(stderr, "usage: fake_llm PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(EPOLL_CLOEXEC);
    listener = listen_on(argv[1]);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
    prctl(PR_SET_TIMERSLACK, 1UL);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int n = wait_events(events, 512);

        for (int i = 0; i < n; i++) {
            conn *c = events[i].data.ptr;

            if (c == NULL)
                accept_all(listener);
            else if (((events[i].events & EPOLLOUT) && !conn_flush(c)) ||
                     ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !conn_read(c)))
                conn_close(c);
        }
        serve_due();
    }
}
