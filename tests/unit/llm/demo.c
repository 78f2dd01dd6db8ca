/* SPDX-License-Identifier: MIT */
/* The demo driver: always the same answer, and one that says who answers. */
#include "llm/demo.h"

#include "base/clock.h"
#include "test.h"

static const char list_schema[] = "{\"type\":\"object\",\"properties\":{\"recursive\":{\"type\":\"boolean\"},"
                                  "\"dir_path\":{\"type\":\"string\"}}}";

static llm_request request(scope *s, const llm_message *messages, size_t n)
{
    static llm_tool tools[] = {{.name = "get_current_time"},
                               {.name = "list_dir"},
                               {.name = "file_read"},
                               {.name = "todo_write"},
                               {.name = "file_write"}};

    CHECK(json_parse(s->arena, list_schema, sizeof list_schema - 1, NULL, &tools[1].parameters) == OK, "schema");
    llm_demo_set_delay(0);
    return (llm_request){.at = {.driver = "demo", .model = "demo"},
                         .messages = messages,
                         .n_messages = n,
                         .tools = tools,
                         .n_tools = COUNT(tools)};
}

/* The text, and the calls as "[name arguments]". */
static const char *answer_of(scope *s, const llm_request *rq, const char **finish)
{
    buf *text = buf_new(s->arena, MIB(1)), *calls = buf_new(s->arena, MIB(1));
    llm_stream *st;
    llm_delta d;
    err e;

    CHECK(llm_open(s, rq, &st) == OK, "%s", s->failure.text);
    while ((e = llm_next(s, st, &d)) == OK) {
        if (d.kind == LLM_TEXT)
            buf_add(text, d.text.p, d.text.len);
        if (d.kind == LLM_TOOL_CALL && d.name != NULL)
            buf_printf(calls, "%s%s ", calls->len > 0 ? "]" : "", "[");
        if (d.kind == LLM_TOOL_CALL && d.name != NULL)
            buf_printf(calls, "%s ", d.name);
        if (d.kind == LLM_TOOL_CALL)
            buf_add(calls, d.text.p, d.text.len);
        if (d.kind == LLM_STOP)
            *finish = arena_strdup(s->arena, d.finish);
        if (d.kind == LLM_USAGE)
            CHECK(d.usage.prompt > 0 && d.usage.total == d.usage.prompt + d.usage.completion, "usage");
    }
    CHECK_INT(e, ERR_CLOSED);
    if (calls->len > 0)
        buf_putc(calls, ']');
    buf_puts(text, buf_str(calls));
    return buf_str(text);
}

FIBER_TEST(plain_patterns_call_tools)
{
    static const struct {
        const char *says, *calls;
    } cases[] = {
        {"What time is it?", "[ get_current_time {}]"},
        {"Please LIST FILES here", "[ list_dir {\"dir_path\":\".\"}]"},
        {"Write a file notes.md",
         "[ file_write {\"file_path\":\"notes.md\",\"content\":\"Write a file notes.md\\n\"}]"},
        {"create a file 'a/b.txt', please",
         "[ file_write {\"file_path\":\"a/b.txt\",\"content\":\"create a file 'a/b.txt', please\\n\"}]"},
        {"use the tool file_read {\"file_path\":\"a b.txt\"}", "[ file_read {\"file_path\":\"a b.txt\"}]"},
        {"Call tool `todo_write` with {\"tasks\":[{\"id\":\"}\"}]} now", "[ todo_write {\"tasks\":[{\"id\":\"}\"}]}]"},
        {"use the tool file_read {\"a\":1} and then use the tool list_dir", "[ file_read {\"a\":1}][ list_dir {}]"},
        {"use the tool file_read {broken", "[ file_read {}]"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        llm_message m = {.role = ROLE_USER, .text = cases[i].says};
        llm_request rq = request(s, &m, 1);
        const char *finish = "", *got = answer_of(s, &rq, &finish);

        CHECK(strstr(got, cases[i].calls) != NULL, "%s: %s", cases[i].says, got);
        CHECK_STR(finish, "tool_calls");
    }
}

FIBER_TEST(a_tool_that_was_not_offered_is_not_called)
{
    llm_message m = {.role = ROLE_USER, .text = "use the tool rm_rf {}"};
    llm_request rq = request(s, &m, 1);
    const char *finish = "", *got = answer_of(s, &rq, &finish);

    CHECK(strstr(got, "not offered") != NULL && strstr(got, "rm_rf") != NULL && strchr(got, '[') == NULL, "%s", got);
    CHECK_STR(finish, "stop");
}

FIBER_TEST(results_of_tools_are_reported)
{
    static const llm_tool_call calls[] = {{"a", "get_current_time", "{}"}, {"b", "list_dir", "{}"}};
    const llm_message messages[] = {
        {.role = ROLE_USER, .text = "What time is it? And list files."},
        {.role = ROLE_ASSISTANT, .calls = calls, .n_calls = 2},
        {.role = ROLE_TOOL, .text = "12:34", .tool_call_id = "a"},
        {.role = ROLE_TOOL, .text = "README.md", .tool_call_id = "b"},
    };
    llm_request rq = request(s, messages, COUNT(messages));
    const char *finish = "", *got = answer_of(s, &rq, &finish);

    CHECK(strstr(got, "get_current_time answered: 12:34") != NULL, "%s", got);
    CHECK(strstr(got, "list_dir answered: README.md") != NULL, "%s", got);
    CHECK(strstr(got, "demo model") != NULL, "%s", got);
    CHECK_STR(finish, "stop");
}

FIBER_TEST(it_says_what_it_is_and_repeats_what_it_was_told)
{
    llm_message m = {.role = ROLE_USER, .text = "Hello there"};
    llm_request rq = request(s, &m, 1);
    const char *finish = "", *got = answer_of(s, &rq, &finish);

    CHECK(strstr(got, "demo model") != NULL && strstr(got, "not a language model") != NULL, "%s", got);
    CHECK(strstr(got, "“Hello there”") != NULL, "%s", got);
    CHECK_STR(answer_of(s, &rq, &finish), got);
}

FIBER_TEST(what_was_said_or_retrieved_before_is_quoted)
{
    const llm_message messages[] = {
        {.role = ROLE_SYSTEM,
         .text =
             "Always answer politely about the capital city. <knowledge>The warehouse opens at seven. The mascot of "
             "Freedonia is a purple otter.</knowledge>"},
        {.role = ROLE_USER, .text = "My favourite colour is green. I like trains."},
        {.role = ROLE_ASSISTANT, .text = "I see."},
        {.role = ROLE_USER, .text = "What is my favourite colour?"},
    };
    llm_message asked[COUNT(messages)];
    llm_request rq = request(s, messages, COUNT(messages));
    const char *finish = "", *got = answer_of(s, &rq, &finish);

    CHECK(strstr(got, "“My favourite colour is green”") != NULL, "%s", got);
    memcpy(asked, messages, sizeof messages);
    asked[3].text = "Which mascot does Freedonia have?";
    rq = request(s, asked, COUNT(asked));
    got = answer_of(s, &rq, &finish);
    CHECK(strstr(got, "purple otter") != NULL, "%s", got);
    asked[3].text = "What is the capital city?";
    got = answer_of(s, &rq, &finish);
    CHECK(strstr(got, "politely") == NULL, "instructions are not knowledge: %s", got);
}

FIBER_TEST(a_required_call_is_made)
{
    llm_tool status = {.name = "turn_status"};
    llm_message m = {.role = ROLE_USER, .text = "Hello"};
    llm_request rq = request(s, &m, 1);
    const char *finish = "";

    rq.tool_choice = TOOL_CHOICE_REQUIRED;
    CHECK_STR(answer_of(s, &rq, &finish), "[ get_current_time {}]");
    m.text = "use the tool file_read {}";
    rq.tools = &status;
    rq.n_tools = 1;
    CHECK_STR(answer_of(s, &rq, &finish), "[ turn_status {\"status\":\"task_done\"}]");
}

FIBER_TEST(limits_and_formats_are_kept)
{
    llm_message m = {.role = ROLE_USER, .text = "Hello"};
    llm_request rq = request(s, &m, 1);
    const char *finish = "", *got;
    json_t *v;

    rq.at.params = json_hold(s->arena, json_pack("{s:i}", "max_tokens", 3));
    got = answer_of(s, &rq, &finish);
    CHECK_STR(got, "I am the");
    CHECK_STR(finish, "length");
    rq.at.params = NULL;
    rq.response_format = json_hold(s->arena, json_pack("{s:s}", "type", "json_object"));
    got = answer_of(s, &rq, &finish);
    CHECK(json_parse(s->arena, got, strlen(got), NULL, &v) == OK, "%s", got);
}

FIBER_TEST(thinking_is_shown_apart)
{
    llm_message m = {.role = ROLE_USER, .text = "Hello"};
    llm_request rq = request(s, &m, 1);
    llm_stream *st;
    llm_delta d;

    rq.thinking = THINKING_ON;
    CHECK(llm_open(s, &rq, &st) == OK && llm_next(s, st, &d) == OK, "begun");
    CHECK(d.kind == LLM_REASONING && d.text.len > 0, "kind %d", (int)d.kind);
}

FIBER_TEST(words_come_at_a_pace_that_cancel_and_deadline_end)
{
    llm_message m = {.role = ROLE_USER, .text = "Hello"};
    llm_request rq = request(s, &m, 1);
    scope *child = scope_child(s, MILLISECONDS(30));
    int64_t began = clock_mono();
    llm_stream *st;
    llm_delta d;
    err e;

    llm_demo_set_delay(MILLISECONDS(10));
    CHECK(llm_open(child, &rq, &st) == OK, "begun");
    while ((e = llm_next(child, st, &d)) == OK)
        ;
    CHECK_INT(e, ERR_TIMEOUT);
    CHECK(clock_mono() - began >= MILLISECONDS(20), "it took its time");
    scope_close(child);
}
