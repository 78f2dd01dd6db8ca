/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "base/clock.h"

FIBER_TEST(turn_status_ends_turns_unless_work_goes_on)
{
    tool_context cx = fixture_context(s);

    CHECK_STR(fixture_result(s, &cx, "turn_status", "{\"status\":\"task_done\",\"note\":\"n\"}").text,
              "{\"success\":true,\"status\":\"success\",\"should_end\":true}");
    CHECK_STR(fixture_result(s, &cx, "turn_status", "{\"status\":\"continue_work\"}").text,
              "{\"success\":true,\"status\":\"success\",\"should_end\":false}");
    fixture_fails(s, &cx, "turn_status", "{\"status\":\"bored\"}", "INVALID_ARGUMENT");
}

FIBER_TEST(expanding_tools_tells_what_exists)
{
    tool_context cx = fixture_context(s);

    CHECK_STR(fixture_result(s, &cx, "tool_expand_tools", "{\"tool_names\":[\"grep\",\"telepathy\"]}").text,
              "{\"success\":true,\"expanded_tools\":[],\"invalid_tools\":[\"telepathy\"],"
              "\"already_selected_tools\":[\"grep\"],\"available_expandable_tools\":[]}");
}

static json_t *ask(scope *s, const tool_context *cx, const char *questions)
{
    return fixture_call(s, cx, "questionnaire_async",
                        arena_printf(s->arena, "{\"title\":\"T\",\"questions\":[%s]}", questions));
}

FIBER_TEST(a_good_questionnaire_waits_for_the_user)
{
    tool_context cx = fixture_context(s);
    json_t *v = ask(
        s, &cx,
        "{\"type\":\"single_choice\",\"text\":\"Which?\",\"options\":[\"a\",{\"value\":\"b\",\"label\":\"Bee\"}],"
        "\"default\":\"b\"},"
        "{\"id\":\"m\",\"type\":\"multiple_choice\",\"title\":\"Some?\",\"options\":[\"x\",\"y\"],\"default\":[\"x\"],"
        "\"allow_other\":true},"
        "{\"type\":\"text\",\"text\":\"Why?\"}");
    json_t *q;

    CHECK(json_get_bool(v, "success", false) && json_get_bool(v, "validation_passed", false), "%s",
          json_text(s->arena, v));
    CHECK_STR(json_get_str(v, "status", NULL), "awaiting_user_input");
    CHECK(json_get_bool(v, "should_end", false), "ends");
    CHECK_INT(json_get_int(v, "question_count", 0), 3);
    CHECK_STR(json_get_str(v, "title", NULL), "T");
    q = json_array_get(json_get_arr(v, "questions"), 0);
    CHECK_STR(json_text(s->arena, q),
              "{\"id\":\"q1\",\"type\":\"single_choice\",\"text\":\"Which?\",\"options\":[{\"value\":"
              "\"a\",\"label\":\"a\"},{\"value\":\"b\",\"label\":\"Bee\"}],\"default\":\"b\","
              "\"allow_other\":false}");
    q = json_array_get(json_get_arr(v, "questions"), 1);
    CHECK_STR(json_get_str(q, "type", NULL), "multi_choice");
    CHECK(json_get_bool(q, "allow_other", false), "kept");
    CHECK_STR(json_get_str(json_array_get(json_get_arr(v, "questions"), 2), "type", NULL), "free_text");
}

FIBER_TEST(every_fault_of_a_questionnaire_is_listed)
{
    static const struct {
        const char *questions, *code;
    } cases[] = {
        {"", "questions_required"},
        {"\"x\"", "question_invalid"},
        {"{\"type\":\"essay\",\"text\":\"?\"}", "type_invalid"},
        {"{\"type\":\"text\",\"text\":\" \"}", "text_required"},
        {"{\"type\":\"single_choice\",\"text\":\"?\"}", "options_required"},
        {"{\"type\":\"single_choice\",\"text\":\"?\",\"options\":[\"\"]}", "option_invalid"},
        {"{\"type\":\"single_choice\",\"text\":\"?\",\"options\":[\"a\",\"a\"]}", "option_duplicate"},
        {"{\"type\":\"single_choice\",\"text\":\"?\",\"options\":[\"a\"],\"default\":\"b\"}", "default_invalid"},
        {"{\"type\":\"multi_choice\",\"text\":\"?\",\"options\":[\"a\"],\"default\":\"a\"}", "default_invalid"},
        {"{\"type\":\"multi_choice\",\"text\":\"?\",\"options\":[\"a\"],\"default\":[\"b\"]}", "default_invalid"},
        {"{\"type\":\"text\",\"text\":\"?\",\"default\":1}", "default_invalid"},
        {"{\"id\":\"q\",\"type\":\"text\",\"text\":\"?\"},{\"id\":\"q\",\"type\":\"text\",\"text\":\"!\"}",
         "id_duplicate"},
    };
    tool_context cx = fixture_context(s);

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v = ask(s, &cx, cases[i].questions), *first = json_array_get(json_get_arr(v, "errors"), 0);

        CHECK_STR(json_get_str(v, "error_code", NULL), "INVALID_ARGUMENT");
        CHECK(!json_get_bool(v, "validation_passed", true), "case %zu", i);
        CHECK(cstr_eq(json_get_str(first, "code", NULL), cases[i].code), "case %zu: %s", i, json_text(s->arena, v));
        CHECK(json_get_str(first, "path", NULL) != NULL && json_get_str(first, "message", NULL) != NULL, "case %zu", i);
    }
}

/* A list of so many numbers as JSON text. */
static const char *numbers(scope *s, int n)
{
    buf *b = buf_new(s->arena, MIB(4));

    for (int i = 0; i < n; i++)
        buf_printf(b, "%s\"%d\"", i > 0 ? "," : "[", i);
    buf_putc(b, ']');
    return buf_str(b);
}

FIBER_TEST(a_questionnaire_of_any_size_is_answered_at_once, .limit = 40)
{
    static const struct {
        int options, fallback;
    } cases[] = {{100000, 1}, {100, 100000}, {100000, 100000}, {2, 3}};
    tool_context cx = fixture_context(s);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *args = arena_printf(s->arena,
                                        "{\"questions\":[{\"type\":\"multi_choice\",\"text\":\"?\",\"options\":%s,"
                                        "\"default\":%s}]}",
                                        numbers(s, cases[i].options), numbers(s, cases[i].fallback));
        int64_t began = clock_mono();

        fixture_fails(s, &cx, "questionnaire_async", args, "INVALID_ARGUMENT");
        CHECK(clock_mono() - began < SECONDS(5), "%d options: %lld ms", cases[i].options,
              (long long)((clock_mono() - began) / 1000000));
    }
}
