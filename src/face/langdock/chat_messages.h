/* SPDX-License-Identifier: MIT */
/* Messages as clients of agents and assistants send them, made into the history that a run begins with (agent/replay.h). */
#ifndef FACE_LANGDOCK_CHAT_MESSAGES_H
#define FACE_LANGDOCK_CHAT_MESSAGES_H

#include "net/route.h"

typedef struct {
    json_t *messages;      /* for a stateless run */
    const char *system;    /* texts of the system messages; NULL: none */
    size_t files;          /* taken so far */
    bool tools_take_files; /* in: what the model cannot read is noted for it, instead of refused */
} chat_history_in;

/* UI messages, {role, parts:[…], metadata:{attachments}}, and those of the assistants API, {role, content, attachmentIds}.
 * ERR_INVALID says which message is wrong.  Parks. */
MUST_USE err chat_read_messages(request *rq, const json_t *list, chat_history_in *out);

#endif
