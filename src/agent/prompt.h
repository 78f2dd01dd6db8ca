/* SPDX-License-Identifier: MIT */
/*
 * Prompt assembly: the system messages of a request and the runtime context around the latest user message
 * (contracts/sage-agent-runtime.md section 4).
 */
#ifndef AGENT_PROMPT_H
#define AGENT_PROMPT_H

#include "agent/ledger.h"

typedef struct {
    const char *language;          /* "en", "zh", "pt": of the texts */
    const char *response_language; /* "en-US" …: what the user reads */
    const char *role;              /* the agent's own system prompt; NULL: the built-in one */
    const char *agent_name;        /* in the built-in one */
    const char *workspace;         /* or NULL */
    const json_t *system_context;  /* of the run, or NULL */
    const char *todo;              /* the unfinished tasks, or NULL */
    const char *files;             /* what is in the workspace, a line each, or NULL */
    bool has_todo, has_tools, turn_status;
} prompt_spec;

/* The built-in role text, as /api/agent/template/default_system_prompt gives it.  In `a`. */
char *prompt_default_role(arena *a, const char *language, const char *agent_name);

/* The stable system message. */
char *prompt_system(arena *a, const prompt_spec *p);

/* The text that goes before the user's own in the latest message; the text after it is PROMPT_AFTER_USER. */
char *prompt_before_user(arena *a, const prompt_spec *p, int64_t now);
#define PROMPT_AFTER_USER "\n</user_request>"

/* Which prompt language a response language means. */
const char *prompt_language(const char *response_language);

#endif
