/* SPDX-License-Identifier: MIT */
/* Embeddings as OpenAI's clients ask for them (contracts/langdock.md section 9). */
#include <sodium.h>

#include "auth/rules.h"
#include "base/clock.h"
#include "face/langdock/agent_errors.h"
#include "face/langdock/agent_fields.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/openai_shared.h"
#include "llm/embed.h"
#include "llm/serve.h"

typedef struct {
    const char *model, *encoding_format, *user;
    json_t *input;
    int64_t dimensions;
} embeddings_body;
static const field embeddings_fields[] = {
    FIELD(embeddings_body, model, .required = true, .not_null = true, .min = 1, .text = "An embedding model"),
    FIELD(embeddings_body, input, .required = true, .not_null = true, .text = "A text, texts, or lists of tokens"),
    FIELD(embeddings_body, encoding_format, .one_of = "float|base64", .fallback = "float"),
    FIELD(embeddings_body, dimensions, .min = 1, .max = EMBED_DIMENSIONS_MAX),
    FIELD(embeddings_body, user),
};
const schema dock_openai_embeddings_schema = SCHEMA(embeddings_body, embeddings_fields);

static bool is_tokens(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_integer(json_array_get(list, i)))
            return false;
    return json_array_size(list) > 0;
}

/* The input as a list of texts or of token lists. */
static err read_input(request *rq, json_t *input, json_t **out)
{
    if (json_is_string(input) || is_tokens(input)) {
        *out = json_hold(rq->scope->arena, json_array());
        json_array_append(*out, input);
        return OK;
    }
    if (json_array_size(input) == 0 || json_array_size(input) > EMBED_INPUTS_MAX)
        return fail(rq->scope, ERR_INVALID, "input must be a text, or a list of 1 to %d texts or token lists",
                    EMBED_INPUTS_MAX);
    for (size_t i = 0; i < json_array_size(input); i++) {
        const json_t *one = json_array_get(input, i);

        if (!(json_is_string(one) && json_string_length(one) > 0) && !is_tokens(one))
            return fail(rq->scope, ERR_INVALID, "input[%zu] must be a text that is not empty, or a list of tokens", i);
    }
    *out = input;
    return OK;
}

/* Little-endian floats, as NumPy reads them. */
static json_t *base64_of(arena *a, const float *v, size_t n)
{
    size_t bytes = n * sizeof *v, size = sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_alloc(a, size);

    sodium_bin2base64(text, size, (const unsigned char *)v, bytes, sodium_base64_VARIANT_ORIGINAL);
    return json_string(text);
}

static json_t *numbers_of(const float *v, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real((double)v[i]));
    return list;
}

static json_t *answer_json(arena *a, const embeddings *got, const char *model, bool base64)
{
    json_t *o = json_hold(a, json_object()), *data = json_array(), *usage = json_object();

    json_set_str(o, "object", "list");
    json_set(o, "data", data);
    for (size_t i = 0; i < got->n; i++) {
        json_t *one = json_object();

        json_set_str(one, "object", "embedding");
        json_set_int(one, "index", (int64_t)i);
        json_set(one, "embedding",
                 base64 ? base64_of(a, got->vectors[i], got->dimensions)
                        : numbers_of(got->vectors[i], got->dimensions));
        json_array_append_new(data, one);
    }
    json_set_str(o, "model", model);
    json_set_int(usage, "prompt_tokens", got->tokens);
    json_set_int(usage, "total_tokens", got->tokens);
    json_set(o, "usage", usage);
    return o;
}

/* When there is none at all the platform says so in words of its own. */
static err find_model(request *rq, const char *name, served_model **out)
{
    provider_scope sc = {.who = own_rows_of(rq->user), .with_system = true};
    const char *region = request_param(rq, "region");
    served_model *all;
    size_t n;

    TRY(model_check_region(rq));
    TRY(served_list(rq->scope, sc, MODEL_EMBEDDING, NULL, (page){.limit = 1}, &all, &n, NULL));
    if (n == 0)
        return fail(rq->scope, ERR_INVALID, "No embedding models available for the %s region",
                    *region != '\0' ? region : "global");
    return dock_model(rq, name, MODEL_EMBEDDING, out);
}

/* POST /openai/v1/embeddings, with and without a region */
err dock_openai_embeddings(request *rq, response *rs)
{
    const embeddings_body *in = rq->body;
    arena *a = rq->scope->arena;
    embed_request ask = {.dimensions = in->dimensions};
    served_model *sm;
    model_call used;
    embeddings got;
    json_t *input = NULL;
    err e;

    TRY(find_model(rq, in->model, &sm));
    TRY(read_input(rq, in->input, &input));
    ask.input = input;
    TRY(serve_endpoint(rq->scope, a, sm, &ask.at));
    used = (model_call){.rq = rq, .served = sm, .began = clock_wall()};
    e = llm_embed(rq->scope, a, &ask, &got);
    used.used.prompt = e == OK ? got.tokens : 0;
    model_call_end(&used, e);
    TRY(e == OK ? OK : dock_model_error(rq->scope, e));
    return reply_json(rs, 200, answer_json(a, &got, sm->model.name, cstr_eq(in->encoding_format, "base64")));
}
