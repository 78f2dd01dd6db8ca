/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "base/clock.h"
#include "tool/pattern.h"

static json_t *grep(scope *s, const tool_context *cx, const char *args)
{
    return fixture_call(s, cx, "grep", args);
}

static json_t *match(json_t *v, size_t i)
{
    return json_array_get(json_get_arr(v, "matches"), i);
}

FIBER_TEST(matches_say_where_and_what)
{
    tool_context cx = fixture_context(s);
    json_t *v, *m;

    fixture_puts(s, &cx, "a.c", "int x;\nint main(void)\r\n{\n}\n");
    fixture_puts(s, &cx, "b.py", "def main():\n");
    fixture_write(s, &cx, "bin", "main\0main", 9);
    fixture_puts(s, &cx, ".git/c", "main");
    v = grep(s, &cx, "{\"pattern\":\"ma(in)\",\"glob\":\"*.c\",\"context_lines\":1}");
    CHECK_INT(json_get_int(v, "count", -1), 1);
    CHECK(!json_get_bool(v, "truncated", true), "all");
    m = match(v, 0);
    CHECK_STR(json_get_str(m, "file", NULL), fixture_path(s, &cx, "a.c"));
    CHECK_INT(json_get_int(m, "line", 0), 2);
    CHECK_INT(json_get_int(m, "col", 0), 5);
    CHECK_STR(json_get_str(m, "match", NULL), "main");
    CHECK_STR(json_get_str(m, "line_text", NULL), "int main(void)");
    CHECK_STR(json_string_value(json_array_get(json_get_arr(m, "before"), 0)), "int x;");
    CHECK_STR(json_string_value(json_array_get(json_get_arr(m, "after"), 0)), "{");
    v = grep(s, &cx, "{\"pattern\":\"MAIN\",\"case_insensitive\":true,\"output_mode\":\"files_with_matches\"}");
    CHECK_INT(json_array_size(json_get_arr(v, "files")), 2);
    v = grep(s, &cx, "{\"pattern\":\"in\",\"type\":\"c\",\"output_mode\":\"count\"}");
    CHECK_INT(json_get_int(v, "total", 0), 2);
    CHECK_INT(json_get_int(json_array_get(json_get_arr(v, "counts"), 0), "matches", 0), 2);
    v = grep(s, &cx, "{\"pattern\":\"main\",\"path\":\"b.py\"}");
    CHECK_INT(json_get_int(v, "count", 0), 1);
    v = grep(s, &cx, "{\"pattern\":\"x;\\\\nint\",\"multiline\":true}");
    CHECK_INT(json_get_int(match(v, 0), "line", 0), 1);
    v = grep(s, &cx, "{\"pattern\":\"^def|nothing$\"}");
    CHECK_INT(json_get_int(v, "count", 0), 1);
    v = grep(s, &cx, "{\"pattern\":\"absent\"}");
    CHECK_INT(json_get_int(v, "count", -1), 0);
}

FIBER_TEST(the_number_of_matches_is_bounded)
{
    tool_context cx = fixture_context(s);
    buf *b = buf_new(s->arena, MIB(4));
    json_t *v;

    for (int i = 0; i < 10000; i++)
        buf_puts(b, "line\n");
    fixture_puts(s, &cx, "f", buf_str(b));
    v = grep(s, &cx, "{\"pattern\":\"line\",\"head_limit\":5}");
    CHECK(json_get_bool(v, "truncated", false), "cut");
    CHECK_INT(json_array_size(json_get_arr(v, "matches")), 5);
    v = grep(s, &cx, "{\"pattern\":\"line\",\"head_limit\":1000000,\"output_mode\":\"count\"}");
    CHECK_INT(json_get_int(v, "total", 0), 10000);
    v = grep(s, &cx, "{\"pattern\":\"\",\"multiline\":true,\"head_limit\":3}");
    CHECK_INT(json_array_size(json_get_arr(v, "matches")), 3);
}

FIBER_TEST(long_lines_and_foreign_bytes_are_shown_in_part)
{
    tool_context cx = fixture_context(s);
    char *line = arena_alloc(s->arena, 100001);
    json_t *v;

    memset(line, 'x', 100000);
    line[100000] = '\0';
    memcpy(line + 50, "needle", 6);
    fixture_puts(s, &cx, "long", line);
    fixture_write(s, &cx, "latin1", "caf\xe9 needle\n", 12);
    v = grep(s, &cx, "{\"pattern\":\"needle\"}");
    CHECK_INT(json_get_int(v, "count", 0), 2);
    for (size_t i = 0; i < 2; i++)
        CHECK(strlen(json_get_str(match(v, i), "line_text", "")) < 1000, "short");
}

FIBER_TEST(bad_patterns_globs_and_types_are_refused)
{
    tool_context cx = fixture_context(s);

    fixture_fails(s, &cx, "grep", "{\"pattern\":\"(\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "grep", "{\"pattern\":\"a{99999}\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "grep", "{\"pattern\":\"x\",\"type\":\"cobol\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "grep", "{\"pattern\":\"x\",\"path\":\"none\"}", "NOT_FOUND");
    fixture_fails(s, &cx, "grep", arena_printf(s->arena, "{\"pattern\":\"%0*d\"}", 5000, 1), "INVALID_ARGUMENT");
}

FIBER_TEST(patterns_that_explode_are_stopped, .limit = 60)
{
    static const char *const bombs[] = {"^(a+)+$",          "(a|a)*b",           "(.*)*x$",
                                        "(?:a?){40}a{40}b", "(\\\\w+\\\\s?)*;$", "((a*)*)*b"};
    tool_context cx = fixture_context(s);
    char *text = arena_alloc(s->arena, 5002);

    memset(text, 'a', 5000);
    memcpy(text + 4999, "!\n", 3);
    fixture_puts(s, &cx, "f", text);
    for (size_t i = 0; i < COUNT(bombs); i++) {
        int64_t began = clock_mono();
        tool_result r = fixture_result(s, &cx, "grep", arena_printf(s->arena, "{\"pattern\":\"%s\"}", bombs[i]));

        CHECK(clock_mono() - began < SECONDS(18), "%s took %lld ms", bombs[i],
              (long long)((clock_mono() - began) / 1000000));
        CHECK(r.failed || json_get_int(r.value, "count", -1) == 0, "%s: %s", bombs[i], r.text);
    }
}

/* No place in it is over the bound of one place, but there are very many. */
static void put_slow_line(scope *s, const tool_context *cx, const char *path, size_t len)
{
    char *line = arena_alloc(s->arena, len + 1);

    memset(line, 'a', len);
    line[len] = '\n';
    fixture_write(s, cx, path, line, len + 1);
}

FIBER_TEST(a_long_line_does_not_make_a_pattern_endless, .limit = 60)
{
    tool_context cx = fixture_context(s);

    put_slow_line(s, &cx, "f", 100000);
    fixture_fails(s, &cx, "grep", "{\"pattern\":\"[a-z]*[a-z]*\\\\d[!?]\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "grep", "{\"pattern\":\"[a-z]*[a-z]*\\\\d[!?]\",\"multiline\":true}", "INVALID_ARGUMENT");
}

FIBER_TEST(a_match_ends_with_its_scope, .limit = 60)
{
    tool_context cx = fixture_context(s);
    scope *brief = scope_child(s, MILLISECONDS(20));
    json_t *args = json_hold(s->arena, json_pack("{s:s}", "pattern", "[a-z]*[a-z]*\\d[!?]"));
    const tool *t;
    tool_result r;
    int64_t began;

    put_slow_line(s, &cx, "f", 190000);
    CHECK(tool_find(s, s->arena, &cx, "grep", &t) == OK, "there");
    began = clock_mono();
    CHECK_INT(tool_call(brief, t, &cx, args, &r), ERR_TIMEOUT);
    CHECK(clock_mono() - began < SECONDS(3), "after %lld ms", (long long)((clock_mono() - began) / 1000000));
}

FIBER_TEST(a_search_ends_with_its_scope, .limit = 60)
{
    tool_context cx = fixture_context(s);
    buf *b = buf_new(s->arena, MIB(16));
    scope *brief = scope_child(s, MILLISECONDS(100));
    json_t *args = json_hold(s->arena, json_pack("{s:s}", "pattern", "(x+x+)+[yz]"));
    const tool *t;
    tool_result r;
    int64_t began;
    err e;

    for (int i = 0; i < 100000; i++)
        buf_puts(b, "xxxxxxxx\n");
    for (int i = 0; i < 4; i++)
        fixture_puts(s, &cx, arena_printf(s->arena, "f%d", i), buf_str(b));
    CHECK(tool_find(s, s->arena, &cx, "grep", &t) == OK, "there");
    began = clock_mono();
    e = tool_call(brief, t, &cx, args, &r);
    CHECK(e == ERR_TIMEOUT, "%s after %lld ms: %.300s", err_name(e), (long long)((clock_mono() - began) / 1000000),
          e == OK ? r.text : "");
    CHECK(clock_mono() - began < SECONDS(5), "soon");
}
