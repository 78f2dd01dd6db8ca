/* SPDX-License-Identifier: MIT */
/* Tests of model/user.c. */
#include "model/user.h"

#include "base/clock.h"
#include "made.h"
#include "model/api_key.h"
#include "model/version.h"
#include "model/web_session.h"

ENGINE_TEST(a_user_is_found_again_as_it_was_stored)
{
    user_row u = {.username = "mira ☃",
                  .email = "Mira@Example.org ",
                  .nickname = "M",
                  .phone = "+49 1",
                  .avatar_url = "/a.png",
                  .role = "admin",
                  .password_hash = "$argon2id$x",
                  .extra = "{\"a\":1}",
                  .active = true,
                  .revision = 3};
    uint64_t version = version_of(VERSION_USERS);
    user_row *got = NULL;
    int64_t n = 0;

    CHECK_INT(user_insert(s, &u), OK);
    CHECK_INT(strlen(u.id), 32);
    CHECK(version_of(VERSION_USERS) > version, "caches are told");
    CHECK_INT(user_find(s, u.id, &got), OK);
    CHECK_STR(got->username, "mira ☃");
    CHECK_STR(got->email, "Mira@Example.org ");
    CHECK_STR(got->nickname, "M");
    CHECK_STR(got->phone, "+49 1");
    CHECK_STR(got->avatar_url, "/a.png");
    CHECK_STR(got->password_hash, "$argon2id$x");
    CHECK_STR(got->extra, "{\"a\":1}");
    CHECK(user_is_admin(got) && got->active, "role and state");
    CHECK_INT(got->revision, 3);
    CHECK(got->created_at == u.created_at && got->created_at > 0 && got->last_login_at == 0, "times");
    CHECK_INT(user_count(s, &n), OK);
    CHECK_INT(n, 1);
    CHECK_INT(user_find(s, "nobody", &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "user.not_found");
}

ENGINE_TEST(a_user_logs_in_with_the_name_or_the_address)
{
    user_row u = {.username = "mira", .email = "mira@example.org", .active = true};
    user_row odd = {.username = "a@b", .active = true};
    user_row *got = NULL;

    CHECK_INT(user_insert(s, &u), OK);
    CHECK_INT(user_insert(s, &odd), OK);
    CHECK_INT(user_find_by_login(s, "mira", &got), OK);
    CHECK_INT(user_find_by_login(s, " MIRA@example.ORG", &got), OK);
    CHECK_STR(got->id, u.id);
    CHECK_INT(user_find_by_login(s, "a@b", &got), OK);
    CHECK_STR(got->id, odd.id);
    CHECK_INT(user_find_by_login(s, "Mira", &got), ERR_NOT_FOUND);
    CHECK_INT(user_find_by_login(s, "x@example.org", &got), ERR_NOT_FOUND);
    CHECK_INT(user_find_by_login(s, "@", &got), ERR_NOT_FOUND);
    CHECK_INT(user_find_by_login(s, "", &got), ERR_NOT_FOUND);
    CHECK_INT(user_find_by_email(s, "", &got), ERR_NOT_FOUND);
    CHECK_INT(user_find_by_email(s, NULL, &got), ERR_NOT_FOUND);
}

ENGINE_TEST(names_and_addresses_are_unique)
{
    user_row a = {.username = "a", .email = "a@x.org"}, b = {.username = "b", .email = "b@x.org"};
    user_row same_name = {.username = "a"}, same_email = {.username = "c", .email = "A@X.ORG"},
             none = {.username = "d"}, blank = {.username = "e", .email = "  "};

    CHECK_INT(user_insert(s, &a), OK);
    CHECK_INT(user_insert(s, &b), OK);
    CHECK_INT(user_insert(s, &same_name), ERR_CONFLICT);
    CHECK_STR(code_of(s), "user.username_exists");
    CHECK_STR(s->failure.subject, "a");
    CHECK_INT(user_insert(s, &same_email), ERR_CONFLICT);
    CHECK_STR(code_of(s), "user.email_exists");
    CHECK_INT(user_insert(s, &none), OK); /* no address, as often as one likes */
    CHECK_INT(user_insert(s, &blank), OK);
    b.email = "a@x.org";
    CHECK_INT(user_update(s, &b), ERR_CONFLICT);
    CHECK_STR(code_of(s), "user.email_exists");
    b.email = "B@x.org";
    CHECK_INT(user_update(s, &b), OK);
}

ENGINE_TEST(names_have_a_length_that_an_index_takes)
{
    char *longest = arena_zalloc(s->arena, 1, 1022);
    user_row u = {.username = longest};

    memset(longest, 'x', 1021);
    CHECK_INT(user_insert(s, &u), ERR_INVALID);
    longest[1020] = '\0';
    CHECK_INT(user_insert(s, &u), OK);
}

ENGINE_TEST(only_the_first_user_is_the_first)
{
    user_row a = {.username = "a"}, b = {.username = "b"};

    CHECK_INT(user_insert_first(s, &a), OK);
    CHECK_INT(user_insert_first(s, &b), ERR_CONFLICT);
    CHECK_STR(code_of(s), "user.not_first");
}

ENGINE_TEST(users_are_listed_in_pages)
{
    user_row *all = NULL;
    int64_t total = 0;
    size_t n = 0;

    for (int i = 0; i < 25; i++)
        made_user(s, arena_printf(s->arena, "user%02d", i));
    made_user(s, "100%");
    CHECK_INT(user_list(s, NULL, (page){.limit = 10}, &all, &n, &total), OK);
    CHECK_INT(n, 10);
    CHECK_INT(total, 26);
    CHECK_STR(all[0].username, "100%");
    CHECK_INT(user_list(s, "", (page){.offset = 20, .limit = 10}, &all, &n, NULL), OK);
    CHECK_INT(n, 6);
    CHECK_INT(user_list(s, "USER1", (page){0}, &all, &n, &total), OK);
    CHECK_INT(n, 10);
    CHECK_INT(total, 10);
    CHECK_INT(user_list(s, "%", (page){0}, &all, &n, NULL), OK);
    CHECK_INT(n, 1);
    CHECK_INT(user_list(s, "nobody", (page){0}, &all, &n, &total), OK);
    CHECK(n == 0 && total == 0, "none");
    CHECK_INT(user_list_names(s, (page){.limit = 2}, &all, &n), OK);
    CHECK_STR(all[0].username, "100%");
    CHECK_STR(all[1].username, "user00");
}

ENGINE_TEST(a_new_password_ends_other_sessions)
{
    user_row u = {.username = "a", .password_hash = "old"}, *got = NULL;
    web_session_row mine = {.id_hash = "mine"}, other = {.id_hash = "other"}, *found = NULL;

    CHECK_INT(user_insert(s, &u), OK);
    mine.user_id = other.user_id = u.id;
    mine.expires_at = other.expires_at = clock_wall() + 60000000;
    CHECK_INT(web_session_insert(s, &mine), OK);
    CHECK_INT(web_session_insert(s, &other), OK);
    CHECK_INT(user_set_password(s, u.id, "new", "mine"), OK);
    CHECK_INT(user_find(s, u.id, &got), OK);
    CHECK_STR(got->password_hash, "new");
    CHECK_INT(got->revision, u.revision + 1);
    CHECK_INT(web_session_find(s, "mine", &found), OK);
    CHECK_INT(web_session_find(s, "other", &found), ERR_NOT_FOUND);
    CHECK_INT(user_set_password(s, u.id, "newer", NULL), OK);
    CHECK_INT(web_session_find(s, "mine", &found), ERR_NOT_FOUND);
    CHECK_INT(user_set_password(s, "nobody", "new", NULL), ERR_NOT_FOUND);
}

ENGINE_TEST(an_update_changes_what_it_says)
{
    user_row u = {.username = "a", .password_hash = "secret", .active = true}, *got = NULL;

    CHECK_INT(user_insert(s, &u), OK);
    CHECK_INT(user_set_login_time(s, u.id, 77), OK);
    u.username = "b";
    u.nickname = "B";
    u.active = false;
    u.password_hash = "not through here";
    CHECK_INT(user_update(s, &u), OK);
    CHECK_INT(user_find(s, u.id, &got), OK);
    CHECK_STR(got->username, "b");
    CHECK_STR(got->nickname, "B");
    CHECK_STR(got->password_hash, "secret");
    CHECK(!got->active && got->last_login_at == 77, "state and login time");
    u.id = "nobody";
    u.username = "c";
    CHECK_INT(user_update(s, &u), ERR_NOT_FOUND);
}

ENGINE_TEST(a_deleted_user_takes_credentials_along)
{
    const char *id = made_user(s, "a");
    web_session_row w = {.id_hash = "w", .user_id = id, .expires_at = clock_wall() + 60000000}, *found = NULL;
    api_key_row k = {.user_id = id, .hash = "h"}, *key = NULL;
    const char *config = NULL;

    CHECK_INT(web_session_insert(s, &w), OK);
    CHECK_INT(api_key_insert(s, &k), OK);
    CHECK_INT(user_config_set(s, id, "{\"theme\":\"dark\"}"), OK);
    CHECK_INT(user_delete(s, id), OK);
    CHECK_INT(web_session_find(s, "w", &found), ERR_NOT_FOUND);
    CHECK_INT(api_key_find_by_hash(s, "h", &key), ERR_NOT_FOUND);
    CHECK_INT(user_config_get(s, id, &config), OK);
    CHECK_STR(config, "{}");
    CHECK_INT(user_delete(s, id), ERR_NOT_FOUND);
}

ENGINE_TEST(user_settings_are_replaced_whole)
{
    const char *config = NULL;

    CHECK_INT(user_config_get(s, "proxy user", &config), OK);
    CHECK_STR(config, "{}");
    CHECK_INT(user_config_set(s, "proxy user", "{\"a\":1}"), OK);
    CHECK_INT(user_config_set(s, "proxy user", "{\"b\":2}"), OK);
    CHECK_INT(user_config_get(s, "proxy user", &config), OK);
    CHECK_STR(config, "{\"b\":2}");
}
