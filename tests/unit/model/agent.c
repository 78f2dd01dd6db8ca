/* SPDX-License-Identifier: MIT */
/* Tests of model/agent.c. */
#include "model/agent.h"

#include "made.h"
#include "model/version.h"

static agent_row made_agent(scope *s, const char *owner, const char *name)
{
    agent_row a = {.owner_id = owner, .name = name, .config = "{\"maxLoopCount\":5}"};

    CHECK(agent_insert(s, &a) == OK, "agent %s", name);
    return a;
}

ENGINE_TEST(an_agent_is_found_again_as_it_was_stored)
{
    char *big = arena_zalloc(s->arena, 1, 300001);
    agent_row a = {.owner_id = "u1", .name = "Forscher 🔬", .config = big, .is_default = true}, *got = NULL;

    memset(big, 'x', 300000);
    CHECK_INT(agent_insert(s, &a), OK);
    CHECK(cstr_starts(a.id, "agent_") && strlen(a.id) == 14, "%s", a.id);
    CHECK_INT(agent_find(s, a.id, &got), OK);
    CHECK_STR(got->name, "Forscher 🔬");
    CHECK_STR(got->owner_id, "u1");
    CHECK_INT(strlen(got->config), 300000);
    CHECK(got->is_default && got->created_at == a.created_at, "the rest");
    CHECK_INT(agent_find(s, "agent_00000000", &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "agent.not_found");
}

/* What id_hex() gives: these, and then random ones.  The linker puts it in front of the real one. */
static const char *const *next_ids;
char *__real_id_hex(arena *a, size_t chars);
char *__wrap_id_hex(arena *a, size_t chars);
char *__wrap_id_hex(arena *a, size_t chars)
{
    return next_ids != NULL && *next_ids != NULL ? arena_strdup(a, *next_ids++) : __real_id_hex(a, chars);
}

ENGINE_TEST(an_id_that_an_agent_has_already_is_not_given_again)
{
    static const char *const ids[] = {"00000001", "00000001", "00000001", "00000002", "00000003", NULL};
    agent_row first, second, same = {.owner_id = "u1", .name = "A"};

    next_ids = ids;
    first = made_agent(s, "u1", "A");
    second = made_agent(s, "u1", "B");
    CHECK_STR(first.id, "agent_00000001");
    CHECK_STR(second.id, "agent_00000002");
    CHECK_INT(agent_insert(s, &same), ERR_CONFLICT); /* for its name */
    CHECK(*next_ids == NULL, "and at once");
    next_ids = NULL;
}

ENGINE_TEST(an_owner_has_one_new_agent_of_a_name)
{
    agent_row again = {.owner_id = "u1", .name = "A"}, other = {.owner_id = "u2", .name = "A"}, renamed;

    made_agent(s, "u1", "A");
    renamed = made_agent(s, "u1", "B");
    CHECK_INT(agent_insert(s, &again), ERR_CONFLICT);
    CHECK_STR(code_of(s), "agent.exists");
    CHECK_STR(s->failure.subject, "A");
    CHECK_INT(agent_insert(s, &other), OK);
    renamed.name = "A"; /* an update does not check */
    CHECK_INT(agent_update(s, owned_by_user("u1"), &renamed), OK);
}

ENGINE_TEST(an_agent_is_changed_by_its_owner_or_an_administrator)
{
    agent_row a = made_agent(s, "u1", "A"), loose = made_agent(s, NULL, "nobody's"), *got = NULL;
    uint64_t version = version_of(VERSION_AGENTS);

    a.config = "{}";
    CHECK_INT(agent_update(s, owned_by_user("u2"), &a), ERR_DENIED);
    CHECK_STR(code_of(s), "agent.denied");
    CHECK_INT(agent_update(s, owned_by_user(NULL), &a), ERR_DENIED);
    CHECK_INT(agent_delete(s, owned_by_user("u2"), a.id), ERR_DENIED);
    CHECK_INT(agent_find(s, a.id, &got), OK);
    CHECK_STR(got->config, "{\"maxLoopCount\":5}");
    CHECK_INT(agent_update(s, owned_by_user("u1"), &a), OK);
    CHECK_INT(agent_update(s, OWNED_BY_ANYONE, &a), OK);
    CHECK_INT(agent_update(s, owned_by_user("u2"), &loose), OK);
    CHECK(version_of(VERSION_AGENTS) > version, "caches are told");
    CHECK_INT(agent_delete(s, owned_by_user("u1"), a.id), OK);
    CHECK_INT(agent_delete(s, owned_by_user("u1"), a.id), ERR_NOT_FOUND);
    CHECK_INT(agent_update(s, OWNED_BY_ANYONE, &a), ERR_NOT_FOUND);
}

ENGINE_TEST(authorised_users_may_use_an_agent)
{
    static const char *const users[] = {"u3", "u2", "u1", "u2"};
    agent_row a = made_agent(s, "u1", "A"), *got = NULL;
    const char **ids = NULL;
    size_t n = 0;

    CHECK_INT(agent_find_for(s, owned_by_user("u2"), a.id, &got), ERR_DENIED);
    CHECK_INT(agent_set_users(s, a.id, users, COUNT(users)), OK);
    CHECK_INT(agent_users(s, a.id, &ids, &n), OK);
    CHECK_INT(n, 2); /* the owner is left out, and repetitions */
    CHECK_STR(ids[0], "u2");
    CHECK_STR(ids[1], "u3");
    CHECK_INT(agent_find_for(s, owned_by_user("u2"), a.id, &got), OK);
    CHECK_INT(agent_find_for(s, owned_by_user("u4"), a.id, &got), ERR_DENIED);
    CHECK_INT(agent_find_for(s, OWNED_BY_ANYONE, a.id, &got), OK);
    CHECK_INT(agent_update(s, owned_by_user("u2"), &a), ERR_DENIED); /* using is not changing */
    CHECK_INT(agent_set_users(s, a.id, NULL, 0), OK);
    CHECK_INT(agent_find_for(s, owned_by_user("u2"), a.id, &got), ERR_DENIED);
    CHECK_INT(agent_set_users(s, "agent_none", users, 1), ERR_NOT_FOUND);
    CHECK_INT(agent_set_users(s, a.id, users, 1), OK);
    CHECK_INT(agent_delete(s, owned_by_user("u1"), a.id), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM agent_user"), 0);
}

ENGINE_TEST(agents_are_listed_for_who_may_use_them)
{
    agent_row first = made_agent(s, "u1", "1"), second = made_agent(s, "u2", "2"), *got = NULL;
    const char *wanted[] = {second.id, "unknown", first.id};
    static const char *const guest[] = {"u1"};
    int64_t owned = 0;
    size_t n = 0;

    made_agent(s, "u3", "3");
    CHECK_INT(agent_set_users(s, second.id, guest, 1), OK);
    CHECK_INT(agent_list(s, owned_by_user("u1"), &got, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(got[0].name, "1");
    CHECK_STR(got[1].name, "2");
    CHECK_INT(agent_list(s, OWNED_BY_ANYONE, &got, &n), OK);
    CHECK_INT(n, 3);
    CHECK_INT(agent_list(s, owned_by_user(NULL), &got, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(agent_list_ids(s, wanted, COUNT(wanted), &got, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(got[0].name, "2");
    CHECK_STR(got[1].name, "1");
    CHECK_INT(agent_count_owned(s, "u1", &owned), OK);
    CHECK_INT(owned, 1);
}
