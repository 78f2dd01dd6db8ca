/* SPDX-License-Identifier: MIT */
/*
 * The Server-Sent Events reader; see sse.h.
 *
 * Feeding parses at once: a line that arrives whole is read where it lies, a split one is gathered first.  Finished
 * events wait as offsets into `text`, which also holds the data of the event that is still open.
 */
#include "net/sse.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

enum { READY_KEPT = 64 }; /* a burst of events is not paid for by a quiet stream afterwards */

#define NOWHERE SIZE_MAX

typedef struct {
    size_t data_at, data_len;
    size_t type_at, id_at; /* NOWHERE: none */
} ready_event;

struct sse_reader {
    size_t max;
    buf line;       /* the beginning of a line whose end has not come */
    buf text;       /* NUL-terminated strings of the finished events, then the data of the open one */
    size_t data_at; /* where the open event's data begins in `text` */
    buf type;       /* of the open event */
    buf id;         /* last seen; stays from event to event */
    bool has_id;
    bool has_data; /* the open event has a data line, even an empty one */
    bool after_cr; /* a line feed now belongs to the line before */
    bool began;    /* the first line, which may carry a byte order mark, is over */
    err broken;
    ready_event *ready;
    size_t n_ready, cap_ready, taken;
};

static void reader_close(void *arg)
{
    sse_reader *r = arg;

    buf_close(&r->line);
    buf_close(&r->text);
    buf_close(&r->type);
    buf_close(&r->id);
    free(r->ready);
}

sse_reader *sse_new(arena *a, size_t max)
{
    sse_reader *r = arena_one(a, sse_reader);

    r->max = max;
    r->line = r->type = r->id = BUF_INIT(max);
    r->text = BUF_INIT(SIZE_MAX / 2); /* several events may wait; each is held to `max` */
    arena_defer(a, reader_close, r);
    return r;
}

static size_t put_string(buf *b, const buf *from)
{
    size_t at = b->len;

    buf_add(b, buf_str(from), from->len);
    buf_putc(b, '\0');
    return at;
}

static void finish_event(sse_reader *r)
{
    ready_event *e;

    if (r->has_data) {
        if (r->n_ready == r->cap_ready) {
            r->cap_ready = r->cap_ready == 0 ? 4 : r->cap_ready * 2;
            r->ready = mem_realloc(r->ready, r->cap_ready * sizeof *r->ready);
        }
        e = &r->ready[r->n_ready++];
        *e = (ready_event){.data_at = r->data_at, .type_at = NOWHERE, .id_at = NOWHERE};
        e->data_len = r->text.len - r->data_at - 1; /* without the last line feed, which becomes the NUL */
        r->text.data[r->text.len - 1] = '\0';
        if (r->type.len > 0)
            e->type_at = put_string(&r->text, &r->type);
        if (r->has_id)
            e->id_at = put_string(&r->text, &r->id);
    }
    r->data_at = r->text.len;
    r->has_data = false;
    buf_reset(&r->type);
}

static err take_field(sse_reader *r, str name, str value)
{
    if (str_is(name, "data")) {
        if (r->text.len - r->data_at + value.len > r->max)
            return ERR_TOO_LARGE;
        buf_add(&r->text, value.p, value.len);
        buf_putc(&r->text, '\n');
        r->has_data = true;
    } else if (str_is(name, "event")) {
        buf_reset(&r->type);
        buf_add(&r->type, value.p, value.len);
    } else if (str_is(name, "id") && memchr(value.p, '\0', value.len) == NULL) {
        buf_reset(&r->id);
        buf_add(&r->id, value.p, value.len);
        r->has_id = true;
    }
    return OK; /* "retry" is for browsers; unknown fields are ignored */
}

static err take_line(sse_reader *r, str line)
{
    const char *colon;
    str name = line, value = {"", 0};

    if (!r->began && str_starts(line, "\xef\xbb\xbf"))
        name = line = (str){line.p + 3, line.len - 3};
    r->began = true;
    if (line.len == 0) {
        finish_event(r);
        return OK;
    }
    if ((colon = memchr(line.p, ':', line.len)) == line.p)
        return OK; /* a comment */
    if (colon != NULL) {
        name.len = (size_t)(colon - line.p);
        value = (str){colon + 1, line.len - name.len - 1};
        if (value.len > 0 && value.p[0] == ' ')
            value = (str){value.p + 1, value.len - 1};
    }
    return take_field(r, name, value);
}

/* A line end was found: `tail` is what this feed has of the line. */
static err end_line(sse_reader *r, str tail)
{
    err e;

    if (tail.len > r->max - r->line.len)
        return ERR_TOO_LARGE;
    if (r->line.len == 0)
        return take_line(r, tail);
    buf_add(&r->line, tail.p, tail.len);
    e = take_line(r, (str){r->line.data, r->line.len});
    buf_reset(&r->line);
    return e;
}

static err parse(sse_reader *r, const char *p, const char *end)
{
    const char *lf = NULL; /* the next line feed; found once, not anew for each carriage return before it */

    while (p < end) {
        const char *stop;

        if (r->after_cr && *p == '\n')
            p++;
        r->after_cr = false;
        if (p == end)
            break;
        if (lf == NULL || lf < p)
            lf = memchr(p, '\n', (size_t)(end - p));
        lf = lf != NULL ? lf : end;
        stop = memchr(p, '\r', (size_t)(lf - p));
        stop = stop != NULL ? stop : lf;
        if (stop == end) {
            if ((size_t)(end - p) > r->max - r->line.len)
                return ERR_TOO_LARGE;
            buf_add(&r->line, p, (size_t)(end - p));
            break;
        }
        TRY(end_line(r, (str){p, (size_t)(stop - p)}));
        r->after_cr = *stop == '\r';
        p = stop + 1;
    }
    return OK;
}

err sse_feed(sse_reader *r, const char *bytes, size_t len)
{
    assert(r->taken == r->n_ready || r->broken != OK);
    if (r->broken != OK)
        return r->broken;
    buf_consume(&r->text, r->data_at);
    r->data_at = 0;
    r->n_ready = r->taken = 0;
    if (r->cap_ready > READY_KEPT) {
        free(r->ready);
        r->ready = NULL;
        r->cap_ready = 0;
    }
    if (len > 0)
        r->broken = parse(r, bytes, bytes + len);
    return r->broken;
}

bool sse_next(sse_reader *r, sse_event *out)
{
    const ready_event *e;

    if (r->taken == r->n_ready)
        return false;
    e = &r->ready[r->taken++];
    out->event = e->type_at != NOWHERE ? r->text.data + e->type_at : "message";
    out->data = (str){r->text.data + e->data_at, e->data_len};
    out->id = e->id_at != NOWHERE ? r->text.data + e->id_at : NULL;
    return true;
}

bool sse_pending(const sse_reader *r)
{
    return r->has_data || r->type.len > 0 || (r->line.len > 0 && r->line.data[0] != ':');
}
