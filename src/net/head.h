/* SPDX-License-Identifier: MIT */
/*
 * The head of a request: where it ends, and what it says.  Bytes in, no sockets: the fuzzer drives the same code.
 *
 * Two parsers must agree before a head is believed: ours, which is strict about line ends, folding, tokens, Host and
 * lengths and knows the right status for each fault, and llhttp, which then also decodes the body.
 */
#ifndef NET_HEAD_H
#define NET_HEAD_H

#include <llhttp.h>

#include "net/http.h"

enum { HEAD_LINES_MAX = 256, URI_MAX = 8192 };

/* How a request is refused; status 0: it is not. */
typedef struct {
    int status;
    const char *detail;
} refusal;

#define ACCEPTED ((refusal){0, NULL})

typedef enum { SCAN_MORE, SCAN_DONE, SCAN_BAD } scan_result;

/* Zeroed before each head. */
typedef struct {
    uint32_t len;   /* bytes seen */
    uint32_t lines; /* complete ones */
    uint32_t line;  /* bytes of the current line */
    char last;
} head_scan;

/* Looks for the empty line that ends a head, over any number of pieces.  SCAN_DONE: `*used` bytes of this piece belong
 * to it.  SCAN_BAD: a bare LF or a folded line. */
scan_result head_scan_feed(head_scan *sc, const char *bytes, size_t len, size_t *used, refusal *why);

/* A header line as offsets into the head. */
typedef struct {
    uint32_t name, name_len, value, value_len;
} head_line;

typedef struct {
    http_method method;
    bool http10;
    bool keep_alive;
    bool expects_continue;
    bool upgrade;           /* llhttp saw "Upgrade" and "Connection: upgrade" */
    int64_t content_length; /* -1: chunked; 0: no body */
    str path, query;        /* these point into the request_head */
    str host;
    size_t n_lines;
    head_line lines[HEAD_LINES_MAX];
} request_head;

/* Parses a complete head.  `parser` is set up for its body: it was fed the head, with `settings`. */
MUST_USE refusal head_parse(const char *text, size_t len, size_t max_lines, llhttp_t *parser,
                            const llhttp_settings_t *settings, request_head *out);

/* Whether `s` is a token (RFC 9110 section 5.6.2), not empty. */
bool head_is_token(str s);

#endif
