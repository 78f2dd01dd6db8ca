/* SPDX-License-Identifier: MIT */
/* Long histories are replaced by summaries. */
#include "stage.h"

#include <stdio.h>

#include "test.h"

static const stage_answer ok[] = {{.body = TEXT("ok") STOP}};

/* `n` exchanges of about 110 tokens each before the question, with ids of their own. */
static void talk(stage *st, int n)
{
    static int number;
    arena *a = st->ledger->a;
    char *long_text = arena_zalloc(a, 401, 1);
    entry *question = st->ledger->items[--st->ledger->n];

    memset(long_text, 'x', 400);
    for (int i = 0; i < n; i++, number++) {
        ledger_add(st->ledger, (entry){.id = arena_printf(a, "u%d", number), .role = ROLE_USER, .text = long_text});
        ledger_add(st->ledger, (entry){.id = arena_printf(a, "a%d", number), .role = ROLE_ASSISTANT, .text = "ok"});
    }
    ledger_add(st->ledger, *question);
}

FIBER_TEST(a_short_history_goes_out_as_it_is)
{
    stage *st = STAGE(s, ok);

    talk(st, 20);
    st->plan.model.at.max_model_len = 100000;
    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 1);
    CHECK_INT(st->summaries, 0);
    stage_close(st);
}

/* How many requests for a summary a window of this size causes, or requests that may only be so long. */
static int summaries_at(scope *s, int64_t window, int64_t input)
{
    stage *st = STAGE(s, ok);
    int n;

    talk(st, 60);
    st->plan.model.at.max_model_len = window;
    st->plan.model.at.max_input_len = input;
    CHECK(stage_run(st) == OK, "window %lld", (long long)window);
    CHECK_INT(st->requests, 1);
    n = st->summaries;
    stage_close(st);
    return n;
}

FIBER_TEST(a_summary_is_made_above_85_percent_of_the_window, .limit = 30)
{
    stage *st = STAGE(s, ok);
    int64_t tokens;

    talk(st, 60);
    CHECK(stage_run(st) == OK, "runs");
    tokens = st->out.usage.total.prompt; /* the estimate, since the provider tells nothing */
    stage_close(st);
    CHECK_INT(summaries_at(s, tokens * 100 / 85 + 20, 0), 0);
    CHECK(summaries_at(s, tokens * 100 / 85 - 20, 0) > 0, "just above");
    CHECK_INT(summaries_at(s, 0, tokens), 0);
    CHECK(summaries_at(s, 0, tokens - 20) > 0, "the whole of what a request may be");
    CHECK(summaries_at(s, tokens * 100 / 85 - 20, tokens * 2) > 0, "the smaller one counts");
}

/* What is in the ledger where the summary must be. */
static void check_pair(stage *st, size_t at)
{
    const entry *call = st->ledger->items[at], *result = st->ledger->items[at + 1];
    json_t *ids, *body;

    CHECK(call->n_calls == 1 && cstr_starts(call->calls[0].id, "auto_compress_"), "behind what it covers");
    CHECK_INT(strlen(call->calls[0].id), strlen("auto_compress_") + 8);
    CHECK_STR(call->calls[0].name, "compress_conversation_history");
    CHECK_STR(call->calls[0].arguments, "{\"session_id\":\"s-1\"}");
    CHECK_STR(result->tool_call_id, call->calls[0].id);
    CHECK_STR(entry_meta_str(result, "status"), "success");
    CHECK_STR(entry_meta_str(call, "tool_name"), "compress_conversation_history");
    CHECK(entry_meta_true(call, "auto_generated") && entry_is_summary(call) && entry_is_summary(result), "marked");
    CHECK_STR(entry_meta_str(call, "source_start_message_id"), "u0");
    ids = json_get_arr(call->metadata, "source_message_ids");
    CHECK_INT(json_array_size(ids), at);
    CHECK_INT(json_get_int(call->metadata, "source_message_count", 0), (int64_t)at);
    CHECK_STR(entry_meta_str(call, "source_end_message_id"), json_string_value(json_array_get(ids, at - 1)));
    CHECK(json_parse(st->s->arena, result->text, strlen(result->text), NULL, &body) == OK, "JSON");
    CHECK_STR(json_get_str(body, "summary", ""), "They talked.");
    CHECK(json_get_bool(body, "reference_only", false) && json_get_arr(body, "open_tasks") != NULL,
          "as clients read it");
}

FIBER_TEST(what_is_old_is_replaced_by_a_pair_that_says_what_it_covers)
{
    stage *st = STAGE(s, ok);
    size_t before;

    talk(st, 60);
    before = st->ledger->n;
    st->plan.model.at.max_model_len = 6000;
    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    CHECK_INT(st->requests, 1);
    CHECK(strstr(st->summary_body, "\"tools\"") == NULL, "a side call has no tools");
    CHECK(strstr(st->summary_body, "They talked.") != NULL, "the summary rolls over the batches");
    CHECK_INT(st->ledger->n, before + 3); /* the pair and the answer: nothing is deleted */
    check_pair(st, before - 12);
    CHECK_STR(stage_kinds(st), "TOOL_CALL RESULT TEXT TEXT_END");
    CHECK_INT(json_array_size(stage_messages(st, 0)), 1 + 2 + 12); /* system, pair, the last twelve */
    CHECK(stage_request_has(st, 0, "They talked."), "the model sees the summary");
    CHECK_STR(st->out.usage.steps->name, "compress_history");
    stage_close(st);
}

FIBER_TEST(a_summary_is_asked_for_as_text_about_text)
{
    stage *st = STAGE(s, ok);
    entry *shown; /* in the last batch that is summarised */
    json_t *image = json_pack("[{s:s,s:s},{s:s,s:{s:s}}]", "type", "text", "text", "Look at this", "type", "image_url",
                              "image_url", "url", "data:image/png;base64,iVBORw0KGgo");

    talk(st, 60);
    shown = st->ledger->items[st->ledger->n - 15];
    shown->parts = json_hold(st->ledger->a, image);
    shown->text = NULL;
    st->plan.model.at.max_model_len = 6000;
    st->plan.model.response_format = json_hold(s->arena, json_pack("{s:s}", "type", "json_object"));
    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    CHECK(strstr(st->summary_body, "[user] Look at this\\n(an image)\\n") != NULL, "%s", st->summary_body);
    CHECK(strstr(st->summary_body, "base64") == NULL, "an image is no text");
    CHECK(strstr(st->summary_body, "response_format") == NULL, "that is for the answer");
    CHECK(stage_request_has(st, 0, "response_format"), "%s", st->bodies[0]);
    stage_close(st);
}

FIBER_TEST(a_few_words_are_not_summarised_however_small_the_window)
{
    stage *st = STAGE(s, ok);

    for (int i = 0; i < 20; i++)
        stage_user(st, "a few words");
    st->plan.model.at.max_model_len = 300;
    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    CHECK_INT(st->summaries, 0);
    CHECK_INT(st->requests, 1);
    stage_close(st);
}

FIBER_TEST(a_summary_is_not_summarised_alone)
{
    stage *st = STAGE(s, ok);

    talk(st, 60);
    st->plan.model.at.max_model_len = 1000; /* the last twelve alone are too much */
    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 1);
    CHECK_STR(stage_kinds(st), "TOOL_CALL RESULT TEXT TEXT_END");
    stage_close(st);
}

FIBER_TEST(a_newer_summary_covers_the_older_one)
{
    stage *st = STAGE(s, ok);

    talk(st, 60);
    st->plan.model.at.max_model_len = 6000;
    CHECK(stage_run(st) == OK, "runs");
    stage_user(st, "More?");
    talk(st, 60);
    st->summary.body = TEXT("They talked more.") STOP;
    CHECK(stage_run(st) == OK, "runs again");
    CHECK(strstr(st->summary_body, "They talked") != NULL, "made from the older one");
    CHECK(stage_request_has(st, 1, "They talked more.") && !stage_request_has(st, 1, "They talked."), "%s",
          st->bodies[1]);
    CHECK_INT(json_array_size(stage_messages(st, 1)), 1 + 2 + 12);
    stage_close(st);
}

FIBER_TEST(a_summary_that_is_no_shorter_is_kept_for_audit_and_ignored)
{
    char *talkative = arena_zalloc(s->arena, 40001, 1);
    stage *st = STAGE(s, ok);
    size_t before;

    memset(talkative, 'y', 40000);
    st->summary.body =
        arena_printf(s->arena, "data: {\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\n\n%s", talkative, STOP);
    talk(st, 60);
    before = st->ledger->n;
    st->plan.model.at.max_model_len = 6000;
    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 1);
    CHECK(!stage_request_has(st, 0, "yyyy"), "not sent");
    CHECK_INT(json_array_size(stage_messages(st, 0)), 1 + before);
    CHECK_INT(st->ledger->n, before + 3);
    CHECK_STR(stage_kinds(st), "TEXT TEXT_END"); /* nor shown */
    stage_close(st);
}

FIBER_TEST(a_summary_that_fails_does_not_keep_the_request_back)
{
    stage *st = STAGE(s, ok);

    st->summary = (stage_answer){.status = 500, .body = "{}"};
    talk(st, 60);
    st->plan.model.at.max_model_len = 6000;
    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 1);
    CHECK_STR(stage_kinds(st), "TEXT TEXT_END");
    stage_close(st);
}

#define TOO_LONG "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"maximum context length\"}}"

FIBER_TEST(a_refusal_for_length_is_answered_with_a_summary_of_more)
{
    static const stage_answer answers[] = {{.status = 400, .body = TOO_LONG}, {.body = TEXT("ok") STOP}};
    stage *st = STAGE(s, answers);

    talk(st, 10);
    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    CHECK_INT(st->requests, 2);
    CHECK_INT(json_array_size(stage_messages(st, 1)), 1 + 2 + 2); /* system, pair, the last two */
    stage_close(st);
}

FIBER_TEST(when_nothing_can_be_summarised_the_providers_word_stands)
{
    static const stage_answer answers[] = {{.status = 400, .body = TOO_LONG}};
    stage *st = STAGE(s, answers);

    CHECK(stage_run(st) != OK, "fails");
    CHECK_INT(st->requests, 1);
    CHECK_STR(json_get_str(stage_event(st, EV_FAILURE, ""), "code", ""), "llm.context_length");
    stage_close(st);
}

FIBER_TEST(the_providers_word_also_stands_when_the_summary_fails)
{
    static const stage_answer answers[] = {{.status = 400, .body = TOO_LONG}};
    stage *st = STAGE(s, answers);

    st->summary = (stage_answer){.status = 401, .body = "{}"};
    talk(st, 10);
    CHECK(stage_run(st) != OK, "fails");
    CHECK_STR(json_get_str(stage_event(st, EV_FAILURE, ""), "code", ""), "llm.context_length");
    stage_close(st);
}

FIBER_TEST(calls_are_never_parted_from_their_results)
{
    stage *st = STAGE(s, ok);
    arena *a = st->ledger->a;
    json_t *m;

    talk(st, 60);
    for (int i = 0; i < 3; i++) { /* so that the cut would fall between results of one response */
        llm_tool_call *calls = arena_array(a, llm_tool_call, 5);

        for (int c = 0; c < 5; c++)
            calls[c] = (llm_tool_call){arena_printf(a, "c%d-%d", i, c), "fast", "{}"};
        ledger_add(st->ledger, (entry){.role = ROLE_ASSISTANT, .calls = calls, .n_calls = 5});
        for (int c = 0; c < 5; c++)
            ledger_add(st->ledger, (entry){.role = ROLE_TOOL, .tool_call_id = calls[c].id, .text = "result"});
    }
    stage_user(st, "And now?");
    st->plan.model.at.max_model_len = 6000;
    CHECK(stage_run(st) == OK, "runs");
    m = stage_messages(st, 0);
    CHECK_INT(json_array_size(json_get_arr(json_array_get(m, 3), "tool_calls")), 5); /* behind system and pair */
    for (size_t i = 4; i < 9; i++)
        CHECK_STR(json_get_str(json_array_get(m, i), "role", ""), "tool");
    stage_close(st);
}

FIBER_TEST(a_window_that_makes_no_sense_does_not_hang_the_run, .limit = 30)
{
    CHECK(summaries_at(s, 1, 0) < 40, "bounded");
    CHECK_INT(summaries_at(s, INT64_MAX, 0), 0);
    CHECK_INT(summaries_at(s, -5, 0), 0);
    CHECK(summaries_at(s, 0, 1) < 40, "bounded");
    CHECK_INT(summaries_at(s, 0, INT64_MAX), 0);
    CHECK_INT(summaries_at(s, 0, -5), 0);
}
