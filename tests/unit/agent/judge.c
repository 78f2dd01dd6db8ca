/* SPDX-License-Identifier: MIT */
/* Ending a run by asking the model whether it is done. */
#include <unistd.h>

#include "stage.h"
#include "test.h"

static stage *judged_stage(scope *s, const stage_answer *answers, size_t n)
{
    stage *st = stage_new(s, answers, n);

    st->plan.until = UNTIL_JUDGED;
    return st;
}
#define JUDGED(s, answers) judged_stage((s), (answers), COUNT(answers))

#define VERDICT(decision)                                                                                              \
    TEXT("{\\\"decision\\\": \\\"" decision "\\\", \\\"reason\\\": \\\"step two is missing\\\"}") STOP

FIBER_TEST(a_verdict_of_an_end_ends_the_run_unseen)
{
    static const char *const verdicts[] = {VERDICT("completed"), VERDICT("need_user_input"), VERDICT("blocked"),
                                           TEXT("```json\\n{\\\"decision\\\":\\\"blocked\\\"}\\n```") STOP};

    for (size_t i = 0; i < COUNT(verdicts); i++) {
        const stage_answer answers[] = {{.body = TEXT("The answer") STOP}, {.body = verdicts[i]}};
        stage *st = JUDGED(s, answers);
        json_t *asked;

        CHECK(stage_run(st) == OK, "case %zu", i);
        CHECK_INT(st->requests, 2);
        CHECK_STR(stage_log(st), "TEXT The answer\nTEXT_END ");
        CHECK_INT(st->ledger->n, 2);
        asked = stage_request(st, 1);
        CHECK_STR(json_get_str(json_get_obj(asked, "response_format"), "type", ""), "json_object");
        CHECK(json_object_get(asked, "tools") == NULL, "the judge has no tools");
        CHECK(stage_request_has(st, 1, "Question") && stage_request_has(st, 1, "The answer"), "%s", st->bodies[1]);
        CHECK_INT(st->out.usage.n_steps, 2);
        CHECK_STR(st->out.usage.last->name, "completion_judge");
        stage_close(st);
    }
}

FIBER_TEST(the_judge_hears_of_images_but_does_not_get_them)
{
    static const stage_answer answers[] = {{.body = TEXT("The answer") STOP}, {.body = VERDICT("completed")}};
    stage *st = JUDGED(s, answers);

    stage_user(st, NULL)->parts =
        json_hold(s->arena, json_pack("[{s:s,s:{s:s}},{s:s,s:s}]", "type", "image_url", "image_url", "url",
                                      "data:image/png;base64,iVBORw0KGgo", "type", "text", "text", "What is this?"));
    CHECK(stage_run(st) == OK, "%s", st->s->failure.text);
    CHECK(stage_request_has(st, 1, "(an image)\\nWhat is this?"), "%s", st->bodies[1]);
    CHECK(!stage_request_has(st, 1, "base64"), "%s", st->bodies[1]);
    stage_close(st);
}

FIBER_TEST(a_verdict_to_go_on_asks_for_a_tool_call_and_says_why)
{
    static const stage_answer answers[] = {{.body = TEXT("Half of it") STOP},
                                           {.body = VERDICT("continue")},
                                           {.body = CALL("0", "c1", "fast", "{}") STOP},
                                           {.body = TEXT("All of it") STOP},
                                           {.body = VERDICT("completed")}};
    stage *st = JUDGED(s, answers);

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 5);
    CHECK_STR(json_get_str(stage_request(st, 2), "tool_choice", ""), "required");
    CHECK(stage_request_has(st, 2, "<system_reminder>The task is not finished: step two is missing."), "%s",
          st->bodies[2]);
    CHECK(json_object_get(stage_request(st, 3), "tool_choice") == NULL, "once");
    CHECK(!stage_request_has(st, 3, "step two is missing"), "nor is the note kept");
    CHECK(stage_request_has(st, 4, "- called fast"), "%s", st->bodies[4]);
    CHECK(strstr(stage_log(st), "system_reminder") == NULL, "hidden from the user");
    stage_close(st);
}

FIBER_TEST(without_tools_no_call_is_asked_for)
{
    static const stage_answer answers[] = {
        {.body = TEXT("One:") STOP}, {.body = TEXT("Two") STOP}, {.body = VERDICT("completed")}};
    stage *st = JUDGED(s, answers);

    st->plan.n_tools = 0;
    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 3);
    CHECK(json_object_get(stage_request(st, 1), "tool_choice") == NULL, "%s", st->bodies[1]);
    CHECK(stage_request_has(st, 1, "The task is not finished"), "but it is told to go on");
    stage_close(st);
}

FIBER_TEST(a_text_that_announces_more_goes_on_without_a_judge)
{
    static const char *const texts[] = {"Now I read it:", "\xe7\x8e\xb0\xe5\x9c\xa8\xef\xbc\x9a", "Reading... ",
                                        "Reading\xe2\x80\xa6"};

    for (size_t i = 0; i < COUNT(texts); i++) {
        const stage_answer answers[] = {{.body = arena_printf(s->arena, CHUNK("{\"content\":\"%s\"}") STOP, texts[i])},
                                        {.body = CALL("0", "c1", "fast", "{}") STOP},
                                        {.body = TEXT("Read") STOP},
                                        {.body = VERDICT("completed")}};
        stage *st = JUDGED(s, answers);

        CHECK(stage_run(st) == OK, "case %zu", i);
        CHECK_INT(st->requests, 4);
        CHECK_STR(json_get_str(stage_request(st, 1), "tool_choice", ""), "required");
        stage_close(st);
    }
}

FIBER_TEST(a_questionnaire_in_the_text_ends_the_run_without_a_judge)
{
    static const char *const texts[] = {"Say:\\n```questionnaire\\ntitle: A\\n```", "<questionnaire>{}</questionnaire>",
                                        "Say:\\n```sage-questionnaire\\n```",
                                        "<sage-questionnaire>{}</sage-questionnaire>..."};

    for (size_t i = 0; i < COUNT(texts); i++) {
        const stage_answer answers[] = {{.body = arena_printf(s->arena, CHUNK("{\"content\":\"%s\"}") STOP, texts[i])}};
        stage *st = JUDGED(s, answers);

        CHECK(stage_run(st) == OK, "case %zu", i);
        CHECK_INT(st->requests, 1);
        stage_close(st);
    }
}

FIBER_TEST(the_third_text_in_a_row_that_is_no_end_becomes_a_question)
{
    static const stage_answer answers[] = {{.body = TEXT("One") STOP},
                                           {.body = VERDICT("continue")},
                                           {.body = TEXT("Two:") STOP},
                                           {.body = TEXT("Three") STOP},
                                           {.body = VERDICT("continue")}};
    stage *st = JUDGED(s, answers);

    CHECK(stage_run(st) == OK, "an end of its own");
    CHECK_INT(st->requests, 5);
    CHECK_STR(json_get_str(json_get_obj(stage_event(st, EV_NOTICE, ""), "metadata"), "stop_reason", ""),
              "plain_text_no_progress");
    stage_close(st);
}

FIBER_TEST(a_judge_that_fails_or_babbles_ends_the_run)
{
    static const stage_answer verdicts[] = {{.status = 400, .body = "{\"error\":{\"message\":\"no\"}}"},
                                            {.body = TEXT("I think so") STOP},
                                            {.body = TEXT("{\\\"decision\\\": 7}") STOP},
                                            {.body = TEXT("}{") STOP},
                                            {.body = "garbage"}};

    for (size_t i = 0; i < COUNT(verdicts); i++) {
        const stage_answer answers[] = {{.body = TEXT("The answer") STOP}, verdicts[i]};
        stage *st = JUDGED(s, answers);

        CHECK(stage_run(st) == OK, "case %zu", i);
        CHECK_STR(stage_log(st), "TEXT The answer\nTEXT_END ");
        stage_close(st);
    }
}

FIBER_TEST(open_tasks_forbid_that_the_work_is_complete)
{
    static const stage_answer answers[] = {{.body = TEXT("Done") STOP},
                                           {.body = VERDICT("completed")},
                                           {.body = CALL("0", "c1", "fast", "{}") STOP},
                                           {.body = TEXT("Stuck") STOP},
                                           {.body = VERDICT("blocked")}};
    char dir[] = "/tmp/sluice-judge-XXXXXX", path[64];
    stage *st = JUDGED(s, answers);
    FILE *f;

    CHECK(mkdtemp(dir) != NULL, "a workspace");
    snprintf(path, sizeof path, "%s/TODO_LIST_s-1.md", dir);
    f = fopen(path, "w");
    CHECK(f != NULL && fputs("- [ ] paint it (ID: t1) (Created: 2026-01-05 10:00:00)\n", f) > 0 && fclose(f) == 0,
          "a list");
    st->plan.tool_context.workspace = dir;
    st->plan.prompt.has_todo = true;
    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(st->requests, 5);
    CHECK(stage_request_has(st, 1, "<open_tasks>") && stage_request_has(st, 1, "paint it"), "%s", st->bodies[1]);
    CHECK(unlink(path) == 0 && rmdir(dir) == 0, "cleaned");
    stage_close(st);
}

FIBER_TEST(a_deadline_during_the_judgement_ends_the_run)
{
    static const stage_answer answers[] = {{.body = TEXT("The answer") STOP}, {.body = TEXT("{"), .pause_ms = 20000}};
    stage *st = JUDGED(s, answers);

    scope_set_timeout(st->s, MILLISECONDS(2000));
    CHECK(stage_run(st) == ERR_TIMEOUT, "out of time");
    CHECK_STR(st->ledger->items[1]->text, "The answer");
    stage_close(st);
}
