/* SPDX-License-Identifier: MIT */
/* Going in circles, and what is none. */
#include "stage.h"
#include "test.h"

#define SAME CALL("0", "call_0", "fast", "{\\\"word\\\":\\\"x\\\"}") STOP

FIBER_TEST(the_same_turn_again_and_again_is_hinted_at_and_then_ends_with_a_question)
{
    static const stage_answer answers[] = {{.body = SAME}};
    stage *st = STAGE(s, answers);
    json_t *meta, *pattern;

    CHECK(stage_run(st) == OK, "an end of its own");
    CHECK_INT(st->requests, 5); /* hits at the third, fourth and fifth turn, though every turn reuses the id */
    CHECK(!stage_request_has(st, 2, "repeating"), "no hint before the third turn");
    CHECK(stage_request_has(st, 3, "repeating") && stage_request_has(st, 4, "repeating"), "hints");
    meta = json_get_obj(stage_event(st, EV_NOTICE, ""), "metadata");
    pattern = json_get_obj(meta, "repeat_pattern");
    CHECK_STR(json_get_str(meta, "stop_reason", ""), "repeat_pattern");
    CHECK_STR(json_get_str(meta, "runtime_notice", ""), "repeat_pattern_questionnaire");
    CHECK_INT(json_get_int(pattern, "period", 0), 1);
    CHECK_INT(json_get_int(pattern, "cycles", 0), 3);
    stage_close(st);
}

FIBER_TEST(turns_that_alternate_are_noticed)
{
    stage_answer answers[20];
    stage *st;

    for (size_t i = 0; i < COUNT(answers); i++)
        answers[i] = (stage_answer){.body = i % 2 == 0 ? SAME : CALL("0", "b", "fast", "{}") STOP};
    st = STAGE(s, answers);
    st->plan.max_loops = 20;
    CHECK(stage_run(st) == OK, "an end of its own");
    CHECK_INT(st->requests, 6); /* two cycles of two turns at the fourth, and two hits more */
    CHECK_INT(json_get_int(json_get_obj(json_get_obj(stage_event(st, EV_NOTICE, ""), "metadata"), "repeat_pattern"),
                           "period", 0),
              2);
    stage_close(st);
}

FIBER_TEST(arguments_that_differ_only_by_a_nonce_or_their_order_are_the_same)
{
    static const stage_answer answers[] = {
        {.body = CALL("0", "c1", "fast", "{\\\"word\\\":\\\"x\\\",\\\"nonce\\\":1}") STOP},
        {.body = CALL("0", "c2", "fast", "{\\\"nonce\\\":2,\\\"word\\\":\\\"x\\\"}") STOP},
        {.body = CALL("0", "c3", "fast", "{\\\"word\\\": \\\"x\\\",\\\"timestamp\\\":3}") STOP},
        {.body = TEXT("ok") STOP},
    };
    stage *st = STAGE(s, answers);

    CHECK(stage_run(st) == OK, "runs");
    CHECK(stage_request_has(st, 3, "repeating"), "seen through");
    stage_close(st);
}

FIBER_TEST(turns_that_make_progress_are_left_alone)
{
    stage_answer answers[13];
    stage *st;

    for (size_t i = 0; i + 1 < COUNT(answers); i++)
        answers[i] = (stage_answer){
            .body = arena_printf(s->arena,
                                 "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":"
                                 "\"c\",\"type\":\"function\",\"function\":{\"name\":\"fast\",\"arguments\":"
                                 "\"{\\\"word\\\":\\\"w%zu\\\"}\"}}]}}]}\n\n%s",
                                 i, STOP)};
    answers[12] = (stage_answer){.body = TEXT("ok") STOP};
    st = STAGE(s, answers);
    st->plan.max_loops = 20;
    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 13);
    CHECK(stage_event(st, EV_NOTICE, "") == NULL, "no question");
    for (int i = 0; i < 13; i++)
        CHECK(!stage_request_has(st, i, "repeating"), "no hint in %d", i);
    stage_close(st);
}
