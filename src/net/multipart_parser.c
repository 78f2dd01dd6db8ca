/* SPDX-License-Identifier: MIT */
/*
 * The framing of multipart bodies (RFC 2046 section 5.1.1), fed piece by piece.
 *
 * Part headers are collected up to a limit.  Part data is passed on as it comes, but for a tail that could be the
 * beginning of a delimiter: at most "\r\n--" and the boundary are ever held back.
 */
#include <string.h>

#include "base/buf.h"
#include "net/head.h"
#include "net/multipart_internal.h"

enum {
    BOUNDARY_MAX = 70,
    PARTS_MAX = 1000,
    HEADERS_MAX = 16384,   /* bytes of a part's */
    HEADER_LINES_MAX = 32, /* and lines, which cost more memory than bytes */
    PADDING_MAX = 256,
    DELIMITER_MAX = BOUNDARY_MAX + 4
};

typedef enum {
    PREAMBLE,
    AFTER_BOUNDARY, /* "--" ends all, padding and CR LF begin a part */
    CLOSING,        /* one '-' was seen */
    LINE_END,       /* CR was seen */
    HEADERS,
    DATA,
    EPILOGUE,
    BROKEN
} parse_state;

struct multipart_parser {
    multipart_events events;
    void *arg;
    arena *memory; /* of the headers of the current part */
    parse_state state;
    char delimiter[DELIMITER_MAX + 1]; /* "\r\n--boundary" */
    size_t delimiter_len;
    size_t matched; /* bytes of the delimiter seen so far */
    size_t padding;
    size_t parts;
    buf headers;
    const char *why;
};

static void close_parser(void *arg)
{
    multipart_parser *p = arg;

    buf_close(&p->headers);
}

multipart_parser *multipart_parser_new(arena *a, const char *boundary, const multipart_events *events, void *arg)
{
    multipart_parser *p = arena_one(a, multipart_parser);
    size_t len = MIN_OF(strlen(boundary), (size_t)BOUNDARY_MAX);

    p->events = *events;
    p->arg = arg;
    p->memory = arena_new(a);
    memcpy(p->delimiter, "\r\n--", 4);
    memcpy(p->delimiter + 4, boundary, len);
    p->delimiter_len = len + 4;
    p->matched = 2; /* the first one needs no line break before it */
    p->headers = BUF_INIT(HEADERS_MAX);
    arena_defer(a, close_parser, p);
    return p;
}

static err broken(multipart_parser *p, err e, const char *why)
{
    p->state = BROKEN;
    p->why = why;
    return e;
}

/* ---- part headers ---- */

static bool add_header(multipart_parser *p, str line, http_headers *out)
{
    const char *colon = memchr(line.p, ':', line.len);
    str name, value;

    if (colon == NULL)
        return false;
    name = (str){line.p, (size_t)(colon - line.p)};
    value = str_trim((str){colon + 1, line.len - name.len - 1});
    if (!head_is_token(name))
        return false;
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.p[i] < 0x20 && value.p[i] != '\t')
            return false;
    http_headers_add(p->memory, out, str_dup(p->memory, name), str_dup(p->memory, value));
    return true;
}

static err begin_part(multipart_parser *p)
{
    str rest = {p->headers.data, p->headers.len - 2}, line; /* without the empty line */
    http_headers h = {0};

    arena_reset(p->memory);
    while (rest.p != NULL && rest.len > 0) {
        ptrdiff_t end = str_find(rest, STR("\r\n"));

        line = (str){rest.p, end >= 0 ? (size_t)end : rest.len};
        rest = end >= 0 ? (str){rest.p + end + 2, rest.len - (size_t)end - 2} : (str){NULL, 0};
        if (h.count == HEADER_LINES_MAX)
            return broken(p, ERR_TOO_LARGE, "a part has too many headers");
        if (!add_header(p, line, &h))
            return broken(p, ERR_INVALID, "malformed header of a part");
    }
    buf_reset(&p->headers);
    p->state = DATA;
    p->matched = 0;
    p->events.on_part(p->arg, &h);
    return OK;
}

/* Takes header bytes up to the empty line; how many in `*used`. */
static err feed_headers(multipart_parser *p, const char *bytes, size_t len, size_t *used)
{
    for (size_t i = 0; i < len; i++) {
        const buf *h = &p->headers;

        buf_putc(&p->headers, bytes[i]);
        if (!buf_ok(h))
            return broken(p, ERR_TOO_LARGE, "the headers of a part are too large");
        if (bytes[i] == '\n' && ((h->len == 2 && h->data[0] == '\r') ||
                                 (h->len >= 4 && memcmp(h->data + h->len - 4, "\r\n\r\n", 4) == 0))) {
            *used = i + 1;
            return begin_part(p);
        }
    }
    *used = len;
    return OK;
}

/* ---- data ---- */

static void pass_on(multipart_parser *p, const char *bytes, size_t len)
{
    if (p->state == DATA && len > 0)
        p->events.on_data(p->arg, bytes, len);
}

static void end_part(multipart_parser *p)
{
    if (p->state == DATA)
        p->events.on_part_end(p->arg);
    p->state = AFTER_BOUNDARY;
    p->padding = 0;
}

/*
 * Looks for the delimiter.  CR occurs in it only as its first byte, so a mismatch means that all matched bytes were data,
 * and matching begins anew with the byte at hand.
 */
static size_t feed_data(multipart_parser *p, const char *bytes, size_t len)
{
    size_t i = 0, data = 0; /* bytes[data..i) are data not yet passed on */

    while (i < len) {
        if (p->matched == 0) {
            const char *cr = memchr(bytes + i, '\r', len - i);

            i = cr != NULL ? (size_t)(cr - bytes) : len;
            pass_on(p, bytes + data, i - data);
            data = i;
            if (cr == NULL)
                break;
        }
        if (bytes[i] != p->delimiter[p->matched]) {
            pass_on(p, p->delimiter, p->matched); /* what was held back looks the same */
            p->matched = 0;
            data = i;
            if (bytes[i] != '\r') /* else it may begin a delimiter itself */
                i++;
            continue;
        }
        i++;
        p->matched++;
        data = i;
        if (p->matched == p->delimiter_len) {
            end_part(p);
            return i;
        }
    }
    if (p->matched == 0)
        pass_on(p, bytes + data, i - data);
    return len;
}

/* ---- between ---- */

static err after_boundary(multipart_parser *p, char c)
{
    if (p->state == CLOSING) {
        if (c != '-')
            return broken(p, ERR_INVALID, "malformed boundary line");
        p->state = EPILOGUE;
    } else if (p->state == LINE_END) {
        if (c != '\n')
            return broken(p, ERR_INVALID, "malformed boundary line");
        if (++p->parts > PARTS_MAX)
            return broken(p, ERR_TOO_LARGE, "too many parts");
        p->state = HEADERS;
    } else if (c == '-' && p->padding == 0) {
        p->state = CLOSING;
    } else if (c == '\r') {
        p->state = LINE_END;
    } else if ((c != ' ' && c != '\t') || ++p->padding > PADDING_MAX) {
        return broken(p, ERR_INVALID, "malformed boundary line");
    }
    return OK;
}

err multipart_step(multipart_parser *p, const char *bytes, size_t len, size_t *used, const char **why)
{
    err e = OK;

    *used = 1;
    switch (p->state) {
    case PREAMBLE:
    case DATA:
        *used = feed_data(p, bytes, len);
        break;
    case AFTER_BOUNDARY:
    case CLOSING:
    case LINE_END:
        e = after_boundary(p, *bytes);
        break;
    case HEADERS:
        e = feed_headers(p, bytes, len, used);
        break;
    case EPILOGUE:
        *used = len;
        break;
    case BROKEN:
        e = ERR_INVALID;
        break;
    }
    if (e != OK && why != NULL)
        *why = p->why;
    return e;
}

err multipart_feed(multipart_parser *p, const char *bytes, size_t len, const char **why)
{
    while (len > 0) {
        size_t used;

        TRY(multipart_step(p, bytes, len, &used, why));
        bytes += used;
        len -= used;
    }
    return OK;
}

bool multipart_complete(const multipart_parser *p)
{
    return p->state == EPILOGUE;
}
