/* SPDX-License-Identifier: MIT */
/* The two halves of the driver for Anthropic's messages. */
#ifndef LLM_ANTHROPIC_H
#define LLM_ANTHROPIC_H

#include "llm/llm_internal.h"

/* anthropic_body.c: the request. */
void anthropic_body(scope *s, const llm_request *rq, const llm_quirks *q, buf *out);

#endif
