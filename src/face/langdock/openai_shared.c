/* SPDX-License-Identifier: MIT */
/* Direct calls of models; see openai_shared.h. */
#include "face/langdock/openai_shared.h"

#include "auth/identity.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "face/langdock/agent_errors.h"
#include "face/langdock/agent_fields.h"
#include "face/langdock/envelope.h"
#include "llm/serve.h"
#include "model/run_log.h"

enum { ANSWER_MAX = 64 << 20 };

err model_check_region(request *rq)
{
    const char *region = request_param(rq, "region");

    if (*region == '\0' || cstr_eq(region, "eu") || cstr_eq(region, "us") || cstr_eq(region, "global"))
        return OK;
    return fail(rq->scope, ERR_NOT_FOUND, "Unknown region: %s", region);
}

err model_call_new(request *rq, const char *model, model_call *out)
{
    arena *a = rq->scope->arena;
    served_model *sm;

    TRY(model_check_region(rq));
    TRY(dock_model(rq, model, MODEL_LLM, &sm));
    *out = (model_call){.rq = rq, .served = sm, .began = clock_wall()};
    TRY(serve_endpoint(rq->scope, a, sm, &out->ask.at));
    out->params = json_hold(a, out->ask.at.params != NULL ? json_copy(out->ask.at.params) : json_object());
    out->ask.at.params = out->params;
    return OK;
}

err model_call_add(model_call *c, llm_message m)
{
    if (c->ask.n_messages == CALL_MESSAGES_MAX)
        return fail(c->rq->scope, ERR_INVALID, "messages must have at most %d items", CALL_MESSAGES_MAX);
    if (c->ask.n_messages == c->cap) {
        size_t cap = c->cap == 0 ? 16 : 2 * c->cap;
        llm_message *grown = arena_array(c->rq->scope->arena, llm_message, cap);

        if (c->ask.n_messages > 0)
            memcpy(grown, c->messages, c->ask.n_messages * sizeof *grown);
        c->messages = grown;
        c->cap = cap;
    }
    c->messages[c->ask.n_messages++] = m;
    c->ask.messages = c->messages;
    return OK;
}

err model_call_open(model_call *c, llm_stream **out)
{
    err e = llm_open(c->rq->scope, &c->ask, out);

    return e == OK ? OK : dock_model_error(c->rq->scope, e);
}

err model_call_next(model_call *c, llm_stream *st, llm_delta *out)
{
    err e = llm_next(c->rq->scope, st, out);

    if (e == OK && out->kind == LLM_USAGE)
        c->used = out->usage;
    return e == OK || e == ERR_CLOSED ? e : dock_model_error(c->rq->scope, e);
}

void model_call_end(model_call *c, err e)
{
    scope *s = scope_new("model-call"); /* the request's has perhaps ended */
    const llm_usage *u = &c->used;
    json_t *models = json_hold(s->arena, json_array());
    run_row row = {.session_id = id_uuid4(s->arena),
                   .user_id = c->rq->user->user_id,
                   .agent_id = "",
                   .source = "direct_model_invocation",
                   .status = e == OK              ? "completed"
                             : e == ERR_CANCELLED ? "interrupted"
                                                  : "failed",
                   .started_at = c->began,
                   .finished_at = clock_wall()};

    json_array_append_new(models, json_str(c->served->model.name));
    row.usage = (token_usage){.input_tokens = u->prompt,
                              .output_tokens = u->completion,
                              .total_tokens = u->total > 0 ? u->total : u->prompt + u->completion,
                              .cached_tokens = u->cached,
                              .reasoning_tokens = u->reasoning,
                              .steps = 1,
                              .step_models = json_text(s->arena, models)};
    dock_spend_tokens(c->rq, row.usage.total_tokens);
    scope_set_timeout(s, SECONDS(10));
    if (run_row_insert(s, &row) != OK)
        log_warn("model_call.not_recorded", log_str("reason", scope_failure(s, s->failure.e).text));
    scope_close(s);
}

/* The whole answer */

typedef struct answer_call {
    struct answer_call *next;
    int64_t index;
    json_t *json;
    buf *arguments;
} answer_call;

static answer_call *call_at(arena *a, model_answer *out, answer_call **calls, const llm_delta *d)
{
    answer_call **at = calls;

    while (*at != NULL && (*at)->index != d->index)
        at = &(*at)->next;
    if (*at == NULL) {
        *at = arena_one(a, answer_call);
        **at = (answer_call){.index = d->index, .json = json_object(), .arguments = buf_new(a, ANSWER_MAX)};
        json_array_append_new(out->calls, (*at)->json);
    }
    return *at;
}

static void take(arena *a, model_answer *out, answer_call **calls, const llm_delta *d)
{
    answer_call *c;
    json_t *block;

    if (d->kind == LLM_TEXT) {
        buf_add(out->text, d->text.p, d->text.len);
    } else if (d->kind == LLM_REASONING) {
        buf_add(out->reasoning, d->text.p, d->text.len);
    } else if (d->kind == LLM_THOUGHT) {
        if (json_parse(a, d->text.p, d->text.len, NULL, &block) == OK)
            json_array_append(out->thoughts, block);
    } else if (d->kind == LLM_STOP) {
        out->finish = arena_strdup(a, d->finish);
        out->sequence = arena_strdup(a, d->sequence);
    } else if (d->kind == LLM_TOOL_CALL) {
        c = call_at(a, out, calls, d);
        if (d->id != NULL)
            json_set_str(c->json, "id", d->id);
        if (d->name != NULL)
            json_set_str(c->json, "name", d->name);
        buf_add(c->arguments, d->text.p, d->text.len);
    }
}

err model_call_answer(model_call *c, model_answer *out)
{
    arena *a = c->rq->scope->arena;
    answer_call *calls = NULL;
    llm_stream *st;
    llm_delta d;
    err e;

    *out = (model_answer){.text = buf_new(a, ANSWER_MAX),
                          .reasoning = buf_new(a, ANSWER_MAX),
                          .thoughts = json_hold(a, json_array()),
                          .calls = json_hold(a, json_array()),
                          .finish = "stop"};
    TRY(model_call_open(c, &st));
    while ((e = model_call_next(c, st, &d)) == OK)
        take(a, out, &calls, &d);
    llm_close(st);
    if (e != ERR_CLOSED)
        return e;
    for (answer_call *one = calls; one != NULL; one = one->next)
        json_set_str(one->json, "arguments", one->arguments->len > 0 ? buf_str(one->arguments) : "{}");
    if (!buf_ok(out->text) || !buf_ok(out->reasoning))
        return fail(c->rq->scope, ERR_UPSTREAM, "The model's answer is too long");
    return OK;
}
