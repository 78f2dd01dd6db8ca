/* SPDX-License-Identifier: MIT */
/*
 * Readers for event streams: Server-Sent Events (WHATWG HTML section 9.2.6) and NDJSON.  Feed bytes as they come, take events.
 */
#ifndef NET_SSE_H
#define NET_SSE_H

#include "base/buf.h"
#include "base/str.h"

typedef struct {
    const char *event; /* "message" when the field was absent */
    str data;          /* lines joined by \n; NUL-terminated */
    const char *id;    /* last seen, or NULL */
} sse_event;

typedef struct sse_reader sse_reader;

/* An event longer than `max` bytes is an error.  Lives in `a`. */
sse_reader *sse_new(arena *a, size_t max);

/* ERR_TOO_LARGE when an event passes the maximum.  All events must be taken before the next feed. */
MUST_USE err sse_feed(sse_reader *r, const char *bytes, size_t len);

/* The next complete event, borrowed until the next call.  An event without its empty line at the end of the stream is
 * dropped, as the standard says: sse_pending() tells. */
bool sse_next(sse_reader *r, sse_event *out);
bool sse_pending(const sse_reader *r);

typedef struct ndjson_reader ndjson_reader;
ndjson_reader *ndjson_new(arena *a, size_t max);
MUST_USE err ndjson_feed(ndjson_reader *r, const char *bytes, size_t len);
bool ndjson_next(ndjson_reader *r,
                 str *line); /* blank lines are skipped; NUL-terminated; borrowed until the next call */
bool ndjson_rest(ndjson_reader *r, str *line); /* what is left without a line end, at the end of the stream */

#endif
