/* SPDX-License-Identifier: MIT */
/* Tests of model/connection.c. */
#include "model/connection.h"

#include "base/clock.h"
#include "made.h"
#include "model/integration.h"

static const char *made_integration(scope *s)
{
    integration_row i = {.name = "Desk"};

    CHECK_INT(integration_insert(s, &i), OK);
    return i.id;
}

static connection_row made(scope *s, const char *user, const char *integration, bool is_default, bool shared)
{
    connection_row c = {.integration_id = integration,
                        .owner_id = user,
                        .label = "l",
                        .status = "active",
                        .sealed_values = "v",
                        .is_default = is_default,
                        .shared = shared};

    CHECK_INT(connection_insert(s, &c), OK);
    return c;
}

static const char *chosen(scope *s, const char *user, const char *integration)
{
    connection_row *c = NULL;

    if (connection_choose(s, user, integration, &c) != OK)
        return NULL;
    CHECK_STR(c->sealed_values, "v");
    return c->id;
}

ENGINE_TEST(a_connection_is_its_owners_alone)
{
    const char *ann = made_user(s, "ann"), *bob = made_user(s, "bob"), *desk = made_integration(s);
    connection_row c = made(s, ann, desk, false, true), *got = NULL, *all = NULL;
    size_t n = 9;

    CHECK_INT(connection_find(s, owned_by_user(ann), desk, c.id, &got), OK);
    CHECK_STR(got->sealed_values, "v");
    CHECK_INT(got->version, 1);
    CHECK(got->shared && !got->is_default, "as stored");
    CHECK_INT(connection_find(s, owned_by_user(bob), desk, c.id, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "connection.not_found");
    CHECK_INT(connection_find(s, owned_by_user(ann), "elsewhere", c.id, &got), ERR_NOT_FOUND);
    CHECK_INT(connection_find(s, OWNED_BY_ANYONE, NULL, c.id, &got), OK);
    CHECK_INT(connection_list(s, owned_by_user(bob), desk, &all, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(connection_list(s, owned_by_user(ann), desk, &all, &n), OK);
    CHECK_INT(n, 1);
    CHECK_STR(all[0].id, c.id);
    CHECK_STR(all[0].sealed_values, NULL); /* lists are without secrets */
    CHECK_INT(connection_change(s, owned_by_user(bob), c.id, &(connection_patch){.label = "x"}), ERR_NOT_FOUND);
    CHECK_INT(connection_delete(s, owned_by_user(bob), c.id), ERR_NOT_FOUND);
    CHECK_INT(connection_delete(s, owned_by_user(ann), c.id), OK);
    c = (connection_row){.integration_id = "none", .owner_id = ann, .label = "", .status = "active"};
    CHECK_INT(connection_insert(s, &c), ERR_NOT_FOUND);
}

ENGINE_TEST(the_default_is_chosen_else_the_only_one_else_a_shared_one)
{
    const char *ann = made_user(s, "ann"), *bob = made_user(s, "bob"), *desk = made_integration(s);
    connection_row a, b, shared;

    CHECK_STR(chosen(s, ann, desk), NULL);
    CHECK_STR(code_of(s), "connection.none");
    a = made(s, ann, desk, false, false);
    CHECK_STR(chosen(s, ann, desk), a.id);
    CHECK_STR(chosen(s, bob, desk), NULL);
    b = made(s, ann, desk, false, false);
    CHECK_STR(chosen(s, ann, desk), NULL);
    CHECK_INT(connection_change(s, owned_by_user(ann), b.id, &(connection_patch){.is_default = &(bool){true}}), OK);
    CHECK_STR(chosen(s, ann, desk), b.id);
    shared = made(s, ann, desk, true, true);
    CHECK_STR(chosen(s, ann, desk), shared.id);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM connection WHERE is_default = 1"), 1);
    CHECK_STR(chosen(s, bob, desk), shared.id);
    CHECK_INT(connection_change(s, owned_by_user(ann), shared.id, &(connection_patch){.status = "pending"}), OK);
    CHECK_STR(chosen(s, bob, desk), NULL);
}

ENGINE_TEST(secrets_raise_the_version_and_other_changes_do_not)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    connection_row c = made(s, ann, desk, false, false), *got = NULL;
    owned_by who = owned_by_user(ann);

    CHECK_INT(connection_change(s, who, c.id, &(connection_patch){.label = "new", .error = "why"}), OK);
    CHECK_INT(connection_find(s, who, NULL, c.id, &got), OK);
    CHECK_INT(got->version, 1);
    CHECK_STR(got->label, "new");
    CHECK_STR(got->error, "why");
    CHECK_INT(connection_change(s, who, c.id, &(connection_patch){.sealed_values = "w", .error = ""}), OK);
    CHECK_INT(connection_find(s, who, NULL, c.id, &got), OK);
    CHECK_INT(got->version, 2);
    CHECK_STR(got->error, NULL);
    CHECK_STR(got->sealed_values, "w");
}

ENGINE_TEST(one_at_a_time_may_refresh_and_only_this_version)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    connection_row c = made(s, ann, desk, false, false), *got = NULL;
    int64_t later = clock_wall() + 60000000;
    bool mine = false;

    CHECK_INT(connection_lease(s, c.id, 1, later, &mine), OK);
    CHECK(mine, "the first");
    CHECK_INT(connection_lease(s, c.id, 1, later, &mine), OK);
    CHECK(!mine, "the second");
    CHECK_INT(connection_store_oauth(s, c.id, NULL, "tokens", 77), OK);
    CHECK_INT(connection_find(s, OWNED_BY_ANYONE, NULL, c.id, &got), OK);
    CHECK_STR(got->status, "active");
    CHECK_STR(got->sealed_oauth, "tokens");
    CHECK_INT(got->expires_at, 77);
    CHECK_INT(got->version, 2);
    CHECK_INT(connection_store_oauth(s, c.id, "older tokens", "old tokens", 0), ERR_CONFLICT);
    CHECK_INT(connection_lease(s, c.id, 1, later, &mine), OK);
    CHECK(!mine, "another version by now");
    CHECK_INT(connection_lease(s, c.id, 2, clock_wall() - 1, &mine), OK);
    CHECK(mine, "free again");
    CHECK_INT(connection_lease(s, c.id, 2, later, &mine), OK);
    CHECK(mine, "the lease before has run out");
    CHECK_INT(connection_end_lease(s, c.id, later - 1, 2, "active", NULL), OK);
    CHECK_INT(connection_find(s, OWNED_BY_ANYONE, NULL, c.id, &got), OK);
    CHECK_INT(got->lease_until, later);
    CHECK_INT(connection_end_lease(s, c.id, later, 2, "needs_reconnect", "refused"), OK);
    CHECK_INT(connection_find(s, OWNED_BY_ANYONE, NULL, c.id, &got), OK);
    CHECK_STR(got->status, "needs_reconnect");
    CHECK_STR(got->error, "refused");
    CHECK_INT(got->lease_until, 0);
}

ENGINE_TEST(values_that_change_during_a_refresh_keep_no_token_out)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    connection_row c = made(s, ann, desk, false, false), *got = NULL;
    connection_patch values = {.sealed_values = "new values"};
    int64_t later = clock_wall() + 60000000;
    bool mine = false;

    CHECK_INT(connection_store_oauth(s, c.id, NULL, "tokens", 0), OK);
    CHECK_INT(connection_lease(s, c.id, 2, later, &mine), OK);
    CHECK_INT(connection_change(s, OWNED_BY_ANYONE, c.id, &values), OK);
    CHECK_INT(connection_store_oauth(s, c.id, "tokens", "rotated tokens", 0), OK);
    CHECK_INT(connection_find(s, OWNED_BY_ANYONE, NULL, c.id, &got), OK);
    CHECK_STR(got->sealed_oauth, "rotated tokens");
    CHECK_STR(got->sealed_values, "new values");
    CHECK_INT(got->lease_until, 0);
    CHECK_INT(connection_lease(s, c.id, 4, later, &mine), OK);
    CHECK_INT(connection_change(s, OWNED_BY_ANYONE, c.id, &values), OK);
    CHECK_INT(connection_end_lease(s, c.id, later, 4, "needs_reconnect", "refused with the old values"), OK);
    CHECK_INT(connection_find(s, OWNED_BY_ANYONE, NULL, c.id, &got), OK);
    CHECK_STR(got->status, "active");
    CHECK_STR(got->error, NULL);
    CHECK_INT(got->lease_until, 0);
}

ENGINE_TEST(a_state_is_taken_once_and_in_time)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    connection_row c = made(s, ann, desk, false, false);
    oauth_state_row state = {"h1", c.id, ann, "sealed", clock_wall() + 60000000}, *got = NULL;

    CHECK_INT(oauth_state_insert(s, &state), OK);
    CHECK_INT(oauth_state_take(s, "h0", &got), ERR_NOT_FOUND);
    CHECK_INT(oauth_state_find(s, "h1", &got), OK);
    CHECK_STR(got->connection_id, c.id);
    CHECK_INT(oauth_state_take(s, "h1", &got), OK);
    CHECK_STR(got->connection_id, c.id);
    CHECK_STR(got->user_id, ann);
    CHECK_STR(got->sealed_data, "sealed");
    CHECK_INT(oauth_state_take(s, "h1", &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "oauth.state");
    state.expires_at = clock_wall() - 1;
    CHECK_INT(oauth_state_insert(s, &state), OK);
    CHECK_INT(oauth_state_take(s, "h1", &got), ERR_NOT_FOUND);
    CHECK_INT(oauth_state_find(s, "h1", &got), ERR_NOT_FOUND);
    CHECK_INT(connection_delete(s, OWNED_BY_ANYONE, c.id), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM oauth_state"), 0);
}

ENGINE_TEST(what_never_became_a_connection_is_purged)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    connection_row c = made(s, ann, desk, false, false), pending = made(s, ann, desk, false, false);
    int64_t n = 0;

    CHECK_INT(connection_change(s, OWNED_BY_ANYONE, pending.id, &(connection_patch){.status = "pending"}), OK);
    CHECK_INT(connection_purge(s, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(db_exec(s, "UPDATE connection SET created_at = 1", DB_NO_ARGS, NULL), OK);
    CHECK_INT(connection_purge(s, &n), OK);
    CHECK_INT(n, 1);
    CHECK_INT(connection_find(s, OWNED_BY_ANYONE, NULL, c.id, &(connection_row *){NULL}), OK);
}

ENGINE_TEST(a_connection_goes_with_its_owner)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);

    made(s, ann, desk, false, false);
    CHECK_INT(db_exec(s, "DELETE FROM users", DB_NO_ARGS, NULL), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM connection"), 0);
}
