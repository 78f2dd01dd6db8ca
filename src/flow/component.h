/* SPDX-License-Identifier: MIT */
/*
 * Components: what a node of a flow does.  One file each in components/; the table is registry.c.
 */
#ifndef FLOW_COMPONENT_H
#define FLOW_COMPONENT_H

#include "flow/flow.h"
#include "flow/graph.h"

/* What a component may use while it runs. */
typedef struct {
    scope *s; /* ends with the run */
    run *run;
    const graph *graph;
    graph_node *node;
    const char *flow_id, *session_id, *user_id;
    bool admin;
    bool stream;                /* somebody watches */
    struct flow_record *record; /* messages to be stored */
} component_call;

typedef struct {
    const char *name; /* of the output */
    err (*produce)(component_call *c, flow_value *out);
} component_output;

struct flow_component {
    const char *types[4]; /* names in documents, newest first */
    const char *display_name;
    enum { COMPONENT_PLAIN, COMPONENT_INPUT, COMPONENT_OUTPUT } role;
    const component_output *outputs;
    size_t n_outputs;
};

const flow_component *component_find(const char *type); /* NULL when there is none */

/* The value of an input: of the edge into it, else the literal. */
flow_value component_input(component_call *c, const char *field);
const char *component_input_text(component_call *c, const char *field);

/* Stores a message in the session and shows it to whoever watches (an "add_message" event); gives it an id. */
MUST_USE err component_show(component_call *c, flow_message *m, bool partial);

/* One piece of a message that is being written. */
MUST_USE err component_token(component_call *c, const flow_message *m, str piece);

extern const flow_component chat_input_component, chat_output_component, prompt_component, language_model_component,
    text_input_component, text_output_component;

#endif
