/* SPDX-License-Identifier: MIT */
/* The built-in prompt texts by language: prompt_text.c is data only. */
#ifndef AGENT_PROMPT_TEXT_H
#define AGENT_PROMPT_TEXT_H

typedef struct {
    const char *language;
    const char *role;        /* one %s: the agent's name */
    const char *rules;       /* how to work and to answer */
    const char *todo;        /* when there is a task list tool */
    const char *turn_status; /* when a turn is ended by a tool */
    const char *until_text;  /* when it is ended by an answer */
    const char *answer_in;   /* one %s: the response language */
    const char *files;       /* before the workspace's files; one %s: its directory */
    const char *reminders;   /* what <system_reminder> and <runtime_context> are */
} prompt_texts;

/* Never NULL: English when there is no such language. */
const prompt_texts *prompt_texts_for(const char *language);

#endif
