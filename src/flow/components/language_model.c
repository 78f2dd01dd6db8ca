/* SPDX-License-Identifier: MIT */
/*
 * Language Model: one call of a chat model (contracts/langflow-components.md section 5).
 *
 * The model field names a model and a provider; both are looked up among the core's, so a provider that was made through any
 * face serves here.
 */
#include "flow/component.h"
#include "llm/serve.h"

typedef struct {
    const char *model, *provider;
    const json_t *reasoning; /* names of models that take no temperature, or NULL */
} choice;

/* [{"name","provider"}], or the two fields of older documents. */
static err chosen(component_call *c, choice *out)
{
    const json_t *field = node_field(c->node, "model"),
                 *first = json_is_array(field) ? json_array_get(field, 0) : field;

    out->model = json_is_string(first) ? json_string_value(first) : json_get_str(first, "name", NULL);
    out->provider = json_get_str(first, "provider", NULL);
    out->reasoning = json_get_arr(json_get_obj(first, "metadata"), "reasoning_models");
    if (cstr_blank(out->model)) {
        out->model = node_text(c->node, "model_name", NULL);
        out->provider = node_text(c->node, "provider", NULL);
    }
    if (cstr_blank(out->model))
        return fail(c->s, ERR_INVALID, "A model selection is required");
    return OK;
}

static err endpoint_of(component_call *c, const choice *ch, llm_endpoint *out)
{
    /* An administrator may use everybody's, but his own come first. */
    provider_scope sc = {.who = {.user_id = c->user_id, .anyone = c->admin}, .with_system = true};
    served_model *sm;
    err e;

    e = served_find_by_name(c->s, sc, ch->provider, ch->model, MODEL_LLM, &sm);
    if (e == ERR_NOT_FOUND)
        e = served_find_by_name(c->s, sc, NULL, ch->model, MODEL_LLM, &sm);
    if (e == ERR_NOT_FOUND)
        return fail_code(
            c->s, e, "flow.no_model", ch->model,
            "%s API key is required when using %s provider: no configured provider serves the model %s. Add one.",
            cstr_blank(ch->provider) ? "An" : ch->provider, cstr_blank(ch->provider) ? "any" : ch->provider, ch->model);
    TRY(e);
    return serve_endpoint(c->s, c->s->arena, sm, out);
}

static bool takes_temperature(const choice *ch)
{
    for (size_t i = 0; i < json_array_size(ch->reasoning); i++)
        if (cstr_eq(json_string_value(json_array_get(ch->reasoning, i)), ch->model))
            return false;
    return true;
}

static void set_params(component_call *c, const choice *ch, llm_endpoint *at)
{
    json_t *params = json_hold(c->s->arena, at->params != NULL ? json_copy(at->params) : json_object());
    double temperature = node_number(c->node, "temperature", -1), tokens = node_number(c->node, "max_tokens", 0);

    if (temperature >= 0 && takes_temperature(ch))
        json_set_num(params, "temperature", temperature);
    if (tokens >= 1)
        json_set_int(params, "max_tokens", (int64_t)tokens);
    at->params = params;
}

/* Tokens go out as they come only when the answer is shown right behind this node. */
static bool streams(component_call *c)
{
    return c->stream && node_flag(c->node, "stream", false) && graph_touches(c->graph, c->node, "ChatOutput");
}

static err stream_answer(component_call *c, const llm_request *q, flow_message *m)
{
    buf *text = buf_new(c->s->arena, MIB(8));
    llm_stream *stream;
    bool begun = false;
    llm_delta d;
    err e;

    TRY(llm_open(c->s, q, &stream));
    while ((e = llm_next(c->s, stream, &d)) == OK) {
        if (d.kind != LLM_TEXT || d.text.len == 0)
            continue;
        buf_add(text, d.text.p, d.text.len);
        if (!buf_ok(text))
            return fail(c->s, ERR_TOO_LARGE, "the model's answer is larger than %zu MiB", text->max >> 20);
        if (!begun) {
            m->text = buf_str(text);
            TRY(component_show(c, m, true));
            begun = true;
        }
        TRY(component_token(c, m, d.text));
    }
    llm_close(stream);
    m->text = buf_str(text);
    if (e != ERR_CLOSED)
        return e;
    return begun ? component_show(c, m, false) : OK; /* whole; Chat Output shows it once more, as its own */
}

static err text_output(component_call *c, flow_value *out)
{
    const char *input = component_input_text(c, "input_value"), *system = component_input_text(c, "system_message");
    llm_message messages[2];
    llm_request q = {.messages = messages};
    flow_message *m = arena_one(c->s->arena, flow_message);
    llm_usage usage;
    choice ch;

    if (cstr_blank(input) && cstr_blank(system))
        return fail(c->s, ERR_INVALID, "The message you want to send to the model is empty.");
    TRY(chosen(c, &ch));
    TRY(endpoint_of(c, &ch, &q.at));
    set_params(c, &ch, &q.at);
    llm_think_as_configured(&q);
    if (!cstr_blank(system))
        messages[q.n_messages++] = (llm_message){.role = ROLE_SYSTEM, .text = system};
    messages[q.n_messages++] = (llm_message){.role = ROLE_USER, .text = input};
    *m = (flow_message){.sender = "Machine",
                        .sender_name = "AI",
                        .session_id = c->session_id,
                        .source_id = c->node->id,
                        .source_name = c->node->display_name,
                        .source_model = ch.model};
    if (streams(c))
        TRY(stream_answer(c, &q, m));
    else
        TRY(llm_complete(c->s, &q, &m->text, &usage));
    *out = value_of_message(m);
    return OK;
}

static const component_output outputs[] = {{"text_output", text_output}};
const flow_component language_model_component = {
    {"LanguageModelComponent", "LanguageModel"}, "Language Model", COMPONENT_PLAIN, outputs, 1};
