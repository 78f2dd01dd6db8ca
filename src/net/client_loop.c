/* SPDX-License-Identifier: MIT */
/*
 * libcurl's multi interface on a libuv loop: sockets, timers, and the pool of transfers; see client_internal.h.
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
#include "net/client_internal.h"
#include "rt/loop.h"

enum {
    TRANSFERS_KEPT = 128,   /* idle in the pool */
    CONNECTIONS_KEPT = 256, /* idle, besides those in use */
    ROUNDS_MAX = 8,         /* of immediate timeouts in one go */
    STARTS_MAX = 64,        /* transfers in one turn: a burst does not hold up everybody else */
    LINGER_MS = 1000        /* for the end of a stream that nobody reads any more */
};

typedef struct {
    uv_poll_t poll;
    client *home;
    int fd;
    bool own;   /* made by transfer_open_socket(): closed by on_close_socket(); others are libcurl's resolver's */
    int wanted; /* events that libcurl asks for */
    int active; /* events that are being watched */
} watch;

struct client {
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

static THREAD_LOCAL client *this_client;

/* --- sockets --- */

static watch *watch_find(const client *c, curl_socket_t fd)
{
    return (size_t)fd < c->n_watches ? c->watches[fd] : NULL;
}

static watch *watch_new(client *c, curl_socket_t fd, bool own)
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

curl_socket_t transfer_open_socket(http_stream *h, const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);

    if (fd >= 0 && watch_new(h->home, fd, true) == NULL) {
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

static void drive(client *c, curl_socket_t fd, int flags);
static void watch_apply(watch *w);

/* libuv stops watching at an error and says no more.  libcurl finds it out by reading, and then knows whether the request
 * may be sent again on another connection. */
static void on_socket_error(client *c, int fd)
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
    client *c = arg;
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
    client *c = arg;

    (void)multi;
    c->due = ms == 0 && c->driving;
    if (ms < 0 || c->due)
        uv_timer_stop(&c->timer);
    else
        uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

/* Takes it out of the multi handle; the connection is kept when the response was complete. */
static void detach(http_stream *h)
{
    client *c = h->home;

    h->running = false;
    c->n_running--;
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)(c->n_running + CONNECTIONS_KEPT));
    curl_multi_remove_handle(c->multi, h->easy);
    uv_timer_stop(&h->timer);
}

static void collect(client *c)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        http_stream *h = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&h);
        detach(h); /* `message` is gone with it */
        h->done = true;
        h->result = result;
        if (h->lingering)
            transfer_release(h);
        else
            transfer_wake(h);
    }
}

static void drive(client *c, curl_socket_t fd, int flags)
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

static void begin(client *c, http_stream *h)
{
    CURLMcode code = curl_multi_add_handle(c->multi, h->easy);

    if (code != CURLM_OK) {
        h->done = true;
        h->result = CURLE_FAILED_INIT;
        transfer_wake(h);
        return;
    }
    h->running = true;
    c->n_running++;
}

static void on_turn_end(void *arg)
{
    client *c = arg;
    list_link *l;

    c->driving = true;
    for (int i = 0; i < STARTS_MAX && (l = list_take_first(&c->queue)) != NULL; i++) {
        http_stream *h = LIST_OF(l, http_stream, link);

        h->queued = false;
        if (!h->running && !h->done)
            begin(c, h);
        else if (h->running)
            curl_easy_pause(h->easy, CURLPAUSE_CONT);
    }
    drive(c, CURL_SOCKET_TIMEOUT, 0);
    if (!list_empty(&c->queue))
        loop_after_turn(&c->hook);
}

static void enqueue(http_stream *h)
{
    if (h->queued)
        return;
    h->queued = true;
    list_append(&h->home->queue, &h->link);
    loop_after_turn(&h->home->hook);
}

void transfer_start(http_stream *h)
{
    enqueue(h);
}

void transfer_resume(http_stream *h)
{
    enqueue(h);
}

void transfer_halt(http_stream *h)
{
    if (h->queued || h->lingering)
        list_remove(&h->link);
    h->queued = h->lingering = false;
    if (h->running)
        detach(h);
    uv_timer_stop(&h->timer);
}

/* --- limits --- */

void transfer_wake(http_stream *h)
{
    if (h->waiter != NULL)
        fiber_wake(h->waiter);
}

static void on_limit(uv_timer_t *timer)
{
    http_stream *h = CONTAINER_OF(timer, http_stream, timer);
    int64_t left = h->due - clock_mono();

    if (h->waiter == NULL)
        return; /* nobody waits for the other side */
    if (left > 0) {
        uv_timer_start(timer, on_limit, (uint64_t)(left / MILLISECONDS(1)) + 1, 0);
        return;
    }
    h->timed_out = true;
    transfer_wake(h);
}

void transfer_limit(http_stream *h, int64_t ns)
{
    int64_t before = h->due;

    if (ADD_OVERFLOWS(clock_mono(), ns, &h->due))
        h->due = NO_LIMIT;
    if (!uv_is_active((uv_handle_t *)&h->timer) || h->due < before)
        uv_timer_start(&h->timer, on_limit, (uint64_t)(ns / MILLISECONDS(1)) + 1, 0);
}

static void on_linger_end(uv_timer_t *timer)
{
    transfer_release(CONTAINER_OF(timer, http_stream, timer));
}

void transfer_linger(http_stream *h)
{
    if (!h->running || h->queued) {
        transfer_release(h);
        return;
    }
    h->lingering = true;
    list_append(&h->home->lingering, &h->link);
    uv_timer_start(&h->timer, on_linger_end, LINGER_MS, 0);
}

/* --- pool and life of a loop's client --- */

static void on_transfer_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, http_stream, timer));
}

static void transfer_free(http_stream *h)
{
    curl_easy_cleanup(h->easy);
    uv_close((uv_handle_t *)&h->timer, on_transfer_closed);
}

static void on_client_closed(uv_handle_t *handle)
{
    client *c = CONTAINER_OF(handle, client, timer);

    free(c->watches);
    free(c);
}

static void client_close(void *arg)
{
    client *c = arg;
    list_link *l;

    while (!list_empty(&c->lingering))
        transfer_release(LIST_OF(c->lingering.next, http_stream, link));
    assert(c->n_running == 0); /* streams are closed with their scopes, which ended before the root's */
    this_client = NULL;
    loop_forget(&c->hook);
    while ((l = list_take_first(&c->idle)) != NULL)
        transfer_free(LIST_OF(l, http_stream, link));
    curl_multi_cleanup(c->multi);
    for (size_t i = 0; i < c->n_watches; i++)
        if (c->watches[i] != NULL)
            watch_close(c->watches[i]);
    uv_close((uv_handle_t *)&c->timer, on_client_closed);
}

static void curl_once(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        mem_die("libcurl", 0);
}

static client *client_new(loop *l)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    client *c = mem_zalloc(1, sizeof *c);

    pthread_once(&once, curl_once);
    c->uv = loop_uv(l);
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
    scope_defer(loop_root(l), client_close, c);
    return c;
}

/* Not inlined, so that the address of the thread-local is not kept across a park. */
static __attribute__((noinline)) client *client_of(scope *s)
{
    assert(s->loop == loop_self());
    if (this_client == NULL)
        this_client = client_new(s->loop);
    return this_client;
}

http_stream *transfer_take(scope *s)
{
    client *c = client_of(s);
    list_link *l = list_take_first(&c->idle);
    http_stream *h;

    if (l != NULL) {
        c->n_idle--;
        h = LIST_OF(l, http_stream, link);
    } else {
        h = mem_zalloc(1, sizeof *h);
        h->home = c;
        uv_timer_init(c->uv, &h->timer);
        list_init(&h->link);
        if ((h->easy = curl_easy_init()) == NULL)
            mem_die("libcurl", 0);
    }
    curl_easy_setopt(h->easy, CURLOPT_PRIVATE, h);
    curl_easy_setopt(h->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(h->easy, CURLOPT_CLOSESOCKETDATA, c);
    return h;
}

/* Everything that client.c keeps begins at `call`. */
static void clear(http_stream *h)
{
    buf_close(&h->incoming);
    buf_close(&h->reading);
    memset((char *)h + offsetof(http_stream, call), 0, sizeof *h - offsetof(http_stream, call));
    h->done = h->timed_out = false;
    h->result = CURLE_OK;
    h->waiter = NULL;
    h->due = 0;
}

void transfer_release(http_stream *h)
{
    client *c = h->home;

    transfer_halt(h);
    clear(h);
    if (c->n_idle >= TRANSFERS_KEPT) {
        transfer_free(h);
        return;
    }
    curl_easy_reset(h->easy);
    list_append(&c->idle, &h->link);
    c->n_idle++;
}
