/* SPDX-License-Identifier: MIT */
/* The two halves of the demo driver: deciding what to answer, and streaming it. */
#ifndef LLM_DEMO_H
#define LLM_DEMO_H

#include "llm/llm_internal.h"

enum { DEMO_CALLS_MAX = 8 };

typedef struct {
    const char *text;     /* what is said before any call */
    const char *thoughts; /* or NULL */
    llm_tool_call calls[DEMO_CALLS_MAX];
    size_t n_calls;
} demo_answer;

/* demo_plan.c: always the same answer to the same request. */
void demo_plan(arena *a, const llm_request *rq, demo_answer *out);

/* The text of a message, its parts joined by line breaks; never NULL. */
const char *demo_text(arena *a, const llm_message *m);

#endif
