/* SPDX-License-Identifier: MIT */
/* Decoding request bodies; see incoming.h. */
#include "net/incoming.h"

/* A sender of one-byte chunks has an overhead of 5 bytes each; what is far above that is an attack by chunk extensions. */
enum { OVERHEAD_FREE = 16384, OVERHEAD_PER_BYTE = 16 };

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct request_body *b = parser->data;

    if (b == NULL)
        return -1;
    b->received += (int64_t)len;
    if (b->received > b->max)
        return -1;
    if (!b->discard)
        buf_add(&b->data, at, len);
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct request_body *b = parser->data;

    if (b != NULL)
        b->complete = true;
    return HPE_PAUSED;
}

const llhttp_settings_t incoming_settings = {.on_body = on_body, .on_message_complete = on_message_complete};

void incoming_init(struct request_body *b, const llhttp_t *parser, int64_t max)
{
    b->parser = *parser;
    b->parser.data = b;
    b->max = max;
    b->data = BUF_INIT(SIZE_MAX - 1); /* the server stops reading long before */
}

void incoming_close(struct request_body *b)
{
    buf_close(&b->data);
}

void incoming_fail(struct request_body *b, err e, const char *why)
{
    if (b->complete || b->error != OK)
        return;
    b->error = e;
    b->why = why;
}

err incoming_feed(struct request_body *b, const char *bytes, size_t len, size_t *used)
{
    int64_t before = b->received;
    llhttp_errno_t e;

    *used = 0;
    if (b->error != OK)
        return b->error;
    e = llhttp_execute(&b->parser, bytes, len);
    if (b->received > b->max) {
        incoming_fail(b, ERR_TOO_LARGE, "the request body is too large");
        return b->error;
    }
    if (b->complete) {
        const char *stop = llhttp_get_error_pos(&b->parser);

        *used = e == HPE_OK || stop == NULL ? len : (size_t)(stop - bytes);
        return OK;
    }
    *used = len;
    if (e != HPE_OK) {
        incoming_fail(b, ERR_INVALID, "malformed chunked body");
        return b->error;
    }
    b->overhead += len - (size_t)(b->received - before);
    if (b->overhead > OVERHEAD_FREE + (size_t)b->received * OVERHEAD_PER_BYTE) {
        incoming_fail(b, ERR_TOO_LARGE, "too much framing in the request body");
        return b->error;
    }
    return OK;
}
