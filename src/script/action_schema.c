/* SPDX-License-Identifier: MIT */
/* From input fields to the JSON schema of a tool, and the check against it; see action.h. */
#include "base/shape.h"
#include "base/slug.h"
#include "model/input_field.h"
#include "script/action.h"

static json_t *choices_of(const json_t *f)
{
    const json_t *options = json_get_arr(f, "options");
    json_t *list;

    if (json_array_size(options) == 0 || json_get_str(f, "contextActionId", NULL) != NULL)
        return NULL;
    list = json_array();
    for (size_t i = 0; i < json_array_size(options); i++)
        json_array_append_new(list, json_str(json_get_str(json_array_get(options, i), "value", "")));
    return list;
}

static json_t *of_type(const char *type)
{
    json_t *o = json_object();

    json_set_str(o, "type", type);
    return o;
}

static json_t *list_of(json_t *item, bool many)
{
    json_t *o;

    if (!many)
        return item;
    o = of_type("array");
    json_set(o, "items", item);
    return o;
}

static json_t *object_schema(arena *a, const json_t *f)
{
    const char *text = json_get_str(f, "jsonSchema", NULL);
    json_t *v;

    if (text != NULL && json_parse(a, text, strlen(text), NULL, &v) == OK && json_is_object(v))
        return json_deep_copy(v);
    return of_type("object");
}

static json_t *value_schema(arena *a, const json_t *f)
{
    const char *type = json_get_str(f, "type", "TEXT");
    bool many = json_get_bool(f, "allowMultiSelect", false);
    json_t *o, *choices;

    if (cstr_eq(type, "NUMBER"))
        return of_type("number");
    if (cstr_eq(type, "BOOLEAN"))
        return of_type("boolean");
    if (cstr_eq(type, "OBJECT"))
        return object_schema(a, f);
    o = of_type("string");
    choices = cstr_eq(type, "SELECT") ? choices_of(f) : NULL;
    if (choices != NULL)
        json_set(o, "enum", choices);
    return list_of(o, many && (cstr_eq(type, "SELECT") || cstr_eq(type, "FILE")));
}

static const char *description_of(arena *a, const json_t *f)
{
    const char *text = json_get_str(f, "description", ""), *example = json_get_str(f, "placeholder", NULL);
    const char *label = json_get_str(f, "label", ""), *type = json_get_str(f, "type", ""), *hint = "";

    if (cstr_eq(type, "FILE"))
        hint = " (a file: its name, or attachment/ID/name)";
    if (cstr_blank(text))
        text = label;
    if (cstr_blank(example))
        return arena_printf(a, "%s%s", text, hint);
    return arena_printf(a, "%s%s (for example: %s)", text, hint, example);
}

json_t *action_parameters(const char *input_fields)
{
    json_t *o = of_type("object"), *properties = json_object(), *required = json_array();
    arena *a = arena_new(NULL);
    json_t *fields = input_fields_parse(a, input_fields);

    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *f = json_array_get(fields, i);
        const char *name = slug_camel(a, json_get_str(f, "slug", ""));
        json_t *value = value_schema(a, f);

        if (json_object_get(value, "description") == NULL)
            json_set_str(value, "description", description_of(a, f));
        json_set(properties, name, value);
        if (json_get_bool(f, "required", false))
            json_array_append_new(required, json_string(name));
    }
    json_set(o, "properties", properties);
    json_set(o, "required", required);
    arena_free(a);
    return o;
}

/* Checking */

static bool fits_type(const json_t *v, const char *type)
{
    if (cstr_eq(type, "string"))
        return json_is_string(v);
    if (cstr_eq(type, "number") || cstr_eq(type, "integer"))
        return json_is_number(v);
    if (cstr_eq(type, "boolean"))
        return json_is_boolean(v);
    if (cstr_eq(type, "array"))
        return json_is_array(v);
    return !cstr_eq(type, "object") || json_is_object(v);
}

static bool is_chosen(const json_t *choices, const json_t *v)
{
    for (size_t i = 0; i < json_array_size(choices); i++)
        if (json_equal(json_array_get(choices, i), v))
            return true;
    return choices == NULL;
}

/* The error says where, as validators do: "must be string at /queries". */
static err check_value(scope *s, const char *name, const json_t *schema, const json_t *v, const char *field_type)
{
    const char *type = json_get_str(schema, "type", "");
    const json_t *items = json_get_obj(schema, "items");
    const char *fault;

    if (cstr_eq(field_type, "VECTOR") || (cstr_eq(field_type, "FILE") && (json_is_array(v) || json_is_string(v))))
        return OK; /* one file or several, whichever the field takes */
    if (!fits_type(v, type))
        return fail_code(s, ERR_INVALID, "input.invalid", name, "must be %s at /%s", type, name);
    if (cstr_eq(field_type, "OBJECT") && (fault = shape_fault(s->arena, schema, v)) != NULL)
        return fail_code(s, ERR_INVALID, "input.invalid", name, "must fit its schema at /%s: %s", name, fault);
    if (!is_chosen(json_object_get(schema, "enum"), v))
        return fail_code(s, ERR_INVALID, "input.invalid", name, "must be one of the options at /%s", name);
    if (json_object_get(items, "enum") != NULL && json_array_size(v) > json_array_size(json_object_get(items, "enum")))
        return fail_code(s, ERR_INVALID, "input.invalid", name, "must not have more items than options at /%s", name);
    for (size_t i = 0; items != NULL && i < json_array_size(v); i++)
        if (!fits_type(json_array_get(v, i), json_get_str(items, "type", "")) ||
            !is_chosen(json_object_get(items, "enum"), json_array_get(v, i)))
            return fail_code(s, ERR_INVALID, "input.invalid", name, "must be one of the options at /%s/%zu", name, i);
    return OK;
}

/* "5" is a number and "true" a truth value where one is asked for. */
static bool spells(const char *type, const json_t *v)
{
    str text = str_of(json_string_value(v));
    double number;

    if (!json_is_string(v))
        return false;
    return cstr_eq(type, "NUMBER")
               ? str_to_double(text, &number)
               : cstr_eq(type, "BOOLEAN") && (str_is_nocase(text, "true") || str_is_nocase(text, "false"));
}

err action_check_input(scope *s, const char *input_fields, const json_t *input)
{
    const json_t *fields = input_fields_parse(s->arena, input_fields);
    const json_t *properties = json_object_get(json_hold(s->arena, action_parameters(input_fields)), "properties");

    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *f = json_array_get(fields, i), *v;
        const char *slug = json_get_str(f, "slug", ""), *name = slug_camel(s->arena, slug),
                   *type = json_get_str(f, "type", "");

        v = json_object_get(input, slug);
        if (v == NULL)
            v = json_object_get(input, name);
        if (v == NULL)
            v = json_object_get(input, json_get_str(f, "label", ""));
        if (v == NULL || json_is_null(v)) {
            if (json_get_bool(f, "required", false))
                return fail_code(s, ERR_INVALID, "input.invalid", name, "must have required property '%s'", name);
            continue;
        }
        if (!spells(type, v))
            TRY(check_value(s, name, json_object_get(properties, name), v, type));
    }
    return OK;
}
