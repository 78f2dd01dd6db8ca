/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the framing of multipart bodies.  The first byte is the size of the pieces; how the bytes are cut must make no
 * difference, and events must come in order.
 */
#include "net/multipart.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

typedef struct {
    buf log;
    size_t parts;
    bool open;
} record;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void on_part(void *arg, const http_headers *headers)
{
    record *r = arg;

    require(!r->open && ++r->parts <= 1000);
    r->open = true;
    buf_puts(&r->log, "[");
    for (size_t i = 0; i < headers->count; i++)
        buf_printf(&r->log, "%s: %s\n", headers->items[i].name, headers->items[i].value);
    buf_puts(&r->log, "]");
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    record *r = arg;

    require(r->open && len > 0);
    buf_add(&r->log, bytes, len);
}

static void on_part_end(void *arg)
{
    record *r = arg;

    require(r->open);
    r->open = false;
    buf_puts(&r->log, ";");
}

static void run(record *r, const uint8_t *data, size_t size, size_t step)
{
    static const multipart_events events = {on_part, on_data, on_part_end};
    arena *a = arena_new(NULL);
    multipart_parser *p = multipart_parser_new(a, "BB", &events, r);
    char *copy = arena_memdup(a, data, size);
    err e = OK;

    *r = (record){.log = BUF_INIT(MIB(16))};
    for (size_t i = 0; i < size && e == OK; i += step) {
        const char *why = NULL;

        e = multipart_feed(p, copy + i, MIN_OF(step, size - i), &why);
        require((e == OK) == (why == NULL));
    }
    require(!multipart_complete(p) || (e == OK && !r->open));
    buf_printf(&r->log, "%s %d", err_name(e), multipart_complete(p));
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    record whole, pieces;

    if (size < 2)
        return 0;
    run(&whole, data + 1, size - 1, size);
    run(&pieces, data + 1, size - 1, (size_t)data[0] % 16 + 1);
    require(whole.log.len == pieces.log.len && memcmp(whole.log.data, pieces.log.data, whole.log.len) == 0);
    buf_close(&whole.log);
    buf_close(&pieces.log);
    return 0;
}
