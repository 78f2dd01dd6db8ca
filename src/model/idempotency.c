/* SPDX-License-Identifier: MIT */
/* See idempotency.h. */
#include "model/idempotency.h"

#include "base/clock.h"
#include "model/rows.h"

static const int64_t kept_for = (int64_t)24 * 3600 * 1000000, patience = (int64_t)300 * 1000000;

/* One statement decides who carries it out: a new key, one that has expired, or one left behind. */
static err claim(scope *s, const idempotency_key *k, bool *mine)
{
    int64_t now = clock_wall(), changed = 0;

    TRY(db_exec(s,
                "INSERT INTO idempotency (user_id, name, request_hash, status, answer, created_at, expires_at)"
                " VALUES ($1, $2, $3, 0, NULL, $4, $5) ON CONFLICT (user_id, name) DO UPDATE SET"
                " request_hash = excluded.request_hash, status = 0, answer = NULL, created_at = excluded.created_at,"
                " expires_at = excluded.expires_at WHERE idempotency.expires_at <= $4 OR (idempotency.status = 0 AND"
                " idempotency.created_at <= $6 AND idempotency.request_hash = excluded.request_hash)",
                DB_ARGS(db_text(k->user_id), db_text(k->name), db_text(k->request_hash), db_int(now),
                        db_int(now + kept_for), db_int(now - patience)),
                &changed));
    *mine = changed > 0;
    return OK;
}

err idempotency_begin(scope *s, const idempotency_key *k, idempotency_claim *out)
{
    bool mine = false;
    db_rows r;

    *out = (idempotency_claim){.state = IDEMPOTENCY_MINE};
    TRY(claim(s, k, &mine));
    if (mine)
        return OK;
    TRY(db_query(s, "SELECT request_hash, status, answer FROM idempotency WHERE user_id = $1 AND name = $2",
                 DB_ARGS(db_text(k->user_id), db_text(k->name)), &r));
    if (r.count == 0) { /* given back just now: the client asks again */
        out->state = IDEMPOTENCY_BUSY;
        return OK;
    }
    out->status = db_row_int(&r, 0, 1);
    out->answer = db_row_text(&r, 0, 2);
    if (!cstr_eq(db_row_text(&r, 0, 0), k->request_hash))
        out->state = IDEMPOTENCY_OTHER;
    else
        out->state = out->status == 0 ? IDEMPOTENCY_BUSY : IDEMPOTENCY_KEPT;
    return OK;
}

err idempotency_store(scope *s, const idempotency_key *k, int64_t status, const char *answer)
{
    return db_exec(
        s,
        "UPDATE idempotency SET status = $4, answer = $5"
        " WHERE user_id = $1 AND name = $2 AND request_hash = $3 AND status = 0",
        DB_ARGS(db_text(k->user_id), db_text(k->name), db_text(k->request_hash), db_int(status), db_text(answer)),
        NULL);
}

err idempotency_drop(scope *s, const idempotency_key *k)
{
    return db_exec(s, "DELETE FROM idempotency WHERE user_id = $1 AND name = $2 AND request_hash = $3 AND status = 0",
                   DB_ARGS(db_text(k->user_id), db_text(k->name), db_text(k->request_hash)), NULL);
}

err idempotency_purge(scope *s, int64_t *deleted)
{
    return db_exec(s, "DELETE FROM idempotency WHERE expires_at <= $1", DB_ARGS(db_int(clock_wall())), deleted);
}
