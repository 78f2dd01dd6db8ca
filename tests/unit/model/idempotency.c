/* SPDX-License-Identifier: MIT */
/* Tests of model/idempotency.c. */
#include "model/idempotency.h"

#include "made.h"

static idempotency_claim claimed(scope *s, const char *user, const char *name, const char *hash)
{
    idempotency_claim c = {0};

    CHECK_INT(idempotency_begin(s, &(idempotency_key){user, name, hash}, &c), OK);
    return c;
}

ENGINE_TEST(the_same_request_is_carried_out_once_and_answered_twice)
{
    idempotency_key k = {"u1", "key", "hash"};
    idempotency_claim c;

    CHECK_INT(claimed(s, "u1", "key", "hash").state, IDEMPOTENCY_MINE);
    CHECK_INT(claimed(s, "u1", "key", "hash").state, IDEMPOTENCY_BUSY);
    CHECK_INT(claimed(s, "u2", "key", "hash").state, IDEMPOTENCY_MINE);
    CHECK_INT(idempotency_store(s, &k, 201, "{}"), OK);
    c = claimed(s, "u1", "key", "hash");
    CHECK_INT(c.state, IDEMPOTENCY_KEPT);
    CHECK_INT(c.status, 201);
    CHECK_STR(c.answer, "{}");
    CHECK_INT(claimed(s, "u1", "key", "other").state, IDEMPOTENCY_OTHER);
    CHECK_INT(idempotency_drop(s, &k), OK);
    CHECK_INT(claimed(s, "u1", "key", "hash").state, IDEMPOTENCY_KEPT);
}

ENGINE_TEST(a_request_that_failed_may_be_sent_again_in_another_form)
{
    CHECK_INT(claimed(s, "u1", "key", "hash").state, IDEMPOTENCY_MINE);
    CHECK_INT(idempotency_drop(s, &(idempotency_key){"u1", "key", "hash"}), OK);
    CHECK_INT(claimed(s, "u1", "key", "corrected").state, IDEMPOTENCY_MINE);
}

ENGINE_TEST(answers_are_forgotten_after_their_time_and_claims_are_inherited)
{
    idempotency_key k = {"u1", "kept", "hash"};
    int64_t n = 0;

    CHECK_INT(claimed(s, "u1", "kept", "hash").state, IDEMPOTENCY_MINE);
    CHECK_INT(idempotency_store(s, &k, 201, "{}"), OK);
    CHECK_INT(db_exec(s, "UPDATE idempotency SET expires_at = 1", DB_NO_ARGS, NULL), OK);
    CHECK_INT(claimed(s, "u1", "kept", "new").state, IDEMPOTENCY_MINE);
    CHECK_INT(db_exec(s, "UPDATE idempotency SET created_at = 1", DB_NO_ARGS, NULL), OK);
    CHECK_INT(claimed(s, "u1", "kept", "other").state, IDEMPOTENCY_OTHER);
    CHECK_INT(claimed(s, "u1", "kept", "new").state, IDEMPOTENCY_MINE);
    CHECK_INT(idempotency_purge(s, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(db_exec(s, "UPDATE idempotency SET expires_at = 1", DB_NO_ARGS, NULL), OK);
    CHECK_INT(idempotency_purge(s, &n), OK);
    CHECK_INT(n, 1);
}
