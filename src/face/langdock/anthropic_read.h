/* SPDX-License-Identifier: MIT */
/* Requests of Anthropic's Messages API as calls of any model. */
#ifndef FACE_LANGDOCK_ANTHROPIC_READ_H
#define FACE_LANGDOCK_ANTHROPIC_READ_H

#include "face/langdock/openai_shared.h"

typedef struct {
    const char *model;
    json_t *messages, *system, *tools, *tool_choice, *thinking, *stop_sequences, *metadata;
    int64_t max_tokens, top_k;
    double temperature, top_p;
    bool stream;
} anthropic_body;

/* Fills the call.  ERR_INVALID says what is wrong.  Parks. */
MUST_USE err anthropic_read(request *rq, const anthropic_body *in, model_call *out);

#endif
