/* SPDX-License-Identifier: MIT */
/* The tree of a route table; see route_tree.h. */
#include "net/route_tree.h"

#include <assert.h>
#include <stdlib.h>

enum { SEGMENTS_MAX = 24, SEGMENT_MAX = 255 };

typedef struct node node;

typedef struct {
    str name; /* "" stands for the '/' at the end of a pattern */
    node *to;
} edge;

struct node {
    edge *edges; /* sorted once the tree is complete */
    size_t n_edges, cap;
    node *param;
    const route_leaf *here[METHOD_COUNT];
    const route_leaf *rest[METHOD_COUNT];
    unsigned allow, rest_allow;
};

struct route_tree {
    arena *arena;
    node root;
};

typedef struct {
    str name;
    enum { LITERAL, PARAM, REST } kind;
} segment;

/* ---- patterns ---- */

/* Cuts one segment off the front of `rest`, which stands after a '/'.  The last one leaves rest->p NULL. */
static str cut_segment(str *rest)
{
    const char *slash = memchr(rest->p, '/', rest->len);
    str seg = {rest->p, slash != NULL ? (size_t)(slash - rest->p) : rest->len};

    *rest = slash != NULL ? (str){slash + 1, rest->len - seg.len - 1} : (str){NULL, 0};
    return seg;
}

static bool name_ok(str name)
{
    if (name.len == 0)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

/* What a segment of a pattern is; false when it is malformed. */
static bool parse_segment(str text, segment *out)
{
    *out = (segment){.name = text, .kind = LITERAL};
    if (text.len == 0 || text.p[0] != '{')
        return memchr(text.p, '{', text.len) == NULL && memchr(text.p, '}', text.len) == NULL &&
               memchr(text.p, '%', text.len) == NULL;
    if (text.p[text.len - 1] != '}')
        return false;
    out->kind = PARAM;
    out->name = (str){text.p + 1, text.len - 2};
    if (str_ends(out->name, "...")) {
        out->kind = REST;
        out->name.len -= 3;
    }
    return name_ok(out->name);
}

/* The segments of a pattern; -1 when it is malformed. */
static int parse_pattern(const char *pattern, segment segments[SEGMENTS_MAX])
{
    str rest;
    int n = 0, params = 0;

    if (pattern == NULL || pattern[0] != '/')
        return -1;
    for (rest = str_of(pattern + 1); rest.p != NULL; n++) {
        str text = cut_segment(&rest);

        if (n == SEGMENTS_MAX || !parse_segment(text, &segments[n]))
            return -1;
        if (text.len == 0 && rest.p != NULL) /* "//" */
            return -1;
        if (segments[n].kind == REST && rest.p != NULL)
            return -1;
        params += segments[n].kind != LITERAL;
    }
    return params <= PATH_PARAMS_MAX ? n : -1;
}

/* ---- building ---- */

static node *literal_child(arena *a, node *from, str name)
{
    node *made;

    for (size_t i = 0; i < from->n_edges; i++)
        if (str_eq(from->edges[i].name, name))
            return from->edges[i].to;
    if (from->n_edges == from->cap) {
        size_t cap = from->cap > 0 ? from->cap * 2 : 4;
        edge *more = arena_array(a, edge, cap);

        if (from->n_edges > 0)
            memcpy(more, from->edges, from->n_edges * sizeof *more);
        from->edges = more;
        from->cap = cap;
    }
    made = arena_one(a, node);
    from->edges[from->n_edges++] = (edge){name, made};
    return made;
}

static const char *place(const route_leaf **slot, unsigned *allow, const route_leaf *leaf)
{
    http_method m = leaf->route->method;

    if (slot[m] != NULL)
        return "duplicate";
    slot[m] = leaf;
    *allow |= 1U << m;
    return NULL;
}

static const char *add_route(route_tree *t, const route *r)
{
    segment segments[SEGMENTS_MAX];
    route_leaf *leaf = arena_one(t->arena, route_leaf);
    int n = parse_pattern(r->path, segments);
    node *at = &t->root;

    if (n < 0)
        return "malformed path";
    if ((unsigned)r->method >= METHOD_COUNT)
        return "no such method";
    leaf->route = r;
    for (int i = 0; i < n; i++) {
        if (segments[i].kind == LITERAL) {
            at = literal_child(t->arena, at, segments[i].name);
            continue;
        }
        leaf->names[leaf->n++] = str_dup(t->arena, segments[i].name);
        if (segments[i].kind == REST)
            return place(at->rest, &at->rest_allow, leaf);
        if (at->param == NULL)
            at->param = arena_one(t->arena, node);
        at = at->param;
    }
    return place(at->here, &at->allow, leaf);
}

static int compare_names(str a, str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return memcmp(a.p, b.p, a.len);
}

static int compare_edges(const void *a, const void *b)
{
    return compare_names(((const edge *)a)->name, ((const edge *)b)->name);
}

/* Depth is bounded by SEGMENTS_MAX. */
static void sort_edges(node *at)
{
    if (at->n_edges > 1)
        qsort(at->edges, at->n_edges, sizeof *at->edges, compare_edges);
    for (size_t i = 0; i < at->n_edges; i++)
        sort_edges(at->edges[i].to);
    if (at->param != NULL)
        sort_edges(at->param);
}

route_tree *route_tree_new(arena *a, const route *routes, size_t n, const char **why)
{
    route_tree *t = arena_one(a, route_tree);

    t->arena = a;
    for (size_t i = 0; i < n; i++) {
        const char *wrong = add_route(t, &routes[i]);

        if (wrong != NULL) {
            *why = arena_printf(a, "%s: %s", routes[i].path != NULL ? routes[i].path : "(no path)", wrong);
            return NULL;
        }
    }
    sort_edges(&t->root);
    return t;
}

/* ---- matching ---- */

/* A literal is compared decoded, since "/%61" is "/a" (RFC 3986 section 6.2.2.2).  Longer than any literal: no match. */
static bool decode_literal(str seg, char text[SEGMENT_MAX], str *out)
{
    size_t n = 0;

    for (size_t i = 0; i < seg.len; i++) {
        unsigned char c = (unsigned char)seg.p[i];

        if (n == SEGMENT_MAX)
            return false;
        if (c == '%') {
            if (seg.len - i < 3 || !hex_decode((str){seg.p + i + 1, 2}, &c, 1))
                return false;
            i += 2;
        }
        text[n++] = (char)c;
    }
    *out = (str){text, n};
    return true;
}

static const node *literal_of(const node *at, str seg)
{
    char text[SEGMENT_MAX];
    size_t low = 0, high = at->n_edges;

    if (at->n_edges == 0)
        return NULL;
    if (memchr(seg.p, '%', seg.len) != NULL && !decode_literal(seg, text, &seg))
        return NULL;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = compare_names(seg, at->edges[mid].name);

        if (order == 0)
            return at->edges[mid].to;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

static bool arrive(const route_leaf *const *here, unsigned allow, http_method method, route_found *found)
{
    found->allow |= allow;
    found->leaf = here[method];
    return found->leaf != NULL;
}

/* Each node is visited at most once for a path, since the tree has one way to each: no blow-up.  `rest` stands after a '/'. */
static bool find_below(const node *at, http_method method, str rest, route_found *found)
{
    str all = rest, seg = cut_segment(&rest);
    const node *next = literal_of(at, seg);
    size_t n = found->n;

    if (next != NULL) {
        if (rest.p != NULL ? find_below(next, method, rest, found) : arrive(next->here, next->allow, method, found))
            return true;
        found->n = n;
    }
    next = at->param;
    if (next != NULL && seg.len > 0) {
        found->values[found->n++] = seg;
        if (rest.p != NULL ? find_below(next, method, rest, found) : arrive(next->here, next->allow, method, found))
            return true;
        found->n = n;
    }
    if (at->rest_allow != 0 && all.len > 0 && arrive(at->rest, at->rest_allow, method, found)) {
        found->values[found->n++] = all;
        return true;
    }
    return false;
}

route_found route_tree_find(const route_tree *t, http_method method, str path)
{
    route_found found = {.leaf = NULL};
    str rest = {path.p + 1, path.len - 1};

    assert(path.len > 0 && path.p[0] == '/');
    if (!find_below(&t->root, method, rest, &found) && method == HEAD)
        find_below(&t->root, GET, rest, &found);
    return found;
}

/* ---- results ---- */

bool route_take(arena *a, const route_found *found, request *rq)
{
    assert(found->n == found->leaf->n);
    for (size_t i = 0; i < found->n; i++) {
        char *value;

        if (!percent_decode(a, found->values[i], false, &value) || !utf8_valid(value, strlen(value)))
            return false;
        rq->params[i].name = found->leaf->names[i];
        rq->params[i].value = value;
    }
    rq->route = found->leaf->route;
    rq->n_params = found->n;
    return true;
}

char *route_methods(arena *a, unsigned allow)
{
    buf *text = buf_new(a, 256);

    if (allow & (1U << GET))
        allow |= 1U << HEAD;
    for (http_method m = 0; m < METHOD_COUNT; m++)
        if (allow & (1U << m))
            buf_printf(text, "%s%s", text->len > 0 ? ", " : "", http_method_name(m));
    return arena_strdup(a, buf_str(text));
}

bool route_match(arena *a, const char *pattern, const char *path, request *rq)
{
    const route r = {.method = GET, .path = pattern};
    const char *why;
    route_tree *t = route_tree_new(a, &r, 1, &why);
    request unused = {.path = path};
    route_found found;

    if (t == NULL || path[0] != '/')
        return false;
    found = route_tree_find(t, GET, str_of(path));
    rq = rq != NULL ? rq : &unused;
    if (found.leaf == NULL || !route_take(a, &found, rq))
        return false;
    rq->route = NULL; /* it is ours, and gone */
    return true;
}
