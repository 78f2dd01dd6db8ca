/* SPDX-License-Identifier: MIT */
/* Tests of model/action.c. */
#include "model/action.h"

#include "made.h"
#include "model/connection.h"
#include "model/integration.h"

static const char *made_integration(scope *s, const char *owner, const char *name)
{
    integration_row i = {.owner_id = owner, .name = name};

    CHECK_INT(integration_insert(s, &i), OK);
    return i.id;
}

static action_row made(scope *s, const char *integration, const char *name)
{
    action_row a = {.integration_id = integration, .name = name, .requires_confirmation = true};

    CHECK_INT(action_insert(s, &a), OK);
    return a;
}

ENGINE_TEST(an_action_is_found_again_as_it_was_stored)
{
    const char *desk = made_integration(s, "u1", "Desk"), *other = made_integration(s, "u1", "Other");
    action_row a = {.integration_id = desk,
                    .name = "Find Tickets",
                    .description = "d",
                    .code = "return 1",
                    .input_fields = "[{}]",
                    .done_label = "Done"},
               *got = NULL;

    CHECK_INT(action_insert(s, &a), OK);
    CHECK_STR(a.slug, "find_tickets");
    CHECK_INT(a.order, 0);
    CHECK_INT(action_find(s, desk, a.id, &got), OK);
    CHECK_STR(got->name, "Find Tickets");
    CHECK_STR(got->slug, "find_tickets");
    CHECK_STR(got->description, "d");
    CHECK_STR(got->code, "return 1");
    CHECK_STR(got->input_fields, "[{}]");
    CHECK_STR(got->done_label, "Done");
    CHECK_STR(got->active_label, NULL);
    CHECK(!got->requires_confirmation, "as given");
    CHECK_INT(action_find(s, NULL, a.id, &got), OK);
    CHECK_INT(action_find(s, other, a.id, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "action.not_found");
}

ENGINE_TEST(entries_of_agents_name_nothing_that_was_deleted)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s, ann, "Desk");
    action_row one = made(s, desk, "One"), two = made(s, desk, "Two");
    connection_row c = {
        .integration_id = desk, .owner_id = ann, .label = "l", .status = "active", .sealed_values = "v"};
    const char *text, *wanted;
    json_t *entries = NULL;

    CHECK_INT(connection_insert(s, &c), OK);
    text = arena_printf(s->arena, "[{\"actionId\":\"%s\",\"connectionId\":\"%s\"},{\"actionId\":\"%s\",\"x\":1},{}]",
                        one.id, c.id, two.id);
    CHECK_INT(json_parse(s->arena, text, strlen(text), NULL, &entries), OK);
    CHECK_INT(action_entries_refresh(s, entries), OK);
    CHECK_INT(json_array_size(entries), 2);
    CHECK_STR(json_get_str(json_array_get(entries, 0), "connectionId", NULL), c.id);
    CHECK_INT(connection_delete(s, owned_by_user(ann), c.id), OK);
    CHECK_INT(action_delete(s, desk, two.id), OK);
    CHECK_INT(action_entries_refresh(s, entries), OK);
    wanted = arena_printf(s->arena, "[{\"actionId\":\"%s\",\"connectionId\":null}]", one.id);
    CHECK_STR(json_text(s->arena, entries), wanted);
    CHECK_INT(action_entries_refresh(s, NULL), OK);
}

ENGINE_TEST(names_are_unique_in_an_integration_and_slugs_get_numbers)
{
    const char *desk = made_integration(s, "u1", "Desk"), *other = made_integration(s, "u1", "Other");
    action_row again = {.integration_id = desk, .name = "Find"};

    CHECK_STR(made(s, desk, "Find").slug, "find");
    CHECK_INT(action_insert(s, &again), ERR_CONFLICT);
    CHECK_STR(code_of(s), "action.name_exists");
    CHECK_STR(made(s, desk, "find").slug, "find_2");
    CHECK_STR(made(s, desk, "FIND").slug, "find_3");
    CHECK_STR(made(s, other, "Find").slug, "find");
    CHECK_STR(made(s, desk, "\350\256\242").slug, "action");
}

ENGINE_TEST(the_order_is_the_place_also_after_a_deletion)
{
    const char *desk = made_integration(s, "u1", "Desk");
    action_row a = made(s, desk, "a"), b = made(s, desk, "b"), c, *all = NULL;
    size_t n = 0;

    CHECK_INT(b.order, 1);
    CHECK_INT(action_delete(s, desk, a.id), OK);
    c = made(s, desk, "c");
    CHECK_INT(c.order, 1);
    CHECK_INT(action_list(s, desk, &all, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(all[0].id, b.id);
    CHECK_INT(all[0].order, 0);
    CHECK_STR(all[1].id, c.id);
    CHECK_INT(all[1].order, 1);
}

ENGINE_TEST(a_change_of_an_action_leaves_alone_what_it_does_not_name)
{
    const char *desk = made_integration(s, "u1", "Desk");
    action_row a = made(s, desk, "Find"), *got = NULL;
    bool no = false;

    made(s, desk, "Other");
    CHECK_INT(action_change(s, desk, a.id, &(action_patch){.code = "return 2", .active_label = "Looking"}), OK);
    CHECK_INT(action_change(s, desk, a.id, &(action_patch){.name = "Search"}), OK);
    CHECK_INT(action_change(s, desk, a.id, &(action_patch){.requires_confirmation = &no, .input_fields = "[1]"}), OK);
    CHECK_INT(action_find(s, desk, a.id, &got), OK);
    CHECK_STR(got->name, "Search");
    CHECK_STR(got->slug, "find");
    CHECK_STR(got->code, "return 2");
    CHECK_STR(got->active_label, "Looking");
    CHECK_STR(got->input_fields, "[1]");
    CHECK(!got->requires_confirmation, "switched off");
    CHECK_INT(action_change(s, desk, a.id, &(action_patch){.code = "", .active_label = ""}), OK);
    CHECK_INT(action_find(s, desk, a.id, &got), OK);
    CHECK_STR(got->code, NULL);
    CHECK_STR(got->active_label, NULL);
    CHECK_INT(action_change(s, desk, a.id, &(action_patch){.name = "Other"}), ERR_CONFLICT);
    CHECK_STR(code_of(s), "action.name_exists");
    CHECK_INT(action_change(s, "elsewhere", a.id, &(action_patch){.name = "x"}), ERR_NOT_FOUND);
}

ENGINE_TEST(a_deleted_action_is_no_source_of_options_any_more)
{
    const char *desk = made_integration(s, "u1", "Desk");
    action_row source = made(s, desk, "Queues"), user = made(s, desk, "Find"), *got = NULL;
    const char *fields =
        arena_printf(s->arena, "[{\"contextActionId\":\"%s\"},{\"contextActionId\":\"x\"}]", source.id);

    CHECK_INT(action_change(s, desk, user.id, &(action_patch){.input_fields = fields}), OK);
    CHECK_INT(action_delete(s, "elsewhere", source.id), ERR_NOT_FOUND);
    CHECK_INT(action_delete(s, desk, source.id), OK);
    CHECK_INT(action_delete(s, desk, source.id), ERR_NOT_FOUND);
    CHECK_INT(action_find(s, desk, user.id, &got), OK);
    CHECK_STR(got->input_fields, "[{\"contextActionId\":null},{\"contextActionId\":\"x\"}]");
}

ENGINE_TEST(actions_go_with_their_integration)
{
    const char *desk = made_integration(s, "u1", "Desk");
    action_row late = {.integration_id = desk, .name = "late"};

    made(s, desk, "Find");
    CHECK_INT(integration_delete(s, owned_by_user("u1"), desk, NULL), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM action"), 0);
    CHECK_INT(action_insert(s, &late), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "integration.not_found");
}

ENGINE_TEST(everybody_is_offered_his_own_actions_and_the_built_in_ones)
{
    const char *mine = made_integration(s, "u1", "Mine"), *built_in = made_integration(s, NULL, "Built in"),
               *foreign = made_integration(s, "u2", "Foreign");
    action_offer *got = NULL;
    size_t n = 0;

    made(s, foreign, "c");
    made(s, built_in, "b");
    made(s, mine, "z");
    made(s, mine, "a");
    CHECK_INT(action_list_offers(s, "u1", &got, &n), OK);
    CHECK_INT(n, 3);
    CHECK_STR(got[0].action.name, "z");
    CHECK_STR(got[0].integration_name, "Mine");
    CHECK_STR(got[0].owner_id, "u1");
    CHECK_STR(got[1].action.name, "a");
    CHECK_STR(got[2].action.name, "b");
    CHECK_STR(got[2].owner_id, NULL);
    CHECK_STR(got[0].action.input_fields, NULL); /* they are asked for apart */
}

ENGINE_TEST(input_fields_are_given_in_the_order_of_their_actions)
{
    const char *desk = made_integration(s, "u1", "Desk"), *ids[ACTION_FIELDS_AT_ONCE], *texts[ACTION_FIELDS_AT_ONCE];

    for (size_t i = 0; i < COUNT(ids); i++) {
        action_row a = {.integration_id = desk,
                        .name = arena_printf(s->arena, "a%zu", i),
                        .input_fields = arena_printf(s->arena, "[%zu]", i)};

        CHECK_INT(action_insert(s, &a), OK);
        ids[i] = a.id;
    }
    CHECK_INT(action_delete(s, desk, ids[1]), OK);
    CHECK_INT(action_list_fields(s, ids, COUNT(ids), texts), OK);
    for (size_t i = 0; i < COUNT(ids); i++)
        CHECK_STR(texts[i], i == 1 ? NULL : arena_printf(s->arena, "[%zu]", i));
    CHECK_INT(action_list_fields(s, ids + 2, 1, texts), OK);
    CHECK_STR(texts[0], "[2]");
}

static void fill_with_actions(scope *s, const char *integration, int64_t n)
{
    CHECK_INT(db_exec(s,
                      "INSERT INTO action (id, integration_id, position, name, slug, description, input_fields,"
                      " requires_confirmation, created_at, updated_at)"
                      " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)"
                      " SELECT $1 || '-' || i, $1, i, 'a' || i, 'a' || i, 'd', '[]', 1, 0, 0 FROM n",
                      DB_ARGS(db_text(integration), db_int(n)), NULL),
              OK);
}

ENGINE_TEST(lists_show_every_action_that_somebody_may_use_his_own_first)
{
    const char *foreign = made_integration(s, "u2", "Foreign"), *mine = made_integration(s, "u1", "Mine");
    owned_by admin = {.user_id = "u1", .anyone = true};
    action_row *got = NULL;
    bool cut = true;
    size_t n = 0;

    fill_with_actions(s, foreign, ACTION_OFFERS_MAX + 100);
    fill_with_actions(s, mine, 2);
    CHECK_INT(action_list_names(s, owned_by_user("u1"), &got, &n, &cut), OK);
    CHECK_INT(n, 2);
    CHECK_STR(got[1].name, "a2");
    CHECK_STR(got[1].description, "d");
    CHECK_STR(got[1].integration_id, mine);
    CHECK_INT(action_list_names(s, admin, &got, &n, &cut), OK);
    CHECK_INT(n, ACTION_OFFERS_MAX + 102);
    CHECK_STR(got[0].integration_id, mine);
    CHECK_STR(got[2].integration_id, foreign);
    CHECK(!cut, "all of them");
    fill_with_actions(s, made_integration(s, "u3", "Flood"), ACTIONS_LISTED_MAX);
    CHECK_INT(action_list_names(s, admin, &got, &n, &cut), OK);
    CHECK_INT(n, ACTIONS_LISTED_MAX);
    CHECK(cut && cstr_eq(got[0].integration_id, mine), "what was cut is said, and is not his own");
}

typedef struct {
    const char *integration, *name;
    err e;
    const char *slug;
} insert_job;

static err insert_one(scope *s, void *arg)
{
    insert_job *j = arg;
    scope *own = scope_child(s, NO_LIMIT);
    action_row a = {.integration_id = j->integration, .name = j->name};

    j->e = action_insert(own, &a);
    j->slug = a.slug != NULL ? arena_strdup(s->arena, a.slug) : NULL;
    scope_close(own);
    return OK;
}

ENGINE_TEST(actions_made_at_once_get_different_slugs_and_one_of_each_name)
{
    const char *desk = made_integration(s, "u1", "Desk");
    insert_job jobs[] = {{desk, "One"}, {desk, "one"}, {desk, "ONE"}, {desk, "One"}, {desk, "oNE!"}};
    scope *group = scope_child(s, NO_LIMIT);
    size_t made_ok = 0;

    for (size_t i = 0; i < COUNT(jobs); i++)
        scope_spawn(group, insert_one, &jobs[i]);
    CHECK_INT(scope_join(group), OK);
    for (size_t i = 0; i < COUNT(jobs); i++)
        made_ok += jobs[i].e == OK ? 1 : 0;
    CHECK_INT(made_ok, 4);
    CHECK(jobs[0].e == ERR_CONFLICT || jobs[3].e == ERR_CONFLICT, "one of the two of that name");
    CHECK_INT(engine_int(s, "SELECT COUNT(DISTINCT slug) FROM action"), 4);
    scope_close(group);
}
