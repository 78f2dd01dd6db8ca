/* SPDX-License-Identifier: MIT */
#include "fixture.h"

static err never(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    (void)t;
    (void)cx;
    (void)args;
    return answer_text(s, "", out);
}

static const tool shop[] = {
    {.name = "lookup", .kind = TOOL_MCP, .source = "mine", .owner = "u1", .call = never},
    {.name = "lookup", .kind = TOOL_MCP, .source = "shared", .call = never},
    {.name = "lookup", .kind = TOOL_MCP, .source = "theirs", .owner = "u2", .call = never},
    {.name = "foreign", .kind = TOOL_MCP, .source = "theirs", .owner = "u2", .call = never},
    {.name = "grep", .kind = TOOL_MCP, .source = "shadow", .owner = "u1", .call = never},
    {.name = "common", .kind = TOOL_MCP, .source = "shared", .owner = "", .call = never},
};

static err list_shop(scope *s, arena *a, const tool_context *cx, void (*add)(void *arg, const tool *t), void *arg)
{
    (void)s;
    (void)a;
    (void)cx;
    for (size_t i = COUNT(shop); i > 0; i--) /* the worse ones first */
        add(arg, &shop[i - 1]);
    return OK;
}

static err find_shop(scope *s, arena *a, const tool_context *cx, const char *name, const tool **out)
{
    (void)a;
    for (size_t i = 0; i < COUNT(shop); i++) {
        if (cstr_eq(shop[i].name, name) && (shop[i].owner == NULL || cstr_eq(shop[i].owner, cx->user_id) || i == 3)) {
            *out = &shop[i];
            return OK;
        }
    }
    return fail(s, ERR_NOT_FOUND, "none");
}

static err list_broken(scope *s, arena *a, const tool_context *cx, void (*add)(void *arg, const tool *t), void *arg)
{
    (void)a;
    (void)cx;
    (void)add;
    (void)arg;
    return fail(s, ERR_UPSTREAM, "the server is down");
}

static err find_broken(scope *s, arena *a, const tool_context *cx, const char *name, const tool **out)
{
    (void)a;
    (void)cx;
    (void)name;
    (void)out;
    return fail(s, ERR_UPSTREAM, "the server is down");
}

static const tool_source broken = {TOOL_MCP, list_broken, find_broken}, shop_source = {TOOL_MCP, list_shop, find_shop};

static const tool *listed(const tool **all, size_t n, const char *name, size_t *times)
{
    const tool *found = NULL;

    *times = 0;
    for (size_t i = 0; i < n; i++) {
        if (cstr_eq(all[i]->name, name)) {
            found = all[i];
            ++*times;
        }
    }
    return found;
}

FIBER_TEST(built_in_tools_have_the_documented_names_and_schemas)
{
    static const struct {
        const char *name, *required; /* joined by commas */
    } cases[] = {
        {"file_read", "file_path"},
        {"file_write", "file_path,content"},
        {"file_update", "file_path,operations"},
        {"apply_patch", "patch"},
        {"grep", "pattern"},
        {"glob", "pattern"},
        {"list_dir", ""},
        {"execute_shell_command", "command"},
        {"await_shell", "task_id"},
        {"kill_shell", "task_id"},
        {"fetch_webpages", "urls"},
        {"todo_write", "tasks"},
        {"todo_read", ""},
        {"search_memory", "query"},
        {"analyze_image", "image_path"},
        {"questionnaire_async", "questions"},
        {"tool_expand_tools", "tool_names"},
        {"turn_status", "status"},
        {"get_current_time", ""},
    };
    tool_context cx = fixture_context(s);
    const tool **all;
    size_t n, times;

    CHECK(tool_list(s, s->arena, &cx, &all, &n) == OK, "listed");
    CHECK_INT(n, COUNT(cases));
    for (size_t i = 0; i < COUNT(cases); i++) {
        const tool *t = listed(all, n, cases[i].name, &times);
        const char *required = "";
        json_t *v;
        size_t k;

        CHECK(t != NULL && times == 1, "%s", cases[i].name);
        json_array_foreach(json_get_arr(t->parameters, "required"), k, v) required =
            arena_printf(s->arena, "%s%s%s", required, k > 0 ? "," : "", json_string_value(v));
        CHECK_STR(required, cases[i].required);
        CHECK(json_object_get(json_get_obj(t->parameters, "properties"), "session_id") != NULL, "%s", t->name);
        CHECK(!cstr_blank(t->description) && t->kind == TOOL_BUILTIN && t->owner == NULL, "%s", t->name);
    }
}

FIBER_TEST(flags_say_how_a_tool_is_offered)
{
    static const char *const hidden[] = {"turn_status", "await_shell", "kill_shell"};
    static const char *const baseline[] = {
        "todo_write",  "todo_read", "search_memory", "turn_status",           "file_read",   "file_write",
        "file_update", "glob",      "list_dir",      "execute_shell_command", "await_shell", "kill_shell"};
    tool_context cx = fixture_context(s);
    const tool **all;
    size_t n;

    CHECK(tool_list(s, s->arena, &cx, &all, &n) == OK, "listed");
    for (size_t i = 0; i < n; i++) {
        bool is_hidden = false, is_baseline = false;

        for (size_t k = 0; k < COUNT(hidden); k++)
            is_hidden |= cstr_eq(hidden[k], all[i]->name);
        for (size_t k = 0; k < COUNT(baseline); k++)
            is_baseline |= cstr_eq(baseline[k], all[i]->name);
        CHECK(all[i]->hidden == is_hidden, "%s", all[i]->name);
        CHECK(all[i]->baseline == is_baseline, "%s", all[i]->name);
        CHECK(all[i]->explicit_only == cstr_eq(all[i]->name, "apply_patch"), "%s", all[i]->name);
    }
}

FIBER_TEST(a_spec_hides_what_the_server_fills_in)
{
    tool_context cx = fixture_context(s);
    const tool *t;
    json_t *spec, *function;

    CHECK(tool_find(s, s->arena, &cx, "glob", &t) == OK, "there");
    spec = json_hold(s->arena, tool_spec(t, NULL));
    function = json_get_obj(spec, "function");
    CHECK_STR(json_get_str(spec, "type", NULL), "function");
    CHECK_STR(json_get_str(function, "name", NULL), "glob");
    CHECK(json_is_false(json_object_get(function, "strict")), "not strict");
    function = json_get_obj(function, "parameters");
    CHECK(json_is_false(json_object_get(function, "additionalProperties")), "closed");
    CHECK(json_object_get(json_get_obj(function, "properties"), "session_id") == NULL, "hidden");
    CHECK(json_object_get(json_get_obj(function, "properties"), "pattern") != NULL, "shown");
    CHECK_STR(json_text(s->arena, json_get_arr(function, "required")), "[\"pattern\"]");
    CHECK(json_object_get(json_get_obj(t->parameters, "properties"), "session_id") != NULL, "the schema is as it was");
}

FIBER_TEST(everybody_sees_his_own_and_the_shared_tools)
{
    tool_context cx = fixture_context(s), other = cx, admin = cx, nobody = cx;
    const tool **all, *t;
    size_t n, times;

    tool_register_source(&broken);
    tool_register_source(&shop_source);
    other.user_id = "u2";
    admin.user_id = "root";
    admin.admin = true;
    nobody.user_id = NULL;
    CHECK(tool_list(s, s->arena, &cx, &all, &n) == OK, "one broken source takes nothing away");
    t = listed(all, n, "lookup", &times);
    CHECK(times == 1 && cstr_eq(t->source, "mine"), "%zu from %s", times, t->source);
    CHECK(listed(all, n, "grep", &times)->kind == TOOL_BUILTIN && times == 1, "built-in tools are not shadowed");
    CHECK(listed(all, n, "foreign", &times) == NULL, "not mine");
    CHECK(listed(all, n, "common", &times) != NULL, "everybody's");
    CHECK(tool_list(s, s->arena, &admin, &all, &n) == OK, "listed");
    CHECK(listed(all, n, "foreign", &times) != NULL, "an administrator sees all");
    CHECK_STR(listed(all, n, "lookup", &times)->source, "shared");
    CHECK(tool_list(s, s->arena, &nobody, &all, &n) == OK, "listed");
    CHECK(listed(all, n, "common", &times) == NULL, "anonymous callers see built-in tools only");
    CHECK(tool_list(s, s->arena, &other, &all, &n) == OK, "listed");
    CHECK_STR(listed(all, n, "lookup", &times)->source, "theirs");
}

FIBER_TEST(finding_follows_the_same_rules)
{
    tool_context cx = fixture_context(s), nobody = cx;
    const tool *t = NULL;

    tool_register_source(&broken);
    tool_register_source(&shop_source);
    nobody.user_id = NULL;
    CHECK(tool_find(s, s->arena, &cx, "lookup", &t) == OK && cstr_eq(t->source, "mine"), "mine");
    CHECK(tool_find(s, s->arena, &cx, "grep", &t) == OK && t->kind == TOOL_BUILTIN, "built in");
    CHECK(tool_find(s, s->arena, &cx, "foreign", &t) == ERR_NOT_FOUND, "another user's is not there");
    CHECK_STR(scope_failure(s, ERR_NOT_FOUND).code, "tool.not_found");
    CHECK(tool_find(s, s->arena, &cx, "none", &t) == ERR_NOT_FOUND, "none");
    CHECK_STR(scope_failure(s, ERR_NOT_FOUND).text, "Tool 'none' not found");
    CHECK(tool_find(s, s->arena, &nobody, "lookup", &t) == ERR_NOT_FOUND, "anonymous");
    CHECK(tool_find(s, s->arena, &nobody, "grep", &t) == OK, "anonymous");
}
