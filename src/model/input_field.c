/* SPDX-License-Identifier: MIT */
/* See input_field.h. */
#include "model/input_field.h"

#include "base/slug.h"

static const json_t *with_slug(const json_t *list, const char *slug)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if (cstr_eq(json_get_str(one, "slug", NULL), slug))
            return one;
    }
    return NULL;
}

static const char *free_slug(arena *a, const json_t *list, const char *label)
{
    const char *base = slug_make(a, label, "field", INPUT_FIELD_SLUG_MAX), *slug = base;

    for (size_t n = 2; with_slug(list, slug) != NULL; n++)
        slug = slug_numbered(a, base, n, INPUT_FIELD_SLUG_MAX);
    return slug;
}

static err check_schema(scope *s, const char *slug, const char *text)
{
    json_t *v;

    if (text == NULL || (json_parse(s->arena, text, strlen(text), NULL, &v) == OK && json_is_object(v)))
        return OK;
    return fail_code(s, ERR_INVALID, "field.json_schema", slug,
                     "the jsonSchema of the field %s is not the JSON text of an object", slug);
}

/* What is absent or null shows as null. */
static void copy(json_t *to, const json_t *from, const char *key)
{
    json_t *v = json_object_get(from, key);

    json_set(to, key, v != NULL ? json_deep_copy(v) : json_null());
}

static json_t *options_of(const json_t *sent)
{
    const json_t *options = json_get_arr(sent, "options");
    json_t *list;

    if (options == NULL)
        return json_null();
    list = json_array();
    for (size_t i = 0; i < json_array_size(options); i++) {
        const json_t *from = json_array_get(options, i);
        json_t *to = json_object();

        json_set_str(to, "label", json_get_str(from, "label", json_get_str(from, "value", "")));
        json_set_str(to, "value", json_get_str(from, "value", ""));
        json_array_append_new(list, to);
    }
    return list;
}

static err make_one(scope *s, const json_t *sent, const json_t *before, json_t *list)
{
    const char *label = json_get_str(sent, "label", ""), *slug = free_slug(s->arena, list, label);
    const json_t *schema_from = json_object_get(sent, "jsonSchema") != NULL ? sent : with_slug(before, slug);
    json_t *o = json_object();

    json_array_append_new(list, o);
    json_set_str(o, "slug", slug);
    json_set_str(o, "label", label);
    json_set_str(o, "type", json_get_str(sent, "type", "TEXT"));
    json_set_str(o, "description", json_get_str(sent, "description", ""));
    copy(o, sent, "placeholder");
    json_set_bool(o, "required", json_get_bool(sent, "required", false));
    json_set_int(o, "order", (int64_t)json_array_size(list) - 1);
    json_set(o, "options", options_of(sent));
    copy(o, sent, "allowMultiSelect");
    copy(o, sent, "contextActionId");
    copy(o, schema_from, "jsonSchema");
    return check_schema(s, slug, json_get_str(o, "jsonSchema", NULL));
}

err input_fields_make(scope *s, const json_t *sent, const json_t *before, json_t **out)
{
    json_t *list = json_hold(s->arena, json_array());

    for (size_t i = 0; i < json_array_size(sent); i++)
        TRY(make_one(s, json_array_get(sent, i), before, list));
    *out = list;
    return OK;
}

json_t *input_fields_parse(arena *a, const char *text)
{
    json_t *v;

    if (text != NULL && json_parse(a, text, strlen(text), NULL, &v) == OK && json_is_array(v))
        return v;
    return json_hold(a, json_array());
}
