/* SPDX-License-Identifier: MIT */
/* Editing the last user message, and deleting a conversation, on both engines. */
#include "agent/chat.h"

#include "engine.h"
#include "model/turn.h"
#include "rt/sleep.h"

/* A stored conversation "s1" with these messages. */
static void converse(scope *s, const message_row *rows, size_t n)
{
    conversation_row c = {.session_id = "s1", .user_id = "u1", .title = "Old"};
    run_row r = {.id = "r1", .session_id = "s1", .user_id = "u1", .agent_id = "a", .source = "test"};
    turn_start t = {.who = owned_by_user("u1"), .conversation = &c, .messages = rows, .n_messages = n, .run = &r};

    CHECK(turn_begin(s, &t) == OK, "%s", s->failure.text);
}
#define CONVERSE(s, rows) converse((s), (rows), COUNT(rows))

static const message_row two_turns[] = {
    {.message_id = "m1", .role = "user", .body = "{\"content\":\"one\"}"},
    {.message_id = "m2", .role = "assistant", .body = "{\"content\":\"two\"}"},
    {.message_id = "m3", .role = "user", .body = "{\"content\":\"three\",\"metadata\":{\"k\":1}}"},
    {.message_id = "m4", .role = "assistant", .body = "{\"content\":\"four\"}"},
    {.message_id = "m5", .role = "user", .body = "{\"content\":\"x\",\"metadata\":{\"hidden_from_chat\":true}}"},
};

static const char *title_of(scope *s)
{
    conversation_row *c;

    CHECK(conversation_find(s, OWNED_BY_ANYONE, "s1", &c) == OK, "%s", s->failure.text);
    return c->title;
}

ENGINE_TEST(an_edit_replaces_the_last_visible_text_and_drops_what_came_after)
{
    chat_edit edit = {.session_id = "s1", .text = "<skill>pdf</skill>new", .reason = "edited"};
    chat_edited now;
    ledger *l;

    CONVERSE(s, two_turns);
    CHECK(chat_edit_last(s, &edit, &now) == OK, "%s", s->failure.text);
    CHECK_STR(now.title, "new");
    CHECK_INT(now.ledger->n, 3);
    CHECK_STR(title_of(s), "new");
    CHECK(chat_history(s, s->arena, "s1", &l) == OK && l->n == 3, "stored");
    CHECK_STR(l->items[2]->id, "m3");
    CHECK_STR(l->items[2]->text, "<skill>pdf</skill>new");
    CHECK_INT(json_get_int(l->items[2]->metadata, "k", 0), 1);
    CHECK(hub_find("s1") == NULL, "the session is free again");
}

ENGINE_TEST(an_edit_of_parts_changes_the_first_text_or_adds_one)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"{\"content\":[{\"type\":\"image_url\"},{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]"
         "}",
         "[{\"type\":\"image_url\"},{\"type\":\"text\",\"text\":\"new\"},{\"type\":\"text\",\"text\":\"b\"}]"},
        {"{\"content\":[{\"type\":\"image_url\"}]}", "[{\"type\":\"text\",\"text\":\"new\"},{\"type\":\"image_url\"}]"},
    };
    chat_edit edit = {.session_id = "s1", .text = "new"};
    chat_edited now;
    ledger *l;

    for (size_t i = 0; i < COUNT(cases); i++) {
        message_row m = {.message_id = "m1", .role = "user", .body = cases[i].before};

        converse(s, &m, 1);
        CHECK(chat_edit_last(s, &edit, &now) == OK, "%s", s->failure.text);
        CHECK(chat_history(s, s->arena, "s1", &l) == OK && l->n == 1, "read");
        CHECK_STR(json_text(s->arena, l->items[0]->parts), cases[i].after);
        CHECK(chat_delete(s, "s1", NULL) == OK && db_exec(s, "DELETE FROM run", DB_NO_ARGS, NULL) == OK, "anew");
    }
}

ENGINE_TEST(an_edit_without_text_or_without_a_message_changes_nothing)
{
    static const message_row said[] = {{.message_id = "m1", .role = "assistant", .body = "{\"content\":\"Hello\"}"}};
    chat_edit edit = {.session_id = "s1", .text = " \n"};
    chat_edited now;

    CONVERSE(s, said);
    CHECK_INT(chat_edit_last(s, &edit, &now), ERR_INVALID);
    CHECK_STR(s->failure.code, "conversation.edit_empty");
    edit.text = "new";
    CHECK_INT(chat_edit_last(s, &edit, &now), ERR_CONFLICT);
    CHECK_STR(s->failure.code, "conversation.no_editable");
    edit.session_id = "s2";
    CHECK_INT(chat_edit_last(s, &edit, &now), ERR_CONFLICT);
    CHECK_STR(title_of(s), "Old");
}

/* A run that ends when it is interrupted, and not at once. */
static err linger(scope *s, void *arg)
{
    run *r = arg;
    err e = sleep_for(s, SECONDS(20));
    scope *end = scope_new("test-end");

    CHECK(sleep_for(end, MILLISECONDS(50)) == OK, "unwinding");
    scope_close(end);
    run_finish(r, RUN_INTERRUPTED, NULL);
    return e;
}

static run *start_run(scope *rs, bool managed)
{
    run *r;

    CHECK(run_begin(rs, &(run_info){.session_id = "s1", .user_id = "u1", .managed = managed}, &r) == OK, "runs");
    scope_spawn(rs, linger, r);
    return r;
}

ENGINE_TEST(an_edit_ends_the_run_of_the_session_first_and_a_kept_run_is_forgotten)
{
    chat_edit edit = {.session_id = "s1", .text = "new", .reason = "edited"};
    scope *rs = scope_child(s, NO_LIMIT);
    run *r, *kept;
    chat_edited now;

    CONVERSE(s, two_turns);
    r = start_run(rs, true);
    CHECK(chat_edit_last(s, &edit, &now) == OK, "%s", s->failure.text);
    CHECK_INT(run_state(r), RUN_INTERRUPTED);
    CHECK_STR(run_interrupt_reason(r), "edited");
    kept = hub_find("s1");
    CHECK(kept == NULL, "its lines are not what was said any more");
    run_unref(r);
    scope_close(rs);
}

ENGINE_TEST(a_deleted_conversation_has_neither_messages_nor_runs_to_resume)
{
    scope *rs = scope_child(s, NO_LIMIT);
    conversation_row *c;
    run *r;

    CONVERSE(s, two_turns);
    r = start_run(rs, true);
    CHECK(chat_delete(s, "s1", "deleted") == OK, "%s", s->failure.text);
    CHECK_INT(run_state(r), RUN_INTERRUPTED);
    CHECK(hub_find("s1") == NULL, "nothing to resume");
    CHECK_INT(conversation_find(s, OWNED_BY_ANYONE, "s1", &c), ERR_NOT_FOUND);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 0);
    CHECK_INT(chat_delete(s, "s1", "deleted"), ERR_NOT_FOUND);
    run_unref(r);
    scope_close(rs);
}
