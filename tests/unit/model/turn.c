/* SPDX-License-Identifier: MIT */
/* Tests of model/turn.c, run_log.c and usage.c. */
#include "model/turn.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "made.h"

static turn_start start_of(scope *s, const char *session, const char *user, const char *message_id)
{
    conversation_row *c = arena_one(s->arena, conversation_row);
    message_row *m = arena_one(s->arena, message_row);
    run_row *r = arena_one(s->arena, run_row);

    *c = (conversation_row){
        .session_id = session, .user_id = user, .agent_id = "agent_1", .agent_name = "A", .title = "Hi"};
    *m = (message_row){.message_id = message_id, .role = "user", .type = "user_input", .body = "{\"content\":\"Hi\"}"};
    *r = (run_row){
        .id = id_uuid7(s->arena), .session_id = session, .user_id = user, .agent_id = "agent_1", .source = "chat"};
    return (turn_start){.who = owned_by_user(user), .conversation = c, .messages = m, .n_messages = 1, .run = r};
}

ENGINE_TEST(a_turn_is_written_at_its_beginning_and_its_end)
{
    turn_start t = start_of(s, "s1", "u1", "m1");
    message_row answer[] = {{.message_id = "m2", .role = "assistant", .body = "{\"tool_calls\":[]}"},
                            {.message_id = "m3", .role = "tool", .body = "{}"},
                            {.message_id = "m4", .role = "assistant", .body = "{\"content\":\"Hello\"}"}};
    run_row end = {.id = t.run->id,
                   .status = "completed",
                   .usage = {.input_tokens = 10,
                             .output_tokens = 5,
                             .total_tokens = 15,
                             .cached_tokens = 2,
                             .steps = 2,
                             .step_models = "[\"a\",\"b\"]"}};
    turn_finish f = {.session_id = "s1", .messages = answer, .n_messages = 3, .state = "{\"todo\":1}", .run = &end};
    conversation_row *c = NULL;
    message_row *all = NULL;
    run_row *r = NULL;
    size_t n = 0;

    CHECK_INT(turn_begin(s, &t), OK);
    CHECK_INT(run_row_find(s, t.run->id, &r), OK);
    CHECK_STR(r->status, "running");
    CHECK(r->started_at > 0 && r->finished_at == 0, "not finished");
    CHECK_INT(conversation_find(s, owned_by_user("u1"), "s1", &c), OK);
    CHECK_INT(c->message_count, 1);
    CHECK_INT(turn_end(s, &f), OK);
    CHECK_INT(run_row_find(s, t.run->id, &r), OK);
    CHECK_STR(r->status, "completed");
    CHECK_STR(r->error, NULL);
    CHECK_STR(r->source, "chat");
    CHECK_INT(r->usage.total_tokens, 15);
    CHECK_INT(r->usage.cached_tokens, 2);
    CHECK_STR(r->usage.step_models, "[\"a\",\"b\"]");
    CHECK(r->finished_at >= r->started_at, "finished");
    CHECK_INT(conversation_find(s, owned_by_user("u1"), "s1", &c), OK);
    CHECK_INT(c->message_count, 4);
    CHECK_STR(c->state, "{\"todo\":1}");
    CHECK(c->updated_at > c->created_at, "touched");
    CHECK_INT(message_list(s, "s1", 0, 0, &all, &n), OK);
    CHECK_INT(n, 4);
    CHECK_STR(all[0].body, "{\"content\":\"Hi\"}");
    CHECK_STR(all[3].body, "{\"content\":\"Hello\"}");
}

ENGINE_TEST(a_second_turn_continues_the_conversation)
{
    turn_start first = start_of(s, "s1", "u1", "m1"), second = start_of(s, "s1", "u1", "m2");
    conversation_row *c = NULL, other_title = *second.conversation;
    message_row *all = NULL;
    size_t n = 0;

    CHECK_INT(turn_begin(s, &first), OK);
    other_title.title = "Another";
    other_title.agent_id = "agent_2";
    second.conversation = &other_title;
    CHECK_INT(turn_begin(s, &second), OK);
    CHECK_INT(conversation_find(s, owned_by_user("u1"), "s1", &c), OK);
    CHECK_STR(c->title, "Hi");
    CHECK_STR(c->agent_id, "agent_2");
    CHECK_INT(c->message_count, 2);
    CHECK_INT(message_list(s, "s1", 0, 0, &all, &n), OK);
    CHECK_INT(n, 2);
}

ENGINE_TEST(a_message_with_a_known_id_is_updated_by_a_turn)
{
    turn_start first = start_of(s, "s1", "u1", "m1"), again = start_of(s, "s1", "u1", "m1");
    message_row changed = again.messages[0], *all = NULL;
    size_t n = 0;

    CHECK_INT(turn_begin(s, &first), OK);
    changed.body = "{\"content\":\"edited\"}";
    again.messages = &changed;
    CHECK_INT(turn_begin(s, &again), OK);
    CHECK_INT(message_list(s, "s1", 0, 0, &all, &n), OK);
    CHECK_INT(n, 1);
    CHECK_STR(all[0].body, "{\"content\":\"edited\"}");
}

ENGINE_TEST(nobody_continues_anothers_conversation)
{
    turn_start mine = start_of(s, "s1", "u1", "m1"), theirs = start_of(s, "s1", "u2", "m2"), admins;
    run_row *r = NULL;

    CHECK_INT(turn_begin(s, &mine), OK);
    CHECK_INT(turn_begin(s, &theirs), ERR_CONFLICT);
    CHECK_STR(code_of(s), "conversation.not_yours");
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 1);
    CHECK_INT(run_row_find(s, theirs.run->id, &r), ERR_NOT_FOUND);
    admins = start_of(s, "s1", "admin", "m3");
    admins.who = OWNED_BY_ANYONE;
    CHECK_INT(turn_begin(s, &admins), OK);
    CHECK_STR(engine_text(s, "SELECT user_id FROM conversation"), "u1");
}

ENGINE_TEST(a_run_is_closed_although_its_conversation_was_deleted)
{
    turn_start t = start_of(s, "s1", "u1", "m1");
    message_row answer = {.message_id = "m2", .role = "assistant", .body = "{}"};
    run_row end = {.id = t.run->id, .status = "failed", .error = "no answer"}, *r = NULL;
    turn_finish f = {.session_id = "s1", .messages = &answer, .n_messages = 1, .run = &end};

    CHECK_INT(turn_begin(s, &t), OK);
    CHECK_INT(conversation_delete(s, owned_by_user("u1"), "s1"), OK);
    CHECK_INT(turn_end(s, &f), OK);
    CHECK_INT(run_row_find(s, t.run->id, &r), OK);
    CHECK_STR(r->status, "failed");
    CHECK_STR(r->error, "no answer");
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 0);
}

ENGINE_TEST(progress_is_written_in_between_and_not_twice)
{
    turn_start t = start_of(s, "s1", "u1", "m1");
    message_row m[] = {{.message_id = "m2", .role = "assistant", .body = "{}"},
                       {.message_id = "m3", .role = "tool", .body = "{}"}};
    run_row end = {.id = t.run->id, .status = "completed"};
    turn_finish f = {.session_id = "s1", .messages = m, .n_messages = 2, .run = &end};

    CHECK_INT(turn_begin(s, &t), OK);
    CHECK_INT(turn_progress(s, "s1", m, 1), OK);
    CHECK_INT(turn_end(s, &f), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 3);
    CHECK_INT(engine_int(s, "SELECT MAX(seq) FROM message"), 3);
}

ENGINE_TEST(runs_left_running_are_marked_interrupted)
{
    turn_start a = start_of(s, "s1", "u1", "m1"), b = start_of(s, "s2", "u1", "m2"), c = start_of(s, "s3", "u1", "m3");
    run_row end = {.id = b.run->id, .status = "completed"}, *left = NULL, *r = NULL;
    turn_finish f = {.session_id = "s2", .run = &end};
    size_t n = 0;

    CHECK_INT(turn_begin(s, &a), OK);
    CHECK_INT(turn_begin(s, &b), OK);
    CHECK_INT(turn_begin(s, &c), OK);
    CHECK_INT(turn_end(s, &f), OK);
    CHECK_INT(run_row_mark_interrupted(s, "the server was stopped", &left, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(left[0].session_id, "s1");
    CHECK_INT(run_row_find(s, a.run->id, &r), OK);
    CHECK_STR(r->status, "interrupted");
    CHECK_STR(r->error, "the server was stopped");
    CHECK(r->finished_at > 0, "finished");
    CHECK_INT(run_row_find(s, b.run->id, &r), OK);
    CHECK_STR(r->status, "completed");
    CHECK_INT(run_row_mark_interrupted(s, "again", &left, &n), OK);
    CHECK_INT(n, 0);
}

static void used(scope *s, const char *session, const char *user, const char *agent, int64_t tokens, int64_t finished)
{
    run_row r = {.session_id = session,
                 .user_id = user,
                 .agent_id = agent,
                 .source = "chat",
                 .status = "completed",
                 .usage = {.input_tokens = tokens, .output_tokens = 1, .total_tokens = tokens + 1, .steps = 1},
                 .started_at = finished - 5,
                 .finished_at = finished};

    CHECK_INT(run_row_insert(s, &r), OK);
    CHECK_INT(run_row_insert(s, &r), ERR_CONFLICT);
    CHECK_STR(code_of(s), "run.exists");
}

ENGINE_TEST(usage_is_summed_by_agent_user_or_session)
{
    usage_filter f = {.who = OWNED_BY_ANYONE, .by = USAGE_BY_AGENT};
    usage_sum sum = {0}, *got = NULL;
    run_row *runs = NULL;
    size_t n = 0;

    used(s, "s1", "u1", "a1", 10, 1000);
    used(s, "s1", "u1", "a2", 20, 2000);
    used(s, "s2", "u2", "a1", 300, 3000);
    CHECK_INT(usage_list(s, &f, &sum, &got, &n), OK);
    CHECK(sum.sessions == 2 && sum.input_tokens == 330 && sum.total_tokens == 333 && sum.steps == 3, "summary");
    CHECK(sum.started_at == 995 && sum.finished_at == 3000, "first and last");
    CHECK_INT(n, 2);
    CHECK_STR(got[0].agent_id, "a1");
    CHECK_STR(got[0].user_id, "");
    CHECK_INT(got[0].total_tokens, 312);
    CHECK_INT(got[0].sessions, 2);
    f.by = USAGE_BY_SESSION;
    CHECK_INT(usage_list(s, &f, NULL, &got, &n), OK);
    CHECK_STR(got[0].session_id, "s2");
    CHECK_STR(got[0].agent_id, "a1");
    CHECK_STR(got[1].agent_id, ""); /* two agents took part */
    CHECK_STR(got[1].user_id, "u1");
    f.by = USAGE_BY_USER;
    f.from = 1500;
    f.to = 2000;
    CHECK_INT(usage_list(s, &f, &sum, &got, &n), OK);
    CHECK(n == 1 && got[0].input_tokens == 20 && sum.input_tokens == 20, "a time window, both ends included");
    f = (usage_filter){.who = owned_by_user("u2"), .by = USAGE_BY_USER};
    CHECK_INT(usage_list(s, &f, &sum, &got, &n), OK);
    CHECK(n == 1 && sum.input_tokens == 300, "only his own");
    f.source = "flow";
    CHECK_INT(usage_list(s, &f, &sum, &got, &n), OK);
    CHECK(n == 0 && sum.input_tokens == 0 && sum.sessions == 0, "nothing");
    CHECK_INT(run_row_list(s, owned_by_user("u1"), "s1", (page){0}, &runs, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(runs[0].agent_id, "a2");
    CHECK_INT(run_row_list(s, owned_by_user("u2"), "s1", (page){0}, &runs, &n), OK);
    CHECK_INT(n, 0);
}

ENGINE_TEST(a_conversation_goes_back_to_one_of_its_messages)
{
    turn_start t = start_of(s, "s1", "u1", "m1"), other = start_of(s, "s2", "u1", "m1");
    message_row more[] = {{.message_id = "m2", .role = "assistant", .body = "{}"},
                          {.message_id = "m3", .role = "user", .body = "{}"},
                          {.message_id = "m4", .role = "assistant", .body = "{}"}};
    conversation_filter all = {.who = owned_by_user("u1"), .search = "s1"};
    message_row *rows = NULL;
    conversation_row *c = NULL;
    size_t n = 0;

    CHECK(turn_begin(s, &t) == OK && turn_begin(s, &other) == OK, "begin");
    CHECK(message_put(s, "s1", more, COUNT(more)) == OK && message_put(s, "s2", more, COUNT(more)) == OK, "put");
    CHECK(conversation_list(s, &all, &c, &n, NULL) == OK && n == 1, "list");
    CHECK(c->user_count == 2 && c->agent_count == 2 && c->message_count == 4, "counted by role");

    CHECK_INT(turn_rewrite(s, "s1", "m3", "{\"content\":\"new\"}", "New"), OK);
    CHECK(message_list(s, "s1", 0, 0, &rows, &n) == OK && n == 3, "%zu messages", n);
    CHECK_STR(rows[2].body, "{\"content\":\"new\"}");
    CHECK(conversation_find(s, OWNED_BY_ANYONE, "s1", &c) == OK && c->message_count == 3, "its size");
    CHECK_STR(c->title, "New");
    CHECK(message_list(s, "s2", 0, 0, &rows, &n) == OK && n == 4, "other conversations stay");

    CHECK_INT(turn_rewrite(s, "s1", "m4", "{}", "Newer"), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "conversation.not_found");
    CHECK_INT(turn_rewrite(s, "s3", "m1", "{}", "Newer"), ERR_NOT_FOUND);
    CHECK(conversation_find(s, OWNED_BY_ANYONE, "s1", &c) == OK, "still there");
    CHECK_STR(c->title, "New");
}

/* How many turns a second go to disk, begin and end, from 50 fibers: printed, and not absurdly few. */

static int64_t measure_until;
static int64_t turns;

static err take_turns(scope *s, void *arg)
{
    (void)arg;
    while (clock_mono() < measure_until) {
        scope *one = scope_child(s, NO_LIMIT);
        turn_start t = start_of(one, id_uuid4(one->arena), "u1", id_uuid4(one->arena));
        message_row answer = {.message_id = id_uuid4(one->arena),
                              .role = "assistant",
                              .body = "{\"content\":\"An answer of some words.\"}"};
        run_row end = {.id = t.run->id, .status = "completed", .usage = {.total_tokens = 5, .steps = 1}};
        turn_finish f = {.session_id = t.conversation->session_id, .messages = &answer, .n_messages = 1, .run = &end};

        TRY(turn_begin(one, &t));
        TRY(turn_end(one, &f));
        scope_close(one);
        turns++;
    }
    return OK;
}

ENGINE_TEST(many_turns_are_written_at_once)
{
    scope *group = scope_child(s, NO_LIMIT);
    int64_t start = clock_mono();
    double seconds;

    measure_until = start + SECONDS(1);
    turns = 0;
    for (int i = 0; i < 50; i++)
        scope_spawn(group, take_turns, NULL);
    CHECK_INT(scope_join(group), OK);
    seconds = (double)(clock_mono() - start) / 1e9;
    printf("%s: %.0f turns/s (2 commits each), %llu group commits\n", engine_is("sqlite") ? "SQLite" : "PostgreSQL",
           (double)turns / seconds, (unsigned long long)db_read_stats().commits);
    CHECK(turns > 20, "%lld turns", (long long)turns);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM run WHERE status = 'completed'"), turns);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 2 * turns);
}
