/* SPDX-License-Identifier: MIT */
/* Tokens of each platform; see auth/token.h. */
#include "auth/token.h"

#include "auth/jws.h"
#include "world.h"

static user_row sample = {.id = "9f0c1e2d3c4b5a69788796a5b4c3d2e1",
                          .username = "mira",
                          .email = "mira@example.org",
                          .role = "user",
                          .active = true,
                          .revision = 3};

static json_t *claims_in(arena *a, str key, const char *token)
{
    json_t *o;

    CHECK(jws_verify(a, key, str_of(token), &o) == OK, "%s", token);
    json_object_del(o, "exp");
    return o;
}

TEST(each_platform_gets_the_claims_it_expects)
{
    arena *a = arena_new(NULL);
    int64_t soon = token_expiry(60);
    json_t *o;

    world_setup();
    o = claims_in(a, auth_jwt_key(), token_sage_access(a, &sample, soon));
    CHECK_STR(json_text(a, o),
              "{\"userid\":\"9f0c1e2d3c4b5a69788796a5b4c3d2e1\",\"username\":\"mira\",\"nickname\":\"mira\","
              "\"phonenum\":\"\","
              "\"email\":\"mira@example.org\",\"role\":\"user\",\"avatar\":\"\",\"avatar_url\":\"\",\"rev\":3}");
    o = claims_in(a, auth_jwt_key(), token_langbot(a, &sample, "inst", soon));
    CHECK_STR(json_text(a, o), "{\"user\":\"mira@example.org\",\"sub\":\"9f0c1e2d3c4b5a69788796a5b4c3d2e1\",\"iss\":"
                               "\"langbot-core\",\"aud\":\"langbot-instance:inst\",\"account_revision\":3}");
    o = claims_in(a, auth_jwt_key(), token_langflow(a, &sample, "9f0c1e2d-3c4b-5a69-7887-96a5b4c3d2e1", false, soon));
    CHECK_STR(json_text(a, o), "{\"sub\":\"9f0c1e2d-3c4b-5a69-7887-96a5b4c3d2e1\",\"type\":\"access\",\"rev\":3}");
    o = claims_in(a, auth_refresh_key(), token_sage_refresh(a, &sample));
    CHECK_STR(json_get_str(o, "uid", ""), sample.id);
    CHECK_INT(strlen(json_get_str(o, "nonce", "")), 8);
    CHECK(json_get_int(o, "iat", 0) > 1700000000, "issued at");
    arena_free(a);
}

FIBER_TEST(an_access_token_of_any_platform_names_its_user)
{
    int64_t soon = token_expiry(60);
    token_claims c;

    world_setup();
    const char *tokens[] = {
        token_sage_access(s->arena, &sample, soon),
        token_langbot(s->arena, &sample, "inst", soon),
        token_langflow(s->arena, &sample, "9f0c1e2d-3c4b-5a69-7887-96a5b4c3d2e1", false, soon),
    };

    for (size_t i = 0; i < COUNT(tokens); i++) {
        CHECK(token_read(s, str_of(tokens[i]), TOKEN_ACCESS, soon - 60, &c) == OK, "token %zu", i);
        CHECK_STR(c.user_id, sample.id);
        CHECK_INT(c.revision, 3);
        CHECK_INT(c.expires, soon);
    }
}

static const char *code_of(scope *s, const char *token, token_use use, int64_t now)
{
    token_claims c;

    CHECK(token_read(s, str_of(token), use, now, &c) == ERR_UNAUTHENTICATED, "%s", token);
    return s->failure.code;
}

FIBER_TEST(refresh_tokens_do_not_log_in_and_access_tokens_do_not_refresh)
{
    int64_t soon = token_expiry(60);
    token_claims c;

    world_setup();
    CHECK_STR(code_of(s, token_sage_refresh(s->arena, &sample), TOKEN_ACCESS, 0), "auth.token_invalid");
    CHECK_STR(code_of(s, token_langflow(s->arena, &sample, sample.id, true, soon), TOKEN_ACCESS, 0),
              "auth.token_invalid");
    CHECK_STR(code_of(s, token_langflow(s->arena, &sample, sample.id, false, soon), TOKEN_REFRESH, 0),
              "auth.token_invalid");
    CHECK_STR(code_of(s, token_sage_access(s->arena, &sample, soon), TOKEN_REFRESH, 0), "auth.token_invalid");
    CHECK(token_read(s, str_of(token_langflow(s->arena, &sample, sample.id, true, soon)), TOKEN_REFRESH, 0, &c) == OK,
          "a refresh token refreshes");
}

FIBER_TEST(a_token_ends_at_its_second)
{
    char *token;
    token_claims c;

    world_setup();
    token = token_sage_access(s->arena, &sample, 1000);
    CHECK(token_read(s, str_of(token), TOKEN_ACCESS, 999, &c) == OK, "a second before");
    CHECK_STR(code_of(s, token, TOKEN_ACCESS, 1000), "auth.token_expired");
    CHECK_STR(code_of(s, token, TOKEN_ACCESS, 5000), "auth.token_expired");
}

FIBER_TEST(tokens_without_a_user_or_an_end_are_invalid)
{
    static const char *const claims[] = {
        "{}",
        "{\"userid\":\"u\"}",
        "{\"exp\":99999999999}",
        "{\"userid\":\"\",\"exp\":99999999999}",
        "{\"userid\":7,\"exp\":99999999999}",
        "{\"userid\":\"u\",\"exp\":\"99999999999\"}",
        "{\"userid\":\"u\",\"exp\":1e12}",
        "{\"uid\":\"u\",\"exp\":99999999999}",
        "{\"userid\":\"u\",\"exp\":99999999999,\"type\":7}",
        "{\"userid\":\"u\",\"exp\":99999999999,\"type\":\"other\"}",
    };

    world_setup();
    for (size_t i = 0; i < COUNT(claims); i++) {
        json_t *o;

        CHECK(json_parse(s->arena, claims[i], strlen(claims[i]), NULL, &o) == OK, "%s", claims[i]);
        CHECK_STR(code_of(s, jws_sign(s->arena, auth_jwt_key(), o), TOKEN_ACCESS, 0), "auth.token_invalid");
    }
}

FIBER_TEST(a_configured_key_replaces_the_derived_one)
{
    auth_config config = auth_config_of(settings_get());
    json_t *o = json_hold(s->arena, json_pack("{s:s,s:I}", "userid", "u1", "exp", (json_int_t)99999999999));
    token_claims c;
    char why[256];
    char *token = jws_sign(s->arena, STR("shared with a gateway"), o);

    world_setup();
    CHECK_STR(code_of(s, token, TOKEN_ACCESS, 0), "auth.token_invalid");
    config.jwt_key = "shared with a gateway";
    CHECK(auth_setup(&config, why, sizeof(why)) == OK, "%s", why);
    CHECK(token_read(s, str_of(token), TOKEN_ACCESS, 0, &c) == OK, "now it is good");
    CHECK_STR(c.user_id, "u1");
    CHECK_INT(c.revision, -1);
}

TEST(a_proxy_address_that_cannot_be_read_is_refused_at_start)
{
    static const char *const proxies[] = {"10.0.0.0/8", "proxy.local", NULL};
    auth_config config = auth_config_of(settings_get());
    char why[256];

    world_setup();
    config.identity_proxies = proxies;
    CHECK(auth_setup(&config, why, sizeof(why)) == ERR_INVALID, "refused");
    CHECK(strstr(why, "proxy.local") != NULL, "%s", why);
}
