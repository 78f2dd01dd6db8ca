/* SPDX-License-Identifier: MIT */
/* What is secret by its name, and what of it is shown. */
#include "face/langbot/secrets.h"

#include "test.h"

FIBER_TEST(names_tell_what_is_secret)
{
    static const char *const secret[] = {"api_key",       "apiKey",       "APIKEY",      "X-Api-Key",  "Authorization",
                                         "db_password",   "dbPassword",   "token",       "authToken",  "client_secret",
                                         "clientKey",     "signing_keys", "Set-Cookie",  "dsn",        "webhookUrl",
                                         "encryptionKey", "header_value", "credentials", "bearer_key", "key"};
    static const char *const plain[] = {"temperature", "max_tokens", "maxTokens", "keyboard", "primary_key", "keys",
                                        "url",         "base_url",   "author",    "",         "secretary",   "___"};

    for (size_t i = 0; i < COUNT(secret); i++)
        CHECK(secrets_named(s->arena, secret[i]), "%s", secret[i]);
    for (size_t i = 0; i < COUNT(plain); i++)
        CHECK(!secrets_named(s->arena, plain[i]), "%s", plain[i]);
}

FIBER_TEST(addresses_lose_their_passwords)
{
    static const char *const cases[][2] = {
        {"https://api.example/v1", "https://api.example/v1"},
        {"https://u:p@api.example/v1", "https://***@api.example/v1"},
        {"https://u:p@q@api.example", "https://***@api.example"},
        {"u:p@host/x", "***@host/x"},
        {"https://h/a@b?x=1", "https://h/a@b?x=1"},
        {"https://h/?api_key=1&x=2&&access%5Fkey=3&flag&token=#f?token=4",
         "https://h/?api_key=***&x=2&&access%5Fkey=***&flag&token=***#f?token=4"},
        {"https://h/?%zz=1", "https://h/?%zz=***"},
        {"", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CHECK_STR(secrets_hide_url(s->arena, cases[i][0]), cases[i][1]);
        CHECK_STR(secrets_restore_url(s->arena, cases[i][1], cases[i][0]), cases[i][0]);
    }
    CHECK_STR(secrets_restore_url(s->arena, "https://new/", "https://u:p@old/"), "https://new/");
    CHECK_STR(secrets_restore_url(s->arena, "https://***@new/", NULL), "https://***@new/");
}

static json_t *parsed(scope *s, const char *text)
{
    json_t *v;

    CHECK(json_parse(s->arena, text, strlen(text), NULL, &v) == OK, "%s", text);
    return v;
}

FIBER_TEST(masks_come_back_as_what_they_stand_for)
{
    static const char *const cases[][3] = {
        /* sent, stored, kept (NULL: refused) */
        {"{\"a\":\"***\"}", "{\"a\":\"x\"}", "{\"a\":\"***\"}"},
        {"{\"token\":\"***\",\"b\":1}", "{\"token\":\"x\"}", "{\"token\":\"x\",\"b\":1}"},
        {"{\"token\":{\"a\":[\"y\",\"***\"]}}", "{\"token\":{\"a\":[\"1\",2]}}", "{\"token\":{\"a\":[\"y\",2]}}"},
        {"{\"token\":\"new\"}", "{\"token\":\"x\"}", "{\"token\":\"new\"}"},
        {"{\"token\":\"***\"}", "{\"token\":{\"a\":1}}", NULL},
        {"{\"token\":\"***\"}", "{\"token\":\"\"}", NULL},
        {"{\"token\":[\"***\"]}", "{}", NULL},
        {"{\"deep\":{\"token\":\"***\"}}", "{\"deep\":7}", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *out;
        err e = secrets_restore(s, parsed(s, cases[i][0]), parsed(s, cases[i][1]), &out);

        CHECK((e == OK) == (cases[i][2] != NULL), "%s", cases[i][0]);
        if (cases[i][2] != NULL)
            CHECK_STR(json_text(s->arena, out), cases[i][2]);
        else
            CHECK_STR(s->failure.text, "Masked secret has no existing value");
    }
    CHECK_STR(
        json_text(s->arena,
                  secrets_hide(s->arena, parsed(s, "{\"token\":{\"a\":[1,null,\"\",true]},\"b\":[{\"key\":\"x\"}]}"))),
        "{\"token\":{\"a\":[\"***\",null,\"\",\"***\"]},\"b\":[{\"key\":\"***\"}]}");
}
