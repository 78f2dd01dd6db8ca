/* SPDX-License-Identifier: MIT */
/*
 * What a chat turn writes: its beginning and its end, each in one commit.
 *
 * Beginning: the conversation (made when new), the user's messages, and the run as "running".  End: the messages that
 * came of it, the run's status and usage, and the conversation's time.  These are the hottest writes of the server: keep
 * them few.
 */
#ifndef MODEL_TURN_H
#define MODEL_TURN_H

#include "model/conversation.h"
#include "model/run_log.h"

typedef struct {
    owned_by who; /* may an existing conversation be continued by others than its owner? */
    const conversation_row
        *conversation;           /* as it is to be when new; of an existing one only the time (and agent) changes */
    const message_row *messages; /* of the user; put as message_put() does */
    size_t n_messages;
    const run_row *run; /* id, session_id, user_id, agent_id, source, started_at */
} turn_start;

/* ERR_CONFLICT, code "conversation.not_yours": the session id belongs to somebody else. */
MUST_USE err turn_begin(scope *s, const turn_start *t);

/* Messages during a run, so that a long one loses little when the process dies. */
MUST_USE err turn_progress(scope *s, const char *session_id, const message_row *messages, size_t n);

typedef struct {
    const char *session_id;
    const message_row *messages; /* those not yet written */
    size_t n_messages;
    const char *state;  /* new state of the conversation; NULL: as it was */
    const run_row *run; /* id, status, error, usage, finished_at */
    bool beside;        /* other runs of the conversation may end at this moment */
} turn_finish;
MUST_USE err turn_end(scope *s, const turn_finish *t);

/* The conversation goes back to one of its messages: that one gets a new body, all behind it are deleted, the state is
 * empty and the title new.  ERR_NOT_FOUND, code "conversation.not_found", when either is not there. */
MUST_USE err turn_rewrite(scope *s, const char *session_id, const char *message_id, const char *body,
                          const char *title);

#endif
