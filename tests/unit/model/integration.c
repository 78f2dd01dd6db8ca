/* SPDX-License-Identifier: MIT */
/* Tests of model/integration.c. */
#include "model/integration.h"

#include "made.h"

static integration_row made(scope *s, const char *owner, const char *name)
{
    integration_row i = {.owner_id = owner, .name = name, .description = "d"};

    CHECK_INT(integration_insert(s, &i), OK);
    return i;
}

ENGINE_TEST(an_integration_is_found_again_as_it_was_stored)
{
    integration_row i = made(s, "u1", "Helpdesk"), *got = NULL;

    CHECK_INT(strlen(i.id), 36);
    CHECK_INT(integration_find(s, owned_by_user("u1"), i.id, &got), OK);
    CHECK_STR(got->name, "Helpdesk");
    CHECK_STR(got->description, "d");
    CHECK_STR(got->auth_type, "NONE");
    CHECK_STR(got->auth_fields, "[]");
    CHECK_STR(got->oauth, NULL);
    CHECK_INT(integration_find(s, OWNED_BY_ANYONE, "nothing", &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "integration.not_found");
}

ENGINE_TEST(an_integration_is_its_owners_and_a_built_in_one_nobodys_to_change)
{
    integration_row mine = made(s, "u1", "Mine"), built_in = made(s, NULL, "Built in"), *got = NULL;

    CHECK_INT(integration_find(s, owned_by_user("u2"), mine.id, &got), ERR_DENIED);
    CHECK_STR(code_of(s), "integration.denied");
    CHECK_INT(integration_find(s, owned_by_user("u2"), built_in.id, &got), OK);
    mine.color = "#fff";
    mine.oauth = "{\"scopes\":\"a b\"}";
    mine.auth_type = "OAUTH";
    CHECK_INT(integration_update(s, owned_by_user("u2"), &mine), ERR_DENIED);
    CHECK_INT(integration_update(s, owned_by_user("u1"), &mine), OK);
    CHECK_INT(integration_update(s, OWNED_BY_ANYONE, &built_in), ERR_DENIED);
    CHECK_INT(integration_find(s, OWNED_BY_ANYONE, mine.id, &got), OK);
    CHECK_STR(got->color, "#fff");
    CHECK_STR(got->auth_type, "OAUTH");
    CHECK_STR(got->oauth, "{\"scopes\":\"a b\"}");
    CHECK_INT(integration_delete(s, owned_by_user("u2"), mine.id), ERR_DENIED);
    CHECK_INT(integration_delete(s, OWNED_BY_ANYONE, mine.id), OK);
    CHECK_INT(integration_delete(s, OWNED_BY_ANYONE, mine.id), ERR_NOT_FOUND);
}

ENGINE_TEST(integrations_are_listed_by_name)
{
    integration_row *all = NULL;
    size_t n = 0;

    made(s, "u1", "beta");
    made(s, NULL, "Alpha");
    made(s, "u2", "gamma");
    CHECK_INT(integration_list(s, owned_by_user("u1"), &all, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(all[0].name, "Alpha");
    CHECK_STR(all[1].name, "beta");
    CHECK_INT(integration_list(s, OWNED_BY_ANYONE, &all, &n), OK);
    CHECK_INT(n, 3);
    CHECK_INT(integration_list(s, owned_by_user(NULL), &all, &n), OK);
    CHECK_INT(n, 1);
}
