/* SPDX-License-Identifier: MIT */
/* Request schemas: binding JSON and query pairs to structs; see schema.h.  Descriptions are in schema_describe.c. */
#include "net/schema.h"

#include <assert.h>
#include <math.h>

/* Deeper nesting of schemas than this is not looked into; a schema may contain itself. */
enum { NESTING_MAX = 8, WHERE_MAX = COUNT(((schema_fault *)0)->where) - 1 };

/* Doubles beyond this no longer hold every integer. */
#define EXACT_MAX 9007199254740992.0

typedef struct {
    const char *key; /* NULL: an item */
    size_t index;
} step;

typedef struct {
    arena *a;
    schema_faults *faults;
    step path[NESTING_MAX * 2 + 2];
    size_t depth;
    size_t nesting;
} binder;

static void check_object(binder *b, const schema *sc, const json_t *object);

static void enter(binder *b, const char *key, size_t index)
{
    assert(b->depth < COUNT(b->path));
    b->path[b->depth++] = (step){key, index};
}

static void leave(binder *b)
{
    b->depth--;
}

static const char *expected_of(const field *f)
{
    switch (f->kind) {
    case F_STRING:
        return "string";
    case F_INT:
        return "integer";
    case F_NUMBER:
        return "number";
    case F_BOOL:
        return "boolean";
    case F_JSON:
        break;
    }
    if (f->json == JSON_OBJECT_TYPE)
        return "object";
    return f->json == JSON_ANY_TYPE ? "value" : "array";
}

/* "a dotted.path.0" of the present place, for sentences. */
static const char *path_text(binder *b)
{
    buf *text = buf_new(b->a, 1024);

    for (size_t i = 0; i < b->depth; i++) {
        if (i > 0)
            buf_putc(text, '.');
        if (b->path[i].key != NULL)
            buf_puts(text, b->path[i].key);
        else
            buf_printf(text, "%zu", b->path[i].index);
    }
    return b->depth > 0 ? buf_str(text) : "the body";
}

static const char *range_reason(binder *b, const schema_fault *ft)
{
    const char *most = ft->low ? "at least" : "at most";
    const char *place = path_text(b);

    if (ft->field->kind == F_STRING)
        return arena_printf(b->a, "%s must have %s %.0f characters", place, most, ft->limit);
    if (ft->field->kind == F_JSON)
        return arena_printf(b->a, "%s must have %s %.0f items", place, most, ft->limit);
    return arena_printf(b->a, "%s must be %s %.15g", place, most, ft->limit);
}

static const char *reason_of(binder *b, const schema_fault *ft)
{
    switch (ft->kind) {
    case FAULT_MISSING:
        return arena_printf(b->a, "%s is required", path_text(b));
    case FAULT_NULL:
        return arena_printf(b->a, "%s must not be null", path_text(b));
    case FAULT_CHOICE:
        return arena_printf(b->a, "%s must be one of %s", path_text(b), ft->field->one_of);
    case FAULT_RANGE:
        return range_reason(b, ft);
    case FAULT_TYPE:
    case FAULT_SYNTAX:
        break;
    }
    return arena_printf(b->a, "%s must be of type %s", path_text(b), ft->expected);
}

/* Records what `ft` says about the present place. */
static void add_fault(binder *b, schema_fault ft)
{
    schema_fault *slot;
    size_t steps = MIN_OF(b->depth, (size_t)WHERE_MAX);

    if (b->faults->count == COUNT(b->faults->items))
        return;
    for (size_t i = 0; i < steps; i++)
        ft.where[i] = b->path[i].key != NULL ? b->path[i].key : arena_printf(b->a, "%zu", b->path[i].index);
    ft.where[steps] = NULL;
    ft.reason = reason_of(b, &ft);
    slot = &b->faults->items[b->faults->count++];
    *slot = ft;
}

static void wrong_type(binder *b, const field *f, const char *expected, const json_t *input)
{
    add_fault(b, (schema_fault){.kind = FAULT_TYPE, .field = f, .expected = expected, .input = input});
}

/* `max` below `min` stands for "no upper limit", so that `.min = 1` alone means what it says. */
static void check_range(binder *b, const field *f, double n, const json_t *input)
{
    schema_fault ft = {.kind = FAULT_RANGE, .field = f, .expected = expected_of(f), .input = input};

    if (f->min == 0 && f->max == 0)
        return;
    if (n < f->min) {
        ft.low = true;
        ft.limit = f->min;
    } else if (f->max >= f->min && n > f->max) {
        ft.limit = f->max;
    } else {
        return;
    }
    add_fault(b, ft);
}

static void check_choice(binder *b, const field *f, const json_t *input)
{
    str rest = str_of(f->one_of), one;
    str value = {json_string_value(input), json_string_length(input)};

    if (f->one_of == NULL)
        return;
    while (str_next(&rest, '|', &one))
        if (str_eq(one, value))
            return;
    add_fault(b, (schema_fault){.kind = FAULT_CHOICE, .field = f, .expected = expected_of(f), .input = input});
}

/* An integer, also one written as 5.0. */
static bool integer_of(const json_t *v, int64_t *out)
{
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return true;
    }
    if (!json_is_real(v))
        return false;

    double d = json_real_value(v);

    if (!(fabs(d) <= EXACT_MAX) || floor(d) != d)
        return false;
    *out = (int64_t)d;
    return true;
}

static void check_items(binder *b, const field *f, json_t *array)
{
    size_t n = json_array_size(array);

    check_range(b, f, (double)n, array);
    for (size_t i = 0; i < n && b->faults->count < COUNT(b->faults->items); i++) {
        const json_t *item = json_array_get(array, i);

        enter(b, NULL, i);
        if (f->json == JSON_STRINGS_TYPE && !json_is_string(item))
            wrong_type(b, f, "string", item);
        else if (f->json == JSON_STRINGS_TYPE)
            check_choice(b, f, item);
        else if (f->items != NULL)
            check_object(b, f->items, item);
        leave(b);
    }
}

static void bind_json(binder *b, const field *f, json_t *v, void *slot)
{
    bool array_wanted = f->json == JSON_ARRAY_TYPE || f->json == JSON_STRINGS_TYPE;

    if ((array_wanted && !json_is_array(v)) || (f->json == JSON_OBJECT_TYPE && !json_is_object(v))) {
        wrong_type(b, f, expected_of(f), v);
        return;
    }
    if (json_is_array(v))
        check_items(b, f, v);
    else if (json_is_object(v) && f->items != NULL)
        check_object(b, f->items, v);
    if (slot != NULL)
        *(json_t **)slot = v;
}

/* Checks one value that is not null, and stores it when there is a slot for it. */
static void bind_value(binder *b, const field *f, json_t *v, void *slot)
{
    size_t before = b->faults->count;
    int64_t n = 0;

    switch (f->kind) {
    case F_STRING:
        if (!json_is_string(v)) {
            wrong_type(b, f, "string", v);
            return;
        }
        if (f->min != 0 || f->max != 0)
            check_range(b, f, (double)utf8_count((str){json_string_value(v), json_string_length(v)}), v);
        if (b->faults->count == before)
            check_choice(b, f, v);
        if (slot != NULL)
            *(const char **)slot = json_string_value(v);
        return;
    case F_INT:
        if (!integer_of(v, &n)) {
            wrong_type(b, f, "integer", v);
            return;
        }
        check_range(b, f, (double)n, v);
        if (slot != NULL)
            *(int64_t *)slot = n;
        return;
    case F_NUMBER:
        if (!json_is_number(v)) {
            wrong_type(b, f, "number", v);
            return;
        }
        check_range(b, f, json_number_value(v), v);
        if (slot != NULL)
            *(double *)slot = json_number_value(v);
        return;
    case F_BOOL:
        if (!json_is_boolean(v)) {
            wrong_type(b, f, "boolean", v);
            return;
        }
        if (slot != NULL)
            *(bool *)slot = json_is_true(v);
        return;
    case F_JSON:
        bind_json(b, f, v, slot);
        return;
    }
}

static bool bool_of(str text, bool *out)
{
    static const char *const yes[] = {"true", "1", "yes", "on", "t", "y"};
    static const char *const no[] = {"false", "0", "no", "off", "f", "n"};

    for (size_t i = 0; i < COUNT(yes); i++) {
        if (str_is_nocase(text, yes[i]) || str_is_nocase(text, no[i])) {
            *out = str_is_nocase(text, yes[i]);
            return true;
        }
    }
    return false;
}

/* A fallback is our own text: that it fits is checked by whoever runs the route once. */
static void set_fallback(binder *b, const field *f, void *slot)
{
    bool fits = true;
    str text = str_of(f->fallback);

    switch (f->kind) {
    case F_STRING:
        *(const char **)slot = f->fallback;
        break;
    case F_INT:
        fits = str_to_int(text, slot);
        break;
    case F_NUMBER:
        fits = str_to_double(text, slot);
        break;
    case F_BOOL:
        fits = bool_of(text, slot);
        break;
    case F_JSON:
        fits = json_parse(b->a, text.p, text.len, NULL, slot) == OK;
        break;
    }
    assert(fits);
    (void)fits;
}

/* One member that may be absent or null.  Without `slot` it is only checked. */
static void bind_member(binder *b, const field *f, const json_t *object, json_t *v, void *slot)
{
    enter(b, f->name, 0);
    if (v == NULL && f->required)
        add_fault(b, (schema_fault){.kind = FAULT_MISSING, .field = f, .expected = expected_of(f), .input = object});
    else if (json_is_null(v) && (f->required || f->not_null))
        add_fault(b, (schema_fault){.kind = FAULT_NULL, .field = f, .expected = expected_of(f), .input = v});
    else if (v != NULL && !json_is_null(v))
        bind_value(b, f, v, slot);
    else if (slot != NULL && f->fallback != NULL)
        set_fallback(b, f, slot);
    leave(b);
}

static void check_object(binder *b, const schema *sc, const json_t *object)
{
    if (!json_is_object(object)) {
        add_fault(b, (schema_fault){.kind = FAULT_TYPE, .expected = "object", .input = object});
        return;
    }
    if (b->nesting == NESTING_MAX)
        return;
    b->nesting++;
    for (size_t i = 0; i < sc->count; i++)
        bind_member(b, &sc->fields[i], object, json_object_get(object, sc->fields[i].name), NULL);
    b->nesting--;
}

static void mark_given(const schema *sc, void *target, size_t index)
{
    if (sc->given_at != SIZE_MAX && index < 64)
        *(uint64_t *)(void *)((char *)target + sc->given_at) |= UINT64_C(1) << index;
}

err schema_bind(arena *a, const schema *sc, json_t *body, schema_faults *faults, void **out)
{
    binder b = {.a = a, .faults = faults, .nesting = 1};
    void *target = arena_zalloc(a, 1, sc->size);

    faults->count = 0;
    if (body == NULL)
        add_fault(&b, (schema_fault){.kind = FAULT_MISSING, .expected = "object"});
    else if (!json_is_object(body))
        add_fault(&b, (schema_fault){.kind = FAULT_TYPE, .expected = "object", .input = body});
    else
        for (size_t i = 0; i < sc->count; i++) {
            const field *f = &sc->fields[i];
            json_t *v = json_object_get(body, f->name);

            if (v != NULL)
                mark_given(sc, target, i);
            bind_member(&b, f, body, v, (char *)target + f->at);
        }
    if (faults->count > 0)
        return ERR_INVALID;
    *out = target;
    return OK;
}

/* All values of a repeated parameter as an array of strings; NULL when one is not UTF-8. */
static json_t *list_of(arena *a, const field *f, const query_pair *pairs, size_t n)
{
    json_t *list = json_hold(a, json_array());

    for (size_t i = 0; i < n; i++) {
        if (!cstr_eq(pairs[i].name, f->name))
            continue;
        if (json_array_append_new(list, json_string(pairs[i].value)) < 0)
            return NULL;
    }
    return list;
}

/* The text of a parameter as the JSON value that its field wants; NULL when it is none. */
static json_t *value_of(arena *a, const field *f, const char *text)
{
    json_t *v = NULL;
    int64_t n;
    double d;
    bool yes;

    switch (f->kind) {
    case F_STRING:
        v = json_string(text);
        break;
    case F_INT:
        v = str_to_int(str_trim(str_of(text)), &n) ? json_integer(n) : NULL;
        break;
    case F_NUMBER:
        v = str_to_double(str_trim(str_of(text)), &d) && isfinite(d) ? json_real(d) : NULL;
        break;
    case F_BOOL:
        v = bool_of(str_trim(str_of(text)), &yes) ? json_boolean(yes) : NULL;
        break;
    case F_JSON:
        return json_parse(a, text, strlen(text), NULL, &v) == OK ? v : NULL;
    }
    return v != NULL ? json_hold(a, v) : NULL;
}

static const query_pair *pair_of(const field *f, const query_pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cstr_eq(pairs[i].name, f->name))
            return &pairs[i];
    return NULL;
}

static void bind_pair(binder *b, const field *f, const query_pair *pairs, size_t n, void *slot)
{
    const query_pair *pair = pair_of(f, pairs, n);
    bool list = f->kind == F_JSON && (f->json == JSON_ARRAY_TYPE || f->json == JSON_STRINGS_TYPE);
    json_t *v;

    if (pair == NULL) {
        bind_member(b, f, NULL, NULL, slot);
        return;
    }
    v = list ? list_of(b->a, f, pairs, n) : value_of(b->a, f, pair->value);
    if (v != NULL) {
        bind_member(b, f, NULL, v, slot);
        return;
    }
    enter(b, f->name, 0);
    v = json_string(pair->value); /* NULL when it is not UTF-8 */
    wrong_type(b, f, expected_of(f), v != NULL ? json_hold(b->a, v) : NULL);
    leave(b);
}

err schema_bind_query(arena *a, const schema *sc, const query_pair *pairs, size_t n, schema_faults *faults, void **out)
{
    binder b = {.a = a, .faults = faults, .nesting = 1};
    void *target = arena_zalloc(a, 1, sc->size);

    faults->count = 0;
    for (size_t i = 0; i < sc->count; i++) {
        const field *f = &sc->fields[i];

        if (pair_of(f, pairs, n) != NULL)
            mark_given(sc, target, i);
        bind_pair(&b, f, pairs, n, (char *)target + f->at);
    }
    if (faults->count > 0)
        return ERR_INVALID;
    *out = target;
    return OK;
}
