/* SPDX-License-Identifier: MIT */
/* Request schemas as JSON Schema (2020-12), for the documentation; see schema.h. */
#include "net/schema.h"

/* A schema may contain itself: below this depth only "object" is said. */
enum { DEPTH_MAX = 6 };

static json_t *describe_object(const schema *sc, size_t depth);

static json_t *typed(const char *type)
{
    json_t *v = json_object();

    json_set_str(v, "type", type);
    return v;
}

static void add_choices(json_t *v, const char *one_of)
{
    json_t *list = json_array();
    str rest = str_of(one_of), one;

    while (str_next(&rest, '|', &one))
        json_array_append_new(list, json_stringn(one.p, one.len));
    json_set(v, "enum", list);
}

/* Limits are whole numbers for lengths and counts; for numbers they are written as they are. */
static void add_limit(json_t *v, const char *key, double limit, bool whole)
{
    if (whole || limit == (double)(int64_t)limit)
        json_set_int(v, key, (int64_t)limit);
    else
        json_set_num(v, key, limit);
}

static void add_range(json_t *v, const field *f, const char *min_key, const char *max_key)
{
    bool whole = f->kind != F_NUMBER;

    if (f->min == 0 && f->max == 0)
        return;
    if (f->min != 0 || !whole)
        add_limit(v, min_key, f->min, whole);
    if (f->max >= f->min)
        add_limit(v, max_key, f->max, whole);
}

static void add_fallback(json_t *v, const field *f)
{
    json_t *value = NULL;

    if (f->fallback == NULL)
        return;
    value = f->kind == F_STRING ? json_string(f->fallback)
                                : json_loads(f->fallback, JSON_DECODE_ANY, NULL); /* NULL for "yes" */
    if (value != NULL)
        json_set(v, "default", value);
}

static json_t *describe_array(const field *f, size_t depth)
{
    json_t *v = typed("array"), *items;

    if (f->json == JSON_STRINGS_TYPE) {
        items = typed("string");
        if (f->one_of != NULL)
            add_choices(items, f->one_of);
    } else {
        items = f->items != NULL ? describe_object(f->items, depth + 1) : json_object();
    }
    json_set(v, "items", items);
    add_range(v, f, "minItems", "maxItems");
    return v;
}

static json_t *describe_json(const field *f, size_t depth)
{
    switch (f->json) {
    case JSON_OBJECT_TYPE:
        return f->items != NULL ? describe_object(f->items, depth + 1) : typed("object");
    case JSON_ARRAY_TYPE:
    case JSON_STRINGS_TYPE:
        return describe_array(f, depth);
    case JSON_ANY_TYPE:
        break;
    }
    return json_object();
}

static json_t *describe_kind(const field *f, size_t depth)
{
    json_t *v = NULL;

    switch (f->kind) {
    case F_STRING:
        v = typed("string");
        add_range(v, f, "minLength", "maxLength");
        if (f->one_of != NULL)
            add_choices(v, f->one_of);
        return v;
    case F_INT:
        v = typed("integer");
        add_range(v, f, "minimum", "maximum");
        return v;
    case F_NUMBER:
        v = typed("number");
        add_range(v, f, "minimum", "maximum");
        return v;
    case F_BOOL:
        return typed("boolean");
    case F_JSON:
        break;
    }
    return describe_json(f, depth);
}

static json_t *describe_field(const field *f, size_t depth, bool nullable)
{
    json_t *v = describe_kind(f, depth);

    if (nullable && !f->required && !f->not_null && json_object_get(v, "type") != NULL) {
        json_t *either = json_object(), *list = json_array();

        json_array_append_new(list, v);
        json_array_append_new(list, typed("null"));
        json_set(either, "anyOf", list);
        v = either;
    }
    add_fallback(v, f);
    if (f->text != NULL)
        json_set_str(v, "description", f->text);
    return v;
}

static json_t *describe_object(const schema *sc, size_t depth)
{
    json_t *v = typed("object"), *properties, *required;

    if (depth > DEPTH_MAX)
        return v;
    properties = json_object();
    required = json_array();
    for (size_t i = 0; i < sc->count; i++) {
        const field *f = &sc->fields[i];

        json_set(properties, f->name, describe_field(f, depth, true));
        if (f->required)
            json_array_append_new(required, json_string(f->name));
    }
    json_set_str(v, "title", sc->name);
    json_set(v, "properties", properties);
    if (json_array_size(required) > 0)
        json_set(v, "required", required);
    else
        json_decref(required);
    return v;
}

json_t *schema_describe(const schema *sc)
{
    return describe_object(sc, 0);
}

json_t *schema_describe_field(const field *f)
{
    return describe_field(f, 0, false);
}
