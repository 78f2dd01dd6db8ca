/* SPDX-License-Identifier: MIT */
/*
 * Connections for plain requests: looked up, made, watched, kept and closed; see client_plain.h.
 *
 * A kept connection stays watched, so that its end is noticed at once and the next request costs no system call here.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/client_plain.h"

enum { KNOWN_MS = 60000, IDLE_MS = 90000 };

/* --- origins --- */

origin *origin_take(client *c, const char *host, const char *port)
{
    struct plain_side *side = side_of(c);
    size_t len = strlen(host), size = 2 * len + strlen(port) + 3;
    int64_t number = 0;
    char key[300];
    origin *at;

    snprintf(key, sizeof key, "%s:%s", host, port);
    if ((at = map_get(side->origins, key)) == NULL) {
        at = mem_zalloc(1, sizeof *at + size);
        at->home = c;
        list_init(&at->idle);
        list_init(&at->waiting);
        at->port = str_to_int(str_of(port), &number) ? (uint16_t)number : 0;
        at->host = at->key + snprintf(at->key, size, "%s:%s", host, port) + 1;
        memcpy(at->key + (at->host - at->key), host, len + 1);
        map_put(side->origins, at->key, at);
    }
    at->refs++;
    return at;
}

void origin_give(origin *at)
{
    if (--at->refs > 0)
        return;
    if (at->lookup != NULL)
        lookup_forget(at->lookup);
    addresses_give(at->known);
    map_take(at->home->plain->origins, at->key);
    free(at);
}

void origin_forget(origin *at)
{
    addresses_give(at->known);
    at->known = NULL;
}

static void on_found(void *arg, address_list *found)
{
    origin *at = arg;
    list_link *l;

    at->lookup = NULL;
    origin_forget(at);
    at->known = found;
    at->known_until = uv_now(at->home->uv) + KNOWN_MS;
    at->refs++;
    if (found != NULL)
        addresses_take(found); /* one of those who wait may forget what the name means */
    while ((l = list_take_first(&at->waiting)) != NULL) {
        plain_stream *p = LIST_OF(l, plain_stream, waiting);

        p->addresses = found != NULL ? addresses_take(found) : NULL;
        plain_resolved(p);
    }
    addresses_give(found);
    origin_give(at);
}

bool origin_resolve(origin *at, plain_stream *p)
{
    if (at->known != NULL && uv_now(at->home->uv) >= at->known_until)
        origin_forget(at);
    if (at->known == NULL && at->lookup == NULL && (at->known = addresses_known(at->host, at->port)) != NULL)
        at->known_until = UINT64_MAX;
    if (at->known != NULL) {
        p->addresses = addresses_take(at->known);
        return true;
    }
    list_append(&at->waiting, &p->waiting);
    if (at->lookup == NULL)
        at->lookup = lookup_begin(at->home->loop, at->host, at->port, on_found, at);
    return false;
}

/* --- watching --- */

void conn_limit(plain_conn *k, uint64_t ms)
{
    k->due = uv_now(k->at->home->uv) + ms;
    wheel_set(&k->at->home->plain->limits, &k->limit, k->due);
}

static void on_limit(wheel_entry *e)
{
    plain_conn *k = CONTAINER_OF(e, plain_conn, limit);

    if (k->state == LINK_BUSY)
        return; /* its stream has a limit of its own */
    if (uv_now(k->at->home->uv) < k->due)
        wheel_set(&k->at->home->plain->limits, &k->limit, k->due);
    else if (k->state == LINK_CONNECTING)
        plain_connected(k, false);
    else
        conn_close(k);
}

static bool has_connected(const plain_conn *k)
{
    int error = 0;
    socklen_t len = sizeof error;

    return getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

/* After an error libuv has stopped watching; what it was is found out by using the socket. */
static void on_event(uv_poll_t *poll, int status, int events)
{
    plain_conn *k = CONTAINER_OF(poll, plain_conn, poll);

    if (status < 0) {
        k->watched = 0;
        events = UV_READABLE;
    }
    if (k->state == LINK_CONNECTING)
        plain_connected(k, has_connected(k));
    else if (k->state == LINK_IDLE)
        conn_close(k); /* closed by the other side, or it says what nobody asked for */
    else if (!(events & UV_WRITABLE) || plain_writable(k))
        if (events & UV_READABLE)
            plain_readable(k);
}

void conn_watch(plain_conn *k, int events)
{
    if (k->watched == events)
        return;
    k->watched = events;
    if (events == 0)
        uv_poll_stop(&k->poll);
    else
        uv_poll_start(&k->poll, events, on_event);
}

/* --- life --- */

static int connect_to(const address *to)
{
    int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP), on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, &to->any, address_len(to)) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

plain_conn *conn_open(origin *at, const address *to)
{
    client *c = at->home;
    int fd = connect_to(to);
    plain_conn *k;

    if (fd < 0)
        return NULL;
    k = mem_zalloc(1, sizeof *k);
    if (uv_poll_init(c->uv, &k->poll, fd) != 0) {
        close(fd);
        free(k);
        return NULL;
    }
    uv_unref((uv_handle_t *)&k->poll); /* an idle connection does not keep the loop running */
    k->fd = fd;
    k->at = at;
    k->peer = *to;
    at->refs++;
    list_init(&k->link);
    list_append(&c->plain->busy, &k->age);
    wheel_entry_init(&k->limit);
    conn_watch(k, UV_WRITABLE);
    return k;
}

static void on_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, plain_conn, poll));
}

void conn_close(plain_conn *k)
{
    struct plain_side *side = k->at->home->plain;

    if (k->state == LINK_IDLE)
        side->n_idle--;
    list_remove(&k->link);
    list_remove(&k->age);
    wheel_unset(&side->limits, &k->limit);
    response_close(&k->answer);
    uv_close((uv_handle_t *)&k->poll, on_closed);
    close(k->fd);
    origin_give(k->at);
}

void conn_keep(plain_conn *k)
{
    struct plain_side *side = k->at->home->plain;

    response_close(&k->answer);
    k->state = LINK_IDLE;
    k->used = true;
    k->user = NULL;
    list_append(&k->at->idle, &k->link);
    list_remove(&k->age);
    list_append(&side->idle, &k->age);
    conn_limit(k, IDLE_MS);
    conn_watch(k, UV_READABLE);
    if (++side->n_idle > CONNECTIONS_KEPT)
        conn_close(LIST_OF(side->idle.next, plain_conn, age));
}

void conn_linger(plain_conn *k)
{
    k->state = LINK_LINGERING;
    k->user = NULL;
    k->answer.body = NULL;
    k->swallowed_from = k->answer.received;
    conn_limit(k, LINGER_MS);
    conn_watch(k, UV_READABLE);
}

plain_conn *conn_kept(origin *at, guard_policy guard)
{
    for (list_link *l = at->idle.prev; l != &at->idle; l = l->prev) {
        plain_conn *k = LIST_OF(l, plain_conn, link);
        struct plain_side *side = at->home->plain;

        if (!guard_permits(guard, &k->peer.any))
            continue;
        side->n_idle--;
        list_remove(&k->link);
        list_remove(&k->age);
        list_append(&side->busy, &k->age);
        k->state = LINK_BUSY;
        return k;
    }
    return NULL;
}

/* --- the side of a client --- */

struct plain_side *side_of(client *c)
{
    struct plain_side *side = c->plain;

    if (side == NULL) {
        c->plain = side = mem_alloc(sizeof *side);
        side->origins = map_new();
        side->n_idle = 0;
        list_init(&side->idle);
        list_init(&side->busy);
        wheel_open(&side->limits, c->uv, on_limit);
        uv_unref((uv_handle_t *)&side->limits.timer);
    }
    return side;
}

static void on_side_closed(uv_handle_t *handle)
{
    struct plain_side *side = CONTAINER_OF(handle, struct plain_side, limits.timer);

    map_free(side->origins);
    free(side);
}

void plain_close(client *c)
{
    struct plain_side *side = c->plain;

    if (side == NULL)
        return;
    while (!list_empty(&side->idle))
        conn_close(LIST_OF(side->idle.next, plain_conn, age));
    while (!list_empty(&side->busy)) /* only lingering ones are left */
        conn_close(LIST_OF(side->busy.next, plain_conn, age));
    assert(map_count(side->origins) == 0);
    wheel_close(&side->limits, on_side_closed);
}
