/* SPDX-License-Identifier: MIT */
/*
 * From a stored provider and model to an endpoint that can be called.
 */
#ifndef LLM_SERVE_H
#define LLM_SERVE_H

#include "llm/llm.h"
#include "model/provider.h"

/* Opens the keys; texts and params live in `a`.  The endpoint may be on a private address only when the system or an
 * administrator configured it.  Parks. */
MUST_USE err serve_endpoint(scope *s, arena *a, const served_model *sm, llm_endpoint *out);

/* The driver for a requester's name ("anthropic-messages"): most are dialects of chat completions. */
const char *serve_driver(const char *requester);

#endif
