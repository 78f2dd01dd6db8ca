/* SPDX-License-Identifier: MIT */
/* What chats with agents and assistants share: one order, carried out by a stateless run. */
#ifndef FACE_LANGDOCK_CHAT_SHARED_H
#define FACE_LANGDOCK_CHAT_SHARED_H

#include "face/langdock/ui_gather.h"
#include "net/route.h"

typedef struct {
    const char *agent_id;   /* of a saved agent; or NULL */
    const json_t *agent;    /* an agent of this request alone; or NULL */
    const json_t *messages; /* as sent */
    const json_t *output;   /* as sent; NULL: text */
    bool stream;
    int64_t max_steps;
    const char *id_field, *agent_field; /* their names in this family: "agentId", "agent" */
    /* The answer to a client that waits; `value`: the structured output, or NULL.  New reference. */
    json_t *(*answer)(const ui_gathered *g, json_t *value);
} chat_order;

/* Answers with the run's stream or its result.  Errors before the first byte have a status of their own.  Parks. */
err dock_chat(request *rq, response *rs, const chat_order *order);

extern const schema dock_inline_agent_schema;

#endif
