/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <unistd.h>

static json_t *update(scope *s, const tool_context *cx, const char *operations)
{
    return fixture_call(s, cx, "file_update",
                        arena_printf(s->arena, "{\"file_path\":\"f\",\"operations\":[%s]}", operations));
}

FIBER_TEST(operations_change_what_they_say)
{
    static const struct {
        const char *before, *operations, *after;
    } cases[] = {
        {"a b c", "{\"update_mode\":\"search_replace\",\"search_pattern\":\"b\",\"replacement\":\"X\"}", "a X c"},
        {"a b a",
         "{\"update_mode\":\"search_replace\",\"search_pattern\":\"a\",\"replacement\":\"X\",\"replace_all\":true}",
         "X b X"},
        {"a.b axb", "{\"search_pattern\":\"a.b\",\"replacement\":\"X\"}", "X axb"},
        {"foo(12)", "{\"search_pattern\":\"foo\\\\((\\\\d+)\\\\)\",\"replacement\":\"bar[\\\\1]\"}", "bar[12]"},
        {"x\n", "{\"search_pattern\":\"x\",\"replacement\":\"a\\\\nb\"}", "a\\nb\n"},
        {"0\n1\n2\n3\n", "{\"update_mode\":\"line_range\",\"start_line\":1,\"end_line\":2,\"replacement\":\"X\"}",
         "0\nX\n3\n"},
        {"0\n1\n2", "{\"update_mode\":\"line_range\",\"start_line\":2,\"end_line\":2,\"replacement\":\"X\"}",
         "0\n1\nX"},
        {"0\n1\n2\n", "{\"update_mode\":\"line_range\",\"start_line\":0,\"end_line\":1,\"replacement\":\"\"}", "2\n"},
        {"0\n1\n2\n3\n",
         "{\"update_mode\":\"line_range\",\"start_line\":0,\"end_line\":0,\"replacement\":\"A\\nB\\nC\"},"
         "{\"update_mode\":\"line_range\",\"start_line\":3,\"end_line\":3,\"replacement\":\"D\"}",
         "A\nB\nC\n1\n2\nD\n"},
        {"0\n1\n",
         "{\"search_pattern\":\"new\",\"replacement\":\"newer\"},"
         "{\"update_mode\":\"line_range\",\"start_line\":1,\"end_line\":1,\"replacement\":\"new\"}",
         "0\nnewer\n"},
        {"a", "{\"search_pattern\":\"a\",\"replacement\":\"b\"},{\"search_pattern\":\"b\",\"replacement\":\"c\"}", "c"},
        {"日本\n", "{\"search_pattern\":\"本\",\"replacement\":\"記\"}", "日記\n"},
        {"0\n1\n", "{\"update_mode\":\"line_range\",\"start_line\":\"1\",\"end_line\":\"1\",\"replacement\":\"X\"}",
         "0\nX\n"},
    };
    tool_context cx = fixture_context(s);

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v;

        fixture_puts(s, &cx, "f", cases[i].before);
        v = update(s, &cx, cases[i].operations);
        CHECK(json_get_bool(v, "success", false), "case %zu: %s", i, json_text(s->arena, v));
        CHECK_STR(fixture_read(s, &cx, "f"), cases[i].after);
    }
}

FIBER_TEST(the_answer_counts_what_was_done)
{
    tool_context cx = fixture_context(s);
    json_t *v, *first;

    fixture_puts(s, &cx, "f", "é é x\n");
    v = update(
        s, &cx,
        "{\"update_mode\":\"search_replace\",\"search_pattern\":\"é\",\"replacement\":\"ee\",\"replace_all\":true},"
        "{\"update_mode\":\"search_replace\",\"search_pattern\":\"x$\",\"replacement\":\"y\"}");
    CHECK_STR(json_get_str(v, "message", NULL), "Successfully applied 2 update operations and made 3 replacements.");
    CHECK_INT(json_get_int(v, "replacements", 0), 3);
    CHECK_INT(json_get_int(v, "operations_applied", 0), 2);
    CHECK_INT(json_get_int(v, "original_length", 0), 6);
    CHECK_INT(json_get_int(v, "new_length", 0), 8);
    CHECK_STR(json_get_str(v, "update_mode", NULL), "batch");
    first = json_array_get(json_get_arr(v, "operations"), 0);
    CHECK_STR(json_get_str(first, "match_mode", NULL), "literal");
    CHECK_INT(json_get_int(first, "replacements", 0), 2);
    CHECK_STR(json_get_str(json_array_get(json_get_arr(v, "operations"), 1), "match_mode", NULL), "regex");
}

FIBER_TEST(nothing_is_written_when_any_operation_fails)
{
    static const struct {
        const char *operations, *code;
        int index;
    } cases[] = {
        {"{\"search_pattern\":\"one\",\"replacement\":\"1\"},{\"search_pattern\":\"zzz\",\"replacement\":\"\"}",
         "NO_MATCH", 1},
        {"{\"search_pattern\":\"one\",\"replacement\":\"1\"},{\"search_pattern\":\"two\",\"replacement\":\"\"}",
         "MULTIPLE_MATCHES", 1},
        {"{\"search_pattern\":\"t[a-z]o\",\"replacement\":\"\"}", "MULTIPLE_MATCHES", 0},
        {"{\"search_pattern\":\"(((\",\"replacement\":\"\"}", "NO_MATCH", 0},
        {"{\"search_pattern\":\"\",\"replacement\":\"\"}", "INVALID_ARGUMENT", 0},
        {"{\"search_pattern\":\"one\"}", "INVALID_ARGUMENT", 0},
        {"{\"update_mode\":\"rewrite\",\"replacement\":\"\"}", "INVALID_ARGUMENT", 0},
        {"{\"update_mode\":\"line_range\",\"start_line\":0,\"end_line\":9,\"replacement\":\"\"}", "INVALID_ARGUMENT",
         0},
        {"{\"update_mode\":\"line_range\",\"start_line\":2,\"end_line\":1,\"replacement\":\"\"}", "INVALID_ARGUMENT",
         0},
        {"{\"update_mode\":\"line_range\",\"start_line\":0,\"end_line\":1,\"replacement\":\"\"},"
         "{\"update_mode\":\"line_range\",\"start_line\":1,\"end_line\":2,\"replacement\":\"\"}",
         "INVALID_ARGUMENT", 1},
        {"{\"update_mode\":\"line_range\",\"start_line\":9223372036854775807,\"end_line\":9223372036854775807,"
         "\"replacement\":\"\"}",
         "INVALID_ARGUMENT", 0},
    };
    tool_context cx = fixture_context(s);
    const char *before = "one\ntwo\ntwo\n";

    fixture_puts(s, &cx, "f", before);
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v = update(s, &cx, cases[i].operations);

        CHECK(cstr_eq(json_get_str(v, "error_code", NULL), cases[i].code), "case %zu: %s", i, json_text(s->arena, v));
        CHECK_INT(json_get_int(v, "failed_operation_index", -1), cases[i].index);
        CHECK_STR(fixture_read(s, &cx, "f"), before);
    }
}

FIBER_TEST(several_matches_are_shown)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    fixture_puts(s, &cx, "f", "one\ntwo\ntwo\n");
    v = update(s, &cx, "{\"search_pattern\":\"two\",\"replacement\":\"\"}");
    CHECK_INT(json_get_int(v, "match_count", 0), 2);
    CHECK_INT(json_get_int(json_array_get(json_get_arr(v, "matches"), 1), "line", 0), 3);
}

FIBER_TEST(a_list_of_operations_is_needed)
{
    tool_context cx = fixture_context(s);

    fixture_puts(s, &cx, "f", "x");
    fixture_fails(s, &cx, "file_update", "{\"file_path\":\"f\",\"operations\":[]}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "file_update", "{\"file_path\":\"f\",\"operations\":[\"x\"]}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "file_update",
                  "{\"file_path\":\"none\",\"operations\":[{\"search_pattern\":\"x\",\"replacement\":\"y\"}]}",
                  "NOT_FOUND");
}

FIBER_TEST(a_pattern_that_explodes_is_refused_in_time, .limit = 30)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    fixture_puts(s, &cx, "f", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    v = update(s, &cx, "{\"search_pattern\":\"^(a+)+$\",\"replacement\":\"x\"}");
    CHECK_STR(json_get_str(v, "error_code", NULL), "INVALID_ARGUMENT");
    fixture_puts(s, &cx, "f", arena_printf(s->arena, "%0*d", 100000, 0));
    v = update(s, &cx, "{\"search_pattern\":\"\\\\d*\\\\d*[a-z][!?]\",\"replacement\":\"x\"}");
    CHECK_STR(json_get_str(v, "error_code", NULL), "INVALID_ARGUMENT");
}

FIBER_TEST(replacing_cannot_grow_a_file_without_bound, .limit = 60)
{
    tool_context cx = fixture_context(s);
    char *many = arena_alloc(s->arena, 100001), *large = arena_alloc(s->arena, 1001);
    json_t *v;

    memset(many, 'a', 100000);
    memset(large, 'b', 1000);
    many[100000] = large[1000] = '\0';
    fixture_puts(s, &cx, "f", many);
    v = update(s, &cx,
               arena_printf(s->arena, "{\"search_pattern\":\"a\",\"replacement\":\"%s\",\"replace_all\":true}", large));
    CHECK_STR(json_get_str(v, "error_code", NULL), "INVALID_ARGUMENT");
    CHECK_INT(strlen(fixture_read(s, &cx, "f")), 100000);
}
