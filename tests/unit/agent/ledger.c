/* SPDX-License-Identifier: MIT */
/* Keeping entries, settling open calls, and the stored form. */
#include "agent/ledger.h"

#include "test.h"

static ledger *fresh(void)
{
    return ledger_new(arena_new(NULL));
}

static entry *add_call(ledger *l, const char *id)
{
    llm_tool_call *c = arena_one(l->a, llm_tool_call);

    *c = (llm_tool_call){.id = id, .name = "grep", .arguments = "{}"};
    return ledger_add(l, (entry){.role = ROLE_ASSISTANT, .type = "tool_call", .calls = c, .n_calls = 1});
}

TEST(entries_get_an_id_and_a_time_and_stay_where_they_are)
{
    ledger *l = fresh();
    entry *first = ledger_add(l, (entry){.role = ROLE_USER, .text = "one"});

    for (int i = 0; i < 100; i++)
        ledger_add(l, (entry){.role = ROLE_ASSISTANT, .text = "more"});
    CHECK_INT(l->n, 101);
    CHECK(l->items[0] == first, "growing moves no entry");
    CHECK_INT(strlen(first->id), 36);
    CHECK(first->time > 0, "now");
    CHECK(ledger_find(l, first->id) == first, "found by its id");
    CHECK(ledger_find(l, "other") == NULL, "others are not");
    arena_free(l->a);
}

TEST(the_last_user_message_is_one_that_the_model_always_sees)
{
    ledger *l = fresh();
    json_t *hidden = json_hold(l->a, json_object());
    entry *asked;

    CHECK(ledger_last_user(l) == NULL, "nobody has said anything");
    asked = ledger_add(l, (entry){.role = ROLE_USER, .text = "asked"});
    json_set_str(hidden, "llm_scope", "never");
    ledger_add(l, (entry){.role = ROLE_USER, .text = "audit", .metadata = hidden});
    ledger_add(l, (entry){.role = ROLE_ASSISTANT, .text = "answer"});
    CHECK(ledger_last_user(l) == asked, "not the one kept for audit");
    arena_free(l->a);
}

TEST(settling_gives_each_open_call_one_interrupted_result)
{
    ledger *l = fresh();
    const entry *e;

    add_call(l, "answered");
    ledger_add(l, (entry){.role = ROLE_TOOL, .tool_call_id = "answered", .text = "{}"});
    add_call(l, "open");
    ledger_settle(l);
    CHECK_INT(l->n, 4);
    e = l->items[3];
    CHECK(e->role == ROLE_TOOL && !e->stored, "a result that is still to be stored");
    CHECK_STR(e->tool_call_id, "open");
    CHECK_STR(e->text, "{\"status\":\"interrupted\",\"message\":\"Tool execution was interrupted before a result was "
                       "recorded; a newer user message started the next turn.\"}");
    CHECK(entry_meta_true(e, "synthetic_interrupted_tool_result"), "marked");
    ledger_settle(l);
    CHECK_INT(l->n, 4);
    arena_free(l->a);
}

TEST(marking_an_entry_makes_it_unstored)
{
    ledger *l = fresh();
    entry *e = ledger_add(l, (entry){.role = ROLE_USER, .text = "x", .stored = true});

    CHECK(entry_meta_str(e, "key") == NULL && !entry_meta_true(e, "key"), "no metadata yet");
    entry_mark(l, e, "key", json_string("value"));
    CHECK_STR(entry_meta_str(e, "key"), "value");
    CHECK(!e->stored, "to be written again");
    arena_free(l->a);
}

static void check_same(const entry *a, const entry *b)
{
    CHECK(a->role == b->role, "role");
    CHECK_STR(a->type, b->type);
    CHECK_STR(a->text, b->text);
    CHECK_STR(a->reasoning, b->reasoning);
    CHECK_STR(a->thoughts, b->thoughts);
    CHECK_STR(a->tool_call_id, b->tool_call_id);
    CHECK_STR(a->agent_name, b->agent_name);
    CHECK_INT(a->n_calls, b->n_calls);
    for (size_t i = 0; i < a->n_calls; i++) {
        CHECK_STR(a->calls[i].id, b->calls[i].id);
        CHECK_STR(a->calls[i].name, b->calls[i].name);
        CHECK_STR(a->calls[i].arguments, b->calls[i].arguments);
    }
    CHECK((a->metadata == NULL && b->metadata == NULL) || json_equal(a->metadata, b->metadata), "metadata");
    CHECK((a->parts == NULL && b->parts == NULL) || json_equal(a->parts, b->parts), "parts");
}

TEST(the_stored_form_reads_back_the_same)
{
    static const llm_tool_call calls[] = {{"c1", "grep", "{\"pattern\": \"\\\"\"}"}, {"c2", "ls", "not JSON \n"}};
    arena *a = arena_new(NULL);
    json_t *parts = json_hold(a, json_pack("[{s:s,s:s}]", "type", "text", "text", "grüße"));
    json_t *meta = json_hold(a, json_pack("{s:{s:i}}", "deep", "n", 1));
    const entry cases[] = {
        {.role = ROLE_USER, .type = "user_input", .text = "tab\t\"quote\" 你好 \x01"},
        {.role = ROLE_USER, .type = "user_input", .parts = parts, .metadata = meta},
        {.role = ROLE_ASSISTANT,
         .type = "tool_call",
         .reasoning = "why",
         .calls = calls,
         .n_calls = 2,
         .thoughts =
             "{\"model\":\"m\",\"blocks\":[{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"a/b+==\"}]}"},
        {.role = ROLE_TOOL,
         .type = "tool_call_result",
         .text = "{}",
         .tool_call_id = "c1",
         .agent_name = "SimpleAgent"},
    };
    static const char *const roles[] = {"system", "user", "assistant", "tool"};

    for (size_t i = 0; i < COUNT(cases); i++) {
        char *body = entry_write(a, &cases[i]);
        entry back;

        CHECK(entry_read(a, "id", roles[cases[i].role], cases[i].type, 7, body, &back) == OK, "case %zu: %s", i, body);
        check_same(&back, &cases[i]);
        CHECK(back.stored && back.time == 7, "as the row says");
    }
    arena_free(a);
}

TEST(a_damaged_body_is_an_error_and_a_strange_one_is_read_as_far_as_it_goes)
{
    arena *a = arena_new(NULL);
    entry e;

    CHECK(entry_read(a, "id", "user", NULL, 1, "{\"content\":", &e) == ERR_INVALID, "cut");
    CHECK(entry_read(a, "id", "assistant", NULL, 1, "{\"content\":{},\"tool_calls\":[7,{}]}", &e) == OK, "strange");
    CHECK(e.text == NULL && e.parts == NULL, "no content");
    CHECK_INT(e.n_calls, 2);
    CHECK_STR(e.calls[0].id, "");
    CHECK_STR(e.calls[1].arguments, "{}");
    CHECK(entry_read(a, "id", "user", NULL, 1, "[]", &e) == OK && e.text == NULL, "a list");
    arena_free(a);
}
