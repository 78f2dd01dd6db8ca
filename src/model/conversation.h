/* SPDX-License-Identifier: MIT */
/*
 * Conversations and their messages.
 *
 * A message's place is its seq: 1, 2, 3 … without gaps, because only the tail is ever deleted.  A run's writes go through
 * turn.h, which puts them into one commit; the functions here are for reading and editing.
 */
#ifndef MODEL_CONVERSATION_H
#define MODEL_CONVERSATION_H

#include "db/db.h"
#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *session_id; /* chosen by the client; opaque; at most 255 bytes */
    const char *user_id;    /* "default_user" for anonymous callers */
    const char *agent_id;   /* NULL: none */
    const char *agent_name; /* NULL: none */
    const char *title;
    const char *parent_id; /* session of the parent run, or NULL; children are left out of lists */
    const char *state;     /* JSON object: what the runtime keeps between runs (todo list, summaries); NULL: {} */
    bool shared;           /* readable by everybody who knows the id */
    int64_t message_count;
    int64_t user_count, agent_count; /* messages of these roles; counted in lists only */
    int64_t created_at, updated_at;
} conversation_row;

typedef struct {
    int64_t seq;            /* 0 when not stored yet */
    const char *message_id; /* unique in its session */
    const char *role;       /* "user", "assistant", "tool", "system" */
    const char *type;       /* NULL: none */
    const char *body;       /* JSON object: the whole message */
    int64_t created_at;     /* 0: now */
} message_row;

/* ERR_NOT_FOUND, code "conversation.not_found", also when it is not theirs. */
MUST_USE err conversation_find(scope *s, owned_by who, const char *session_id, conversation_row **out);

typedef enum { CONVERSATIONS_BY_DATE, CONVERSATIONS_BY_TITLE, CONVERSATIONS_BY_SIZE } conversation_order;
typedef struct {
    owned_by who;
    const char *user_id;  /* only this user's (for `anyone`); NULL: all */
    const char *agent_id; /* NULL: of any agent */
    const char *search;   /* part of the title or session id, taken literally; NULL: all */
    conversation_order order;
    page page;
} conversation_filter;
MUST_USE err conversation_list(scope *s, const conversation_filter *f, conversation_row **out, size_t *n,
                               int64_t *total);
MUST_USE err conversation_children(scope *s, const char *session_id, conversation_row **out,
                                   size_t *n); /* oldest first */

MUST_USE err conversation_set_title(scope *s, owned_by who, const char *session_id, const char *title);
MUST_USE err conversation_set_shared(scope *s, owned_by who, const char *session_id, bool shared);
MUST_USE err conversation_set_state(scope *s, const char *session_id, const char *state);

/* With its messages and those of its children. */
MUST_USE err conversation_delete(scope *s, owned_by who, const char *session_id);

/* In order, those with seq > after; `limit` 0 means 1000 and is the most.  No rows for an unknown session. */
MUST_USE err message_list(scope *s, const char *session_id, int64_t after, int64_t limit, message_row **out, size_t *n);
MUST_USE err message_list_last(scope *s, const char *session_id, int64_t limit, message_row **out,
                               size_t *n); /* in order */

/* Every message, however many and large: `take` gets one after another, for as long as the call. */
typedef err (*message_taker)(scope *s, const message_row *m, void *arg);
MUST_USE err message_each(scope *s, const char *session_id, message_taker take, void *arg);
MUST_USE err message_find(scope *s, const char *session_id, const char *message_id, message_row **out);

/* Appends; a message whose id the session has already is replaced in its place.  ERR_CONFLICT (code
 * "conversation.not_found") when there is no such session.  All or nothing. */
MUST_USE err message_put(scope *s, const char *session_id, const message_row *rows, size_t n);

/* Deletes those with seq > after. */
MUST_USE err message_delete_after(scope *s, const char *session_id, int64_t after, int64_t *deleted);

/* For flow.h: deletes what was said in runs of a flow, or of all flows in a folder, when that is theirs. */
void conversation_add_delete_of_flow(db_batch *b, owned_by who, const char *flow_id);
void conversation_add_delete_of_folder(db_batch *b, owned_by who, const char *folder_id);

/* For turn.h: the same as parts of a batch. */
void message_add_to(db_batch *b, const char *session_id, const message_row *row);
void conversation_add_touch(db_batch *b, const char *session_id, int64_t now);

#endif
