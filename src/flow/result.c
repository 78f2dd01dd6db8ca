/* SPDX-License-Identifier: MIT */
/* Results of a flow as its clients read them; see result.h. */
#include "flow/result.h"

#include "flow/message.h"

/* Newlines of the machine's messages are doubled for display, in two places only.  `text` is the message's; new reference. */
static json_t *display_text(const flow_message *m, json_t *text)
{
    buf b = BUF_INIT(2 * strlen(m->text));
    json_t *shown;

    if (!cstr_eq(m->sender, "Machine") || strchr(m->text, '\n') == NULL)
        return json_incref(text);
    for (const char *p = m->text; *p != '\0'; p++) {
        if (*p != '\n') {
            buf_putc(&b, *p);
            continue;
        }
        buf_puts(&b, "\n\n");
        if (p[1] == '\n')
            p++;
    }
    shown = json_str(buf_str(&b));
    buf_close(&b);
    return shown;
}

static json_t *files_of(const flow_message *m)
{
    return m->files != NULL ? json_incref(m->files) : json_array();
}

static json_t *artifact_json(const flow_message *m, json_t *text)
{
    json_t *o = json_object();

    json_set(o, "message", json_incref(text));
    json_set_str(o, "sender", m->sender);
    json_set_str(o, "sender_name", m->sender_name);
    json_set(o, "files", files_of(m));
    json_set_str(o, "type", "object");
    return o;
}

static json_t *shown_json(const graph_node *n, const flow_message *m, json_t *text)
{
    json_t *o = json_object();

    json_set(o, "message", json_incref(text));
    json_set_str(o, "sender", m->sender);
    json_set_str(o, "sender_name", m->sender_name);
    json_set_str(o, "session_id", m->session_id);
    json_set(o, "stream_url", json_null());
    json_set_str(o, "component_id", n->id);
    json_set(o, "files", files_of(m));
    json_set_str(o, "type", "text");
    return o;
}

static json_t *raw_of(arena *a, const flow_value *v)
{
    return v->kind == VALUE_JSON ? json_incref(v->json) : json_str(value_text(a, v));
}

static const char *type_of(const flow_value *v)
{
    if (v->kind == VALUE_JSON)
        return json_is_array(v->json) ? "array" : "object";
    return v->kind == VALUE_NONE ? "unknown" : "text";
}

static json_t *output_json(arena *a, const flow_value *v)
{
    json_t *o = json_object();

    json_set(o, "message", raw_of(a, v));
    json_set_str(o, "type", type_of(v));
    return o;
}

/* What a component that is neither input nor output made. */
static json_t *made_json(arena *a, const flow_value *v)
{
    json_t *o = json_object();

    json_set_str(o, "repr", value_text(a, v));
    json_set(o, "raw", raw_of(a, v));
    json_set_str(o, "type", type_of(v));
    return o;
}

/* Every output of the node is there, also those that nobody needed and those that we do not have. */
static json_t *outputs_json(arena *a, const graph_node *n)
{
    static const flow_value nothing;
    json_t *all = json_object();

    for (size_t i = 0; i < json_array_size(n->outputs); i++) {
        const char *name = json_get_str(json_array_get(n->outputs, i), "name", NULL);

        if (name != NULL)
            json_set(all, name, output_json(a, &nothing));
    }
    for (size_t i = 0; n->component != NULL && i < n->component->n_outputs; i++)
        json_set(all, n->component->outputs[i].name, output_json(a, &n->results[i]));
    return all;
}

/* ResultData of one node. */
static json_t *node_json(arena *a, const graph_node *n, const flow_call *call)
{
    json_t *o = json_object(), *results = json_object(), *artifacts = json_object(), *logs = json_object(),
           *messages = json_array();
    bool interface = graph_is_input(n) || graph_is_output(n);

    for (size_t i = 0; n->component != NULL && i < n->component->n_outputs; i++) {
        const char *name = n->component->outputs[i].name;
        const flow_value *v = &n->results[i];
        json_t *text, *shown;

        if (n->done[i])
            json_set(logs, name, json_array());
        if (n->done[i] && !interface)
            json_set(artifacts, name, made_json(a, v));
        if (!interface || v->kind != VALUE_MESSAGE)
            continue;
        text = json_str(v->message->text);
        shown = display_text(v->message, text);
        json_set(results, name, flow_message_result(v->message, text, call->flow_id));
        json_decref(artifacts);
        artifacts = artifact_json(v->message, shown);
        if (*v->message->text != '\0')
            json_array_append_new(messages, shown_json(n, v->message, shown));
        json_decref(shown);
        json_decref(text);
    }
    json_set(o, "results", results);
    json_set(o, "artifacts", artifacts);
    json_set(o, "outputs", outputs_json(a, n));
    json_set(o, "logs", logs);
    json_set(o, "messages", messages);
    json_set(o, "timedelta", json_null());
    json_set(o, "duration", json_null());
    json_set_str(o, "component_display_name", n->display_name);
    json_set_str(o, "component_id", n->id);
    json_set_bool(o, "used_frozen_result", false);
    return o;
}

static bool is_reported(const graph_node *n, const flow_call *call)
{
    if (!n->selected)
        return false;
    if (!cstr_blank(call->output_component))
        return cstr_eq(n->id, call->output_component) || cstr_eq(n->display_name, call->output_component);
    if (cstr_eq(call->output_type, "debug"))
        return true;
    if (!graph_is_output(n))
        return false;
    return cstr_eq(call->output_type, "any") || strcasestr(n->id, call->output_type) != NULL;
}

static void put_node(buf *out, const graph_node *n, const flow_call *call)
{
    arena *a = arena_new(NULL);

    json_write(out, json_hold(a, node_json(a, n, call)));
    arena_free(a);
}

void flow_result(buf *out, const graph *g, const flow_call *call)
{
    bool first = true;

    buf_puts(out, "{\"session_id\":");
    json_put_cstr(out, call->session_id);
    buf_puts(out, ",\"outputs\":[{\"inputs\":{");
    if (call->input_value != NULL) {
        json_put_key(out, "input_value");
        json_put_cstr(out, call->input_value);
    }
    buf_puts(out, "},\"outputs\":[");
    for (size_t i = 0; i < g->n_nodes && buf_ok(out); i++) {
        if (!is_reported(&g->nodes[i], call))
            continue;
        buf_puts(out, first ? "" : ",");
        put_node(out, &g->nodes[i], call);
        first = false;
    }
    buf_puts(out, "]}]}");
}
