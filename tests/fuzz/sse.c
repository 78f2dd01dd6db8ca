/* SPDX-License-Identifier: MIT */
/*
 * Server-Sent Events must read the same wherever the network cuts them: the input is fed whole and in pieces whose
 * lengths come from its first byte, and both must give the same events or the same refusal.
 */
#include "net/sse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { MAX_EVENT = 256 };

static void drain(sse_reader *r, buf *out)
{
    sse_event e;

    while (sse_next(r, &e)) {
        if (e.data.len > MAX_EVENT || e.data.p[e.data.len] != '\0')
            abort();
        buf_printf(out, "%s\x1f%s\x1f", e.event, e.id != NULL ? e.id : "\x1e");
        buf_add(out, e.data.p, e.data.len);
        buf_putc(out, '\x1d');
    }
}

static err feed_all(arena *a, const char *text, size_t len, size_t step, buf *out, bool *pending)
{
    sse_reader *r = sse_new(a, MAX_EVENT);
    err e = OK;

    for (size_t at = 0; at < len && e == OK; at += step) {
        e = sse_feed(r, text + at, MIN_OF(step, len - at));
        drain(r, out);
    }
    *pending = sse_pending(r);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    buf *whole = buf_new(a, SIZE_MAX / 2), *pieces = buf_new(a, SIZE_MAX / 2);
    bool pending_whole, pending_pieces;
    err e;

    if (len > 1) {
        const char *text = (const char *)bytes + 1;

        e = feed_all(a, text, len - 1, len, whole, &pending_whole);
        if (feed_all(a, text, len - 1, 1 + bytes[0] % 16, pieces, &pending_pieces) != e)
            abort();
        if (whole->len != pieces->len || memcmp(buf_str(whole), buf_str(pieces), whole->len) != 0)
            abort();
        if (e == OK && pending_whole != pending_pieces)
            abort();
    }
    arena_free(a);
    return 0;
}
