/* SPDX-License-Identifier: MIT */
/* The two halves of the driver for OpenAI's chat completions. */
#ifndef LLM_OPENAI_H
#define LLM_OPENAI_H

#include "llm/llm_internal.h"

/* openai_body.c: the request. */
void openai_body(scope *s, const llm_request *rq, const llm_quirks *q, buf *out);

/* thinking.c: how each provider is told to think or not, as members of the request. */
void thinking_put(arena *a, const llm_request *rq, void (*put)(void *arg, const char *key, json_t *owned), void *arg);

/* Whether it is one of OpenAI's reasoning models by its name, which take other parameters. */
bool model_reasons(const char *model);

/* Whether the host of the endpoint's URL is `domain` or below it. */
bool endpoint_is(const llm_endpoint *at, const char *domain);

#endif
