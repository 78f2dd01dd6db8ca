/* SPDX-License-Identifier: MIT */
/* Tests of base/shape.c. */
#include "base/shape.h"

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
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);
        const char *fault = shape_fault(a, json(a, cases[i].schema), json(a, cases[i].value));

        CHECK((fault == NULL) == (cases[i].fault == NULL), "%s %s: %s", cases[i].schema, cases[i].value, fault);
        CHECK(fault == NULL || strstr(fault, cases[i].fault) != NULL, "%s: %s", cases[i].schema, fault);
        arena_free(a);
    }
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
