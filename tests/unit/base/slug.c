/* SPDX-License-Identifier: MIT */
/* Tests of base/slug.c. */
#include "base/slug.h"

#include "test.h"

typedef struct {
    const char *text, *snake, *camel;
} sample;

static const sample samples[] = {
    {"User ID", "user_id", "userId"},
    {"Deal ID", "deal_id", "dealId"},
    {"max_per_query", "max_per_query", "maxPerQuery"},
    {"maxResults", "max_results", "maxResults"},
    {"Query", "query", "query"},
    {"  padded  ", "padded", "padded"},
    {"HTTPServer", "http_server", "httpServer"},
    {"parse JSON body", "parse_json_body", "parseJsonBody"},
    {"OAuth2Token", "o_auth2_token", "oAuth2Token"},
    {"page2", "page2", "page2"},
    {"Q3Report", "q3_report", "q3Report"},
    {"2FA code", "_2_fa_code", "_2FaCode"},
    {"3", "_3", "_3"},
    {"a - b / c", "a_b_c", "aBC"},
    {"__x__", "x", "x"},
    {"User's name", "user_s_name", "userSName"},
    {"Gr\303\266\303\237e", "grosse", "grosse"},
    {"\303\234bersicht", "ubersicht", "ubersicht"},
    {"Caf\303\251 \303\205rhus", "cafe_arhus", "cafeArhus"},
    {"\305\201\303\263d\305\272", "lodz", "lodz"},
    {"\303\206ther", "aether", "aether"},
    {"\350\256\242\345\215\225ID", "id", "id"},
    {"\350\256\242\345\215\225", "field", "field"},
    {"price \342\202\254", "price", "price"},
    {"a\303\227b", "a_b", "aB"},
    {"", "field", "field"},
    {"!?", "field", "field"},
    {"ABC", "abc", "abc"},
    {"aB", "a_b", "aB"},
    {"iPhone", "i_phone", "iPhone"},
    {"e-mail", "e_mail", "eMail"},
    {"x1y2Z", "x1y2_z", "x1y2Z"},
};

TEST(names_become_words_in_lower_case)
{
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(samples); i++) {
        const char *slug = slug_make(a, samples[i].text, "field", 63);

        CHECK(strcmp(slug, samples[i].snake) == 0, "%s: %s", samples[i].text, slug);
        CHECK(strcmp(slug_camel(a, slug), samples[i].camel) == 0, "%s: %s", samples[i].text, slug_camel(a, slug));
    }
    arena_free(a);
}

TEST(a_slug_keeps_its_limit_with_and_without_a_number)
{
    arena *a = arena_new(NULL);
    char longer[200];

    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CHECK_INT(strlen(slug_make(a, longer, "f", 63)), 63);
    CHECK_INT(strlen(slug_numbered(a, slug_make(a, longer, "f", 63), 12, 63)), 63);
    CHECK_STR(slug_numbered(a, "name", 1, 63), "name");
    CHECK_STR(slug_numbered(a, "name", 2, 63), "name_2");
    CHECK_STR(slug_numbered(a, "ab_cd", 3, 5), "ab_3");
    CHECK_STR(slug_make(a, "ab cd", "f", 3), "ab");
    arena_free(a);
}

TEST(text_that_is_cut_within_a_character_is_no_word)
{
    arena *a = arena_new(NULL);

    CHECK_STR(slug_make(a, "a\303", "f", 63), "a");
    CHECK_STR(slug_make(a, "\200b", "f", 63), "b");
    arena_free(a);
}

TEST(identifiers_are_what_scripts_can_write_after_a_dot)
{
    static const struct {
        const char *text;
        bool yes;
    } cases[] = {
        {"userId", true}, {"user_id", true}, {"$x", true},   {"_1", true},   {"\350\256\242", true},
        {"", false},      {"1a", false},     {"a b", false}, {"a-b", false}, {"a.b", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(slug_is_identifier(cases[i].text) == cases[i].yes, "%s", cases[i].text);
}
