/* SPDX-License-Identifier: MIT */
/* The chunks of a run (ui_stream.h) gathered into one message: for clients that wait for the whole answer. */
#ifndef FACE_LANGDOCK_UI_GATHER_H
#define FACE_LANGDOCK_UI_GATHER_H

#include "face/langdock/ui_stream.h"

typedef struct {
    arena *a;
    json_t *parts;           /* of the message, as clients of the stream would build them */
    buf *text;               /* of the last step */
    buf *all_text;           /* of all steps */
    json_t *result;          /* the same run as messages of the assistants API: tool calls, tool results, text */
    buf *piece;              /* of the block that is open */
    json_t *calls, *results; /* of the step that is open, in the form of `result` */
    const char *message_id;
    bool failed, aborted, done;
    const char *code, *reason; /* why it failed */
} ui_gathered;

void ui_gather_init(ui_gathered *g, arena *a, const char *message_id);
void ui_gather(void *gathered, const ui_chunk *c); /* a ui_sink */

#endif
