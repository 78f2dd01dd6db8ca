/* SPDX-License-Identifier: MIT */
/* Tests of model/conversation.c and message.c. */
#include "model/conversation.h"

#include "made.h"
#include "model/turn.h"

static void begin(scope *s, const char *session, const char *user, const char *title, const char *parent)
{
    conversation_row c = {.session_id = session,
                          .user_id = user,
                          .agent_id = "agent_1",
                          .agent_name = "A",
                          .title = title,
                          .parent_id = parent};
    run_row r = {.id = arena_printf(s->arena, "run of %s", session), .session_id = session, .user_id = user};
    turn_start t = {.who = owned_by_user(user), .conversation = &c, .run = &r};

    CHECK(turn_begin(s, &t) == OK, "%s", session);
}

static message_row made_message(scope *s, int i)
{
    return (message_row){.message_id = arena_printf(s->arena, "m%d", i),
                         .role = i % 2 ? "assistant" : "user",
                         .type = i % 3 ? "text" : NULL,
                         .body = arena_printf(s->arena, "{\"content\":\"message %d ☃\"}", i)};
}

static void put(scope *s, const char *session, int from, int to)
{
    message_row *all = arena_array(s->arena, message_row, (size_t)(to - from));

    for (int i = from; i < to; i++)
        all[i - from] = made_message(s, i);
    CHECK_INT(message_put(s, session, all, (size_t)(to - from)), OK);
}

ENGINE_TEST(messages_are_numbered_without_gaps)
{
    message_row *got = NULL, *one = NULL, again = made_message(s, 3);
    conversation_row *c = NULL;
    size_t n = 0;

    begin(s, "s1", "u1", "Title", NULL);
    put(s, "s1", 0, 10);
    CHECK_INT(message_list(s, "s1", 0, 0, &got, &n), OK);
    CHECK_INT(n, 10);
    for (int i = 0; i < 10; i++)
        CHECK(got[i].seq == i + 1 && cstr_eq(got[i].message_id, made_message(s, i).message_id), "message %d", i);
    CHECK_STR(got[4].body, "{\"content\":\"message 4 ☃\"}");
    CHECK_STR(got[3].type, NULL);
    CHECK_STR(got[4].type, "text");
    CHECK_STR(got[1].role, "assistant");
    again.body = "{\"content\":\"changed\"}";
    CHECK_INT(message_put(s, "s1", &again, 1), OK);
    CHECK_INT(message_find(s, "s1", "m3", &one), OK);
    CHECK_STR(one->body, "{\"content\":\"changed\"}");
    CHECK_INT(one->seq, 4);
    CHECK_INT(conversation_find(s, OWNED_BY_ANYONE, "s1", &c), OK);
    CHECK_INT(c->message_count, 10);
    CHECK_INT(message_find(s, "s1", "m99", &one), ERR_NOT_FOUND);
    CHECK_INT(message_find(s, "s2", "m3", &one), ERR_NOT_FOUND);
}

ENGINE_TEST(messages_come_in_pages)
{
    message_row *got = NULL;
    size_t n = 0;

    begin(s, "s1", "u1", "Title", NULL);
    put(s, "s1", 0, 30);
    CHECK_INT(message_list(s, "s1", 10, 5, &got, &n), OK);
    CHECK(n == 5 && got[0].seq == 11 && got[4].seq == 15, "a page in the middle");
    CHECK_INT(message_list(s, "s1", 30, 5, &got, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(message_list_last(s, "s1", 3, &got, &n), OK);
    CHECK(n == 3 && got[0].seq == 28 && got[2].seq == 30, "the last three, in order");
    CHECK_INT(message_list_last(s, "s1", 100, &got, &n), OK);
    CHECK_INT(n, 30);
    CHECK_INT(message_list(s, "unknown", 0, 0, &got, &n), OK);
    CHECK_INT(n, 0);
}

typedef struct {
    int64_t n, bytes, stop_at;
} taken;

static err take(scope *s, const message_row *m, void *arg)
{
    taken *t = arg;

    CHECK_INT(m->seq, ++t->n);
    t->bytes += (int64_t)strlen(m->body);
    return t->n == t->stop_at ? fail_code(s, ERR_TOO_LARGE, "test.enough", NULL, "enough") : OK;
}

ENGINE_TEST(a_long_conversation_is_read_whole)
{
    message_row *got = NULL;
    taken t = {0};
    size_t n = 0;

    begin(s, "s1", "u1", "Title", NULL);
    for (int i = 0; i < 25; i++)
        put(s, "s1", 100 * i, 100 * (i + 1));
    CHECK_INT(message_each(s, "s1", take, &t), OK);
    CHECK_INT(t.n, 2500);
    t = (taken){.stop_at = 70};
    CHECK_INT(message_each(s, "s1", take, &t), ERR_TOO_LARGE);
    CHECK_STR(code_of(s), "test.enough");
    CHECK_INT(t.n, 70);
    t = (taken){0};
    CHECK_INT(message_each(s, "unknown", take, &t), OK);
    CHECK_INT(t.n, 0);
    CHECK_INT(message_list(s, "s1", 0, 0, &got, &n), OK);
    CHECK_INT(n, 1000);
}

ENGINE_TEST(a_conversation_larger_than_one_query_is_read_whole)
{
    enum { LARGE = 66 << 20, MESSAGES = 4 };
    scope *own = scope_child(s, NO_LIMIT);
    char *body = arena_zalloc(own->arena, LARGE + 1, 1);
    message_row *got = NULL;
    taken t = {0};
    size_t n = 0;

    memset(body, 'x', LARGE);
    begin(s, "s1", "u1", "Title", NULL);
    for (int i = 0; i < MESSAGES; i++) {
        message_row m = {.message_id = arena_printf(s->arena, "m%d", i), .role = "user", .body = body};
        scope *put = scope_child(s, NO_LIMIT);

        CHECK_INT(message_put(put, "s1", &m, 1), OK);
        scope_close(put);
    }
    CHECK_INT(message_list(own, "s1", 0, 0, &got, &n), ERR_TOO_LARGE);
    scope_close(own);
    CHECK_INT(message_each(s, "s1", take, &t), OK);
    CHECK(t.n == MESSAGES && t.bytes == (int64_t)MESSAGES * LARGE, "%lld messages", (long long)t.n);
}

ENGINE_TEST(the_tail_is_deleted_and_written_anew)
{
    conversation_row *c = NULL;
    message_row *got = NULL;
    int64_t deleted = 0;
    size_t n = 0;

    begin(s, "s1", "u1", "Title", NULL);
    put(s, "s1", 0, 10);
    CHECK_INT(message_delete_after(s, "s1", 6, &deleted), OK);
    CHECK_INT(deleted, 4);
    CHECK_INT(conversation_find(s, OWNED_BY_ANYONE, "s1", &c), OK);
    CHECK_INT(c->message_count, 6);
    put(s, "s1", 20, 22);
    CHECK_INT(message_list(s, "s1", 0, 0, &got, &n), OK);
    CHECK_INT(n, 8);
    CHECK_STR(got[6].message_id, "m20");
    CHECK_INT(got[6].seq, 7);
}

ENGINE_TEST(messages_need_a_conversation_and_are_stored_all_or_none)
{
    message_row bad[] = {made_message(s, 1), {.message_id = "bad", .role = "user", .body = "\xff"}};
    message_row *got = NULL;
    size_t n = 0;

    CHECK_INT(message_put(s, "nothing", bad, 1), ERR_CONFLICT);
    CHECK_STR(code_of(s), "conversation.not_found");
    begin(s, "s1", "u1", "Title", NULL);
    CHECK_INT(message_put(s, "s1", bad, 2), ERR_INVALID);
    CHECK_INT(message_list(s, "s1", 0, 0, &got, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(message_put(s, "s1", NULL, 0), OK);
}

ENGINE_TEST(a_large_message_is_stored_whole)
{
    size_t len = 3000000;
    char *body = arena_zalloc(s->arena, 1, len + 1);
    message_row m = {.message_id = "big", .role = "user", .body = body}, *got = NULL;

    memset(body, 'x', len);
    begin(s, "s1", "u1", "Title", NULL);
    CHECK_INT(message_put(s, "s1", &m, 1), OK);
    CHECK_INT(message_find(s, "s1", "big", &got), OK);
    CHECK_INT(strlen(got->body), len);
}

ENGINE_TEST(a_conversation_belongs_to_its_user)
{
    conversation_row *c = NULL;

    begin(s, "s1", "u1", "Mine", NULL);
    CHECK_INT(conversation_find(s, owned_by_user("u1"), "s1", &c), OK);
    CHECK_STR(c->title, "Mine");
    CHECK_STR(c->agent_id, "agent_1");
    CHECK_STR(c->state, "{}");
    CHECK(!c->shared && c->created_at > 0, "the rest");
    CHECK_INT(conversation_find(s, owned_by_user("u2"), "s1", &c), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "conversation.not_found");
    CHECK_INT(conversation_find(s, owned_by_user(NULL), "s1", &c), ERR_NOT_FOUND);
    CHECK_INT(conversation_set_title(s, owned_by_user("u2"), "s1", "Stolen"), ERR_NOT_FOUND);
    CHECK_INT(conversation_set_title(s, owned_by_user("u1"), "s1", "日本語"), OK);
    CHECK_INT(conversation_set_shared(s, owned_by_user("u1"), "s1", true), OK);
    CHECK_INT(conversation_set_state(s, "s1", "{\"todo\":[]}"), OK);
    CHECK_INT(conversation_find(s, OWNED_BY_ANYONE, "s1", &c), OK);
    CHECK_STR(c->title, "日本語");
    CHECK_STR(c->state, "{\"todo\":[]}");
    CHECK(c->shared, "shared");
    CHECK_INT(conversation_delete(s, owned_by_user("u2"), "s1"), ERR_NOT_FOUND);
}

ENGINE_TEST(a_deleted_conversation_takes_messages_and_children_along)
{
    conversation_row *c = NULL;
    size_t n = 0;

    begin(s, "s1", "u1", "Parent", NULL);
    begin(s, "s1-child", "u1", "Child", "s1");
    begin(s, "s2", "u1", "Other", NULL);
    put(s, "s1", 0, 3);
    put(s, "s1-child", 0, 2);
    put(s, "s2", 0, 1);
    CHECK_INT(conversation_children(s, "s1", &c, &n), OK);
    CHECK_INT(n, 1);
    CHECK_STR(c[0].session_id, "s1-child");
    CHECK_INT(conversation_delete(s, owned_by_user("u1"), "s1"), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM conversation"), 1);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 1);
    CHECK_INT(conversation_delete(s, owned_by_user("u1"), "s1"), ERR_NOT_FOUND);
}

static const char *titles(scope *s, const conversation_filter *f, int64_t *total)
{
    conversation_row *all = NULL;
    const char *text = "";
    size_t n = 0;

    CHECK_INT(conversation_list(s, f, &all, &n, total), OK);
    for (size_t i = 0; i < n; i++)
        text = arena_printf(s->arena, "%s%s%s", text, i > 0 ? " " : "", all[i].title);
    return text;
}

ENGINE_TEST(conversations_are_listed_filtered_and_sorted)
{
    conversation_filter mine = {.who = owned_by_user("u1")}, all = {.who = OWNED_BY_ANYONE}, f;
    int64_t total = 0;

    begin(s, "s1", "u1", "beta", NULL);
    begin(s, "s2", "u1", "alpha_100%", NULL);
    begin(s, "s3", "u2", "gamma", NULL);
    begin(s, "s4", "u1", "child", "s1");
    put(s, "s2", 0, 5);
    put(s, "s1", 0, 2);
    CHECK_STR(titles(s, &mine, &total), "beta alpha_100%"); /* latest change first, children left out */
    CHECK_INT(total, 2);
    CHECK_STR(titles(s, &all, &total), "beta alpha_100% gamma");
    CHECK_INT(total, 3);
    f = mine;
    f.order = CONVERSATIONS_BY_TITLE;
    CHECK_STR(titles(s, &f, NULL), "alpha_100% beta");
    f.order = CONVERSATIONS_BY_SIZE;
    CHECK_STR(titles(s, &f, NULL), "alpha_100% beta");
    f = mine;
    f.search = "100%";
    CHECK_STR(titles(s, &f, &total), "alpha_100%");
    CHECK_INT(total, 1);
    f.search = "A_1";
    CHECK_STR(titles(s, &f, NULL), "alpha_100%");
    f.search = "S1"; /* the session id counts too */
    CHECK_STR(titles(s, &f, NULL), "beta");
    f.search = "%%";
    CHECK_STR(titles(s, &f, NULL), "");
    f = all;
    f.user_id = "u2";
    CHECK_STR(titles(s, &f, NULL), "gamma");
    f = all;
    f.agent_id = "agent_2";
    CHECK_STR(titles(s, &f, &total), "");
    CHECK_INT(total, 0);
    f = all;
    f.page = (page){.offset = 1, .limit = 1};
    CHECK_STR(titles(s, &f, &total), "alpha_100%");
    CHECK_INT(total, 3);
    f = (conversation_filter){.who = owned_by_user(NULL)};
    CHECK_STR(titles(s, &f, NULL), "");
    f = mine;
    f.user_id = "u2"; /* not for the asking */
    CHECK_STR(titles(s, &f, NULL), "beta alpha_100%");
}
