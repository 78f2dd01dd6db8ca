/* SPDX-License-Identifier: MIT */
/* Tokens used by a run, by model call; see agent.h. */
#include "agent/agent.h"

void usage_add(arena *a, usage_tally *sum, const char *step, const char *model, const llm_usage *u)
{
    usage_step *one = arena_one(a, usage_step);

    *one = (usage_step){.name = step, .model = arena_strdup(a, model), .usage = *u};
    if (sum->last != NULL)
        sum->last->next = one;
    else
        sum->steps = one;
    sum->last = one;
    sum->n_steps++;
    sum->model = one->model;
    sum->total.prompt += u->prompt;
    sum->total.completion += u->completion;
    sum->total.total += u->total;
    sum->total.cached += u->cached;
    sum->total.reasoning += u->reasoning;
}

static json_t *tokens_json(const llm_usage *u)
{
    json_t *o = json_object();

    json_set_int(o, "prompt_tokens", u->prompt);
    json_set_int(o, "completion_tokens", u->completion);
    json_set_int(o, "total_tokens", u->total);
    if (u->cached > 0)
        json_set_int(o, "cached_tokens", u->cached);
    if (u->reasoning > 0)
        json_set_int(o, "reasoning_tokens", u->reasoning);
    return o;
}

static bool model_listed(const json_t *models, const char *name)
{
    for (size_t i = 0; i < json_array_size(models); i++)
        if (cstr_eq(json_string_value(json_array_get(models, i)), name))
            return true;
    return false;
}

json_t *usage_json(const usage_tally *sum)
{
    json_t *o = json_object(), *total = tokens_json(&sum->total), *steps = json_array(), *models = json_array();

    for (const usage_step *step = sum->steps; step != NULL; step = step->next) {
        json_t *one = json_object();

        json_set_str(one, "step_name", step->name);
        json_set_str(one, "model", step->model);
        json_set(one, "usage", tokens_json(&step->usage));
        json_array_append_new(steps, one);
        if (step->model != NULL && !model_listed(models, step->model))
            json_array_append_new(models, json_string(step->model));
    }
    json_set_str(total, "model", sum->model);
    json_set(total, "models", json_incref(models));
    json_set(o, "total_info", total);
    json_set(o, "per_step_info", steps);
    json_set(o, "models", models);
    return o;
}
