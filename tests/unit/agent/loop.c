/* SPDX-License-Identifier: MIT */
/* The agent loop against a provider that answers from a script. */
#include "rt/loop.h"
#include "rt/sleep.h"
#include "stage.h"
#include "test.h"

static const entry *last(const stage *st)
{
    return st->ledger->items[st->ledger->n - 1];
}

FIBER_TEST(an_answer_without_calls_ends_the_run)
{
    static const stage_answer answers[] = {{.body = THOUGHT("Hmm") TEXT("Hel") TEXT("lo") STOP}};
    stage *st = STAGE(s, answers);

    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    CHECK_STR(stage_log(st), "REASONING Hmm\nTEXT Hel\nTEXT lo\nTEXT_END ");
    CHECK_INT(st->requests, 1);
    CHECK_INT(st->ledger->n, 2);
    CHECK_STR(last(st)->text, "Hello");
    CHECK_STR(last(st)->reasoning, "Hmm");
    CHECK_STR(last(st)->type, "do_subtask_result");
    CHECK_STR(last(st)->agent_name, "SimpleAgent");
    CHECK(st->out.usage.total.total > 0, "an estimate, as the provider tells nothing");
    stage_close(st);
}

FIBER_TEST(requests_carry_the_prompt_the_context_and_the_tools)
{
    static const stage_answer answers[] = {{.body = TEXT("Hi") STOP}};
    stage *st = STAGE(s, answers);
    json_t *m, *tools;
    const char *user;

    CHECK(stage_run(st) == OK, "runs");
    m = stage_messages(st, 0);
    tools = json_get_arr(stage_request(st, 0), "tools");
    CHECK_INT(json_array_size(m), 2);
    CHECK_STR(json_get_str(json_array_get(m, 0), "role", ""), "system");
    CHECK(strstr(json_get_str(json_array_get(m, 0), "content", ""), "ROLE TEXT") != NULL, "the role");
    user = json_get_str(json_array_get(m, 1), "content", "");
    CHECK(cstr_starts(user, "<runtime_context>") && cstr_ends(user, "<user_request>\nQuestion\n</user_request>"), "%s",
          user);
    CHECK_INT(json_array_size(tools), 3);
    CHECK_STR(json_get_str(json_get_obj(json_array_get(tools, 0), "function"), "name", ""), "fail");
    stage_close(st);
}

FIBER_TEST(a_tool_runs_and_its_result_goes_back_to_the_model)
{
    static const stage_answer answers[] = {
        {.body = TEXT("Look: ") CALL("0", "call_1", "fast", "{\\\"wo") MORE("0", "rd\\\":\\\"hi\\\"}") STOP},
        {.body = TEXT("Done") STOP},
    };
    stage *st = STAGE(s, answers);
    json_t *m, *result;

    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    CHECK_STR(stage_kinds(st), "TEXT TOOL_CALL TOOL_CALL RESULT PROGRESS TEXT TEXT_END");
    CHECK(stage_event(st, EV_TOOL_CALL, "\"id\":\"call_1\",\"name\":\"fast\"") != NULL, "the first piece names it");
    CHECK(stage_event(st, EV_TOOL_CALL, "{\"index\":0,\"id\":null,\"name\":null,\"arguments\":\"rd") != NULL,
          "the others do not: %s", stage_log(st));
    result = stage_event(st, EV_TOOL_RESULT, "call_1");
    CHECK_STR(json_get_str(result, "content", ""), "fast said hi");
    CHECK_STR(json_get_str(json_get_obj(result, "metadata"), "tool_execution_status", ""), "success");
    CHECK(json_is_true(json_object_get(stage_event(st, EV_TOOL_PROGRESS, "call_1"), "closed")), "its progress ends");
    m = stage_messages(st, 1);
    CHECK_INT(json_array_size(m), 4);
    CHECK_STR(json_get_str(json_array_get(m, 2), "content", ""), "Look: ");
    CHECK_STR(json_get_str(json_array_get(m, 3), "content", ""), "fast said hi");
    CHECK_STR(json_get_str(json_array_get(m, 3), "tool_call_id", ""), "call_1");
    CHECK(cstr_eq(json_get_str(json_array_get(m, 1), "content", "1"),
                  json_get_str(json_array_get(stage_messages(st, 0), 1), "content", "2")),
          "the context is frozen, so that the prompt's front can be cached");
    stage_close(st);
}

FIBER_TEST(a_call_without_arguments_runs_and_the_model_sees_its_result)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "fast", "") STOP}, {.body = TEXT("ok") STOP}};
    stage *st = STAGE(s, answers);

    CHECK(stage_run(st) == OK, "runs");
    CHECK(stage_request_has(st, 1, "fast said nothing"), "%s", st->bodies[1]);
    CHECK(stage_request_has(st, 1, "\"arguments\":\"{}\""), "as an object");
    stage_close(st);
}

FIBER_TEST(calls_of_one_response_run_at_once_and_results_come_as_they_finish)
{
    static const stage_answer answers[] = {
        {.body = CALL("0", "c1", "slow", "{\\\"ms\\\":300}") CALL("1", "c2", "slow", "{\\\"ms\\\":20}")
             CALL("2", "c3", "fast", "{}") STOP},
        {.body = TEXT("ok") STOP},
    };
    stage *st = STAGE(s, answers);
    json_t *m;

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->ledger->n, 6);
    CHECK_STR(st->ledger->items[2]->tool_call_id, "c3");
    CHECK_STR(st->ledger->items[3]->tool_call_id, "c2");
    CHECK_STR(st->ledger->items[4]->tool_call_id, "c1");
    m = stage_messages(st, 1);
    CHECK_STR(json_get_str(json_array_get(m, 3), "tool_call_id", ""), "c1"); /* in the order of the calls */
    CHECK_STR(json_get_str(json_array_get(m, 5), "tool_call_id", ""), "c3");
    CHECK_STR(json_get_str(stage_event(st, EV_TOOL_PROGRESS, "stdout"), "text", ""), "half\xef\xbf\xbd");
    stage_close(st);
}

FIBER_TEST(no_more_calls_run_at_once_than_allowed)
{
    static const stage_answer answers[] = {
        {.body = CALL("0", "c1", "slow", "{\\\"ms\\\":60}") CALL("1", "c2", "fast", "{}") STOP},
        {.body = TEXT("ok") STOP},
    };
    stage *st = STAGE(s, answers);

    st->plan.max_parallel_tools = 1;
    CHECK(stage_run(st) == OK, "runs");
    CHECK_STR(st->ledger->items[2]->tool_call_id, "c1");
    stage_close(st);
}

FIBER_TEST(calls_that_cannot_be_made_are_rejected_and_the_run_goes_on)
{
    static const struct {
        stage_answer answer;
        const char *code;
    } cases[] = {
        {{.body = CALL("0", "c1", "nonsense", "{}") STOP}, "tool_not_available_in_request"},
        {{.body = CALL("0", "c1", "turn_status", "{}") STOP}, NULL}, /* the same, but never shown */
        {{.body = CALL("0", "c1", "fast", "{\\\"word\\\":") STOP}, "invalid_tool_arguments"},
        {{.body = CALL("0", "c1", "fast", "[1]") STOP}, "invalid_tool_arguments"},
        {{.body = CALL("0", "c1", "fast", "{\\\"a\\\":1,\\\"a\\\":2}") STOP}, "invalid_tool_arguments"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        stage_answer answers[] = {cases[i].answer, {.body = TEXT("ok") STOP}};
        stage *st = STAGE(s, answers);
        json_t *result;

        CHECK(stage_run(st) == OK, "case %zu", i);
        result = stage_event(st, EV_TOOL_RESULT, "rejected");
        CHECK((result == NULL) == (cases[i].code == NULL), "case %zu: %s", i, stage_log(st));
        if (result != NULL) {
            CHECK(strstr(json_get_str(result, "content", ""), cases[i].code) != NULL, "%s", stage_log(st));
            CHECK(json_get_bool(json_get_obj(result, "metadata"), "streamed_tool_rejected", false), "marked");
        }
        CHECK(stage_request_has(st, 1, "<system_reminder>"), "the model is told why");
        CHECK(!stage_request_has(st, 1, "\"tool_calls\""), "without the call itself");
        CHECK_STR(last(st)->text, "ok");
        stage_close(st);
    }
}

FIBER_TEST(arguments_that_are_nearly_json_are_mended)
{
    static const stage_answer answers[] = {
        {.body = CALL("0", "c1", "fast", "{'word': 'it\\\\'s', }") STOP},
        {.body = TEXT("ok") STOP},
    };
    stage *st = STAGE(s, answers);

    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    CHECK(stage_event(st, EV_TOOL_RESULT, "it's") != NULL, "%s", stage_log(st));
    CHECK_STR(st->ledger->items[1]->calls[0].arguments, "{\"word\": \"it's\" }");
    CHECK(stage_request_has(st, 1, "it's"), "the model sees the call as it was carried out");
    stage_close(st);
}

FIBER_TEST(calls_have_ids_of_their_own_whatever_the_provider_counts_from)
{
    static const stage_answer answers[] = {
        {.body = CALL("0", "call_0", "fast", "{\\\"word\\\":\\\"a\\\"}") STOP},
        {.body = CALL("0", "call_0", "fast", "{\\\"word\\\":\\\"b\\\"}")
             CALL("1", "call_0", "fast", "{\\\"word\\\":\\\"c\\\"}") STOP},
        {.body = TEXT("ok") STOP},
    };
    stage *st = STAGE(s, answers);
    const char *ids[3];
    size_t n = 0;

    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    for (size_t i = 0; i < st->ledger->n; i++)
        for (size_t c = 0; c < st->ledger->items[i]->n_calls; c++)
            ids[n++] = st->ledger->items[i]->calls[c].id;
    CHECK_INT(n, 3);
    CHECK_STR(ids[0], "call_0");
    CHECK(strcmp(ids[0], ids[1]) != 0 && strcmp(ids[1], ids[2]) != 0 && strcmp(ids[0], ids[2]) != 0, "%s %s %s", ids[0],
          ids[1], ids[2]);
    for (size_t i = 0; i < n; i++) {
        CHECK(stage_event(st, EV_TOOL_CALL, ids[i]) != NULL, "%s is shown", ids[i]);
        CHECK(stage_event(st, EV_TOOL_RESULT, ids[i]) != NULL, "%s is answered", ids[i]);
        CHECK(stage_request_has(st, 2, ids[i]), "%s goes back", ids[i]);
    }
    stage_close(st);
}

FIBER_TEST(an_answer_that_the_provider_withholds_is_a_failure)
{
    static const stage_answer answers[] = {
        {.body = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n"}};
    stage *st = STAGE(s, answers);
    json_t *told;

    CHECK_INT(stage_run(st), ERR_UPSTREAM);
    CHECK_STR(stage_kinds(st), "FAILURE");
    told = stage_event(st, EV_FAILURE, "");
    CHECK_STR(json_get_str(told, "type", ""), "final_answer");
    CHECK_STR(json_get_str(told, "code", ""), "llm.content_filter");
    stage_close(st);
}

FIBER_TEST(the_limit_of_turns_ends_with_a_question)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "fast", "{\\\"word\\\":\\\"a\\\"}") STOP},
                                           {.body = CALL("0", "c2", "fast", "{\\\"word\\\":\\\"b\\\"}") STOP}};
    stage *st = STAGE(s, answers);
    json_t *notice, *meta;

    st->plan.max_loops = 2;
    CHECK(stage_run(st) == OK, "an end of its own");
    CHECK_INT(st->requests, 2);
    notice = stage_event(st, EV_NOTICE, "");
    meta = json_get_obj(notice, "metadata");
    CHECK(strstr(json_get_str(notice, "content", ""), "```questionnaire\ntitle: ") != NULL, "%s", stage_log(st));
    CHECK_STR(json_get_str(meta, "runtime_notice", ""), "max_loop_questionnaire");
    CHECK_STR(json_get_str(meta, "stop_reason", ""), "max_loop_count");
    CHECK_INT(json_get_int(meta, "max_loop_count", 0), 2);
    CHECK(json_get_bool(meta, "runtime_generated", false) && json_get_bool(meta, "needs_user_input", false), "marked");
    CHECK_STR(last(st)->type, "assistant_text");
    CHECK(json_equal(last(st)->metadata, meta), "the ledger has the same");
    stage_close(st);
}

FIBER_TEST(the_same_error_twice_in_a_row_ends_with_a_question)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "fail", "{}") STOP},
                                           {.body = CALL("0", "c2", "fail", "{}") STOP}};
    stage *st = STAGE(s, answers);
    json_t *meta;

    CHECK(stage_run(st) == OK, "an end of its own");
    CHECK_INT(st->requests, 2);
    meta = json_get_obj(stage_event(st, EV_NOTICE, ""), "metadata");
    CHECK_STR(json_get_str(meta, "stop_reason", ""), "consecutive_execution_error");
    CHECK_STR(json_get_str(meta, "error_category", ""), "OTHER");
    CHECK_INT(json_get_int(meta, "consecutive_error_hits", 0), 2);
    CHECK_STR(
        json_get_str(json_get_obj(stage_event(st, EV_TOOL_RESULT, "c1"), "metadata"), "tool_execution_status", ""),
        "error");
    stage_close(st);
}

FIBER_TEST(an_error_that_something_else_follows_is_forgotten)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "fail", "{}") STOP},
                                           {.body = CALL("0", "c2", "fast", "{}") STOP},
                                           {.body = CALL("0", "c3", "fail", "{}") STOP},
                                           {.body = TEXT("ok") STOP}};
    stage *st = STAGE(s, answers);

    CHECK(stage_run(st) == OK, "runs");
    CHECK(stage_event(st, EV_NOTICE, "") == NULL, "no question");
    CHECK_STR(last(st)->text, "ok");
    stage_close(st);
}

FIBER_TEST(an_empty_answer_ends_the_run)
{
    static const stage_answer answers[] = {{.body = STOP}};
    stage *st = STAGE(s, answers);

    CHECK(stage_run(st) == OK, "an end");
    CHECK_INT(st->requests, 1);
    CHECK_INT(st->ledger->n, 1);
    stage_close(st);
}

static stage *status_stage(scope *s, const stage_answer *answers, size_t n)
{
    stage *st = stage_new(s, answers, n);

    st->plan.until = UNTIL_TURN_STATUS;
    st->plan.n_tools++; /* the last one is turn_status */
    return st;
}

#define STATUS(s) CALL("0", "t1", "turn_status", "{\\\"status\\\":\\\"" s "\\\"}")

FIBER_TEST(turn_status_beside_a_text_ends_the_run_unseen)
{
    static const stage_answer answers[] = {{.body = TEXT("All done") STATUS("task_done") STOP}};
    stage *st = status_stage(s, answers, 1);

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 1);
    CHECK_STR(stage_kinds(st), "TEXT");
    CHECK_INT(st->ledger->n, 3); /* the call and its result are kept */
    stage_close(st);
}

FIBER_TEST(after_a_text_the_model_is_asked_for_its_status_alone)
{
    static const stage_answer answers[] = {{.body = TEXT("All done") STOP},
                                           {.body = TEXT("again") STATUS("task_done") STOP}};
    stage *st = status_stage(s, answers, 2);
    json_t *tools;

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 2);
    tools = json_get_arr(stage_request(st, 1), "tools");
    CHECK_INT(json_array_size(tools), 1);
    CHECK_STR(json_get_str(json_get_obj(json_array_get(tools, 0), "function"), "name", ""), "turn_status");
    CHECK_STR(json_get_str(stage_request(st, 1), "tool_choice", ""), "required");
    CHECK_STR(stage_kinds(st), "TEXT TEXT_END"); /* what is said beside the status is not shown */
    stage_close(st);
}

FIBER_TEST(continue_work_and_a_status_without_text_do_not_end_the_run)
{
    static const stage_answer answers[] = {{.body = STATUS("task_done") STOP},
                                           {.body = TEXT("Wait") STATUS("continue_work") STOP},
                                           {.body = TEXT("Done") STATUS("blocked") STOP}};
    stage *st = status_stage(s, answers, 3);

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 3);
    CHECK(stage_request_has(st, 1, "Rejected: write the answer"), "told to write an answer first");
    CHECK(entry_meta_true(st->ledger->items[2], "turn_status_rejected"), "marked");
    CHECK(!entry_meta_true(st->ledger->items[4], "turn_status_rejected"), "to go on is fine without a text");
    stage_close(st);
}

FIBER_TEST(a_status_that_is_rejected_twice_ends_with_a_question)
{
    static const stage_answer answers[] = {{.body = STATUS("task_done") STOP}};
    stage *st = status_stage(s, answers, 1);
    json_t *meta;

    CHECK(stage_run(st) == OK, "an end of its own");
    CHECK_INT(st->requests, 2);
    meta = json_get_obj(stage_event(st, EV_NOTICE, ""), "metadata");
    CHECK_STR(json_get_str(meta, "stop_reason", ""), "consecutive_execution_error");
    CHECK_STR(json_get_str(meta, "error_category", ""), "TURN_STATUS");
    stage_close(st);
}

FIBER_TEST(a_text_in_front_of_a_tool_result_is_no_answer)
{
    static const stage_answer answers[] = {{.body = TEXT("I look: ") CALL("0", "c1", "fast", "{}") STOP},
                                           {.body = STATUS("task_done") STOP},
                                           {.body = TEXT("Found") STATUS("task_done") STOP}};
    stage *st = status_stage(s, answers, 3);

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 3);
    stage_close(st);
}

FIBER_TEST(another_tool_than_the_status_that_was_asked_for_means_that_work_goes_on)
{
    static const struct {
        const char *label;
        stage_answer answer;
        int n_calls;
    } cases[] = {
        {"instead of it", {.body = CALL("0", "c1", "fast", "{\\\"wo") MORE("0", "rd\\\":1}") STOP}, 1},
        {"beside it", {.body = STATUS("task_done") CALL("1", "c1", "fast", "{}") STOP}, 2},
        {"in front of it",
         {.body =
              CALL("0", "c1", "fast", "{}") CALL("1", "t1", "turn_status", "{\\\"status\\\":\\\"blocked\\\"}") STOP},
         2},
        {"one that does not exist", {.body = CALL("0", "c1", "nonsense", "{}") STOP}, 1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        stage_answer answers[] = {
            {.body = TEXT("First") STOP}, cases[i].answer, {.body = TEXT("Last") STATUS("task_done") STOP}};
        stage *st = status_stage(s, answers, 3);
        const entry *call, *result = NULL;

        CHECK(stage_run(st) == OK, "%s", cases[i].label);
        CHECK_INT(st->requests, 3);
        CHECK_STR(stage_kinds(st), "TEXT TEXT_END TEXT"); /* nothing of the call was shown, and nothing ran */
        call = st->ledger->items[2];
        CHECK_INT(call->n_calls, cases[i].n_calls);
        CHECK(cstr_eq(entry_meta_str(call, "coerced_from"), "fast") ||
                  cstr_eq(entry_meta_str(call, "coerced_from"), "nonsense"),
              "%s", cases[i].label);
        for (size_t c = 0; c < call->n_calls; c++) {
            CHECK_STR(call->calls[c].name, "turn_status");
            if (cstr_eq(call->calls[c].id, "c1"))
                CHECK_STR(call->calls[c].arguments, "{\"status\":\"continue_work\"}");
        }
        for (size_t k = 3; k < st->ledger->n; k++)
            if (cstr_eq(st->ledger->items[k]->tool_call_id, "c1"))
                result = st->ledger->items[k];
        CHECK(result != NULL && entry_meta_str(result, "coerced_from") != NULL, "%s", cases[i].label);
        CHECK(json_array_size(json_get_arr(stage_request(st, 2), "tools")) > 1, "all tools are offered again");
        CHECK(stage_request_has(st, 2, "continue_work"), "the model sees what became of its call");
        stage_close(st);
    }
}

FIBER_TEST(a_status_that_cannot_be_called_is_not_waited_for)
{
    static const stage_answer answers[] = {{.body = TEXT("Hi") STOP}};
    stage *st = STAGE(s, answers);

    st->plan.until = UNTIL_TURN_STATUS;
    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 1);
    stage_close(st);
}

FIBER_TEST(a_model_that_never_tells_its_status_gets_a_question_to_the_user)
{
    static const stage_answer answers[] = {{.body = TEXT("Hi") STOP}};
    stage *st = status_stage(s, answers, 1);

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 2);
    CHECK_STR(json_get_str(json_get_obj(stage_event(st, EV_NOTICE, ""), "metadata"), "stop_reason", ""),
              "turn_status_protocol_loop");
    stage_close(st);
}

FIBER_TEST(a_refused_request_is_told_as_the_final_answer)
{
    static const stage_answer answers[] = {{.status = 401, .body = "{\"error\":{\"message\":\"bad secret-key\"}}"}};
    stage *st = STAGE(s, answers);
    json_t *told;

    CHECK(stage_run(st) != OK, "fails");
    CHECK_STR(stage_kinds(st), "FAILURE");
    told = stage_event(st, EV_FAILURE, "");
    CHECK_STR(json_get_str(told, "type", ""), "final_answer");
    CHECK_STR(json_get_str(told, "code", ""), "llm.auth");
    CHECK(cstr_starts(json_get_str(told, "content", ""), "Workflow execution failed: API authentication failed"), "%s",
          stage_log(st));
    CHECK(strstr(stage_log(st), "secret-key") == NULL, "no secrets");
    CHECK_STR(last(st)->type, "final_answer");
    stage_close(st);
}

FIBER_TEST(a_stream_that_breaks_off_closes_its_half_calls_and_says_so)
{
    static const stage_answer answers[] = {{.body = TEXT("Let me") CALL("0", "c1", "fast", "{\\\"wo")}};
    stage *st = STAGE(s, answers);
    json_t *result;

    CHECK(stage_run(st) == ERR_UPSTREAM, "fails");
    CHECK_STR(stage_kinds(st), "TEXT TOOL_CALL RESULT FAILURE");
    result = stage_event(st, EV_TOOL_RESULT, "c1");
    CHECK_STR(json_get_str(result, "content", ""),
              "{\"success\": false, \"status\": \"discarded\", \"error\": \"Partial streamed tool call discarded "
              "because the LLM stream ended before a complete response.\"}");
    CHECK(json_get_bool(json_get_obj(result, "metadata"), "partial_stream_discarded", false), "marked");
    CHECK_STR(json_get_str(stage_event(st, EV_FAILURE, ""), "type", ""), "agent_execution_error");
    CHECK_INT(st->ledger->n, 3);
    CHECK_STR(st->ledger->items[1]->text, "Let me");
    CHECK_INT(st->ledger->items[1]->n_calls, 0);
    CHECK_STR(last(st)->type, "agent_execution_error");
    stage_close(st);
}

static err interrupt_soon(scope *s, void *arg)
{
    stage *st = arg;

    while (run_bytes(st->run) == 0)
        TRY(sleep_for(s, MILLISECONDS(2)));
    run_interrupt(st->run, "enough");
    return OK;
}

FIBER_TEST(an_interrupt_in_the_middle_of_an_answer_keeps_what_was_said)
{
    static const stage_answer answers[] = {{.body = TEXT("Half an ans"), .pause_ms = 20000}};
    scope *beside = scope_child(s, NO_LIMIT);
    stage *st = STAGE(s, answers);

    scope_spawn(beside, interrupt_soon, st);
    CHECK(stage_run(st) == ERR_CANCELLED, "interrupted");
    CHECK_STR(stage_log(st), "TEXT Half an ans");
    CHECK_STR(last(st)->text, "Half an ans");
    scope_close(beside);
    stage_close(st);
}

FIBER_TEST(an_interrupt_in_the_middle_of_a_tool_leaves_its_call_open)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "slow", "{\\\"ms\\\":20000}") STOP}};
    scope *beside = scope_child(s, NO_LIMIT);
    stage *st = STAGE(s, answers);

    scope_spawn(beside, interrupt_soon, st);
    CHECK(stage_run(st) == ERR_CANCELLED, "interrupted");
    CHECK_INT(last(st)->n_calls, 1);
    ledger_settle(st->ledger);
    CHECK(entry_meta_true(last(st), "synthetic_interrupted_tool_result"), "settled by the next turn");
    scope_close(beside);
    stage_close(st);
}

FIBER_TEST(a_deadline_ends_the_run)
{
    static const stage_answer answers[] = {{.body = TEXT("Half"), .pause_ms = 20000}};
    stage *st = STAGE(s, answers);

    scope_set_timeout(st->s, MILLISECONDS(1500));
    CHECK(stage_run(st) == ERR_TIMEOUT, "out of time");
    CHECK_STR(st->ledger->items[1]->text, "Half");
    CHECK_STR(stage_kinds(st), "TEXT FAILURE");
    CHECK_STR(json_get_str(stage_event(st, EV_FAILURE, ""), "code", ""), "chat.timeout");
    CHECK_STR(last(st)->text,
              "Workflow execution failed: The time limit of a run was reached before the task was finished");
    stage_close(st);
}

static err save_fails(scope *s, void *arg)
{
    ++*(int *)arg;
    return fail(s, ERR_NO_SPACE, "the disk is full");
}

FIBER_TEST(a_failed_write_between_turns_ends_the_run_and_is_told)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "fast", "{}") STOP}};
    stage *st = STAGE(s, answers);
    int saves = 0;

    st->plan.save = save_fails;
    st->plan.save_arg = &saves;
    CHECK(stage_run(st) == ERR_NO_SPACE, "fails");
    CHECK_INT(saves, 1);
    CHECK_STR(json_get_str(stage_event(st, EV_FAILURE, ""), "reason", ""), "the disk is full");
    stage_close(st);
}

FIBER_TEST(a_run_that_produces_too_much_ends_and_says_why)
{
    static const stage_answer answers[] = {{.body = TEXT("0123456789") TEXT("0123456789") TEXT("0123456789") STOP}};
    stage *st;

    hub_set_limits(100, 0, 0);
    st = STAGE(s, answers);
    CHECK(stage_run(st) == ERR_TOO_LARGE, "fails");
    CHECK(stage_event(st, EV_FAILURE, "") != NULL, "%s", stage_log(st));
    stage_close(st);
}

FIBER_TEST(a_response_with_absurdly_many_calls_is_garbage)
{
    buf *b = buf_new(s->arena, MIB(4));
    stage_answer answers[1];
    stage *st;

    for (int i = 0; i < 200; i++)
        buf_printf(b,
                   "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"c%d\",\"type\":"
                   "\"function\",\"function\":{\"name\":\"fast\",\"arguments\":\"{}\"}}]}}]}\n\n",
                   i, i);
    buf_puts(b, STOP);
    answers[0] = (stage_answer){.body = buf_str(b)};
    st = STAGE(s, answers);
    CHECK(stage_run(st) == ERR_UPSTREAM, "refused");
    CHECK_STR(json_get_str(stage_event(st, EV_FAILURE, ""), "code", ""), "llm.garbage");
    stage_close(st);
}

FIBER_TEST(usage_is_summed_over_the_calls_of_the_model)
{
    static const stage_answer answers[] = {
        {.body = CALL(
             "0", "c1", "fast",
             "{}") "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
                   "data: "
                   "{\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,\"total_tokens\":12}}\n\n"
                   "data: [DONE]\n\n"},
        {.body = TEXT("ok") "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":3,"
                            "\"total_tokens\":23}}\n\ndata: [DONE]\n\n"},
    };
    stage *st = STAGE(s, answers);
    json_t *u;

    CHECK(stage_run(st) == OK, "runs");
    u = json_hold(s->arena, usage_json(&st->out.usage));
    CHECK_INT(json_get_int(json_get_obj(u, "total_info"), "prompt_tokens", 0), 30);
    CHECK_INT(json_get_int(json_get_obj(u, "total_info"), "total_tokens", 0), 35);
    CHECK_STR(json_get_str(json_get_obj(u, "total_info"), "model", ""), "test-model");
    CHECK_INT(json_array_size(json_get_arr(u, "per_step_info")), 2);
    CHECK_INT(json_array_size(json_get_arr(u, "models")), 1);
    CHECK_STR(json_get_str(json_array_get(json_get_arr(u, "per_step_info"), 0), "step_name", ""), "direct_execution");
    stage_close(st);
}
