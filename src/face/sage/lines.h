/* SPDX-License-Identifier: MIT */
/*
 * Sage's stream format: one JSON object a line (contracts/sage-chat-agents.md section 2).
 */
#ifndef FACE_SAGE_LINES_H
#define FACE_SAGE_LINES_H

#include "base/buf.h"
#include "store/run.h"

/* The state of one stream; goes through run_follow(). */
typedef struct {
    bool progress;     /* tool_progress objects too */
    uint64_t skip;     /* lines that the client has already */
    uint64_t produced; /* lines so far, skipped ones included */
} lines_state;

void lines_render(void *state, const run *r, const event *ev, buf *out);

/* How many lines the log has so far, as a stream with these settings would number them. */
uint64_t lines_count(run *r, bool progress);

/* A tool result's text as clients see it: long snippets cut, inline images removed (section 2.3).  In `a`, or `text` itself. */
const char *lines_clean_result(arena *a, const char *text);

#endif
