/* SPDX-License-Identifier: MIT */
/* Tests of model/integration.c. */
#include "model/integration.h"

#include <stdlib.h>

#include "made.h"
#include "model/connection.h"

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
    integration_patch patch = {.color = "#fff"};

    CHECK_INT(integration_find(s, owned_by_user("u2"), mine.id, &got), ERR_DENIED);
    CHECK_STR(code_of(s), "integration.denied");
    CHECK_INT(integration_find(s, owned_by_user("u2"), built_in.id, &got), OK);
    CHECK_INT(integration_find_own(s, owned_by_user("u1"), mine.id, &got), OK);
    CHECK_INT(integration_find_own(s, OWNED_BY_ANYONE, built_in.id, &got), ERR_DENIED);
    CHECK_INT(integration_change(s, owned_by_user("u2"), mine.id, &patch, NULL), ERR_DENIED);
    CHECK_INT(integration_change(s, OWNED_BY_ANYONE, built_in.id, &patch, NULL), ERR_DENIED);
    CHECK_INT(integration_change(s, owned_by_user("u1"), "nothing", &patch, NULL), ERR_NOT_FOUND);
    CHECK_INT(integration_delete(s, owned_by_user("u2"), mine.id, NULL), ERR_DENIED);
    CHECK_INT(integration_delete(s, OWNED_BY_ANYONE, mine.id, NULL), OK);
    CHECK_INT(integration_delete(s, OWNED_BY_ANYONE, mine.id, NULL), ERR_NOT_FOUND);
}

ENGINE_TEST(a_change_leaves_alone_what_it_does_not_name)
{
    integration_row mine = made(s, "u1", "Mine"), *got = NULL;
    owned_by who = owned_by_user("u1");
    const char *replaced;

    CHECK_INT(integration_change(s, who, mine.id, &(integration_patch){.color = "#fff"}, NULL), OK);
    CHECK_INT(integration_change(s, who, mine.id, &(integration_patch){.name = "New", .description = ""}, NULL), OK);
    CHECK_INT(integration_change(s, who, mine.id,
                                 &(integration_patch){.allowed_hosts = "[\"a.org\"]", .private_ok = true}, NULL),
              OK);
    CHECK_INT(
        integration_change(s, who, mine.id, &(integration_patch){.icon_object = "k", .icon_type = "image/png"}, NULL),
        OK);
    CHECK_INT(integration_find(s, who, mine.id, &got), OK);
    CHECK_STR(got->name, "New");
    CHECK_STR(got->description, "");
    CHECK_STR(got->color, "#fff");
    CHECK_STR(got->allowed_hosts, "[\"a.org\"]");
    CHECK(got->private_ok, "kept over the change of the icon");
    CHECK_STR(got->icon_object, "k");
    replaced = "";
    CHECK_INT(integration_change(s, who, mine.id, &(integration_patch){.color = "#000"}, &replaced), OK);
    CHECK_STR(replaced, NULL); /* it stays */
    CHECK_INT(integration_change(s, who, mine.id, &(integration_patch){.color = "#fff"}, NULL), OK);
    CHECK_INT(got->icon_version, 1);
    CHECK_INT(integration_change(s, who, mine.id, &(integration_patch){.color = "", .allowed_hosts = ""}, NULL), OK);
    CHECK_INT(integration_find(s, who, mine.id, &got), OK);
    CHECK_STR(got->color, NULL);
    CHECK_STR(got->allowed_hosts, NULL);
    CHECK(!got->private_ok, "goes with the list");
}

enum { CHANGES = 20 };

typedef struct {
    const char *id, *key, *replaced;
} icon_job;

static err change_icon(scope *s, void *arg)
{
    icon_job *j = arg;
    scope *own = scope_child(s, NO_LIMIT);
    const char *replaced = NULL;

    CHECK_INT(integration_change(own, OWNED_BY_ANYONE, j->id, &(integration_patch){.icon_object = j->key}, &replaced),
              OK);
    j->replaced = replaced != NULL ? arena_strdup(s->arena, replaced) : NULL;
    scope_close(own);
    return OK;
}

ENGINE_TEST(each_icon_that_is_replaced_is_told_to_one_alone)
{
    const char *id = made(s, "u1", "Mine").id, *last = NULL;
    scope *group = scope_child(s, NO_LIMIT);
    icon_job jobs[CHANGES];
    bool told[CHANGES] = {false};

    for (size_t i = 0; i < CHANGES; i++) {
        jobs[i] = (icon_job){.id = id, .key = arena_printf(s->arena, "%zu", i)};
        scope_spawn(group, change_icon, &jobs[i]);
    }
    CHECK_INT(scope_join(group), OK);
    for (size_t i = 0; i < CHANGES; i++) {
        const size_t at = jobs[i].replaced != NULL ? strtoul(jobs[i].replaced, NULL, 10) : 0;

        CHECK(jobs[i].replaced == NULL || !told[at], "%zu", at);
        told[at] |= jobs[i].replaced != NULL;
    }
    CHECK_INT(integration_delete(s, OWNED_BY_ANYONE, id, &last), OK);
    CHECK(!told[strtoul(last, NULL, 10)], "the last one");
    told[strtoul(last, NULL, 10)] = true;
    for (size_t i = 0; i < CHANGES; i++)
        CHECK(told[i], "%zu", i);
}

static void connect(scope *s, const char *user, const char *integration)
{
    connection_row c = {.integration_id = integration, .owner_id = user, .label = "l", .status = "active"};

    CHECK_INT(connection_insert(s, &c), OK);
}

ENGINE_TEST(another_auth_type_deletes_the_connections_and_the_same_one_does_not)
{
    const char *user = made_user(s, "ann");
    integration_row mine = made(s, user, "Mine"), other = made(s, user, "Other"), *got = NULL;
    owned_by who = owned_by_user(user);
    int64_t n = -1;

    connect(s, user, mine.id);
    connect(s, user, mine.id);
    connect(s, user, other.id);
    mine.auth_fields = "[1]";
    CHECK_INT(integration_set_auth(s, who, &mine, false, &n), OK);
    CHECK_INT(n, 0);
    mine.auth_type = "OAUTH";
    mine.oauth = "{}";
    CHECK_INT(integration_set_auth(s, owned_by_user("x"), &mine, false, &n), ERR_DENIED);
    CHECK_INT(integration_set_auth(s, who, &mine, true, &n), OK);
    CHECK_INT(n, 2);
    CHECK_INT(integration_find(s, who, mine.id, &got), OK);
    CHECK_STR(got->auth_type, "NONE");
    CHECK_STR(got->auth_fields, "[1]");
    CHECK_INT(integration_set_auth(s, who, &mine, false, &n), OK);
    CHECK_INT(n, 2);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM connection"), 1);
    CHECK_INT(integration_find(s, who, mine.id, &got), OK);
    CHECK_STR(got->auth_type, "OAUTH");
    CHECK_STR(got->oauth, "{}");
    mine.sealed_oauth = "new";
    CHECK_INT(integration_set_auth(s, who, &mine, false, &n), OK);
    got->sealed_oauth = "as it was read before";
    CHECK_INT(integration_set_auth(s, who, got, false, &n), ERR_CONFLICT);
    CHECK_STR(code_of(s), "integration.changed_meanwhile");
    CHECK_INT(integration_find(s, who, mine.id, &got), OK);
    CHECK_STR(got->sealed_oauth, "new");
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
    CHECK(all[0].auth_fields == NULL && all[0].auth_test_code == NULL && all[0].oauth == NULL, "lists are short");
    CHECK_INT(integration_list(s, OWNED_BY_ANYONE, &all, &n), OK);
    CHECK_INT(n, 3);
    CHECK_INT(integration_list(s, owned_by_user(NULL), &all, &n), OK);
    CHECK_INT(n, 1);
}
