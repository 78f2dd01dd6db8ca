/* SPDX-License-Identifier: MIT */
/* Chat completions: what is asked, and how answers of many servers are read. */
#include "llm/openai.h"

#include <stdlib.h>

#include "driver.h"

static llm_request request(scope *s)
{
    return driver_request(s, "openai", "test-model", "/v1/");
}

static void check_answer(scope *s, const char *body, const char *want)
{
    llm_request rq = request(s);

    driver_check_answer(s, &rq, body, want);
}

#define EVENT(json) "data: " json "\n\n"
#define DELTA(json) EVENT("{\"choices\":[{\"index\":0,\"delta\":" json "}]}")
#define FINISH(reason) EVENT("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}")
#define DONE "data: [DONE]\n\n"

FIBER_TEST(every_kind_of_delta_becomes_one_of_its_own)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        {DELTA("{\"role\":\"assistant\",\"content\":\"\"}") DELTA("{\"content\":\"a\"}") DELTA("{\"content\":\"b\"}")
             FINISH("stop") DONE,
         "T(a)T(b)S(stop)"},
        {DELTA("{\"reasoning_content\":\"hm\"}") DELTA("{\"reasoning\":\"ok\"}") DELTA("{\"content\":\"a\"}")
             FINISH("stop") DONE,
         "R(hm)R(ok)T(a)S(stop)"},
        {DELTA("{\"reasoning_content\":\"hm\",\"content\":\"a\",\"tool_calls\":[{\"index\":0,\"id\":\"1\","
               "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}") FINISH("tool_calls") DONE,
         "R(hm)T(a)C0[1|f]({})S(tool_calls)"},
        {DELTA("{\"reasoning_content\":null,\"reasoning\":\"x\",\"content\":null,\"tool_calls\":null}") FINISH("stop")
             DONE,
         "R(x)S(stop)"},
        {DELTA("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}") FINISH("stop")
             DONE,
         "T(a)T(b)S(stop)"},
        {DELTA("{\"refusal\":\"I cannot\"}") FINISH("stop") DONE, "T(I cannot)S(stop)"},
        {DELTA("{\"content\":\"a\"}") DONE, "T(a)S(stop)"},               /* no finish_reason */
        {DELTA("{\"content\":\"a\"}") FINISH("length"), "T(a)S(length)"}, /* no [DONE] */
        {": PROCESSING\n\n" DELTA("{\"content\":\"a\"}") ": ping\n\n" FINISH("stop") DONE, "T(a)S(stop)"},
        {EVENT("{\"choices\":[]}") DELTA("{\"content\":\"a\"}") FINISH("stop") DONE, "T(a)S(stop)"},
        {EVENT("{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}") DONE, "T(a)S(stop)"},
        {DELTA("{\"content\":\"caf\\u00e9 \\ud83d\\ude00\\n\"}") FINISH("stop") DONE, "T(café 😀\n)S(stop)"},
        {"data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n" FINISH("content_filter") DONE,
         "T(a)S(content_filter)"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_answer(s, cases[i].body, cases[i].want);
}

#define CALL(index, rest) DELTA("{\"tool_calls\":[{\"index\":" #index "," rest "}]}")
#define FRAGMENT(index, text) CALL(index, "\"function\":{\"arguments\":\"" text "\"}")

FIBER_TEST(fragments_of_parallel_calls_keep_to_their_call)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        /* interleaved by index */
        {CALL(0, "\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}")
             CALL(1, "\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}") FRAGMENT(0, "{\\\"x")
                 FRAGMENT(1, "{") FRAGMENT(0, "\\\":1}") FRAGMENT(1, "}") FINISH("tool_calls") DONE,
         "C0[a|f]()C1[b|g]()C0[|]({\"x)C1[|]({)C0[|](\":1})C1[|](})S(tool_calls)"},
        /* id and name repeated in each fragment, or empty */
        {CALL(0, "\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}")
             CALL(0, "\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"}\"}") FINISH("tool_calls") DONE,
         "C0[a|f]({)C0[|](})S(tool_calls)"},
        {CALL(0, "\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}")
             CALL(0, "\"id\":\"\",\"function\":{\"name\":\"\",\"arguments\":\"}\"}") FINISH("tool_calls") DONE,
         "C0[a|f]({)C0[|](})S(tool_calls)"},
        /* everything numbered 0, told apart by id */
        {CALL(0, "\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}")
             CALL(0, "\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}") FINISH("stop") DONE,
         "C0[a|f]({})C1[b|g]({})S(stop)"},
        /* no index: by position */
        {DELTA("{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
               "{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":{\"x\":1}}}]}") FINISH("tool_calls") DONE,
         "C0[a|f]({})C1[b|g]({\"x\":1})S(tool_calls)"},
        /* the same, and fragments that alternate */
        {CALL(0, "\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}")
             CALL(0, "\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{\"}")
                 CALL(0, "\"id\":\"a\",\"function\":{\"arguments\":\"}\"}")
                     CALL(0, "\"id\":\"b\",\"function\":{\"arguments\":\"}\"}") FINISH("tool_calls") DONE,
         "C0[a|f]({)C1[b|g]({)C0[|](})C1[|](})S(tool_calls)"},
        /* the name after the id, and no name at all */
        {CALL(0, "\"id\":\"a\",\"function\":{\"arguments\":\"\"}") CALL(0, "\"function\":{\"name\":\"f\"}")
             FRAGMENT(0, "{}") FINISH("tool_calls") DONE,
         "C0[a|f]()C0[|]({})S(tool_calls)"},
        {CALL(0, "\"id\":\"a\",\"function\":{\"name\":null}")
             CALL(1, "\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}") FINISH("tool_calls") DONE,
         "C0[b|g]({})C1[a|]()S(tool_calls)"},
        {CALL(0, "\"id\":\"a\",\"function\":{\"name\":null}") FINISH("tool_calls") DONE, "C0[a|]()S(tool_calls)"},
        {CALL(0, "\"id\":\"a\",\"function\":{\"arguments\":\"{}\"}") FINISH("tool_calls") DONE,
         "C0[a|]({})S(tool_calls)"},
        /* numbered from 1, and no finish_reason */
        {CALL(1, "\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}") DONE, "C0[a|f]({})S(tool_calls)"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_answer(s, cases[i].body, cases[i].want);
}

FIBER_TEST(a_call_without_an_id_gets_one)
{
    llm_request rq = request(s);
    llm_stream *st;
    llm_delta d;

    play.body = CALL(0, "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}") FINISH("tool_calls") DONE;
    CHECK(llm_open(s, &rq, &st) == OK, "%s", s->failure.text);
    CHECK(llm_next(s, st, &d) == OK && d.kind == LLM_TOOL_CALL, "a call");
    CHECK(d.id != NULL && cstr_starts(d.id, "call_") && strlen(d.id) == 29, "%s", d.id);
}

/* The calls of one answer, as "name(arguments)", and that each has an id of its own. */
static void check_calls(scope *s, const char *body, const char *want)
{
    llm_request rq = request(s);
    buf *calls[4] = {buf_new(s->arena, 1000), buf_new(s->arena, 1000), buf_new(s->arena, 1000), NULL};
    const char *ids[3] = {0};
    buf *all = buf_new(s->arena, 4000);
    llm_stream *st;
    llm_delta d;
    err e;

    play.body = body;
    CHECK(llm_open(s, &rq, &st) == OK, "%s", s->failure.text);
    while ((e = llm_next(s, st, &d)) == OK) {
        if (d.kind != LLM_TOOL_CALL)
            continue;
        CHECK(d.index < 3, "%lld", (long long)d.index);
        CHECK((d.id != NULL) == (calls[d.index]->len == 0), "an id comes first and once");
        if (d.id != NULL) {
            ids[d.index] = arena_strdup(s->arena, d.id);
            buf_printf(calls[d.index], "%s:", d.name);
        }
        buf_add(calls[d.index], d.text.p, d.text.len);
    }
    CHECK_INT(e, ERR_CLOSED);
    for (size_t i = 0; i < 3 && ids[i] != NULL; i++) {
        CHECK(ids[i][0] != '\0', "an id");
        buf_printf(all, "%s%s", i > 0 ? " " : "", buf_str(calls[i]));
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(ids[i], ids[k]) != 0, "%s twice: %s", ids[i], body);
    }
    CHECK_STR(buf_str(all), want);
    llm_close(st);
}

FIBER_TEST(calls_that_share_an_id_or_have_none_are_told_apart)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        /* the same id twice, as from servers that take the tool's name for it */
        {CALL(0, "\"id\":\"f\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}")
             CALL(1, "\"id\":\"f\",\"function\":{\"name\":\"f\",\"arguments\":\"[\"}")
                 CALL(0, "\"id\":\"f\",\"function\":{\"arguments\":\"}\"}")
                     CALL(1, "\"id\":\"f\",\"function\":{\"arguments\":\"]\"}") FINISH("tool_calls") DONE,
         "f:{} f:[]"},
        /* no ids and all numbered 0 */
        {CALL(0, "\"id\":\"\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}")
             CALL(0, "\"id\":\"\",\"function\":{\"name\":\"g\",\"arguments\":\"[\"}") FRAGMENT(0, "]")
                 FINISH("tool_calls") DONE,
         "f:{} g:[]"},
        /* an id that comes late */
        {CALL(0, "\"function\":{\"name\":\"f\",\"arguments\":\"{\"}")
             CALL(0, "\"id\":\"a\",\"function\":{\"arguments\":\"}\"}") FINISH("tool_calls") DONE,
         "f:{}"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_calls(s, cases[i].body, cases[i].want);
}

FIBER_TEST(more_calls_than_anybody_makes_are_refused)
{
    buf *body = buf_new(s->arena, MIB(1));
    buf *out = buf_new(s->arena, MIB(1));
    llm_request rq = request(s);

    for (int i = 0; i < 200; i++)
        buf_printf(body,
                   "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"%d\",\"function\":"
                   "{\"name\":\"f\"}}]}}]}\n\n",
                   i, i);
    play.body = body->data;
    CHECK_INT(driver_read(s, &rq, out), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.garbage");
}

FIBER_TEST(usage_is_told_once_from_the_last_chunk_that_has_it)
{
    check_answer(s,
                 EVENT("{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":5}}")
                     EVENT("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}") EVENT(
                         "{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12,"
                         "\"prompt_tokens_details\":{\"cached_tokens\":3},"
                         "\"completion_tokens_details\":{\"reasoning_tokens\":2}}}") DONE,
                 "T(a)S(stop)U5/7/12/3/2");
    check_answer(s,
                 DELTA("{\"content\":\"a\"}") FINISH("stop")
                     EVENT("{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,"
                           "\"prompt_cache_hit_tokens\":4}}") DONE,
                 "T(a)S(stop)U5/7/12/4/0");
}

FIBER_TEST(a_server_that_does_not_stream_is_understood)
{
    llm_request rq = request(s);
    buf *out = buf_new(s->arena, 1000);

    play.type = "application/json; charset=utf-8";
    play.body =
        "{\"model\":\"real-name\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},"
        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}";
    CHECK(driver_read(s, &rq, out) == ERR_CLOSED, "%s", s->failure.text);
    CHECK_STR(buf_str(out), "T(Hello)S(stop)U1/2/3/0/0");
    play.body = "{\"error\":\"model 'x' not found\"}";
    CHECK_INT(driver_read(s, &rq, out), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.model_not_found");
    play.body = "{\"status\":\"ok\"}";
    CHECK_INT(driver_read(s, &rq, out), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.garbage");
    play.body = "[]";
    CHECK_INT(driver_read(s, &rq, out), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.garbage");
}

FIBER_TEST(the_model_is_called_what_the_provider_calls_it)
{
    llm_request rq = request(s);
    llm_stream *st;

    play.body =
        EVENT("{\"model\":\"test-model-2026\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}") FINISH("stop") DONE;
    CHECK(llm_open(s, &rq, &st) == OK, "%s", s->failure.text);
    CHECK_STR(llm_stream_model(st), "test-model-2026");
    llm_close(st);
    play.body = DELTA("{\"content\":\"a\"}") FINISH("stop") DONE;
    CHECK(llm_open(s, &rq, &st) == OK, "%s", s->failure.text);
    CHECK_STR(llm_stream_model(st), "test-model");
}

/* --- the request --- */

static json_t *body_of(scope *s, const llm_request *rq)
{
    return driver_body(s, rq, openai_body);
}

FIBER_TEST(key_and_path_go_where_the_api_wants_them)
{
    llm_request rq = request(s);
    const char *text;

    play.body = DELTA("{\"content\":\"a\"}") FINISH("stop") DONE;
    CHECK(llm_complete(s, &rq, &text, NULL) == OK, "%s", s->failure.text);
    CHECK(cstr_starts(play.asked_head, "POST /v1/chat/completions HTTP/1.1\r\n"), "%s", play.asked_head);
    CHECK(strstr(play.asked_head, "Authorization: Bearer the-key\r\n") != NULL, "%s", play.asked_head);
    CHECK(strstr(play.asked_head, "Content-Type: application/json\r\n") != NULL, "%s", play.asked_head);
    CHECK(strstr(play.asked, "\"stream\":true,\"stream_options\":{\"include_usage\":true}") != NULL, "%s", play.asked);
}

FIBER_TEST(messages_are_written_with_the_keys_that_providers_take)
{
    static const llm_tool_call call = {.id = "c1", .name = "f", .arguments = "{\"x\":\"\\u00e9\"}"};
    const llm_message messages[] = {
        {.role = ROLE_SYSTEM, .text = "Be \"kind\"\n"},
        {.role = ROLE_USER,
         .parts = json_hold(s->arena, json_pack("[{s:s,s:s},{s:s,s:{s:s}},{s:s,s:s}]", "type", "text", "text", "See",
                                                "type", "image_url", "image_url", "url", "https://x/y.png", "type",
                                                "image_url", "image_url", "https://x/z.png"))},
        {.role = ROLE_ASSISTANT, .reasoning = "hm", .calls = &call, .n_calls = 1},
        {.role = ROLE_TOOL, .text = "done", .tool_call_id = "c1"},
    };
    llm_request rq = request(s);

    rq.messages = messages;
    rq.n_messages = COUNT(messages);
    driver_check_json(s, json_object_get(body_of(s, &rq), "messages"),
                      "[{\"role\":\"system\",\"content\":\"Be \\\"kind\\\"\\n\"},"
                      "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"See\"},"
                      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}},"
                      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/z.png\"}}]},"
                      "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
                      "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\\\"\\\\u00e9\\\"}\"}}],"
                      "\"reasoning_content\":\"hm\"},"
                      "{\"role\":\"tool\",\"content\":\"done\",\"tool_call_id\":\"c1\"}]");
    rq.at.no_images = true;
    driver_check_json(
        s, json_object_get(json_array_get(json_object_get(body_of(s, &rq), "messages"), 1), "content"),
        "[{\"type\":\"text\",\"text\":\"See\"},{\"type\":\"text\",\"text\":\"![y.png](https://x/y.png)\"},"
        "{\"type\":\"text\",\"text\":\"![z.png](https://x/z.png)\"}]");
}

FIBER_TEST(an_image_for_a_model_without_eyes_is_told_once_by_its_name)
{
    static const struct {
        const char *url, *told;
    } cases[] = {
        {"https://x/a/cat.png?w=1#top", "![cat.png](https://x/a/cat.png?w=1#top)"},
        {"https://y/", "![image](https://y/)"},
        {"data:image/png;base64,AAAA", "![image](not shown)"},
        {"https://x/named.png", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *parts =
            json_hold(s->arena, json_pack("[{s:s,s:{s:s}},{s:s,s:s}]", "type", "image_url", "image_url", "url",
                                          cases[i].url, "type", "text", "text", "Look at (https://x/named.png)"));
        llm_message m = {.role = ROLE_USER, .parts = parts};
        llm_request rq = request(s);
        json_t *content;

        rq.messages = &m;
        rq.n_messages = 1;
        rq.at.no_images = true;
        content = json_object_get(json_array_get(json_object_get(body_of(s, &rq), "messages"), 0), "content");
        CHECK_INT(json_array_size(content), cases[i].told != NULL ? 2 : 1);
        if (cases[i].told != NULL)
            CHECK_STR(json_get_str(json_array_get(content, 0), "text", ""), cases[i].told);
    }
}

FIBER_TEST(tools_and_the_choice_among_them_are_written)
{
    const llm_tool tools[] = {
        {.name = "f", .description = "Does f", .parameters = json_hold(s->arena, json_pack("{s:s}", "type", "object"))},
        {.name = "g"},
    };
    llm_request rq = request(s);

    CHECK(json_object_get(body_of(s, &rq), "tools") == NULL, "none");
    rq.tool_choice = TOOL_CHOICE_REQUIRED;
    CHECK(json_object_get(body_of(s, &rq), "tool_choice") == NULL, "no choice without tools");
    rq.tools = tools;
    rq.n_tools = 2;
    driver_check_json(
        s, json_object_get(body_of(s, &rq), "tools"),
        "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"Does f\",\"parameters\":"
        "{\"type\":\"object\"},\"strict\":false}},{\"type\":\"function\",\"function\":{\"name\":\"g\","
        "\"description\":\"\",\"parameters\":{\"type\":\"object\",\"properties\":{}},\"strict\":false}}]");
    driver_check_json(s, json_object_get(body_of(s, &rq), "tool_choice"), "\"required\"");
    rq.tool_choice = TOOL_CHOICE_AUTO;
    driver_check_json(s, json_object_get(body_of(s, &rq), "tool_choice"), "\"auto\"");
    rq.at.base_url = "https://api.deepseek.com/v1";
    rq.thinking = THINKING_ON;
    CHECK(json_object_get(body_of(s, &rq), "tool_choice") == NULL, "refused by DeepSeek while it thinks");
}

FIBER_TEST(parameters_pass_through_without_what_is_ours_or_empty)
{
    llm_request rq = request(s);
    json_t *v;

    rq.at.params =
        json_hold(s->arena, json_pack("{s:i,s:f,s:s,s:s,s:n,s:s,s:i,s:b,s:s,s:[],s:{},s:s,s:b,s:{s:i}}", "max_tokens",
                                      100, "temperature", 0.5, "api_key", "hush", "base_url", "x", "top_p", "user", "",
                                      "max_model_len", 8000, "supports_multimodal", 1, "fast_model_name", "y", "stop",
                                      "logit_bias", "model", "other", "stream", 0, "vendor", "x", 1));
    v = body_of(s, &rq);
    driver_check_json(s, json_object_get(v, "max_tokens"), "100");
    driver_check_json(s, json_object_get(v, "temperature"), "0.5");
    driver_check_json(s, json_object_get(v, "vendor"), "{\"x\":1}");
    driver_check_json(s, json_object_get(v, "model"), "\"test-model\"");
    driver_check_json(s, json_object_get(v, "stream"), "true");
    for (size_t i = 0; i < 9; i++) {
        static const char *const absent[] = {
            "api_key",         "base_url", "top_p",     "user", "max_model_len", "supports_multimodal",
            "fast_model_name", "stop",     "logit_bias"};

        CHECK(json_object_get(v, absent[i]) == NULL, "%s", absent[i]);
    }
}

FIBER_TEST(openais_reasoning_models_get_the_parameters_that_they_take)
{
    static const struct {
        const char *model;
        bool reasons;
    } cases[] = {{"o1-mini", true},       {"O3", true},      {"openai/o4-mini", true}, {"gpt-5", true},
                 {"my-gpt-5-mini", true}, {"gpt-4o", false}, {"foo1", false},          {"o2", false},
                 {"deepseek-chat", false}};
    llm_request rq = request(s);

    rq.at.params = json_hold(s->arena, json_pack("{s:i,s:f,s:f,s:f,s:f}", "max_tokens", 9, "temperature", 0.5, "top_p",
                                                 0.5, "presence_penalty", 0.5, "frequency_penalty", 0.5));
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v;

        rq.at.model = cases[i].model;
        v = body_of(s, &rq);
        CHECK((json_object_get(v, "max_completion_tokens") != NULL) == cases[i].reasons, "%s", cases[i].model);
        CHECK((json_object_get(v, "max_tokens") == NULL) == cases[i].reasons, "%s", cases[i].model);
        CHECK((json_object_get(v, "temperature") == NULL) == cases[i].reasons, "%s", cases[i].model);
        CHECK((json_object_get(v, "frequency_penalty") == NULL) == cases[i].reasons, "%s", cases[i].model);
    }
}

FIBER_TEST(structured_output_is_asked_for_only_where_it_is_supported)
{
    llm_request rq = request(s);

    rq.response_format = json_hold(s->arena, json_pack("{s:s}", "type", "json_object"));
    driver_check_json(s, json_object_get(body_of(s, &rq), "response_format"), "{\"type\":\"json_object\"}");
    rq.at.no_structured = true;
    CHECK(json_object_get(body_of(s, &rq), "response_format") == NULL, "left out");
}

FIBER_TEST(thinking_is_said_in_each_providers_own_words)
{
    static const char *const names[] = {"reasoning_effort", "thinking", "enable_thinking", "chat_template_kwargs"};
    static const struct {
        const char *base_url, *model;
        llm_thinking thinking;
        const char *level, *want; /* the members above, in that order */
    } cases[] = {
        {"https://api.openai.com/v1", "gpt-4o", THINKING_ON, "high", "- - - - "},
        {"https://api.openai.com/v1", "o3", THINKING_OFF, NULL, "\"medium\" - - - "},
        {"https://api.openai.com/v1", "o3", THINKING_ON, NULL, "\"medium\" - - - "},
        {"https://api.openai.com/v1", "o3", THINKING_ON, "minimal", "\"low\" - - - "},
        {"https://api.openai.com/v1", "gpt-5", THINKING_ON, "minimal", "\"minimal\" - - - "},
        {"https://api.openai.com/v1", "gpt-5", THINKING_ON, "max", "\"high\" - - - "},
        {"https://api.deepseek.com", "deepseek-chat", THINKING_OFF, "max", "- {\"type\":\"disabled\"} - - "},
        {"https://api.deepseek.com", "deepseek-chat", THINKING_ON, "medium", "\"high\" {\"type\":\"enabled\"} - - "},
        {"https://api.deepseek.com", "deepseek-chat", THINKING_ON, "xhigh", "\"max\" {\"type\":\"enabled\"} - - "},
        {"https://dashscope.aliyuncs.com/compatible-mode/v1", "qwen3", THINKING_ON, NULL, "- - true - "},
        {"https://open.bigmodel.cn/api/paas/v4", "glm-4.6", THINKING_ON, NULL, "- {\"type\":\"enabled\"} - - "},
        {"http://localhost:8001/v1", "qwen", THINKING_OFF, NULL,
         "- {\"type\":\"disabled\"} false {\"enable_thinking\":false} "},
        {"http://notdeepseek.com/api.deepseek.com", "qwen", THINKING_ON, "high",
         "- {\"type\":\"enabled\"} true {\"enable_thinking\":true} "},
    };

    unsetenv("SAGE_REASONING_EFFORT_OFF");
    for (size_t i = 0; i < COUNT(cases); i++) {
        buf *got = buf_new(s->arena, 1000);
        llm_request rq = request(s);
        json_t *v;

        rq.at.base_url = cases[i].base_url;
        rq.at.model = cases[i].model;
        rq.thinking = cases[i].thinking;
        rq.thinking_level = cases[i].level;
        v = body_of(s, &rq);
        for (size_t k = 0; k < COUNT(names); k++) {
            const json_t *member = json_object_get(v, names[k]);

            buf_printf(got, "%s ", member != NULL ? json_text(s->arena, member) : "-");
        }
        CHECK_STR(buf_str(got), cases[i].want);
    }
}

FIBER_TEST(text_that_is_not_utf8_still_makes_a_valid_request)
{
    const llm_message bad = {.role = ROLE_USER, .text = "a\xff\xfe z\x80"};
    llm_request rq = request(s);

    rq.messages = &bad;
    CHECK(body_of(s, &rq) != NULL, "parsed");
}
