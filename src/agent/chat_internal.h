/* SPDX-License-Identifier: MIT */
/* What the files of a chat turn share: chat.c its life, chat_plan.c and chat_messages.c its preparation, chat_store.c what is
 * written of it. */
#ifndef AGENT_CHAT_INTERNAL_H
#define AGENT_CHAT_INTERNAL_H

#include "agent/agent_internal.h"
#include "agent/chat.h"
#include "agent/resolve.h"
#include "model/turn.h"
#include "rt/fiber.h"

#define NO_AGENT "default_agent" /* stands where an agent's id is needed and there is none */

typedef struct {
    scope *s; /* of the run: closed by its fiber */
    run *run;
    plan plan;
    ledger *ledger;
    agent_outcome outcome;
    run_row row;
    bool thinks;                                              /* the agent does, unless a message says otherwise */
    bool is_new;                                              /* the session has no conversation yet */
    bool stateless;                                           /* and will have none */
    enum { BEGIN_PENDING, BEGIN_STORED, BEGIN_FAILED } begun; /* the write that begins the turn */
    fiber *waits_for_begin;
} chat;

/* chat.c: as chat_configure() left it. */
const chat_settings *chat_configured(void);

/* chat_plan.c: everything that the run needs after the request is gone, in its own scope. */
err chat_make_plan(scope *prep, chat *c, const chat_request *rq, const merged_config *m);
void chat_think_by_default(chat *c); /* as the agent does, else as the model is configured */

/* chat_messages.c: the request's messages join the ledger; a message whose id is there already replaces that one. */
err chat_join_messages(scope *prep, chat *c, const json_t *messages);
/* The last user message is answered again. */
err chat_join_rerun(scope *prep, chat *c);

/* chat_store.c: the entries that the database does not have as they are; they count as stored from here on. */
size_t chat_take_unstored(const ledger *l, arena *a, message_row **out);
/* A plan's `save`. */
err chat_save_progress(scope *s, void *arg);
/* The write that ends a turn, in a scope of its own: the run's has perhaps been cancelled. */
err chat_save_end(scope *s, chat *c, run_status status, const char *reason);
/* The user knows that the turn failed; when there is space again, say, the records shall know it too. */
void chat_mark_failed_later(scope *root, chat *c);

#endif
