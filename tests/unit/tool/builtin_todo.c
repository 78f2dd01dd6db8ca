/* SPDX-License-Identifier: MIT */
#include "fixture.h"

static json_t *todo(scope *s, const tool_context *cx, const char *tasks)
{
    return fixture_call(s, cx, "todo_write", arena_printf(s->arena, "{\"tasks\":[%s]}", tasks));
}

static json_t *task_at(json_t *v, size_t i)
{
    return json_array_get(json_get_arr(v, "tasks"), i);
}

FIBER_TEST(tasks_are_added_changed_and_listed_in_the_order_they_came)
{
    tool_context cx = fixture_context(s);
    json_t *v = todo(
        s, &cx, "{\"id\":\"t1\",\"content\":\"first\"},{\"id\":\"t2\",\"content\":\"second\",\"status\":\"doing\"}");
    tool_result r;

    CHECK_STR(json_get_str(v, "summary", NULL), "Task list updated. Added: 2, updated: 0, currently unfinished: 2.");
    CHECK_INT(json_get_int(task_at(v, 0), "index", -1), 1);
    CHECK_STR(json_get_str(task_at(v, 0), "id", NULL), "t1");
    CHECK_STR(json_get_str(task_at(v, 0), "name", NULL), "first");
    CHECK_STR(json_get_str(task_at(v, 0), "status", NULL), "pending");
    CHECK_STR(json_get_str(task_at(v, 1), "status", NULL), "in_progress");
    v = todo(
        s, &cx,
        "{\"id\":\"t2\",\"status\":\"done\",\"conclusion\":\"worked (really)\"},{\"id\":\"t3\",\"content\":\"third\"}");
    CHECK_STR(json_get_str(v, "summary", NULL), "Task list updated. Added: 1, updated: 1, currently unfinished: 2.");
    CHECK_STR(json_get_str(task_at(v, 1), "name", NULL), "second");
    CHECK_STR(json_get_str(task_at(v, 1), "status", NULL), "completed");
    CHECK_STR(json_get_str(task_at(v, 2), "id", NULL), "t3");
    r = fixture_result(s, &cx, "todo_read", "{}");
    CHECK_STR(r.text, "- [ ] first (ID: t1, pending)\n- [ ] third (ID: t3, pending)");
    CHECK(strstr(fixture_read(s, &cx, "TODO_LIST_s1.md"), "- [x] second (ID: t2) (Created: 2") != NULL, "the file");
    CHECK(strstr(fixture_read(s, &cx, "TODO_LIST_s1.md"), "(Conclusion: worked (really))\n") != NULL, "the conclusion");
}

FIBER_TEST(a_list_goes_when_everything_is_done)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    todo(s, &cx, "{\"id\":1,\"content\":\"only\"}");
    v = todo(s, &cx, "{\"id\":\"1\",\"status\":\"completed\"}");
    CHECK_STR(json_get_str(v, "summary", NULL), "Task list updated. Added: 0, updated: 1, currently unfinished: 0.");
    CHECK_INT(json_array_size(json_get_arr(v, "tasks")), 1);
    CHECK(fixture_read(s, &cx, "TODO_LIST_s1.md") == NULL, "gone");
    CHECK_STR(fixture_result(s, &cx, "todo_read", "{}").text, "There are no unfinished tasks.");
}

FIBER_TEST(a_bad_task_changes_nothing)
{
    static const char *const bad[] = {
        "{\"id\":\"t9\"}",     "{\"id\":\"t1\",\"status\":\"someday\"}", "{\"id\":\"\",\"content\":\"x\"}",
        "{\"content\":\"x\"}", "{\"id\":\"a (b)\",\"content\":\"x\"}",   "\"t1\"",
    };
    tool_context cx = fixture_context(s);
    const char *before;

    todo(s, &cx, "{\"id\":\"t1\",\"content\":\"first\"}");
    before = fixture_read(s, &cx, "TODO_LIST_s1.md");
    for (size_t i = 0; i < COUNT(bad); i++) {
        fixture_fails(s, &cx, "todo_write",
                      arena_printf(s->arena, "{\"tasks\":[{\"id\":\"new\",\"content\":\"n\"},%s]}", bad[i]),
                      "INVALID_ARGUMENT");
        CHECK_STR(fixture_read(s, &cx, "TODO_LIST_s1.md"), before);
    }
    fixture_fails(s, &cx, "todo_write", "{\"tasks\":[]}", "INVALID_ARGUMENT");
}

FIBER_TEST(text_that_looks_like_the_files_own_syntax_survives)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    todo(s, &cx, "{\"id\":\"t1\",\"content\":\"a (ID: t7) (Created: x) line\\nbreak - [x]\"}");
    v = todo(s, &cx, "{\"id\":\"t2\",\"content\":\"other\"}");
    CHECK_STR(json_get_str(task_at(v, 0), "name", NULL), "a (ID: t7) (Created: x) line break - [x]");
    CHECK_STR(json_get_str(task_at(v, 0), "id", NULL), "t1");
    todo(s, &cx, "{\"id\":\"t1\",\"status\":\"done\",\"conclusion\":\"see (Updated: x) (Conclusion: y) there\"}");
    v = todo(s, &cx, "{\"id\":\"t2\",\"content\":\"another\"}");
    CHECK_INT(json_array_size(json_get_arr(v, "tasks")), 2);
    CHECK_STR(json_get_str(task_at(v, 0), "name", NULL), "a (ID: t7) (Created: x) line break - [x]");
}

FIBER_TEST(lists_belong_to_conversations)
{
    tool_context cx = fixture_context(s), other = cx;
    const char *text;

    other.session_id = "../../etc/x y";
    todo(s, &cx, "{\"id\":\"t1\",\"content\":\"mine\"}");
    todo(s, &other, "{\"id\":\"t1\",\"content\":\"yours\"}");
    CHECK_STR(fixture_result(s, &cx, "todo_read", "{}").text, "- [ ] mine (ID: t1, pending)");
    CHECK(fixture_read(s, &cx, "TODO_LIST_.._.._etc_x_y.md") != NULL, "a plain name");
    CHECK(tool_todo_text(s, s->arena, &other, &text) == OK, "read");
    CHECK_STR(text, "- [ ] yours (ID: t1, pending)");
    other.session_id = NULL;
    fixture_fails(s, &other, "todo_write", "{\"tasks\":[{\"id\":\"t\",\"content\":\"x\"}]}", "PRECONDITION_FAILED");
    CHECK(tool_todo_text(s, s->arena, &other, &text) == OK && text == NULL, "none");
}

FIBER_TEST(a_list_has_a_limit, .limit = 30)
{
    tool_context cx = fixture_context(s);
    buf *b = buf_new(s->arena, MIB(1));

    for (int i = 0; i < 201; i++)
        buf_printf(b, "%s{\"id\":\"t%d\",\"content\":\"x\"}", i > 0 ? "," : "", i);
    fixture_fails(s, &cx, "todo_write", arena_printf(s->arena, "{\"tasks\":[%s]}", buf_str(b)), "INVALID_ARGUMENT");
    CHECK(fixture_read(s, &cx, "TODO_LIST_s1.md") == NULL, "nothing written");
}
