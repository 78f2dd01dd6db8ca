/* SPDX-License-Identifier: MIT */
/* Chat turns on both engines: what is refused before they begin, and what is stored however they end. */
#include "agent/chat.h"

#include <sys/stat.h>

#include "engine.h"
#include "model/conversation.h"
#include "model/provider.h"
#include "model/run_log.h"
#include "model/turn.h"
#include "rt/sleep.h"
#include "stage.h"

/* A system whose default model plays the script; the stage's own run is not used. */
static stage *world_with(scope *s, const stage_answer *answers, size_t n)
{
    stage *st = stage_new(s, answers, n);
    served_model sm = {
        .provider = {.name = "Default", .requester = "openai", .base_url = stage_provider(st->s->arena, st)},
        .model = {.name = "test-model", .kind = MODEL_LLM, .context_length = 100000},
    };
    char *dir = arena_printf(s->arena, "%s/agents", test_dir());

    tool_setup();
    mkdir(dir, 0700);
    chat_configure(&(chat_settings){.workspaces = dir, .run_timeout = MINUTES(1)});
    CHECK(served_set_system_default(s, &sm) == OK, "%s", s->failure.text);
    return st;
}
#define WORLD(s, answers) world_with((s), (answers), COUNT(answers))

static chat_request request(scope *s, const char *session, const char *text)
{
    return (chat_request){
        .user_id = "u-1",
        .session_id = session,
        .messages = json_hold(s->arena, json_pack("[{s:s,s:s}]", "role", "user", "content", text)),
        .max_loops = 5,
        .available_tools = json_hold(s->arena, json_pack("[s]", "todo_read")),
        .source = "api/chat",
    };
}

static run *started(scope *s, const chat_request *rq)
{
    run *r = NULL;

    CHECK(chat_start(s, rq, &r) == OK, "starts: %s", s->failure.text);
    return r;
}

/* Runs a turn to its end; how it ended. */
static run_status turn(scope *s, const chat_request *rq)
{
    run *r = started(s, rq);
    run_status status;

    CHECK(run_wait(s, r) == OK, "ends");
    status = run_state(r);
    run_unref(r);
    return status;
}

/* The stored session in short: "user:Hi assistant:Hello tool:… [failed]". */
static const char *stored(scope *s, const char *session)
{
    buf *b = buf_new(s->arena, MIB(1));
    message_row *rows;
    run_row *runs;
    size_t n;

    CHECK(message_list(s, session, 0, 0, &rows, &n) == OK, "messages");
    for (size_t i = 0; i < n; i++) {
        json_t *v;

        CHECK(json_parse(s->arena, rows[i].body, strlen(rows[i].body), NULL, &v) == OK, "%s", rows[i].body);
        buf_printf(b, "%s:%s ", rows[i].role, json_get_str(v, "content", "-"));
    }
    CHECK(run_row_list(s, OWNED_BY_ANYONE, session, (page){0, 10}, &runs, &n) == OK && n > 0, "runs");
    buf_printf(b, "[%s]", runs[0].status);
    return buf_str(b);
}

static const stage_answer hello[] = {{.body = TEXT("Hello") STOP}};

ENGINE_TEST(a_turn_stores_what_was_said_and_used)
{
    stage *st = WORLD(s, hello);
    chat_request rq = request(s, "s1", "<enable_deep_thinking>false</enable_deep_thinking>Hi <b>you</b>");
    conversation_row *c;
    run_row *runs;
    size_t n;

    CHECK_INT(turn(s, &rq), RUN_COMPLETED);
    CHECK_STR(stored(s, "s1"), "user:Hi <b>you</b> assistant:Hello [completed]");
    CHECK(conversation_find(s, owned_by_user("u-1"), "s1", &c) == OK, "the row");
    CHECK_STR(c->title, "Hi you");
    CHECK_STR(c->agent_name, "Sage Assistant");
    CHECK(run_row_list(s, OWNED_BY_ANYONE, "s1", (page){0, 10}, &runs, &n) == OK, "runs");
    CHECK_STR(runs[0].source, "api/chat");
    CHECK(runs[0].usage.total_tokens > 0 && runs[0].finished_at >= runs[0].started_at, "usage and times");
    CHECK_STR(runs[0].usage.step_models, "[\"test-model\"]");
    stage_close(st);
}

ENGINE_TEST(a_second_turn_sees_the_first)
{
    stage *st = WORLD(s, hello);
    chat_request one = request(s, "s1", "First"), two = request(s, "s1", "Second");

    CHECK_INT(turn(s, &one), RUN_COMPLETED);
    CHECK_INT(turn(s, &two), RUN_COMPLETED);
    CHECK_STR(stored(s, "s1"), "user:First assistant:Hello user:Second assistant:Hello [completed]");
    CHECK_INT(json_array_size(stage_messages(st, 1)), 4);
    CHECK(stage_request_has(st, 1, "\"First\""), "%s", st->bodies[1]);
    stage_close(st);
}

ENGINE_TEST(a_message_with_a_known_id_replaces_that_one)
{
    stage *st = WORLD(s, hello);
    chat_request rq = request(s, "s1", "First");

    json_set_str(json_array_get(rq.messages, 0), "message_id", "m-1");
    CHECK_INT(turn(s, &rq), RUN_COMPLETED);
    json_set_str(json_array_get(rq.messages, 0), "content", "Better");
    CHECK_INT(turn(s, &rq), RUN_COMPLETED);
    CHECK_STR(stored(s, "s1"), "user:Better assistant:Hello assistant:Hello [completed]");
    stage_close(st);
}

static json_t *many_messages(int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "role", "user", "content", "x"));
    return list;
}

ENGINE_TEST(what_cannot_begin_is_refused_with_its_code)
{
    stage *st = WORLD(s, hello);
    char *long_id = arena_zalloc(s->arena, 301, 1);
    chat_request base = request(s, "s1", "Hi");
    struct {
        const char *code;
        json_t *messages; /* NULL: the usual one */
        const char *agent_id, *provider_id, *session_id;
        bool no_loops;
    } cases[] = {
        {"chat.messages_empty", json_array()},
        {"chat.message_invalid", many_messages(1001)},
        {"chat.message_invalid", json_pack("[{s:s}]", "role", "user")},
        {"chat.message_invalid", json_pack("[{s:s,s:s}]", "role", "user", "content", " ")},
        {"chat.message_invalid", json_pack("[{s:s,s:s}]", "role", "tool", "content", "x")},
        {"chat.message_invalid", json_pack("[{s:s,s:s,s:s}]", "role", "user", "content", "x", "message_id", long_id)},
        {"chat.max_loops_required", .no_loops = true},
        {"chat.session_id_invalid", .session_id = long_id},
        {"agent.not_found", .agent_id = "nobody"},
        {"provider.not_found", .provider_id = "nothing"},
    };

    memset(long_id, 'i', 300);
    json_set_str(json_array_get(cases[5].messages, 0), "message_id", long_id);
    for (size_t i = 0; i < COUNT(cases); i++) {
        scope *own = scope_child(s, NO_LIMIT);
        chat_request rq = base;
        run *r = NULL;

        if (cases[i].messages != NULL)
            rq.messages = json_hold(own->arena, cases[i].messages);
        rq.agent_id = cases[i].agent_id;
        rq.provider_id = cases[i].provider_id;
        rq.session_id = cases[i].session_id != NULL ? cases[i].session_id : "s1";
        rq.max_loops = cases[i].no_loops ? 0 : 5;
        CHECK(chat_start(own, &rq, &r) != OK && r == NULL, "case %zu is refused", i);
        CHECK_STR(own->failure.code, cases[i].code);
        scope_close(own);
    }
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 0);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM run"), 0);
    CHECK_INT(st->requests, 0);
    CHECK_INT(turn(s, &base), RUN_COMPLETED); /* and the session is free */
    stage_close(st);
}

ENGINE_TEST(nobody_goes_on_with_somebody_elses_conversation)
{
    stage *st = WORLD(s, hello);
    chat_request mine = request(s, "s1", "Secret"), theirs = request(s, "s1", "What is it?");
    run *r = NULL;

    CHECK_INT(turn(s, &mine), RUN_COMPLETED);
    theirs.user_id = "u-2";
    CHECK(chat_start(s, &theirs, &r) == ERR_DENIED, "refused");
    CHECK_STR(s->failure.code, "conversation.not_yours");
    theirs.user_id = NULL;
    CHECK(chat_start(s, &theirs, &r) == ERR_DENIED, "nor does an anonymous one");
    CHECK_INT(st->requests, 1);
    CHECK_STR(stored(s, "s1"), "user:Secret assistant:Hello [completed]");
    stage_close(st);
}

ENGINE_TEST(what_keeps_a_turn_from_being_asked_again_is_told)
{
    const message_row broken = {.message_id = "m9", .role = "user", .type = "user_input", .body = "{not JSON"};
    stage *st = WORLD(s, hello);
    chat_request first = request(s, "s1", "Hi"), again = request(s, "s1", "");
    run *r = NULL;

    CHECK_INT(turn(s, &first), RUN_COMPLETED);
    CHECK(message_put(s, "s1", &broken, 1) == OK, "puts: %s", s->failure.text);
    again.messages = NULL;
    again.rerun = true;
    CHECK(chat_start(s, &again, &r) == ERR_INTERNAL, "refused");
    CHECK_STR(s->failure.text, "a stored message of session s1 is damaged");
    CHECK(hub_find("s1") == NULL, "and no run is left");
    stage_close(st);
}

static void wait_for_events(scope *s, run *r)
{
    while (run_bytes(r) == 0)
        CHECK(sleep_for(s, MILLISECONDS(2)) == OK, "waits");
}

ENGINE_TEST(an_interrupted_turn_stores_the_part_that_was_said)
{
    static const stage_answer answers[] = {{.body = TEXT("Half an ans"), .pause_ms = 20000},
                                           {.body = TEXT("Yes") STOP}};
    stage *st = WORLD(s, answers);
    chat_request rq = request(s, "s1", "Hi"), next = request(s, "s1", "Still there?");
    run *r = started(s, &rq);

    wait_for_events(s, r);
    run_interrupt(r, "enough");
    CHECK(run_wait(s, r) == OK, "ends");
    CHECK_INT(run_state(r), RUN_INTERRUPTED);
    run_unref(r);
    CHECK_STR(stored(s, "s1"), "user:Hi assistant:Half an ans [interrupted]");
    CHECK_INT(turn(s, &next), RUN_COMPLETED);
    CHECK_STR(stored(s, "s1"), "user:Hi assistant:Half an ans user:Still there? assistant:Yes [completed]");
    stage_close(st);
}

ENGINE_TEST(the_turn_after_an_interrupted_tool_settles_its_call)
{
    stage *st = WORLD(s, hello);
    chat_request rq = request(s, "s1", "Hi");
    message_row open = {.message_id = "open",
                        .role = "assistant",
                        .type = "tool_call",
                        .body = "{\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{"
                                "\"name\":\"grep\",\"arguments\":\"{}\"}}]}"};
    ledger *l;

    CHECK_INT(turn(s, &rq), RUN_COMPLETED);
    CHECK(message_put(s, "s1", &open, 1) == OK, "a call without result");
    CHECK_INT(turn(s, &rq), RUN_COMPLETED);
    CHECK(chat_history(s, s->arena, "s1", &l) == OK, "history");
    CHECK_INT(l->n, 6);
    CHECK_STR(l->items[3]->tool_call_id, "c1");
    CHECK(entry_meta_true(l->items[3], "synthetic_interrupted_tool_result"), "settled");
    CHECK_STR(json_get_str(json_array_get(stage_messages(st, 1), 4), "role", ""), "tool");
    stage_close(st);
}

ENGINE_TEST(a_session_runs_one_turn_at_a_time_unless_it_is_replaced)
{
    static const stage_answer answers[] = {{.body = TEXT("Half"), .pause_ms = 20000}, {.body = TEXT("Yes") STOP}};
    stage *st = WORLD(s, answers);
    chat_request rq = request(s, "s1", "Hi"), second = request(s, "s1", "Again");
    run *r = started(s, &rq), *other = NULL;

    wait_for_events(s, r);
    CHECK(chat_start(s, &second, &other) == ERR_BUSY, "busy");
    CHECK_STR(s->failure.code, "run.busy");
    second.replace = "started again";
    CHECK_INT(turn(s, &second), RUN_COMPLETED);
    CHECK_INT(run_state(r), RUN_INTERRUPTED);
    CHECK_STR(run_interrupt_reason(r), "started again");
    run_unref(r);
    CHECK_STR(stored(s, "s1"), "user:Hi assistant:Half user:Again assistant:Yes [completed]");
    stage_close(st);
}

ENGINE_TEST(a_failed_turn_is_stored_as_failed_with_its_reason)
{
    static const stage_answer answers[] = {{.status = 401, .body = "{}"}};
    stage *st = WORLD(s, answers);
    chat_request rq = request(s, "s1", "Hi");

    CHECK_INT(turn(s, &rq), RUN_FAILED);
    CHECK(cstr_starts(stored(s, "s1"), "user:Hi assistant:Workflow execution failed: API authentication failed"), "%s",
          stored(s, "s1"));
    CHECK_STR(engine_text(s, "SELECT status FROM run"), "failed");
    CHECK(engine_text(s, "SELECT error FROM run") != NULL, "says why");
    stage_close(st);
}

ENGINE_TEST(a_turn_that_takes_too_long_is_told_so)
{
    static const stage_answer answers[] = {{.body = TEXT("Half"), .pause_ms = 20000}};
    stage *st = WORLD(s, answers);
    chat_request rq = request(s, "s1", "Hi");
    run_reader *rd;
    event ev;
    bool told = false;
    run *r;

    chat_configure(&(chat_settings){.workspaces = arena_printf(s->arena, "%s/agents", test_dir()),
                                    .run_timeout = MILLISECONDS(2500)});
    r = started(s, &rq);
    rd = run_reader_open(r, NULL, NULL);
    while (run_next(s, rd, &ev) == OK)
        told |= ev.kind == EV_FAILURE && memmem(ev.bytes, ev.len, "chat.timeout", 12) != NULL;
    CHECK(told, "an event says it");
    CHECK_INT(run_state(r), RUN_FAILED);
    run_reader_close(rd);
    run_unref(r);
    CHECK_STR(stored(s, "s1"),
              "user:Hi assistant:Half assistant:Workflow execution failed: The time limit of a run was reached "
              "before the task was finished [failed]");
    stage_close(st);
}

typedef struct {
    chat_request rq;
    run *run;
    err e; /* ERR_COUNT: chat_start() has not returned */
} starting;

static err start_turn(scope *s, void *arg)
{
    starting *t = arg;

    t->e = chat_start(s, &t->rq, &t->run);
    return t->e;
}

/* What a run of a session leaves behind when it ends. */
static void store_said(scope *s, const char *session, const char *text)
{
    conversation_row c = {.session_id = session, .user_id = "u-1", .title = "Before"};
    run_row row = {.id = "earlier", .session_id = session, .user_id = "u-1", .source = "api/chat", .status = "running"};
    message_row m = {.message_id = "m-earlier",
                     .role = "user",
                     .type = "user_input",
                     .body = arena_printf(s->arena, "{\"content\":\"%s\"}", text)};

    CHECK(turn_begin(
              s,
              &(turn_start){
                  .who = owned_by_user("u-1"), .conversation = &c, .messages = &m, .n_messages = 1, .run = &row}) == OK,
          "%s", s->failure.text);
}

ENGINE_TEST(of_several_starts_that_wait_the_newest_stays_and_knows_what_was_said)
{
    stage *st = WORLD(s, hello);
    starting second = {.rq = request(s, "s1", "Two"), .e = ERR_COUNT},
             third = {.rq = request(s, "s1", "Three"), .e = ERR_COUNT};
    scope *slow = scope_child(s, NO_LIMIT), *group = scope_child(s, NO_LIMIT);
    run *first = NULL;

    CHECK(run_begin(slow, &(run_info){.session_id = "s1", .user_id = "u-1"}, &first) == OK, "one that ignores the end");
    second.rq.replace = third.rq.replace = "started again";
    scope_spawn(group, start_turn, &second);
    CHECK(sleep_for(s, MILLISECONDS(50)) == OK && run_interrupt_reason(first) != NULL, "the second waits");
    scope_spawn(group, start_turn, &third);
    CHECK(sleep_for(s, MILLISECONDS(50)) == OK && second.e == ERR_COUNT && third.e == ERR_COUNT, "and the third");
    store_said(s, "s1", "Earlier");
    run_finish(first, RUN_INTERRUPTED, "started again");
    run_unref(first);
    CHECK(scope_join(group) == OK, "both start: %s", group->failure.text);
    CHECK(run_wait(s, second.run) == OK && run_wait(s, third.run) == OK, "both end");
    CHECK_INT(run_state(second.run), RUN_INTERRUPTED);
    CHECK_INT(run_state(third.run), RUN_COMPLETED);
    CHECK(cstr_starts(stored(s, "s1"), "user:Earlier user:Two ") && strstr(stored(s, "s1"), "user:Three ") != NULL,
          "%s", stored(s, "s1"));
    CHECK(stage_request_has(st, st->requests - 1, "Earlier"), "the model is told what was said");
    run_unref(second.run);
    run_unref(third.run);
    stage_close(st);
}

ENGINE_TEST(the_model_is_asked_while_the_beginning_is_written_and_nobody_is_told_before)
{
    stage *st = WORLD(s, hello);
    starting t = {.rq = request(s, "s1", "Hi"), .e = ERR_COUNT};
    scope *group = scope_child(s, NO_LIMIT);
    db_tx *tx = NULL;

    CHECK_INT(db_begin(s, &tx), OK); /* on SQLite this alone keeps other writers waiting */
    if (engine_is("postgres"))
        CHECK_INT(db_tx_exec(s, tx, "LOCK TABLE run IN EXCLUSIVE MODE", DB_NO_ARGS, NULL), OK);
    scope_spawn(group, start_turn, &t);
    while (st->requests == 0)
        CHECK(sleep_for(s, MILLISECONDS(2)) == OK, "waits");
    CHECK(sleep_for(s, MILLISECONDS(50)) == OK, "the answer is there");
    CHECK_INT(t.e, ERR_COUNT);
    db_rollback(tx);
    CHECK_INT(scope_join(group), OK);
    CHECK(run_wait(s, t.run) == OK, "ends");
    CHECK_STR(stored(s, "s1"), "user:Hi assistant:Hello [completed]");
    run_unref(t.run);
    scope_close(group);
    stage_close(st);
}

ENGINE_TEST(a_caller_that_goes_away_while_the_turn_begins_leaves_no_running_row)
{
    stage *st = WORLD(s, hello);

    for (int i = 0; i < 20; i++) {
        const char *session = arena_printf(s->arena, "s%d", i);
        chat_request rq = request(s, session, "Hi");
        scope *brief = scope_child(s, MILLISECONDS(i) / 4);
        run *r = NULL;
        err e = chat_start(brief, &rq, &r);

        CHECK((e == OK) == (r != NULL), "a run or an error");
        if (r != NULL)
            CHECK(run_wait(s, r) == OK, "ends");
        run_unref(r);
        scope_close(brief);
    }
    while (hub_read_stats().live > 1) /* that of the stage */
        CHECK(sleep_for(s, MILLISECONDS(2)) == OK, "the runs end");
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM run WHERE status = 'running'"), 0);
    stage_close(st);
}

ENGINE_TEST(summaries_are_read_back_behind_what_they_cover)
{
    static const char meta[] = "{\"compression_anchor\":true,\"source_message_ids\":[\"m1\",\"m2\"],"
                               "\"source_end_message_id\":\"m2\"}";
    stage *st = WORLD(s, hello);
    chat_request rq = request(s, "s1", "Hi");
    message_row rows[] = {
        {.message_id = "m1", .role = "user", .body = "{\"content\":\"one\"}"},
        {.message_id = "m2", .role = "assistant", .body = "{\"content\":\"two\"}"},
        {.message_id = "m3", .role = "user", .body = "{\"content\":\"three\"}"},
        {.message_id = "pc",
         .role = "assistant",
         .body = arena_printf(s->arena,
                              "{\"content\":null,\"tool_calls\":[{\"id\":\"ac\",\"type\":\"function\",\"function\":{"
                              "\"name\":\"compress_conversation_history\",\"arguments\":\"{}\"}}],\"metadata\":%s}",
                              meta)},
        {.message_id = "pr",
         .role = "tool",
         .body = arena_printf(s->arena, "{\"content\":\"sum\",\"tool_call_id\":\"ac\",\"metadata\":%s}", meta)},
        {.message_id = "m4", .role = "assistant", .body = "{\"content\":\"four\"}"},
    };
    static const char *const order[] = {"m1", "m2", "pc", "pr", "m3", "m4"};
    llm_message *view;
    ledger *l;

    CHECK_INT(turn(s, &rq), RUN_COMPLETED);
    CHECK(message_delete_after(s, "s1", 0, &(int64_t){0}) == OK, "emptied");
    CHECK(message_put(s, "s1", rows, COUNT(rows)) == OK, "stored");
    CHECK(chat_history(s, s->arena, "s1", &l) == OK, "read");
    CHECK_INT(l->n, COUNT(order));
    for (size_t i = 0; i < COUNT(order); i++)
        CHECK_STR(l->items[i]->id, order[i]);
    CHECK_INT(ledger_view(l, s->arena, &view), 4);
    CHECK_STR(view[1].text, "sum");
    stage_close(st);
}

static void check_full_disk(scope *s)
{
    stage *st = WORLD(s, hello);
    char *text = arena_zalloc(s->arena, MIB(1) + 1, 1);
    chat_request rq = request(s, "s1", "Hi"), huge;
    run *r = NULL;

    CHECK_INT(turn(s, &rq), RUN_COMPLETED);
    CHECK(db_exec(s, "PRAGMA max_page_count=1", DB_NO_ARGS, NULL) == OK, "no page more"); /* than there are */
    memset(text, 'x', MIB(1));
    huge = request(s, "s2", text);
    CHECK(chat_start(s, &huge, &r) == ERR_NO_SPACE && r == NULL, "an error and no stream: %s", s->failure.text);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM conversation"), 1);
    CHECK(db_exec(s, "PRAGMA max_page_count=1000000", DB_NO_ARGS, NULL) == OK, "room again");
    CHECK_INT(turn(s, &huge), RUN_COMPLETED);
    stage_close(st);
}

TEST(a_full_disk_is_an_error_before_the_stream, .limit = 30)
{
    engine_test("sqlite", 1, check_full_disk);
}
