/* SPDX-License-Identifier: MIT */
/*
 * A flow's document as a graph: nodes with their fields, edges, which of them run and in what order
 * (contracts/langflow-flows.md sections 5, 8, 10 and 14).
 *
 * The document is hostile: sizes and nesting are bounded, and nothing in it is code to us.
 */
#ifndef FLOW_GRAPH_H
#define FLOW_GRAPH_H

#include "flow/value.h"
#include "rt/scope.h"

enum { GRAPH_MAX_NODES = 1000, GRAPH_MAX_EDGES = 5000 };

typedef struct flow_component flow_component;
typedef struct graph_node graph_node;

typedef struct {
    graph_node *source, *target;
    const char *output; /* of the source */
    const char *field;  /* of the target */
} graph_edge;

struct graph_node {
    const char *id;
    const char *type; /* component type; the base of the id when the document does not say */
    const char *display_name;
    json_t *template; /* fields by name, ours to change; their values may be shared and are only replaced */
    json_t *outputs;  /* array as in the document */
    const flow_component *component; /* NULL: not known here */
    bool selected;                   /* runs in this run */
    size_t layer;
    /* Filled in while running. */
    flow_value *results; /* one for each of the component's outputs */
    bool *done;
};

typedef struct {
    graph_node *nodes;
    size_t n_nodes;
    graph_edge *edges;
    size_t n_edges;
    size_t n_layers;
} graph;

/* Reads a document {"nodes":[…],"edges":[…]}; everything lives in `a`.  Notes and other canvas furniture are left out.
 * ERR_INVALID for a document that is no flow; ERR_TOO_LARGE. */
MUST_USE err graph_read(scope *s, arena *a, const json_t *data, graph **out);

/* Overrides of fields: by node id, by display name, or by field name in all nodes; and `stream` everywhere (section 14). */
void graph_tweak(arena *a, graph *g, const json_t *tweaks, bool stream);

/* In the texts of a document, tweaked ones too, the two characters "\n" stand for a line break (section 9.1); in what comes along
 * an edge or as the run's input they do not. */
void graph_break_lines(arena *a, graph *g);

/* Selects what runs (from the chat input, section 10.3) and sorts it into layers.  ERR_UNSUPPORTED (code "flow.cycle"): a
 * cycle. */
MUST_USE err graph_plan(scope *s, graph *g);

bool graph_is_input(const graph_node *n);
bool graph_is_output(const graph_node *n);

/* The edge that feeds a field (the last one), or NULL. */
const graph_edge *graph_edge_into(const graph *g, const graph_node *n, const char *field);

/* Whether two nodes are neighbours. */
bool graph_touches(const graph *g, const graph_node *n, const char *type);

/* A field's literal value, or NULL; with typed reading. */
json_t *node_field(const graph_node *n, const char *field);
const char *node_text(const graph_node *n, const char *field, const char *fallback);
bool node_flag(const graph_node *n, const char *field, bool fallback);
double node_number(const graph_node *n, const char *field, double fallback);
void node_set(graph_node *n, const char *field, json_t *owned); /* only when the field exists */

#endif
