/* SPDX-License-Identifier: MIT */
/*
 * The request for chat completions (contract: sage-agent-runtime.md sections 3.1 to 3.3), written straight into a buffer:
 * a long history is not built as a tree first.
 */
#include "llm/openai.h"

typedef struct {
    arena *a;
    const llm_request *rq;
    const llm_quirks *quirks;
    buf *out;
} writer;

/* --- messages --- */

typedef struct {
    buf *out;
    size_t n;
} part_list;

static void put_text_part(void *arg, const char *text)
{
    part_list *l = arg;

    buf_puts(l->out, l->n++ > 0 ? ",{\"type\":\"text\",\"text\":" : "{\"type\":\"text\",\"text\":");
    json_put_cstr(l->out, text);
    buf_putc(l->out, '}');
}

static void put_other_part(void *arg, const json_t *part, const char *url)
{
    part_list *l = arg;

    if (l->n++ > 0)
        buf_putc(l->out, ',');
    if (url == NULL) { /* audio, as it is */
        json_write(l->out, part);
        return;
    }
    buf_puts(l->out, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
    json_put_cstr(l->out, url);
    buf_puts(l->out, "}}");
}

static void put_content(writer *w, const llm_message *m)
{
    part_list l = {.out = w->out};

    buf_puts(w->out, "\"content\":");
    if (!json_is_array(m->parts)) {
        json_put_cstr(w->out, m->text != NULL ? m->text : "");
        return;
    }
    buf_putc(w->out, '[');
    message_visit(w->a, m, w->rq->at.no_images,
                  &(part_visitor){.text = put_text_part, .image = put_other_part, .arg = &l});
    buf_putc(w->out, ']');
}

static void put_calls(buf *out, const llm_message *m)
{
    buf_puts(out, ",\"tool_calls\":[");
    for (size_t i = 0; i < m->n_calls; i++) {
        buf_puts(out, i > 0 ? ",{\"id\":" : "{\"id\":");
        json_put_cstr(out, m->calls[i].id);
        buf_puts(out, ",\"type\":\"function\",\"function\":{\"name\":");
        json_put_cstr(out, m->calls[i].name);
        buf_puts(out, ",\"arguments\":");
        json_put_cstr(out, m->calls[i].arguments != NULL ? m->calls[i].arguments : "{}");
        buf_puts(out, "}}");
    }
    buf_putc(out, ']');
}

static void put_message(writer *w, const llm_message *m)
{
    static const char *const roles[] = {
        [ROLE_SYSTEM] = "{\"role\":\"system\",",
        [ROLE_USER] = "{\"role\":\"user\",",
        [ROLE_ASSISTANT] = "{\"role\":\"assistant\",",
        [ROLE_TOOL] = "{\"role\":\"tool\",",
    };

    buf_puts(w->out, roles[m->role]);
    put_content(w, m);
    if (m->n_calls > 0)
        put_calls(w->out, m);
    if (m->tool_call_id != NULL) {
        buf_puts(w->out, ",\"tool_call_id\":");
        json_put_cstr(w->out, m->tool_call_id);
    }
    if (m->reasoning != NULL && m->reasoning[0] != '\0' && !endpoint_is(&w->rq->at, "api.openai.com") &&
        !quirks_drop(w->quirks, "reasoning_content")) {
        buf_puts(w->out, ",\"reasoning_content\":");
        json_put_cstr(w->out, m->reasoning);
    }
    buf_putc(w->out, '}');
}

static void put_messages(writer *w)
{
    buf_puts(w->out, ",\"messages\":[");
    for (size_t i = 0; i < w->rq->n_messages; i++) {
        if (i > 0)
            buf_putc(w->out, ',');
        put_message(w, &w->rq->messages[i]);
    }
    buf_putc(w->out, ']');
}

/* --- the other members --- */

static void put_tools(writer *w)
{
    for (size_t i = 0; i < w->rq->n_tools; i++) {
        const llm_tool *t = &w->rq->tools[i];

        buf_puts(w->out, i == 0 ? ",\"tools\":[" : ",");
        buf_puts(w->out, "{\"type\":\"function\",\"function\":{\"name\":");
        json_put_cstr(w->out, t->name);
        buf_puts(w->out, ",\"description\":");
        json_put_cstr(w->out, t->description != NULL ? t->description : "");
        buf_puts(w->out, ",\"parameters\":");
        if (t->parameters != NULL)
            json_write(w->out, t->parameters);
        else
            buf_puts(w->out, "{\"type\":\"object\",\"properties\":{}}");
        buf_puts(w->out, ",\"strict\":false}}");
    }
    if (w->rq->n_tools > 0)
        buf_putc(w->out, ']');
}

static void put_member(writer *w, const char *key, const json_t *value)
{
    buf_putc(w->out, ',');
    json_put_cstr(w->out, key);
    buf_putc(w->out, ':');
    json_write(w->out, value);
}

static bool is_empty(const json_t *v)
{
    return v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0) || (json_is_object(v) && json_object_size(v) == 0);
}

/* Configuration of ours that lies among a provider's parameters, and members that are written elsewhere. */
static bool is_ours(const char *key)
{
    static const char *const names[] = {"api_key",    "base_url",  "max_model_len",  "max_model_input_len",
                                        "model_type", "maxTokens", "model",          "messages",
                                        "stream",     "tools",     "stream_options", "tool_choice"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (cstr_eq(key, names[i]))
            return true;
    return cstr_starts(key, "fast_") || cstr_starts(key, "supports_") || key[0] == '_';
}

static bool is_dropped(const writer *w, const char *key)
{
    static const char *const sampling[] = {"temperature", "top_p", "presence_penalty", "frequency_penalty"};

    if (quirks_drop(w->quirks, key))
        return true;
    for (size_t i = 0; i < COUNT(sampling) && model_reasons(w->rq->at.model); i++)
        if (cstr_eq(key, sampling[i]))
            return true;
    return false;
}

static void put_params(writer *w)
{
    bool renamed = w->quirks->completion_tokens || model_reasons(w->rq->at.model);
    const char *key;
    json_t *value;

    json_object_foreach(w->rq->at.params, key, value)
    {
        if (is_empty(value) || is_ours(key) || is_dropped(w, key))
            continue;
        if (cstr_eq(key, "response_format") && (w->rq->response_format != NULL || w->rq->at.no_structured))
            continue;
        put_member(w, cstr_eq(key, "max_tokens") && renamed ? "max_completion_tokens" : key, value);
    }
}

static void put_thinking(void *arg, const char *key, json_t *owned)
{
    writer *w = arg;

    if (!is_dropped(w, key) && is_empty(json_object_get(w->rq->at.params, key)))
        put_member(w, key, owned);
    json_decref(owned);
}

static void put_tool_choice(writer *w)
{
    bool thinking = w->rq->thinking == THINKING_ON && endpoint_is(&w->rq->at, "api.deepseek.com");

    if (w->rq->n_tools == 0 || w->rq->tool_choice == TOOL_CHOICE_NONE_SET || thinking || is_dropped(w, "tool_choice"))
        return;
    buf_puts(w->out, w->rq->tool_choice == TOOL_CHOICE_REQUIRED ? ",\"tool_choice\":\"required\""
                                                                : ",\"tool_choice\":\"auto\"");
}

void openai_body(scope *s, const llm_request *rq, const llm_quirks *q, buf *out)
{
    writer w = {.a = s->arena, .rq = rq, .quirks = q, .out = out};

    buf_puts(out, "{\"model\":");
    json_put_cstr(out, rq->at.model);
    put_messages(&w);
    buf_puts(out, ",\"stream\":true");
    if (!is_dropped(&w, "stream_options"))
        buf_puts(out, ",\"stream_options\":{\"include_usage\":true}");
    put_tools(&w);
    put_tool_choice(&w);
    if (rq->response_format != NULL && !rq->at.no_structured && !is_dropped(&w, "response_format"))
        put_member(&w, "response_format", rq->response_format);
    put_params(&w);
    thinking_put(w.a, rq, put_thinking, &w);
    buf_putc(out, '}');
}
