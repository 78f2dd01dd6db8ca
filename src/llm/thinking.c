/* SPDX-License-Identifier: MIT */
/*
 * Thinking on and off, and how much: each provider has its own fields for it.
 */
#include <stdlib.h>

#include "llm/openai.h"

bool model_reasons(const char *model)
{
    const char *slash = strrchr(model, '/'); /* "openai/o3-mini" */
    const char *name = slash != NULL ? slash + 1 : model;

    return strncasecmp(name, "o1", 2) == 0 || strncasecmp(name, "o3", 2) == 0 || strncasecmp(name, "o4", 2) == 0 ||
           strcasestr(model, "gpt-5") != NULL;
}

bool endpoint_is(const llm_endpoint *at, const char *domain)
{
    const char *host = strstr(at->base_url, "://");
    size_t len, want = strlen(domain);

    host = host != NULL ? host + 3 : at->base_url;
    len = strcspn(host, ":/?#");
    if (len < want || strncasecmp(host + len - want, domain, want) != 0)
        return false;
    return len == want || host[len - want - 1] == '.';
}

void llm_think_as_configured(llm_request *rq)
{
    const char *wanted = rq->at.reasoning;
    bool on = wanted != NULL && !cstr_eq(wanted, "disabled");

    rq->thinking = on ? THINKING_ON : THINKING_OFF;
    rq->thinking_level = on && !cstr_eq(wanted, "enabled") ? wanted : NULL;
}

/* The first of `supported` (weakest first) that is not weaker than `level`, else the strongest. */
static const char *nearest_level(const char *level, const char *const *supported, size_t n)
{
    static const char *const order[] = {"minimal", "low", "medium", "high", "xhigh", "max"};
    size_t want = 0, at = 0;

    while (want < COUNT(order) && !cstr_eq(order[want], level))
        want++;
    for (size_t i = 0; i < n; i++) {
        while (at < COUNT(order) && !cstr_eq(order[at], supported[i]))
            at++;
        if (at >= want)
            return supported[i];
    }
    return supported[n - 1];
}

static const char *effort_of_reasoner(const llm_request *rq)
{
    static const char *const levels[] = {"minimal", "low", "medium", "high"};
    bool minimal = strcasestr(rq->at.model, "gpt-5") != NULL;
    const char *off = getenv("SAGE_REASONING_EFFORT_OFF");

    if (rq->thinking == THINKING_OFF)
        return off != NULL && off[0] != '\0' ? off : "medium";
    if (rq->thinking_level == NULL)
        return "medium";
    return nearest_level(rq->thinking_level, levels + (minimal ? 0 : 1), COUNT(levels) - (minimal ? 0 : 1));
}

static json_t *type_object(bool on)
{
    return json_pack("{s:s}", "type", on ? "enabled" : "disabled");
}

void thinking_put(arena *a, const llm_request *rq, void (*put)(void *arg, const char *key, json_t *owned), void *arg)
{
    static const char *const deepseek[] = {"low", "high", "max"};
    bool on = rq->thinking == THINKING_ON;
    const char *level = on ? rq->thinking_level : NULL;

    (void)a;
    if (model_reasons(rq->at.model)) {
        put(arg, "reasoning_effort", json_string(effort_of_reasoner(rq)));
    } else if (endpoint_is(&rq->at, "api.openai.com")) {
        return; /* its other models know no such thing, and refuse unknown fields */
    } else if (endpoint_is(&rq->at, "api.deepseek.com")) {
        put(arg, "thinking", type_object(on));
        if (level != NULL)
            put(arg, "reasoning_effort", json_string(nearest_level(level, deepseek, COUNT(deepseek))));
    } else if (endpoint_is(&rq->at, "aliyuncs.com")) {
        put(arg, "enable_thinking", json_boolean(on));
        if (level != NULL)
            put(arg, "reasoning_effort", json_string(level));
    } else if (endpoint_is(&rq->at, "bigmodel.cn") || endpoint_is(&rq->at, "z.ai")) {
        put(arg, "thinking", type_object(on));
        if (level != NULL)
            put(arg, "reasoning_effort", json_string(level));
    } else {
        put(arg, "chat_template_kwargs", json_pack("{s:b}", "enable_thinking", on));
        put(arg, "enable_thinking", json_boolean(on));
        put(arg, "thinking", type_object(on));
    }
}
