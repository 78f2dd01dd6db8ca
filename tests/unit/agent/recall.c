/* SPDX-License-Identifier: MIT */
#include "agent/recall.h"

#include "base/clock.h"
#include "engine.h"
#include "model/conversation.h"
#include "model/turn.h"
#include "rt/sleep.h"

static void say(scope *s, const char *id, const char *role, const char *text)
{
    json_t *body = json_hold(s->arena, json_pack("{s:s}", "content", text));
    message_row row = {.message_id = id, .role = role, .body = json_text(s->arena, body)};

    CHECK(message_put(s, "s1", &row, 1) == OK, "%s", s->failure.text);
}

static void begin(scope *s)
{
    conversation_row c = {.session_id = "s1", .user_id = "u1", .title = "t"};
    run_row r = {.id = "r1", .session_id = "s1", .user_id = "u1"};
    turn_start t = {.who = owned_by_user("u1"), .conversation = &c, .run = &r};

    CHECK(turn_begin(s, &t) == OK, "%s", s->failure.text);
}

/* The newest four are never found. */
static void say_the_newest(scope *s)
{
    static const char *const ids[] = {"n1", "n2", "n3", "n4"};

    for (size_t i = 0; i < COUNT(ids); i++)
        say(s, ids[i], "user", "apple pear plum");
}

static const char *found(scope *s, const char *query, size_t top_k)
{
    tool_context cx = {.session_id = "s1"};
    buf *b = buf_new(s->arena, MIB(1));
    json_t *list = NULL, *one;
    size_t i;

    CHECK(recall_search(s, &cx, query, top_k, &list) == OK, "%s", query);
    json_hold(s->arena, list);
    json_array_foreach(list, i, one) buf_printf(b, "%s%s:%s", i > 0 ? ", " : "", json_get_str(one, "role", ""),
                                                json_get_str(one, "content_preview", ""));
    return buf_str(b);
}

ENGINE_TEST(messages_with_more_and_rarer_words_come_first)
{
    begin(s);
    say(s, "m1", "user", "an apple");
    say(s, "m2", "assistant", "Apple and PEAR");
    say(s, "m3", "tool", "a plum");
    say(s, "m4", "user", "nothing of it");
    say(s, "m5", "user", "an apple again");
    say_the_newest(s);
    CHECK_STR(found(s, "pear apple", 10), "assistant:Apple and PEAR, user:an apple, user:an apple again");
    CHECK_STR(found(s, "apple Apple plum", 1), "tool:a plum");
    CHECK_STR(found(s, "cherry", 10), "");
    CHECK_STR(found(s, "", 10), "");
}

static err beat(scope *s, void *arg)
{
    int64_t *last = arg;

    for (;;) {
        *last = clock_mono();
        TRY(sleep_for(s, MILLISECONDS(10)));
    }
}

/* Each word is nearly there at each place.  Others had their turn until just before the answer. */
ENGINE_TEST(a_long_history_is_searched_while_others_go_on)
{
    char *text = arena_alloc(s->arena, MIB(1) + 1);
    buf *query = buf_new(s->arena, KIB(4));
    scope *beats = scope_child(s, NO_LIMIT);
    int64_t last = 0;

    begin(s);
    memset(text, 'a', MIB(1));
    text[MIB(1)] = '\0';
    for (int i = 0; i < 8; i++)
        say(s, arena_printf(s->arena, "m%d", i), "user", text);
    say_the_newest(s);
    for (int i = 0; i < 16; i++)
        buf_printf(query, "%s%c ", "aaaaaaaaaaaaaaaaaaaa", 'b' + i);
    scope_spawn(beats, beat, &last);
    CHECK(sleep_for(s, MILLISECONDS(1)) == OK, "it beats");
    CHECK_STR(found(s, buf_str(query), 10), "");
    CHECK(clock_mono() - last < MILLISECONDS(500), "%lld ms", (long long)((clock_mono() - last) / 1000000));
    scope_close(beats);
}
