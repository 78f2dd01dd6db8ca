/* SPDX-License-Identifier: MIT */
/* Tests of script/action_schema.c. */
#include "script/action.h"
#include "test.h"

static const char *schema_of(scope *s, const char *fields)
{
    return json_text(s->arena, json_hold(s->arena, action_parameters(fields)));
}

/* The schema of the one property of a field. */
static const char *property(scope *s, const char *members)
{
    const char *fields = arena_printf(s->arena, "[{\"slug\":\"a_b\",\"label\":\"A b\",%s}]", members);
    const json_t *o = json_hold(s->arena, action_parameters(fields));

    return json_text(s->arena, json_object_get(json_object_get(o, "properties"), "aB"));
}

FIBER_TEST(an_action_without_fields_takes_nothing)
{
    const char *empty = "{\"type\":\"object\",\"properties\":{},\"required\":[]}";

    CHECK_STR(schema_of(s, NULL), empty);
    CHECK_STR(schema_of(s, "[]"), empty);
    CHECK_STR(schema_of(s, "damaged"), empty);
}

FIBER_TEST(each_type_of_field_has_its_schema)
{
    static const struct {
        const char *members, *wanted;
    } cases[] = {
        {"\"type\":\"TEXT\"", "{\"type\":\"string\",\"description\":\"A b\"}"},
        {"\"type\":\"ID\",\"description\":\"d\"", "{\"type\":\"string\",\"description\":\"d\"}"},
        {"\"type\":\"PASSWORD\",\"placeholder\":\"p\"",
         "{\"type\":\"string\",\"description\":\"A b (for example: p)\"}"},
        {"\"type\":\"NUMBER\"", "{\"type\":\"number\",\"description\":\"A b\"}"},
        {"\"type\":\"BOOLEAN\"", "{\"type\":\"boolean\",\"description\":\"A b\"}"},
        {"\"type\":\"VECTOR\"", "{\"type\":\"string\",\"description\":\"A b\"}"},
        {"\"type\":\"OBJECT\"", "{\"type\":\"object\",\"description\":\"A b\"}"},
        {"\"type\":\"OBJECT\",\"jsonSchema\":\"{\\\"type\\\":\\\"array\\\",\\\"description\\\":\\\"x\\\"}\"",
         "{\"type\":\"array\",\"description\":\"x\"}"},
        {"\"type\":\"SELECT\"", "{\"type\":\"string\",\"description\":\"A b\"}"},
        {"\"type\":\"SELECT\",\"options\":[{\"label\":\"L\",\"value\":\"v\"}]",
         "{\"type\":\"string\",\"enum\":[\"v\"],\"description\":\"A b\"}"},
        {"\"type\":\"SELECT\",\"options\":[{\"label\":\"L\",\"value\":\"v\"}],\"contextActionId\":\"x\"",
         "{\"type\":\"string\",\"description\":\"A b\"}"},
        {"\"type\":\"SELECT\",\"allowMultiSelect\":true,\"options\":[{\"label\":\"L\",\"value\":\"v\"}]",
         "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"v\"]},\"description\":\"A b\"}"},
        {"\"type\":\"FILE\",\"allowMultiSelect\":true",
         "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"A b (a file: its name, or "
         "attachment/ID/name)\"}"},
        {"\"type\":\"TEXT\",\"allowMultiSelect\":true", "{\"type\":\"string\",\"description\":\"A b\"}"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(property(s, cases[i].members), cases[i].wanted);
}

FIBER_TEST(required_fields_are_named)
{
    CHECK_STR(schema_of(s, "[{\"slug\":\"user_id\",\"label\":\"User ID\",\"required\":true}]"),
              "{\"type\":\"object\",\"properties\":{\"userId\":{\"type\":\"string\",\"description\":\"User ID\"}},"
              "\"required\":[\"userId\"]}");
}

FIBER_TEST(input_is_checked_and_the_fault_says_where)
{
    static const char fields[] =
        "[{\"slug\":\"a\",\"label\":\"A\",\"required\":true},{\"slug\":\"n_m\",\"label\":\"N m\",\"type\":\"NUMBER\"},"
        "{\"slug\":\"k\",\"label\":\"K\",\"type\":\"SELECT\",\"options\":[{\"value\":\"v\"}]},"
        "{\"slug\":\"l\",\"label\":\"L\",\"type\":\"SELECT\",\"allowMultiSelect\":true,"
        "\"options\":[{\"value\":\"v\"}]},"
        "{\"slug\":\"f\",\"label\":\"F\",\"type\":\"FILE\"},"
        "{\"slug\":\"g\",\"label\":\"G\",\"type\":\"FILE\",\"allowMultiSelect\":true},"
        "{\"slug\":\"o\",\"label\":\"O\",\"type\":\"OBJECT\",\"jsonSchema\":"
        "\"{\\\"type\\\":\\\"object\\\",\\\"required\\\":[\\\"n\\\"],"
        "\\\"properties\\\":{\\\"n\\\":{\\\"type\\\":\\\"number\\\"}}}\"}]";
    static const struct {
        const char *input, *fault; /* NULL: fine */
    } cases[] = {
        {"{\"a\":\"x\"}", NULL},
        {"{\"A\":\"x\"}", NULL},
        {"{\"a\":\"x\",\"n_m\":\"2.5\"}", NULL},
        {"{\"a\":\"x\",\"nM\":2}", NULL},
        {"{\"a\":\"x\",\"N m\":2,\"k\":null,\"unknown\":{}}", NULL},
        {"{\"a\":\"x\",\"f\":[\"one\",\"two\"]}", NULL},
        {"{\"a\":\"x\",\"g\":\"one\"}", NULL},
        {"{\"a\":\"x\",\"g\":7}", "must be array at /g"},
        {"{\"a\":\"x\",\"o\":{\"n\":1,\"more\":[]}}", NULL},
        {"{\"a\":\"x\",\"o\":7}", "must be object at /o"},
        {"{\"a\":\"x\",\"o\":{\"n\":\"1\"}}", "must fit its schema at /o: the value.n is not of the type \"number\""},
        {"{\"a\":\"x\",\"o\":{}}", "must fit its schema at /o: the value has no member n"},
        {"{}", "must have required property 'a'"},
        {"{\"a\":null}", "must have required property 'a'"},
        {"{\"a\":5}", "must be string at /a"},
        {"{\"a\":\"x\",\"nM\":\"two\"}", "must be number at /nM"},
        {"{\"a\":\"x\",\"k\":\"w\"}", "must be one of the options at /k"},
        {"{\"a\":\"x\",\"l\":[\"v\"]}", NULL},
        {"{\"a\":\"x\",\"l\":[\"w\"]}", "must be one of the options at /l/0"},
        {"{\"a\":\"x\",\"l\":[\"v\",\"v\"]}", "must not have more items than options at /l"},
        {"{\"a\":\"x\",\"f\":5}", "must be string at /f"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *input = NULL;

        CHECK_INT(json_parse(s->arena, cases[i].input, strlen(cases[i].input), NULL, &input), OK);
        if (cases[i].fault == NULL) {
            CHECK(action_check_input(s, fields, input) == OK, "%s: %s", cases[i].input, s->failure.text);
            continue;
        }
        CHECK(action_check_input(s, fields, input) == ERR_INVALID, "%s", cases[i].input);
        CHECK_STR(s->failure.text, cases[i].fault);
        CHECK_STR(s->failure.code, "input.invalid");
    }
    CHECK_INT(action_check_input(s, "[]", NULL), OK);
}
