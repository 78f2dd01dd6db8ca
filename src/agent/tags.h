/* SPDX-License-Identifier: MIT */
/*
 * Tags that clients put into user texts: control tags at the front, <skill> anywhere; and the title of a conversation
 * (contracts/sage-chat-agents.md sections 3.1 and 3.7).
 */
#ifndef AGENT_TAGS_H
#define AGENT_TAGS_H

#include "llm/llm.h"

typedef struct {
    bool plan_given, plan;
    bool thinking_given;
    llm_thinking thinking;
    const char *level; /* "minimal" … "max", or NULL */
} control_tags;

/* Reads the control tags at the very start of `text` and returns what is left (in `a`). */
const char *tags_take(arena *a, const char *text, control_tags *out);

/* Of a content in parts: the first that is text, which is where tags stand and what titles are made of; NULL: none. */
json_t *tags_text_part(const json_t *parts);

/* The title that a conversation gets from its first text: tags removed, white space collapsed, at most 50 characters and
 * "...".  "" when nothing is left. */
char *tags_title(arena *a, const char *text);

#endif
