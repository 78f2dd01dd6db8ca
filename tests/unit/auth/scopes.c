/* SPDX-License-Identifier: MIT */
/* Scopes of API keys; see auth/scopes.h and auth/identity.h. */
#include "auth/scopes.h"

#include "auth/identity.h"
#include "test.h"

TEST(a_scope_covers_itself_and_a_star_covers_all)
{
    static const struct {
        const char *list, *scope;
        bool covered;
    } cases[] = {
        {"*", "AGENT_API", true},
        {"sage *", "resource.view", true},
        {"resource.view resource.manage", "resource.manage", true},
        {"resource.view", "resource.manage", false},
        {"resource.view", "resource", false},
        {"resource", "resource.view", false},
        {"", "sage", false},
        {"", "", false},
        {"INTEGRATION_API", "integration_api", false},
        {"WORKFLOW_API", "WORKFLOW_WRITE_API", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(scopes_cover(cases[i].list, cases[i].scope) == cases[i].covered, "'%s' in '%s'", cases[i].scope,
              cases[i].list);
}

TEST(scopes_say_which_faces_a_key_is_for)
{
    static const struct {
        const char *list, *faces;
    } cases[] = {
        {"*", "*"},
        {"sage", "sage"},
        {"langflow sage", "sage langflow"},
        {"resource.view resource.manage", "langbot"},
        {"INTEGRATION_API sage AGENT_API", "sage langdock"},
        {"INTEGRATION_API *", "*"},
        {"nonsense", ""},
        {"", ""},
    };
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(scopes_faces(a, cases[i].list), cases[i].faces);
    arena_free(a);
}

TEST(every_scope_is_found_by_its_name_and_named_once)
{
    arena *a = arena_new(NULL);
    const char *known = scopes_known(a);

    for (size_t i = 0; i < scope_table_count; i++) {
        CHECK(scope_find(str_of(scope_table[i].name)) == &scope_table[i], "%s", scope_table[i].name);
        CHECK(strstr(known, scope_table[i].name) != NULL, "%s", scope_table[i].name);
    }
    CHECK(scope_find(STR("nonsense")) == NULL, "unknown");
    CHECK(scope_find(STR("")) == NULL, "empty");
    arena_free(a);
}

TEST(an_identity_without_a_scope_list_may_do_everything_and_nobody_nothing)
{
    identity person = {.user_id = "u"};
    identity key = {.user_id = "u", .scopes = "AGENT_API"};
    identity none = {.user_id = "u", .scopes = ""};

    CHECK(identity_may(&person, "AGENT_API"), "a login");
    CHECK(identity_may(&key, "AGENT_API"), "its scope");
    CHECK(!identity_may(&key, "sage"), "another scope");
    CHECK(!identity_may(&none, "sage"), "no scope");
    CHECK(!identity_may(NULL, "sage"), "nobody");
    key.faces = "sage langdock";
    CHECK(identity_on_face(&person, "langbot"), "a login is taken everywhere");
    CHECK(identity_on_face(&key, "langdock"), "its face");
    CHECK(!identity_on_face(&key, "langbot"), "another face");
}

TEST(a_copied_identity_outlives_its_original)
{
    arena *a = arena_new(NULL), *b = arena_new(NULL);
    identity id = {
        .user_id = arena_strdup(a, "u1"), .username = arena_strdup(a, "mira"), .via = VIA_KEY, .admin = true};
    identity *copy = identity_copy(b, &id);

    arena_free(a);
    CHECK_STR(copy->user_id, "u1");
    CHECK_STR(copy->username, "mira");
    CHECK(copy->scopes == NULL && copy->admin && copy->via == VIA_KEY, "the rest");
    arena_free(b);
}
