/* SPDX-License-Identifier: MIT */
/* Conversations; see conversation.h.  Their messages are in message.c. */
#include "model/conversation.h"

#include "base/clock.h"
#include "model/rows.h"

#define COLUMNS                                                                                                        \
    "session_id, user_id, agent_id, agent_name, title, parent_id, state, shared, message_count, created_at, "          \
    "updated_at"

static void read_conversation(const db_rows *rows, size_t at, conversation_row *c)
{
    row_reader r = {rows, at, 0};

    c->session_id = take_text(&r);
    c->user_id = take_text(&r);
    c->agent_id = take_text(&r);
    c->agent_name = take_text(&r);
    c->title = take_text(&r);
    c->parent_id = take_text(&r);
    c->state = take_text(&r);
    c->shared = take_bool(&r);
    c->message_count = take_int(&r);
    c->created_at = take_int(&r);
    c->updated_at = take_int(&r);
    if (r.column < rows->columns) { /* a list */
        c->user_count = take_int(&r);
        c->agent_count = take_int(&r);
    }
}

static err give_conversations(scope *s, const db_rows *r, conversation_row **out, size_t *n)
{
    *out = arena_array(s->arena, conversation_row, r->count);
    *n = r->count;
    for (size_t i = 0; i < r->count; i++)
        read_conversation(r, i, &(*out)[i]);
    return OK;
}

err conversation_find(scope *s, owned_by who, const char *session_id, conversation_row **out)
{
    size_t n = 0;
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM conversation WHERE ($1 = 1 OR user_id = $2) AND session_id = $3",
                 DB_ARGS(WHO(who), db_text(session_id)), &r));
    if (r.count == 0)
        return model_missing(s, "conversation.not_found", "conversation", session_id);
    return give_conversations(s, &r, out, &n);
}

/* One text for each way of listing, so that the usual ones run along an index. */

#define MATCHES                                                                                                        \
    " AND parent_id IS NULL AND ($2 = '' OR agent_id = $2) AND ($3 = '%' OR lower(title) LIKE lower($3) ESCAPE '\\'"   \
    " OR lower(session_id) LIKE lower($3) ESCAPE '\\')"
#define OF_USER " FROM conversation WHERE user_id = $1" MATCHES
#define OF_ALL " FROM conversation WHERE $1 = ''" MATCHES
#define BY_DATE " ORDER BY updated_at DESC, number DESC"
#define BY_TITLE " ORDER BY title, number DESC"
#define BY_SIZE " ORDER BY message_count DESC, number DESC"

/* Messages are counted only for the rows of the page, hence the query within. */
#define BY_ROLE(role) "(SELECT COUNT(*) FROM message m WHERE m.conversation = c.number AND m.role = '" role "')"
#define PAGE_OF(from, order)                                                                                           \
    "SELECT " COLUMNS ", " BY_ROLE("user") ", " BY_ROLE("assistant") " FROM (SELECT number, " COLUMNS from order       \
                                                                     " LIMIT $4 OFFSET $5) c" order

static const char *list_sql(bool of_user, conversation_order order)
{
    static const char *const of_one[] = {
        [CONVERSATIONS_BY_DATE] = PAGE_OF(OF_USER, BY_DATE),
        [CONVERSATIONS_BY_TITLE] = PAGE_OF(OF_USER, BY_TITLE),
        [CONVERSATIONS_BY_SIZE] = PAGE_OF(OF_USER, BY_SIZE),
    };
    static const char *const of_all[] = {
        [CONVERSATIONS_BY_DATE] = PAGE_OF(OF_ALL, BY_DATE),
        [CONVERSATIONS_BY_TITLE] = PAGE_OF(OF_ALL, BY_TITLE),
        [CONVERSATIONS_BY_SIZE] = PAGE_OF(OF_ALL, BY_SIZE),
    };

    return (of_user ? of_one : of_all)[order];
}

err conversation_list(scope *s, const conversation_filter *f, conversation_row **out, size_t *n, int64_t *total)
{
    const char *user = f->who.anyone ? f->user_id : text_or(f->who.user_id, "");
    bool of_user = user != NULL;
    db_value args[] = {db_text(text_or(user, "")), db_text(text_or(f->agent_id, "")),
                       db_text(like_anywhere(s->arena, f->search)), PAGE(f->page)};
    db_rows r;

    if (total != NULL)
        TRY(model_count(s, of_user ? "SELECT COUNT(*)" OF_USER : "SELECT COUNT(*)" OF_ALL, args, 3, total));
    TRY(db_query(s, list_sql(of_user, f->order), args, COUNT(args), &r));
    return give_conversations(s, &r, out, n);
}

err conversation_children(scope *s, const char *session_id, conversation_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS " FROM conversation WHERE parent_id = $1 ORDER BY number",
                 DB_ARGS(db_text(session_id)), &r));
    return give_conversations(s, &r, out, n);
}

static err change(scope *s, const char *session_id, const char *sql, const db_value *args, size_t n)
{
    return model_exec_one(s, "conversation.not_found", "conversation", session_id, sql, args, n);
}

err conversation_set_title(scope *s, owned_by who, const char *session_id, const char *title)
{
    return change(s, session_id,
                  "UPDATE conversation SET title = $4 WHERE ($1 = 1 OR user_id = $2) AND session_id = $3",
                  DB_ARGS(WHO(who), db_text(session_id), db_text(title)));
}

err conversation_set_shared(scope *s, owned_by who, const char *session_id, bool shared)
{
    return change(s, session_id,
                  "UPDATE conversation SET shared = $4 WHERE ($1 = 1 OR user_id = $2) AND session_id = $3",
                  DB_ARGS(WHO(who), db_text(session_id), db_int(shared)));
}

err conversation_set_state(scope *s, const char *session_id, const char *state)
{
    return change(s, session_id, "UPDATE conversation SET state = $2 WHERE session_id = $1",
                  DB_ARGS(db_text(session_id), db_text(text_or(state, "{}"))));
}

#define WITH_CHILDREN "session_id = $1 OR parent_id = $1"

err conversation_delete(scope *s, owned_by who, const char *session_id)
{
    db_batch *b = db_batch_new(s->arena);
    conversation_row *c = NULL;
    err e;

    TRY(conversation_find(s, who, session_id, &c));
    db_batch_add(b,
                 "DELETE FROM message WHERE conversation IN (SELECT number FROM conversation WHERE " WITH_CHILDREN ")",
                 DB_ARGS(db_text(session_id)));
    db_batch_add(b, "DELETE FROM conversation WHERE parent_id = $1", DB_ARGS(db_text(session_id)));
    db_batch_expect(b, 1, "DELETE FROM conversation WHERE ($1 = 1 OR user_id = $2) AND session_id = $3",
                    DB_ARGS(WHO(who), db_text(session_id)));
    e = db_batch_run(s, b);
    return e == ERR_CONFLICT ? model_missing(s, "conversation.not_found", "conversation", session_id) : e;
}

/* That an agent's id is a flow's is not enough: whoever makes a flow may choose its id. */
#define OF_FLOWS(flows)                                                                                                \
    " FROM conversation c WHERE c.agent_id IN (SELECT f.id FROM flow f WHERE " flows ") AND EXISTS (SELECT 1"          \
    " FROM run r WHERE r.session_id = c.session_id AND r.agent_id = c.agent_id AND r.source = 'flow')"
#define DELETE_OF_FLOWS(b, flows, args, n)                                                                             \
    do {                                                                                                               \
        db_batch_add(b, "DELETE FROM message WHERE conversation IN (SELECT c.number" OF_FLOWS(flows) ")", args, n);    \
        db_batch_add(b, "DELETE FROM conversation WHERE number IN (SELECT c.number" OF_FLOWS(flows) ")", args, n);     \
    } while (0)

void conversation_add_delete_of_flow(db_batch *b, owned_by who, const char *flow_id)
{
    db_value args[] = {WHO(who), db_text(flow_id)};

    DELETE_OF_FLOWS(b, "($1 = 1 OR f.user_id = $2) AND f.id = $3", args, COUNT(args));
}

void conversation_add_delete_of_folder(db_batch *b, owned_by who, const char *folder_id)
{
    db_value args[] = {WHO(who), db_text(folder_id)};

    DELETE_OF_FLOWS(b, "f.folder_id IN (SELECT o.id FROM folder o WHERE ($1 = 1 OR o.user_id = $2) AND o.id = $3)",
                    args, COUNT(args));
}

void conversation_add_touch(db_batch *b, const char *session_id, int64_t now)
{
    db_batch_add(b,
                 "UPDATE conversation SET updated_at = $2, message_count ="
                 " (SELECT COALESCE(MAX(m.seq), 0) FROM message m WHERE m.conversation = conversation.number)"
                 " WHERE session_id = $1",
                 DB_ARGS(db_text(session_id), db_int(now)));
}
