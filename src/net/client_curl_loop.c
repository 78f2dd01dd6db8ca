/* SPDX-License-Identifier: MIT */
/*
 * libcurl's multi interface on a libuv loop: sockets, its timer, and the pool of easy handles; see client_curl.h.
 *
 * A socket is watched from its first use until it is closed.  When libcurl loses interest for a moment, as it does between
 * two requests on one connection, the watch is left as it is and taken off only if an event does come: that saves two
 * system calls a request.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/client_curl.h"
#include "rt/loop.h"

enum {
    TRANSFERS_KEPT = 128, /* idle in the pool */
    ROUNDS_MAX = 8,       /* of immediate timeouts in one go */
    STARTS_MAX = 64       /* transfers in one turn: a burst does not hold up everybody else */
};

typedef struct curl_side side;

typedef struct {
    uv_poll_t poll;
    side *home;
    int fd;
    bool own;   /* made by transfer_open_socket(): closed by on_close_socket(); others are libcurl's resolver's */
    int wanted; /* events that libcurl asks for */
    int active; /* events that are being watched */
} watch;

struct curl_side {
    CURLM *multi;
    uv_loop_t *uv;
    uv_timer_t timer;
    loop_hook hook;
    list_link queue; /* transfers to start or resume */
    list_link idle;  /* transfers in the pool */
    list_link lingering;
    size_t n_idle;
    size_t n_running;
    watch **watches; /* by descriptor */
    size_t n_watches;
    bool driving; /* inside libcurl */
    bool due;     /* it asked to be called again at once */
};

static side *side_of(client *home);

static curl_stream *of(http_stream *h)
{
    return CONTAINER_OF(h, curl_stream, base);
}

/* --- sockets --- */

static watch *watch_find(const side *c, curl_socket_t fd)
{
    return (size_t)fd < c->n_watches ? c->watches[fd] : NULL;
}

static watch *watch_new(side *c, curl_socket_t fd, bool own)
{
    watch *w;
    size_t n = c->n_watches;

    while ((size_t)fd >= n)
        n = n == 0 ? 64 : n * 2;
    if (n > c->n_watches) {
        c->watches = mem_realloc(c->watches, n * sizeof(watch *));
        memset(c->watches + c->n_watches, 0, (n - c->n_watches) * sizeof(watch *));
        c->n_watches = n;
    }
    w = mem_zalloc(1, sizeof *w);
    *w = (watch){.home = c, .fd = fd, .own = own};
    if (uv_poll_init(c->uv, &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    uv_unref((uv_handle_t *)&w->poll); /* an idle connection does not keep the loop running */
    c->watches[fd] = w;
    return w;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, watch, poll));
}

static void watch_close(watch *w)
{
    w->home->watches[w->fd] = NULL;
    uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

curl_socket_t curl_open_socket(client *home, const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);

    if (fd >= 0 && watch_new(home->curl, fd, true) == NULL) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int on_close_socket(void *arg, curl_socket_t fd)
{
    watch *w = watch_find(arg, fd);

    if (w != NULL)
        watch_close(w);
    return close(fd);
}

static void drive(side *c, curl_socket_t fd, int flags);
static void watch_apply(watch *w);

/* libuv stops watching at an error and says no more.  libcurl finds it out by reading, and then knows whether the request
 * may be sent again on another connection. */
static void on_socket_error(side *c, int fd)
{
    watch *w = watch_find(c, fd);

    w->active = 0;
    if (w->wanted != 0)
        drive(c, fd, CURL_CSELECT_IN | CURL_CSELECT_OUT);
    if ((w = watch_find(c, fd)) != NULL && w->active != w->wanted)
        watch_apply(w);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    watch *w = CONTAINER_OF(poll, watch, poll);
    int flags = 0;

    if (status < 0) {
        on_socket_error(w->home, w->fd);
        return;
    }
    if (w->active & ~w->wanted)
        watch_apply(w); /* nobody wanted this event: now the watch is worth changing */
    if (w->wanted == 0)
        return;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    drive(w->home, w->fd, flags);
}

static void watch_apply(watch *w)
{
    w->active = w->wanted;
    if (w->wanted == 0)
        uv_poll_stop(&w->poll);
    else
        uv_poll_start(&w->poll, w->wanted, on_event);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    side *c = arg;
    watch *w = watch_find(c, fd);

    (void)easy;
    (void)unused;
    if (w == NULL && what == CURL_POLL_REMOVE)
        return 0;
    if (w == NULL && (w = watch_new(c, fd, false)) == NULL)
        return -1;
    w->wanted = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? UV_READABLE : 0) |
                (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? UV_WRITABLE : 0);
    if (what == CURL_POLL_REMOVE && !w->own)
        watch_close(w); /* libcurl closes it without telling */
    else if ((w->wanted & ~w->active) || (w->active & ~w->wanted & UV_WRITABLE))
        watch_apply(w);
    return 0;
}

/* --- driving libcurl --- */

static void on_timer(uv_timer_t *timer)
{
    drive(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wanted(CURLM *multi, long ms, void *arg)
{
    side *c = arg;

    (void)multi;
    c->due = ms == 0 && c->driving;
    if (ms < 0 || c->due)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

/* Takes it out of the multi handle; the connection is kept when the response was complete. */
static void detach(curl_stream *cs)
{
    side *c = cs->base.home->curl;

    cs->running = false;
    c->n_running--;
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)(c->n_running + CONNECTIONS_KEPT));
    curl_multi_remove_handle(c->multi, cs->easy);
}

static http_failure failure_of(const http_stream *h, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_FAIL_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_FAIL_DNS;
    case CURLE_COULDNT_CONNECT:
        return HTTP_FAIL_CONNECT;
    case CURLE_ABORTED_BY_CALLBACK:
        return h->denied ? HTTP_FAIL_CONNECT : HTTP_FAIL_BROKEN;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_FAIL_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CRL_BADFILE:
        return HTTP_FAIL_TLS;
    default:
        return HTTP_FAIL_BROKEN;
    }
}

static void release(http_stream *h);

static void collect(side *c)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        curl_stream *cs = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&cs);
        detach(cs); /* `message` is gone with it */
        if (cs->base.lingering)
            release(&cs->base);
        else /* libcurl's own words are general sentences without parts of the URL */
            transfer_done(&cs->base, failure_of(&cs->base, result), curl_easy_strerror(result));
    }
}

static void drive(side *c, curl_socket_t fd, int flags)
{
    int running;

    c->driving = true;
    curl_multi_socket_action(c->multi, fd, flags, &running);
    for (int i = 0; c->due && i < ROUNDS_MAX; i++) {
        c->due = false;
        curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    collect(c);
    c->driving = false;
    if (c->due) {
        c->due = false;
        uv_timer_start(&c->timer, on_timer, 0, 0);
    }
}

static void begin(side *c, curl_stream *cs)
{
    if (curl_multi_add_handle(c->multi, cs->easy) != CURLM_OK) {
        transfer_done(&cs->base, HTTP_FAIL_BROKEN, curl_easy_strerror(CURLE_FAILED_INIT));
        return;
    }
    cs->running = true;
    c->n_running++;
}

static void on_turn_end(void *arg)
{
    side *c = arg;
    list_link *l;

    c->driving = true;
    for (int i = 0; i < STARTS_MAX && (l = list_take_first(&c->queue)) != NULL; i++) {
        curl_stream *cs = LIST_OF(l, curl_stream, link);

        cs->queued = false;
        if (!cs->running && !cs->base.done)
            begin(c, cs);
        else if (cs->running)
            curl_easy_pause(cs->easy, CURLPAUSE_CONT);
    }
    drive(c, CURL_SOCKET_TIMEOUT, 0);
    if (!list_empty(&c->queue))
        loop_after_turn(&c->hook);
}

static void enqueue(http_stream *h)
{
    curl_stream *cs = of(h);

    if (cs->queued)
        return;
    cs->queued = true;
    list_append(&h->home->curl->queue, &cs->link);
    loop_after_turn(&h->home->curl->hook);
}

/* --- the transport --- */

static http_stream *take(client *home)
{
    side *c = side_of(home);
    list_link *l = list_take_first(&c->idle);
    curl_stream *cs;

    if (l != NULL) {
        c->n_idle--;
        cs = LIST_OF(l, curl_stream, link);
    } else {
        cs = mem_zalloc(1, sizeof *cs);
        list_init(&cs->link);
        if ((cs->easy = curl_easy_init()) == NULL)
            mem_die("libcurl", 0);
    }
    curl_easy_setopt(cs->easy, CURLOPT_PRIVATE, cs);
    curl_easy_setopt(cs->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(cs->easy, CURLOPT_CLOSESOCKETDATA, c);
    return &cs->base;
}

/* Begins after this turn. */
static void start(http_stream *h, const target *t, const hop *how)
{
    curl_set_options(of(h), t, how);
    enqueue(h);
}

static void stream_free(curl_stream *cs)
{
    curl_easy_cleanup(cs->easy);
    free(cs);
}

static void release(http_stream *h)
{
    curl_stream *cs = of(h);
    side *c = h->home->curl;

    wheel_unset(&h->home->limits, &h->limit);
    list_remove(&cs->link);
    if (cs->running)
        detach(cs);
    if (c->n_idle >= TRANSFERS_KEPT) {
        stream_free(cs);
        return;
    }
    curl_easy_reset(cs->easy);
    *cs = (curl_stream){.easy = cs->easy};
    list_append(&c->idle, &cs->link);
    c->n_idle++;
}

static void linger(http_stream *h)
{
    curl_stream *cs = of(h);

    if (!cs->running || cs->queued) {
        release(h);
        return;
    }
    h->lingering = true;
    list_append(&h->home->curl->lingering, &cs->link);
    transfer_limit(h, MILLISECONDS(LINGER_MS));
}

const transport curl_transport = {
    .take = take, .start = start, .resume = enqueue, .linger = linger, .release = release};

/* --- the side of a client --- */

static void curl_once(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        mem_die("libcurl", 0);
}

static side *side_new(client *home)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    side *c = mem_zalloc(1, sizeof *c);

    pthread_once(&once, curl_once);
    c->uv = home->uv;
    c->hook = (loop_hook){.fn = on_turn_end, .arg = c};
    list_init(&c->queue);
    list_init(&c->idle);
    list_init(&c->lingering);
    uv_timer_init(c->uv, &c->timer);
    c->timer.data = c;
    if ((c->multi = curl_multi_init()) == NULL)
        mem_die("libcurl", 0);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return c;
}

static side *side_of(client *home)
{
    if (home->curl == NULL)
        home->curl = side_new(home);
    return home->curl;
}

static void on_side_closed(uv_handle_t *handle)
{
    side *c = CONTAINER_OF(handle, side, timer);

    free(c->watches);
    free(c);
}

void curl_close(client *home)
{
    side *c = home->curl;
    list_link *l;

    if (c == NULL)
        return;
    while (!list_empty(&c->lingering))
        release(&LIST_OF(c->lingering.next, curl_stream, link)->base);
    assert(c->n_running == 0); /* streams are closed with their scopes, which ended before the root's */
    loop_forget(&c->hook);
    while ((l = list_take_first(&c->idle)) != NULL)
        stream_free(LIST_OF(l, curl_stream, link));
    curl_multi_cleanup(c->multi);
    for (size_t i = 0; i < c->n_watches; i++)
        if (c->watches[i] != NULL)
            watch_close(c->watches[i]);
    uv_close((uv_handle_t *)&c->timer, on_side_closed);
}
