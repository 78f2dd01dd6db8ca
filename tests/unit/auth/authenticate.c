/* SPDX-License-Identifier: MIT */
/* From a request to an identity; see auth/authenticate.h, auth/session.h and auth/apikey.h. */
#include "auth/authenticate.h"

#include "auth/apikey.h"
#include "auth/session.h"
#include "auth/token.h"
#include "model/web_session.h"
#include "rt/sleep.h"
#include "world.h"

static const char *key_for(scope *s, const char *user_id, key_kind kind, const char *scopes, api_key_row **row)
{
    key_wish wish = {.kind = kind, .user_id = user_id, .label = "test", .scopes = scopes};
    api_key_row *unused;
    char *text;

    CHECK(apikey_create(s, &wish, row != NULL ? row : &unused, &text) == OK, "%s", s->failure.text);
    return text;
}

static const char *bearer(scope *s, const char *credential)
{
    return arena_printf(s->arena, "Authorization: Bearer %s", credential);
}

/* The Cookie header that a browser sends after this Set-Cookie. */
static const char *cookie_back(scope *s, const char *set_cookie)
{
    return arena_printf(s->arena, "Cookie: other=1; %.*s", (int)strcspn(set_cookie, ";"), set_cookie);
}

/* ---- tokens ---- */

ENGINE_TEST(a_token_identifies_its_user_as_the_table_has_him)
{
    user_row *u;
    const identity *who;
    const char *header;

    world_setup();
    u = world_user(s, "mira");
    header = bearer(s, token_sage_access(s->arena, u, token_expiry(60)));
    u->nickname = "Mira M.";
    u->role = "admin";
    CHECK(user_update(s, u) == OK, "promoted");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, header, &who), "");
    CHECK_STR(who->user_id, u->id);
    CHECK_STR(who->nickname, "Mira M.");
    CHECK_STR(who->email, "mira@Example.org");
    CHECK(who->admin && who->via == VIA_TOKEN && who->scopes == NULL, "not as the token has him");
    u->role = "user";
    CHECK(user_update(s, u) == OK, "and back");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, header, &who), "");
    CHECK(!who->admin, "at once");
}

ENGINE_TEST(a_new_password_and_a_disabled_or_deleted_account_void_its_tokens)
{
    user_row *u;
    const char *header;

    world_setup();
    u = world_user(s, "mira");
    header = bearer(s, token_sage_access(s->arena, u, token_expiry(60)));
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, header, NULL), "");
    CHECK(user_set_password(s, u->id, "x", NULL) == OK, "changed");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, header, NULL), "auth.token_invalid");
    CHECK(user_find(s, u->id, &u) == OK, "read");
    header = bearer(s, token_langbot(s->arena, u, "i", token_expiry(60)));
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, header, NULL), "");
    u->active = false;
    CHECK(user_update(s, u) == OK, "disabled");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, header, NULL), "auth.user_inactive");
    u->active = true;
    CHECK(user_update(s, u) == OK, "enabled");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, header, NULL), "");
    CHECK(user_delete(s, u->id) == OK, "deleted");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, header, NULL), "auth.token_invalid");
}

ENGINE_TEST(an_expired_token_is_told_from_a_forged_one)
{
    user_row *u;
    char *token;

    world_setup();
    u = world_user(s, "mira");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, token_sage_access(s->arena, u, token_expiry(-1))), NULL),
              "auth.token_expired");
    token = token_sage_access(s->arena, u, token_expiry(60));
    token[strlen(token) - 3] ^= 1;
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, token), NULL), "auth.token_invalid");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, token_sage_refresh(s->arena, u)), NULL),
              "auth.token_invalid");
}

ENGINE_TEST_LOOPS(a_token_that_expires_while_it_is_cached_is_refused, 1, .limit = 30)
{
    user_row *u;
    const char *header;

    world_setup();
    u = world_user(s, "mira");
    header = bearer(s, token_sage_access(s->arena, u, token_expiry(2)));
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, header, NULL), "");
    CHECK(sleep_for(s, MILLISECONDS(1200)) == OK, "slept");
    (void)world_identify(s, AUTH_FOR_SAGE, GET, header, NULL);
    CHECK(sleep_for(s, MILLISECONDS(900)) == OK, "slept");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, header, NULL), "auth.token_expired");
}

/* ---- keys ---- */

ENGINE_TEST(a_key_begins_as_its_platform_has_it_and_works_where_its_scopes_say)
{
    static const struct {
        key_kind kind;
        const char *scopes, *prefix;
        unsigned takes, refuses;
    } cases[] = {
        {KEY_SLUICE, "*", "slk_", AUTH_FOR_SAGE, 0},
        {KEY_SLUICE, "sage", "slk_", AUTH_FOR_SAGE, AUTH_FOR_LANGBOT},
        {KEY_LANGBOT, "resource.view resource.manage", "lbk_", AUTH_FOR_LANGBOT, AUTH_FOR_SAGE},
        {KEY_LANGFLOW, "langflow", "sk-", AUTH_FOR_LANGFLOW, AUTH_FOR_LANGDOCK},
        {KEY_LANGDOCK, "INTEGRATION_API", "sk-ld-", AUTH_FOR_LANGDOCK, AUTH_FOR_LANGFLOW_RUN},
        {KEY_LANGFLOW, "langflow sage", "sk-", AUTH_FOR_LANGFLOW_RUN, AUTH_FOR_LANGBOT},
    };
    user_row *u;

    world_setup();
    u = world_user(s, "mira");
    for (size_t i = 0; i < COUNT(cases); i++) {
        api_key_row *row;
        const identity *who;
        const char *key = key_for(s, u->id, cases[i].kind, cases[i].scopes, &row);
        const char *header = arena_printf(s->arena, "x-api-key: %s\nAuthorization: Bearer %s", key, key);
        unsigned takes = cases[i].takes, refuses = cases[i].refuses;

        if (takes & AUTH_BEARER_TOKEN)
            header = takes & AUTH_BEARER_KEY ? bearer(s, key) : arena_printf(s->arena, "X-API-Key: %s", key);
        CHECK(cstr_starts(key, cases[i].prefix), "%s", key);
        CHECK(strlen(key) == strlen(cases[i].prefix) + 43, "%s", key);
        CHECK(strstr(row->masked, key + 8) == NULL && strlen(row->masked) == strlen(key), "%s", row->masked);
        CHECK_STR(world_identify(s, takes, POST, header, &who), "");
        CHECK_STR(who->user_id, u->id);
        CHECK_STR(who->key_id, row->id);
        CHECK(who->via == VIA_KEY, "by key");
        header = arena_printf(s->arena, refuses & AUTH_KEY_HEADER ? "X-API-Key: %s" : "Authorization: Bearer %s", key);
        if (refuses != 0)
            CHECK_STR(world_identify(s, refuses, POST, header, NULL), "auth.key_face");
    }
}

ENGINE_TEST(scopes_of_a_key_limit_it_and_a_star_does_not)
{
    const identity *who;
    user_row *u;

    world_setup();
    u = world_user(s, "mira");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, bearer(s, key_for(s, u->id, KEY_LANGBOT, "resource.view", NULL)),
                             &who),
              "");
    CHECK(identity_may(who, "resource.view") && !identity_may(who, "resource.manage"), "%s", who->scopes);
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, bearer(s, key_for(s, u->id, KEY_SLUICE, "*", NULL)), &who), "");
    CHECK(identity_may(who, "resource.manage"), "everything");
}

ENGINE_TEST(keys_with_unknown_or_no_scopes_or_a_past_expiry_are_not_made)
{
    key_wish wish = {.label = "x", .scopes = "sage nonsense"};
    api_key_row *row;
    char *text;

    world_setup();
    wish.user_id = world_user(s, "mira")->id;
    CHECK(apikey_create(s, &wish, &row, &text) == ERR_INVALID, "unknown");
    CHECK_STR(s->failure.code, "key.unknown_scope");
    CHECK_STR(s->failure.subject, "nonsense");
    CHECK(strstr(s->failure.text, "INTEGRATION_API") != NULL, "%s", s->failure.text);
    wish.scopes = " ";
    CHECK(apikey_create(s, &wish, &row, &text) == ERR_INVALID, "none");
    CHECK_STR(s->failure.code, "key.no_scope");
    wish.scopes = "sage";
    wish.expires_at = clock_wall() - 1;
    CHECK(apikey_create(s, &wish, &row, &text) == ERR_INVALID, "past");
    CHECK_STR(s->failure.code, "key.expired");
    wish.expires_at = 0;
    wish.user_id = "nobody";
    CHECK(apikey_create(s, &wish, &row, &text) == ERR_NOT_FOUND, "no such user");
}

ENGINE_TEST(revoked_expired_unknown_and_overlong_keys_are_refused_at_once)
{
    key_wish wish = {.label = "x", .scopes = "sage"};
    api_key_row *row;
    const char *key;
    char *text, *overlong;
    user_row *u;

    world_setup();
    u = world_user(s, "mira");
    key = key_for(s, u->id, KEY_SLUICE, "sage", &row);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, key), NULL), "");
    CHECK(api_key_revoke(s, OWNED_BY_ANYONE, row->id) == OK, "revoked");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, key), NULL), "auth.key_invalid");
    wish.user_id = u->id;
    wish.expires_at = clock_wall() + 1200000; /* sooner than what is remembered of it is looked at again */
    CHECK(apikey_create(s, &wish, &row, &text) == OK, "made");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, text), NULL), "");
    CHECK(sleep_for(s, (wish.expires_at - clock_wall()) * 1000 + MILLISECONDS(20)) == OK, "slept");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, text), NULL), "auth.key_invalid");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, "slk_unknown"), NULL), "auth.key_invalid");
    overlong = arena_alloc(s->arena, 4001);
    memset(overlong, 'k', 4000);
    overlong[4000] = '\0';
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, overlong), NULL), "auth.key_invalid");
}

ENGINE_TEST_LOOPS(what_another_process_revokes_is_seen_within_two_seconds, 1, .limit = 30)
{
    const char *key;
    user_row *u;

    world_setup();
    u = world_user(s, "mira");
    key = key_for(s, u->id, KEY_SLUICE, "sage", NULL);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, key), NULL), "");
    /* as another process does it: no version of this one is raised */
    CHECK(db_exec(s, "UPDATE api_key SET active = 0", DB_NO_ARGS, NULL) == OK, "%s", s->failure.text);
    CHECK(sleep_for(s, SECONDS(2)) == OK, "slept");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, key), NULL), "auth.key_invalid");
}

ENGINE_TEST(uses_of_a_key_are_counted_off_the_requests_way)
{
    api_key_row *row, *now;
    const char *key;
    user_row *u;

    world_setup();
    u = world_user(s, "mira");
    key = key_for(s, u->id, KEY_SLUICE, "sage", &row);
    for (int i = 0; i < 5; i++)
        CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, key), NULL), "");
    for (int i = 0; i < 100; i++) {
        CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "slept");
        CHECK(api_key_find(s, OWNED_BY_ANYONE, row->id, &now) == OK, "read");
        if (now->uses > 0)
            break;
    }
    CHECK(now->uses == 1 && now->last_used_at > 0, "the first at once, the others with the next minute's: %lld",
          (long long)now->uses);
}

/* ---- sessions ---- */

ENGINE_TEST(a_session_lasts_until_the_logout)
{
    const identity *who;
    request *rq;
    char *set_cookie, *forget;
    const char *cookie;
    user_row *u;

    world_setup();
    u = world_user(s, "mira");
    CHECK(session_begin(s, u->id, &set_cookie) == OK, "begun");
    CHECK(strstr(set_cookie, "; path=/; Max-Age=1209600; httponly; samesite=lax") != NULL, "%s", set_cookie);
    cookie = cookie_back(s, set_cookie);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie, &who), "");
    CHECK_STR(who->user_id, u->id);
    CHECK(who->via == VIA_SESSION && who->set_cookie == NULL, "a fresh cookie is not sent again");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, cookie, NULL), "auth.unauthorized");
    rq = world_request(s, POST, cookie);
    CHECK(session_end(rq, &forget) == OK, "ended");
    CHECK(cstr_starts(forget, "sage_session=null;"), "%s", forget);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie, NULL), "auth.session_invalid");
}

ENGINE_TEST(a_write_with_a_cookie_needs_our_own_origin)
{
    static const struct {
        http_method method;
        const char *headers, *code;
    } cases[] = {
        {GET, "Origin: http://evil.example", ""},           {POST, "Accept: */*", "auth.csrf"},
        {POST, "Origin: http://evil.example", "auth.csrf"}, {DELETE, "Sec-Fetch-Site: cross-site", "auth.csrf"},
        {POST, "Origin: http://sluice.example", ""},        {PUT, "Sec-Fetch-Site: same-origin", ""},
    };
    char *set_cookie;

    world_setup();
    CHECK(session_begin(s, world_user(s, "mira")->id, &set_cookie) == OK, "begun");
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(world_identify(s, AUTH_FOR_SAGE, cases[i].method,
                                 arena_printf(s->arena, "%s\n%s", cookie_back(s, set_cookie), cases[i].headers), NULL),
                  cases[i].code);
}

ENGINE_TEST(a_session_in_use_is_extended_and_its_cookie_sent_again)
{
    const identity *who;
    web_session_row *row;
    char *set_cookie;
    const char *cookie;
    str value;
    int64_t old_end = clock_wall() + SESSION_LIFETIME - 2 * SESSION_RENEW_AFTER;

    world_setup();
    CHECK(session_begin(s, world_user(s, "mira")->id, &set_cookie) == OK, "begun");
    value = (str){set_cookie + strlen("sage_session="), strcspn(set_cookie, ";") - strlen("sage_session=")};
    CHECK(web_session_extend(s, apikey_hash(s->arena, value), old_end) == OK, "aged by two hours");
    cookie = cookie_back(s, set_cookie);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie, &who), "");
    CHECK(who->set_cookie != NULL, "sent again");
    CHECK_STR(who->set_cookie, set_cookie);
    CHECK(web_session_find(s, apikey_hash(s->arena, value), &row) == OK && row->expires_at > old_end, "extended");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie, &who), "");
    CHECK(who->set_cookie == NULL, "once an hour");
}

ENGINE_TEST(a_new_password_and_a_disabled_account_end_sessions)
{
    char *set_cookie;
    user_row *u;

    world_setup();
    u = world_user(s, "mira");
    CHECK(session_begin(s, u->id, &set_cookie) == OK, "begun");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie_back(s, set_cookie), NULL), "");
    u->active = false;
    CHECK(user_update(s, u) == OK, "disabled");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie_back(s, set_cookie), NULL), "auth.user_inactive");
    u->active = true;
    CHECK(user_update(s, u) == OK, "enabled");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie_back(s, set_cookie), NULL), "");
    CHECK(user_set_password(s, u->id, "x", NULL) == OK, "changed");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie_back(s, set_cookie), NULL), "auth.session_invalid");
}

ENGINE_TEST(a_session_value_is_no_key_and_a_key_no_session)
{
    const char *key;
    char *set_cookie, *value;
    user_row *u;

    world_setup();
    u = world_user(s, "mira");
    CHECK(session_begin(s, u->id, &set_cookie) == OK, "begun");
    value = arena_strndup(s->arena, set_cookie + strlen("sage_session="), 43);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie_back(s, set_cookie), NULL), "");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, value), NULL), "auth.key_invalid");
    key = key_for(s, u->id, KEY_SLUICE, "*", NULL);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, bearer(s, key), NULL), "");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, arena_printf(s->arena, "Cookie: sage_session=%s", key), NULL),
              "auth.unauthorized");
}

ENGINE_TEST(expired_sessions_are_deleted_and_others_kept)
{
    web_session_row old = {.id_hash = "0", .expires_at = clock_wall() - 1}, *row;
    scope *purging = scope_child(s, NO_LIMIT);
    char *set_cookie;
    int64_t left = 2;

    world_setup();
    CHECK(session_begin(s, world_user(s, "mira")->id, &set_cookie) == OK, "begun");
    CHECK(web_session_insert(s, &old) == OK, "an old one");
    CHECK(web_session_find(s, "0", &row) == ERR_NOT_FOUND, "is not found");
    scope_spawn(purging, session_purge_loop, NULL);
    for (int i = 0; i < 200 && left != 1; i++) {
        CHECK(sleep_for(s, MILLISECONDS(10)) == OK, "slept");
        left = engine_int(s, "SELECT count(*) FROM web_session");
    }
    CHECK_INT(left, 1);
    scope_close(purging);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, cookie_back(s, set_cookie), NULL), "");
}

/* ---- order ---- */

ENGINE_TEST(each_face_has_its_order_of_credentials)
{
    const identity *who;
    const char *good_key, *good_token, *good_cookie;
    char *set_cookie;
    user_row *anna, *mira;

    world_setup();
    anna = world_user(s, "anna");
    mira = world_user(s, "mira");
    good_key = key_for(s, anna->id, KEY_SLUICE, "*", NULL);
    good_token = token_sage_access(s->arena, mira, token_expiry(60));
    CHECK(session_begin(s, anna->id, &set_cookie) == OK, "begun");
    good_cookie = cookie_back(s, set_cookie);

    /* Sage: the bearer first; a bad one does not matter when the cookie is good */
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET,
                             arena_printf(s->arena, "%s\n%s", bearer(s, good_token), good_cookie), &who),
              "");
    CHECK_STR(who->username, "mira");
    CHECK_STR(
        world_identify(s, AUTH_FOR_SAGE, GET, arena_printf(s->arena, "%s\n%s", bearer(s, "bad"), good_cookie), &who),
        "");
    CHECK_STR(who->username, "anna");
    CHECK_STR(
        world_identify(s, AUTH_FOR_SAGE, POST, arena_printf(s->arena, "%s\n%s", bearer(s, "bad"), good_cookie), NULL),
        "auth.key_invalid");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, "Authorization: Basic YTpi", NULL), "auth.unauthorized");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, "", NULL), "auth.unauthorized");
    CHECK_STR(
        world_identify(s, AUTH_FOR_SAGE, GET, arena_printf(s->arena, "authorization: bearer  %s", good_token), &who),
        "");

    /* LangBot: the key header decides alone; a token may come without the word */
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET,
                             arena_printf(s->arena, "X-API-Key: bad\n%s", bearer(s, good_token)), NULL),
              "auth.key_invalid");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET,
                             arena_printf(s->arena, "X-API-Key: %s\n%s", good_key, bearer(s, good_token)), &who),
              "");
    CHECK_STR(who->username, "anna");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, arena_printf(s->arena, "Authorization: %s", good_token), &who),
              "");
    CHECK_STR(who->username, "mira");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, "Authorization: Bearer ", NULL), "auth.unauthorized");

    /* Langflow: a bearer that is present decides; a key is not taken there; a token may be a cookie */
    CHECK_STR(world_identify(s, AUTH_FOR_LANGFLOW, GET,
                             arena_printf(s->arena, "%s\nx-api-key: %s", bearer(s, "bad"), good_key), NULL),
              "auth.token_invalid");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGFLOW, GET, arena_printf(s->arena, "x-api-key: %s", good_key), &who), "");
    CHECK_STR(who->username, "anna");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGFLOW, GET,
                             arena_printf(s->arena, "Cookie: access_token_lf=%s", good_token), &who),
              "");
    CHECK_STR(who->username, "mira");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGFLOW, POST,
                             arena_printf(s->arena, "Cookie: access_token_lf=%s", good_token), NULL),
              "auth.csrf");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGFLOW_RUN, GET, bearer(s, good_token), NULL), "auth.unauthorized");

    /* Langdock: keys as bearer, nothing else */
    CHECK_STR(world_identify(s, AUTH_FOR_LANGDOCK, GET, bearer(s, good_token), NULL), "auth.key_invalid");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGDOCK, GET, good_cookie, NULL), "auth.unauthorized");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGDOCK, GET, bearer(s, good_key), &who), "");
}

ENGINE_TEST(only_configured_proxies_may_say_who_somebody_is)
{
    static const char *const proxies[] = {"192.0.2.0/24", NULL};
    const identity *who;

    world_setup();
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, "X-Sage-Internal-UserId: victim", NULL), "auth.unauthorized");
    world_setup_with(proxies);
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, POST, "X-Sage-Internal-UserId:  victim ", &who), "");
    CHECK_STR(who->user_id, "victim");
    CHECK_STR(who->role, "user");
    CHECK(!who->admin && who->via == VIA_PROXY, "an ordinary user");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, "X-Sage-Internal-UserId:   ", NULL), "auth.unauthorized");
    CHECK_STR(world_identify(s, AUTH_FOR_SAGE, GET, arena_printf(s->arena, "X-Sage-Internal-UserId: %0200d", 7), NULL),
              "auth.unauthorized");
    CHECK_STR(world_identify(s, AUTH_FOR_LANGBOT, GET, "X-Sage-Internal-UserId: victim", NULL), "auth.unauthorized");
    CHECK_STR(
        world_identify(s, AUTH_FOR_SAGE, POST, "X-Sage-Internal-UserId: victim\nOrigin: http://evil.example", NULL),
        "auth.csrf");
}
