/* SPDX-License-Identifier: MIT */
/*
 * Listeners, one worker a loop, and stopping in order; see server.h.
 */
#include "net/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/server_internal.h"

enum { BACKLOG = 4096, LISTENERS_MAX = 16, KEEPALIVE_IDLE = 60, ANSWER_SECONDS = 2 };

const server_limits server_default_limits = {
    .max_head = KIB(32),
    .max_headers = 100,
    .max_body = (int64_t)MIB(32),
    .head_timeout = SECONDS(10),
    .idle_timeout = SECONDS(75),
    .body_timeout = SECONDS(30),
    .write_timeout = SECONDS(30),
    .high_water = KIB(64),
    .max_unsent = MIB(4),
    .max_connections = 16384,
};

/* ---- the server ---- */

static void parse_trusted(server *sv)
{
    const char *const *list = sv->limits.trusted_proxies;
    size_t n = 0;

    while (list != NULL && list[n] != NULL)
        n++;
    sv->trusted = mem_zalloc(n, sizeof *sv->trusted);
    for (size_t i = 0; i < n; i++) {
        if (address_range_parse(list[i], &sv->trusted[sv->n_trusted]))
            sv->n_trusted++;
        else
            log_warn("a trusted proxy is no address and was ignored", log_str("value", list[i]));
    }
}

server *server_new(server_app app, void *arg, const server_limits *limits)
{
    server *sv = aligned_alloc(_Alignof(server), sizeof *sv);

    if (sv == NULL)
        mem_die("server", sizeof *sv);
    memset(sv, 0, sizeof *sv);
    sv->app = app;
    sv->arg = arg;
    sv->limits = limits != NULL ? *limits : server_default_limits;
    sv->listeners = mem_zalloc(LISTENERS_MAX, sizeof *sv->listeners);
    parse_trusted(sv);
    return sv;
}

void server_free(server *sv)
{
    if (sv == NULL)
        return;
    for (size_t i = 0; i < sv->n_listeners; i++)
        if (sv->listeners[i].first_fd >= 0)
            close(sv->listeners[i].first_fd);
    free(sv->listeners);
    free(sv->trusted);
    free(sv);
}

server_stats server_read_stats(const server *sv)
{
    server_stats sum = {.connections = atomic_load_explicit(&sv->connections, memory_order_relaxed)};
    size_t n = MIN_OF(atomic_load(&sv->n_workers), (size_t)LOOPS_MAX);

    for (size_t i = 0; i < n; i++) {
        const worker_counters *w = &sv->counters[i];

        sum.streams += atomic_load_explicit(&w->streams, memory_order_relaxed);
        sum.requests += atomic_load_explicit(&w->requests, memory_order_relaxed);
        sum.refused += atomic_load_explicit(&w->refused, memory_order_relaxed);
        sum.bytes_in += atomic_load_explicit(&w->bytes_in, memory_order_relaxed);
        sum.bytes_out += atomic_load_explicit(&w->bytes_out, memory_order_relaxed);
    }
    return sum;
}

/* ---- listening ---- */

/* A bound socket, or -1 with errno.  What is set here, accepted sockets inherit. */
static int bind_socket(const struct sockaddr_storage *a, bool shared)
{
    int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, idle = KEEPALIVE_IDLE;
    int saved;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if ((!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        bind(fd, (const struct sockaddr *)a, address_size(a)) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* SO_REUSEPORT would let a second server of the same user share the port silently: ask first without it. */
static int bind_alone(struct sockaddr_storage *a)
{
    if (address_port(a) != 0) {
        int probe = bind_socket(a, false);

        if (probe < 0)
            return -1;
        if (listen(probe, 1) != 0) {
            close(probe);
            return -1;
        }
        close(probe);
    }
    return bind_socket(a, true);
}

err server_listen(server *sv, const char *address, const void *tag, int *port, char *why, size_t why_size)
{
    listener *l = &sv->listeners[sv->n_listeners];
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    int fd;

    if (sv->n_listeners == LISTENERS_MAX || !address_parse(address, &l->address)) {
        snprintf(why, why_size, "%s: not an address to listen on (HOST:PORT with a numeric host)",
                 address != NULL ? address : "");
        return ERR_INVALID;
    }
    fd = bind_alone(&l->address);
    if (fd < 0 || listen(fd, BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
        err e = errno == EADDRINUSE ? ERR_CONFLICT : errno == EACCES ? ERR_DENIED : ERR_INVALID;

        snprintf(why, why_size, "cannot listen on %s: %s", address, strerror(errno));
        if (fd >= 0)
            close(fd);
        return e;
    }
    l->address = bound;
    l->tag = tag;
    atomic_store(&l->first_fd, fd);
    *port = address_port(&bound);
    sv->n_listeners++;
    return OK;
}

/* ---- a worker ---- */

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer)
{
    acceptor *a = timer->data;

    uv_poll_start(&a->poll, UV_READABLE, on_readable);
}

/*
 * Accepts what waits.  Not by uv_listen(): without descriptors that asks again and again in one turn, and the connections whose
 * end would free some are never looked at.  Here whoever cannot be accepted stays in the queue for a moment.
 */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    enum { AT_ONCE = 64, REST_MS = 100 };
    acceptor *a = poll->data;

    (void)status;
    (void)events;
    for (int n = 0; n < AT_ONCE; n++) {
        int fd = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            conn_accept(a, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log_warn("accepting rests", log_str("why", strerror(errno)));
            uv_poll_stop(&a->poll);
            uv_timer_start(&a->retry, on_retry, REST_MS, 0);
            return;
        } /* else it was gone before we looked: the next one */
    }
}

static void on_poll_closed(uv_handle_t *h)
{
    acceptor *a = h->data;

    close(a->fd);
    a->w->handles--;
    worker_check_stop(a->w);
}

static void on_handle_closed(uv_handle_t *h)
{
    acceptor *a = h->data;

    a->w->handles--;
    worker_check_stop(a->w);
}

static void on_timer_closed(uv_handle_t *h)
{
    worker *w = CONTAINER_OF(h->data, worker, timeouts);

    w->handles--;
    worker_check_stop(w);
}

static err start_acceptor(scope *root, worker *w, size_t i)
{
    listener *l = &w->sv->listeners[i];
    acceptor *a = &w->acceptors[i];
    int fd = atomic_exchange(&l->first_fd, -1);

    if (fd < 0)
        fd = bind_socket(&l->address, true);
    if (fd < 0)
        return fail(root, ERR_IO, "cannot share the listening port: %s", strerror(errno));
    a->w = w;
    a->tag = l->tag;
    a->fd = fd;
    if (listen(fd, BACKLOG) != 0 || uv_poll_init(w->uv, &a->poll, fd) != 0) {
        close(fd);
        a->w = NULL;
        return fail(root, ERR_IO, "cannot listen: %s", strerror(errno));
    }
    uv_timer_init(w->uv, &a->retry);
    a->poll.data = a->retry.data = a;
    w->handles += 2;
    uv_poll_start(&a->poll, UV_READABLE, on_readable);
    return OK;
}

static worker *worker_open(scope *root, server *sv)
{
    worker *w = mem_zalloc(1, sizeof *w);

    w->sv = sv;
    w->uv = loop_uv(root->loop);
    w->requests = scope_new("requests");
    w->waiter = fiber_self();
    w->hook = (loop_hook){.fn = conn_turns, .arg = w};
    list_init(&w->hook.link);
    w->scratch = BUF_INIT(SIZE_MAX - 1);
    list_init(&w->conns);
    list_init(&w->turn);
    w->acceptors = mem_zalloc(sv->n_listeners, sizeof *w->acceptors);
    w->counters = &sv->counters[atomic_fetch_add(&sv->n_workers, 1) % LOOPS_MAX];
    random_bytes(&w->id_seed, sizeof w->id_seed);
    wheel_open(&w->timeouts, w->uv, conn_fire);
    w->handles++;
    return w;
}

void worker_check_stop(worker *w)
{
    if (w->stopping)
        fiber_wake(w->waiter);
}

/* ---- stopping ---- */

static bool is_busy(const conn *c)
{
    return c->state != CONN_CLOSED && (c->x != NULL || out_unsent(c) > 0);
}

static bool is_endless(const conn *c)
{
    return c->x != NULL && c->x->rs.src != NULL && c->x->rs.src->endless;
}

static bool any_busy(const worker *w)
{
    for (const list_link *l = w->conns.next; l != &w->conns; l = l->next)
        if (is_busy(LIST_OF(l, conn, link)))
            return true;
    return false;
}

static void wait_while_busy(worker *w, int64_t longest)
{
    scope *s = scope_new("server stop");

    scope_set_timeout(s, longest);
    while (any_busy(w) && fiber_park(s) == OK)
        ;
    scope_close(s);
}

/* Closing a handle only marks the connection; the list changes later. */
static void cut_all(worker *w, bool (*which)(const conn *c))
{
    for (list_link *l = w->conns.next; l != &w->conns; l = l->next)
        if (which(LIST_OF(l, conn, link)))
            conn_cut(LIST_OF(l, conn, link));
}

static bool is_waiting(const conn *c)
{
    return c->state == CONN_HEAD;
}

static bool is_following(const conn *c)
{
    return c->x != NULL && c->x->rs.src != NULL;
}

static bool is_any(const conn *c)
{
    (void)c;
    return true;
}

static void worker_stop(worker *w, int64_t grace)
{
    w->stopping = true;
    for (size_t i = 0; i < w->sv->n_listeners; i++)
        if (w->acceptors[i].w != NULL) {
            uv_close((uv_handle_t *)&w->acceptors[i].poll, on_poll_closed);
            uv_close((uv_handle_t *)&w->acceptors[i].retry, on_handle_closed);
        }
    cut_all(w, is_waiting);
    cut_all(w, is_endless);
    wait_while_busy(w, grace);
    scope_cancel(w->requests, "the server is shutting down");
    cut_all(w, is_following);
    wait_while_busy(w, SECONDS(ANSWER_SECONDS)); /* for what cancelled handlers answer */
    cut_all(w, is_any);
    while (w->n_conns > 0)
        fiber_park_shielded();
    wheel_close(&w->timeouts, on_timer_closed);
    while (w->handles > 0)
        fiber_park_shielded();
    scope_close(w->requests);
    loop_forget(&w->hook);
    conn_free_spares(w);
    buf_close(&w->scratch);
    free(w->acceptors);
    free(w);
}

void server_on_ready(server *sv, void (*fn)(void *arg), void *arg)
{
    sv->on_ready = fn;
    sv->on_ready_arg = arg;
}

err server_serve(scope *root, server *sv, int64_t grace)
{
    worker *w = worker_open(root, sv);
    err e = OK;

    for (size_t i = 0; i < sv->n_listeners && e == OK; i++)
        e = start_acceptor(root, w, i);
    if (e == OK && atomic_fetch_add(&sv->n_accepting, 1) + 1 == loop_count() && sv->on_ready != NULL)
        sv->on_ready(sv->on_ready_arg);
    while (e == OK && fiber_park(root) == OK)
        ;
    worker_stop(w, e == OK ? grace : 0);
    return e;
}
