/* SPDX-License-Identifier: MIT */
/* Events as lines: exactly the keys that clients read, and numbers that agree between streams. */
#include "face/sage/lines.h"

#include "base/json.h"
#include "test.h"

typedef struct {
    scope *s;
    run *run;
    const run_message *m;
} log_of;

static log_of begun(scope *root)
{
    log_of l = {.s = scope_child(root, NO_LIMIT)};

    CHECK(run_begin(l.s, &(run_info){.session_id = "s-1", .user_id = "u-1"}, &l.run) == OK, "begins");
    l.m = run_message_new(l.run, "m-1", "s-1", "SimpleAgent");
    return l;
}

static void closed(log_of *l)
{
    run_unref(l->run);
    hub_close();
    scope_close(l->s);
}

static void emit(log_of *l, event_kind kind, const run_message *m, const char *payload)
{
    CHECK(run_emit(l->s, l->run, kind, m, payload, strlen(payload)) == OK, "emits %s", payload);
}

/* The whole stream as a client with this state gets it. */
static const char *stream(log_of *l, lines_state st)
{
    run_reader *rd = run_reader_open(l->run, NULL, NULL);
    buf *b = buf_new(l->s->arena, MIB(8));
    event ev;

    while (run_reader_next(rd, &ev))
        lines_render(&st, l->run, &ev, b);
    run_reader_close(rd);
    return buf_str(b);
}

static json_t *line_at(log_of *l, const char *text, size_t n)
{
    str rest = str_of(text), line = {0};
    json_t *v;

    for (size_t i = 0; i <= n; i++)
        CHECK(str_next(&rest, '\n', &line), "line %zu of %s", i, text);
    CHECK(json_parse(l->s->arena, line.p, line.len, NULL, &v) == OK, "%.*s", STR_ARG(line));
    return v;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* The keys in order, separated by blanks. */
static const char *keys_of(arena *a, const json_t *o)
{
    const char *key, *all = "";
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)o, key, v) all = arena_printf(a, "%s%s%s", all, *all ? " " : "", key);
    return all;
}

FIBER_TEST(each_event_has_the_keys_that_clients_read)
{
    static const struct {
        event_kind kind;
        const char *payload, *type, *keys;
    } cases[] = {
        {EV_TEXT, "Hel\"lo", "do_subtask_result",
         "role content message_id type timestamp agent_name metadata session_id"},
        {EV_REASONING, "Hmm", "reasoning_content",
         "role reasoning_content message_id type timestamp agent_name metadata session_id"},
        {EV_TEXT_END, "", "do_subtask_result", "role content message_id type timestamp agent_name metadata session_id"},
        {EV_TOOL_CALL, "{\"index\":0,\"id\":\"c\",\"name\":\"n\",\"arguments\":\"\"}", "tool_call",
         "role tool_calls message_id type timestamp agent_name metadata session_id"},
        {EV_TOOL_RESULT, "{\"tool_call_id\":\"c\",\"name\":\"n\",\"content\":\"r\",\"metadata\":{\"a\":1}}",
         "tool_call_result", "role content tool_call_id message_id type timestamp agent_name metadata session_id"},
        {EV_NOTICE, "{\"content\":\"n\",\"metadata\":{}}", "assistant_text",
         "role content message_id type timestamp agent_name metadata session_id"},
        {EV_FAILURE, "{\"content\":\"f\",\"type\":\"agent_execution_error\"}", "agent_execution_error",
         "role content message_id type timestamp agent_name metadata session_id"},
        {EV_FAILURE, "{\"content\":\"f\"}", "final_answer",
         "role content message_id type timestamp agent_name metadata session_id"},
        {EV_FAILURE, "{\"content\":\"f\",\"type\":\"error\"}", "error",
         "role content message_id type timestamp agent_name metadata session_id"},
        {EV_USER, "{\"content\":[{\"type\":\"text\"}],\"metadata\":{\"injected\":true}}", "user_input",
         "role content message_id type timestamp agent_name metadata session_id"},
        {EV_SUGGESTION, "\n- ", "query_suggest",
         "role content message_id type timestamp agent_name metadata session_id"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        log_of l = begun(s);
        const char *text;
        json_t *v;

        emit(&l, cases[i].kind, l.m, cases[i].payload);
        text = stream(&l, (lines_state){0});
        CHECK_INT(count_lines(text), 1);
        v = line_at(&l, text, 0);
        CHECK_STR(keys_of(l.s->arena, v), cases[i].keys);
        CHECK_STR(json_get_str(v, "type", ""), cases[i].type);
        CHECK_STR(json_get_str(v, "message_id", ""), "m-1");
        CHECK_STR(json_get_str(v, "session_id", ""), "s-1");
        CHECK_STR(json_get_str(v, "agent_name", ""), "SimpleAgent");
        CHECK(json_is_real(json_object_get(v, "timestamp")), "a float");
        CHECK(json_is_object(json_object_get(v, "metadata")), "always there");
        run_finish(l.run, RUN_COMPLETED, NULL);
        closed(&l);
    }
}

FIBER_TEST(texts_are_raw_utf8_and_the_end_of_a_text_is_a_newline)
{
    log_of l = begun(s);
    const char *text;

    emit(&l, EV_TEXT, l.m, "你好 \"q\" \n");
    emit(&l, EV_TEXT_END, l.m, "");
    text = stream(&l, (lines_state){0});
    CHECK(cstr_starts(text, "{\"role\":\"assistant\",\"content\":\"你好 \\\"q\\\" \\n\",\"message_id\":\"m-1\","), "%s",
          text);
    CHECK_STR(json_get_str(line_at(&l, text, 0), "content", ""), "你好 \"q\" \n");
    CHECK_STR(json_get_str(line_at(&l, text, 1), "content", ""), "\n");
    run_finish(l.run, RUN_COMPLETED, NULL);
    closed(&l);
}

FIBER_TEST(tool_call_deltas_are_those_of_the_provider)
{
    log_of l = begun(s);
    const char *text;
    json_t *call;

    emit(&l, EV_TOOL_CALL, l.m, "{\"index\":1,\"id\":\"c1\",\"name\":\"grep\",\"arguments\":\"\"}");
    emit(&l, EV_TOOL_CALL, l.m, "{\"index\":1,\"id\":null,\"name\":null,\"arguments\":\"{\\\"a\\\"\"}");
    text = stream(&l, (lines_state){0});
    CHECK(strstr(text,
                 "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"index\":1,\"function\":{\"name\":\"grep\","
                 "\"arguments\":\"\"}}]") != NULL,
          "%s", text);
    call = json_array_get(json_get_arr(line_at(&l, text, 1), "tool_calls"), 0);
    CHECK(json_is_null(json_object_get(call, "id")) && json_is_null(json_object_get(call, "type")), "%s", text);
    CHECK(json_is_null(json_object_get(json_object_get(call, "function"), "name")), "%s", text);
    CHECK_STR(json_get_str(json_get_obj(call, "function"), "arguments", ""), "{\"a\"");
    run_finish(l.run, RUN_COMPLETED, NULL);
    closed(&l);
}

FIBER_TEST(usage_comes_last_and_then_the_end_with_the_number_of_lines)
{
    log_of l = begun(s);
    json_t *usage, *end, *meta;
    const char *text;

    emit(&l, EV_TEXT, l.m, "Hi");
    emit(&l, EV_USAGE, NULL,
         "{\"total_info\":{\"total_tokens\":3,\"model\":\"gpt\",\"models\":[\"gpt\"]},\"per_step_info\":[],\"models\":["
         "\"gpt\"]}");
    run_finish(l.run, RUN_COMPLETED, NULL);
    text = stream(&l, (lines_state){0});
    usage = line_at(&l, text, 1);
    end = line_at(&l, text, 2);
    meta = json_get_obj(usage, "metadata");
    CHECK_STR(keys_of(l.s->arena, usage), "role content message_id type timestamp metadata session_id");
    CHECK_STR(json_get_str(usage, "type", ""), "token_usage");
    CHECK_STR(json_get_str(usage, "content", "-"), "");
    CHECK_STR(keys_of(l.s->arena, meta), "token_usage model models session_id");
    CHECK_INT(json_get_int(json_get_obj(json_get_obj(meta, "token_usage"), "total_info"), "total_tokens", 0), 3);
    CHECK_STR(json_get_str(meta, "model", ""), "gpt");
    CHECK_STR(keys_of(l.s->arena, end), "type session_id timestamp total_stream_count");
    CHECK_STR(json_get_str(end, "type", ""), "stream_end");
    CHECK_INT(json_get_int(end, "total_stream_count", 0), 2);
    closed(&l);
}

FIBER_TEST(progress_is_shown_only_where_it_is_wanted)
{
    log_of l = begun(s);
    json_t *v;

    emit(&l, EV_TOOL_PROGRESS, NULL, "{\"tool_call_id\":\"c\",\"stream\":\"stdout\",\"text\":\"t\",\"closed\":false}");
    CHECK_STR(stream(&l, (lines_state){0}), "");
    v = line_at(&l, stream(&l, (lines_state){.progress = true}), 0);
    CHECK_STR(keys_of(l.s->arena, v), "type session_id tool_call_id text stream closed ts");
    CHECK(json_is_false(json_object_get(v, "closed")) && json_is_real(json_object_get(v, "ts")), "types");
    CHECK_INT(lines_count(l.run, false), 0);
    CHECK_INT(lines_count(l.run, true), 1);
    run_finish(l.run, RUN_COMPLETED, NULL);
    closed(&l);
}

static void fill(log_of *l)
{
    emit(l, EV_TEXT, l->m, "one");
    emit(l, EV_TOOL_PROGRESS, NULL, "{\"text\":\"x\"}");
    emit(l, EV_OUTPUT, NULL, "{\"event\":\"x\"}");
    emit(l, EV_REASONING, l->m, "two");
    emit(l, EV_TEXT_END, l->m, "");
}

FIBER_TEST(whoever_resumes_gets_exactly_the_lines_that_are_missing)
{
    log_of l = begun(s);
    const char *whole, *rest;

    fill(&l);
    run_finish(l.run, RUN_COMPLETED, NULL);
    whole = stream(&l, (lines_state){0});
    CHECK_INT(count_lines(whole), 4);
    CHECK_INT(lines_count(l.run, false), 4);
    rest = whole;
    for (uint64_t skip = 0; skip <= 5; skip++) {
        CHECK_STR(stream(&l, (lines_state){.skip = skip}), rest);
        rest = *rest != '\0' ? strchr(rest, '\n') + 1 : rest;
    }
    closed(&l);
}

FIBER_TEST(an_interrupted_run_has_no_end_line_and_does_not_count_one)
{
    log_of l = begun(s);

    fill(&l);
    run_interrupt(l.run, "enough");
    run_finish(l.run, RUN_INTERRUPTED, "enough");
    CHECK_INT(count_lines(stream(&l, (lines_state){0})), 3);
    CHECK_INT(lines_count(l.run, false), 3);
    closed(&l);
}

FIBER_TEST(a_failed_run_ends_with_its_end_line)
{
    log_of l = begun(s);

    run_finish(l.run, RUN_FAILED, "why");
    CHECK_STR(json_get_str(line_at(&l, stream(&l, (lines_state){0}), 0), "type", ""), "stream_end");
    closed(&l);
}

FIBER_TEST(what_fails_around_a_run_is_told_in_the_words_that_clients_know)
{
    log_of l = begun(s);
    const char *text;

    emit(&l, EV_FAILURE, l.m, "{\"content\":\"no space\",\"type\":\"error\"}");
    emit(&l, EV_FAILURE, l.m, "{\"content\":\"no model\"}");
    text = stream(&l, (lines_state){0});
    CHECK_STR(json_get_str(line_at(&l, text, 0), "content", ""), "处理失败: no space");
    CHECK_STR(json_get_str(line_at(&l, text, 1), "content", ""), "no model");
    run_finish(l.run, RUN_FAILED, NULL);
    closed(&l);
}

TEST(results_are_cleaned_for_display_and_stay_texts)
{
    arena *a = arena_new(NULL);
    char *long_text = arena_zalloc(a, 5002, 1);
    const char *cleaned, *same[] = {"plain",
                                    "{\"a\":1}",
                                    "{\"results\":7}",
                                    "{broken \"results\"",
                                    "[]",
                                    "",
                                    "{\"status\":\"success\",\"content\":\"{\\\"x\\\":1}\"}"};
    json_t *item, *v;

    for (size_t i = 0; i < COUNT(same); i++)
        CHECK_STR(lines_clean_result(a, same[i]), same[i]);
    CHECK_STR(lines_clean_result(a, "{\"content\":\"{\\\"x\\\":1}\"}"), "{\"x\":1}");
    memset(long_text, 'x', 5001);
    v = json_hold(a, json_pack("{s:[{s:s,s:s,s:s},i]}", "results", "snippet", long_text, "title", long_text, "image",
                               "data:image/png;base64,AAAA", 7));
    cleaned = lines_clean_result(a, json_text(a, v));
    CHECK(json_parse(a, cleaned, strlen(cleaned), NULL, &v) == OK, "%s", cleaned);
    item = json_array_get(json_get_arr(v, "results"), 0);
    CHECK_INT(strlen(json_get_str(item, "snippet", "")), 5000 + strlen("...[TRUNCATED]"));
    CHECK(cstr_ends(json_get_str(item, "snippet", ""), "x...[TRUNCATED]"), "cut");
    CHECK_INT(strlen(json_get_str(item, "title", "")), 5001);
    CHECK_STR(json_get_str(item, "image", ""), "[BASE64_IMAGE_REMOVED_FOR_DISPLAY]");
    v = json_hold(a, json_pack("{s:s}", "content", "{\"results\":[{\"image\":\"data:image/png;base64,AAAA\"}]}"));
    CHECK_STR(lines_clean_result(a, json_text(a, v)),
              "{\"results\":[{\"image\":\"[BASE64_IMAGE_REMOVED_FOR_DISPLAY]\"}]}");
    arena_free(a);
}
