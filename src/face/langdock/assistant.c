/* SPDX-License-Identifier: MIT */
/* Assistants: the older name of agents (contracts/langdock.md section 7). */
#include "base/id.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/agent_shared.h"
#include "face/langdock/chat_output.h"
#include "face/langdock/chat_shared.h"

/* POST /assistant/v1/create */
err dock_assistant_create(request *rq, response *rs)
{
    return dock_create_agent(rq, rs, &(agent_answer){201, "Assistant created successfully", true});
}

typedef struct {
    const char *assistantId, *version;
} get_args;
static const field get_fields[] = {
    FIELD(get_args, assistantId, .required = true, .text = "Which assistant"),
    FIELD(get_args, version, .one_of = "draft|published"),
};
const schema dock_assistant_get_schema = {"AssistantGet", sizeof(get_args), get_fields, COUNT(get_fields), SIZE_MAX};

/* GET /assistant/v1/get */
err dock_assistant_get(request *rq, response *rs)
{
    const get_args *in = rq->args;

    return dock_read_agent(rq, rs, &(agent_answer){200, NULL, true}, in->assistantId, in->version);
}

typedef struct {
    const char *role;
    json_t *content, *attachmentIds;
} plain_message;
static const field message_fields[] = {
    FIELD(plain_message, role, .required = true, .one_of = "user|assistant|tool|system"),
    FIELD(plain_message, content, .required = true, .text = "A text, or what an answer had in its place"),
    FIELD(plain_message, attachmentIds, .json = JSON_STRINGS_TYPE, .max = 50),
};
static const schema message_schema = {"AssistantMessage", sizeof(plain_message), message_fields, COUNT(message_fields),
                                      SIZE_MAX};

typedef struct {
    const char *assistantId;
    json_t *assistant, *messages, *output;
    bool stream;
    int64_t maxSteps;
} chat_body;
static const field chat_fields[] = {
    FIELD(chat_body, assistantId, .text = "A saved assistant"),
    FIELD(chat_body, assistant, .json = JSON_OBJECT_TYPE, .items = &dock_inline_agent_schema,
          .text = "Or an assistant of this request alone"),
    FIELD(chat_body, messages, .required = true, .not_null = true, .json = JSON_ARRAY_TYPE, .min = 1, .max = 1000,
          .items = &message_schema, .text = "The whole conversation"),
    FIELD(chat_body, stream, .text = "Answer with a UI message stream"),
    FIELD(chat_body, output, .json = JSON_OBJECT_TYPE, .items = &dock_output_schema, .text = "Structured output"),
    FIELD(chat_body, maxSteps, .min = 1, .max = 20, .fallback = "10", .text = "Most model turns"),
};
const schema dock_assistant_chat_schema = {"AssistantChat", sizeof(chat_body), chat_fields, COUNT(chat_fields),
                                           SIZE_MAX};

static json_t *answer_assistant(const ui_gathered *g, json_t *value)
{
    json_t *o = json_object();

    json_set(o, "result", json_incref(g->result));
    if (value != NULL)
        json_set(o, "output", json_incref(value));
    return o;
}

/* POST /assistant/v1/chat/completions */
err dock_assistant_chat(request *rq, response *rs)
{
    const chat_body *in = rq->body;
    chat_order order = {.agent_id = in->assistantId,
                        .agent = in->assistant,
                        .messages = in->messages,
                        .output = in->output,
                        .stream = in->stream,
                        .max_steps = in->maxSteps,
                        .id_field = "assistantId",
                        .agent_field = "assistant",
                        .answer = answer_assistant};

    return dock_chat(rq, rs, &order);
}
