/* SPDX-License-Identifier: MIT */
/* The writes of a chat turn; see turn.h. */
#include "model/turn.h"

#include "base/clock.h"
#include "model/rows.h"
#include "model/run_log_internal.h"

/* Changes one row: makes the conversation, or continues it if they may. */
static void add_conversation(db_batch *b, const turn_start *t, int64_t now)
{
    const conversation_row *c = t->conversation;

    db_batch_expect(
        b, 1,
        "INSERT INTO conversation (number, session_id, user_id, agent_id, agent_name, title, parent_id, state, shared,"
        " message_count, created_at, updated_at) VALUES ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)"
        " ON CONFLICT (session_id) DO UPDATE SET updated_at = excluded.updated_at,"
        " agent_id = COALESCE(excluded.agent_id, conversation.agent_id),"
        " agent_name = COALESCE(excluded.agent_name, conversation.agent_name),"
        " message_count = conversation.message_count + excluded.message_count"
        " WHERE $1 = 1 OR conversation.user_id = $2",
        DB_ARGS(WHO(t->who), db_int(model_number()), db_text(c->session_id), db_text(c->user_id), db_text(c->agent_id),
                db_text(c->agent_name), db_text(text_or(c->title, "")), db_text(c->parent_id),
                db_text(text_or(c->state, "{}")), db_int(c->shared), db_int((int64_t)t->n_messages), db_int(now)));
}

err turn_begin(scope *s, const turn_start *t)
{
    const char *id = t->conversation->session_id;
    db_batch *b = db_batch_new(s->arena);
    err e;

    TRY(model_check_key(s, "the session id", id));
    for (size_t i = 0; i < t->n_messages; i++)
        TRY(model_check_key(s, "the message id", t->messages[i].message_id));
    add_conversation(b, t, clock_wall());
    for (size_t i = 0; i < t->n_messages; i++)
        message_add_to(b, id, &t->messages[i]);
    run_row_add_insert(b, t->run);
    e = db_batch_run(s, b);
    if (e == ERR_CONFLICT)
        return fail_code(s, e, "conversation.not_yours", id, "the conversation %s belongs to somebody else", id);
    return e;
}

err turn_progress(scope *s, const char *session_id, const message_row *messages, size_t n)
{
    db_batch *b = db_batch_new(s->arena);

    for (size_t i = 0; i < n; i++)
        message_add_to(b, session_id, &messages[i]);
    return db_batch_run(s, b);
}

/* Nothing is expected here: when the conversation was deleted meanwhile, the run must still be closed. */
err turn_end(scope *s, const turn_finish *t)
{
    db_batch *b = db_batch_new(s->arena);

    if (t->beside) /* locks the row: two that took their messages' numbers at once would take the same */
        db_batch_add(b, "UPDATE conversation SET updated_at = updated_at WHERE session_id = $1",
                     DB_ARGS(db_text(t->session_id)));
    for (size_t i = 0; i < t->n_messages; i++)
        message_add_to(b, t->session_id, &t->messages[i]);
    if (t->state != NULL)
        db_batch_add(b, "UPDATE conversation SET state = $2 WHERE session_id = $1",
                     DB_ARGS(db_text(t->session_id), db_text(t->state)));
    conversation_add_touch(b, t->session_id, clock_wall());
    if (t->run != NULL)
        run_row_add_finish(b, t->run);
    return db_batch_run(s, b);
}

#define OF_SESSION "conversation = (SELECT number FROM conversation WHERE session_id = $1)"

err turn_rewrite(scope *s, const char *session_id, const char *message_id, const char *body, const char *title)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    db_batch_expect(b, 1, "UPDATE message SET body = $3 WHERE " OF_SESSION " AND message_id = $2",
                    DB_ARGS(db_text(session_id), db_text(message_id), db_text(body)));
    db_batch_add(b,
                 "DELETE FROM message WHERE " OF_SESSION " AND seq > (SELECT seq FROM message WHERE " OF_SESSION
                 " AND message_id = $2)",
                 DB_ARGS(db_text(session_id), db_text(message_id)));
    db_batch_add(b, "UPDATE conversation SET title = $2, state = '{}' WHERE session_id = $1",
                 DB_ARGS(db_text(session_id), db_text(title)));
    conversation_add_touch(b, session_id, clock_wall());
    e = db_batch_run(s, b);
    return e == ERR_CONFLICT ? model_missing(s, "conversation.not_found", "conversation", session_id) : e;
}
