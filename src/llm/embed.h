/* SPDX-License-Identifier: MIT */
/*
 * Embedding models: texts in, vectors out.
 *
 * Servers that speak OpenAI's embeddings are called as they are for chat: address guard, failover over keys, errors with the
 * codes of llm/llm.h.  The demo driver hashes words: deterministic, offline, and good for nothing but trying things out; texts that share
 * words are near each other.  The endpoint's params are sent along; what is asked here wins.
 */
#ifndef LLM_EMBED_H
#define LLM_EMBED_H

#include "llm/llm.h"

enum { EMBED_INPUTS_MAX = 2048, EMBED_DIMENSIONS_MAX = 16384, EMBED_DEMO_DIMENSIONS = 256 };

typedef struct {
    llm_endpoint at;
    const json_t *input; /* array of texts, or of lists of token numbers */
    int64_t dimensions;  /* 0: the model's own */
} embed_request;

typedef struct {
    const float **vectors; /* one for each input, in their order */
    size_t n;
    size_t dimensions; /* of each */
    int64_t tokens;    /* of the inputs; an estimate when the provider does not say */
    const char *model; /* as the provider says, or as asked */
} embeddings;

/* Whether a driver has embeddings. */
bool llm_embeds(const char *driver);

/* Everything in `a`.  ERR_UNSUPPORTED, code "llm.no_embeddings", for drivers without.  Parks. */
MUST_USE err llm_embed(scope *s, arena *a, const embed_request *rq, embeddings *out);

#endif
