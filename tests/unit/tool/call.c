/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdlib.h>

#include "base/clock.h"
#include "rt/sleep.h"

/* A tool of ours: gives back its arguments, or does what `data` says. */
static err echo(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const char *what = t->data;

    (void)cx;
    if (cstr_eq(what, "sleep"))
        return sleep_for(s, SECONDS(60));
    if (cstr_eq(what, "fail"))
        return fail(s, ERR_UPSTREAM, "boom");
    if (cstr_eq(what, "text"))
        return answer_text(s, "plain", out);
    if (cstr_eq(what, "list"))
        return answer_json(s, json_pack("[s,i]", "a", 1), out);
    return answer_json(s, json_pack("{s:O}", "args", args), out);
}

static tool make(scope *s, const char *parameters, const char *what, tool_kind kind)
{
    tool t = {.name = "echo", .kind = kind, .call = echo, .data = what, .description = "d"};

    CHECK(json_parse(s->arena, parameters, strlen(parameters), NULL, &t.parameters) == OK, "%s", parameters);
    return t;
}

static tool_result call(scope *s, const tool *t, const tool_context *cx, const char *args)
{
    tool_result r = {0};
    json_t *v = NULL;

    CHECK(json_parse(s->arena, args, strlen(args), NULL, &v) == OK, "%s", args);
    CHECK(tool_call(s, t, cx, v, &r) == OK, "%s", args);
    return r;
}

#define SCHEMA(properties, required) "{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required "]}"

FIBER_TEST(arguments_become_what_the_schema_asks_for)
{
    static const struct {
        const char *schema, *given, *want;
    } cases[] = {
        {"\"type\":\"integer\"", "\"5\"", "5"},
        {"\"type\":\"integer\"", "\" -7 \"", "-7"},
        {"\"type\":\"integer\"", "5.0", "5"},
        {"\"type\":\"integer\"", "\"5.0\"", "5"},
        {"\"type\":\"integer\"", "\"x\"", "\"x\""},
        {"\"type\":\"integer\"", "5.5", "5.5"},
        {"\"type\":\"integer\"", "\"99999999999999999999\"", "\"99999999999999999999\""},
        {"\"type\":\"number\"", "\"2.5\"", "2.5"},
        {"\"type\":\"number\"", "\"2\"", "2"},
        {"\"type\":\"number\"", "\"nan\"", "\"nan\""},
        {"\"type\":\"boolean\"", "\"true\"", "true"},
        {"\"type\":\"boolean\"", "\"False\"", "false"},
        {"\"type\":\"boolean\"", "\"yes\"", "\"yes\""},
        {"\"type\":\"string\"", "12", "\"12\""},
        {"\"type\":\"string\"", "1.5", "\"1.5\""},
        {"\"type\":\"string\"", "\"12\"", "\"12\""},
        {"\"type\":\"object\"", "\"{\\\"a\\\":1}\"", "{\"a\":1}"},
        {"\"type\":\"object\"", "\"[1]\"", "\"[1]\""},
        {"\"type\":\"array\"", "\"[1,2]\"", "[1,2]"},
        {"\"type\":\"array\"", "\"http://x\"", "[\"http://x\"]"},
        {"\"type\":\"array\"", "{\"a\":1}", "[{\"a\":1}]"},
        {"\"type\":\"array\",\"items\":{\"type\":\"integer\"}", "[\"1\",2]", "[1,2]"},
        {"\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}",
         "[{\"n\":\"3\",\"m\":\"4\"}]", "[{\"n\":3,\"m\":\"4\"}]"},
        {"\"description\":\"any\"", "\"5\"", "\"5\""},
        {"\"type\":[\"string\",\"null\"]", "5", "5"},
    };
    tool_context cx = fixture_context(s);

    for (size_t i = 0; i < COUNT(cases); i++) {
        tool t = make(s, arena_printf(s->arena, SCHEMA("\"p\":{%s}", ""), cases[i].schema), "", TOOL_MCP);
        tool_result r = call(s, &t, &cx, arena_printf(s->arena, "{\"p\":%s}", cases[i].given));

        CHECK_STR(r.text, arena_printf(s->arena, "{\"args\":{\"p\":%s}}", cases[i].want));
    }
}

FIBER_TEST(what_only_the_server_may_say_is_dropped_and_nulls_too)
{
    tool_context cx = fixture_context(s);
    tool t = make(s, SCHEMA("\"p\":{\"type\":\"string\"},\"session_id\":{\"type\":\"string\"}", ""), "", TOOL_MCP);

    CHECK_STR(
        call(s, &t, &cx,
             "{\"session_id\":\"forged\",\"user_id\":\"root\",\"command_policy\":{},\"sandbox_approval_mode\":\"x\","
             "\"p\":null,\"other\":1}")
            .text,
        "{\"args\":{\"other\":1,\"session_id\":\"s1\"}}");
}

FIBER_TEST(the_system_context_overrides_declared_parameters)
{
    tool_context cx = fixture_context(s);
    tool t = make(s, SCHEMA("\"city\":{\"type\":\"string\"}", "\"city\""), "", TOOL_MCP);

    cx.system_context = json_hold(s->arena, json_pack("{s:s,s:s}", "city", "Rome", "country", "Italy"));
    CHECK_STR(call(s, &t, &cx, "{\"city\":\"Oslo\"}").text, "{\"args\":{\"city\":\"Rome\"}}");
    CHECK_STR(call(s, &t, &cx, "{}").text, "{\"args\":{\"city\":\"Rome\"}}");
}

FIBER_TEST(missing_parameters_are_named)
{
    tool_context cx = fixture_context(s);
    tool t = make(s, SCHEMA("\"a\":{},\"b\":{},\"c\":{}", "\"a\",\"b\",\"c\""), "", TOOL_MCP);
    tool_result r = call(s, &t, &cx, "{\"c\":1,\"a\":null}");

    CHECK(r.failed, "failed");
    CHECK_STR(r.text, "{\"success\":false,\"status\":\"error\",\"error\":\"Missing required parameters: a, b\","
                      "\"required_params\":[\"a\",\"b\",\"c\"],\"provided_params\":[\"c\",\"a\"]}");
}

FIBER_TEST(arguments_that_are_no_object_are_an_answer)
{
    tool_context cx = fixture_context(s);
    tool t = make(s, SCHEMA("", ""), "", TOOL_MCP);
    tool_result r = call(s, &t, &cx, "[1]");

    CHECK(r.failed, "failed");
    CHECK_STR(r.text, "{\"error\":\"Tool echo failed: Tool argument format error: arguments must be a JSON object\"}");
}

FIBER_TEST(built_in_tools_refuse_wrong_types_and_NULs)
{
    tool_context cx = fixture_context(s);
    json_t *nul = json_hold(s->arena, json_object());
    const tool *t;
    tool_result r;

    fixture_fails(s, &cx, "file_read", "{\"file_path\":[1]}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"f\",\"start_line\":\"one\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "grep", "{\"pattern\":\"x\",\"output_mode\":\"loud\"}", "INVALID_ARGUMENT");
    CHECK(tool_find(s, s->arena, &cx, "file_read", &t) == OK, "there");
    json_object_set_new(nul, "file_path", json_stringn("a\0b", 3));
    CHECK(tool_call(s, t, &cx, nul, &r) == OK && r.failed, "refused");
    CHECK_STR(json_get_str(r.value, "error_code", NULL), "INVALID_ARGUMENT");
}

FIBER_TEST(a_tool_that_fails_gives_an_execution_error)
{
    tool_context cx = fixture_context(s);
    tool t = make(s, SCHEMA("", ""), "fail", TOOL_MCP);
    tool_result r = call(s, &t, &cx, "{}");

    CHECK(r.failed && json_is_true(json_object_get(r.value, "error")), "%s", r.text);
    CHECK_STR(json_get_str(r.value, "status", NULL), "error");
    CHECK_STR(json_get_str(r.value, "error_type", NULL), "EXECUTION_ERROR");
    CHECK_STR(json_get_str(r.value, "tool_name", NULL), "echo");
    CHECK_STR(json_get_str(r.value, "exception_detail", NULL), "boom");
    CHECK(strstr(json_get_str(r.value, "message", ""), "Tool 'echo' failed after") != NULL, "%s", r.text);
    CHECK(json_is_real(json_object_get(r.value, "timestamp")), "%s", r.text);
}

FIBER_TEST(a_tool_that_takes_too_long_is_ended)
{
    tool_context cx = fixture_context(s);
    tool t = make(s, SCHEMA("", ""), "sleep", TOOL_MCP);
    tool_result r;

    t.timeout = MILLISECONDS(50);
    r = call(s, &t, &cx, "{}");
    CHECK(r.failed, "failed");
    CHECK_STR(json_get_str(r.value, "error_code", NULL), "TIMEOUT");
}

FIBER_TEST(the_callers_own_end_is_an_error_and_no_result)
{
    tool_context cx = fixture_context(s);
    tool t = make(s, SCHEMA("", ""), "sleep", TOOL_MCP);
    scope *brief = scope_child(s, MILLISECONDS(50)), *cancelled = scope_child(s, NO_LIMIT);
    json_t *args = json_hold(s->arena, json_object());
    tool_result r;

    CHECK(tool_call(brief, &t, &cx, args, &r) == ERR_TIMEOUT, "out of time");
    scope_cancel(cancelled, "enough");
    CHECK(tool_call(cancelled, &t, &cx, args, &r) == ERR_CANCELLED, "cancelled");
}

FIBER_TEST(texts_and_lists_come_through_as_they_are)
{
    tool_context cx = fixture_context(s);
    tool text = make(s, SCHEMA("", ""), "text", TOOL_MCP), list = make(s, SCHEMA("", ""), "list", TOOL_MCP);
    tool_result r = call(s, &text, &cx, "{}");

    CHECK_STR(r.text, "plain");
    CHECK(r.value == NULL && !r.failed, "plain");
    r = call(s, &list, &cx, "{}");
    CHECK_STR(r.text, "[\"a\",1]");
    CHECK(json_is_array(r.value) && !r.failed, "list");
}

FIBER_TEST(built_in_results_begin_with_a_sentence_in_the_users_language)
{
    tool_context cx = fixture_context(s);
    const char *key;

    cx.language = "zh";
    key = json_object_iter_key(json_object_iter(fixture_call(s, &cx, "list_dir", "{}")));
    CHECK_STR(key, "localized_summary");
    cx.language = "pt";
    CHECK(strstr(json_get_str(fixture_call(s, &cx, "file_read", "{\"file_path\":\"x\"}"), "localized_summary", ""),
                 "falhou: File or directory not found") != NULL,
          "the reason is in it");
    cx.language = "en";
    CHECK(json_object_get(fixture_call(s, &cx, "list_dir", "{}"), "localized_summary") == NULL, "none in English");
}

FIBER_TEST(manager_errors_have_their_shape)
{
    tool_result r;

    tool_error_result(s, "x", "TOOL_NOT_FOUND", "Tool 'x' not found", &r);
    CHECK(r.failed && json_is_true(json_object_get(r.value, "error")), "%s", r.text);
    CHECK_STR(json_get_str(r.value, "error_type", NULL), "TOOL_NOT_FOUND");
    CHECK_STR(json_get_str(r.value, "message", NULL), "Tool 'x' not found");
}

/* The output limit. */

static void set_limit(int64_t tokens)
{
    tool_configure(&(tool_settings){.result_tokens = tokens});
}

static char *filled(arena *a, const char *piece, size_t times)
{
    buf *b = buf_new(a, MIB(64));

    for (size_t i = 0; i < times; i++)
        buf_puts(b, piece);
    return arena_strdup(a, buf_str(b));
}

FIBER_TEST(tokens_are_estimated_by_the_kind_of_character)
{
    (void)s;
    CHECK_INT(tokens_estimate("abcd", 4), 1);
    CHECK_INT(tokens_estimate("12345", 5), 1);
    CHECK_INT(tokens_estimate("     ", 5), 2);
    CHECK_INT(tokens_estimate("中文字符号", 15), 3);
    CHECK_INT(tokens_estimate("", 0), 0);
}

FIBER_TEST(plain_text_over_the_limit_is_cut_with_the_documented_notice)
{
    char *long_text = filled(s->arena, "word ", 20000), *cut = text_cut(s->arena, long_text, 1000);

    CHECK(strstr(cut,
                 "\n\n[Result truncated] Original result is about 28000 tokens, which exceeds the 1000 token limit. "
                 "Showing the first 1000 tokens only.") != NULL,
          "%s", cut + strlen(cut) - 200);
    CHECK(tokens_estimate(cut, strlen(cut)) < 1100, "within");
    CHECK_STR(text_cut(s->arena, "short", 1000), "short");
    cut = text_cut(s->arena, filled(s->arena, "字", 5000), 100);
    CHECK(utf8_valid(cut, strlen(cut)), "cut between characters");
}

static json_t *cut_to(scope *s, json_t *owned, int64_t limit)
{
    json_t *v = json_hold(s->arena, owned), *out = json_hold(s->arena, value_cut(v, limit)), *back;
    char *text = json_text(s->arena, out);

    CHECK(json_parse(s->arena, text, strlen(text), NULL, &back) == OK, "still JSON");
    CHECK(tokens_estimate(text, strlen(text)) <= limit, "%lld tokens of %lld",
          (long long)tokens_estimate(text, strlen(text)), (long long)limit);
    return out;
}

FIBER_TEST(objects_over_the_limit_stay_valid_and_keep_their_short_members, .limit = 60)
{
    char *long_text = filled(s->arena, "lorem ipsum dolor ", 50000);
    json_t *v =
        cut_to(s, json_pack("{s:s,s:s,s:i,s:s}", "status", "success", "content", long_text, "total", 7, "path", "/a/b"),
               12000);

    CHECK_STR(json_get_str(v, "status", NULL), "success");
    CHECK_STR(json_get_str(v, "path", NULL), "/a/b");
    CHECK_INT(json_get_int(v, "total", 0), 7);
    CHECK(strstr(json_get_str(v, "result_truncated", ""), "[Result truncated] Original result is about") != NULL,
          "said");
    CHECK(strncmp(json_get_str(v, "content", ""), long_text, 10000) == 0, "most of it is there");
    v = json_hold(s->arena, json_pack("{s:s}", "a", "small"));
    CHECK(json_hold(s->arena, value_cut(v, 12000)) == v, "nothing to do");
}

FIBER_TEST(lists_over_the_limit_are_shortened, .limit = 60)
{
    json_t *list = json_array(), *v;

    for (int i = 0; i < 20000; i++)
        json_array_append_new(list, json_pack("{s:i,s:s}", "line", i, "text", "some text"));
    v = cut_to(s, json_pack("{s:b,s:o}", "success", 1, "matches", list), 5000);
    CHECK(json_get_bool(v, "success", false), "kept");
    CHECK(json_array_size(json_get_arr(v, "matches")) > 50, "%zu", json_array_size(json_get_arr(v, "matches")));
    list = json_array();
    for (int i = 0; i < 50000; i++)
        json_array_append_new(list, json_integer(i));
    v = cut_to(s, list, 2000);
    CHECK(json_is_array(v) && json_array_size(v) > 100, "%zu", json_array_size(v));
}

FIBER_TEST(wide_objects_and_deep_values_are_cut_too, .limit = 60)
{
    json_t *wide = json_object(), *deep = json_string("bottom");

    for (int i = 0; i < 20000; i++)
        json_set_int(wide, arena_printf(s->arena, "key%d", i), i);
    (void)cut_to(s, wide, 3000);
    for (int i = 0; i < 90; i++)
        deep = json_pack("{s:o,s:s}", "next", deep, "pad", filled(s->arena, "padding ", 100));
    (void)cut_to(s, deep, 4000);
}

FIBER_TEST(the_limit_of_the_server_holds_for_calls, .limit = 60)
{
    tool_context cx = fixture_context(s);
    tool_result r;

    set_limit(500);
    fixture_puts(s, &cx, "f", filled(s->arena, "0123456789 some line\n", 1000));
    r = fixture_result(s, &cx, "file_read", "{\"file_path\":\"f\"}");
    CHECK(tokens_estimate(r.text, strlen(r.text)) <= 500, "%zu bytes", strlen(r.text));
    CHECK_INT(json_get_int(r.value, "total_lines", 0), 1000);
}
