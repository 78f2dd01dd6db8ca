/* SPDX-License-Identifier: MIT */
/*
 * Frames of a script's process must read the same wherever they are cut: the input is fed whole and in pieces whose lengths
 * come from its first byte, and both must give the same frames or the same refusal.
 */
#include "script/frames.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static err feed_all(const char *text, size_t len, size_t step, buf *out)
{
    frame_reader r;
    err e = OK;

    frames_open(&r);
    for (size_t at = 0; at < len && e == OK; at += step) {
        str part = {text + at, MIN_OF(step, len - at)};
        script_frame f;

        while (frames_next(&r, &part, &f, &e)) {
            if (f.type < WIRE_READY || f.type > WIRE_LIMITS || f.json.len > WIRE_JSON_MAX ||
                f.json.len + f.bytes.len > WIRE_MAX)
                abort();
            buf_printf(out, "%u %u %zu %zu ", f.type, f.id, f.json.len, f.bytes.len);
            buf_add(out, f.json.p, f.json.len + f.bytes.len);
        }
        if (e == OK && part.len > 0)
            abort();
        if (r.body.cap > 4 * len + 4096) /* memory follows what came, not what was claimed */
            abort();
    }
    frames_close(&r);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    arena *a = arena_new(NULL);
    buf *whole = buf_new(a, SIZE_MAX / 2), *pieces = buf_new(a, SIZE_MAX / 2);

    if (len > 1) {
        const char *text = (const char *)bytes + 1;
        err e = feed_all(text, len - 1, len, whole);

        if (feed_all(text, len - 1, 1 + bytes[0] % 32, pieces) != e)
            abort();
        if (whole->len != pieces->len || memcmp(buf_str(whole), buf_str(pieces), whole->len) != 0)
            abort();
    }
    arena_free(a);
    return 0;
}
