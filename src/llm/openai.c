/* SPDX-License-Identifier: MIT */
/*
 * The driver for OpenAI's chat completions and the many servers that speak them: reading the answer.  The request is in
 * openai_body.c.
 *
 * Servers differ: reasoning comes as `reasoning_content` or `reasoning`, content as text or as parts, calls with or
 * without an index, and some send one document instead of a stream.
 */
#include "llm/openai.h"

static const char *openai_url(arena *a, const llm_endpoint *at)
{
    size_t len = strlen(at->base_url);

    while (len > 0 && at->base_url[len - 1] == '/')
        len--;
    if (str_ends((str){at->base_url, len}, "/chat/completions"))
        return arena_strndup(a, at->base_url, len);
    return arena_printf(a, "%.*s/chat/completions", (int)len, at->base_url);
}

static size_t openai_headers(arena *a, const char *key, http_header out[LLM_HEADERS_MAX])
{
    size_t n = 0;

    out[n++] = (http_header){"Content-Type", "application/json"};
    out[n++] = (http_header){"Accept", "text/event-stream"};
    if (key != NULL && key[0] != '\0')
        out[n++] = (http_header){"Authorization", arena_printf(a, "Bearer %s", key)};
    return n;
}

static str slice_of(const json_t *string)
{
    return (str){json_string_value(string), json_string_length(string)};
}

/* Text, or a list of parts with text in them. */
static void push_content(llm_stream *st, llm_delta_kind kind, const json_t *v)
{
    size_t i;
    json_t *part;

    if (json_is_string(v)) {
        stream_text(st, kind, slice_of(v));
        return;
    }
    json_array_foreach(v, i, part) if (json_is_string(json_object_get(part, "text")))
        stream_text(st, kind, slice_of(json_object_get(part, "text")));
}

static err push_call(scope *s, llm_stream *st, const json_t *call, size_t position)
{
    const json_t *function = json_get_obj(call, "function");
    const json_t *arguments = json_object_get(function, "arguments");
    str text = {"", 0};

    if (!json_is_object(call))
        return fault_code(s, "llm.garbage", st->model);
    if (json_is_string(arguments))
        text = slice_of(arguments);
    else if (json_is_object(arguments)) /* Ollama's older form */
        text = str_of(json_text(stream_memory(st), arguments));
    return stream_call(s, st, json_get_int(call, "index", (int64_t)position), json_get_str(call, "id", NULL),
                       json_get_str(function, "name", NULL), text);
}

static err push_delta(scope *s, llm_stream *st, const json_t *delta)
{
    const json_t *reasoning = json_object_get(delta, "reasoning_content");
    size_t i;
    json_t *call;

    if (reasoning == NULL || json_is_null(reasoning))
        reasoning = json_object_get(delta, "reasoning");
    push_content(st, LLM_REASONING, reasoning);
    push_content(st, LLM_TEXT, json_object_get(delta, "content"));
    push_content(st, LLM_TEXT, json_object_get(delta, "refusal"));
    json_array_foreach(json_object_get(delta, "tool_calls"), i, call) TRY(push_call(s, st, call, i));
    return OK;
}

static void keep_usage(llm_stream *st, const json_t *u)
{
    const json_t *in = json_get_obj(u, "prompt_tokens_details"), *out = json_get_obj(u, "completion_tokens_details");

    if (!json_is_object(u))
        return;
    st->has_usage = true;
    st->usage = (llm_usage){
        .prompt = json_get_int(u, "prompt_tokens", 0),
        .completion = json_get_int(u, "completion_tokens", 0),
        .total = json_get_int(u, "total_tokens", 0),
        .cached = json_get_int(in, "cached_tokens", json_get_int(u, "prompt_cache_hit_tokens", 0)),
        .reasoning = json_get_int(out, "reasoning_tokens", 0),
    };
}

static err read_choice(scope *s, llm_stream *st, const json_t *choice)
{
    const json_t *delta = json_object_get(choice, "delta");
    const char *finish = json_get_str(choice, "finish_reason", NULL);

    if (!json_is_object(choice))
        return fault_code(s, "llm.garbage", st->model);
    TRY(push_delta(s, st, json_is_object(delta) ? delta : json_object_get(choice, "message")));
    if (finish != NULL && finish[0] != '\0')
        stream_stop(st, cstr_eq(finish, "function_call") ? "tool_calls" : finish,
                    json_get_str(choice, "stop_reason", NULL)); /* vLLM's: a text, or a token's number */
    return OK;
}

static void keep_model(llm_stream *st, str model)
{
    if (model.len > 0 && !str_is(model, st->model))
        st->model = str_dup(st->own->arena, model);
}

static err read_chunk(scope *s, llm_stream *st, const json_t *v)
{
    const json_t *choices = json_object_get(v, "choices"), *error = json_object_get(v, "error");

    if ((error != NULL && !json_is_null(error)) || cstr_eq(json_get_str(v, "object", NULL), "error")) {
        llm_fault f = fault_of_json(stream_memory(st), st->request, 0, v);

        return fault_fail(s, &f, st->model);
    }
    if (!json_is_object(v) || (choices != NULL && !json_is_array(choices) && !json_is_null(choices)))
        return fault_code(s, "llm.garbage", st->model);
    keep_model(st, str_of(json_get_str(v, "model", NULL)));
    keep_usage(st, json_object_get(v, "usage"));
    return json_array_size(choices) > 0 ? read_choice(s, st, json_array_get(choices, 0)) : OK;
}

static err openai_event(scope *s, llm_stream *st, const sse_event *ev)
{
    str text, model, data = str_trim(ev->data);
    json_t *v;

    if (str_is(data, "[DONE]") && !st->spoke)
        return fault_code(s, "llm.garbage", st->model); /* the end of nothing is no answer */
    if (str_is(data, "[DONE]")) {
        stream_end(st);
        return OK;
    }
    if (data.len == 0)
        return OK;
    if (scan_text_chunk(data, &st->text, &text, &model)) {
        if (st->got_model)
            model = (str){NULL, 0};
        keep_model(st, model);
        st->got_model = true;
        stream_text(st, LLM_TEXT, text);
        return OK;
    }
    if (json_parse(stream_memory(st), data.p, data.len, NULL, &v) != OK)
        return fault_code(s, "llm.garbage", st->model);
    return read_chunk(s, st, v);
}

const llm_driver openai_driver = {
    .name = "openai",
    .url = openai_url,
    .headers = openai_headers,
    .body = openai_body,
    .event = openai_event,
};
