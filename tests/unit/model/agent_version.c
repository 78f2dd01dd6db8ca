/* SPDX-License-Identifier: MIT */
/* Tests of model/agent_version.c. */
#include "model/agent_version.h"

#include "made.h"

static agent_row made_agent(scope *s)
{
    agent_row a = {.owner_id = "u1", .name = "A", .config = "{\"a\":1}", .extra = "{\"emoji\":\"x\"}"};

    CHECK(agent_insert(s, &a) == OK, "agent");
    return a;
}

ENGINE_TEST(a_draft_stands_beside_the_row_that_runs)
{
    agent_row a = made_agent(s), *row;
    agent_version_row *got;

    CHECK_INT(agent_version_find(s, a.id, 0, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "agent.no_version");
    a.name = "B";
    a.config = "{\"a\":2}";
    CHECK_INT(agent_draft_put(s, &a, "u1", NULL), OK);
    a.name = "C";
    a.extra = NULL;
    CHECK_INT(agent_draft_put(s, &a, "u2", NULL), OK);
    CHECK_INT(agent_version_find(s, a.id, 0, &got), OK);
    CHECK_STR(got->name, "C");
    CHECK_STR(got->extra, NULL);
    CHECK_STR(got->created_by, "u2");
    CHECK_INT(agent_find(s, a.id, &row), OK);
    CHECK_STR(row->name, "A");
    CHECK_STR(row->config, "{\"a\":1}");
}

ENGINE_TEST(publishing_makes_the_draft_run_and_counts_versions)
{
    agent_row a = made_agent(s), *row;
    agent_version_row v = {.agent_id = a.id, .name = "B", .config = "{\"a\":2}", .note = "first", .created_by = "u1"},
                      *got;

    CHECK_INT(agent_version_last(s, a.id, &got), ERR_NOT_FOUND);
    CHECK_INT(agent_draft_put(s, &a, "u1", NULL), OK);
    CHECK_INT(agent_publish(s, &v, NULL), OK);
    CHECK_INT(v.version, 1);
    CHECK_INT(agent_version_find(s, a.id, 0, &got), ERR_NOT_FOUND);
    CHECK_INT(agent_find(s, a.id, &row), OK);
    CHECK_STR(row->name, "B");
    CHECK_STR(row->config, "{\"a\":2}");
    CHECK_STR(row->extra, NULL);
    v.note = NULL;
    CHECK_INT(agent_publish(s, &v, NULL), OK);
    CHECK_INT(agent_version_last(s, a.id, &got), OK);
    CHECK(got->version == 2 && got->note == NULL, "the second");
    CHECK_INT(agent_version_find(s, a.id, 1, &got), OK);
    CHECK_STR(got->note, "first");
}

ENGINE_TEST(a_write_that_has_not_seen_the_last_one_is_not_made)
{
    agent_row a = made_agent(s), *row;
    agent_version_row v = {.agent_id = a.id, .name = "B", .config = "{}"}, *got;
    agent_seen seen = {.agent_at = a.updated_at}, later;

    CHECK_INT(agent_live_put(s, &a, &seen), OK);
    CHECK_INT(agent_live_put(s, &a, &seen), ERR_CONFLICT);
    CHECK_STR(code_of(s), "agent.changed_meanwhile");
    CHECK_INT(agent_publish(s, &v, &seen), ERR_CONFLICT);
    CHECK_INT(agent_find(s, a.id, &row), OK);
    seen.agent_at = row->updated_at;
    CHECK_INT(agent_publish(s, &v, &seen), OK);
    CHECK_INT(agent_draft_put(s, &a, "u1", &seen), ERR_CONFLICT);
    seen.agent_at = v.created_at;
    CHECK_INT(agent_draft_put(s, &a, "u1", &seen), OK);
    CHECK_INT(agent_draft_put(s, &a, "u1", &seen), ERR_CONFLICT);
    CHECK_INT(agent_publish(s, &v, &seen), ERR_CONFLICT);
    CHECK_INT(agent_version_find(s, a.id, 0, &got), OK);
    later = (agent_seen){.draft_at = got->created_at}; /* the row does not matter then */
    CHECK_INT(agent_draft_put(s, &a, "u1", &later), OK);
    CHECK_INT(agent_publish(s, &v, &later), ERR_CONFLICT);
    CHECK_INT(agent_version_find(s, a.id, 0, &got), OK);
    later.draft_at = got->created_at;
    CHECK_INT(agent_publish(s, &v, &later), OK);
    CHECK_INT(v.version, 2);
}

ENGINE_TEST(versions_go_with_their_agent_and_need_one)
{
    agent_row a = made_agent(s);
    agent_version_row v = {.agent_id = a.id, .name = "B", .config = "{}"}, *got;

    CHECK_INT(agent_publish(s, &v, NULL), OK);
    CHECK_INT(agent_draft_put(s, &a, "u1", NULL), OK);
    CHECK_INT(agent_delete(s, OWNED_BY_ANYONE, a.id), OK);
    CHECK_INT(agent_version_last(s, a.id, &got), ERR_NOT_FOUND);
    CHECK_INT(agent_version_find(s, a.id, 0, &got), ERR_NOT_FOUND);
    CHECK_INT(agent_publish(s, &v, NULL), ERR_NOT_FOUND);
    CHECK_INT(agent_draft_put(s, &a, "u1", NULL), ERR_NOT_FOUND);
}

ENGINE_TEST(an_update_without_extra_leaves_it_and_disabled_agents_leave_the_lists_of_others)
{
    agent_row a = made_agent(s), *row, *list;
    const char *friend = "u2";
    size_t n;

    a.extra = NULL;
    a.name = "B";
    CHECK_INT(agent_update(s, owned_by_user("u1"), &a), OK);
    CHECK_INT(agent_find(s, a.id, &row), OK);
    CHECK_STR(row->extra, "{\"emoji\":\"x\"}");
    CHECK_INT(agent_set_users(s, a.id, &friend, 1), OK);
    CHECK_INT(agent_list(s, owned_by_user("u2"), &list, &n), OK);
    CHECK_INT(n, 1);
    CHECK_INT(agent_set_disabled(s, a.id, true), OK);
    CHECK_INT(agent_list(s, owned_by_user("u2"), &list, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(agent_list(s, owned_by_user("u1"), &list, &n), OK);
    CHECK(n == 1 && list[0].disabled, "the owner still sees it");
    CHECK_INT(agent_set_disabled(s, "none", true), ERR_NOT_FOUND);
}
