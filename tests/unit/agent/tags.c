/* SPDX-License-Identifier: MIT */
/* Control tags at the front of texts, and titles. */
#include "agent/tags.h"

#include "base/clock.h"
#include "test.h"

TEST(control_tags_are_read_and_removed)
{
    static const struct {
        const char *text, *rest;
        control_tags tags;
    } cases[] = {
        {"hello", "hello", {0}},
        {"", "", {0}},
        {"<enable_plan>true</enable_plan>hello", "hello", {.plan_given = true, .plan = true}},
        {"<ENABLE_PLAN>False</enable_Plan>hello", "hello", {.plan_given = true}},
        {"<enable_deep_thinking>true</enable_deep_thinking>x", "x", {.thinking_given = true, .thinking = THINKING_ON}},
        {"<enable_deep_thinking> true </enable_deep_thinking>x",
         "x",
         {.thinking_given = true, .thinking = THINKING_ON}},
        {"<enable_deep_thinking>false</enable_deep_thinking>x", "x", {.thinking_given = true}},
        {"<thinking_level>high</thinking_level>x", "x", {.thinking = THINKING_ON, .level = "high"}},
        {"<deep_thinking_level>XHIGH</deep_thinking_level>x", "x", {.thinking = THINKING_ON, .level = "xhigh"}},
        {"<thinking_level>huge</thinking_level>x", "x", {0}},
        {"<enable_deep_thinking>false</enable_deep_thinking><thinking_level>low</thinking_level>x",
         "x",
         {.thinking_given = true, .level = "low"}},
        {" \n<enable_plan>true</enable_plan> \t<thinking_level>max</thinking_level>x ",
         "x ",
         {.plan_given = true, .plan = true, .thinking = THINKING_ON, .level = "max"}},
        {"x <enable_plan>true</enable_plan>", "x <enable_plan>true</enable_plan>", {0}},
        {"<skill>pdf</skill>x", "<skill>pdf</skill>x", {0}},
        {"<enable_plan>true", "<enable_plan>true", {0}},
        {"<enable_plan>true</enable_plan", "<enable_plan>true</enable_plan", {0}},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);
        control_tags t;

        CHECK_STR(tags_take(a, cases[i].text, &t), cases[i].rest);
        CHECK(t.plan_given == cases[i].tags.plan_given && t.plan == cases[i].tags.plan, "plan of %s", cases[i].text);
        CHECK(t.thinking_given == cases[i].tags.thinking_given && t.thinking == cases[i].tags.thinking,
              "thinking of %s", cases[i].text);
        CHECK_STR(t.level, cases[i].tags.level);
        arena_free(a);
    }
}

TEST(tags_cut_off_anywhere_are_text)
{
    static const char whole[] = "<enable_plan>true</enable_plan><thinking_level>low</thinking_level>";
    size_t first = strlen("<enable_plan>true</enable_plan>"), both = strlen(whole);

    for (size_t n = 0; n <= both; n++) {
        arena *a = arena_new(NULL);
        char *text = arena_strndup(a, whole, n);
        control_tags t;
        size_t taken = n < first ? 0 : n < both ? first : both;

        CHECK_STR(tags_take(a, text, &t), text + taken);
        CHECK(t.plan == (n >= first) && (t.level != NULL) == (n == both), "cut at %zu", n);
        arena_free(a);
    }
}

TEST(tags_of_a_content_in_parts_stand_in_its_first_text)
{
    static const struct {
        const char *parts, *text; /* NULL: none */
    } cases[] = {
        {"[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]", "a"},
        {"[{\"type\":\"image_url\",\"image_url\":{\"url\":\"u\"}},{\"type\":\"text\",\"text\":\"b\"}]", "b"},
        {"[{\"type\":\"image_url\",\"image_url\":\"u\"}]", NULL},
        {"[1,null,\"x\"]", NULL},
        {"[]", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *parts = json_loads(cases[i].parts, 0, NULL);

        CHECK_STR(json_get_str(tags_text_part(parts), "text", NULL), cases[i].text);
        json_decref(parts);
    }
    CHECK(tags_text_part(NULL) == NULL, "no parts");
}

TEST(titles_are_short_and_free_of_tags)
{
    static const struct {
        const char *text, *title;
    } cases[] = {
        {"Hello", "Hello"},
        {"", ""},
        {"  a \n\t b  ", "a b"},
        {"<enable_deep_thinking>true</enable_deep_thinking>Hello", "Hello"},
        {"Use <skill>pdf</skill> now", "Use now"},
        {"<available_skills>\n<skill>x</skill>\n</available_skills>go", "go"},
        {"see <b>bold</b> text", "see bold text"},
        {"1 < 2 and 3 > 2", "1 < 2 and 3 > 2"},
        {"<3 you", "<3 you"},
        {"<skill>never closed", "never closed"},
        {"12345678901234567890123456789012345678901234567890", "12345678901234567890123456789012345678901234567890"},
        {"12345678901234567890123456789012345678901234567890x",
         "12345678901234567890123456789012345678901234567890..."},
        {"你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好",
         "你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好你好..."},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);

        CHECK_STR(tags_title(a, cases[i].text), cases[i].title);
        arena_free(a);
    }
}

static char *repeated(arena *a, const char *piece, size_t bytes)
{
    size_t n = strlen(piece), count = bytes / n;
    char *text = arena_alloc(a, count * n + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(text + i * n, piece, n);
    text[count * n] = '\0';
    return text;
}

TEST(hostile_texts_take_no_longer_than_their_length, .limit = 60)
{
    static const char *const pieces[] = {"<skill>",
                                         "<",
                                         "<a>",
                                         "<skill></skill>",
                                         "</skill>",
                                         "<enable_plan>",
                                         "<enable_plan>1</enable_plan>",
                                         " ",
                                         "<skills><skill>"};
    arena *a = arena_new(NULL);
    int64_t start = clock_mono();
    control_tags t;

    for (size_t i = 0; i < COUNT(pieces); i++) {
        char *text = repeated(a, pieces[i], MIB(8));

        CHECK(strlen(tags_title(a, text)) <= 53 * 4, "a title");
        tags_take(a, text, &t);
        tags_take(a, arena_printf(a, "%s%s", text, repeated(a, " ", MIB(8))), &t);
    }
    CHECK(clock_mono() - start < SECONDS(40), "took %lld ms", (long long)((clock_mono() - start) / 1000000));
    arena_free(a);
}
