/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the way of a request body and of a query string into a struct: parsing, binding, and the faults that are said.
 * The first byte picks body or query.
 */
#include "net/schema.h"

#include <stdlib.h>

typedef struct {
    const char *role;
    json_t *parts;
    json_t *nested;
} item;

static const schema item_schema;
static const field item_fields[] = {
    FIELD(item, role, .required = true, .one_of = "user|assistant|tool"),
    FIELD(item, parts, .json = JSON_STRINGS_TYPE, .max = 4, .one_of = "text|image"),
    FIELD(item, nested, .json = JSON_ARRAY_TYPE, .items = &item_schema),
};
static const schema item_schema = SCHEMA(item, item_fields);

typedef struct {
    const char *name;
    int64_t page;
    double share;
    bool on;
    json_t *list;
    json_t *object;
    json_t *any;
    uint64_t given;
} target;

static const field target_fields[] = {
    FIELD(target, name, .required = true, .min = 1, .max = 8),
    FIELD(target, page, .min = 1, .max = 100, .fallback = "1"),
    FIELD(target, share, .min = -1, .max = 1, .fallback = "0.5"),
    FIELD(target, on, .not_null = true),
    FIELD(target, list, .json = JSON_ARRAY_TYPE, .items = &item_schema, .fallback = "[]"),
    FIELD(target, object, .json = JSON_OBJECT_TYPE, .items = &item_schema),
    FIELD(target, any),
};
static const schema target_schema = SCHEMA_GIVEN(target, target_fields, given);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* What binding promises: a struct within its limits, or faults that can be shown. */
static void check_outcome(arena *a, err e, const target *t, const schema_faults *faults)
{
    if (e == OK) {
        must(t->name != NULL && utf8_valid(t->name, strlen(t->name)) && *t->name != '\0');
        must(t->page >= 1 && t->page <= 100 && t->share >= -1 && t->share <= 1 && json_is_array(t->list));
        must(t->object == NULL || json_is_object(t->object));
        return;
    }
    must(e == ERR_INVALID && faults->count > 0 && faults->count <= COUNT(faults->items));
    for (size_t i = 0; i < faults->count; i++) {
        must(faults->items[i].reason != NULL);
        if (faults->items[i].input != NULL)
            json_text(a, faults->items[i].input);
        for (size_t w = 0; faults->items[i].where[w] != NULL; w++)
            must(w < COUNT(faults->items[i].where) - 1);
    }
}

static void bind_body(arena *a, str text)
{
    schema_faults faults;
    json_fault fault;
    json_t *body;
    void *out = NULL;

    if (json_parse(a, text.p, text.len, &fault, &body) != OK)
        return;

    err e = schema_bind(a, &target_schema, body, &faults, &out);

    check_outcome(a, e, out, &faults);
}

static void bind_query(arena *a, str text)
{
    query_pair pairs[32];
    schema_faults faults;
    size_t n = 0;
    void *out = NULL;
    str one;

    while (n < COUNT(pairs) && str_next(&text, '&', &one)) {
        str rest = one, name;
        char *key = NULL, *value = NULL;

        if (!str_next(&rest, '=', &name) || !percent_decode(a, name, true, &key) ||
            !percent_decode(a, rest, true, &value))
            continue;
        pairs[n++] = (query_pair){key, value};
    }

    err e = schema_bind_query(a, &target_schema, pairs, n, &faults, &out);

    check_outcome(a, e, out, &faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena *a;
    str text;

    if (size == 0)
        return 0;
    a = arena_new(NULL);
    text = (str){arena_strndup(a, (const char *)data + 1, size - 1), size - 1};
    if (data[0] == '?')
        bind_query(a, text);
    else
        bind_body(a, text);
    arena_free(a);
    return 0;
}
