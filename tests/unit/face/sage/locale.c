/* SPDX-License-Identifier: MIT */
/* The choice of language and the catalogue; see face/sage/locale.h and face/sage/messages.h. */
#include "face/sage/locale.h"

#include "face/sage/messages.h"
#include "test.h"

static request with_headers(scope *sc, const char *name1, const char *value1, const char *name2, const char *value2)
{
    request rq = {.scope = sc};

    if (value1 != NULL)
        http_headers_add(sc->arena, &rq.headers, name1, value1);
    if (value2 != NULL)
        http_headers_add(sc->arena, &rq.headers, name2, value2);
    return rq;
}

TEST(messages_are_chinese_unless_english_is_asked_for)
{
    static const struct {
        const char *sage, *accept;
        sage_locale wanted;
    } cases[] = {
        {NULL, NULL, LOCALE_ZH},
        {NULL, "en-US,en;q=0.9", LOCALE_EN},
        {NULL, "zh-CN,zh;q=0.9", LOCALE_ZH},
        {NULL, "fr-FR, en-US;q=0.9", LOCALE_EN},
        {NULL, "fr-FR,zh;q=0.1,en", LOCALE_ZH},
        {NULL, "zh;q=0.1,en;q=1.0", LOCALE_ZH},
        {NULL, "pt-BR,pt;q=0.9", LOCALE_ZH},
        {NULL, "EN_us", LOCALE_EN},
        {NULL, "e", LOCALE_ZH},
        {NULL, ",,,", LOCALE_ZH},
        {NULL, "", LOCALE_ZH},
        {"en-US", "zh-CN", LOCALE_EN},
        {"EN", NULL, LOCALE_EN},
        {"zh_CN", "en-US", LOCALE_ZH},
        {"fr", "en-US", LOCALE_ZH},
        {"", "en-US", LOCALE_ZH},
    };
    scope sc = {.arena = arena_new(NULL)};

    for (size_t i = 0; i < COUNT(cases); i++) {
        request rq = with_headers(&sc, "X-Sage-Locale", cases[i].sage, "Accept-Language", cases[i].accept);

        CHECK(locale_of(&rq) == cases[i].wanted, "case %zu", i);
    }
    arena_free(sc.arena);
}

TEST(prompts_are_in_english_unless_another_known_language_is_asked_for)
{
    static const struct {
        const char *own, *accept, *wanted;
    } cases[] = {
        {NULL, NULL, "en"},    {NULL, "zh-CN", "zh"}, {NULL, "pt-BR,en", "pt"}, {"zh", "en-US", "zh"},
        {"pt", "en-US", "pt"}, {"fr", "zh-CN", "en"}, {"", "pt", "pt"},         {NULL, "fr,de", "en"},
    };
    scope sc = {.arena = arena_new(NULL)};

    for (size_t i = 0; i < COUNT(cases); i++) {
        request rq = with_headers(&sc, "X-Accept-Language", cases[i].own, "Accept-Language", cases[i].accept);

        CHECK_STR(locale_prompt_language(&rq), cases[i].wanted);
    }
    arena_free(sc.arena);
}

TEST(a_message_holds_its_subject_as_it_is)
{
    arena *a = arena_new(NULL);

    CHECK_STR(locale_text(a, LOCALE_EN, "agent.exists", "x"), "Agent 'x' already exists");
    CHECK_STR(locale_text(a, LOCALE_ZH, "agent.exists", "{}%s"), "Agent '{}%s' 已存在");
    CHECK_STR(locale_text(a, LOCALE_EN, "agent.exists", NULL), "Agent '' already exists");
    CHECK_STR(locale_text(a, LOCALE_EN, "auth.login_success", "unused"), "Signed in successfully");
    CHECK_STR(locale_text(a, LOCALE_EN, "Provider not found", NULL), "Provider not found");
    CHECK_STR(locale_text(a, LOCALE_EN, NULL, NULL), "");
    CHECK_STR(locale_fill(a, "{} and {}", "a"), "a and a");
    CHECK_STR(locale_fill(a, "{", "a"), "{");
    arena_free(a);
}

TEST(the_catalogue_is_sorted_and_every_message_is_found)
{
    for (size_t i = 0; i < sage_message_count; i++) {
        CHECK(i == 0 || strcmp(sage_messages[i - 1].code, sage_messages[i].code) < 0, "%s is out of order",
              sage_messages[i].code);
        CHECK(sage_message_find(sage_messages[i].code) == &sage_messages[i], "%s", sage_messages[i].code);
        CHECK(sage_messages[i].zh != NULL && sage_messages[i].en != NULL, "%s has both texts", sage_messages[i].code);
        CHECK((strstr(sage_messages[i].zh, "{}") == NULL) == (strstr(sage_messages[i].en, "{}") == NULL), "%s",
              sage_messages[i].code);
    }
    CHECK(sage_message_find("no.such") == NULL, "unknown");
    CHECK(sage_message_find(NULL) == NULL, "none");
}
