/* SPDX-License-Identifier: MIT */
/*
 * NDJSON must read the same wherever the network cuts it: the input is fed whole and in pieces whose lengths come from its
 * first byte, and both must give the same lines or the same refusal.
 */
#include <stdlib.h>

#include "net/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { MAX_LINE = 128 };

static void put_line(buf *out, str line)
{
    if (line.len > MAX_LINE || line.p[line.len] != '\0' || str_trim(line).len == 0)
        abort();
    buf_add(out, line.p, line.len);
    buf_putc(out, '\n');
}

/* Lines before a refusal are left out: how many come depends on where the bytes were cut. */
static err feed_all(arena *a, const char *text, size_t len, size_t step, buf *out)
{
    ndjson_reader *r = ndjson_new(a, MAX_LINE);
    str line;

    for (size_t at = 0; at < len; at += step) {
        err e = ndjson_feed(r, text + at, MIN_OF(step, len - at));

        if (e != OK) {
            buf_reset(out);
            return e;
        }
        while (ndjson_next(r, &line))
            put_line(out, line);
    }
    if (ndjson_rest(r, &line))
        put_line(out, line);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    buf *whole = buf_new(a, SIZE_MAX / 2), *pieces = buf_new(a, SIZE_MAX / 2);
    err e;

    if (len > 1) {
        const char *text = (const char *)bytes + 1;

        e = feed_all(a, text, len - 1, len, whole);
        if (feed_all(a, text, len - 1, 1 + bytes[0] % 16, pieces) != e)
            abort();
        if (whole->len != pieces->len || memcmp(buf_str(whole), buf_str(pieces), whole->len) != 0)
            abort();
    }
    arena_free(a);
    return 0;
}
