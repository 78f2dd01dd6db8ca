/* SPDX-License-Identifier: MIT */
/* The NDJSON reader: lines of a stream, whatever pieces it comes in; see sse.h. */
#include "net/sse.h"

struct ndjson_reader {
    size_t max;
    buf text;        /* what was fed and not yet given out */
    size_t at;       /* where the next line begins in it */
    size_t searched; /* there is no line feed before this */
    size_t open;     /* length of the line that has no end yet */
    err broken;
};

static void reader_close(void *arg)
{
    buf_close(&((ndjson_reader *)arg)->text);
}

ndjson_reader *ndjson_new(arena *a, size_t max)
{
    ndjson_reader *r = arena_one(a, ndjson_reader);

    r->max = max;
    r->text = BUF_INIT(SIZE_MAX / 2); /* several lines may wait; each is held to `max` */
    arena_defer(a, reader_close, r);
    return r;
}

/* Follows the length of the line that is open now through `bytes`; false when one is too long. */
static bool lengths_ok(ndjson_reader *r, const char *bytes, size_t len)
{
    const char *p = bytes, *end = bytes + len;

    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        size_t part = (size_t)((lf != NULL ? lf : end) - p);

        if (part > r->max - r->open)
            return false;
        if (lf == NULL) {
            r->open += part;
            return true;
        }
        r->open = 0;
        p = lf + 1;
    }
    return true;
}

err ndjson_feed(ndjson_reader *r, const char *bytes, size_t len)
{
    if (r->broken != OK || len == 0)
        return r->broken;
    if (!lengths_ok(r, bytes, len))
        return r->broken = ERR_TOO_LARGE;
    buf_consume(&r->text, r->at);
    r->searched -= r->at;
    r->at = 0;
    buf_add(&r->text, bytes, len);
    return OK;
}

/* Cuts the carriage return of a CRLF; `text` has room for the NUL at its end. */
static str line_of(char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\r')
        len--;
    text[len] = '\0';
    return (str){text, len};
}

bool ndjson_next(ndjson_reader *r, str *line)
{
    while (r->broken == OK && r->searched < r->text.len) {
        char *begin = r->text.data + r->at;
        char *lf = memchr(r->text.data + r->searched, '\n', r->text.len - r->searched);
        str found;

        if (lf == NULL) {
            r->searched = r->text.len;
            return false;
        }
        r->at = r->searched = (size_t)(lf + 1 - r->text.data);
        found = line_of(begin, (size_t)(lf - begin));
        if (str_trim(found).len > 0) {
            *line = found;
            return true;
        }
    }
    return false;
}

bool ndjson_rest(ndjson_reader *r, str *line)
{
    str rest;

    if (r->broken != OK || r->at >= r->text.len)
        return false;
    rest = line_of(r->text.data + r->at, r->text.len - r->at);
    r->at = r->searched = r->text.len;
    if (str_trim(rest).len == 0)
        return false;
    *line = rest;
    return true;
}
