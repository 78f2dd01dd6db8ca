/* SPDX-License-Identifier: MIT */
/*
 * Load for benchmarks, single-threaded on epoll; another thread watches the machine (machine.h).  Prints one JSON object.
 *
 *     load turns   PORT PATH BODY --connections N --seconds S [--header LINE]... [--per-session M] [--expect TEXT]
 *         N connections, each with one request under way all the time; with --spread MS the first ones begin spread over
 *         that time, as people do, instead of all at one moment.  How long each took, whole, from the first byte
 *         sent to the last of the answer; "steady" are those in whose time the machine kept its speed.
 *
 *     load streams PORT PATH BODY --connections N --seconds S [--header LINE]... [--pid PID]
 *         Opens N endless answers, waits until all have begun, then watches them for S seconds: the gaps between the
 *         pieces of each, how many broke off, and what the process PID grew by.
 *
 * In PATH and BODY "{s}" becomes a session id of its own; with --per-session M so many turns share one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

enum { MAX_HEADERS = 16, REQUEST_MAX = 64 * 1024, HEAD_MAX = 8192, READ_SIZE = 64 * 1024, GAP_SLOTS = 1 << 20 };

typedef enum { IN_HEAD, IN_LENGTH, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER } part;

/* A connection and the answer that it is reading. */
typedef struct {
    int fd;
    bool open;
    char *out;
    size_t out_len, out_sent;
    char head[HEAD_MAX];
    size_t head_len;
    part at;
    uint64_t left;   /* of the body or chunk */
    size_t line_len; /* of the trailer line being read */
    int64_t began;
    int64_t last; /* when something came last */
    long turns;
    size_t matched; /* of --expect */
    bool expected;
} conn;

/* How long turns took, in microseconds. */
typedef struct {
    uint32_t *micros;
    size_t n, cap;
} latencies;

static struct {
    const char *mode, *path, *body, *expect;
    const char *headers[MAX_HEADERS];
    int n_headers, connections, per_session;
    uint16_t port;
    double seconds, spread;
    long pid;
} opt = {.connections = 1, .per_session = 1, .seconds = 5};

static int poller;
static int64_t start_time;
static uint64_t failures, broken, pieces, bytes;
static latencies all_turns, steady_turns;
static uint32_t gaps[GAP_SLOTS]; /* by tenth of a millisecond */
static bool measuring;
static int begun; /* streams of which something has come */

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

static long rss_kb(void)
{
    char path[64], line[256];
    long kb = 0;
    FILE *f;

    if (opt.pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%ld/status", opt.pid);
    f = fopen(path, "re");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    fclose(f);
    return kb;
}

/* Copies a template with every "{s}" replaced. */
static size_t expand(char *to, size_t cap, const char *from, const char *session)
{
    size_t n = 0;

    while (*from != '\0' && n + 80 < cap) {
        if (strncmp(from, "{s}", 3) == 0) {
            n += (size_t)snprintf(to + n, cap - n, "%s", session);
            from += 3;
        } else {
            to[n++] = *from++;
        }
    }
    to[n] = '\0';
    return n;
}

static void conn_request(conn *c, long index)
{
    static char body[REQUEST_MAX], path[4096];
    char session[64];
    size_t n, length;

    snprintf(session, sizeof session, "bench-%ld-%ld-%ld", (long)getpid(), index, c->turns / opt.per_session);
    c->turns++;
    length = expand(body, sizeof body, opt.body, session);
    expand(path, sizeof path, opt.path, session);
    n = (size_t)snprintf(c->out, REQUEST_MAX, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", length == 0 ? "GET" : "POST",
                         path, opt.port);
    for (int i = 0; i < opt.n_headers; i++)
        n += (size_t)snprintf(c->out + n, REQUEST_MAX - n, "%s\r\n", opt.headers[i]);
    if (length > 0)
        n += (size_t)snprintf(c->out + n, REQUEST_MAX - n, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                              length);
    n += (size_t)snprintf(c->out + n, REQUEST_MAX - n, "\r\n%s", body);
    c->out_len = n;
    c->out_sent = 0;
    c->head_len = 0;
    c->at = IN_HEAD;
    c->matched = 0;
    c->expected = opt.expect == NULL;
    c->began = c->last = now_micros();
}

static void conn_watch(conn *c, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

static bool conn_flush(conn *c)
{
    ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);

    if (n < 0)
        return errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN;
    c->out_sent += (size_t)n;
    if (c->out_sent == c->out_len)
        conn_watch(c, EPOLLIN);
    return true;
}

static void conn_open(conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(opt.port)};
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        die("connect");
    c->open = true;
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
}

static void conn_close(conn *c)
{
    close(c->fd);
    c->open = false;
}

static void keep_latency(latencies *l, int64_t micros)
{
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 65536 : l->cap * 2;
        l->micros = realloc(l->micros, l->cap * sizeof *l->micros);
        if (l->micros == NULL)
            die("realloc");
    }
    l->micros[l->n++] = (uint32_t)micros;
}

/* Looks for opt.expect in the stream of body bytes. */
static void conn_match(conn *c, const char *data, size_t len)
{
    for (size_t i = 0; i < len && !c->expected; i++) {
        if (data[i] != opt.expect[c->matched])
            c->matched = 0;
        if (data[i] == opt.expect[c->matched] && opt.expect[++c->matched] == '\0')
            c->expected = true;
    }
}

/* Reads the head that is now complete.  False: no 200. */
static bool head_read(conn *c)
{
    char *length;

    c->head[c->head_len] = '\0';
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 && strncmp(c->head, "HTTP/1.1 201", 12) != 0)
        return false;
    length = strcasestr(c->head, "\r\ncontent-length:");
    c->at = length != NULL ? IN_LENGTH : IN_CHUNK_SIZE;
    c->left = length != NULL ? strtoull(length + 17, NULL, 10) : 0;
    return true;
}

/* One byte of the framing between the data of chunks.  True when the answer is over. */
static bool frame_byte(conn *c, char b)
{
    switch (c->at) {
    case IN_CHUNK_SIZE:
        if (b == '\n')
            c->at = c->left == 0 ? IN_TRAILER : IN_CHUNK;
        else if (b >= '0' && b <= '9')
            c->left = c->left * 16 + (uint64_t)(b - '0');
        else if ((b | 32) >= 'a' && (b | 32) <= 'f')
            c->left = c->left * 16 + (uint64_t)((b | 32) - 'a') + 10;
        c->line_len = 0;
        return false;
    case IN_CHUNK_END:
        if (b == '\n') {
            c->at = IN_CHUNK_SIZE;
            c->left = 0;
        }
        return false;
    default: /* the trailer, up to an empty line */
        if (b == '\n' && c->line_len == 0)
            return true;
        c->line_len = b == '\n' ? 0 : b == '\r' ? c->line_len : c->line_len + 1;
        return false;
    }
}

typedef enum { MORE, OVER, WRONG } progress;

/* Takes bytes of the answer. */
static progress conn_take(conn *c, const char *data, size_t len)
{
    size_t i = 0;

    while (i < len) {
        if (c->at == IN_HEAD) {
            if (c->head_len + 1 >= HEAD_MAX)
                return WRONG;
            c->head[c->head_len++] = data[i++];
            if (c->head_len >= 4 && memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) == 0 && !head_read(c))
                return WRONG;
        } else if (c->at == IN_LENGTH || c->at == IN_CHUNK) {
            size_t n = len - i < c->left ? len - i : (size_t)c->left;

            conn_match(c, data + i, n);
            bytes += n;
            i += n;
            c->left -= n;
            if (c->left == 0 && c->at == IN_CHUNK)
                c->at = IN_CHUNK_END;
        } else if (frame_byte(c, data[i++])) {
            return OVER;
        }
        if (c->at == IN_LENGTH && c->left == 0)
            return OVER;
    }
    return MORE;
}

static void turn_done(conn *c, long index, bool good)
{
    if (good && c->expected) {
        keep_latency(&all_turns, now_micros() - c->began);
        if (machine_last_slow() < c->began)
            keep_latency(&steady_turns, now_micros() - c->began);
    } else {
        failures++;
        if (failures == 1)
            fprintf(stderr, "load: the first wrong answer begins: %.300s\n", c->head);
    }
    if (!good) {
        conn_close(c);
        conn_open(c);
    }
    conn_request(c, index);
    conn_watch(c, EPOLLIN | EPOLLOUT);
}

static void piece_came(conn *c)
{
    int64_t now = now_micros(), gap = (now - c->last) / 100;

    if (c->last == c->began)
        begun++;
    else if (measuring) {
        gaps[gap < GAP_SLOTS ? gap : GAP_SLOTS - 1]++;
        pieces++;
    }
    c->last = now;
}

static void conn_event(conn *c, long index, uint32_t events)
{
    static char data[READ_SIZE];
    bool streams = strcmp(opt.mode, "streams") == 0;
    progress p = WRONG;
    ssize_t n;

    if ((events & EPOLLOUT) && c->out_sent < c->out_len && !conn_flush(c))
        events |= EPOLLERR;
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    n = recv(c->fd, data, sizeof data, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0)
        p = conn_take(c, data, (size_t)n);
    if (streams) {
        if (n > 0 && p == MORE && c->at != IN_HEAD)
            piece_came(c);
        if (p != MORE) {
            if (broken++ == 0)
                fprintf(stderr, "load: the first stream to break said: %.300s\n", c->head);
            conn_close(c);
        }
    } else if (p != MORE) {
        turn_done(c, index, p == OVER);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void print_latencies(latencies *l)
{
    static const struct {
        const char *name;
        double share;
    } parts[] = {{"p50_ms", 0.5}, {"p90_ms", 0.9}, {"p99_ms", 0.99}, {"max_ms", 1}};

    if (l->n > 0)
        qsort(l->micros, l->n, sizeof *l->micros, by_size);
    printf("\"turns\":%zu", l->n);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        printf(",\"%s\":%.3f", parts[i].name,
               l->n == 0 ? 0 : l->micros[(size_t)((double)(l->n - 1) * parts[i].share)] / 1000.0);
}

static double gap_at(double share)
{
    uint64_t wanted = (uint64_t)((double)pieces * share), seen = 0;

    for (size_t i = 0; i < GAP_SLOTS; i++)
        if ((seen += gaps[i]) > wanted)
            return (double)i / 10;
    return 0;
}

static void poll_for(conn *conns, int milliseconds)
{
    struct epoll_event events[512];
    int n = epoll_wait(poller, events, 512, milliseconds);

    for (int i = 0; i < n; i++) {
        conn *c = events[i].data.ptr;

        conn_event(c, c - conns, events[i].events);
    }
}

static void run_turns(conn *conns)
{
    int64_t end = start_time + (int64_t)(opt.seconds * 1e6);

    for (int i = 0; i < opt.connections; i++) {
        while (now_micros() < start_time + (int64_t)(opt.spread * 1000 * i / opt.connections))
            poll_for(conns, 1);
        conn_request(&conns[i], i);
        conn_open(&conns[i]);
    }
    while (now_micros() < end)
        poll_for(conns, 50);
    printf("{\"failures\":%lu,\"per_second\":%.1f,\"bytes\":%lu,\"slow_share\":%.4f,", failures,
           (double)all_turns.n / opt.seconds, bytes, machine_slow_share());
    print_latencies(&all_turns);
    printf(",\"steady\":{");
    print_latencies(&steady_turns);
    printf("}}\n");
}

/* Opens streams a few at a time: this is no test of the accept queue. */
static int64_t open_streams(conn *conns)
{
    int64_t limit = start_time + 120 * 1000000;

    for (int i = 0; i < opt.connections; i++) {
        conn_request(&conns[i], i);
        conn_open(&conns[i]);
        while (i - begun - (int)broken > 200 && now_micros() < limit)
            poll_for(conns, 50);
    }
    while (begun + (int)broken < opt.connections && now_micros() < limit)
        poll_for(conns, 50);
    return now_micros();
}

static void run_streams(conn *conns)
{
    long before = rss_kb(), after;
    int well = 0;
    int64_t opened = open_streams(conns), settle = opened + 2 * 1000000, end;

    while (now_micros() < settle)
        poll_for(conns, 50);
    measuring = true;
    end = now_micros() + (int64_t)(opt.seconds * 1e6);
    while (now_micros() < end)
        poll_for(conns, 50);
    after = rss_kb();
    for (int i = 0; i < opt.connections; i++)
        well += conns[i].open && conns[i].last != conns[i].began;
    printf("{\"streams\":%d,\"begun\":%d,\"lost\":%d,\"pieces\":%lu,\"open_seconds\":%.2f,\"gap_p50_ms\":%.1f,"
           "\"gap_p99_ms\":%.1f,\"gap_max_ms\":%.1f,\"rss_before_kb\":%ld,\"rss_after_kb\":%ld}\n",
           opt.connections, begun, opt.connections - well, pieces, (double)(opened - start_time) / 1e6, gap_at(0.5),
           gap_at(0.99), gap_at(0.99999), before, after);
}

static void parse(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: load turns|streams PORT PATH BODY [OPTION VALUE]...\n");
        exit(2);
    }
    opt.mode = argv[1];
    opt.port = (uint16_t)strtoul(argv[2], NULL, 10);
    opt.path = argv[3];
    opt.body = argv[4];
    for (int i = 5; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];

        if (strcmp(name, "--connections") == 0)
            opt.connections = (int)strtol(value, NULL, 10);
        else if (strcmp(name, "--seconds") == 0)
            opt.seconds = strtod(value, NULL);
        else if (strcmp(name, "--spread") == 0)
            opt.spread = strtod(value, NULL);
        else if (strcmp(name, "--per-session") == 0)
            opt.per_session = (int)strtol(value, NULL, 10);
        else if (strcmp(name, "--expect") == 0)
            opt.expect = value;
        else if (strcmp(name, "--pid") == 0)
            opt.pid = strtol(value, NULL, 10);
        else if (strcmp(name, "--header") == 0 && opt.n_headers < MAX_HEADERS)
            opt.headers[opt.n_headers++] = value;
    }
    if (opt.connections < 1 || opt.per_session < 1 || strlen(opt.body) > REQUEST_MAX / 2) {
        fprintf(stderr, "load: senseless options\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;
    conn *conns;

    parse(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(EPOLL_CLOEXEC);
    conns = calloc((size_t)opt.connections, sizeof *conns);
    if (poller < 0 || conns == NULL)
        die("load");
    for (int i = 0; i < opt.connections; i++) {
        conns[i].out = malloc(REQUEST_MAX);
        if (conns[i].out == NULL)
            die("malloc");
    }
    if (!machine_watch())
        die("machine_watch");
    start_time = now_micros();
    if (strcmp(opt.mode, "streams") == 0)
        run_streams(conns);
    else
        run_turns(conns);
    return 0;
}
