/* SPDX-License-Identifier: MIT */
/* See model_wire.h. */
#include "face/langdock/model_wire.h"

#include "base/clock.h"
#include "rt/sleep.h"

static const int64_t silence = SECONDS(15);

static err begin(model_wire *w)
{
    w->begun = true;
    reply_header(w->rs, "Cache-Control", "no-cache");
    reply_header(w->rs, "X-Accel-Buffering", "no");
    return reply_begin(w->rs, 200, "text/event-stream");
}

static err write_whole(model_wire *w, scope *s, const char *bytes, size_t len)
{
    err e;

    TRY(sem_take(s, &w->writing));
    e = w->begun ? OK : begin(w);
    if (e == OK)
        e = reply_write(w->rs, bytes, len);
    w->due = clock_mono() + silence;
    sem_give(&w->writing);
    return e;
}

/* A client that is gone ends the request anyhow. */
static err keep_alive(scope *s, void *arg)
{
    model_wire *w = arg;

    while (sleep_for(s, MAX_OF(w->due - clock_mono(), 0)) == OK)
        if (clock_mono() >= w->due && write_whole(w, s, w->sign, strlen(w->sign)) != OK)
            break;
    return OK;
}

void model_wire_start(model_wire *w, request *rq, response *rs, const char *sign)
{
    *w = (model_wire){.rs = rs, .sign = sign, .due = clock_mono() + silence, .alive = scope_child(rq->scope, NO_LIMIT)};
    sem_setup(&w->writing, 1);
    scope_spawn(w->alive, keep_alive, w);
}

err model_wire_send(model_wire *w, request *rq, buf *out)
{
    err e = out->len > 0 ? write_whole(w, rq->scope, out->data, out->len) : OK;

    buf_reset(out);
    return e;
}

void model_wire_stop(model_wire *w)
{
    scope_close(w->alive);
}
