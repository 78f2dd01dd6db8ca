/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes answers to plain requests.  The first byte is the size of the pieces, and whether HEAD was asked.  How the bytes are
 * cut must make no difference, and what is understood must be sound.
 */
#include <stdlib.h>
#include <string.h>

#include "net/client_response.h"

enum { BODY_ROOM = 1 << 20 };

typedef struct {
    response r;
    http_headers headers;
    buf body;
    bool well, ends;
} reader;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_headers(const http_headers *h)
{
    for (size_t i = 0; i < h->count; i++) {
        require(h->items[i].name[0] != '\0' && strpbrk(h->items[i].name, ": \t\r\n") == NULL);
        require(strpbrk(h->items[i].value, "\r\n") == NULL);
    }
}

static void run(reader *x, arena *a, const char *p, size_t len, size_t step, bool to_head)
{
    *x = (reader){.well = true, .body = BUF_INIT(BODY_ROOM)};
    response_begin(&x->r, to_head, a, &x->headers, &x->body);
    for (size_t at = 0; at < len && x->well; at += step)
        x->well = response_feed(&x->r, p + at, MIN_OF(step, len - at));
    require(x->well == (x->r.why == NULL));
    if (x->r.head_done) {
        require(response_status(&x->r) >= 200 && response_status(&x->r) != 101);
        check_headers(&x->headers);
        require(!to_head || x->body.len == 0);
        require(x->body.len == x->r.received);
    }
    require(!x->r.complete || x->r.head_done);
    if (x->well) {
        x->ends = response_end(&x->r);
        require(x->ends || !x->r.complete);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena *a;
    reader whole, pieces;
    bool to_head;
    char *copy;

    if (size < 2 || (copy = malloc(size)) == NULL) /* exact, so that a read past the end is seen */
        return 0;
    a = arena_new(NULL);
    memcpy(copy, data, size);
    to_head = data[0] >= 128;
    run(&whole, a, copy + 1, size - 1, size, to_head);
    run(&pieces, a, copy + 1, size - 1, (size_t)data[0] % 16 + 1, to_head);
    require(whole.well == pieces.well && whole.ends == pieces.ends);
    require(!whole.well || (whole.r.complete == pieces.r.complete && whole.headers.count == pieces.headers.count));
    require(!whole.well || (whole.body.len == pieces.body.len &&
                            memcmp(buf_str(&whole.body), buf_str(&pieces.body), whole.body.len) == 0));
    response_close(&whole.r);
    response_close(&pieces.r);
    buf_close(&whole.body);
    buf_close(&pieces.body);
    free(copy);
    arena_free(a);
    return 0;
}
