/* SPDX-License-Identifier: MIT */
/* Addresses and keys as people send them. */
#include "db/seal.h"
#include "made.h"
#include "model/provider.h"

static json_t *parsed(scope *s, const char *text)
{
    json_t *v = NULL;

    CHECK(json_parse(s->arena, text, strlen(text), NULL, &v) == OK, "%s", text);
    return v;
}

/* The keys in one text, apart by blanks; or the code of the failure. */
static const char *taken(scope *s, const char *sent, const provider_row *stored, bool *kept)
{
    buf *out = buf_new(s->arena, KIB(8));
    provider_keys keys;

    if (provider_take_keys(s, sent != NULL ? parsed(s, sent) : NULL, stored, &keys) != OK)
        return s->failure.code;
    for (size_t i = 0; i < keys.n; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", keys.list[i]);
    *kept = keys.kept;
    return buf_str(out);
}

FIBER_TEST(keys_are_tidied_and_what_is_no_key_is_refused)
{
    static const struct {
        const char *sent, *want;
    } cases[] = {
        {NULL, ""},
        {"null", ""},
        {"[]", ""},
        {"\"sk-only\"", "sk-only"},
        {"\"  \"", ""},
        {"[\" a \",\"\",\"b\",\"a\"]", "a b"},
        {"[\"b\",\"a\",\"b \"]", "b a"},
        {"12", "provider.keys_invalid"},
        {"{\"a\":\"b\"}", "provider.keys_invalid"},
        {"[\"a\",null]", "provider.keys_invalid"},
        {"[\"a\",[\"b\"]]", "provider.keys_invalid"},
        {"[\"a\\nX-Evil: 1\"]", "provider.key_lines"},
        {"[\"a\\rb\"]", "provider.key_lines"},
        {"[\"a\\u007fb\"]", "provider.key_lines"},
        {"[\"***\"]", "provider.mask_unknown"},
        {"[\"a\",\"***\"]", "provider.mask_unknown"},
        {"[\"sk-a***1234\"]", "sk-a***1234"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        bool kept = false;
        const char *got = taken(s, cases[i].sent, NULL, &kept);

        CHECK(cstr_eq(got, cases[i].want) && !kept, "%s: %s", cases[i].sent, got);
    }
}

FIBER_TEST(more_keys_than_anybody_has_are_refused)
{
    buf *list = buf_new(s->arena, KIB(8));
    bool kept;

    for (int i = 0; i < PROVIDER_KEYS_MAX; i++)
        buf_printf(list, "%s\"k%d\"", i > 0 ? "," : "[", i);
    CHECK(cstr_starts(taken(s, arena_printf(s->arena, "%s]", buf_str(list)), NULL, &kept), "k0 k1 "),
          "as many as may be");
    CHECK_STR(taken(s, arena_printf(s->arena, "%s,\"more\"]", buf_str(list)), NULL, &kept), "provider.keys_invalid");
}

FIBER_TEST(masks_stand_for_the_stored_keys_at_their_places)
{
    static const char *const keys[] = {"sk-first-0001", "short", "sk-third-0003"};
    static const struct {
        const char *sent, *want;
        bool kept;
    } cases[] = {
        {"[\"***\"]", "sk-first-0001 short sk-third-0003", true},
        {"\"***\"", "sk-first-0001 short sk-third-0003", true},
        {"[\"sk-f***0001\"]", "sk-first-0001 short sk-third-0003", true},
        {"[\"sk-f***0001\",\"***\",\"sk-t***0003\"]", "sk-first-0001 short sk-third-0003", false},
        {"[\"sk-new\",\"***\"]", "sk-new short", false},
        {"[\"new\",\"newer\",\"sk-t***0003\"]", "new newer sk-third-0003", false},
        {"[\"sk-t***0003\"]", "sk-t***0003", false}, /* not at its place: a key like another, who knows */
        {"[\"a\",\"b\",\"c\",\"***\"]", "provider.mask_unknown", false},
        {"[]", "", false},
    };
    provider_row stored = {.name = "x"};
    char why[256];

    CHECK_INT(seal_setup("a master key for these tests", NULL, why, sizeof why), OK);
    stored.sealed_keys = provider_seal_keys(s->arena, keys, COUNT(keys));
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool kept = false;
        const char *got = taken(s, cases[i].sent, &stored, &kept);

        CHECK(cstr_eq(got, cases[i].want) && kept == cases[i].kept, "%s: %s", cases[i].sent, got);
    }
}

FIBER_TEST(keys_that_cannot_be_read_give_way_to_new_ones_only)
{
    provider_row stored = {.name = "x", .sealed_keys = "v1:nonsense"};
    bool kept = false;

    CHECK_STR(taken(s, "[\"sk-new\"]", &stored, &kept), "sk-new");
    CHECK_STR(taken(s, "[\"***\"]", &stored, &kept), "provider.mask_unknown");
    CHECK(!kept, "nothing is kept");
}

FIBER_TEST(masks_show_nothing_of_short_keys)
{
    CHECK_STR(provider_mask_key(s->arena, ""), "***");
    CHECK_STR(provider_mask_key(s->arena, "12345678"), "***");
    CHECK_STR(provider_mask_key(s->arena, "123456789"), "1234***6789");
}

FIBER_TEST(addresses_lose_what_does_not_belong_to_them)
{
    static const struct {
        const char *sent, *url, *host;
    } cases[] = {
        {"https://api.example/v1", "https://api.example/v1", "api.example"},
        {" https://api.example:8443/v1/// ", "https://api.example:8443/v1", "api.example:8443"},
        {"api.example/v1/", "api.example/v1", "api.example"},
        {"http://[::1]:9/", "http://[::1]:9", "[::1]:9"},
        {"  ", "", ""},
        {"/", "", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char *url = provider_clean_url(s->arena, cases[i].sent);

        CHECK_STR(url, cases[i].url);
        CHECK_STR(provider_host(s->arena, url), cases[i].host);
    }
}
