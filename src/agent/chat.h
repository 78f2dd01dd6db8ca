/* SPDX-License-Identifier: MIT */
/*
 * Chat turns: from what a face was asked to a run that goes on by itself.
 *
 * chat_start() finds the agent, its model and its tools, enters the run, stores the user's messages, and lets the agent loop
 * go in a fiber of its own.  Everything that can fail before the first event fails here, so that a face can still answer with
 * a status.  When the run ends, its messages, usage and status are stored in one write before watchers see the end.
 */
#ifndef AGENT_CHAT_H
#define AGENT_CHAT_H

#include "agent/agent.h"
#include "model/owned.h"

/* Of the installation; set once before the loops start. */
typedef struct {
    const char *workspaces; /* directory: USER/AGENT below it */
    int64_t run_timeout;    /* longest run */
    completion_mode until;
    size_t max_parallel_tools;
    int64_t default_max_loops; /* for agents that do not say; 0: a request must */
} chat_settings;
void chat_configure(const chat_settings *settings);

/* What is asked for.  Everything may be NULL or 0 but `messages`; what a saved agent says and what the request says are merged by
 * the rules of contracts/sage-chat-agents.md section 3.2.  All borrowed until chat_start() returns. */
typedef struct {
    const char *user_id; /* NULL: anonymous */
    bool admin;
    const char *session_id; /* NULL: a new conversation with an id of ours */
    const json_t *messages; /* array of {role, content, message_id?, metadata?, reasoning_content?} */
    const char *agent_id;
    bool agent_optional; /* an unknown agent id is ignored */
    const char *agent_name;
    const char *agent_mode; /* "simple", "fibre", "team" */
    int64_t max_loops;
    const json_t *available_tools;
    const char *system_prefix;
    const json_t *system_context;
    const char *approval_mode; /* of shell commands, as in tool/policy.h; like the next: before the system context's */
    const json_t *command_policy; /* the same */
    const json_t *model_config;   /* base_url, api_key, model, max_tokens … */
    const char *provider_id;
    const char *fast_provider_id;  /* a cheaper one, for side calls */
    const char *language;          /* of the caller ("en-US"): the response language when nothing else says one */
    const char *source;            /* "api/chat" …: for the usage record */
    const char *empty_title;       /* of a conversation whose first text is blank */
    bool managed;                  /* the run does not depend on its client */
    bool shows_progress;           /* of the tools, in its client's stream */
    bool rerun;                    /* answer the conversation as it stands; `messages` may be empty */
    bool stateless;                /* nothing is kept but the usage; `messages` are all there is (agent/replay.h) */
    bool only_named_tools;         /* no tools in `available_tools`: none, instead of all */
    const json_t *actions;         /* of integrations, as in tool_context; a saved agent's own win */
    const json_t *attachments;     /* ids of the user's files that the model is to know; a saved agent's own win */
    const char *system_suffix;     /* behind the system prompt, whosever it is */
    const json_t *params;          /* for the model: temperature … */
    const json_t *response_format; /* of every answer */
    const char *replace;           /* a live run of the session is interrupted with this reason; NULL: ERR_BUSY */
} chat_request;

/*
 * Codes of failures: "chat.messages_empty", "chat.max_loops_required", "chat.session_id_invalid", "chat.message_invalid", "agent.not_found",
 * "agent.denied", "agent.disabled", "provider.not_found", "provider.no_default", "run.busy", "run.unwinding", "conversation.not_yours",
 * "conversation.no_rerunnable" (a rerun without any user message) and those of the database.  On success the caller has a reference to the run.  Parks.
 */
MUST_USE err chat_start(scope *s, const chat_request *rq, run **out);

/* workspace.c: where the agent's files of this user are.  In `a`. */
char *chat_workspace(arena *a, const char *user_id, const char *agent_id);
MUST_USE err chat_make_workspace(scope *s, const char *path); /* OK when it is there already */

/* Deletes the agent, if they may, with the files that it kept for its users.  Errors are those of agent_delete().  Parks. */
MUST_USE err chat_delete_agent(scope *s, owned_by who, const char *id);

/* The ledger of a session as stored, oldest first. */
MUST_USE err chat_history(scope *s, arena *a, const char *session_id, ledger **out);

/* Whether people are to see the message; what else is in a ledger is between the runtime and the model. */
bool chat_shows(const entry *e);

/* edit.c: the conversation goes back to its last user message, whose text is replaced; that of an array is its first text
 * part.  A run of the session is interrupted first. */
typedef struct {
    const char *session_id;
    const char *text;
    const char *reason;      /* of the interrupt */
    const char *empty_title; /* as in a request */
} chat_edit;
typedef struct {
    ledger *ledger; /* as it is now; the last entry is the edited one */
    const char *title;
} chat_edited;

/* Codes: "conversation.edit_empty", "conversation.no_editable", "conversation.not_found", "run.busy" and "run.unwinding".  Parks. */
MUST_USE err chat_edit_last(scope *s, const chat_edit *edit, chat_edited *out);

/* Interrupts the session's run, and deletes the conversation with its messages; what was said cannot be resumed either.
 * Whose it is has been checked.  "conversation.not_found", "run.busy", "run.unwinding".  Parks. */
MUST_USE err chat_delete(scope *s, const char *session_id, const char *reason);

#endif
