/* SPDX-License-Identifier: MIT */
/*
 * multipart/form-data (RFC 7578), read as it arrives: no part is held in memory unless asked for.
 */
#ifndef NET_MULTIPART_H
#define NET_MULTIPART_H

#include "net/request.h"

typedef struct multipart multipart;

typedef struct {
    const char *name;     /* of the form field */
    const char *filename; /* as sent, path parts cut off; NULL for plain fields */
    const char *type;     /* Content-Type or "text/plain" */
} part;

/* ERR_INVALID when the request is not multipart/form-data or its boundary is bad. */
MUST_USE err multipart_open(request *rq, multipart **out);

/* The next part; skips what is left of the current one.  *found false at the end.  Parks.  ERR_INVALID for broken framing,
 * ERR_TOO_LARGE for more than 1000 parts, or 32 lines or 16 KiB of part headers. */
MUST_USE err multipart_next(multipart *m, part *out, bool *found);

/* The current part piece by piece: *len = 0 at its end.  Parks. */
MUST_USE err multipart_read(multipart *m, void *bytes, size_t cap, size_t *len);

/* The whole current part, at most `max` bytes, NUL-terminated, in the request's arena. */
MUST_USE err multipart_text(multipart *m, size_t max, str *out);

/* Streams the current part into a new file (0600; must not exist).  On error nothing is left behind. */
MUST_USE err multipart_to_file(multipart *m, const char *path, int64_t max, int64_t *size);

/* The framing alone, for the fuzzer and for reading multipart that did not come as a request: feed bytes, get events. */
typedef struct multipart_parser multipart_parser;
typedef struct {
    void (*on_part)(void *arg, const http_headers *headers);
    void (*on_data)(void *arg, const char *bytes, size_t len);
    void (*on_part_end)(void *arg);
} multipart_events;
multipart_parser *multipart_parser_new(arena *a, const char *boundary, const multipart_events *events, void *arg);
MUST_USE err multipart_feed(multipart_parser *p, const char *bytes, size_t len, const char **why);
bool multipart_complete(const multipart_parser *p); /* the closing boundary was seen */

#endif
