/* SPDX-License-Identifier: MIT */
/* Values against JSON Schemas; see shape.h. */
#include "base/shape.h"

/*
 * Schemas and values come from outside: what may be looked at is counted in steps, of which a schema that refers to itself, and
 * many forms over many items, cost no more than STEPS_MAX.  A step is a schema, a member, a choice, or 1 KiB of text.
 */
enum { DEPTH_MAX = 64, STEPS_MAX = 100000, NAME_CHARS = 60, SHOWN_CHARS = 200, SENTENCE_MAX = 16 << 10 };

/* Where a value is; said only when it does not fit. */
typedef struct place {
    const struct place *up; /* NULL: the value itself */
    const char *member;     /* NULL: an item */
    size_t index;
} place;

typedef struct {
    arena *a;
    const json_t *root;
    int depth;
    int trying; /* forms of anyOf and oneOf, whose faults nobody reads */
    size_t steps;
} checker;

static const char too_deep[] = "the schema or the value is nested too deeply, or too large";
static const char no_form[] = "another form";

static const char *check(checker *c, const json_t *schema, const json_t *v, const place *at);

/* False: there are no steps left. */
static bool spend(checker *c, size_t n)
{
    c->steps += MIN_OF(n, (size_t)STEPS_MAX);
    return c->steps < STEPS_MAX;
}

static size_t steps_of(const char *text)
{
    return 1 + (text != NULL ? strlen(text) / 1024 : 0);
}

/* Sentences */

static void put_cut(buf *b, const char *text, size_t chars)
{
    str all = str_of(text), shown = utf8_prefix(all, chars);

    buf_add(b, shown.p, shown.len);
    if (shown.len < all.len)
        buf_puts(b, "…");
}

static void put_place(buf *b, const place *at)
{
    if (at == NULL) {
        buf_puts(b, "the value");
        return;
    }
    put_place(b, at->up);
    if (at->member == NULL) {
        buf_printf(b, "[%zu]", at->index);
        return;
    }
    buf_putc(b, '.');
    put_cut(b, at->member, NAME_CHARS);
}

static const char *fault(checker *c, const place *at, const char *what, const char *of)
{
    buf b = BUF_INIT(SENTENCE_MAX);
    const char *sentence;

    if (c->trying > 0)
        return no_form;
    put_place(&b, at);
    buf_puts(&b, what);
    if (of != NULL)
        put_cut(&b, of, SHOWN_CHARS);
    sentence = arena_strdup(c->a, buf_str(&b));
    buf_close(&b);
    return sentence;
}

static const char *fault_json(checker *c, const place *at, const char *what, const json_t *of)
{
    const char *sentence;
    arena *a;

    if (c->trying > 0)
        return no_form;
    a = arena_new(NULL);
    sentence = fault(c, at, what, json_text(a, of));
    arena_free(a);
    return sentence;
}

/* Keywords */

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

static const char *check_type(checker *c, const json_t *type, const json_t *v, const place *at)
{
    bool fits = type == NULL || (json_is_string(type) && is_type(json_string_value(type), v));

    for (size_t i = 0; !fits && spend(c, 1) && i < json_array_size(type); i++)
        fits = is_type(json_string_value(json_array_get(type, i)), v);
    return fits ? NULL : fault_json(c, at, " is not of the type ", type);
}

/* As json_equal(), in steps. */
static bool same(checker *c, const json_t *a, const json_t *b)
{
    const char *key;
    json_t *member;
    bool equal = json_typeof(a) == json_typeof(b) && json_array_size(a) == json_array_size(b) &&
                 json_object_size(a) == json_object_size(b);

    if (!equal || !spend(c, steps_of(json_string_value(a))))
        return false;
    if (!json_is_array(a) && !json_is_object(a))
        return json_equal(a, b) == 1;
    for (size_t i = 0; equal && i < json_array_size(a); i++)
        equal = same(c, json_array_get(a, i), json_array_get(b, i));
    json_object_foreach((json_t *)(uintptr_t)a, key, member)
    {
        const json_t *other = json_object_get(b, key);

        equal = equal && other != NULL && same(c, member, other);
    }
    return equal;
}

static const char *check_choice(checker *c, const json_t *schema, const json_t *v, const place *at)
{
    const json_t *choices = json_get_arr(schema, "enum"), *one = json_object_get(schema, "const");
    bool found = choices == NULL;

    for (size_t i = 0; !found && spend(c, 1) && i < json_array_size(choices); i++)
        found = same(c, json_array_get(choices, i), v);
    if (!found)
        return fault_json(c, at, " is none of ", choices);
    if (one != NULL && !same(c, one, v))
        return fault_json(c, at, " is not ", one);
    return NULL;
}

static bool within(const json_t *schema, const char *low, const char *high, double n)
{
    return n >= json_get_num(schema, low, n) && n <= json_get_num(schema, high, n);
}

static const char *check_range(checker *c, const json_t *schema, const json_t *v, const place *at)
{
    bool fits = true;

    if (json_is_number(v)) {
        double n = json_number_value(v);

        fits = within(schema, "minimum", "maximum", n) && n > json_get_num(schema, "exclusiveMinimum", n - 1) &&
               n < json_get_num(schema, "exclusiveMaximum", n + 1);
    } else if (json_is_string(v) &&
               (json_object_get(schema, "minLength") != NULL || json_object_get(schema, "maxLength") != NULL)) {
        fits = spend(c, steps_of(json_string_value(v))) &&
               within(schema, "minLength", "maxLength", (double)utf8_count(str_of(json_string_value(v))));
    } else if (json_is_array(v)) {
        fits = within(schema, "minItems", "maxItems", (double)json_array_size(v));
    }
    return fits ? NULL : fault(c, at, " is out of range", NULL);
}

static const char *check_members(checker *c, const json_t *schema, const json_t *v, const place *at)
{
    const json_t *properties = json_get_obj(schema, "properties"), *required = json_get_arr(schema, "required");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *key, *why;
    json_t *member;

    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));

        if (!spend(c, steps_of(name)))
            return too_deep;
        if (name != NULL && json_object_get(v, name) == NULL)
            return fault(c, at, " has no member ", name);
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
    {
        const place in = {.up = at, .member = key};
        const json_t *of;

        if (!spend(c, steps_of(key)))
            return too_deep;
        of = json_object_get(properties, key);
        if (of == NULL && json_is_false(others))
            return fault(c, at, " has the unknown member ", key);
        if (of == NULL)
            of = others;
        if (json_is_object(of) && (why = check(c, of, member, &in)) != NULL)
            return why;
    }
    return NULL;
}

static const char *check_items(checker *c, const json_t *schema, const json_t *v, const place *at)
{
    const json_t *items = json_get_obj(schema, "items");
    const char *why;

    for (size_t i = 0; items != NULL && i < json_array_size(v); i++) {
        const place in = {.up = at, .index = i};

        if ((why = check(c, items, json_array_get(v, i), &in)) != NULL)
            return why;
    }
    return NULL;
}

/* How many of the forms fit; counted to `enough`. */
static size_t count_forms(checker *c, const json_t *forms, const json_t *v, const place *at, size_t enough)
{
    size_t fits = 0;

    c->trying++;
    for (size_t i = 0; fits < enough && i < json_array_size(forms); i++)
        fits += check(c, json_array_get(forms, i), v, at) == NULL;
    c->trying--;
    return fits;
}

static const char *check_combined(checker *c, const json_t *schema, const json_t *v, const place *at)
{
    const json_t *all = json_get_arr(schema, "allOf"), *any = json_get_arr(schema, "anyOf"),
                 *one = json_get_arr(schema, "oneOf");
    const char *why;
    size_t fits;

    for (size_t i = 0; i < json_array_size(all); i++)
        if ((why = check(c, json_array_get(all, i), v, at)) != NULL)
            return why;
    if (any == NULL && one == NULL)
        return NULL;
    fits = any != NULL ? count_forms(c, any, v, at, 1) : count_forms(c, one, v, at, 2);
    if (!spend(c, 0)) /* then a form may not fit for that alone */
        return too_deep;
    if (fits != 1)
        return fault(c, at, fits == 0 ? " fits none of its forms" : " fits more than one of its forms", NULL);
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
    while (at != NULL && spend(c, 1) && str_next(&rest, '/', &word))
        if (word.len > 0)
            at = json_object_getn(at, word.p, word.len);
    return at;
}

static const char *check(checker *c, const json_t *schema, const json_t *v, const place *at)
{
    const char *ref = json_get_str(schema, "$ref", NULL), *why = NULL;

    if (c->depth >= DEPTH_MAX || !spend(c, 1))
        return too_deep;
    if (!json_is_object(schema)) /* true, and what is no schema */
        return json_is_false(schema) ? fault(c, at, " is not allowed", NULL) : NULL;
    c->depth++;
    if (ref != NULL)
        why = check(c, referred(c, ref), v, at);
    if (why == NULL)
        why = check_type(c, json_object_get(schema, "type"), v, at);
    if (why == NULL)
        why = check_choice(c, schema, v, at);
    if (why == NULL)
        why = check_range(c, schema, v, at);
    if (why == NULL && json_is_object(v))
        why = check_members(c, schema, v, at);
    if (why == NULL && json_is_array(v))
        why = check_items(c, schema, v, at);
    if (why == NULL)
        why = check_combined(c, schema, v, at);
    c->depth--;
    return why;
}

const char *shape_fault(arena *a, const json_t *schema, const json_t *value)
{
    checker c = {.a = a, .root = schema};
    const char *why = check(&c, schema, value, NULL);

    return spend(&c, 0) ? why : too_deep;
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
