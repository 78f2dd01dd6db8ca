/* SPDX-License-Identifier: MIT */
/*
 * A run as the platform's clients see it: steps with text, reasoning, tool calls and their results
 * (contracts/langdock.md section 6.4).
 *
 * Events of the run's log become chunks, in an order that clients check: what is begun is ended, a call's input is whole before
 * its result.  A sink writes them as a stream (ui_chunk_write) or gathers them into an answer (ui_gather.h).
 */
#ifndef FACE_LANGDOCK_UI_STREAM_H
#define FACE_LANGDOCK_UI_STREAM_H

#include "base/json.h"
#include "store/run.h"

typedef enum {
    UI_START, /* id: of the message */
    UI_STEP,
    UI_STEP_END,
    UI_TEXT_START, /* id: of the block, as in the next two */
    UI_TEXT,       /* text */
    UI_TEXT_END,
    UI_REASONING_START,
    UI_REASONING,
    UI_REASONING_END,
    UI_CALL,           /* id: of the call, as in those below; name: of the tool */
    UI_CALL_ARGUMENTS, /* text: a piece */
    UI_CALL_INPUT,     /* name, value */
    UI_CALL_BAD_INPUT, /* name, value: the text as it came; text: why */
    UI_RESULT,         /* name, value */
    UI_RESULT_ERROR,   /* name, text */
    UI_ERROR,          /* text; name: the code, or NULL */
    UI_ABORT,
    UI_FINISH,
    UI_DONE /* always last */
} ui_kind;

typedef struct {
    ui_kind kind;
    const char *id, *name;
    str text;
    json_t *value;
} ui_chunk;

typedef void (*ui_sink)(void *arg, const ui_chunk *c);

typedef struct ui_stream ui_stream;

/* Lives in `a`; `session_id` is the run's: what others say in it is left out. */
ui_stream *ui_stream_new(arena *a, const char *session_id, const char *message_id);

/* Does not park. */
void ui_stream_event(ui_stream *u, const event *ev, ui_sink sink, void *arg);

/* As one event of the stream: "data: {…}\n\n". */
void ui_chunk_write(buf *out, const ui_chunk *c);

#endif
