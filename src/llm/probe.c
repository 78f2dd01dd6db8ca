/* SPDX-License-Identifier: MIT */
/* Probes of a provider: the smallest requests that tell; see probe.h. */
#include "llm/probe.h"

#include <stdlib.h>

static llm_request probe_request(const llm_endpoint *at, const llm_message *m, int64_t timeout)
{
    return (llm_request){.at = *at,
                         .messages = m,
                         .n_messages = 1,
                         .limits = {.answer = timeout, .first_byte = timeout, .idle = timeout, .max_attempts = 1}};
}

static json_t *params_of(arena *a, int64_t max_tokens, double temperature)
{
    json_t *params = json_hold(a, json_object());

    json_set_int(params, "max_tokens", max_tokens);
    if (temperature >= 0)
        json_set_num(params, "temperature", temperature);
    return params;
}

/* A provider that has begun to answer works, however long it would go on: the probe asked for five tokens. */
err llm_probe_connection(scope *s, const llm_endpoint *at, const char **answer)
{
    enum { ENOUGH = 200, LONGEST = 10 };
    llm_message hi = {.role = ROLE_USER, .text = "Hi"};
    llm_request q = probe_request(at, &hi, SECONDS(LONGEST));
    scope *limited = scope_child(s, SECONDS(LONGEST));
    buf *text = buf_new(s->arena, KIB(4));
    llm_stream *stream;
    llm_delta d;
    err e;

    q.at.params = params_of(s->arena, 5, -1);
    e = llm_open(limited, &q, &stream);
    while (e == OK && text->len < ENOUGH && (e = llm_next(limited, stream, &d)) == OK)
        if (d.kind == LLM_TEXT)
            buf_add(text, d.text.p, d.text.len);
    if (e == ERR_CLOSED || (e == ERR_TIMEOUT && text->len > 0))
        e = OK;
    *answer = buf_str(text);
    if (s->ended == OK && (e == ERR_TIMEOUT || cstr_eq(limited->failure.code, "llm.timeout"))) /* whichever was first */
        e = fail_code(s, ERR_TIMEOUT, "llm.timeout", at->model, "The model did not answer within %d seconds", LONGEST);
    else if (e != OK)
        fail_from(s, limited, e);
    scope_close(limited);
    return e;
}

/* A 20 x 20 image that is red all over. */
#define RED_PNG                                                                                                        \
    "data:image/png;base64,"                                                                                           \
    "iVBORw0KGgoAAAANSUhEUgAAABQAAAAUCAIAAAAC64paAAAAGklEQVR42mP4z8BANmIY1TyqeVTzqOaB1QwAMc2OgIQLi4wAAAAASUVORK5CYII="

static bool says_red(const char *answer)
{
    static const char *const words[] = {"red", "红", "赤", "绯", "朱", "丹", "绛"};
    char *lower = strdup(answer);
    bool found = false;

    for (char *c = lower; lower != NULL && *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    for (size_t i = 0; lower != NULL && i < COUNT(words) && !found; i++)
        found = strstr(lower, words[i]) != NULL;
    free(lower);
    return found;
}

err llm_probe_images(scope *s, const llm_endpoint *at, const char **answer, bool *recognised)
{
    json_t *parts =
        json_hold(s->arena, json_pack("[{s:s,s:{s:s}},{s:s,s:s}]", "type", "image_url", "image_url", "url", RED_PNG,
                                      "type", "text", "text", "Which colour fills this image? Answer in one word."));
    llm_message m = {.role = ROLE_USER, .parts = parts};
    llm_request q = probe_request(at, &m, SECONDS(30));
    llm_usage usage;

    q.at.no_images = false;
    q.at.params = params_of(s->arena, 50, 0.1);
    *recognised = false;
    TRY(llm_complete(s, &q, answer, &usage));
    *recognised = says_red(*answer);
    return OK;
}

err llm_probe_structured(scope *s, const llm_endpoint *at, const char **answer)
{
    llm_message m = {.role = ROLE_USER, .text = "Answer with exactly this JSON object: {\"ok\": true}"};
    llm_request q = probe_request(at, &m, SECONDS(20));
    llm_usage usage;

    q.at.no_structured = false;
    q.at.params = params_of(s->arena, 20, 0);
    q.response_format = json_hold(s->arena, json_pack("{s:s}", "type", "json_object"));
    return llm_complete(s, &q, answer, &usage);
}
