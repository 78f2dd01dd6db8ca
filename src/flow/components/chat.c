/* SPDX-License-Identifier: MIT */
/* Chat Input, Chat Output, Text Input, Text Output (contracts/langflow-components.md section 3). */
#include "flow/component.h"

/* The session of a message: what is fed into the node, else the run's; a session in the document does not count. */
static const char *session_of(component_call *c)
{
    const char *fed =
        graph_edge_into(c->graph, c->node, "session_id") != NULL ? component_input_text(c, "session_id") : "";

    return cstr_blank(fed) ? c->session_id : fed;
}

static err chat_input(component_call *c, flow_value *out)
{
    flow_message *m = arena_one(c->s->arena, flow_message);

    *m = (flow_message){
        .text = node_text(c->node, "input_value", ""),
        .sender = node_text(c->node, "sender", "User"),
        .sender_name = component_input_text(c, "sender_name"),
        .session_id = session_of(c),
        .context_id = component_input_text(c, "context_id"),
    };
    if (cstr_blank(m->sender_name))
        m->sender_name = "User";
    if (node_flag(c->node, "should_store_message", true))
        TRY(component_show(c, m, false));
    *out = value_of_message(m);
    return OK;
}

/* What a value reads like in a chat. */
static err chat_text(component_call *c, const flow_value *v, const char **out)
{
    char *pretty;

    if (v->kind == VALUE_NONE)
        return fail(c->s, ERR_INVALID, "Input data cannot be None");
    if (v->kind != VALUE_JSON || json_is_string(v->json)) {
        *out = value_text(c->s->arena, v);
        return OK;
    }
    pretty = json_dumps(v->json, JSON_INDENT(2) | JSON_ENCODE_ANY);
    *out = arena_printf(c->s->arena, "```json\n%s\n```", pretty != NULL ? pretty : "");
    free(pretty);
    return OK;
}

static err chat_output(component_call *c, flow_value *out)
{
    const graph_edge *edge = graph_edge_into(c->graph, c->node, "input_value");
    flow_value in = component_input(c, "input_value");
    bool reuse = in.kind == VALUE_MESSAGE && !graph_touches(c->graph, c->node, "ChatInput");
    flow_message *m = reuse ? in.message : arena_one(c->s->arena, flow_message);

    TRY(chat_text(c, &in, &m->text));
    m->sender = node_text(c->node, "sender", "Machine");
    m->sender_name = component_input_text(c, "sender_name");
    if (cstr_blank(m->sender_name))
        m->sender_name = "AI";
    m->session_id = session_of(c);
    m->context_id = component_input_text(c, "context_id");
    if (edge != NULL) {
        m->source_id = edge->source->id;
        m->source_name = edge->source->display_name;
    }
    if (node_flag(c->node, "should_store_message", true))
        TRY(component_show(c, m, false));
    *out = value_of_message(m);
    return OK;
}

static err text_as_message(component_call *c, flow_value *out)
{
    flow_message *m = arena_one(c->s->arena, flow_message);

    m->text = component_input_text(c, "input_value");
    m->session_id = c->session_id;
    *out = value_of_message(m);
    return OK;
}

static const component_output chat_input_outputs[] = {{"message", chat_input}};
const flow_component chat_input_component = {{"ChatInput"}, "Chat Input", COMPONENT_INPUT, chat_input_outputs, 1};

static const component_output chat_output_outputs[] = {{"message", chat_output}};
const flow_component chat_output_component = {{"ChatOutput"}, "Chat Output", COMPONENT_OUTPUT, chat_output_outputs, 1};

static const component_output text_outputs[] = {{"text", text_as_message}};
const flow_component text_input_component = {{"TextInput"}, "Text Input", COMPONENT_INPUT, text_outputs, 1};
const flow_component text_output_component = {{"TextOutput"}, "Text Output", COMPONENT_OUTPUT, text_outputs, 1};
