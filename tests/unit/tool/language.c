/* SPDX-License-Identifier: MIT */
/* Tools in Chinese and Portuguese. */
#include "fixture.h"

#include <stdlib.h>

static const char *const languages[] = {"zh", "pt"};

static bool has_row(const char *owner, const char *path)
{
    for (size_t i = 0; i < tool_texts_count; i++)
        if (cstr_eq(tool_texts[i].path, path) && (tool_texts[i].tool == NULL || cstr_eq(tool_texts[i].tool, owner)))
            return true;
    return false;
}

/* Every text of the schema is another one in both languages, and everything else in it is the same. */
static void compare(scope *s, const tool *t, const json_t *own, const json_t *told, const char *path)
{
    const char *text = json_get_str(own, "description", NULL), *there = json_get_str(told, "description", NULL), *key;
    json_t *value;

    CHECK((text == NULL) == (there == NULL), "%s: %s", t->name, path);
    if (text != NULL)
        CHECK(!cstr_blank(there) && !cstr_eq(text, there), "%s: %s is not translated", t->name, path);
    if (text != NULL)
        CHECK(has_row(t->name, path), "%s: %s", t->name, path);
    json_object_foreach(json_object_get(own, "properties"), key, value)
        compare(s, t, value, json_object_get(json_object_get(told, "properties"), key),
                *path != '\0' ? arena_printf(s->arena, "%s.%s", path, key) : key);
    if (json_is_object(json_object_get(own, "items")))
        compare(s, t, json_object_get(own, "items"), json_object_get(told, "items"), path);
    json_object_foreach((json_t *)(uintptr_t)own, key, value)
        CHECK(cstr_eq(key, "description") || cstr_eq(key, "properties") || cstr_eq(key, "items") ||
                  json_equal(value, json_object_get(told, key)),
              "%s: %s of %s changed", t->name, key, path);
    CHECK_INT(json_object_size(own), json_object_size(told));
}

FIBER_TEST(every_text_of_every_built_in_tool_is_told_in_every_language)
{
    tool_context cx = fixture_context(s);
    const tool **all;
    size_t n;

    CHECK(tool_list(s, s->arena, &cx, &all, &n) == OK && n > 10, "listed");
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < COUNT(languages); l++) {
            CHECK(!cstr_eq(tool_description(all[i], languages[l]), all[i]->description), "%s", all[i]->name);
            CHECK(has_row(all[i]->name, NULL), "%s", all[i]->name);
            compare(s, all[i], all[i]->parameters, tool_parameters(all[i], languages[l]), "");
        }
}

/* The property at "tasks.id". */
static const json_t *property_at(arena *a, const json_t *schema, const char *path)
{
    const char *dot = strchr(path, '.');
    const json_t *first = json_object_get(json_object_get(schema, "properties"),
                                          dot != NULL ? arena_strndup(a, path, (size_t)(dot - path)) : path);

    return dot == NULL ? first : property_at(a, json_object_get(first, "items"), dot + 1);
}

FIBER_TEST(no_translation_is_of_something_that_is_not_there)
{
    tool_context cx = fixture_context(s);

    for (size_t i = 0; i < tool_texts_count; i++) {
        const tool_text *row = &tool_texts[i];
        const tool *t;

        CHECK(!cstr_blank(row->zh) && !cstr_blank(row->pt) && !cstr_eq(row->zh, row->pt), "row %zu", i);
        if (row->tool == NULL)
            continue;
        CHECK(tool_find(s, s->arena, &cx, row->tool, &t) == OK && t->kind == TOOL_BUILTIN, "%s", row->tool);
        if (row->path != NULL)
            CHECK(json_get_str(property_at(s->arena, t->parameters, row->path), "description", NULL) != NULL, "%s: %s",
                  row->tool, row->path);
    }
}

FIBER_TEST(a_language_is_known_by_its_first_letters_and_english_stands_in)
{
    static const struct {
        const char *asked, *told;
    } cases[] = {{"zh", "zh"},    {"zh-CN", "zh"}, {"ZH_tw", "zh"}, {"pt-BR", "pt"}, {"en", NULL},
                 {"en-US", NULL}, {"fr", NULL},    {"", NULL},      {"z", NULL},     {NULL, NULL}};
    tool_context cx = fixture_context(s);
    tool foreign = {.name = "theirs",
                    .description = "As they say",
                    .kind = TOOL_MCP,
                    .parameters = json_hold(s->arena, json_object())};
    const tool *t;

    CHECK(tool_find(s, s->arena, &cx, "todo_write", &t) == OK, "there");
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *expected = cases[i].told == NULL ? t->description : tool_description(t, cases[i].told);

        CHECK_STR(tool_description(t, cases[i].asked), expected);
        CHECK(tool_parameters(t, cases[i].asked) == tool_parameters(t, cases[i].told), "case %zu", i);
    }
    CHECK_STR(tool_description(&foreign, "zh"), "As they say");
    CHECK(tool_parameters(&foreign, "zh") == foreign.parameters, "nobody translates what is not ours");
}

FIBER_TEST(models_are_told_in_one_language_and_lists_show_all)
{
    tool_context cx = fixture_context(s);
    const json_t *tasks, *i18n;
    json_t *spec, *list;
    const tool *t;

    CHECK(tool_find(s, s->arena, &cx, "todo_write", &t) == OK, "there");
    spec = json_hold(s->arena, tool_spec(t, "pt-BR"));
    CHECK_STR(json_get_str(json_get_obj(spec, "function"), "description", ""), tool_description(t, "pt"));
    tasks = property_at(s->arena, json_get_obj(json_get_obj(spec, "function"), "parameters"), "tasks");
    CHECK(cstr_starts(json_get_str(tasks, "description", ""), "Tarefas novas"), "%s", json_text(s->arena, tasks));
    CHECK(json_object_get(tasks, "description_i18n") == NULL, "the others would only cost tokens");

    list = json_hold(s->arena, tool_listing(t, "zh"));
    tasks = property_at(s->arena, list, "tasks");
    i18n = json_get_obj(tasks, "description_i18n");
    CHECK_STR(json_get_str(tasks, "description", ""), json_get_str(i18n, "zh", "-"));
    CHECK_INT(json_object_size(i18n), 3);
    CHECK(cstr_starts(json_get_str(i18n, "en", ""), "New tasks"), "%s", json_text(s->arena, i18n));
    CHECK(json_object_get(property_at(s->arena, t->parameters, "tasks"), "description_i18n") == NULL,
          "the schema is as it was");
}
