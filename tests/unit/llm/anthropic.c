/* SPDX-License-Identifier: MIT */
/* Anthropic's messages: what is asked, and how answers are read. */
#include "llm/anthropic.h"

#include "driver.h"

static llm_request request(scope *s)
{
    return driver_request(s, "anthropic", "claude-test", "");
}

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define START                                                                                                          \
    EVENT("message_start", ",\"message\":{\"model\":\"claude-test-1\",\"usage\":{\"input_tokens\":10,"                 \
                           "\"cache_read_input_tokens\":4,\"cache_creation_input_tokens\":1,\"output_tokens\":1}}")
#define BLOCK(index, block) EVENT("content_block_start", ",\"index\":" #index ",\"content_block\":" block)
#define DELTA(index, delta) EVENT("content_block_delta", ",\"index\":" #index ",\"delta\":" delta)
#define END(index) EVENT("content_block_stop", ",\"index\":" #index)
#define FINISH(reason)                                                                                                 \
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" reason "\"},\"usage\":{\"output_tokens\":20}")             \
    EVENT("message_stop", "")
#define TEXT(text) DELTA(0, "{\"type\":\"text_delta\",\"text\":\"" text "\"}")

FIBER_TEST(blocks_become_deltas)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        {START BLOCK(0, "{\"type\":\"text\",\"text\":\"\"}") EVENT("ping", "") TEXT("Hello") TEXT(" there") END(0)
             FINISH("end_turn"),
         "T(Hello)T( there)S(stop)U15/20/35/4/0"},
        {START BLOCK(0, "{\"type\":\"thinking\",\"thinking\":\"\"}")
             DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}")
                 DELTA(0, "{\"type\":\"signature_delta\",\"signature\":\"x\"}") END(0)
                     BLOCK(1, "{\"type\":\"text\",\"text\":\"\"}") DELTA(1, "{\"type\":\"text_delta\",\"text\":\"a\"}")
                         END(1) FINISH("max_tokens"),
         "R(hm)B({\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"x\"})T(a)S(length)U15/20/35/4/0"},
        {START BLOCK(0, "{\"type\":\"text\",\"text\":\"\"}") TEXT("I look.") END(0)
             BLOCK(1, "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}")
                 DELTA(1, "{\"type\":\"input_json_delta\",\"partial_json\":\"\"}")
                     DELTA(1, "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\\\":\"}")
                         DELTA(1, "{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}") END(1)
                             BLOCK(2, "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"g\",\"input\":{}}") END(2)
                                 FINISH("tool_use"),
         "T(I look.)C0[toolu_1|f]()C0[|]({\"x\":)C0[|](1})C1[toolu_2|g]()C1[|]({})S(tool_calls)U15/20/35/4/0"},
        {START BLOCK(0, "{\"type\":\"redacted_thinking\",\"data\":\"x\"}") END(0) EVENT("brand_new", ",\"x\":1")
             FINISH("refusal"),
         "B({\"type\":\"redacted_thinking\",\"data\":\"x\"})S(content_filter)U15/20/35/4/0"},
        {START BLOCK(0, "{\"type\":\"text\",\"text\":\"a\"}") FINISH("something_new"),
         "T(a)S(something_new)U15/20/35/4/0"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        llm_request rq = request(s);
        buf *out = buf_new(s->arena, 10000);

        play.body = cases[i].body;
        CHECK(driver_read(s, &rq, out) == ERR_CLOSED, "case %zu: %s", i, s->failure.text);
        CHECK_STR(buf_str(out), cases[i].want);
    }
    CHECK(cstr_starts(play.asked_head, "POST /v1/messages HTTP/1.1\r\n"), "%s", play.asked_head);
    CHECK(strstr(play.asked_head, "x-api-key: the-key\r\n") != NULL, "%s", play.asked_head);
    CHECK(strstr(play.asked_head, "anthropic-version: 2023-06-01\r\n") != NULL, "%s", play.asked_head);
}

FIBER_TEST(the_model_is_called_what_the_provider_calls_it)
{
    llm_request rq = request(s);
    llm_stream *st;

    play.body = START BLOCK(0, "{\"type\":\"text\",\"text\":\"a\"}") FINISH("end_turn");
    CHECK(llm_open(s, &rq, &st) == OK, "%s", s->failure.text);
    CHECK_STR(llm_stream_model(st), "claude-test-1");
}

FIBER_TEST(failures_in_the_stream_get_their_code)
{
    static const struct {
        const char *body, *code, *said;
    } cases[] = {
        {START, "llm.truncated", ""},
        {START BLOCK(0, "{\"type\":\"text\",\"text\":\"\"}") TEXT("a"), "llm.truncated", "T(a)"},
        {START BLOCK(0, "{\"type\":\"text\",\"text\":\"\"}") TEXT("a") END(0), "llm.truncated", "T(a)"},
        {START EVENT("error", ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}"),
         "llm.unavailable", ""},
        {START TEXT("a") EVENT("error", ",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\"}"),
         "llm.rate_limit", "T(a)"},
        {"data: nonsense\n\n", "llm.garbage", ""},
        {"data: []\n\n", "llm.garbage", ""},
        {"hello", "llm.garbage", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        llm_request rq = request(s);
        scope *child = scope_child(s, NO_LIMIT);
        buf *out = buf_new(child->arena, 10000);

        play.body = cases[i].body;
        CHECK(driver_read(child, &rq, out) == ERR_UPSTREAM, "case %zu", i);
        CHECK_STR(child->failure.code, cases[i].code);
        CHECK_STR(buf_str(out), cases[i].said);
        scope_close(child);
    }
}

FIBER_TEST(refusals_get_their_code)
{
    static const struct {
        int status;
        const char *body, *code;
    } cases[] = {
        {401, "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}",
         "llm.auth"},
        {400,
         "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 1 > "
         "0\"}}",
         "llm.context_length"},
        {400,
         "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too "
         "low\"}}",
         "llm.quota"},
        {404, "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: x\"}}",
         "llm.model_not_found"},
        {529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
         "llm.unavailable"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        llm_request rq = request(s);
        const char *text;

        play.status = cases[i].status;
        play.body = cases[i].body;
        CHECK(llm_complete(s, &rq, &text, NULL) == ERR_UPSTREAM, "case %zu", i);
        CHECK_STR(s->failure.code, cases[i].code);
    }
    play.status = 200;
}

/* --- the request --- */

static json_t *body_of(scope *s, const llm_request *rq)
{
    return driver_body(s, rq, anthropic_body);
}

static void check_member(scope *s, const llm_request *rq, const char *name, const char *want)
{
    driver_check_json(s, json_object_get(body_of(s, rq), name), want);
}

FIBER_TEST(a_conversation_is_put_into_the_shape_of_the_api)
{
    static const llm_tool_call calls[] = {{"call.1", "f", "{\"x\":1}"}, {"c2", "g", "not json"}};
    const llm_message messages[] = {
        {.role = ROLE_SYSTEM, .text = "Be kind."},
        {.role = ROLE_SYSTEM, .text = ""},
        {.role = ROLE_SYSTEM, .text = "Be brief."},
        {.role = ROLE_ASSISTANT, .text = "Hello!"},
        {.role = ROLE_USER,
         .parts =
             json_hold(s->arena, json_pack("[{s:s,s:s},{s:s,s:{s:s}},{s:s,s:{s:s}}]", "type", "text", "text", "See",
                                           "type", "image_url", "image_url", "url", "data:image/png;base64,QUJD",
                                           "type", "image_url", "image_url", "url", "https://x/y.png"))},
        {.role = ROLE_USER, .text = "And?"},
        {.role = ROLE_ASSISTANT, .text = " ", .calls = calls, .n_calls = 2},
        {.role = ROLE_TOOL, .text = "one", .tool_call_id = "call.1"},
        {.role = ROLE_TOOL, .text = "", .tool_call_id = "c2"},
        {.role = ROLE_USER, .text = "Thanks"},
    };
    llm_request rq = request(s);

    rq.messages = messages;
    rq.n_messages = COUNT(messages);
    check_member(s, &rq, "system", "\"Be kind.\\n\\nBe brief.\"");
    check_member(
        s, &rq, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"(the conversation begins with the "
        "assistant)\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Hello!\"}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"See\"},"
        "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"QUJD\"}},"
        "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x/y.png\"}},"
        "{\"type\":\"text\",\"text\":\"And?\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\","
        "\"input\":{\"x\":1}},{\"type\":\"tool_use\",\"id\":\"c2\",\"name\":\"g\",\"input\":{}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\",\"content\":"
        "[{\"type\":\"text\",\"text\":\"one\"}]},{\"type\":\"tool_result\",\"tool_use_id\":\"c2\",\"content\":[]},"
        "{\"type\":\"text\",\"text\":\"Thanks\"}]}]");
}

FIBER_TEST(inline_images_get_the_type_that_their_bytes_say)
{
    static const struct {
        const char *url, *want;
    } cases[] = {
        {"data:image/jpg;base64,/9j/AAAA", "[image/jpeg /9j/AAAA]"},
        {"data:image/png;base64,/9j/AAAA", "[image/jpeg /9j/AAAA]"},
        {"data:;base64,iVBORw0KGgoAAA==", "[image/png iVBORw0KGgoAAA==]"},
        {"data:image/webp;name=a.webp;base64,UklGRgAA", "[image/webp UklGRgAA]"},
        {"DATA:image/gif;BASE64,R0lGODlh", "[image/gif R0lGODlh]"},
        {"data:image/heic;base64,AAAA", "[image/heic AAAA]"},
        {"data:image/png;base64,iVBORw0KGgo%2B%3D%3D", "[image/png iVBORw0KGgo+==]"},
        {"data:image/svg+xml,%3Csvg/%3E", "(an image in a form that this model does not take)"},
        {"data:", "(an image in a form that this model does not take)"},
        {"data:image/png;base64", "(an image in a form that this model does not take)"},
        {"data:image/png;base64,%zz", "(an image in a form that this model does not take)"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        llm_message m = {.role = ROLE_USER,
                         .parts = json_hold(s->arena, json_pack("[{s:s,s:{s:s}}]", "type", "image_url", "image_url",
                                                                "url", cases[i].url))};
        llm_request rq = request(s);
        const json_t *block, *source;

        rq.messages = &m;
        block = json_array_get(
            json_object_get(json_array_get(json_object_get(body_of(s, &rq), "messages"), 0), "content"), 0);
        source = json_get_obj(block, "source");
        CHECK_STR(source != NULL ? arena_printf(s->arena, "[%s %s]", json_get_str(source, "media_type", ""),
                                                json_get_str(source, "data", ""))
                                 : json_get_str(block, "text", "-"),
                  cases[i].want);
    }
}

FIBER_TEST(tools_and_parameters_are_written_in_the_apis_words)
{
    const llm_tool tools[] = {{.name = "f",
                               .description = "Does f",
                               .parameters = json_hold(s->arena, json_pack("{s:s}", "type", "object"))}};
    llm_request rq = request(s);

    check_member(s, &rq, "max_tokens", "4096");
    check_member(s, &rq, "stream", "true");
    check_member(s, &rq, "system", "-");
    check_member(s, &rq, "thinking", "-");
    rq.tools = tools;
    rq.n_tools = 1;
    rq.tool_choice = TOOL_CHOICE_REQUIRED;
    rq.at.params = json_hold(s->arena, json_pack("{s:i,s:f,s:f,s:s,s:[s]}", "max_tokens", 50, "temperature", 0.5,
                                                 "presence_penalty", 0.5, "api_key", "hush", "stop", "END"));
    check_member(s, &rq, "tools",
                 "[{\"name\":\"f\",\"description\":\"Does f\",\"input_schema\":{\"type\":\"object\"}}]");
    check_member(s, &rq, "tool_choice", "{\"type\":\"any\"}");
    check_member(s, &rq, "max_tokens", "50");
    check_member(s, &rq, "temperature", "0.5");
    check_member(s, &rq, "stop_sequences", "[\"END\"]");
    check_member(s, &rq, "presence_penalty", "-");
    check_member(s, &rq, "api_key", "-");
    rq.thinking = THINKING_ON;
    rq.thinking_level = "low";
    check_member(s, &rq, "thinking", "{\"type\":\"enabled\",\"budget_tokens\":2048}");
    check_member(s, &rq, "max_tokens", "6144");
    check_member(s, &rq, "temperature", "-");
    check_member(s, &rq, "tool_choice", "{\"type\":\"auto\"}");
}

FIBER_TEST(blocks_of_thinking_are_kept_as_they_came)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        /* a signature in pieces, and characters to escape */
        {START BLOCK(0, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
             DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"a \\\"b\\\"\\n\"}")
                 DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"\xc3\xa9\"}")
                     DELTA(0, "{\"type\":\"signature_delta\",\"signature\":\"EqQ\"}")
                         DELTA(0, "{\"type\":\"signature_delta\",\"signature\":\"B/+==\"}") END(0) FINISH("end_turn"),
         "R(a \"b\"\n)R(\xc3\xa9)B({\"type\":\"thinking\",\"thinking\":\"a \\\"b\\\"\\n\xc3\xa9\",\"signature\":"
         "\"EqQB/+==\"})S(stop)U15/20/35/4/0"},
        /* nothing of it may be shown */
        {START BLOCK(0, "{\"type\":\"redacted_thinking\",\"data\":\"Emw=\"}") END(0)
             BLOCK(1, "{\"type\":\"thinking\",\"thinking\":\"\"}")
                 DELTA(1, "{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}")
                     DELTA(1, "{\"type\":\"signature_delta\",\"signature\":\"s\"}") END(1) FINISH("end_turn"),
         "B({\"type\":\"redacted_thinking\",\"data\":\"Emw=\"})R(hm)B({\"type\":\"thinking\",\"thinking\":\"hm\","
         "\"signature\":\"s\"})S(stop)U15/20/35/4/0"},
        /* an end of a block that was no thinking, and a delta of another one */
        {START BLOCK(0, "{\"type\":\"thinking\",\"thinking\":\"\"}")
             DELTA(3, "{\"type\":\"signature_delta\",\"signature\":\"no\"}") END(3) END(0) END(0) FINISH("end_turn"),
         "S(stop)U15/20/35/4/0"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        llm_request rq = request(s);
        buf *out = buf_new(s->arena, 10000);

        play.body = cases[i].body;
        CHECK(driver_read(s, &rq, out) == ERR_CLOSED, "%s", s->failure.text);
        CHECK_STR(buf_str(out), cases[i].want);
    }
}

#define THOUGHT "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"EqQB/+==\"}"
#define REDACTED "{\"type\":\"redacted_thinking\",\"data\":\"Emw=\"}"
#define THOUGHTS(model, blocks) "{\"model\":\"" model "\",\"blocks\":[" blocks "]}"
#define CALLED "{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{}}"

/* The content of the n-th message of the request. */
static const char *content_at(scope *s, const llm_request *rq, size_t n)
{
    json_t *v = json_object_get(json_array_get(json_object_get(body_of(s, rq), "messages"), n), "content");

    return v != NULL ? json_text(s->arena, v) : "-";
}

FIBER_TEST(a_model_that_works_with_tools_gets_its_thoughts_back_and_thinks_on)
{
    static const llm_tool_call call = {"c1", "f", "{}"};
    llm_message messages[] = {
        {.role = ROLE_USER, .text = "Go"},
        {.role = ROLE_ASSISTANT, .calls = &call, .n_calls = 1, .thoughts = THOUGHTS("claude-test", THOUGHT)},
        {.role = ROLE_TOOL, .text = "one", .tool_call_id = "c1"},
        {.role = ROLE_ASSISTANT,
         .text = "Next.",
         .calls = &call,
         .n_calls = 1,
         .thoughts = THOUGHTS("claude-test", REDACTED "," THOUGHT)},
        {.role = ROLE_TOOL, .text = "two", .tool_call_id = "c1"},
        {.role = ROLE_USER, .text = "(a note of the runtime)"},
    };
    llm_request rq = request(s);

    rq.messages = messages;
    rq.thinking = THINKING_ON;
    for (rq.n_messages = 3; rq.n_messages <= COUNT(messages); rq.n_messages += rq.n_messages == 3 ? 2 : 1) {
        check_member(s, &rq, "thinking", "{\"type\":\"enabled\",\"budget_tokens\":8192}");
        CHECK_STR(content_at(s, &rq, 1), "[" THOUGHT "," CALLED "]");
        CHECK_STR(content_at(s, &rq, 3), rq.n_messages < 5 ? "-"
                                                           : "[" REDACTED "," THOUGHT
                                                             ",{\"type\":\"text\",\"text\":\"Next.\"}," CALLED "]");
    }
    rq.n_messages = 5;
    rq.thinking = THINKING_OFF;
    CHECK_STR(content_at(s, &rq, 1), "[" CALLED "]");
}

FIBER_TEST(thoughts_that_are_not_the_models_own_or_are_old_are_not_sent)
{
    static const llm_tool_call call = {"c1", "f", "{}"};
    static const char *const others[] = {NULL, THOUGHTS("claude-other", THOUGHT), THOUGHTS("claude-test", ""), "{}",
                                         "nonsense"};
    llm_message messages[] = {
        {.role = ROLE_USER, .text = "Go"},
        {.role = ROLE_ASSISTANT, .calls = &call, .n_calls = 1, .thoughts = THOUGHTS("claude-test", THOUGHT)},
        {.role = ROLE_TOOL, .text = "one", .tool_call_id = "c1"},
        {.role = ROLE_ASSISTANT, .text = "Done."},
        {.role = ROLE_USER, .text = "And now?"},
    };
    llm_request rq = request(s);

    rq.messages = messages;
    rq.thinking = THINKING_ON;
    rq.n_messages = 5;
    check_member(s, &rq, "thinking", "{\"type\":\"enabled\",\"budget_tokens\":8192}");
    CHECK_STR(content_at(s, &rq, 1), "[" CALLED "]"); /* of an earlier turn */
    rq.n_messages = 3;
    for (size_t i = 0; i < COUNT(others); i++) {
        messages[1].thoughts = others[i];
        check_member(s, &rq, "thinking", "-");
        CHECK_STR(content_at(s, &rq, 1), "[" CALLED "]");
    }
}
