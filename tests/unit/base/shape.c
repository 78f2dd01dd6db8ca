/* SPDX-License-Identifier: MIT */
/* Tests of base/shape.c. */
#include "base/shape.h"

#include "base/clock.h"

#include "../test.h"

static json_t *json(arena *a, const char *text)
{
    json_t *v = NULL;

    CHECK(json_parse(a, text, strlen(text), NULL, &v) == OK, "%s", text);
    return v;
}

TEST(a_value_fits_its_schema_or_the_fault_is_named)
{
    static const struct {
        const char *schema, *value, *fault; /* a part of it; NULL: it fits */
    } cases[] = {
        {"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]}", "{\"n\":5}", NULL},
        {"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]}", "{\"n\":5.0}",
         NULL},
        {"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}", "{\"n\":5.5}", "the value.n"},
        {"{\"type\":\"object\",\"required\":[\"n\"]}", "{}", "no member n"},
        {"{\"type\":\"object\"}", "[]", "type"},
        {"{\"properties\":{},\"additionalProperties\":false}", "{\"x\":1}", "unknown member x"},
        {"{\"additionalProperties\":{\"type\":\"string\"}}", "{\"x\":1}", "the value.x"},
        {"{\"type\":[\"string\",\"null\"]}", "null", NULL},
        {"{\"type\":[\"string\",\"null\"]}", "1", "type"},
        {"{\"enum\":[\"a\",\"b\"]}", "\"b\"", NULL},
        {"{\"enum\":[\"a\",\"b\"]}", "\"c\"", "none of"},
        {"{\"const\":1}", "2", "is not 1"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1}", "[\"a\"]", NULL},
        {"{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", "[\"a\",1]", "[1]"},
        {"{\"type\":\"array\",\"minItems\":1}", "[]", "range"},
        {"{\"minimum\":1,\"maximum\":3}", "4", "range"},
        {"{\"exclusiveMinimum\":1}", "1", "range"},
        {"{\"maxLength\":2}", "\"äö\"", NULL},
        {"{\"maxLength\":2}", "\"abc\"", "range"},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}", "1", NULL},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}", "[]", "none"},
        {"{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"integer\"}]}", "1", "more than one"},
        {"{\"allOf\":[{\"type\":\"number\"},{\"minimum\":2}]}", "1", "range"},
        {"{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"type\":\"string\"}}}", "1", "type"},
        {"{\"$ref\":\"#\"}", "1", "nested too deeply"},
        {"{\"unknown\":true}", "1", NULL},
        {"{\"anyOf\":[{\"enum\":[1]},{\"properties\":{\"a\":{\"type\":\"string\"}}}]}", "{\"a\":1}",
         "none of its forms"},
        {"{\"anyOf\":[{\"enum\":[1]},{\"$ref\":\"#\"}]}", "2", "none of its forms"},
        {"{\"items\":{\"properties\":{\"a\":{\"items\":{\"type\":\"null\"}}}}}", "[{},{\"a\":[null,1]}]",
         "the value[1].a[1] is not of the type \"null\""},
        {"{\"const\":{\"a\":[1,{\"b\":\"c\"}]}}", "{\"a\":[1,{\"b\":\"c\"}]}", NULL},
        {"{\"const\":{\"a\":[1,{\"b\":\"c\"}]}}", "{\"a\":[1,{\"b\":\"d\"}]}", "is not {"},
        {"{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"string\"}]}", "1", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);
        const char *fault = shape_fault(a, json(a, cases[i].schema), json(a, cases[i].value));

        CHECK((fault == NULL) == (cases[i].fault == NULL), "%s %s: %s", cases[i].schema, cases[i].value, fault);
        CHECK(fault == NULL || strstr(fault, cases[i].fault) != NULL, "%s: %s", cases[i].schema, fault);
        arena_free(a);
    }
}

/* `n` times the text, with commas between. */
static const char *repeated(arena *a, const char *text, size_t n)
{
    buf *b = buf_new(a, MIB(64));

    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s%s", i > 0 ? "," : "", text);
    return buf_str(b);
}

static const char *letters(arena *a, size_t n)
{
    char *text = arena_alloc(a, n + 1);

    memset(text, 'x', n);
    text[n] = '\0';
    return text;
}

TEST(a_sentence_does_not_repeat_what_is_long)
{
    arena *a = arena_new(NULL);
    const char *word = letters(a, 100000), *fault;

    fault = shape_fault(a, json(a, arena_printf(a, "{\"enum\":[\"%s\"]}", word)), json(a, "1"));
    CHECK(strlen(fault) < 300 && strstr(fault, "xxx…") != NULL, "%zu: %.50s", strlen(fault), fault);
    fault = shape_fault(a, json(a, "{\"additionalProperties\":{\"type\":\"null\"}}"),
                        json(a, arena_printf(a, "{\"%s\":1}", word)));
    CHECK(strlen(fault) < 300, "%zu", strlen(fault));
    fault = shape_fault(a, json(a, arena_printf(a, "{\"required\":[\"%s\"]}", word)), json(a, "{}"));
    CHECK(strlen(fault) < 300, "%zu", strlen(fault));
    arena_free(a);
}

TEST(hostile_schemas_take_neither_memory_nor_time, .limit = 60)
{
    arena *made = arena_new(NULL);
    const char *word = letters(made, 8000), *numbers = repeated(made, "1", 1000), *items = repeated(made, "7", 130);
    const struct {
        const char *schema, *value;
    } cases[] = {
        {arena_printf(made, "{\"items\":{\"oneOf\":[true,%s]},\"d\":{\"enum\":[\"%s\"]}}",
                      repeated(made, "{\"$ref\":\"#/d\"}", 800), word),
         arena_printf(made, "[%s]", items)},
        {arena_printf(made, "{\"items\":{\"anyOf\":[%s]},\"d\":{\"enum\":[%s]}}",
                      repeated(made, "{\"$ref\":\"#/d\"}", 800), repeated(made, "2", 4000)),
         arena_printf(made, "[%s]", items)},
        {arena_printf(made, "{\"items\":{\"anyOf\":[%s]},\"d\":{\"const\":[%s,2]}}",
                      repeated(made, "{\"$ref\":\"#/d\"}", 800), numbers),
         arena_printf(made, "[%s]", repeated(made, arena_printf(made, "[%s,1]", numbers), 130))},
        {"{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "1"},
        {"{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "1"},
        {arena_printf(made, "{\"anyOf\":[%s]}", repeated(made, "{\"maxLength\":1}", 1000)),
         arena_printf(made, "\"%s\"", letters(made, MIB(8)))},
        {"{\"additionalProperties\":{\"items\":{\"type\":\"number\"}}}",
         arena_printf(made, "{\"%s\":[%s]}", letters(made, 100000), repeated(made, "7", 30000))},
        {arena_printf(made, "{\"anyOf\":[%s]}",
                      repeated(made, "{\"properties\":{\"b\":{}},\"required\":[\"c\"]}", 1000)),
         arena_printf(made, "{\"%s\":1}", letters(made, MIB(8)))},
        {arena_printf(made, "{\"anyOf\":[%s],\"d\":{}}",
                      repeated(made, arena_printf(made, "{\"$ref\":\"#%s/d\",\"enum\":[]}", letters(made, 100)), 1000)),
         "1"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL), *said = arena_new(NULL);
        json_t *schema = json(a, cases[i].schema), *value = json(a, cases[i].value);
        int64_t began = clock_mono();

        (void)shape_fault(said, schema, value);
        CHECK(clock_mono() - began < SECONDS(1), "case %zu: %d ms", i, (int)((clock_mono() - began) / 1000000));
        CHECK(arena_size(said) < KIB(64), "case %zu: %zu bytes", i, arena_size(said));
        arena_free(said);
        arena_free(a);
    }
    arena_free(made);
}

TEST(a_long_list_of_records_is_checked_whole)
{
    arena *a = arena_new(NULL);
    const char *record = "{\"id\":1,\"name\":\"n\",\"mail\":null,\"tags\":[\"a\",\"b\"]}";
    json_t *schema = json(
        a, "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"name\",\"mail\"],"
           "\"properties\":{\"id\":{\"type\":\"integer\"},\"name\":{\"type\":\"string\",\"maxLength\":100},\"mail\":"
           "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]},\"tags\":{\"type\":\"array\",\"items\":{\"enum\":"
           "[\"a\",\"b\"]}}}}}");
    const char *many = arena_printf(a, "[%s]", repeated(a, record, 4000));

    CHECK_STR(shape_fault(a, schema, json(a, many)), NULL);
    many = arena_printf(a, "[%s,{\"id\":1,\"name\":2,\"mail\":null}]", repeated(a, record, 4000));
    CHECK_STR(shape_fault(a, schema, json(a, many)), "the value[4000].name is not of the type \"string\"");
    arena_free(a);
}

TEST(the_json_in_an_answer_is_found)
{
    static const struct {
        const char *text, *found;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1}"},
        {" [1,2]\n", "[1,2]"},
        {"```json\n{\"a\":[1]}\n```", "{\"a\":[1]}"},
        {"Here it is: [{\"a\":1}] as you wished.", "[{\"a\":1}]"},
        {"\"word\"", "\"word\""},
        {"no json", NULL},
        {"", NULL},
        {"} {", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);
        json_t *v = shape_find_json(a, cases[i].text);

        CHECK((v == NULL) == (cases[i].found == NULL), "%s", cases[i].text);
        if (v != NULL)
            CHECK_STR(json_text(a, v), cases[i].found);
        arena_free(a);
    }
}
