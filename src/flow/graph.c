/* SPDX-License-Identifier: MIT */
/* Reading, tweaking and ordering a flow's document; see graph.h. */
#include "flow/graph.h"

#include <stdio.h>
#include <strings.h>

#include "base/map.h"
#include "flow/component.h"

static graph_node *node_by_id(graph *g, const char *id)
{
    for (size_t i = 0; i < g->n_nodes; i++)
        if (cstr_eq(g->nodes[i].id, id))
            return &g->nodes[i];
    return NULL;
}

/* "ChatInput-a1B2c" is of type ChatInput. */
static const char *base_of_id(arena *a, const char *id)
{
    const char *dash = strrchr(id, '-');

    return dash != NULL ? arena_strndup(a, id, (size_t)(dash - id)) : id;
}

static err read_node(scope *s, arena *a, const json_t *v, graph *g)
{
    const json_t *data = json_get_obj(v, "data"), *node = json_get_obj(data, "node");
    const char *id = json_get_str(v, "id", json_get_str(data, "id", NULL));
    const json_t *fields = json_get_obj(node, "template");
    graph_node *n;

    if (id == NULL || data == NULL)
        return fail_code(s, ERR_INVALID, "flow.invalid", NULL, "a node of the flow has no id or no data");
    if (fields == NULL) /* a note, a group frame */
        return OK;
    if (node_by_id(g, id) != NULL)
        return fail_code(s, ERR_INVALID, "flow.invalid", id, "two nodes of the flow have the id %s", id);
    n = &g->nodes[g->n_nodes++];
    *n = (graph_node){
        .id = arena_strdup(a, id),
        .type = arena_strdup(a, json_get_str(data, "type", base_of_id(a, id))),
        .template = json_hold(a, json_deep_copy(fields)),
        .outputs = json_get_arr(node, "outputs"),
    };
    n->component = component_find(n->type);
    if (n->component == NULL)
        n->component = component_find(base_of_id(a, id));
    n->display_name = arena_strdup(
        a, json_get_str(node, "display_name", n->component != NULL ? n->component->display_name : n->type));
    return OK;
}

/* An edge of the current form; the string handles are canvas state (section 5). */
static void read_edge(arena *a, const json_t *v, graph *g)
{
    const json_t *data = json_get_obj(v, "data");
    const json_t *from = json_get_obj(data, "sourceHandle"), *to = json_get_obj(data, "targetHandle");
    graph_edge e = {
        .source = node_by_id(g, json_get_str(v, "source", NULL)),
        .target = node_by_id(g, json_get_str(v, "target", NULL)),
        .output = arena_strdup(a, json_get_str(from, "name", NULL)),
        .field = arena_strdup(a, json_get_str(to, "fieldName", json_get_str(to, "name", NULL))),
    };

    if (e.source != NULL && e.target != NULL && e.output != NULL && e.field != NULL)
        g->edges[g->n_edges++] = e;
}

err graph_read(scope *s, arena *a, const json_t *data, graph **out)
{
    const json_t *nodes = json_get_arr(data, "nodes"), *edges = json_get_arr(data, "edges");
    graph *g = arena_one(a, graph);

    if (nodes == NULL || edges == NULL)
        return fail_code(s, ERR_INVALID, "flow.invalid", NULL, "Flow must have nodes and edges");
    if (json_array_size(nodes) > GRAPH_MAX_NODES || json_array_size(edges) > GRAPH_MAX_EDGES)
        return fail_code(s, ERR_TOO_LARGE, "flow.invalid", NULL, "the flow has more than %d nodes or %d edges",
                         GRAPH_MAX_NODES, GRAPH_MAX_EDGES);
    g->nodes = arena_array(a, graph_node, json_array_size(nodes));
    g->edges = arena_array(a, graph_edge, json_array_size(edges));
    for (size_t i = 0; i < json_array_size(nodes); i++)
        TRY(read_node(s, a, json_array_get(nodes, i), g));
    for (size_t i = 0; i < json_array_size(edges); i++)
        read_edge(a, json_array_get(edges, i), g);
    *out = g;
    return OK;
}

/* Fields */

static json_t *field_object(const graph_node *n, const char *field)
{
    return json_get_obj(n->template, field);
}

json_t *node_field(const graph_node *n, const char *field)
{
    json_t *v = json_object_get(field_object(n, field), "value");

    return json_is_null(v) ? NULL : v;
}

const char *node_text(const graph_node *n, const char *field, const char *fallback)
{
    const char *text = json_string_value(node_field(n, field));

    return text != NULL ? text : fallback;
}

bool node_flag(const graph_node *n, const char *field, bool fallback)
{
    const json_t *v = node_field(n, field);

    if (json_is_string(v))
        return strcasecmp(json_string_value(v), "true") == 0 || strcmp(json_string_value(v), "1") == 0;
    return json_is_boolean(v) ? json_is_true(v) : fallback;
}

double node_number(const graph_node *n, const char *field, double fallback)
{
    const json_t *v = node_field(n, field);
    double number;

    if (json_is_number(v))
        return json_number_value(v);
    return json_is_string(v) && str_to_double(str_of(json_string_value(v)), &number) ? number : fallback;
}

void node_set(graph_node *n, const char *field, json_t *owned)
{
    json_t *o = field_object(n, field);

    if (o != NULL)
        json_set(o, "value", owned);
    else
        json_decref(owned);
}

/* Tweaks */

/* Attributes that say what a field is: never changed from outside. */
static bool is_fixed_attribute(const char *name)
{
    return strcmp(name, "type") == 0 || strcmp(name, "_input_type") == 0;
}

/* One override, which every node may take: values are shared among them, and replaced, never changed. */
typedef struct {
    arena *a;
    json_t *value;
    json_t *nested; /* made when it is asked for */
} tweak;

/* A nested object may be written as text. */
static json_t *nested(tweak *t)
{
    const char *text = json_string_value(t->value);

    if (t->nested == NULL && (text == NULL || json_parse(t->a, text, strlen(text), NULL, &t->nested) != OK))
        t->nested = t->value;
    return t->nested;
}

static void tweak_field(graph_node *n, const char *field, tweak *t)
{
    json_t *o = field_object(n, field), *value = t->value, *v;
    const char *type = json_get_str(o, "type", ""), *place = strcmp(type, "file") == 0 ? "file_path" : "value", *key;

    if (o == NULL || strcmp(field, "code") == 0 || *field == '_')
        return;
    if (strcmp(type, "NestedDict") == 0)
        value = nested(t);
    if (json_is_object(value) && strcmp(type, "dict") == 0) {
        v = json_object_size(value) == 1 ? json_object_get(value, "value") : NULL;
        json_set(o, "value", json_incref(v != NULL ? v : value));
    } else if (json_is_object(value) && strcmp(type, "NestedDict") != 0 && strcmp(type, "mcp") != 0) {
        if (json_object_get(value, "load_from_db") == NULL)
            json_set_bool(o, "load_from_db", false);
        json_object_foreach(value, key, v)
        {
            if (!is_fixed_attribute(key))
                json_set(o, strcmp(place, "file_path") == 0 ? place : key, json_incref(v));
        }
    } else {
        json_set(o, place, json_incref(value));
        json_set_bool(o, "load_from_db", false);
    }
}

static graph_node *node_named(graph *g, const char *name)
{
    graph_node *found = node_by_id(g, name);

    for (size_t i = g->n_nodes; found == NULL && i > 0; i--)
        if (cstr_eq(g->nodes[i - 1].display_name, name))
            found = &g->nodes[i - 1];
    return found;
}

void graph_tweak(arena *a, graph *g, const json_t *tweaks, bool stream)
{
    json_t *all = json_hold(a, json_is_object(tweaks) ? json_copy((json_t *)(uintptr_t)tweaks) : json_object()), *value,
           *inner;
    const char *key, *field;

    if (json_object_get(all, "stream") == NULL)
        json_set_bool(all, "stream", stream);
    json_object_foreach(all, key, value)
    {
        graph_node *n = json_is_object(value) ? node_named(g, key) : NULL;

        if (n != NULL)
            json_object_foreach(value, field, inner) tweak_field(n, field, &(tweak){.a = a, .value = inner});
    }
    json_object_foreach(all, key, value)
    {
        tweak t = {.a = a, .value = value};

        for (size_t i = 0; !json_is_object(value) && i < g->n_nodes; i++)
            tweak_field(&g->nodes[i], key, &t);
    }
}

/* A new reference. */
static json_t *with_line_breaks(json_t *value)
{
    const char *text = json_string_value(value);
    buf b = BUF_INIT(json_string_length(value));
    json_t *broken;

    if (strstr(text, "\\n") == NULL)
        return json_incref(value);
    for (const char *p = text; *p != '\0'; p++) {
        bool stands = p[0] == '\\' && p[1] == 'n';

        buf_putc(&b, stands ? '\n' : *p);
        p += stands;
    }
    broken = json_str(buf_str(&b));
    buf_close(&b);
    return broken;
}

enum { LONG_TEXT = 256 };

/* The same, of a long text once for all fields that share it; *seen keeps the results in `a` by the text's address. */
static json_t *with_shared_breaks(arena *a, map *seen, json_t *value)
{
    char address[32];
    json_t *broken;

    if (json_string_length(value) < LONG_TEXT)
        return with_line_breaks(value);
    snprintf(address, sizeof address, "%p", (void *)value);
    broken = map_get(seen, address);
    if (broken == NULL) {
        json_hold(a, json_incref(value)); /* or its address would get another meaning */
        broken = json_hold(a, with_line_breaks(value));
        map_put(seen, address, broken);
    }
    return json_incref(broken);
}

void graph_break_lines(arena *a, graph *g)
{
    map *seen = map_new();
    const char *name;
    json_t *field;

    for (size_t i = 0; i < g->n_nodes; i++)
        json_object_foreach(g->nodes[i].template, name, field)
        {
            json_t *value = json_object_get(field, "value");

            if (json_is_string(value) && cstr_eq(json_get_str(field, "type", NULL), "str"))
                json_set(field, "value", with_shared_breaks(a, seen, value));
        }
    map_free(seen);
}

/* Selecting and ordering */

bool graph_is_input(const graph_node *n)
{
    return n->component != NULL && n->component->role == COMPONENT_INPUT;
}

bool graph_is_output(const graph_node *n)
{
    return n->component != NULL && n->component->role == COMPONENT_OUTPUT;
}

static graph_node *start_node(graph *g)
{
    static const char *const kinds[] = {"webhook", "chat"};

    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; i < g->n_nodes; i++)
            if (graph_is_input(&g->nodes[i]) && strcasestr(g->nodes[i].id, kinds[k]) != NULL)
                return &g->nodes[i];
    return NULL;
}

/* Spreads the selection along the edges until nothing changes; each round reaches at least one node more. */
static void spread(graph *g, bool forwards)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < g->n_edges; i++) {
            graph_node *from = forwards ? g->edges[i].source : g->edges[i].target;
            graph_node *to = forwards ? g->edges[i].target : g->edges[i].source;

            if (from->selected && !to->selected)
                to->selected = changed = true;
        }
    }
}

/* How many selected nodes each node still waits for. */
static size_t *count_pending(scope *s, const graph *g)
{
    size_t *pending = arena_array(s->arena, size_t, g->n_nodes);

    for (size_t i = 0; i < g->n_edges; i++)
        if (g->edges[i].source->selected)
            pending[g->edges[i].target - g->nodes]++;
    return pending;
}

/* Puts what waits for nothing into the next layer; how many that were. */
static size_t place_layer(graph *g, size_t *pending, bool *placed)
{
    size_t found = 0;

    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!g->nodes[i].selected || placed[i] || pending[i] > 0)
            continue;
        g->nodes[i].layer = g->n_layers;
        placed[i] = true;
        found++;
    }
    for (size_t i = 0; i < g->n_edges; i++)
        if (g->edges[i].source->selected && placed[g->edges[i].source - g->nodes] &&
            g->edges[i].source->layer == g->n_layers)
            pending[g->edges[i].target - g->nodes]--;
    g->n_layers++;
    return found;
}

err graph_plan(scope *s, graph *g)
{
    bool *placed = arena_array(s->arena, bool, g->n_nodes);
    graph_node *start = start_node(g);
    size_t *pending, left = 0, found = 1;

    for (size_t i = 0; i < g->n_nodes; i++)
        g->nodes[i].selected = start == NULL || start == &g->nodes[i];
    if (start != NULL) {
        spread(g, true);
        spread(g, false);
    }
    for (size_t i = 0; i < g->n_nodes; i++)
        left += g->nodes[i].selected;
    pending = count_pending(s, g);
    for (g->n_layers = 0; left > 0 && found > 0; left -= found)
        found = place_layer(g, pending, placed);
    if (left > 0)
        return fail_code(s, ERR_UNSUPPORTED, "flow.cycle", NULL, "the flow has a cycle, which this version cannot run");
    return OK;
}

const graph_edge *graph_edge_into(const graph *g, const graph_node *n, const char *field)
{
    const graph_edge *found = NULL;

    for (size_t i = 0; i < g->n_edges; i++)
        if (g->edges[i].target == n && cstr_eq(g->edges[i].field, field))
            found = &g->edges[i];
    return found;
}

bool graph_touches(const graph *g, const graph_node *n, const char *type)
{
    for (size_t i = 0; i < g->n_edges; i++) {
        const graph_node *other = g->edges[i].source == n   ? g->edges[i].target
                                  : g->edges[i].target == n ? g->edges[i].source
                                                            : NULL;

        if (other != NULL && cstr_eq(other->type, type))
            return true;
    }
    return false;
}

const char *value_text(arena *a, const flow_value *v)
{
    const char *text;

    switch (v->kind) {
    case VALUE_TEXT:
        return v->text;
    case VALUE_MESSAGE:
        return v->message->text;
    case VALUE_JSON:
        if (json_is_string(v->json))
            return json_string_value(v->json);
        text = json_get_str(v->json, "text", NULL);
        return text != NULL ? text : json_text(a, v->json);
    case VALUE_NONE:
        break;
    }
    return "";
}
