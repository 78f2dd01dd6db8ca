/* SPDX-License-Identifier: MIT */
/*
 * Request schemas as data: one table of fields parses JSON into a struct, names every fault, and describes itself to OpenAPI.
 *
 *     typedef struct {
 *         const char *name;
 *         int64_t page;
 *     } list_args;
 *     static const field list_fields[] = {
 *         FIELD(list_args, name, .required = true, .max = 120, .text = "Shown in lists"),
 *         FIELD(list_args, page, .min = 1, .max = 1000, .fallback = "1"),
 *     };
 *     static const schema list_schema = SCHEMA(list_args, list_fields);
 */
#ifndef NET_SCHEMA_H
#define NET_SCHEMA_H

#include "base/json.h"

typedef enum {
    F_STRING, /* const char *: NULL when absent or null */
    F_INT,    /* int64_t */
    F_NUMBER, /* double */
    F_BOOL,   /* bool */
    F_JSON    /* json_t *: borrowed; NULL when absent; see `json` for its type */
} field_kind;

typedef enum { JSON_ANY_TYPE, JSON_OBJECT_TYPE, JSON_ARRAY_TYPE, JSON_STRINGS_TYPE /* array of strings */ } json_kind;

typedef struct schema schema;

typedef struct {
    const char *name; /* in JSON or in the query */
    size_t at;        /* offset of the member */
    field_kind kind;
    bool required;
    bool not_null;        /* null is a fault, not the same as absent */
    double min, max;      /* of numbers; of a string's code points; of an array's items.  Both 0: no limit; max below
                             min: no upper limit */
    const char *fallback; /* as text; absent fields (and null ones that may be) get it; of F_JSON as JSON */
    const char *one_of;   /* allowed strings, "a|b|c"; of JSON_STRINGS_TYPE each item's */
    json_kind json;       /* for F_JSON */
    const schema *items;  /* for F_JSON: schema of the object, or of each item of the array: checked, not converted */
    const char *text;     /* one line for the documentation */
} field;

struct schema {
    const char *name; /* in the OpenAPI document */
    size_t size;      /* of the struct */
    const field *fields;
    size_t count;
    size_t given_at; /* offset of a uint64_t whose bit i says that field i was present; SIZE_MAX: none */
};

#define FIELD_KIND(x)                                                                                                  \
    _Generic((x), const char * : F_STRING, int64_t : F_INT, double : F_NUMBER, bool : F_BOOL, json_t * : F_JSON)
#define FIELD(T, m, ...)                                                                                               \
    {                                                                                                                  \
        .name = #m, .at = offsetof(T, m), .kind = FIELD_KIND(((T *)0)->m), ##__VA_ARGS__                               \
    }
/* For a member whose C name differs from the JSON name. */
#define FIELD_AS(T, m, json_name, ...)                                                                                 \
    {                                                                                                                  \
        .name = (json_name), .at = offsetof(T, m), .kind = FIELD_KIND(((T *)0)->m), ##__VA_ARGS__                      \
    }
#define SCHEMA(T, table)                                                                                               \
    {                                                                                                                  \
        .name = #T, .size = sizeof(T), .fields = (table), .count = COUNT(table), .given_at = SIZE_MAX                  \
    }
#define SCHEMA_GIVEN(T, table, member)                                                                                 \
    {                                                                                                                  \
        .name = #T, .size = sizeof(T), .fields = (table), .count = COUNT(table), .given_at = offsetof(T, member)       \
    }

typedef enum {
    FAULT_SYNTAX, /* not JSON: `offset` */
    FAULT_MISSING,
    FAULT_TYPE,   /* `expected` */
    FAULT_RANGE,  /* below `limit` min or above max: `low` says which; for strings and arrays their length */
    FAULT_CHOICE, /* not one of field->one_of */
    FAULT_NULL
} fault_kind;

typedef struct {
    fault_kind kind;
    const char *where[8]; /* path of keys and indexes ("messages", "0", "role"), NULL-terminated */
    const field *field;   /* NULL for FAULT_SYNTAX, for a body or item that is no object, and for a query that
                              is no text */
    const char *expected; /* "string", "integer", "number", "boolean", "object", "array" */
    const json_t *input;  /* the offending value, or NULL */
    bool low;
    double limit;
    size_t offset;
    const char *reason; /* one sentence in English, for logs and plain faces */
} schema_fault;

typedef struct {
    schema_fault items[16]; /* further ones are dropped */
    size_t count;
} schema_faults;

/* Fills a zeroed struct of `sc->size` in `a`.  Unknown members are ignored.  Types are strict, but that an integer may be
 * written as 5.0.  Strings point into `body`, which must outlive the struct; a body that is NULL is FAULT_MISSING.
 * ERR_INVALID with at least one fault, *out untouched. */
MUST_USE err schema_bind(arena *a, const schema *sc, json_t *body, schema_faults *faults, void **out);

/* The same from query pairs: values are text, "true/false/1/0/yes/no/on/off/t/f/y/n" for booleans in any case.  Of
 * repeated names the first counts, but an array gets all of them as strings; other F_JSON values are parsed as JSON. */
typedef struct {
    const char *name, *value;
} query_pair;
MUST_USE err schema_bind_query(arena *a, const schema *sc, const query_pair *pairs, size_t n, schema_faults *faults,
                               void **out);

/* The JSON Schema (2020-12) of `sc`, new reference. */
json_t *schema_describe(const schema *sc);
json_t *schema_describe_field(const field *f); /* of one query parameter */

#endif
