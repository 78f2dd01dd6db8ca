/* SPDX-License-Identifier: MIT */
/* Signed tokens and forgeries; see auth/jws.h. */
#include "auth/jws.h"

#include <sodium.h>

#include "test.h"

enum { URLSAFE = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

static char *base64(arena *a, const void *p, size_t len)
{
    size_t size = sodium_base64_encoded_len(len, URLSAFE);

    return sodium_bin2base64(arena_alloc(a, size), size, p, len, URLSAFE);
}

/* A token with any header and payload, properly signed with HMAC-SHA256. */
static char *forge(arena *a, const char *key, const char *header, const char *payload)
{
    const char *text = arena_printf(a, "%s.%s", base64(a, header, strlen(header)), base64(a, payload, strlen(payload)));
    unsigned char mac[32];
    crypto_auth_hmacsha256_state st;

    crypto_auth_hmacsha256_init(&st, (const unsigned char *)key, strlen(key));
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)text, strlen(text));
    crypto_auth_hmacsha256_final(&st, mac);
    return arena_printf(a, "%s.%s", text, base64(a, mac, sizeof(mac)));
}

TEST(a_token_gives_back_what_was_signed)
{
    arena *a = arena_new(NULL);
    json_t *claims = json_hold(a, json_pack("{s:s,s:I}", "userid", "张三", "exp", (json_int_t)1767225600));
    char *token = jws_sign(a, STR("a key"), claims);
    json_t *read = NULL;

    CHECK(jws_looks_like(str_of(token)), "%s", token);
    CHECK(jws_verify(a, STR("a key"), str_of(token), &read) == OK, "%s", token);
    CHECK(json_equal(read, claims), "the same claims");
    arena_free(a);
}

TEST(the_published_example_verifies) /* RFC 7515 appendix A.1 */
{
    static const char token[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    static const char key64[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    unsigned char key[64];
    size_t len;
    arena *a = arena_new(NULL);
    json_t *claims;

    CHECK(sodium_base642bin(key, sizeof(key), key64, strlen(key64), NULL, &len, NULL, URLSAFE) == 0, "key");
    CHECK(jws_verify(a, (str){(const char *)key, len}, str_of(token), &claims) == OK, "verified");
    CHECK_STR(json_get_str(claims, "iss", ""), "joe");
    CHECK_INT(json_get_int(claims, "exp", 0), 1300819380);
    arena_free(a);
}

TEST(forged_tokens_are_refused)
{
    static const char public_key[] =
        "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----\n";
    static const char hs256[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    arena *a = arena_new(NULL);
    char *good = forge(a, "secret", hs256, "{\"userid\":\"u\"}");
    char *changed = arena_strdup(a, good);
    json_t *claims = NULL;

    changed[strlen(hs256) * 4 / 3 + 4] ^= 1; /* inside the payload */
    const char *bad[] = {
        /* no signature at all */
        arena_printf(a, "%s.%s.", base64(a, "{\"alg\":\"none\"}", 14), base64(a, "{\"userid\":\"u\"}", 14)),
        arena_printf(a, "%s.%s", base64(a, "{\"alg\":\"none\"}", 14), base64(a, "{\"userid\":\"u\"}", 14)),
        arena_printf(a, "%s.%s.AA", base64(a, hs256, strlen(hs256)), base64(a, "{\"userid\":\"u\"}", 14)),
        /* rightly signed, but the header names another algorithm, or none, or a needed extension */
        forge(a, "secret", "{\"alg\":\"none\"}", "{\"userid\":\"u\"}"),
        forge(a, "secret", "{\"alg\":\"RS256\"}", "{\"userid\":\"u\"}"),
        forge(a, "secret", "{\"alg\":\"HS512\"}", "{\"userid\":\"u\"}"),
        forge(a, "secret", "{\"alg\":\"hs256\"}", "{\"userid\":\"u\"}"),
        forge(a, "secret", "{\"alg\":[\"HS256\"]}", "{\"userid\":\"u\"}"),
        forge(a, "secret", "{\"typ\":\"JWT\"}", "{\"userid\":\"u\"}"),
        forge(a, "secret", "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", "{\"userid\":\"u\"}"),
        forge(a, "secret", "[\"HS256\"]", "{\"userid\":\"u\"}"),
        forge(a, "secret", hs256, "[]"),
        forge(a, "secret", hs256, "not json"),
        forge(a, "secret", hs256, "{\"userid\":\"u\",\"userid\":\"v\"}"),
        /* another key; the classic: a public key taken for an HMAC secret */
        forge(a, "secret2", hs256, "{\"userid\":\"u\"}"),
        forge(a, "", hs256, "{\"userid\":\"u\"}"),
        forge(a, public_key, "{\"alg\":\"HS256\"}", "{\"userid\":\"u\"}"),
        changed,
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b.c.d",
        arena_printf(a, "%s ", good),
        arena_printf(a, "%s=", good),
        arena_printf(a, "%s.x", good),
        arena_printf(a, " %s", good),
    };

    CHECK(jws_verify(a, STR("secret"), str_of(good), &claims) == OK, "the good one");
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(jws_verify(a, STR("secret"), str_of(bad[i]), &claims) == ERR_INVALID, "case %zu: %s", i, bad[i]);
    arena_free(a);
}

TEST(every_truncation_of_a_token_is_refused)
{
    arena *a = arena_new(NULL);
    char *good = forge(a, "k", "{\"alg\":\"HS256\"}", "{\"userid\":\"u\"}");
    json_t *claims;

    for (size_t n = 0; n < strlen(good); n++)
        CHECK(jws_verify(a, STR("k"), (str){good, n}, &claims) == ERR_INVALID, "%zu bytes", n);
    arena_free(a);
}

TEST(a_token_longer_than_the_limit_is_refused_unread)
{
    arena *a = arena_new(NULL);
    char *payload = arena_alloc(a, JWS_MAX + 1);
    json_t *claims;
    char *token;

    memset(payload, 'x', JWS_MAX);
    payload[JWS_MAX] = '\0';
    token = forge(a, "k", "{\"alg\":\"HS256\"}", arena_printf(a, "{\"userid\":\"%s\"}", payload));
    CHECK(jws_verify(a, STR("k"), str_of(token), &claims) == ERR_INVALID, "too long");
    CHECK(!jws_looks_like(str_of(token)), "too long to be one");
    arena_free(a);
}
