/* SPDX-License-Identifier: MIT */
/*
 * The ledger: the ordered messages of a session as a run sees them, and their conversion into a model request
 * (contracts/sage-agent-runtime.md sections 3.2 and 5.1).
 *
 * Entries are whole messages; deltas never get here.  No entry is a system message: those are made anew for each request.
 */
#ifndef AGENT_LEDGER_H
#define AGENT_LEDGER_H

#include "base/map.h"
#include "llm/llm.h"

typedef struct {
    const char *id; /* UUID */
    llm_role role;
    const char *type; /* "user_input", "do_subtask_result", "tool_call", "tool_call_result" … */
    const char *text; /* content as text; NULL when there is none or it is `parts` */
    json_t *parts;    /* content as a list of parts, or NULL */
    const char *reasoning;
    const char *thoughts; /* of a message with calls, for its model only: as in llm_message */
    const llm_tool_call *calls;
    size_t n_calls;
    const char *tool_call_id; /* of a tool result */
    json_t *metadata;         /* object, or NULL when empty */
    const char *agent_name;
    int64_t time;        /* clock_wall() */
    bool stored;         /* is in the database as it stands here */
    const char *context; /* of a user message: the runtime context before it, frozen for the run; never stored */
} entry;

typedef struct {
    arena *a;
    entry **items;
    size_t n, cap;
} ledger;

ledger *ledger_new(arena *a);

/* Appends; the entry and what it points to must live as long as the ledger. */
entry *ledger_add(ledger *l, entry e);
entry *ledger_find(const ledger *l, const char *id); /* NULL when absent */

/* The last user message that a person wrote; NULL when there is none. */
entry *ledger_last_user(const ledger *l);

/* Gives every tool call without result the synthetic "interrupted" one, as must be before a user message is added. */
void ledger_settle(ledger *l);

/* The stored form of an entry: one JSON object, text in `a`; and back. */
char *entry_write(arena *a, const entry *e);
MUST_USE err entry_read(arena *a, const char *id, const char *role, const char *type, int64_t time, const char *body,
                        entry *out);

/* What it says, as text: images and the like by their address, or as nothing but that they are there. */
void entry_put_text(buf *b, const entry *e);

/* Marks an entry's metadata, making the object when there is none. */
void entry_mark(ledger *l, entry *e, const char *key, json_t *owned);
const char *entry_meta_str(const entry *e, const char *key); /* NULL when absent */
bool entry_meta_true(const entry *e, const char *key);
bool entry_failed(const entry *e); /* the result of a tool that said so */

/*
 * The messages that a request carries, in `a`: without what is not for the model, covered ranges replaced by their summary,
 * calls and results paired so that no provider refuses them.
 */
size_t ledger_view(const ledger *l, arena *a, llm_message **out);

/* One half of a pair made by the runtime that stands for other messages (section 5.3); what a client sends is none. */
bool entry_is_summary(const entry *e);

/* The ids of the messages that summaries stand for; NULL when nothing was summarised.  For map_free(). */
map *ledger_covered(const ledger *l);

/* Tokens, by character classes: an estimate (section 5.2). */
int64_t tokens_of_text(str s);
int64_t tokens_of_messages(const llm_message *m, size_t n);

#endif
