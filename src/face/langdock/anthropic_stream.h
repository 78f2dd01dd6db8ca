/* SPDX-License-Identifier: MIT */
/* A model's answer as the events of Anthropic's Messages API, and the words both forms of an answer share. */
#ifndef FACE_LANGDOCK_ANTHROPIC_STREAM_H
#define FACE_LANGDOCK_ANTHROPIC_STREAM_H

#include "face/langdock/openai_shared.h"
#include "net/response.h"

/* Calls the model and streams.  Errors before the first byte are returned.  Parks. */
err anthropic_stream(model_call *c, response *rs);

const char *anthropic_message_id(arena *a);
const char *anthropic_stop_reason(const char *finish, const char *sequence); /* as in llm_delta */
json_t *anthropic_usage(const llm_usage *u);                                 /* new reference */

#endif
