/* SPDX-License-Identifier: MIT */
/*
 * Remembering what was said: the search of a conversation's history behind the tool search_memory.
 */
#ifndef AGENT_RECALL_H
#define AGENT_RECALL_H

#include "tool/tool.h"

/* A history_search (tool/tool.h): the messages of the session that share most words with the query, best first; without the
 * newest ones, which the model sees anyway.  Parks. */
MUST_USE err recall_search(scope *s, const tool_context *cx, const char *query, size_t top_k, json_t **out);

#endif
