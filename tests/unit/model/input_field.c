/* SPDX-License-Identifier: MIT */
/* Tests of model/input_field.c. */
#include "model/input_field.h"

#include "made.h"

static json_t *parsed(scope *s, const char *text)
{
    json_t *v = NULL;

    CHECK(json_parse(s->arena, text, strlen(text), NULL, &v) == OK, "%s", text);
    return v;
}

static const char *made_fields(scope *s, const char *sent, const char *before)
{
    json_t *out = NULL;

    CHECK_INT(input_fields_make(s, parsed(s, sent), before != NULL ? parsed(s, before) : NULL, &out), OK);
    return json_text(s->arena, out);
}

FIBER_TEST(a_field_is_stored_with_all_its_members)
{
    CHECK_STR(
        made_fields(s, "[{\"label\":\"User ID\"}]", NULL),
        "[{\"slug\":\"user_id\",\"label\":\"User ID\",\"type\":\"TEXT\",\"description\":\"\",\"placeholder\":null,"
        "\"required\":false,\"order\":0,\"options\":null,\"allowMultiSelect\":null,\"contextActionId\":null,"
        "\"jsonSchema\":null}]");
    CHECK_STR(made_fields(s,
                          "[{\"label\":\"A\",\"type\":\"SELECT\",\"description\":\"d\",\"placeholder\":\"p\","
                          "\"required\":true,\"order\":9,\"slug\":\"zz\",\"allowMultiSelect\":true,"
                          "\"options\":[{\"label\":\"L\",\"value\":\"v\",\"x\":1}],\"jsonSchema\":\"{}\"}]",
                          NULL),
              "[{\"slug\":\"a\",\"label\":\"A\",\"type\":\"SELECT\",\"description\":\"d\",\"placeholder\":\"p\","
              "\"required\":true,\"order\":0,\"options\":[{\"label\":\"L\",\"value\":\"v\"}],\"allowMultiSelect\":true,"
              "\"contextActionId\":null,\"jsonSchema\":\"{}\"}]");
}

FIBER_TEST(fields_with_one_label_get_numbers)
{
    json_t *out = NULL;
    static const char *const wanted[] = {"name", "name_2", "name_3", "name_2_2"};

    CHECK_INT(input_fields_make(s,
                                parsed(s, "[{\"label\":\"Name\"},{\"label\":\"name\"},{\"label\":\"NAME\"},"
                                          "{\"label\":\"name 2\"}]"),
                                NULL, &out),
              OK);
    for (size_t i = 0; i < COUNT(wanted); i++) {
        CHECK_STR(json_get_str(json_array_get(out, i), "slug", NULL), wanted[i]);
        CHECK_INT(json_get_int(json_array_get(out, i), "order", -1), (int64_t)i);
    }
}

FIBER_TEST(a_schema_stays_with_the_slug_until_another_is_sent)
{
    const char *before = "[{\"slug\":\"user_id\",\"jsonSchema\":\"{\\\"type\\\":\\\"object\\\"}\"}]";

    CHECK(strstr(made_fields(s, "[{\"label\":\"user id\"}]", before), "type\\\":\\\"object") != NULL, "kept");
    CHECK(strstr(made_fields(s, "[{\"label\":\"other\"}]", before), "\"jsonSchema\":null") != NULL, "another field");
    CHECK(strstr(made_fields(s, "[{\"label\":\"User ID\",\"jsonSchema\":null}]", before), "\"jsonSchema\":null") !=
              NULL,
          "taken away");
    CHECK(strstr(made_fields(s, "[{\"label\":\"User ID\",\"jsonSchema\":\"{}\"}]", before), "\"jsonSchema\":\"{}\"") !=
              NULL,
          "replaced");
}

FIBER_TEST(a_schema_that_is_no_object_is_refused)
{
    static const char *const bad[] = {"[{\"label\":\"a\",\"jsonSchema\":\"{\"}]",
                                      "[{\"label\":\"a\",\"jsonSchema\":\"\"}]",
                                      "[{\"label\":\"a\",\"jsonSchema\":\"[]\"}]"};
    json_t *out = NULL;

    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(input_fields_make(s, parsed(s, bad[i]), NULL, &out) == ERR_INVALID, "%s", bad[i]);
        CHECK_STR(code_of(s), "field.json_schema");
    }
}

FIBER_TEST(no_fields_and_damaged_ones_are_an_empty_list)
{
    json_t *out = NULL;

    CHECK_INT(input_fields_make(s, NULL, NULL, &out), OK);
    CHECK_INT(json_array_size(out), 0);
    CHECK_INT(json_array_size(input_fields_parse(s->arena, NULL)), 0);
    CHECK_INT(json_array_size(input_fields_parse(s->arena, "{")), 0);
    CHECK_INT(json_array_size(input_fields_parse(s->arena, "[1]")), 1);
}
