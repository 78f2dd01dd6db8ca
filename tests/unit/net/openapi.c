/* SPDX-License-Identifier: MIT */
/* The document that a route table makes. */
#include "net/route.h"

#include "test.h"

typedef struct {
    const char *name;
    int64_t page;
} thing;

static const field thing_fields[] = {
    FIELD(thing, name, .required = true, .max = 9, .text = "What it is called"),
    FIELD(thing, page, .min = 1, .fallback = "1", .text = "Page, from 1"),
};
static const schema thing_schema = SCHEMA(thing, thing_fields);

static const field other_fields[] = {FIELD(thing, page)};
static const schema other_schema = SCHEMA(thing, other_fields); /* the same name, other fields */

static err nothing(request *rq, response *rs)
{
    (void)rq;
    return reply_empty(rs, 204);
}

static const route routes[] = {
    {GET, "/api/v1/things", 0, NULL, nothing, "List things", .args = &thing_schema},
    {POST, "/api/v1/things", 0, &thing_schema, nothing, "Create a thing"},
    {PUT, "/api/v1/things/{id}", 0, &other_schema, nothing, "Change a thing", .mode = BODY_OPTIONAL,
     .tag = "Other things"},
    {GET, "/files/{id}/{path...}", 0, NULL, nothing, "A file"},
    {POST, "/files", 0, &thing_schema, nothing, "Upload", .mode = BODY_RAW},
    {GET, "/secret", 0, NULL, nothing, "Not shown", .hidden = true},
};
static const face first = {.name = "first", .title = "First API", .routes = routes, .n_routes = COUNT(routes)};
static const route second_routes[] = {{GET, "/", 0, NULL, nothing, NULL}};
static const face second = {.name = "second", .routes = second_routes, .n_routes = COUNT(second_routes)};

/* A member of members: "paths", "/x", "get" … */
static json_t *dig(json_t *v, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        v = json_object_get(v, *keys);
        CHECK(v != NULL, "no %s", *keys);
    }
    return v;
}
#define DIG(v, ...) dig((v), (const char *const[]){__VA_ARGS__, NULL})

static const face_mount mounts[] = {{"/", &first}, {NULL, &second}};

TEST(each_route_becomes_an_operation)
{
    arena *a = arena_new(NULL);
    router *r = router_new(mounts, COUNT(mounts));
    json_t *doc = json_hold(a, openapi_describe(r, &first, "1.2.3")), *op;

    CHECK_STR(json_get_str(doc, "openapi", ""), "3.1.0");
    CHECK_STR(json_get_str(DIG(doc, "info"), "title", ""), "First API");
    CHECK_STR(json_get_str(DIG(doc, "info"), "version", ""), "1.2.3");
    CHECK_INT(json_object_size(DIG(doc, "paths")), 4);
    op = DIG(doc, "paths", "/api/v1/things", "get");
    CHECK_STR(json_get_str(op, "summary", ""), "List things");
    CHECK_STR(json_get_str(op, "operationId", ""), "get_api_v1_things");
    CHECK_STR(json_text(a, DIG(op, "tags")), "[\"things\"]");
    CHECK_INT(json_object_size(DIG(op, "responses")), 2);
    CHECK_STR(json_text(a, DIG(doc, "paths", "/api/v1/things/{id}", "put", "tags")), "[\"Other things\"]");
    CHECK_INT(json_object_size(DIG(doc, "components", "securitySchemes")), 3);
    CHECK_INT(json_array_size(DIG(doc, "security")), 4);
    router_free(r);
    arena_free(a);
}

TEST(parameters_come_from_the_path_and_the_query_schema)
{
    arena *a = arena_new(NULL);
    router *r = router_new(mounts, COUNT(mounts));
    json_t *doc = json_hold(a, openapi_describe(r, &first, "1"));

    CHECK_STR(
        json_text(a, DIG(doc, "paths", "/files/{id}/{path}", "get", "parameters")),
        "[{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}},"
        "{\"name\":\"path\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"},\"x-rest\":true}]");
    CHECK_STR(json_text(a, DIG(doc, "paths", "/api/v1/things", "get", "parameters")),
              "[{\"name\":\"name\",\"in\":\"query\",\"required\":true,\"schema\":{\"type\":\"string\",\"maxLength\":9,"
              "\"description\":\"What it is called\"},\"description\":\"What it is called\"},"
              "{\"name\":\"page\",\"in\":\"query\",\"required\":false,\"schema\":{\"type\":\"integer\",\"minimum\":1,"
              "\"default\":1,\"description\":\"Page, from 1\"},\"description\":\"Page, from 1\"}]");
    router_free(r);
    arena_free(a);
}

TEST(bodies_refer_to_shared_schemas_and_two_of_one_name_stay_apart)
{
    arena *a = arena_new(NULL);
    router *r = router_new(mounts, COUNT(mounts));
    json_t *doc = json_hold(a, openapi_describe(r, &first, "1"));

    CHECK_STR(json_text(a, DIG(doc, "paths", "/api/v1/things", "post", "requestBody")),
              "{\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/"
              "thing\"}}},\"required\":true}");
    CHECK_STR(json_text(a, DIG(doc, "paths", "/api/v1/things/{id}", "put", "requestBody")),
              "{\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/"
              "thing_2\"}}},\"required\":false}");
    CHECK_STR(json_text(a, DIG(doc, "paths", "/files", "post", "requestBody", "content")),
              "{\"multipart/form-data\":{\"schema\":{\"$ref\":\"#/components/schemas/thing\"}}}");
    CHECK_INT(json_object_size(DIG(doc, "components", "schemas")), 2);
    CHECK_STR(json_text(a, DIG(doc, "components", "schemas", "thing", "required")), "[\"name\"]");
    router_free(r);
    arena_free(a);
}

TEST(the_document_of_all_faces_shows_each_route_where_the_shared_port_has_it)
{
    static const face_mount some[] = {{"/api", &second, .strip = true}, {"/files", &second}, {"/", &first}};
    arena *a = arena_new(NULL);
    router *r = router_new(mounts, COUNT(mounts)), *other;
    json_t *doc = json_hold(a, openapi_describe(r, NULL, "1"));

    CHECK_STR(json_get_str(DIG(doc, "info"), "title", ""), "Sluice");
    CHECK(json_object_size(DIG(doc, "paths", "/api/v1/things")) == 2, "of the first, at its own path");
    CHECK_STR(json_get_str(DIG(doc, "paths", "/api/v1/things", "get"), "operationId", ""), "first_get_api_v1_things");
    CHECK_STR(json_text(a, DIG(doc, "paths", "/api/v1/things", "get", "tags")), "[\"First API: things\"]");
    CHECK_STR(json_get_str(DIG(doc, "paths", "/second/", "get"), "operationId", ""), "second_get_");
    CHECK(json_object_get(DIG(doc, "paths"), "/secret") == NULL, "hidden routes are not shown");
    router_free(r);

    other = router_new(some, COUNT(some));
    doc = json_hold(a, openapi_describe(other, NULL, "1"));
    CHECK(DIG(doc, "paths", "/first/api/v1/things") != NULL, "taken by an alias of another");
    CHECK(DIG(doc, "paths", "/first/files/{id}/{path}") != NULL, "taken by another");
    CHECK(DIG(doc, "paths", "/second/") != NULL, "\"/\" is the first's");
    router_free(other);
    arena_free(a);
}
