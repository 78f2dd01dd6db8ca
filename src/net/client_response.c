/* SPDX-License-Identifier: MIT */
/* The parser of answers; see client_response.h. */
#include "net/client_response.h"

#include "net/client_internal.h"

/* A sender of one-byte chunks has an overhead of 5 bytes each; what is far above that is an attack by chunk extensions. */
enum { OVERHEAD_FREE = RESPONSE_HEAD_MAX + 16384, OVERHEAD_PER_BYTE = 16 };

static int broken(response *r, const char *why)
{
    if (r->why == NULL)
        r->why = why;
    return -1;
}

/* --- the head --- */

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
    response *r = parser->data;

    if (!r->head_done) /* else a trailer: nobody asks for those */
        buf_add(&r->line, at, len);
    return 0;
}

static int on_name_end(llhttp_t *parser)
{
    response *r = parser->data;

    r->name_len = r->line.len;
    if (!r->head_done)
        buf_putc(&r->line, '\0');
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    return on_name(parser, at, len);
}

static int on_value_end(llhttp_t *parser)
{
    response *r = parser->data;
    str value;

    if (r->head_done)
        return 0;
    if (r->name_len == 0)
        return broken(r, "a header without a name");
    if (r->headers->count == RESPONSE_HEADERS_MAX)
        return broken(r, "too many headers");
    value = str_trim((str){r->line.data + r->name_len + 1, r->line.len - r->name_len - 1});
    http_headers_add(r->memory, r->headers, arena_strndup(r->memory, r->line.data, r->name_len),
                     str_dup(r->memory, value));
    buf_reset(&r->line);
    return 0;
}

/* What the headers say about the length of the body. */
typedef struct {
    bool length, encoding, chunked;
} framing;

static bool read_framing(response *r, framing *f)
{
    for (size_t i = 0; i < r->headers->count; i++) {
        const http_header *h = &r->headers->items[i];

        if (str_is_nocase(str_of(h->name), "content-length")) {
            if (f->length)
                return false;
            f->length = true;
        } else if (str_is_nocase(str_of(h->name), "transfer-encoding")) {
            if (f->encoding)
                return false;
            f->encoding = true;
            f->chunked = str_is_nocase(str_of(h->value), "chunked");
        }
    }
    return !f->encoding || (f->chunked && !f->length);
}

static bool has_no_body(const response *r, int status)
{
    return r->no_body || status == 204 || status == 304;
}

/* 1 tells llhttp that no body follows. */
static int on_head(llhttp_t *parser)
{
    response *r = parser->data;
    int status = parser->status_code;
    framing f = {0};

    if (parser->http_major != 1 || status < 100 || status > 999)
        return broken(r, "not an HTTP/1 answer");
    if (status == 101)
        return broken(r, "a change of protocol that nobody asked for");
    if (status < 200) {
        *r->headers = (http_headers){0}; /* 100 and 103 are followed by the real one */
        return 1;
    }
    if (!read_framing(r, &f))
        return broken(r, "contradictory lengths of the body");
    buf_close(&r->line);
    r->head_done = true;
    r->reusable = !(f.encoding && parser->http_minor == 0) && (status != 204 || (!f.encoding && !f.length));
    return has_no_body(r, status) ? 1 : 0;
}

/* --- the body --- */

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    response *r = parser->data;

    if (!r->head_done || has_no_body(r, parser->status_code))
        return broken(r, "a body where there is none");
    r->received += len;
    if (r->body != NULL)
        buf_add(r->body, at, len);
    return 0;
}

static int on_end(llhttp_t *parser)
{
    response *r = parser->data;

    if (!r->head_done)
        return 0; /* of an interim answer */
    r->complete = true;
    r->reusable = r->reusable && llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_field_complete = on_name_end,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
};

/* --- the whole --- */

void response_begin(response *r, bool to_head, arena *memory, http_headers *headers, buf *body)
{
    *r = (response){.memory = memory, .headers = headers, .body = body, .no_body = to_head};
    r->line = BUF_INIT(RESPONSE_HEAD_MAX + 1);
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    r->parser.data = r;
}

void response_close(response *r)
{
    buf_close(&r->line);
}

/* Where llhttp stopped: behind a complete answer nothing may follow. */
static void check_rest(response *r, llhttp_errno_t e, const char *end)
{
    const char *stop = llhttp_get_error_pos(&r->parser);

    if (e != HPE_PAUSED || stop == NULL || stop != end)
        r->reusable = false;
}

static bool feed(response *r, const char *bytes, size_t len)
{
    llhttp_errno_t e;

    if (r->complete) {
        r->reusable = false;
        return true;
    }
    e = llhttp_execute(&r->parser, bytes, len);
    r->seen += len;
    if (r->complete) {
        check_rest(r, e, bytes + len);
        return true;
    }
    if (e != HPE_OK)
        return broken(r, e == HPE_INVALID_CHUNK_SIZE ? "a malformed chunk" : "not an HTTP answer") == 0;
    if (!r->head_done && r->seen > RESPONSE_HEAD_MAX)
        return broken(r, "the head is too long") == 0;
    if (r->head_done && r->seen - r->received > OVERHEAD_FREE + r->received * OVERHEAD_PER_BYTE)
        return broken(r, "too much framing in the body") == 0;
    return true;
}

bool response_feed(response *r, const char *bytes, size_t len)
{
    while (len > 0 && r->why == NULL) {
        size_t piece = len;

        if (!r->head_done) /* so that a head cannot be longer than the limit by more than a byte */
            piece = MIN_OF(len, RESPONSE_HEAD_MAX + 1 - (size_t)r->seen);
        if (!feed(r, bytes, piece))
            return false;
        bytes += piece;
        len -= piece;
    }
    return r->why == NULL;
}

bool response_end(response *r)
{
    if (!r->complete && r->head_done && r->why == NULL)
        llhttp_finish(&r->parser);
    r->reusable = false;
    return r->complete;
}

int response_status(const response *r)
{
    return r->parser.status_code;
}
