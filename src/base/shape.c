/* SPDX-License-Identifier: MIT */
/* Values against JSON Schemas; see shape.h. */
#include "base/shape.h"

enum { DEPTH_MAX = 64, STEPS_MAX = 200000 };

typedef struct {
    arena *a;
    const json_t *root;
    int depth;
    int steps; /* schemas that refer to themselves cost no more than that */
} checker;

static const char *check(checker *c, const json_t *schema, const json_t *v, const char *at);

static bool is_type(const char *type, const json_t *v)
{
    if (cstr_eq(type, "object"))
        return json_is_object(v);
    if (cstr_eq(type, "array"))
        return json_is_array(v);
    if (cstr_eq(type, "string"))
        return json_is_string(v);
    if (cstr_eq(type, "boolean"))
        return json_is_boolean(v);
    if (cstr_eq(type, "null"))
        return json_is_null(v);
    if (cstr_eq(type, "number"))
        return json_is_number(v);
    if (cstr_eq(type, "integer"))
        return json_is_integer(v) || (json_is_real(v) && json_real_value(v) > -9e15 && json_real_value(v) < 9e15 &&
                                      json_real_value(v) == (double)(int64_t)json_real_value(v));
    return true;
}

static const char *check_type(checker *c, const json_t *type, const json_t *v, const char *at)
{
    bool fits = type == NULL || (json_is_string(type) && is_type(json_string_value(type), v));

    for (size_t i = 0; !fits && i < json_array_size(type); i++)
        fits = is_type(json_string_value(json_array_get(type, i)), v);
    return fits ? NULL : arena_printf(c->a, "%s is not of the type %s", at, json_text(c->a, type));
}

static const char *check_choice(checker *c, const json_t *schema, const json_t *v, const char *at)
{
    const json_t *choices = json_get_arr(schema, "enum"), *one = json_object_get(schema, "const");
    bool found = choices == NULL;

    for (size_t i = 0; !found && i < json_array_size(choices); i++)
        found = json_equal(json_array_get(choices, i), v) == 1;
    if (!found)
        return arena_printf(c->a, "%s is none of %s", at, json_text(c->a, choices));
    if (one != NULL && json_equal(one, v) != 1)
        return arena_printf(c->a, "%s is not %s", at, json_text(c->a, one));
    return NULL;
}

static bool within(const json_t *schema, const char *low, const char *high, double n)
{
    return n >= json_get_num(schema, low, n) && n <= json_get_num(schema, high, n);
}

static const char *check_range(checker *c, const json_t *schema, const json_t *v, const char *at)
{
    bool fits = true;

    if (json_is_number(v)) {
        double n = json_number_value(v);

        fits = within(schema, "minimum", "maximum", n) && n > json_get_num(schema, "exclusiveMinimum", n - 1) &&
               n < json_get_num(schema, "exclusiveMaximum", n + 1);
    } else if (json_is_string(v)) {
        fits = within(schema, "minLength", "maxLength", (double)utf8_count(str_of(json_string_value(v))));
    } else if (json_is_array(v)) {
        fits = within(schema, "minItems", "maxItems", (double)json_array_size(v));
    }
    return fits ? NULL : arena_printf(c->a, "%s is out of range", at);
}

static const char *check_members(checker *c, const json_t *schema, const json_t *v, const char *at)
{
    const json_t *properties = json_get_obj(schema, "properties"), *required = json_get_arr(schema, "required");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *key, *fault;
    json_t *member;

    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));

        if (name != NULL && json_object_get(v, name) == NULL)
            return arena_printf(c->a, "%s has no member %s", at, name);
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
    {
        const json_t *of = json_object_get(properties, key);

        if (of == NULL && json_is_false(others))
            return arena_printf(c->a, "%s has the unknown member %s", at, key);
        if (of == NULL)
            of = others;
        if (json_is_object(of) && (fault = check(c, of, member, arena_printf(c->a, "%s.%s", at, key))) != NULL)
            return fault;
    }
    return NULL;
}

static const char *check_items(checker *c, const json_t *schema, const json_t *v, const char *at)
{
    const json_t *items = json_get_obj(schema, "items");
    const char *fault;

    for (size_t i = 0; items != NULL && i < json_array_size(v); i++)
        if ((fault = check(c, items, json_array_get(v, i), arena_printf(c->a, "%s[%zu]", at, i))) != NULL)
            return fault;
    return NULL;
}

static const char *check_combined(checker *c, const json_t *schema, const json_t *v, const char *at)
{
    const json_t *all = json_get_arr(schema, "allOf"), *any = json_get_arr(schema, "anyOf"),
                 *one = json_get_arr(schema, "oneOf");
    const char *fault;
    size_t fits = 0;

    for (size_t i = 0; i < json_array_size(all); i++)
        if ((fault = check(c, json_array_get(all, i), v, at)) != NULL)
            return fault;
    if (any == NULL && one == NULL)
        return NULL;
    for (size_t i = 0; i < json_array_size(any != NULL ? any : one); i++)
        fits += check(c, json_array_get(any != NULL ? any : one, i), v, at) == NULL;
    if (fits == 0 || (any == NULL && fits > 1))
        return arena_printf(c->a, "%s fits %s of its forms", at, fits == 0 ? "none" : "more than one");
    return NULL;
}

/* "#/$defs/name": NULL when it leads nowhere. */
static const json_t *referred(checker *c, const char *ref)
{
    const json_t *at = c->root;
    str rest = str_of(ref), word;

    if (!cstr_starts(ref, "#"))
        return NULL;
    rest = (str){rest.p + 1, rest.len - 1};
    while (at != NULL && str_next(&rest, '/', &word))
        if (word.len > 0)
            at = json_object_get(at, str_dup(c->a, word));
    return at;
}

static const char *check(checker *c, const json_t *schema, const json_t *v, const char *at)
{
    const char *ref = json_get_str(schema, "$ref", NULL), *fault = NULL;

    if (!json_is_object(schema)) /* true, and what is no schema */
        return json_is_false(schema) ? arena_printf(c->a, "%s is not allowed", at) : NULL;
    if (c->depth >= DEPTH_MAX || c->steps >= STEPS_MAX)
        return "the schema or the value is nested too deeply";
    c->depth++;
    c->steps++;
    if (ref != NULL)
        fault = check(c, referred(c, ref), v, at);
    if (fault == NULL)
        fault = check_type(c, json_object_get(schema, "type"), v, at);
    if (fault == NULL)
        fault = check_choice(c, schema, v, at);
    if (fault == NULL)
        fault = check_range(c, schema, v, at);
    if (fault == NULL && json_is_object(v))
        fault = check_members(c, schema, v, at);
    if (fault == NULL && json_is_array(v))
        fault = check_items(c, schema, v, at);
    if (fault == NULL)
        fault = check_combined(c, schema, v, at);
    c->depth--;
    return fault;
}

const char *shape_fault(arena *a, const json_t *schema, const json_t *value)
{
    checker c = {.a = a, .root = schema};

    return check(&c, schema, value, "the value");
}

/* Finding */

static json_t *parse(arena *a, str text)
{
    json_t *v;

    return json_parse(a, text.p, text.len, NULL, &v) == OK ? v : NULL;
}

static json_t *between(arena *a, str text, char open, char close)
{
    const char *first = memchr(text.p, open, text.len), *last = memrchr(text.p, close, text.len);

    return first != NULL && last != NULL && last > first ? parse(a, (str){first, (size_t)(last - first) + 1}) : NULL;
}

json_t *shape_find_json(arena *a, const char *text)
{
    str all = str_trim(str_of(text));
    json_t *v = parse(a, all), *list;

    if (v != NULL || all.len == 0)
        return v;
    v = between(a, all, '{', '}');
    list = between(a, all, '[', ']');
    if (v == NULL || (list != NULL && memchr(all.p, '[', all.len) < memchr(all.p, '{', all.len)))
        return list != NULL ? list : v;
    return v;
}
