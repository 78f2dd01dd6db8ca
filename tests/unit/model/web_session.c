/* SPDX-License-Identifier: MIT */
/* Tests of model/web_session.c. */
#include "model/web_session.h"

#include "base/clock.h"
#include "made.h"

static void insert(scope *s, const char *hash, const char *user, int64_t from_now)
{
    web_session_row w = {.id_hash = hash, .user_id = user, .expires_at = clock_wall() + from_now};

    CHECK_INT(web_session_insert(s, &w), OK);
}

ENGINE_TEST(a_session_lives_until_it_expires)
{
    const char *user = made_user(s, "a");
    web_session_row *got = NULL;
    int64_t purged = 0;

    insert(s, "young", user, 60000000);
    insert(s, "old", user, -1);
    insert(s, "anonymous", NULL, 60000000);
    CHECK_INT(web_session_find(s, "young", &got), OK);
    CHECK_STR(got->user_id, user);
    CHECK_STR(got->data, "{}");
    CHECK(got->expires_at > got->created_at, "times");
    CHECK_INT(web_session_find(s, "anonymous", &got), OK);
    CHECK_STR(got->user_id, NULL);
    CHECK_INT(web_session_find(s, "old", &got), ERR_NOT_FOUND);
    CHECK_INT(web_session_find(s, "unknown", &got), ERR_NOT_FOUND);
    CHECK_INT(web_session_purge(s, &purged), OK);
    CHECK_INT(purged, 1);
}

ENGINE_TEST(a_session_slides_and_carries_data)
{
    const char *user = made_user(s, "a");
    int64_t later = clock_wall() + 900000000;
    web_session_row *got = NULL;

    insert(s, "w", user, 60000000);
    CHECK_INT(web_session_extend(s, "w", later), OK);
    CHECK_INT(web_session_set_data(s, "w", "{\"state\":\"x\"}"), OK);
    CHECK_INT(web_session_find(s, "w", &got), OK);
    CHECK_INT(got->expires_at, later);
    CHECK_STR(got->data, "{\"state\":\"x\"}");
    CHECK_INT(web_session_extend(s, "unknown", later), ERR_NOT_FOUND);
    CHECK_INT(web_session_set_data(s, "unknown", "{}"), ERR_NOT_FOUND);
}

ENGINE_TEST(sessions_end_one_by_one_or_all_of_a_user)
{
    const char *a = made_user(s, "a"), *b = made_user(s, "b");
    web_session_row *got = NULL;

    insert(s, "a1", a, 60000000);
    insert(s, "a2", a, 60000000);
    insert(s, "b1", b, 60000000);
    CHECK_INT(web_session_delete(s, "a1"), OK);
    CHECK_INT(web_session_delete(s, "a1"), OK);
    CHECK_INT(web_session_find(s, "a1", &got), ERR_NOT_FOUND);
    CHECK_INT(web_session_delete_of_user(s, a), OK);
    CHECK_INT(web_session_find(s, "a2", &got), ERR_NOT_FOUND);
    CHECK_INT(web_session_find(s, "b1", &got), OK);
}
