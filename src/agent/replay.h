/* SPDX-License-Identifier: MIT */
/*
 * A history that a client sends whole, as a ledger: what stateless runs begin with.
 *
 * Each message is {"role":"user"|"assistant"|"tool", "content": text or list of content parts, "reasoning_content",
 * "tool_calls":[{"id","name","arguments": JSON text}], "tool_call_id"}.  Calls without result get the "interrupted" one.
 */
#ifndef AGENT_REPLAY_H
#define AGENT_REPLAY_H

#include "agent/ledger.h"
#include "rt/scope.h"

/* Copies everything into the ledger's arena.  ERR_INVALID, code "chat.message_invalid". */
MUST_USE err replay_messages(scope *s, ledger *l, const json_t *messages);

#endif
