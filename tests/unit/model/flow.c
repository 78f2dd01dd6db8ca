/* SPDX-License-Identifier: MIT */
/* Tests of model/flow.c and folder.c. */
#include "model/flow.h"

#include <stdlib.h>

#include "made.h"
#include "model/turn.h"

static flow_row made_flow(scope *s, const char *user, const char *name, const char *endpoint)
{
    flow_row f = {.user_id = user, .name = name, .endpoint_name = endpoint, .data = "{\"nodes\":[],\"edges\":[]}"};

    CHECK(flow_insert(s, &f) == OK, "%s", name);
    return f;
}

ENGINE_TEST(a_flow_is_found_again_as_it_was_stored)
{
    folder_row *folder = NULL;
    flow_row f = {.user_id = "u1",
                  .name = "Блог",
                  .endpoint_name = "blog",
                  .description = "d",
                  .icon = "i",
                  .icon_bg_color = "#ffffff",
                  .gradient = "2",
                  .data = "{\"nodes\":[1]}",
                  .tags = "[\"a\"]",
                  .action_name = "an",
                  .action_description = "ad",
                  .access_type = "PUBLIC",
                  .fs_path = "p",
                  .webhook = true,
                  .locked = true,
                  .mcp_enabled = true};
    flow_row *got = NULL;

    CHECK_INT(folder_default(s, "u1", &folder), OK);
    f.folder_id = folder->id;
    CHECK_INT(flow_insert(s, &f), OK);
    CHECK_INT(flow_find(s, owned_by_user("u1"), f.id, &got), OK);
    CHECK_STR(got->name, "Блог");
    CHECK_STR(got->folder_id, folder->id);
    CHECK_STR(got->endpoint_name, "blog");
    CHECK_STR(got->description, "d");
    CHECK_STR(got->icon_bg_color, "#ffffff");
    CHECK_STR(got->gradient, "2");
    CHECK_STR(got->data, "{\"nodes\":[1]}");
    CHECK_STR(got->tags, "[\"a\"]");
    CHECK_STR(got->action_description, "ad");
    CHECK_STR(got->access_type, "PUBLIC");
    CHECK_STR(got->fs_path, "p");
    CHECK(got->webhook && got->locked && got->mcp_enabled && !got->is_component, "flags");
    CHECK_INT(flow_find_by_name(s, owned_by_user("u1"), "blog", &got), OK);
    CHECK_STR(got->id, f.id);
    CHECK_INT(flow_find_by_name(s, owned_by_user("u1"), f.id, &got), OK);
    CHECK_INT(flow_find_by_name(s, owned_by_user("u2"), "blog", &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "flow.not_found");
    CHECK_INT(flow_find(s, owned_by_user("u2"), f.id, &got), ERR_NOT_FOUND);
}

ENGINE_TEST(flow_names_are_unique_for_a_user)
{
    flow_row same = {.user_id = "u1", .name = "F"}, endpoint = {.user_id = "u1", .name = "G", .endpoint_name = "e"},
             others = {.user_id = "u2", .name = "F", .endpoint_name = "e"},
             no_folder = {.user_id = "u1", .name = "H", .folder_id = "x"};
    flow_row first = made_flow(s, "u1", "F", "e"), second = made_flow(s, "u1", "Second", NULL);

    CHECK_INT(flow_insert(s, &same), ERR_CONFLICT);
    CHECK_STR(code_of(s), "flow.name_exists");
    CHECK_INT(flow_insert(s, &endpoint), ERR_CONFLICT);
    CHECK_STR(code_of(s), "flow.endpoint_exists");
    CHECK_INT(flow_insert(s, &others), OK);
    CHECK_INT(flow_insert(s, &no_folder), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "folder.not_found");
    second.name = "F";
    CHECK_INT(flow_update(s, owned_by_user("u1"), &second), ERR_CONFLICT);
    CHECK_STR(code_of(s), "flow.name_exists");
    same = (flow_row){.id = first.id, .user_id = "u1", .name = "Unlike"};
    CHECK_INT(flow_insert(s, &same), ERR_CONFLICT);
    CHECK_STR(code_of(s), "flow.id_exists");
}

static const char *renamed(scope *s, const char *name, const char *endpoint)
{
    flow_row f = {.user_id = "u1", .name = name, .endpoint_name = endpoint};

    CHECK_INT(flow_insert_renamed(s, &f), OK);
    return arena_printf(s->arena, "%s/%s", f.name, f.endpoint_name != NULL ? f.endpoint_name : "");
}

ENGINE_TEST(a_taken_name_gets_the_next_number)
{
    CHECK_STR(renamed(s, "F", "e"), "F/e");
    CHECK_STR(renamed(s, "F", "e"), "F (1)/e-1");
    CHECK_STR(renamed(s, "F", NULL), "F (2)/");
    CHECK_STR(renamed(s, "F", "e"), "F (3)/e-2");
    CHECK_STR(renamed(s, "F (1)", "e-1"), "F (1) (1)/e-1-1");
    CHECK_STR(renamed(s, "F (x)", NULL), "F (x)/");
    made_flow(s, "u1", "F (41)", NULL);
    CHECK_STR(renamed(s, "F", NULL), "F (42)/");
    CHECK_STR(renamed(s, "100%_", NULL), "100%_/");
    CHECK_STR(renamed(s, "100%_", NULL), "100%_ (1)/");
}

static err count_in_flow(scope *s, flow_row *f, void *arg)
{
    (void)arg;
    f->description = arena_printf(s->arena, "%d", f->description != NULL ? atoi(f->description) + 1 : 1);
    return OK;
}

static err change_some(scope *s, void *arg)
{
    flow_row *got;

    for (int i = 0; i < 20; i++)
        TRY(flow_change(s, owned_by_user("u1"), arg, count_in_flow, NULL, &got));
    return OK;
}

ENGINE_TEST(changes_at_the_same_time_all_stay)
{
    flow_row f = made_flow(s, "u1", "F", NULL), *got = NULL;
    scope *group = scope_child(s, NO_LIMIT);

    for (int i = 0; i < 3; i++)
        scope_spawn(group, change_some, (void *)(uintptr_t)f.id);
    CHECK_INT(scope_join(group), OK);
    CHECK_INT(flow_find(s, owned_by_user("u1"), f.id, &got), OK);
    CHECK_STR(got->description, "60");
    CHECK_INT(flow_update(s, owned_by_user("u1"), &f), ERR_CONFLICT);
    CHECK_STR(code_of(s), "flow.changed");
    CHECK_INT(flow_change(s, owned_by_user("u2"), f.id, count_in_flow, NULL, &got), ERR_NOT_FOUND);
}

ENGINE_TEST(flows_are_listed_filtered)
{
    flow_filter f = {.who = owned_by_user("u1")};
    flow_row component = {.user_id = "u1", .name = "C", .is_component = true, .data = "{}"}, *got = NULL;
    folder_row *folder = NULL;
    int64_t total = 0;
    size_t n = 0;

    CHECK_INT(folder_default(s, "u1", &folder), OK);
    made_flow(s, "u1", "A flow", NULL);
    component.folder_id = folder->id;
    CHECK_INT(flow_insert(s, &component), OK);
    made_flow(s, "u2", "B", NULL);
    made_flow(s, NULL, "Example", NULL);
    CHECK_INT(flow_list(s, &f, &got, &n, &total), OK);
    CHECK(n == 2 && total == 2, "own");
    CHECK_STR(got[0].name, "C"); /* newest first */
    CHECK(got[1].data != NULL, "whole");
    f.headers_only = true;
    CHECK_INT(flow_list(s, &f, &got, &n, &total), OK);
    CHECK(got[0].data != NULL && got[1].data == NULL, "only a component has data");
    f = (flow_filter){.who = owned_by_user("u1"), .with_examples = true};
    CHECK_INT(flow_list(s, &f, &got, &n, NULL), OK);
    CHECK_INT(n, 3);
    f = (flow_filter){.who = owned_by_user("u1"), .folder_id = folder->id};
    CHECK_INT(flow_list(s, &f, &got, &n, NULL), OK);
    CHECK_INT(n, 1);
    f = (flow_filter){.who = owned_by_user("u1"), .components = -1};
    CHECK_INT(flow_list(s, &f, &got, &n, NULL), OK);
    CHECK(n == 1 && cstr_eq(got[0].name, "A flow"), "flows");
    f.components = 1;
    CHECK_INT(flow_list(s, &f, &got, &n, NULL), OK);
    CHECK(n == 1 && cstr_eq(got[0].name, "C"), "components");
    f = (flow_filter){.who = OWNED_BY_ANYONE, .search = "LOW"};
    CHECK_INT(flow_list(s, &f, &got, &n, &total), OK);
    CHECK(n == 1 && total == 1, "by a part of the name");
    f = (flow_filter){.who = OWNED_BY_ANYONE, .page = {.offset = 3, .limit = 2}};
    CHECK_INT(flow_list(s, &f, &got, &n, &total), OK);
    CHECK(n == 1 && total == 4, "the last page");
}

ENGINE_TEST(a_flow_is_changed_and_deleted_by_its_owner)
{
    flow_row a = made_flow(s, "u1", "A", "ea"), b = made_flow(s, "u2", "B", NULL), *got = NULL;
    const char *ids[] = {a.id, b.id, "unknown"};
    int64_t deleted = 0;

    a.name = "A2";
    a.endpoint_name = NULL;
    a.data = "{\"nodes\":[2],\"edges\":[]}";
    CHECK_INT(flow_update(s, owned_by_user("u2"), &a), ERR_NOT_FOUND);
    CHECK_INT(flow_update(s, owned_by_user("u1"), &a), OK);
    CHECK_INT(flow_find(s, OWNED_BY_ANYONE, a.id, &got), OK);
    CHECK_STR(got->name, "A2");
    CHECK_STR(got->endpoint_name, NULL);
    CHECK_STR(got->user_id, "u1");
    CHECK_STR(got->data, "{\"nodes\":[2],\"edges\":[]}");
    CHECK_INT(flow_delete(s, owned_by_user("u1"), ids, COUNT(ids), &deleted), OK);
    CHECK_INT(deleted, 1);
    CHECK_INT(flow_find(s, OWNED_BY_ANYONE, b.id, &got), OK);
    CHECK_INT(flow_find(s, OWNED_BY_ANYONE, a.id, &got), ERR_NOT_FOUND);
}

static void said(scope *s, const char *session, const char *user, const char *agent, const char *source)
{
    conversation_row c = {.session_id = session, .user_id = user, .agent_id = agent, .title = "T"};
    run_row r = {.id = session,
                 .session_id = session,
                 .user_id = user,
                 .agent_id = agent,
                 .source = source,
                 .status = "running"};
    message_row m = {.message_id = "m", .role = "user", .body = "{}"};

    CHECK(turn_begin(s,
                     &(turn_start){
                         .who = owned_by_user(user), .conversation = &c, .messages = &m, .n_messages = 1, .run = &r}) ==
              OK,
          "%s", s->failure.text);
}

/* The sessions that are left, each with its messages. */
static const char *left(scope *s)
{
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), engine_int(s, "SELECT COUNT(*) FROM conversation"));
    return engine_int(s, "SELECT COUNT(*) FROM conversation") == 0
               ? ""
               : engine_text(s, "SELECT session_id FROM conversation ORDER BY session_id LIMIT 1");
}

ENGINE_TEST(what_was_said_goes_with_the_flow)
{
    folder_row folder = {.user_id = "u1", .name = "F"};
    flow_row a = made_flow(s, "u1", "A", NULL), agents = {.user_id = "u1", .id = "agent-of-u2", .name = "B"},
             inside = {.user_id = "u1", .name = "in it"};
    const char *ids[] = {a.id, agents.id};

    CHECK_INT(flow_insert(s, &agents), OK);
    said(s, "a1", "u1", a.id, "flow");
    said(s, "a2", "admin", a.id, "flow");
    said(s, "b", "u2", agents.id, "api/chat"); /* an agent that happens to have the id of a flow */
    CHECK_INT(flow_delete(s, owned_by_user("u2"), ids, COUNT(ids), NULL), OK);
    CHECK_STR(left(s), "a1");
    CHECK_INT(flow_delete(s, owned_by_user("u1"), ids, COUNT(ids), NULL), OK);
    CHECK_STR(left(s), "b");
    CHECK_INT(folder_insert(s, &folder), OK);
    inside.folder_id = folder.id;
    CHECK_INT(flow_insert(s, &inside), OK);
    said(s, "a3", "u1", inside.id, "flow");
    CHECK_INT(folder_delete(s, owned_by_user("u2"), folder.id), ERR_NOT_FOUND);
    CHECK_STR(left(s), "a3");
    CHECK_INT(folder_delete(s, owned_by_user("u1"), folder.id), OK);
    CHECK_STR(left(s), "b");
}

ENGINE_TEST(folders_hold_flows_and_take_them_along)
{
    folder_row f = {.user_id = "u1", .name = "F", .description = "d", .auth_settings = "{\"auth_type\":\"apikey\"}"},
               again = f;
    folder_row *got = NULL, *home = NULL;
    flow_row inside = {.user_id = "u1", .name = "in it"}, *flow = NULL;
    size_t n = 0;

    CHECK_INT(folder_default(s, "u1", &home), OK);
    CHECK_STR(home->name, "Starter Project");
    CHECK_INT(folder_default(s, "u1", &got), OK);
    CHECK_STR(got->id, home->id);
    CHECK_INT(folder_insert(s, &f), OK);
    CHECK_INT(folder_insert(s, &again), ERR_CONFLICT);
    CHECK_STR(code_of(s), "folder.exists");
    CHECK_INT(folder_list(s, owned_by_user("u1"), &got, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(got[1].auth_settings, "{\"auth_type\":\"apikey\"}");
    CHECK_INT(folder_find(s, owned_by_user("u2"), f.id, &got), ERR_NOT_FOUND);
    f.name = "Starter Project";
    CHECK_INT(folder_update(s, owned_by_user("u1"), &f), ERR_CONFLICT);
    f.name = "F2";
    CHECK_INT(folder_update(s, owned_by_user("u2"), &f), ERR_NOT_FOUND);
    CHECK_INT(folder_update(s, owned_by_user("u1"), &f), OK);
    inside.folder_id = f.id;
    CHECK_INT(flow_insert(s, &inside), OK);
    CHECK_INT(folder_delete(s, owned_by_user("u2"), f.id), ERR_NOT_FOUND);
    CHECK_INT(folder_delete(s, owned_by_user("u1"), f.id), OK);
    CHECK_INT(flow_find(s, OWNED_BY_ANYONE, inside.id, &flow), ERR_NOT_FOUND);
}
