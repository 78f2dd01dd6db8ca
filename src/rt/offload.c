/* SPDX-License-Identifier: MIT */
/* Work on libuv's thread pool; see offload.h. */
#include "rt/offload.h"

#include "rt/fiber.h"
#include "rt/loop.h"

typedef struct {
    uv_work_t req;
    void (*fn)(void *arg);
    void *arg;
    fiber *waiter;
    bool done;
    int status; /* UV_ECANCELED when it never ran */
} work;

static void run(uv_work_t *req)
{
    work *w = req->data;

    w->fn(w->arg);
}

static void on_done(uv_work_t *req, int status)
{
    work *w = req->data;

    w->status = status;
    w->done = true;
    fiber_wake(w->waiter);
}

err offload(scope *s, void (*fn)(void *arg), void *arg)
{
    work w = {.req.data = &w, .fn = fn, .arg = arg, .waiter = fiber_self()};
    err e;

    TRY(scope_check(s));
    if (uv_queue_work(loop_uv(s->loop), &w.req, run, on_done) != 0)
        return fail(s, ERR_INTERNAL, "cannot queue work for the thread pool");
    do
        e = fiber_park(s);
    while (e == OK && !w.done);
    if (w.done)
        return OK;
    uv_cancel((uv_req_t *)&w.req); /* refused once it has begun */
    while (!w.done)
        fiber_park_shielded();
    return e;
}
