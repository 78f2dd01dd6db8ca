/* SPDX-License-Identifier: MIT */
/* The HTTP client of a loop: made at the first call, closed with the loop; and the time limits of its streams. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/client_internal.h"
#include "rt/loop.h"

static THREAD_LOCAL client *this_client;

/* --- limits --- */

void transfer_wake(http_stream *h)
{
    if (h->waiter != NULL)
        fiber_wake(h->waiter);
}

static void set_alarm(http_stream *h, int64_t ns)
{
    wheel_set(&h->home->limits, &h->limit, uv_now(h->home->uv) + (uint64_t)(ns / MILLISECONDS(1)) + 1);
}

static void on_limit(wheel_entry *e)
{
    http_stream *h = CONTAINER_OF(e, http_stream, limit);
    int64_t left = h->due - clock_mono();

    if (h->waiter == NULL && !h->lingering)
        return; /* nobody waits for the other side */
    if (left > 0) {
        set_alarm(h, left);
        return;
    }
    if (h->lingering) {
        h->via->release(h);
        return;
    }
    h->timed_out = true;
    transfer_wake(h);
}

void transfer_limit(http_stream *h, int64_t ns)
{
    if (ADD_OVERFLOWS(clock_mono(), ns, &h->due))
        h->due = NO_LIMIT;
    set_alarm(h, ns);
}

void transfer_progress(http_stream *h)
{
    if (h->idle_limit > 0 && ADD_OVERFLOWS(clock_mono(), h->idle_limit, &h->due))
        h->due = NO_LIMIT;
    transfer_wake(h);
}

void transfer_done(http_stream *h, http_failure failed, const char *why)
{
    h->done = true;
    h->failed = failed;
    h->why = why;
    transfer_wake(h);
}

/* --- life --- */

static void on_limits_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, client, limits.timer));
}

static void client_close(void *arg)
{
    client *c = arg;

    this_client = NULL;
    curl_close(c);
    plain_close(c);
    assert(c->limits.count == 0); /* streams are closed with their scopes, which ended before the root's */
    wheel_close(&c->limits, on_limits_closed);
}

static client *client_new(loop *l)
{
    client *c = mem_zalloc(1, sizeof *c);

    c->loop = l;
    c->uv = loop_uv(l);
    wheel_open(&c->limits, c->uv, on_limit);
    uv_unref((uv_handle_t *)&c->limits.timer);
    scope_defer(loop_root(l), client_close, c);
    return c;
}

/* Not inlined, so that the address of the thread-local is not kept across a park. */
__attribute__((noinline)) client *client_of(scope *s)
{
    assert(s->loop == loop_self());
    if (this_client == NULL)
        this_client = client_new(s->loop);
    return this_client;
}
