/* SPDX-License-Identifier: MIT */
/*
 * Events that start a conversation: what happened is the first message of the user to whom it belongs
 * (contracts/langdock.md section 5, "Delivery").
 */
#ifndef AGENT_DELIVER_H
#define AGENT_DELIVER_H

#include "base/json.h"
#include "rt/scope.h"

/* All borrowed. */
typedef struct {
    const char *owner_id;   /* who acts */
    const char *agent_id;   /* may be used by the owner */
    const char *session_id; /* of the new conversation; an event that is delivered again has the same one */
    const char *source;     /* for the usage record: "trigger" */
    const json_t *data;     /* becomes JSON text */
    const char *const *attachments;
    size_t n_attachments;
} agent_event;

/* Starts the conversation and returns when the agent has answered, well or not: that is in the conversation.  One that exists
 * already was begun before, and is left alone.  ERR_INVALID when there is no use in trying again: the user, or the agent is
 * gone.  Parks. */
MUST_USE err agent_deliver(scope *s, const agent_event *e);

#endif
