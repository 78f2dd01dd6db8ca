/* SPDX-License-Identifier: MIT */
/*
 * Finding out whether a provider works, and what its model can do (contracts/sage-knowledge-tools.md section 5.2, "Probes").
 *
 * Each asks once, without retries, within a time limit of its own.  *answer is what the model said, in the scope's arena.
 */
#ifndef LLM_PROBE_H
#define LLM_PROBE_H

#include "llm/llm.h"

/* One greeting, ten seconds.  OK as soon as the provider has begun to answer. */
MUST_USE err llm_probe_connection(scope *s, const llm_endpoint *at, const char **answer);

/* The colour of a small image, thirty seconds.  *recognised (false on error, too): the answer names it. */
MUST_USE err llm_probe_images(scope *s, const llm_endpoint *at, const char **answer, bool *recognised);

/* A JSON object on request, twenty seconds: whether the answer is one is for the caller to see. */
MUST_USE err llm_probe_structured(scope *s, const llm_endpoint *at, const char **answer);

#endif
