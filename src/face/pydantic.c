/* SPDX-License-Identifier: MIT */
/*
 * Schema faults in pydantic's words.
 */
#include "face/pydantic.h"

#include <inttypes.h>
#include <math.h>

enum { ECHO_MAX = 16 << 10 }; /* bytes of an input that is sent back */

typedef struct {
    const char *type;
    const char *msg;
    json_t *ctx; /* new reference, or NULL */
} item;

/* Numbers without a fraction are integers in messages and in ctx. */
static json_t *number(double n)
{
    return n == floor(n) && fabs(n) < 1e15 ? json_integer((json_int_t)n) : json_real(n);
}

static json_t *ctx_of(const char *key, json_t *value)
{
    json_t *o = json_object();

    json_set(o, key, value);
    return o;
}

static item wrong_type(const schema_fault *f)
{
    bool text = json_is_string(f->input);

    if (cstr_eq(f->expected, "string"))
        return (item){"string_type", "Input should be a valid string", NULL};
    if (cstr_eq(f->expected, "integer")) {
        if (text)
            return (item){"int_parsing", "Input should be a valid integer, unable to parse string as an integer", NULL};
        if (json_is_real(f->input))
            return (item){"int_from_float", "Input should be a valid integer, got a number with a fractional part",
                          NULL};
        return (item){"int_type", "Input should be a valid integer", NULL};
    }
    if (cstr_eq(f->expected, "number"))
        return text
                   ? (item){"float_parsing", "Input should be a valid number, unable to parse string as a number", NULL}
                   : (item){"float_type", "Input should be a valid number", NULL};
    if (cstr_eq(f->expected, "boolean"))
        return text || json_is_integer(f->input)
                   ? (item){"bool_parsing", "Input should be a valid boolean, unable to interpret input", NULL}
                   : (item){"bool_type", "Input should be a valid boolean", NULL};
    if (cstr_eq(f->expected, "array"))
        return (item){"list_type", "Input should be a valid list", NULL};
    if (f->field == NULL || f->field->items != NULL)
        return (item){"model_attributes_type", "Input should be a valid dictionary or object to extract fields from",
                      NULL};
    return (item){"dict_type", "Input should be a valid dictionary", NULL};
}

static item wrong_length(arena *a, const schema_fault *f)
{
    int64_t n = (int64_t)f->limit;

    return (item){f->low ? "string_too_short" : "string_too_long",
                  arena_printf(a, "String should have at %s %" PRId64 " character%s", f->low ? "least" : "most", n,
                               n == 1 ? "" : "s"),
                  ctx_of(f->low ? "min_length" : "max_length", json_integer(n))};
}

static item wrong_count(arena *a, const schema_fault *f)
{
    int64_t n = (int64_t)f->limit, have = (int64_t)json_array_size(f->input);
    json_t *ctx = ctx_of("field_type", json_string("List"));

    json_set_int(ctx, f->low ? "min_length" : "max_length", n);
    json_set_int(ctx, "actual_length", have);
    return (item){f->low ? "too_short" : "too_long",
                  arena_printf(a, "List should have at %s %" PRId64 " item%s after validation, not %" PRId64,
                               f->low ? "least" : "most", n, n == 1 ? "" : "s", have),
                  ctx};
}

static item out_of_range(arena *a, const schema_fault *f)
{
    if (f->field->kind == F_STRING)
        return wrong_length(a, f);
    if (f->field->kind == F_JSON)
        return wrong_count(a, f);
    return (item){f->low ? "greater_than_equal" : "less_than_equal",
                  arena_printf(a, "Input should be %s than or equal to %.15g", f->low ? "greater" : "less", f->limit),
                  ctx_of(f->low ? "ge" : "le", number(f->limit))};
}

/* "'a', 'b' or 'c'" from "a|b|c". */
static const char *choices(arena *a, const char *one_of)
{
    str rest = str_of(one_of), one;
    buf *b = buf_new(a, KIB(16));
    bool first = true;

    while (str_next(&rest, '|', &one)) {
        if (!first)
            buf_puts(b, rest.p != NULL ? ", " : " or ");
        buf_printf(b, "'%.*s'", STR_ARG(one));
        first = false;
    }
    return buf_str(b);
}

static item not_a_choice(arena *a, const schema_fault *f)
{
    const char *expected = choices(a, f->field->one_of);

    return (item){"literal_error", arena_printf(a, "Input should be %s", expected),
                  ctx_of("expected", json_string(expected))};
}

static item describe(arena *a, const schema_fault *f)
{
    switch (f->kind) {
    case FAULT_SYNTAX:
        return (item){"json_invalid", "JSON decode error", ctx_of("error", json_string(f->reason))};
    case FAULT_MISSING:
        return (item){"missing", "Field required", NULL};
    case FAULT_RANGE:
        return out_of_range(a, f);
    case FAULT_CHOICE:
        return not_a_choice(a, f);
    case FAULT_TYPE:
    case FAULT_NULL:
        break;
    }
    return wrong_type(f);
}

/* Indexes are numbers.  A key that looks like one is told from it by what it is a key of. */
static json_t *location(const request *rq, const schema_fault *f, const char *part)
{
    const json_t *at = cstr_eq(part, "body") ? rq->json : NULL;
    json_t *loc = json_array();

    json_array_append_new(loc, json_string(part));
    if (f->kind == FAULT_SYNTAX)
        json_array_append_new(loc, json_integer((json_int_t)f->offset));
    for (size_t i = 0; f->kind != FAULT_SYNTAX && f->where[i] != NULL; i++) {
        int64_t n;

        if (json_is_array(at) && str_to_int(str_of(f->where[i]), &n)) {
            json_array_append_new(loc, json_integer(n));
            at = json_array_get(at, (size_t)n);
        } else {
            json_array_append_new(loc, json_string(f->where[i]));
            at = json_object_get(at, f->where[i]);
        }
    }
    return loc;
}

/* Sends the input back, unless it is big: sixteen faults of one large body would be a large answer to a small mistake. */
static json_t *echo(const json_t *input)
{
    if (input == NULL || json_dumpb(input, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) > ECHO_MAX)
        return json_null();
    return json_incref((json_t *)(uintptr_t)input);
}

static json_t *input_of(const schema_fault *f, const char *part)
{
    if (f->kind == FAULT_SYNTAX)
        return json_object();
    if (f->kind == FAULT_MISSING && cstr_eq(part, "query"))
        return json_null();
    return echo(f->input);
}

static void add_item(json_t *list, const item *it, json_t *loc, json_t *input)
{
    json_t *o = json_object();

    json_set_str(o, "type", it->type);
    json_set(o, "loc", loc);
    json_set_str(o, "msg", it->msg);
    json_set(o, "input", input);
    if (it->ctx != NULL)
        json_set(o, "ctx", it->ctx);
    json_array_append_new(list, o);
}

json_t *pydantic_detail(const request *rq, const schema_faults *faults, const char *part)
{
    json_t *list = json_array(), *body = json_object();

    for (size_t i = 0; i < faults->count; i++) {
        const schema_fault *f = &faults->items[i];
        item it = describe(rq->scope->arena, f);

        add_item(list, &it, location(rq, f, part), input_of(f, part));
    }
    json_set(body, "detail", list);
    return body;
}

json_t *pydantic_value_error(const request *rq, const char *field_name, const char *msg)
{
    json_t *list = json_array(), *body = json_object();
    item it = {"value_error", msg, ctx_of("error", json_object())};

    add_item(list, &it, json_pack("[s,s]", "body", field_name), echo(json_object_get(rq->json, field_name)));
    json_set(body, "detail", list);
    return body;
}

json_t *pydantic_uuid_error(const request *rq, const char *param, const char *value)
{
    size_t bad = strspn(value, "0123456789abcdefABCDEF-");
    arena *a = rq->scope->arena;
    json_t *list = json_array(), *body = json_object();
    const char *why = value[bad] != '\0'
                          ? arena_printf(a,
                                         "invalid character: expected an optional prefix of `urn:uuid:` followed by "
                                         "[0-9a-fA-F-], found `%s` at %zu",
                                         str_dup(a, utf8_prefix(str_of(value + bad), 1)), bad + 1)
                          : arena_printf(a, "invalid length: expected length 32 for simple format, found %zu", bad);
    item it = {"uuid_parsing", arena_printf(a, "Input should be a valid UUID, %s", why),
               ctx_of("error", json_string(why))};

    add_item(list, &it, json_pack("[s,s]", "path", param), json_string(value));
    json_set(body, "detail", list);
    return body;
}
