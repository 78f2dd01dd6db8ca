/* SPDX-License-Identifier: MIT */
/*
 * Arguments as models and web forms send them, made into what the tool's schema asks for.
 *
 * Names that only the server may set are dropped, nulls too; text that spells a number, a boolean, a list or an object
 * becomes one where the schema wants it.  What cannot be understood is left as it is: args_check() refuses it for built-in
 * tools, and other sources judge for themselves.
 */
#include "tool/internal.h"

#include <strings.h>

enum { COERCE_DEPTH = 8, TEXT_TO_JSON_MAX = 4 << 20 };

static const char *const server_only[] = {"session_id", "user_id", "sandbox_approval_mode", "command_policy"};

static bool is_server_only(const char *name)
{
    for (size_t i = 0; i < COUNT(server_only); i++)
        if (cstr_eq(server_only[i], name))
            return true;
    return false;
}

const char *arg_str(const json_t *args, const char *name, const char *fallback)
{
    return json_get_str(args, name, fallback);
}

static json_t *from_json_text(const char *text, size_t len, json_type wanted)
{
    arena *a;
    json_t *v, *copy = NULL;

    if (len > TEXT_TO_JSON_MAX)
        return NULL;
    a = arena_new(NULL);
    if (json_parse(a, text, len, NULL, &v) == OK && json_typeof(v) == wanted)
        copy = json_incref(v);
    arena_free(a);
    return copy;
}

static json_t *text_to_integer(str t)
{
    int64_t n;
    double d;

    if (str_to_int(t, &n))
        return json_integer(n);
    if (str_to_double(t, &d) && d < 1e15 && d > -1e15 && d == (double)(int64_t)d)
        return json_integer((int64_t)d);
    return NULL;
}

static json_t *text_to_number(str t)
{
    int64_t n;
    double d;

    if (str_to_int(t, &n))
        return json_integer(n);
    return str_to_double(t, &d) ? json_real(d) : NULL;
}

static json_t *text_to_boolean(str t)
{
    if (str_is_nocase(t, "true"))
        return json_true();
    return str_is_nocase(t, "false") ? json_false() : NULL;
}

/* NULL when the text does not spell a value of that type. */
static json_t *text_to(const char *type, const json_t *v)
{
    str t = str_trim((str){json_string_value(v), json_string_length(v)});

    if (cstr_eq(type, "integer"))
        return text_to_integer(t);
    if (cstr_eq(type, "number"))
        return text_to_number(t);
    if (cstr_eq(type, "boolean"))
        return text_to_boolean(t);
    if (cstr_eq(type, "object"))
        return from_json_text(t.p, t.len, JSON_OBJECT);
    if (cstr_eq(type, "array"))
        return from_json_text(t.p, t.len, JSON_ARRAY);
    return NULL;
}

static json_t *number_to(const char *type, const json_t *v)
{
    char text[40];
    double d = json_number_value(v);

    if (cstr_eq(type, "integer") && json_is_real(v) && d > -1e15 && d < 1e15 && d == (double)(int64_t)d)
        return json_integer((int64_t)d);
    if (!cstr_eq(type, "string"))
        return NULL;
    if (json_is_integer(v))
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else
        snprintf(text, sizeof text, "%.15g", d);
    return json_string(text);
}

/* The one value where a list is wanted: models write "url" for ["url"]. */
static json_t *in_a_list(json_t *v)
{
    json_t *list = json_array();

    json_array_append(list, v);
    return list;
}

static json_t *coerce_items(const json_t *list, const json_t *schema, int depth)
{
    json_t *out = json_array(), *item;
    size_t i;

    json_array_foreach(list, i, item) json_array_append_new(out, value_coerce(item, schema, depth));
    return out;
}

static json_t *coerce_members(const json_t *object, const json_t *properties, int depth)
{
    json_t *out = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)object, key, value)
        json_object_set_new(out, key, value_coerce(value, json_object_get(properties, key), depth));
    return out;
}

json_t *value_coerce(json_t *v, const json_t *schema, int depth)
{
    const char *type = json_get_str(schema, "type", NULL);
    json_t *made = NULL, *inner;

    if (type == NULL || depth > COERCE_DEPTH)
        return json_incref(v);
    if (json_is_string(v))
        made = text_to(type, v);
    else if (json_is_number(v))
        made = number_to(type, v);
    if (made == NULL && cstr_eq(type, "array") && !json_is_array(v) && !json_is_null(v))
        made = in_a_list(v);
    if (made == NULL)
        made = json_incref(v);
    if (json_is_array(made) && (inner = json_get_obj(schema, "items")) != NULL)
        v = coerce_items(made, inner, depth + 1);
    else if (json_is_object(made) && (inner = json_get_obj(schema, "properties")) != NULL)
        v = coerce_members(made, inner, depth + 1);
    else
        return made;
    json_decref(made);
    return v;
}

static void set_context_values(const json_t *properties, const tool_context *cx, json_t *args)
{
    const char *key;
    json_t *declared;

    json_object_foreach((json_t *)(uintptr_t)properties, key, declared)
    {
        json_t *value = json_object_get(cx->system_context, key);

        if (value != NULL && !json_is_null(value))
            json_object_set(args, key, value);
    }
    if (json_object_get(properties, "session_id") != NULL && cx->session_id != NULL)
        json_set_str(args, "session_id", cx->session_id);
    if (json_object_get(properties, "user_id") != NULL && cx->user_id != NULL)
        json_set_str(args, "user_id", cx->user_id);
}

json_t *args_prepare(const tool *t, const tool_context *cx, const json_t *given)
{
    const json_t *properties = json_object_get(t->parameters, "properties");
    json_t *args = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)given, key, value)
    {
        const json_t *schema = json_object_get(properties, key);

        if (is_server_only(key) || (json_is_null(value) && !json_get_bool(schema, "nullable", false)))
            continue;
        json_object_set_new(args, key, value_coerce(value, schema, 0));
    }
    set_context_values(properties, cx, args);
    return args;
}

static json_t *missing_failure(const json_t *required, const json_t *given, const char *names)
{
    json_t *o = json_object(), *provided = json_array(), *value;
    const char *key;
    char text[1024];

    json_object_foreach((json_t *)(uintptr_t)given, key, value) json_array_append_new(provided, json_string(key));
    snprintf(text, sizeof text, "Missing required parameters: %s", names);
    json_set_bool(o, "success", false);
    json_set_str(o, "status", "error");
    json_set_str(o, "error", text);
    json_set(o, "required_params", json_deep_copy(required));
    json_set(o, "provided_params", provided);
    return o;
}

static json_t *check_required(const tool *t, const json_t *given, const json_t *args)
{
    json_t *required = json_object_get(t->parameters, "required"), *item;
    char names[960];
    size_t i, len = 0;

    names[0] = '\0';
    json_array_foreach(required, i, item)
    {
        const char *name = json_string_value(item);

        if (name == NULL || is_server_only(name) || json_object_get(args, name) != NULL)
            continue;
        if (len < sizeof names - 1)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? ", " : "", name);
    }
    return len > 0 ? missing_failure(required, given, names) : NULL;
}

static bool is_of_type(const json_t *v, const char *type)
{
    switch (json_typeof(v)) {
    case JSON_STRING:
        return cstr_eq(type, "string");
    case JSON_INTEGER:
        return cstr_eq(type, "integer") || cstr_eq(type, "number");
    case JSON_REAL:
        return cstr_eq(type, "number");
    case JSON_TRUE:
    case JSON_FALSE:
        return cstr_eq(type, "boolean");
    case JSON_ARRAY:
        return cstr_eq(type, "array");
    case JSON_OBJECT:
        return cstr_eq(type, "object");
    default:
        return false;
    }
}

static bool is_chosen_from(const json_t *v, const json_t *list)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (json_equal(item, v)) return true;
    return list == NULL;
}

static json_t *check_value(const char *name, const json_t *v, const json_t *schema)
{
    const char *type = json_get_str(schema, "type", "string");
    const json_t *choices = json_object_get(schema, "enum");

    if (json_is_null(v) && json_get_bool(schema, "nullable", false))
        return NULL;
    if (!is_of_type(v, type))
        return tool_failure("INVALID_ARGUMENT", "Parameter '%s' must be of type %s", name, type);
    if (json_is_string(v) && strlen(json_string_value(v)) != json_string_length(v))
        return tool_failure("INVALID_ARGUMENT", "Parameter '%s' contains a NUL character", name);
    if (!is_chosen_from(v, choices)) {
        json_t *o = tool_failure("INVALID_ARGUMENT", "Parameter '%s' has a value that is not one of its choices", name);

        json_set(o, "choices", json_deep_copy(choices));
        return o;
    }
    return NULL;
}

json_t *args_check(const tool *t, const json_t *given, const json_t *args)
{
    const json_t *properties = json_object_get(t->parameters, "properties");
    json_t *problem = check_required(t, given, args), *schema;
    const char *key;

    if (problem != NULL || t->kind != TOOL_BUILTIN)
        return problem;
    json_object_foreach((json_t *)(uintptr_t)properties, key, schema)
    {
        const json_t *v = json_object_get(args, key);

        if (v != NULL && (problem = check_value(key, v, schema)) != NULL)
            return problem;
    }
    return NULL;
}
