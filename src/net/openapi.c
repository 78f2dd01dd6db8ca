/* SPDX-License-Identifier: MIT */
/* The OpenAPI 3.1 document of a face, made from its route table, and the page that shows it. */
#include <ctype.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "net/route_internal.h"

/* docs.html, put into the binary by embed.sh. */
extern const char docs_page[], docs_page_end[];

/* A document in the making. */
typedef struct {
    json_t *paths;
    json_t *schemas;   /* components/schemas */
    map *names;        /* from names in there to their `schema` */
    const router *all; /* of the document of all faces, or NULL */
    const face *face;  /* the present one */
} document;

/* ---- one operation ---- */

/* The section of a route: its tag, or the first segment of the path after "api" and a version. */
static str section_of(const route *r)
{
    str rest = str_of(r->path + 1), part;

    if (r->tag != NULL)
        return str_of(r->tag);
    while (str_next(&rest, '/', &part)) {
        bool version = part.len == 2 && part.p[0] == 'v' && isdigit((unsigned char)part.p[1]);

        if (part.len > 0 && part.p[0] != '{' && !version && !str_is(part, "api"))
            return part;
    }
    return STR("general");
}

static const char *title_of(const face *f)
{
    return f->title != NULL ? f->title : f->name;
}

static json_t *tag_of(const document *d, const route *r)
{
    str section = section_of(r);
    buf text = BUF_INIT(512);
    json_t *tag;

    if (d->all != NULL)
        buf_printf(&text, "%s: ", title_of(d->face));
    buf_add(&text, section.p, section.len);
    tag = json_string(buf_str(&text));
    buf_close(&text);
    return tag;
}

/* "get_api_agents_id": unique, since method and path are; in the document of all after the face's name. */
static void add_operation_id(const document *d, json_t *op, const route *r)
{
    buf id = BUF_INIT(1024);

    if (d->all != NULL)
        buf_printf(&id, "%s_", d->face->name);
    for (const char *c = http_method_name(r->method); *c != '\0'; c++)
        buf_putc(&id, (char)tolower((unsigned char)*c));
    for (const char *c = r->path; *c != '\0'; c++)
        if (isalnum((unsigned char)*c) || *c == '-')
            buf_putc(&id, *c);
        else if (*c != '}' && *c != '.')
            buf_putc(&id, '_');
    json_set_str(op, "operationId", buf_str(&id));
    buf_close(&id);
}

static json_t *parameter(const char *name, size_t len, const char *in, bool required, json_t *type)
{
    json_t *p = json_object();

    json_set(p, "name", json_stringn(name, len));
    json_set_str(p, "in", in);
    json_set_bool(p, "required", required);
    json_set(p, "schema", type);
    return p;
}

static json_t *string_type(void)
{
    json_t *t = json_object();

    json_set_str(t, "type", "string");
    return t;
}

static void add_path_parameters(json_t *list, const char *path)
{
    for (const char *open = strchr(path, '{'); open != NULL; open = strchr(open + 1, '{')) {
        size_t len = strcspn(open + 1, ".}");
        json_t *p = parameter(open + 1, len, "path", true, string_type());

        if (open[1 + len] == '.') /* may hold '/' */
            json_set_bool(p, "x-rest", true);
        json_array_append_new(list, p);
    }
}

static void add_query_parameters(json_t *list, const schema *args)
{
    for (size_t i = 0; args != NULL && i < args->count; i++) {
        const field *f = &args->fields[i];
        json_t *p = parameter(f->name, strlen(f->name), "query", f->required, schema_describe_field(f));

        if (f->text != NULL)
            json_set_str(p, "description", f->text);
        json_array_append_new(list, p);
    }
}

/* A reference to the schema, which is described when it comes up first.  Two schemas of one name are told apart. */
static json_t *reference(document *d, const schema *sc)
{
    json_t *ref = json_object();
    buf name = BUF_INIT(256), target = BUF_INIT(512);
    const schema *there;

    buf_puts(&name, sc->name);
    for (int n = 2; (there = map_get(d->names, buf_str(&name))) != NULL && there != sc; n++) {
        buf_reset(&name);
        buf_printf(&name, "%s_%d", sc->name, n);
    }
    if (there == NULL) {
        map_put(d->names, buf_str(&name), (void *)(uintptr_t)sc);
        json_set(d->schemas, buf_str(&name), schema_describe(sc));
    }
    buf_printf(&target, "#/components/schemas/%s", buf_str(&name));
    json_set_str(ref, "$ref", buf_str(&target));
    buf_close(&target);
    buf_close(&name);
    return ref;
}

static void add_body(document *d, json_t *op, const route *r)
{
    json_t *body = json_object(), *content = json_object(), *media = json_object();

    json_set(media, "schema", reference(d, r->body));
    json_set(content, r->mode == BODY_RAW ? "multipart/form-data" : "application/json", media);
    json_set(body, "content", content);
    json_set_bool(body, "required", r->mode == BODY_JSON);
    json_set(op, "requestBody", body);
}

static void add_response(json_t *responses, const char *status, const char *text)
{
    json_t *answer = json_object();

    json_set_str(answer, "description", text);
    json_set(responses, status, answer);
}

static json_t *operation(document *d, const route *r)
{
    json_t *op = json_object(), *tags = json_array(), *parameters = json_array(), *responses = json_object();

    json_array_append_new(tags, tag_of(d, r));
    json_set(op, "tags", tags);
    json_set_str(op, "summary", r->summary != NULL ? r->summary : r->path);
    add_operation_id(d, op, r);
    add_path_parameters(parameters, r->path);
    add_query_parameters(parameters, r->args);
    if (json_array_size(parameters) > 0)
        json_set(op, "parameters", parameters);
    else
        json_decref(parameters);
    if (r->body != NULL)
        add_body(d, op, r);
    add_response(responses, "200", "Success");
    add_response(responses, "default", "An error, in the format of this API");
    json_set(op, "responses", responses);
    return op;
}

/* ---- the document ---- */

/* The path as OpenAPI writes it: "{rest...}" is "{rest}".  In the document of all, a path that the shared port gives to
 * another face is shown below the name of its own. */
static void path_key(const document *d, buf *key, const char *path)
{
    const face_mount *m = d->all != NULL ? route_mount(d->all, path) : NULL;

    if (d->all != NULL && (m == NULL || m->face != d->face || m->strip))
        buf_printf(key, "/%s", d->face->name);
    for (; *path != '\0'; path++)
        if (*path != '.' || strncmp(path, "...}", 4) != 0)
            buf_putc(key, *path);
        else
            path += 2;
}

static void add_route(document *d, const route *r)
{
    buf key = BUF_INIT(KIB(8)), method = BUF_INIT(16);
    json_t *item;

    path_key(d, &key, r->path);
    for (const char *c = http_method_name(r->method); *c != '\0'; c++)
        buf_putc(&method, (char)tolower((unsigned char)*c));
    if (json_object_get(d->paths, buf_str(&key)) == NULL)
        json_set(d->paths, buf_str(&key), json_object());
    item = json_object_get(d->paths, buf_str(&key));
    json_set(item, buf_str(&method), operation(d, r));
    buf_close(&method);
    buf_close(&key);
}

static void add_face(document *d, const face *f)
{
    d->face = f;
    for (size_t i = 0; i < f->n_routes; i++)
        if (!f->routes[i].hidden)
            add_route(d, &f->routes[i]);
}

static void add_scheme(json_t *schemes, json_t *security, const char *name, const char *json)
{
    json_t *one = json_object();

    json_set(schemes, name, json_loads(json, 0, NULL));
    json_set(one, name, json_array());
    json_array_append_new(security, one);
}

/* How callers say who they are: any one of these, or nothing where a route is open to everybody. */
static void add_security(json_t *doc, json_t *components)
{
    json_t *schemes = json_object(), *security = json_array();

    add_scheme(schemes, security, "bearer",
               "{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"An access token or an API key\"}");
    add_scheme(schemes, security, "apiKey",
               "{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\",\"description\":\"An API key\"}");
    add_scheme(schemes, security, "cookie",
               "{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"sage_session\",\"description\":\"The session of a "
               "login, unless the cookie has another name here\"}");
    json_array_append_new(security, json_object());
    json_set(components, "securitySchemes", schemes);
    json_set(doc, "security", security);
}

static json_t *info_of(const face *f, const char *version)
{
    json_t *info = json_object();

    json_set_str(info, "title", f != NULL ? title_of(f) : "Sluice");
    json_set_str(info, "version", version);
    return info;
}

json_t *openapi_describe(const router *r, const face *f, const char *version)
{
    document d = {.paths = json_object(), .schemas = json_object(), .names = map_new()};
    json_t *doc = json_object(), *components = json_object();

    json_set_str(doc, "openapi", "3.1.0");
    json_set(doc, "info", info_of(f, version));
    d.all = f == NULL ? r : NULL;
    for (size_t i = 0; f == NULL && i < r->n_faces; i++)
        add_face(&d, r->faces[i].face);
    if (f != NULL)
        add_face(&d, f);
    map_free(d.names);
    json_set(doc, "paths", d.paths);
    json_set(components, "schemas", d.schemas);
    add_security(doc, components);
    json_set(doc, "components", components);
    return doc;
}

/* ---- serving ---- */

static char *document_text(const router *r, const face *f)
{
    json_t *doc = openapi_describe(r, f, SLUICE_VERSION);
    char *text = json_dumps(doc, JSON_COMPACT | JSON_ENSURE_ASCII);

    json_decref(doc);
    if (text == NULL)
        mem_die("API document", 0);
    return text;
}

/* Made once; two loops may race to be the first. */
static const char *kept_document(_Atomic(char *) *kept, const router *r, const face *f)
{
    char *text = atomic_load(kept), *expected = NULL;

    if (text != NULL)
        return text;
    text = document_text(r, f);
    if (atomic_compare_exchange_strong(kept, &expected, text))
        return text;
    free(text);
    return expected;
}

err openapi_reply(request *rq, response *rs, served_face *sf, str prefix)
{
    const char *text = kept_document(&sf->document, NULL, sf->face);

    if (prefix.len > 0) /* is a face's name: nothing in it needs escaping */
        text = arena_printf(rq->scope->arena, "{\"servers\":[{\"url\":\"%.*s\"}],%s", STR_ARG(prefix), text + 1);
    return reply(rs, 200, "application/json", text, strlen(text));
}

err openapi_reply_all(response *rs, router *r)
{
    const char *text = kept_document(&r->document, r, NULL);

    return reply(rs, 200, "application/json", text, strlen(text));
}

/* "'sha256-…'" of what stands between two marks of the page: only that may run there. */
static void add_hash(buf *policy, const char *open, const char *close)
{
    str page = {docs_page, (size_t)(docs_page_end - docs_page)}, rest;
    ptrdiff_t from = str_find(page, str_of(open)), len;
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[64];

    if (from < 0)
        return;
    rest = (str){page.p + from + strlen(open), page.len - (size_t)from - strlen(open)};
    len = str_find(rest, str_of(close));
    if (len < 0)
        return;
    crypto_hash_sha256(hash, (const unsigned char *)rest.p, (unsigned long long)len);
    sodium_bin2base64(text, sizeof text, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
    buf_printf(policy, "'sha256-%s'; ", text);
}

static buf page_policy = {.max = 1024};

/* The page may run only what is in it, and talk only to this server. */
static void make_page_policy(void)
{
    buf_puts(&page_policy, "default-src 'none'; script-src ");
    add_hash(&page_policy, "<script>", "</script>");
    buf_puts(&page_policy, "style-src ");
    add_hash(&page_policy, "<style>", "</style>");
    buf_puts(&page_policy,
             "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
}

err openapi_serve_page(request *rq, response *rs)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)rq;
    pthread_once(&once, make_page_policy);
    reply_header(rs, "Content-Security-Policy", buf_str(&page_policy));
    reply_header(rs, "X-Content-Type-Options", "nosniff");
    reply_header(rs, "Referrer-Policy", "no-referrer");
    return reply(rs, 200, "text/html; charset=utf-8", docs_page, (size_t)(docs_page_end - docs_page));
}
