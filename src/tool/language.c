/* SPDX-License-Identifier: MIT */
/*
 * Tools in the language of those who read about them: models are told in that of the conversation, lists in that of the
 * caller.  What has no translation is told in English, or as its source says it.
 */
#include "tool/internal.h"

#include <strings.h>

enum { DEPTH_MAX = 8 };

static const char *const languages[TOOL_LANGUAGES] = {"zh", "pt"};

static const char *translated(const char *owner, const char *path, size_t language)
{
    for (size_t i = 0; i < tool_texts_count; i++) {
        const tool_text *row = &tool_texts[i];

        if ((row->tool == NULL || cstr_eq(row->tool, owner)) && cstr_eq(row->path, path))
            return language == 0 ? row->zh : row->pt;
    }
    return NULL;
}

/* Changes the texts of a copy.  `prefix` is "" or "tasks."; objects in lists are gone into. */
static void translate_properties(arena *a, const char *owner, json_t *schema, const char *prefix, size_t language,
                                 int depth)
{
    const char *name;
    json_t *property;

    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        const char *path = arena_printf(a, "%s%s", prefix, name), *text = translated(owner, path, language);

        if (text != NULL)
            json_set_str(property, "description", text);
        if (depth < DEPTH_MAX)
            translate_properties(a, owner, json_object_get(property, "items"), arena_printf(a, "%s.", path), language,
                                 depth + 1);
    }
}

void tool_translate(const tool *t, tool_translation out[TOOL_LANGUAGES])
{
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < TOOL_LANGUAGES; i++) {
        out[i] = (tool_translation){.language = languages[i],
                                    .description = translated(t->name, NULL, i),
                                    .parameters = json_deep_copy(t->parameters)};
        translate_properties(a, t->name, out[i].parameters, "", i, 0);
    }
    arena_free(a);
}

static const tool_translation *in_language(const tool *t, const char *language)
{
    for (size_t i = 0; language != NULL && i < t->n_translations; i++)
        if (strncasecmp(language, t->translations[i].language, 2) == 0)
            return &t->translations[i];
    return NULL;
}

const char *tool_description(const tool *t, const char *language)
{
    const tool_translation *told = in_language(t, language);

    return told != NULL && told->description != NULL ? told->description : t->description;
}

json_t *tool_parameters(const tool *t, const char *language)
{
    const tool_translation *told = in_language(t, language);

    return told != NULL ? told->parameters : t->parameters;
}

json_t *tool_listing(const tool *t, const char *language)
{
    json_t *schema = json_deep_copy(tool_parameters(t, language)), *property;
    const char *name;

    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        json_t *own = json_object_get(json_object_get(t->parameters, "properties"), name), *all = json_object();

        if (t->n_translations == 0 || json_get_str(own, "description", NULL) == NULL) {
            json_decref(all);
            continue;
        }
        json_set_str(all, "en", json_get_str(own, "description", ""));
        for (size_t i = 0; i < t->n_translations; i++) {
            json_t *there = json_object_get(t->translations[i].parameters, "properties");

            json_set_str(all, t->translations[i].language,
                         json_get_str(json_object_get(there, name), "description", ""));
        }
        json_set(property, "description_i18n", all);
    }
    return schema;
}
