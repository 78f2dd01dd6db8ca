/* SPDX-License-Identifier: MIT */
/* Messages of conversations; see conversation.h. */
#include "base/clock.h"
#include "model/conversation.h"
#include "model/rows.h"

#define COLUMNS "m.seq, m.message_id, m.role, m.type, m.body, m.created_at"
#define OF_SESSION " FROM message m JOIN conversation c ON c.number = m.conversation WHERE c.session_id = $1"

enum { LIST_MOST = 1000, FIRST_ROWS = 64, PAGE_BYTES = 16 << 20 };

static void read_message(const db_rows *rows, size_t at, message_row *m)
{
    row_reader r = {rows, at, 0};

    m->seq = take_int(&r);
    m->message_id = take_text(&r);
    m->role = take_text(&r);
    m->type = take_text(&r);
    m->body = take_text(&r);
    m->created_at = take_int(&r);
}

static int64_t most(int64_t limit)
{
    return limit <= 0 || limit > LIST_MOST ? LIST_MOST : limit;
}

err message_list(scope *s, const char *session_id, int64_t after, int64_t limit, message_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS OF_SESSION " AND m.seq > $2 ORDER BY m.seq LIMIT $3",
                 DB_ARGS(db_text(session_id), db_int(after), db_int(most(limit))), &r));
    *out = arena_array(s->arena, message_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        read_message(&r, i, &(*out)[i]);
    return OK;
}

err message_list_last(scope *s, const char *session_id, int64_t limit, message_row **out, size_t *n)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS OF_SESSION " ORDER BY m.seq DESC LIMIT $2",
                 DB_ARGS(db_text(session_id), db_int(most(limit))), &r));
    *out = arena_array(s->arena, message_row, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        read_message(&r, r.count - 1 - i, &(*out)[i]);
    return OK;
}

/* How many more rows have about PAGE_BYTES, when those had so many. */
static int64_t rows_to_read(size_t rows, size_t bytes)
{
    return (int64_t)MIN_OF(rows * PAGE_BYTES / (bytes + 1) + 1, (size_t)LIST_MOST);
}

static err give_each(scope *s, const message_row *rows, size_t n, message_taker take, void *arg)
{
    for (size_t i = 0; i < n; i++)
        TRY(take(s, &rows[i], arg));
    return OK;
}

err message_each(scope *s, const char *session_id, message_taker take, void *arg)
{
    int64_t after = 0, limit = FIRST_ROWS;
    bool more = true;

    while (more) {
        scope *own = scope_child(s, NO_LIMIT);
        message_row *rows;
        size_t n = 0, bytes = 0;
        err e = message_list(own, session_id, after, limit, &rows, &n);

        if (e == ERR_TOO_LARGE && limit > 1) {
            limit = MAX_OF(limit / 4, 1);
            scope_close(own);
            continue;
        }
        if (e != OK)
            fail_from(s, own, e);
        else
            e = give_each(s, rows, n, take, arg);
        for (size_t i = 0; i < n; i++)
            bytes += strlen(rows[i].body);
        more = (int64_t)n == limit;
        if (more) {
            after = rows[n - 1].seq;
            limit = rows_to_read(n, bytes);
        }
        scope_close(own);
        TRY(e);
    }
    return OK;
}

err message_find(scope *s, const char *session_id, const char *message_id, message_row **out)
{
    db_rows r;

    TRY(db_query(s, "SELECT " COLUMNS OF_SESSION " AND m.message_id = $2",
                 DB_ARGS(db_text(session_id), db_text(message_id)), &r));
    if (r.count == 0)
        return model_missing(s, "message.not_found", "message", message_id);
    *out = arena_one(s->arena, message_row);
    read_message(&r, 0, *out);
    return OK;
}

static const char put_sql[] =
    "INSERT INTO message (conversation, seq, message_id, role, type, body, created_at)"
    " SELECT c.number, (SELECT COALESCE(MAX(m.seq), 0) + 1 FROM message m WHERE m.conversation = c.number),"
    " $2, $3, $4, $5, $6 FROM conversation c WHERE c.session_id = $1"
    " ON CONFLICT (conversation, message_id) DO UPDATE SET role = excluded.role, type = excluded.type, body = "
    "excluded.body";

#define PUT_ARGS(session_id, row)                                                                                      \
    DB_ARGS(db_text(session_id), db_text((row)->message_id), db_text((row)->role), db_text((row)->type),               \
            db_text((row)->body), db_int((row)->created_at != 0 ? (row)->created_at : clock_wall()))

void message_add_to(db_batch *b, const char *session_id, const message_row *row)
{
    db_batch_add(b, put_sql, PUT_ARGS(session_id, row));
}

err message_put(scope *s, const char *session_id, const message_row *rows, size_t n)
{
    db_batch *b = db_batch_new(s->arena);
    err e;

    if (n == 0)
        return OK;
    for (size_t i = 0; i < n; i++) {
        TRY(model_check_key(s, "the message id", rows[i].message_id));
        db_batch_expect(b, 1, put_sql, PUT_ARGS(session_id, &rows[i]));
    }
    conversation_add_touch(b, session_id, clock_wall());
    e = db_batch_run(s, b);
    if (e == ERR_CONFLICT)
        return fail_code(s, e, "conversation.not_found", session_id, "no conversation %s", session_id);
    return e;
}

err message_delete_after(scope *s, const char *session_id, int64_t after, int64_t *deleted)
{
    db_batch *b = db_batch_new(s->arena);
    int64_t there = 0;

    TRY(model_count(s, "SELECT COUNT(*)" OF_SESSION " AND m.seq > $2", DB_ARGS(db_text(session_id), db_int(after)),
                    &there));
    db_batch_add(
        b,
        "DELETE FROM message WHERE seq > $2 AND conversation = (SELECT number FROM conversation WHERE session_id = $1)",
        DB_ARGS(db_text(session_id), db_int(after)));
    conversation_add_touch(b, session_id, clock_wall());
    TRY(db_batch_run(s, b));
    if (deleted != NULL)
        *deleted = there;
    return OK;
}
