/* SPDX-License-Identifier: MIT */
/* Embedding models; see embed.h. */
#include "llm/embed.h"

#include <ctype.h>
#include <math.h>

#include "llm/llm_internal.h"

enum { ANSWER_MAX = 256 << 20 };

static err garbage(scope *s, const char *what)
{
    return fail_code(s, ERR_UPSTREAM, "llm.garbage", NULL, "the embedding provider's answer %s", what);
}

/* Servers that speak OpenAI's embeddings */

static const char *url_of(arena *a, const llm_endpoint *at)
{
    size_t len = strlen(at->base_url);

    while (len > 0 && at->base_url[len - 1] == '/')
        len--;
    if (str_ends((str){at->base_url, len}, "/embeddings"))
        return arena_strndup(a, at->base_url, len);
    return arena_printf(a, "%.*s/embeddings", (int)len, at->base_url);
}

static char *body_of(arena *a, const embed_request *rq)
{
    json_t *params = (json_t *)(uintptr_t)rq->at.params;
    json_t *o = json_hold(a, params != NULL ? json_copy(params) : json_object());

    json_set_str(o, "model", rq->at.model);
    json_set(o, "input", json_copy((json_t *)(uintptr_t)rq->input));
    json_set_str(o, "encoding_format", "float");
    if (rq->dimensions > 0)
        json_set_int(o, "dimensions", rq->dimensions);
    return json_text(a, o);
}

/* One call with one key; *other_key: another may do better. */
static err call_once(scope *s, const embed_request *rq, const char *key, const char *body, str *answer, bool *other_key)
{
    http_header headers[] = {{"Content-Type", "application/json"}, {"Accept", "application/json"}, {NULL, NULL}};
    http_call call = {
        .method = POST,
        .url = url_of(s->arena, &rq->at),
        .headers = headers,
        .n_headers = 2,
        .body = body,
        .body_len = strlen(body),
        .guard = rq->at.private_ok ? GUARD_ANY : GUARD_PUBLIC,
        .max_body = ANSWER_MAX,
        .max_redirects = 2,
        .decode = true,
    };
    llm_request named = {.at = rq->at};
    llm_fault fault;
    http_head head;
    err e;

    *other_key = false;
    if (!cstr_blank(key))
        headers[call.n_headers++] = (http_header){"Authorization", arena_printf(s->arena, "Bearer %s", key)};
    e = http_fetch(s, &call, &head, answer);
    if (e != OK)
        return s->ended != OK || e == ERR_TOO_LARGE ? e : fault_of_http(s, e, rq->at.model, false);
    if (head.status >= 200 && head.status < 300)
        return OK;
    fault = fault_read(s->arena, &named, head.status, *answer);
    *other_key = fault.other_key;
    return fault_fail(s, &fault, rq->at.model);
}

static err read_vector(scope *s, arena *a, const json_t *list, size_t *dimensions, const float **out)
{
    size_t n = json_array_size(list);
    float *v;

    if (n == 0 || n > EMBED_DIMENSIONS_MAX || (*dimensions != 0 && n != *dimensions))
        return garbage(s, "has vectors of no or of different lengths");
    v = arena_array(a, float, n);
    for (size_t i = 0; i < n; i++) {
        double x = json_number_value(json_array_get(list, i));

        if (!json_is_number(json_array_get(list, i)) || !isfinite(x))
            return garbage(s, "has vectors that are not numbers");
        v[i] = (float)x;
    }
    *dimensions = n;
    *out = v;
    return OK;
}

static err read_answer(scope *s, arena *a, const json_t *v, size_t wanted, embeddings *out)
{
    const json_t *data = json_get_arr(v, "data");

    if (json_array_size(data) != wanted)
        return garbage(s, "has another number of vectors than there were inputs");
    out->vectors = arena_array(a, const float *, wanted);
    out->n = wanted;
    for (size_t i = 0; i < wanted; i++) {
        const json_t *one = json_array_get(data, i);
        int64_t at = json_get_int(one, "index", (int64_t)i);

        if (at < 0 || (uint64_t)at >= wanted || out->vectors[at] != NULL)
            return garbage(s, "numbers its vectors wrongly");
        TRY(read_vector(s, a, json_get_arr(one, "embedding"), &out->dimensions, &out->vectors[at]));
    }
    out->tokens = json_get_int(json_get_obj(v, "usage"), "total_tokens", 0);
    out->model = arena_strdup(a, json_get_str(v, "model", NULL));
    return OK;
}

static err ask_server(scope *s, arena *a, const embed_request *rq, embeddings *out)
{
    const char *body = body_of(s->arena, rq);
    size_t n = MAX_OF(rq->at.n_keys, (size_t)1);
    bool other_key = true;
    json_t *v;
    err e = ERR_UPSTREAM;
    str answer;

    for (size_t i = 0; i < n && e != OK && other_key; i++)
        e = call_once(s, rq, i < rq->at.n_keys ? rq->at.keys[i] : NULL, body, &answer, &other_key);
    TRY(e);
    if (json_parse(s->arena, answer.p, answer.len, NULL, &v) != OK)
        return garbage(s, "is no JSON");
    return read_answer(s, a, v, json_array_size(rq->input), out);
}

/* The demo driver: each word adds or takes one at a place that its hash says. */

static uint64_t hash_word(str word)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t i = 0; i < word.len; i++)
        h = (h ^ (uint64_t)tolower((unsigned char)word.p[i])) * UINT64_C(1099511628211);
    return h;
}

static int64_t hash_text(const char *text, float *v, size_t dimensions)
{
    int64_t words = 0;
    double length = 0;

    for (const char *p = text; *p != '\0';) {
        size_t len = 0;
        uint64_t h;

        while ((unsigned char)p[len] >= 0x80 || isalnum((unsigned char)p[len]))
            len++;
        if (len == 0) {
            p++;
            continue;
        }
        h = hash_word((str){p, len});
        v[h % dimensions] += (h >> 63) != 0 ? 1.0F : -1.0F;
        words++;
        p += len;
    }
    if (words == 0)
        v[0] = 1;
    for (size_t i = 0; i < dimensions; i++)
        length += (double)v[i] * (double)v[i];
    for (size_t i = 0; i < dimensions && length > 0; i++)
        v[i] = (float)((double)v[i] / sqrt(length));
    return words;
}

static err hash_inputs(arena *a, const embed_request *rq, embeddings *out)
{
    size_t n = json_array_size(rq->input);

    *out = (embeddings){.vectors = arena_array(a, const float *, n),
                        .n = n,
                        .dimensions = rq->dimensions > 0 ? (size_t)rq->dimensions : EMBED_DEMO_DIMENSIONS};
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(rq->input, i);
        float *v = arena_array(a, float, out->dimensions);

        out->tokens += hash_text(json_is_string(one) ? json_string_value(one) : json_text(a, one), v, out->dimensions);
        out->vectors[i] = v;
    }
    return OK;
}

bool llm_embeds(const char *driver)
{
    return cstr_eq(driver, "demo") || cstr_eq(driver, "openai");
}

err llm_embed(scope *s, arena *a, const embed_request *rq, embeddings *out)
{
    scope *own;
    err e;

    if (json_array_size(rq->input) == 0 || json_array_size(rq->input) > EMBED_INPUTS_MAX)
        return fail_code(s, ERR_INVALID, "llm.bad_request", NULL, "there must be 1 to %d inputs", EMBED_INPUTS_MAX);
    if (rq->dimensions < 0 || rq->dimensions > EMBED_DIMENSIONS_MAX)
        return fail_code(s, ERR_INVALID, "llm.bad_request", NULL, "there are at most %d dimensions",
                         EMBED_DIMENSIONS_MAX);
    if (!llm_embeds(rq->at.driver))
        return fail_code(s, ERR_UNSUPPORTED, "llm.no_embeddings", NULL, "providers of this kind have no embeddings");
    *out = (embeddings){.model = NULL};
    if (cstr_eq(rq->at.driver, "demo")) {
        TRY(hash_inputs(a, rq, out));
    } else {
        own = scope_child(s, NO_LIMIT);
        if ((e = ask_server(own, a, rq, out)) != OK)
            fail_from(s, own, e);
        scope_close(own);
        TRY(e);
    }
    if (out->model == NULL)
        out->model = rq->at.model;
    return OK;
}
