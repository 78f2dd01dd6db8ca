/* SPDX-License-Identifier: MIT */
/* Validation errors in pydantic's spelling; see face/pydantic.h. */
#include "face/pydantic.h"

#include "test.h"

typedef struct {
    const char *role;
} inner_body;
static const field inner_fields[] = {FIELD(inner_body, role, .required = true, .one_of = "user|assistant|tool")};
static const schema inner_schema = SCHEMA(inner_body, inner_fields);

typedef struct {
    const char *name, *mode, *pair;
    int64_t page;
    double heat;
    bool shared;
    json_t *context, *list, *tools;
} sample_body;
static const field sample_fields[] = {
    FIELD(sample_body, name, .required = true, .min = 1, .max = 5),
    FIELD(sample_body, mode, .one_of = "simple|fibre|team"),
    FIELD(sample_body, pair, .one_of = "a|b"),
    FIELD(sample_body, page, .min = 1, .max = 100),
    FIELD(sample_body, heat, .max = 1.5),
    FIELD(sample_body, shared),
    FIELD(sample_body, context, .json = JSON_OBJECT_TYPE),
    FIELD(sample_body, list, .json = JSON_ARRAY_TYPE, .items = &inner_schema),
    FIELD(sample_body, tools, .json = JSON_STRINGS_TYPE, .min = 1, .max = 2),
};
static const schema sample_schema = SCHEMA(sample_body, sample_fields);

static const char *answer_to(scope *sc, const char *body)
{
    request rq = {.scope = sc};
    schema_faults faults;
    void *out;

    CHECK(json_parse(sc->arena, body, strlen(body), NULL, &rq.json) == OK, "%s", body);
    CHECK(schema_bind(sc->arena, &sample_schema, rq.json, &faults, &out) == ERR_INVALID, "%s", body);
    return json_text(sc->arena, json_hold(sc->arena, pydantic_detail(&rq, &faults, "body")));
}

TEST(each_fault_has_the_platforms_type_place_and_words)
{
    static const struct {
        const char *body, *detail;
    } cases[] = {
        {"{\"page\":2}",
         "{\"type\":\"missing\",\"loc\":[\"body\",\"name\"],\"msg\":\"Field required\",\"input\":{\"page\":2}}"},
        {"{\"name\":null}", "{\"type\":\"string_type\",\"loc\":[\"body\",\"name\"],\"msg\":\"Input should be a valid "
                            "string\",\"input\":null}"},
        {"{\"name\":5}", "{\"type\":\"string_type\",\"loc\":[\"body\",\"name\"],\"msg\":\"Input should be a valid "
                         "string\",\"input\":5}"},
        {"{\"name\":\"\"}",
         "{\"type\":\"string_too_short\",\"loc\":[\"body\",\"name\"],\"msg\":\"String should have at least 1 "
         "character\",\"input\":\"\",\"ctx\":{\"min_length\":1}}"},
        {"{\"name\":\"abcdef\"}",
         "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"name\"],\"msg\":\"String should have at "
         "most 5 characters\",\"input\":\"abcdef\",\"ctx\":{\"max_length\":5}}"},
        {"{\"name\":\"x\",\"mode\":\"wild\"}",
         "{\"type\":\"literal_error\",\"loc\":[\"body\",\"mode\"],\"msg\":\"Input should be 'simple', 'fibre' or "
         "'team'\",\"input\":\"wild\",\"ctx\":{\"expected\":\"'simple', 'fibre' or 'team'\"}}"},
        {"{\"name\":\"x\",\"pair\":\"c\"}",
         "{\"type\":\"literal_error\",\"loc\":[\"body\",\"pair\"],\"msg\":\"Input should be 'a' or "
         "'b'\",\"input\":\"c\",\"ctx\":{\"expected\":\"'a' or 'b'\"}}"},
        {"{\"name\":\"x\",\"page\":\"abc\"}", "{\"type\":\"int_parsing\",\"loc\":[\"body\",\"page\"],\"msg\":\"Input "
                                              "should be a valid integer, unable to parse "
                                              "string as an integer\",\"input\":\"abc\"}"},
        {"{\"name\":\"x\",\"page\":1.5}", "{\"type\":\"int_from_float\",\"loc\":[\"body\",\"page\"],\"msg\":\"Input "
                                          "should be a valid integer, got a number with "
                                          "a fractional part\",\"input\":1.5}"},
        {"{\"name\":\"x\",\"page\":[]}",
         "{\"type\":\"int_type\",\"loc\":[\"body\",\"page\"],\"msg\":\"Input should be a valid "
         "integer\",\"input\":[]}"},
        {"{\"name\":\"x\",\"page\":0}", "{\"type\":\"greater_than_equal\",\"loc\":[\"body\",\"page\"],\"msg\":\"Input "
                                        "should be greater than or equal to "
                                        "1\",\"input\":0,\"ctx\":{\"ge\":1}}"},
        {"{\"name\":\"x\",\"page\":101}",
         "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"page\"],\"msg\":\"Input should be less than or equal to "
         "100\",\"input\":101,\"ctx\":{\"le\":100}}"},
        {"{\"name\":\"x\",\"heat\":2}",
         "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"heat\"],\"msg\":\"Input should be less than or equal to "
         "1.5\",\"input\":2,\"ctx\":{\"le\":1.5}}"},
        {"{\"name\":\"x\",\"heat\":{}}",
         "{\"type\":\"float_type\",\"loc\":[\"body\",\"heat\"],\"msg\":\"Input should be a valid "
         "number\",\"input\":{}}"},
        {"{\"name\":\"x\",\"shared\":[]}",
         "{\"type\":\"bool_type\",\"loc\":[\"body\",\"shared\"],\"msg\":\"Input should be a "
         "valid boolean\",\"input\":[]}"},
        {"{\"name\":\"x\",\"shared\":\"maybe\"}", "{\"type\":\"bool_parsing\",\"loc\":[\"body\",\"shared\"],\"msg\":"
                                                  "\"Input should be a valid boolean, unable to "
                                                  "interpret input\",\"input\":\"maybe\"}"},
        {"{\"name\":\"x\",\"context\":[]}",
         "{\"type\":\"dict_type\",\"loc\":[\"body\",\"context\"],\"msg\":\"Input should be a "
         "valid dictionary\",\"input\":[]}"},
        {"{\"name\":\"x\",\"list\":{}}",
         "{\"type\":\"list_type\",\"loc\":[\"body\",\"list\"],\"msg\":\"Input should be a valid "
         "list\",\"input\":{}}"},
        {"{\"name\":\"x\",\"list\":[{\"role\":\"user\"},{}]}",
         "{\"type\":\"missing\",\"loc\":[\"body\",\"list\",1,\"role\"],\"msg\":\"Field required\",\"input\":{}}"},
        {"{\"name\":\"x\",\"list\":[7]}", "{\"type\":\"model_attributes_type\",\"loc\":[\"body\",\"list\",0],\"msg\":"
                                          "\"Input should be a valid dictionary or "
                                          "object to extract fields from\",\"input\":7}"},
        {"{\"name\":\"x\",\"tools\":[\"a\",2]}", "{\"type\":\"string_type\",\"loc\":[\"body\",\"tools\",1],\"msg\":"
                                                 "\"Input should be a valid string\",\"input\":2}"},
        {"{\"name\":\"x\",\"tools\":[]}",
         "{\"type\":\"too_short\",\"loc\":[\"body\",\"tools\"],\"msg\":\"List should have at least 1 item after "
         "validation, not "
         "0\",\"input\":[],\"ctx\":{\"field_type\":\"List\",\"min_length\":1,\"actual_length\":0}}"},
        {"{\"name\":\"x\",\"tools\":[\"a\",\"b\",\"c\"]}",
         "{\"type\":\"too_long\",\"loc\":[\"body\",\"tools\"],\"msg\":\"List should have at most 2 items after "
         "validation, not "
         "3\",\"input\":[\"a\",\"b\",\"c\"],\"ctx\":{\"field_type\":\"List\",\"max_length\":2,\"actual_length\":3}}"},
        {"[1]", "{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],\"msg\":\"Input should be a valid dictionary "
                "or object to "
                "extract fields from\",\"input\":[1]}"},
    };
    scope sc = {.arena = arena_new(NULL)};

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(answer_to(&sc, cases[i].body), arena_printf(sc.arena, "{\"detail\":[%s]}", cases[i].detail));
    arena_free(sc.arena);
}

TEST(a_missing_body_and_broken_json_have_their_own_items)
{
    scope sc = {.arena = arena_new(NULL)};
    request rq = {.scope = &sc};
    schema_faults faults;
    void *out;

    CHECK(schema_bind(sc.arena, &sample_schema, NULL, &faults, &out) == ERR_INVALID, "no body");
    CHECK_STR(json_text(sc.arena, json_hold(sc.arena, pydantic_detail(&rq, &faults, "body"))),
              "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}]}");
    faults.items[0] = (schema_fault){.kind = FAULT_SYNTAX, .offset = 7, .reason = "a comma too many"};
    CHECK_STR(json_text(sc.arena, json_hold(sc.arena, pydantic_detail(&rq, &faults, "body"))),
              "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",7],\"msg\":\"JSON decode error\",\"input\":{},"
              "\"ctx\":{\"error\":\"a comma too many\"}}]}");
    arena_free(sc.arena);
}

TEST(query_faults_are_placed_in_the_query)
{
    static const query_pair pairs[] = {{"page", "x"}};
    scope sc = {.arena = arena_new(NULL)};
    request rq = {.scope = &sc};
    schema_faults faults;
    void *out;

    CHECK(schema_bind_query(sc.arena, &sample_schema, pairs, 1, &faults, &out) == ERR_INVALID, "bad query");
    CHECK_STR(
        json_text(sc.arena, json_hold(sc.arena, pydantic_detail(&rq, &faults, "query"))),
        "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"query\",\"name\"],\"msg\":\"Field required\",\"input\":null},"
        "{\"type\":\"int_parsing\",\"loc\":[\"query\",\"page\"],\"msg\":\"Input should be a valid integer, unable to "
        "parse "
        "string as an integer\",\"input\":\"x\"}]}");
    arena_free(sc.arena);
}

TEST(a_large_input_is_not_sent_back)
{
    scope sc = {.arena = arena_new(NULL)};
    char *big = arena_alloc(sc.arena, 100001);
    const char *answer;

    memset(big, 'x', 100000);
    big[100000] = '\0';
    answer = answer_to(&sc, arena_printf(sc.arena, "{\"other\":\"%s\"}", big));
    CHECK(strlen(answer) < 200, "%zu bytes", strlen(answer));
    arena_free(sc.arena);
}

TEST(a_rule_in_code_is_told_as_a_value_error)
{
    scope sc = {.arena = arena_new(NULL)};
    request rq = {.scope = &sc, .json = json_hold(sc.arena, json_pack("{s:[]}", "api_keys"))};

    CHECK_STR(json_text(sc.arena, json_hold(sc.arena, pydantic_value_error(&rq, "api_keys", "Value error, one key"))),
              "{\"detail\":[{\"type\":\"value_error\",\"loc\":[\"body\",\"api_keys\"],\"msg\":\"Value error, one "
              "key\",\"input\":[],\"ctx\":{\"error\":{}}}]}");
    arena_free(sc.arena);
}

TEST(a_path_parameter_that_is_no_uuid_is_told_where_it_goes_wrong)
{
    scope sc = {.arena = arena_new(NULL)};
    request rq = {.scope = &sc};
    const char *const cases[][2] = {
        {"zz",
         "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `z` at 1"},
        {"12\xc3\xa4", "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found "
                       "`\xc3\xa4` at 3"},
        {"12ab", "invalid length: expected length 32 for simple format, found 4"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *body = json_hold(sc.arena, pydantic_uuid_error(&rq, "flow_id", cases[i][0]));
        const json_t *item = json_array_get(json_get_arr(body, "detail"), 0), *loc = json_get_arr(item, "loc");

        CHECK_STR(json_get_str(item, "type", ""), "uuid_parsing");
        CHECK_STR(json_get_str(json_get_obj(item, "ctx"), "error", ""), cases[i][1]);
        CHECK_STR(json_get_str(item, "input", ""), cases[i][0]);
        CHECK_STR(json_string_value(json_array_get(loc, 0)), "path");
        CHECK_STR(json_string_value(json_array_get(loc, 1)), "flow_id");
    }
    arena_free(sc.arena);
}
