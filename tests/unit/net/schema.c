/* SPDX-License-Identifier: MIT */
/* Binding JSON and query pairs to structs. */
#include "net/schema.h"

#include "test.h"

typedef struct {
    const char *role;
    const char *content;
} message;

static const field message_fields[] = {
    FIELD(message, role, .required = true, .one_of = "user|assistant"),
    FIELD(message, content, .max = 5),
};
static const schema message_schema = SCHEMA(message, message_fields);

typedef struct {
    const char *name;
    const char *mode;
    int64_t page;
    double temperature;
    bool shared;
    json_t *tags;
    json_t *messages;
    json_t *options;
    uint64_t given;
} sample;

static const field sample_fields[] = {
    FIELD(sample, name, .required = true, .min = 1, .max = 4, .text = "Shown in lists"),
    FIELD(sample, mode, .fallback = "simple", .one_of = "simple|team"),
    FIELD(sample, page, .min = 1, .max = 100, .fallback = "7"),
    FIELD(sample, temperature, .max = 2, .fallback = "0.5"),
    FIELD(sample, shared, .not_null = true, .fallback = "true"),
    FIELD(sample, tags, .json = JSON_STRINGS_TYPE, .max = 3),
    FIELD(sample, messages, .json = JSON_ARRAY_TYPE, .items = &message_schema),
    FIELD_AS(sample, options, "extra_options", .json = JSON_OBJECT_TYPE),
};
static const schema sample_schema = SCHEMA_GIVEN(sample, sample_fields, given);

typedef struct tree {
    json_t *child;
    json_t *children;
    int64_t leaf;
} tree;
static const schema tree_schema;
static const field tree_fields[] = {
    FIELD(tree, child, .json = JSON_OBJECT_TYPE, .items = &tree_schema),
    FIELD(tree, children, .json = JSON_ARRAY_TYPE, .items = &tree_schema),
    FIELD(tree, leaf),
};
static const schema tree_schema = SCHEMA(tree, tree_fields);

static err bind(arena *a, const schema *sc, const char *text, schema_faults *faults, void *out)
{
    json_t *body = NULL;

    CHECK(json_parse(a, text, strlen(text), NULL, &body) == OK, "not JSON: %s", text);
    return schema_bind(a, sc, body, faults, out);
}

/* "kind at a.b.c" of the first fault. */
static const char *first_fault(arena *a, const schema_faults *faults)
{
    static const char *const kinds[] = {"syntax", "missing", "type", "range", "choice", "null"};
    const schema_fault *ft = &faults->items[0];
    char *text;

    if (faults->count == 0)
        return "none";
    text = arena_printf(a, "%s", kinds[ft->kind]);
    for (size_t i = 0; ft->where[i] != NULL; i++)
        text = arena_printf(a, "%s %s", text, ft->where[i]);
    return text;
}

TEST(a_fitting_body_fills_the_struct)
{
    arena *a = arena_new(NULL);
    schema_faults faults;
    sample *in = NULL;

    CHECK(bind(a, &sample_schema,
               "{\"name\":\"häßl\",\"mode\":\"team\",\"page\":2,\"temperature\":1,\"shared\":false,\"tags\":[\"x\"],"
               "\"messages\":[{\"role\":\"user\",\"content\":null}],\"extra_options\":{\"k\":1},\"unknown\":[]}",
               &faults, &in) == OK,
          "%s", first_fault(a, &faults));
    CHECK_STR(in->name, "häßl");
    CHECK_STR(in->mode, "team");
    CHECK_INT(in->page, 2);
    CHECK(in->temperature == 1 && !in->shared, "numbers and booleans");
    CHECK_INT(json_array_size(in->tags), 1);
    CHECK_INT(json_array_size(in->messages), 1);
    CHECK(json_get_int(in->options, "k", 0) == 1, "object by its JSON name");
    CHECK_INT(in->given, 0xff);
    arena_free(a);
}

TEST(absent_members_get_their_fallback_and_are_not_marked_as_given)
{
    arena *a = arena_new(NULL);
    schema_faults faults;
    sample *in = NULL;

    CHECK(bind(a, &sample_schema, "{\"name\":\"a\",\"mode\":null}", &faults, &in) == OK, "%s", first_fault(a, &faults));
    CHECK_STR(in->mode, "simple");
    CHECK_INT(in->page, 7);
    CHECK(in->temperature == 0.5 && in->shared, "fallbacks of numbers and booleans");
    CHECK(in->tags == NULL && in->options == NULL, "JSON without fallback stays NULL");
    CHECK_INT(in->given, 3); /* name, and mode although it was null */
    arena_free(a);
}

TEST(each_broken_rule_is_a_fault_with_its_place)
{
    static const struct {
        const char *body, *fault;
    } cases[] = {
        {"{}", "missing name"},
        {"{\"name\":null}", "null name"},
        {"{\"name\":1}", "type name"},
        {"{\"name\":\"\"}", "range name"},
        {"{\"name\":\"abcde\"}", "range name"},
        {"{\"name\":\"a\",\"mode\":\"other\"}", "choice mode"},
        {"{\"name\":\"a\",\"mode\":\"simple|team\"}", "choice mode"},
        {"{\"name\":\"a\",\"page\":0}", "range page"},
        {"{\"name\":\"a\",\"page\":101}", "range page"},
        {"{\"name\":\"a\",\"page\":\"5\"}", "type page"},
        {"{\"name\":\"a\",\"page\":5.5}", "type page"},
        {"{\"name\":\"a\",\"page\":1e300}", "type page"},
        {"{\"name\":\"a\",\"page\":true}", "type page"},
        {"{\"name\":\"a\",\"temperature\":2.1}", "range temperature"},
        {"{\"name\":\"a\",\"temperature\":-1}", "range temperature"},
        {"{\"name\":\"a\",\"temperature\":\"1\"}", "type temperature"},
        {"{\"name\":\"a\",\"shared\":1}", "type shared"},
        {"{\"name\":\"a\",\"shared\":null}", "null shared"},
        {"{\"name\":\"a\",\"tags\":{}}", "type tags"},
        {"{\"name\":\"a\",\"tags\":[\"x\",2]}", "type tags 1"},
        {"{\"name\":\"a\",\"tags\":[\"1\",\"2\",\"3\",\"4\"]}", "range tags"},
        {"{\"name\":\"a\",\"messages\":[{\"role\":\"user\"},{\"role\":\"x\"}]}", "choice messages 1 role"},
        {"{\"name\":\"a\",\"messages\":[{}]}", "missing messages 0 role"},
        {"{\"name\":\"a\",\"messages\":[7]}", "type messages 0"},
        {"{\"name\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"123456\"}]}", "range messages 0 content"},
        {"{\"name\":\"a\",\"extra_options\":[]}", "type extra_options"},
        {"[]", "type"},
        {"\"text\"", "type"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);
        schema_faults faults;
        void *untouched = &faults, *in = untouched;

        CHECK(bind(a, &sample_schema, cases[i].body, &faults, &in) == ERR_INVALID, "accepted: %s", cases[i].body);
        CHECK(in == untouched, "the result was touched: %s", cases[i].body);
        CHECK_STR(first_fault(a, &faults), cases[i].fault);
        CHECK(faults.items[0].reason != NULL && *faults.items[0].reason != '\0', "no reason: %s", cases[i].body);
        arena_free(a);
    }
}

TEST(reasons_are_sentences_about_the_place)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"{}", "name is required"},
        {"{\"name\":\"abcde\"}", "name must have at most 4 characters"},
        {"{\"name\":\"a\",\"page\":0}", "page must be at least 1"},
        {"{\"name\":\"a\",\"messages\":[{\"role\":3}]}", "messages.0.role must be of type string"},
        {"{\"name\":\"a\",\"mode\":\"x\"}", "mode must be one of simple|team"},
        {"{\"name\":\"a\",\"tags\":[\"1\",\"2\",\"3\",\"4\"]}", "tags must have at most 3 items"},
        {"{\"name\":\"a\",\"shared\":null}", "shared must not be null"},
        {"1", "the body must be of type object"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);
        schema_faults faults;
        void *in;

        CHECK(bind(a, &sample_schema, cases[i].body, &faults, &in) == ERR_INVALID, "accepted: %s", cases[i].body);
        CHECK_STR(faults.items[0].reason, cases[i].reason);
        arena_free(a);
    }
}

TEST(all_faults_are_named_up_to_sixteen)
{
    arena *a = arena_new(NULL);
    schema_faults faults;
    buf *text = buf_new(a, 4096);
    void *in;

    CHECK(bind(a, &sample_schema, "{\"page\":\"x\",\"shared\":2}", &faults, &in) == ERR_INVALID, "accepted");
    CHECK_INT(faults.count, 3);
    CHECK_STR(faults.items[1].expected, "integer");
    CHECK_STR(json_string_value(faults.items[1].input), "x");

    buf_puts(text, "{\"messages\":[1");
    for (int i = 0; i < 40; i++)
        buf_puts(text, ",2");
    buf_puts(text, "]}");
    CHECK(bind(a, &sample_schema, buf_str(text), &faults, &in) == ERR_INVALID, "accepted");
    CHECK_INT(faults.count, COUNT(faults.items));
    arena_free(a);
}

TEST(an_absent_body_is_missing)
{
    arena *a = arena_new(NULL);
    schema_faults faults;
    void *in;

    CHECK(schema_bind(a, &sample_schema, NULL, &faults, &in) == ERR_INVALID, "accepted");
    CHECK_STR(first_fault(a, &faults), "missing");
    CHECK(faults.items[0].field == NULL, "no field is meant");
    arena_free(a);
}

TEST(an_integer_may_be_written_as_a_whole_real)
{
    arena *a = arena_new(NULL);
    schema_faults faults;
    sample *in;

    CHECK(bind(a, &sample_schema, "{\"name\":\"a\",\"page\":5.0}", &faults, &in) == OK, "%s", first_fault(a, &faults));
    CHECK_INT(in->page, 5);
    arena_free(a);
}

TEST(schemas_that_contain_themselves_are_followed_to_a_limit)
{
    arena *a = arena_new(NULL);
    buf *text = buf_new(a, 4096);
    schema_faults faults;
    void *in;

    CHECK(bind(a, &tree_schema, "{\"child\":{\"children\":[{},{\"leaf\":\"x\"}]}}", &faults, &in) == ERR_INVALID,
          "deep");
    CHECK_STR(first_fault(a, &faults), "type child children 1 leaf");

    for (int i = 0; i < 45; i++)
        buf_puts(text, "{\"children\":[");
    buf_puts(text, "{\"leaf\":\"x\"}");
    for (int i = 0; i < 45; i++)
        buf_puts(text, "]}");
    CHECK(bind(a, &tree_schema, buf_str(text), &faults, &in) == OK, "below the limit nothing is looked at");
    json_decref(schema_describe(&tree_schema));
    arena_free(a);
}

TEST(query_pairs_bind_like_a_body)
{
    static const query_pair pairs[] = {
        {"name", "a b"}, {"page", "3"}, {"page", "4"},    {"temperature", "1.5"},          {"shared", "No"},
        {"tags", "x"},   {"tags", "y"}, {"unknown", "z"}, {"extra_options", "{\"k\":[]}"},
    };
    arena *a = arena_new(NULL);
    schema_faults faults;
    void *out = NULL;
    const sample *in;

    CHECK(schema_bind_query(a, &sample_schema, pairs, COUNT(pairs), &faults, &out) == OK, "%s",
          first_fault(a, &faults));
    in = out;
    CHECK_STR(in->name, "a b");
    CHECK_STR(in->mode, "simple");
    CHECK_INT(in->page, 3);
    CHECK(in->temperature == 1.5 && !in->shared, "numbers and booleans");
    CHECK_INT(json_array_size(in->tags), 2);
    CHECK(json_get_arr(in->options, "k") != NULL, "an object is parsed");
    CHECK_INT(in->given, 0xbd); /* all but mode and messages */
    arena_free(a);
}

TEST(query_pairs_that_do_not_fit_are_faults)
{
    static const struct {
        query_pair pair;
        const char *fault;
    } cases[] = {
        {{"page", ""}, "type page"},
        {{"page", "1x"}, "type page"},
        {{"page", "0"}, "range page"},
        {{"page", "99999999999999999999"}, "type page"},
        {{"temperature", "nan"}, "type temperature"},
        {{"temperature", "inf"}, "type temperature"},
        {{"shared", "perhaps"}, "type shared"},
        {{"mode", "x"}, "choice mode"},
        {{"mode", "\xff\xfe"}, "type mode"},
        {{"tags", "\xc0"}, "type tags"},
        {{"extra_options", "{"}, "type extra_options"},
        {{"extra_options", "[]"}, "type extra_options"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);
        query_pair pairs[] = {{"name", "n"}, cases[i].pair};
        schema_faults faults;
        void *in;

        CHECK(schema_bind_query(a, &sample_schema, pairs, 2, &faults, &in) == ERR_INVALID, "accepted: case %zu", i);
        CHECK_STR(first_fault(a, &faults), cases[i].fault);
        arena_free(a);
    }
}

TEST(a_missing_query_parameter_is_a_fault)
{
    arena *a = arena_new(NULL);
    schema_faults faults;
    void *in;

    CHECK(schema_bind_query(a, &sample_schema, NULL, 0, &faults, &in) == ERR_INVALID, "accepted");
    CHECK_STR(first_fault(a, &faults), "missing name");
    arena_free(a);
}

TEST(the_description_says_every_rule)
{
    arena *a = arena_new(NULL);
    json_t *doc = json_hold(a, schema_describe(&sample_schema)), *all = json_get_obj(doc, "properties");

    CHECK_STR(json_get_str(doc, "type", ""), "object");
    CHECK_STR(json_text(a, json_get_arr(doc, "required")), "[\"name\"]");
    CHECK_STR(json_text(a, json_get_obj(all, "name")),
              "{\"type\":\"string\",\"minLength\":1,\"maxLength\":4,\"description\":\"Shown in lists\"}");
    CHECK_STR(json_text(a, json_get_obj(all, "mode")), "{\"anyOf\":[{\"type\":\"string\",\"enum\":[\"simple\",\"team\"]"
                                                       "},{\"type\":\"null\"}],\"default\":\"simple\"}");
    CHECK_STR(json_text(a, json_get_obj(all, "shared")), "{\"type\":\"boolean\",\"default\":true}");
    CHECK_STR(json_text(a, json_array_get(json_get_arr(json_get_obj(all, "page"), "anyOf"), 0)),
              "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100}");
    CHECK_STR(json_text(a, json_array_get(json_get_arr(json_get_obj(all, "tags"), "anyOf"), 0)),
              "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":3}");
    CHECK(json_get_obj(all, "extra_options") != NULL, "JSON names are shown, not C names");
    arena_free(a);
}
