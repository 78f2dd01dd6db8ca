/* SPDX-License-Identifier: MIT */
/*
 * Answers of model providers, from the bytes of the event stream to the deltas.  The first byte picks the driver.  What is
 * held: the calls are numbered without gaps, their names come once and first, nothing follows the end but the usage.
 */
#include <stdlib.h>

#include "llm/llm_internal.h"
#include "rt/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

typedef struct {
    int64_t calls;
    bool stopped, counted;
    size_t bytes; /* summed up, so that every text is read */
} seen;

static void check(const llm_delta *d, seen *so_far)
{
    for (size_t i = 0; i < d->text.len; i++)
        so_far->bytes += (unsigned char)d->text.p[i];
    switch (d->kind) {
    case LLM_TEXT:
    case LLM_REASONING:
        must(d->text.len > 0);
        break;
    case LLM_THOUGHT:
        must(d->text.len > 1 && d->text.p[0] == '{' && d->text.p[d->text.len - 1] == '}');
        break;
    case LLM_TOOL_CALL:
        must(d->index >= 0 && d->index <= so_far->calls && d->index < CALLS_MAX);
        must((d->name != NULL) == (d->index == so_far->calls) && (d->id != NULL) == (d->name != NULL));
        so_far->calls += d->name != NULL;
        break;
    case LLM_STOP:
        must(!so_far->stopped && d->finish != NULL);
        so_far->stopped = true;
        break;
    case LLM_USAGE:
        must(so_far->stopped && !so_far->counted);
        so_far->counted = true;
        break;
    }
}

static void read_stream(scope *s, llm_stream *st, const char *text, size_t len)
{
    sse_reader *r = sse_new(s->arena, KIB(64));
    seen so_far = {0};
    sse_event ev;

    if (sse_feed(r, text, len) != OK)
        return;
    while (!st->ended && sse_next(r, &ev)) {
        st->n_queue = 0;
        if (st->event != NULL)
            arena_reset(st->event);
        if (st->driver->event(s, st, &ev) != OK) {
            must(s->failure.e == ERR_UPSTREAM && s->failure.code != NULL);
            return;
        }
        for (size_t i = 0; i < st->n_queue; i++)
            check(&st->queue[i], &so_far);
    }
    must(!st->ended || so_far.stopped);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    scope s = {.arena = a, .deadline = NO_LIMIT};
    llm_request rq = {.at = {.model = "fuzz", .base_url = "http://127.0.0.1/"}};
    llm_stream st = {.own = &s, .request = &rq, .model = "fuzz", .text = BUF_INIT(MIB(1))};

    if (len > 1) {
        st.driver = bytes[0] % 2 == 0 ? &openai_driver : &anthropic_driver;
        read_stream(&s, &st, (const char *)bytes + 1, len - 1);
    }
    buf_close(&st.text);
    arena_free(a);
    return 0;
}
