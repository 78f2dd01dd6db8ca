/* SPDX-License-Identifier: MIT */
/* A run's log as the source of a response; see follow.h. */
#include "store/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef struct {
    source src;
    run *run;
    run_reader *reader;
    void (*render)(void *state, const run *r, const event *ev, buf *out);
    void (*close_state)(void *state);
    const char *too_slow;
    char *abandoned;
    bool no_end;
    size_t most_lag;               /* what was there at the start is no fault of the client */
    _Alignas(void *) char state[]; /* of the face */
} follower;

static size_t lag_limit = MIB(8);

void follow_set_limit(size_t bytes)
{
    lag_limit = bytes;
}

static void on_ready(void *arg)
{
    follower *f = arg;

    source_ready(&f->src);
}

static source_state pull(source *src, buf *out, size_t room)
{
    follower *f = CONTAINER_OF(src, follower, src);
    size_t start = out->len;
    event ev;

    if (run_reader_lag(f->reader) > f->most_lag) {
        if (f->too_slow != NULL)
            buf_puts(out, f->too_slow);
        return SOURCE_END;
    }
    while (out->len - start < room) {
        if (!run_reader_next(f->reader, &ev)) {
            if (!run_reader_done(f->reader))
                return SOURCE_WAIT;
            return f->no_end && run_state(f->run) == RUN_INTERRUPTED ? SOURCE_CUT : SOURCE_END;
        }
        f->render(f->state, f->run, &ev, out);
    }
    return SOURCE_MORE;
}

static void on_close(source *src)
{
    follower *f = CONTAINER_OF(src, follower, src);

    run_reader_close(f->reader);
    if (f->abandoned != NULL)
        run_interrupt(f->run, f->abandoned);
    run_unref(f->run);
    if (f->close_state != NULL)
        f->close_state(f->state);
    free(f->abandoned);
    free(f);
}

err run_follow(response *rs, run *r, const follow_spec *spec)
{
    follower *f;

    f = mem_zalloc(1, sizeof *f + spec->state_size);
    f->src = (source){.pull = pull, .close = on_close, .idle_text = spec->idle_text, .idle_after = spec->idle_after};
    f->run = run_ref(r);
    f->render = spec->render;
    f->close_state = spec->close;
    f->too_slow = spec->too_slow;
    f->abandoned = mem_strdup(spec->abandoned);
    f->no_end = spec->no_end;
    if (spec->state_size > 0)
        memcpy(f->state, spec->state, spec->state_size);
    f->reader = run_reader_open(r, on_ready, f);
    f->most_lag = lag_limit + run_reader_lag(f->reader);
    return reply_follow(rs, 200, spec->type, &f->src);
}
