/* SPDX-License-Identifier: MIT */
/* Tests of agent/replay.c. */
#include "agent/replay.h"

#include "../test.h"

static err replay(scope *s, const char *text, ledger **out)
{
    json_t *messages;

    CHECK(json_parse(s->arena, text, strlen(text), NULL, &messages) == OK, "%s", text);
    *out = ledger_new(s->arena);
    return replay_messages(s, *out, messages);
}

FIBER_TEST(a_history_is_what_the_model_sees_again)
{
    llm_message *view;
    ledger *l;

    CHECK_INT(replay(s,
                     "[{\"role\":\"user\",\"content\":\"a\"},"
                     "{\"role\":\"assistant\",\"content\":\"b\",\"reasoning_content\":\"hm\","
                     "\"tool_calls\":[{\"id\":\"c1\",\"name\":\"t\",\"arguments\":\"{}\"}]},"
                     "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r\"},"
                     "{\"role\":\"assistant\",\"content\":\"\"},"
                     "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"c\"}]}]",
                     &l),
              OK);
    CHECK_INT(ledger_view(l, s->arena, &view), 4);
    CHECK(view[1].role == ROLE_ASSISTANT && view[1].n_calls == 1, "with its call");
    CHECK_STR(view[1].text, "b");
    CHECK(view[2].role == ROLE_TOOL && view[3].parts != NULL, "result and parts");
    CHECK_STR(view[2].text, "r");
}

FIBER_TEST(calls_without_a_result_get_one_before_the_next_user_and_at_the_end)
{
    llm_message *view;
    ledger *l;

    CHECK_INT(replay(s,
                     "[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"name\":\"t\"}]},"
                     "{\"role\":\"user\",\"content\":\"go on\"},"
                     "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c2\",\"name\":\"t\"}]}]",
                     &l),
              OK);
    CHECK_INT(ledger_view(l, s->arena, &view), 5);
    CHECK(view[1].role == ROLE_TOOL && view[2].role == ROLE_USER && view[4].role == ROLE_TOOL, "paired");
}

FIBER_TEST(messages_that_cannot_be_are_refused)
{
    static const char *const bad[] = {
        "[{\"role\":\"system\",\"content\":\"x\"}]",
        "[{\"role\":\"tool\",\"content\":\"x\"}]",
        "[{}]",
        "[5]",
        "[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\"}]}]",
    };
    ledger *l;

    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(replay(s, bad[i], &l) == ERR_INVALID, "%s", bad[i]);
        CHECK_STR(s->failure.code, "chat.message_invalid");
    }
}
