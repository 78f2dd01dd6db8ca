/* SPDX-License-Identifier: MIT */
/* Messages as Anthropic's clients speak them, over any configured model (contracts/langdock.md section 9). */
#include "agent/ledger.h"
#include "auth/rules.h"
#include "base/id.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/anthropic_read.h"
#include "face/langdock/anthropic_stream.h"
#include "face/langdock/envelope.h"

#define BODY_FIELDS(max_tokens_required)                                                                               \
    FIELD(anthropic_body, model, .required = true, .not_null = true, .min = 1, .text = "Id from the list of models"),  \
        FIELD(anthropic_body, messages, .required = true, .not_null = true, .json = JSON_ARRAY_TYPE, .min = 1,         \
              .max = CALL_MESSAGES_MAX),                                                                               \
        FIELD(anthropic_body, max_tokens, .required = (max_tokens_required), .min = 1, .max = 10000000),               \
        FIELD(anthropic_body, system, .text = "A text or text blocks"),                                                \
        FIELD(anthropic_body, tools, .json = JSON_ARRAY_TYPE, .max = CALL_TOOLS_MAX),                                  \
        FIELD(anthropic_body, tool_choice, .json = JSON_OBJECT_TYPE),                                                  \
        FIELD(anthropic_body, thinking, .json = JSON_OBJECT_TYPE),                                                     \
        FIELD(anthropic_body, stop_sequences, .json = JSON_STRINGS_TYPE, .max = 64),                                   \
        FIELD(anthropic_body, metadata, .json = JSON_OBJECT_TYPE), FIELD(anthropic_body, temperature, .max = 1),       \
        FIELD(anthropic_body, top_p, .max = 1), FIELD(anthropic_body, top_k, .max = 100000),                           \
        FIELD(anthropic_body, stream, .text = "Answer with events")

static const field body_fields[] = {BODY_FIELDS(true)};
const schema dock_anthropic_schema = {"Messages", sizeof(anthropic_body), body_fields, COUNT(body_fields), SIZE_MAX};
static const field count_fields[] = {BODY_FIELDS(false)};
const schema dock_anthropic_count_schema = {"CountTokens", sizeof(anthropic_body), count_fields, COUNT(count_fields),
                                            SIZE_MAX};

static json_t *block_of(const char *type, const char *member, const char *text)
{
    json_t *o = json_object();

    json_set_str(o, "type", type);
    json_set_str(o, member, text);
    return o;
}

static json_t *call_block(arena *a, const json_t *call)
{
    const char *text = json_get_str(call, "arguments", "{}");
    json_t *o = block_of("tool_use", "id", json_get_str(call, "id", "")), *input;

    json_set_str(o, "name", json_get_str(call, "name", ""));
    if (json_parse(a, text, strlen(text), NULL, &input) == OK && json_is_object(input))
        json_set(o, "input", json_incref(input));
    else
        json_set(o, "input", json_object());
    return o;
}

/* What can be sent back to the model comes as it was; other reasoning without a signature. */
static json_t *content_of(arena *a, const model_answer *answer)
{
    json_t *list = json_array();

    if (json_array_size(answer->thoughts) > 0) {
        json_array_extend(list, answer->thoughts);
    } else if (answer->reasoning->len > 0) {
        json_t *thinking = block_of("thinking", "thinking", buf_str(answer->reasoning));

        json_set_str(thinking, "signature", "");
        json_array_append_new(list, thinking);
    }
    if (answer->text->len > 0)
        json_array_append_new(list, block_of("text", "text", buf_str(answer->text)));
    for (size_t i = 0; i < json_array_size(answer->calls); i++)
        json_array_append_new(list, call_block(a, json_array_get(answer->calls, i)));
    return list;
}

static err answer_whole(model_call *c, response *rs)
{
    arena *a = c->rq->scope->arena;
    json_t *o = json_hold(a, json_object());
    model_answer answer;
    err e = model_call_answer(c, &answer);

    model_call_end(c, e);
    TRY(e);
    json_set_str(o, "id", anthropic_message_id(a));
    json_set_str(o, "type", "message");
    json_set_str(o, "role", "assistant");
    json_set_str(o, "model", c->served->model.name);
    json_set(o, "content", content_of(a, &answer));
    json_set_str(o, "stop_reason", anthropic_stop_reason(answer.finish, answer.sequence));
    json_set_str(o, "stop_sequence", answer.sequence);
    json_set(o, "usage", anthropic_usage(&c->used));
    return reply_json(rs, 200, o);
}

/* POST /anthropic/v1/messages, with and without a region */
err dock_anthropic_messages(request *rq, response *rs)
{
    const anthropic_body *in = rq->body;
    model_call c;

    TRY(anthropic_read(rq, in, &c));
    return in->stream ? anthropic_stream(&c, rs) : answer_whole(&c, rs);
}

/* POST /anthropic/v1/messages/count_tokens: our estimate, since most providers cannot be asked. */
err dock_anthropic_count(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object());
    model_call c;
    int64_t n;

    TRY(anthropic_read(rq, rq->body, &c));
    n = tokens_of_messages(c.ask.messages, c.ask.n_messages);
    for (size_t i = 0; i < c.ask.n_tools; i++)
        n += tokens_of_text(str_of(c.ask.tools[i].name)) + tokens_of_text(str_of(c.ask.tools[i].description)) +
             tokens_of_text(str_of(json_text(rq->scope->arena, c.ask.tools[i].parameters)));
    json_set_int(o, "input_tokens", n);
    return reply_json(rs, 200, o);
}

/* GET /anthropic/v1/models, with and without a region */
err dock_anthropic_models(request *rq, response *rs)
{
    provider_scope sc = {.who = own_rows_of(rq->user), .with_system = true};
    arena *a = rq->scope->arena;
    json_t *o = json_hold(a, json_object()), *list = json_array();
    served_model *all;
    size_t n;

    json_set(o, "data", list);
    TRY(model_check_region(rq));
    TRY(served_list(rq->scope, sc, MODEL_LLM, NULL, (page){.limit = 1000}, &all, &n, NULL));
    for (size_t i = 0; i < n; i++) {
        json_t *m;
        bool seen = false;

        for (size_t k = 0; k < i; k++)
            seen |= cstr_eq(all[k].model.name, all[i].model.name);
        if (seen) /* a name means one model */
            continue;
        m = block_of("model", "id", all[i].model.name);
        json_set_str(m, "display_name", all[i].model.name);
        json_set_str(m, "created_at", dock_time(a, all[i].model.created_at));
        json_array_append_new(list, m);
    }
    json_set_bool(o, "has_more", false);
    json_set_str(o, "first_id", json_get_str(json_array_get(list, 0), "id", NULL));
    json_set_str(o, "last_id",
                 n > 0 ? json_get_str(json_array_get(list, json_array_size(list) - 1), "id", NULL) : NULL);
    return reply_json(rs, 200, o);
}
