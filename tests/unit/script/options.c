/* SPDX-License-Identifier: MIT */
/* Tests of script/options.c that need no script; those with one are in tests/api. */
#include "script/options.h"

#include "../test.h"

static const char *read(arena *a, const char *result)
{
    json_t *v, *options;

    CHECK(json_parse(a, result, strlen(result), NULL, &v) == OK, "%s", result);
    options = options_read(a, v);
    return options == NULL ? "none" : json_text(a, json_hold(a, options));
}

TEST(options_are_texts_numbers_and_objects_in_an_array_or_under_their_name)
{
    arena *a = arena_new(NULL);

    CHECK_STR(read(a, "[\"a\"]"), "[{\"label\":\"a\",\"value\":\"a\"}]");
    CHECK_STR(read(a, "[{\"label\":\"A\",\"value\":\"a\"}]"), "[{\"label\":\"A\",\"value\":\"a\"}]");
    CHECK_STR(read(a, "{\"options\":[7,{\"value\":8}]}"),
              "[{\"label\":\"7\",\"value\":\"7\"},{\"label\":\"8\",\"value\":\"8\"}]");
    CHECK_STR(read(a, "[]"), "[]");
    arena_free(a);
}

TEST(what_is_no_option_is_left_out_and_what_is_no_list_is_none)
{
    arena *a = arena_new(NULL);

    CHECK_STR(read(a, "[null,true,[],{},{\"label\":\"x\"},{\"value\":{}},{\"label\":1,\"value\":\"b\"}]"),
              "[{\"label\":\"1\",\"value\":\"b\"}]");
    CHECK_STR(read(a, "\"a\""), "none");
    CHECK_STR(read(a, "null"), "none");
    CHECK_STR(read(a, "{\"items\":[]}"), "none");
    CHECK_STR(read(a, "{\"options\":{\"options\":[]}}"), "none");
    arena_free(a);
}

TEST(only_the_first_thousand_options_are_read)
{
    arena *a = arena_new(NULL);
    json_t *many = json_hold(a, json_array()), *options;

    for (int i = 0; i < OPTIONS_MAX + 5; i++)
        json_array_append_new(many, json_integer(i));
    options = json_hold(a, options_read(a, many));
    CHECK_INT(json_array_size(options), OPTIONS_MAX);
    CHECK_STR(json_get_str(json_array_get(options, OPTIONS_MAX - 1), "value", ""), "999");
    arena_free(a);
}
