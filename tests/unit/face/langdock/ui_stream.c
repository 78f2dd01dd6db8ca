/* SPDX-License-Identifier: MIT */
/* Tests of face/langdock/ui_stream.c and ui_gather.c: events of a run as chunks, and chunks as a message. */
#include "face/langdock/ui_gather.h"

#include "test.h"

static const run_message ours = {.id = "m1", .session_id = "s1"}, theirs = {.id = "m2", .session_id = "child"};

typedef struct {
    arena *a;
    ui_stream *u;
    ui_gathered g;
    buf out;
} stage;

static void on_chunk(void *arg, const ui_chunk *c)
{
    stage *st = arg;

    ui_chunk_write(&st->out, c);
    ui_gather(&st->g, c);
}

static void see(stage *st, event_kind kind, const run_message *m, const char *payload)
{
    event ev = {.kind = kind, .message = m, .bytes = payload, .len = strlen(payload)};

    ui_stream_event(st->u, &ev, on_chunk, st);
}

static stage staged(void)
{
    arena *a = arena_new(NULL);
    stage st = {.a = a, .u = ui_stream_new(a, "s1", "the-id"), .out = BUF_INIT(MIB(1))};

    ui_gather_init(&st.g, a, "the-id");
    return st;
}

static void strike(stage *st)
{
    buf_close(&st->out);
    arena_free(st->a);
}

/* The types in order, without the stream's marks. */
static const char *types(stage *st)
{
    buf *b = buf_new(st->a, KIB(16));
    str rest = {buf_str(&st->out), st->out.len}, line;

    while (str_next(&rest, '\n', &line)) {
        const char *end;

        if (str_is(line, "data: [DONE]"))
            buf_puts(b, "DONE ");
        if (!str_starts(line, "data: {\"type\":\""))
            continue;
        line = (str){line.p + 15, line.len - 15};
        end = memchr(line.p, '"', line.len);
        buf_printf(b, "%.*s ", (int)(end - line.p), line.p);
    }
    return buf_str(b);
}

#define END "{\"status\":\"completed\"}"

TEST(a_run_without_events_begins_and_ends)
{
    stage st = staged();

    see(&st, EV_END, NULL, END);
    CHECK_STR(types(&st), "start finish DONE ");
    strike(&st);
}

TEST(reasoning_and_text_are_blocks_of_their_own)
{
    stage st = staged();

    see(&st, EV_REASONING, &ours, "hm");
    see(&st, EV_REASONING, &ours, "m");
    see(&st, EV_TEXT, &ours, "a \"b\"\n");
    see(&st, EV_TEXT, &ours, "");
    see(&st, EV_TEXT_END, &ours, "");
    see(&st, EV_USAGE, NULL, "{}");
    see(&st, EV_END, NULL, END);
    CHECK_STR(types(&st),
              "start start-step reasoning-start reasoning-delta reasoning-delta reasoning-end text-start text-delta "
              "text-end finish-step finish DONE ");
    CHECK_STR(json_text(st.a, st.g.parts), "[{\"type\":\"step-start\"},{\"type\":\"reasoning\",\"text\":\"hmm\"},"
                                           "{\"type\":\"text\",\"text\":\"a \\\"b\\\"\\n\"}]");
    strike(&st);
}

TEST(what_others_say_in_a_run_is_left_out)
{
    stage st = staged();

    see(&st, EV_TEXT, &theirs, "of a child");
    see(&st, EV_TEXT, &ours, "mine");
    see(&st, EV_END, NULL, END);
    CHECK_STR(buf_str(st.g.text), "mine");
    strike(&st);
}

#define CALL(index, id, name, arguments)                                                                               \
    "{\"index\":" #index ",\"id\":" id ",\"name\":" name ",\"arguments\":" arguments "}"
#define RESULT(id, status, content)                                                                                    \
    "{\"tool_call_id\":\"" id "\",\"name\":\"t\",\"content\":\"" content                                               \
    "\",\"metadata\":{\"tool_execution_status\":\"" status "\"}}"

TEST(the_input_of_a_call_is_told_as_soon_as_it_is_whole_and_before_its_result)
{
    stage st = staged();

    see(&st, EV_TOOL_CALL, &ours, CALL(0, "\"c1\"", "\"find\"", "\"{\\\"q\\\": \\\"}\\\\\\\"{\""));
    see(&st, EV_TOOL_CALL, &ours, CALL(1, "\"c2\"", "\"none\"", "\"\""));
    see(&st, EV_TOOL_CALL, &ours, CALL(0, "null", "null", "\"\\\"}\""));
    CHECK_STR(types(&st), "start start-step tool-input-start tool-input-delta tool-input-start tool-input-delta "
                          "tool-input-available ");
    buf_reset(&st.out);
    see(&st, EV_TOOL_RESULT, &ours, RESULT("c2", "success", "plain"));
    see(&st, EV_TOOL_RESULT, &ours, RESULT("c1", "success", "{\\\"n\\\":1}"));
    see(&st, EV_TEXT, &ours, "done");
    see(&st, EV_END, NULL, END);
    CHECK_STR(types(&st),
              "tool-input-available tool-output-available tool-output-available finish-step start-step text-start "
              "text-delta text-end finish-step finish DONE ");
    CHECK_STR(
        json_text(st.a, json_array_get(st.g.parts, 1)),
        "{\"type\":\"tool-find\",\"toolCallId\":\"c1\",\"state\":\"output-available\",\"input\":{\"q\":\"}\\\"{\"},"
        "\"output\":{\"n\":1}}");
    CHECK_STR(json_text(st.a, json_array_get(st.g.parts, 2)),
              "{\"type\":\"tool-none\",\"toolCallId\":\"c2\",\"state\":\"output-available\",\"input\":{},"
              "\"output\":\"plain\"}");
    CHECK_INT(json_array_size(st.g.result), 3);
    strike(&st);
}

TEST(calls_of_two_steps_with_one_index_are_two)
{
    stage st = staged();

    see(&st, EV_TOOL_CALL, &ours, CALL(0, "\"c1\"", "\"t\"", "\"{}\""));
    see(&st, EV_TOOL_RESULT, &ours, RESULT("c1", "success", "1"));
    see(&st, EV_TOOL_CALL, &ours, CALL(0, "\"c2\"", "\"t\"", "\"{}\""));
    see(&st, EV_TOOL_RESULT, &ours, RESULT("c2", "error", "{\\\"message\\\":\\\"broken\\\"}"));
    see(&st, EV_TOOL_RESULT, &ours, RESULT("unknown", "success", "1"));
    see(&st, EV_END, NULL, END);
    CHECK_STR(types(&st),
              "start start-step tool-input-start tool-input-delta tool-input-available tool-output-available "
              "finish-step start-step tool-input-start tool-input-delta tool-input-available tool-output-error "
              "finish-step finish DONE ");
    CHECK(strstr(buf_str(&st.out), "\"errorText\":\"broken\"") != NULL, "the tool's own words");
    strike(&st);
}

TEST(arguments_that_are_no_object_are_told_as_they_came)
{
    stage st = staged();

    see(&st, EV_TOOL_CALL, &ours, CALL(0, "\"c1\"", "\"t\"", "\"{\\\"half\""));
    see(&st, EV_TOOL_RESULT, &ours,
        "{\"tool_call_id\":\"c1\",\"name\":\"t\",\"content\":\"x\",\"metadata\":{\"partial_stream_discarded\":true}}");
    see(&st, EV_END, NULL, END);
    CHECK_STR(types(&st),
              "start start-step tool-input-start tool-input-delta tool-input-error tool-output-error finish-step "
              "finish DONE ");
    strike(&st);
}

TEST(a_failure_is_told_once_and_nothing_is_finished_after_it)
{
    stage st = staged();

    see(&st, EV_TEXT, &ours, "half");
    see(&st, EV_FAILURE, &ours, "{\"code\":\"llm.quota\",\"reason\":\"no money\",\"content\":\"failed: no money\"}");
    see(&st, EV_END, NULL, "{\"status\":\"failed\",\"reason\":\"no money\"}");
    CHECK_STR(types(&st), "start start-step text-start text-delta text-end error finish-step DONE ");
    CHECK(st.g.failed && st.g.done, "gathered");
    CHECK_STR(st.g.code, "llm.quota");
    CHECK_STR(st.g.reason, "no money");
    strike(&st);
}

TEST(an_interrupted_run_is_aborted)
{
    stage st = staged();

    see(&st, EV_END, NULL, "{\"status\":\"interrupted\",\"reason\":\"the server was stopped\"}");
    CHECK_STR(types(&st), "start abort DONE ");
    CHECK(st.g.aborted, "gathered");
    CHECK_STR(st.g.reason, "the server was stopped");
    strike(&st);
}

TEST(what_the_runtime_says_is_text)
{
    stage st = staged();

    see(&st, EV_NOTICE, &ours, "{\"content\":\"The limit of steps is reached.\",\"metadata\":{}}");
    see(&st, EV_END, NULL, END);
    CHECK_STR(buf_str(st.g.text), "The limit of steps is reached.");
    strike(&st);
}
