/* SPDX-License-Identifier: MIT */
/*
 * Starting, resuming and interrupting runs (contracts/sage-chat-agents.md sections 3 and 4).
 *
 * Everything that can be refused is refused before the stream begins; from then on failures are lines of the stream.
 */
#include "agent/chat.h"

#include "auth/identity.h"
#include "base/clock.h"
#include "face/sage/envelope.h"
#include "face/sage/handlers.h"
#include "face/sage/lines.h"
#include "face/sage/locale.h"
#include "model/conversation.h"
#include "store/follow.h"

#define STREAM_TYPE "text/plain; charset=utf-8"

/* One message of a request. */
typedef struct {
    const char *role, *message_id, *type, *message_type, *reasoning_content;
    json_t *content, *metadata;
} message_body;

static const field message_fields[] = {
    FIELD(message_body, role, .required = true, .not_null = true, .text = "user, assistant"),
    FIELD(message_body, content, .text = "A text, or a list of content parts"),
    FIELD(message_body, message_id, .text = "Replaces the stored message of that id"),
    FIELD(message_body, type),
    FIELD(message_body, message_type),
    FIELD(message_body, metadata, .json = JSON_OBJECT_TYPE, .text = "Kept with the message"),
    FIELD(message_body, reasoning_content),
};
static const schema message_schema = SCHEMA(message_body, message_fields);

/* The bodies of all requests that start a run; /api/chat takes fewer of the fields. */
typedef struct {
    json_t *messages;
    const char *agent_id, *session_id, *user_id, *provider_id, *fast_provider_id;
    json_t *system_context;
    const char *agent_name, *agent_mode, *system_prefix, *memory_type, *sandbox_approval_mode;
    int64_t max_loop_count;
    bool more_suggest, force_summary, deep_thinking;
    json_t *available_tools, *available_skills, *available_workflows, *available_knowledge_bases;
    json_t *available_sub_agent_ids, *custom_sub_agents, *llm_model_config, *context_budget_config;
    json_t *extra_mcp_config, *command_policy;
} run_body;

#define RUN_FIELDS(agent_required)                                                                                     \
    FIELD(run_body, messages, .required = true, .not_null = true, .json = JSON_ARRAY_TYPE, .items = &message_schema,   \
          .text = "The new messages of this turn"),                                                                    \
        FIELD(run_body, agent_id, .required = (agent_required), .not_null = (agent_required),                          \
              .text = "A saved agent"),                                                                                \
        FIELD(run_body, session_id, .text = "The conversation; a new one when absent"),                                \
        FIELD(run_body, user_id, .text = "Administrators only: on whose behalf"),                                      \
        FIELD(run_body, system_context, .json = JSON_OBJECT_TYPE, .text = "Facts for the model, by name"),             \
        FIELD(run_body, provider_id, .text = "The model provider to use"), FIELD(run_body, fast_provider_id)

static const field chat_fields[] = {RUN_FIELDS(true)};
const schema sage_chat_schema = {"ChatRequest", sizeof(run_body), chat_fields, COUNT(chat_fields), SIZE_MAX};

static const field stream_fields[] = {
    RUN_FIELDS(false),
    FIELD(run_body, agent_name, .text = "Name kept with a new conversation"),
    FIELD(run_body, agent_mode, .one_of = "simple|fibre|team", .text = "How the agent works"),
    FIELD(run_body, max_loop_count, .text = "Most model turns; needed unless the agent says it"),
    FIELD(run_body, more_suggest),
    FIELD(run_body, available_tools, .json = JSON_STRINGS_TYPE, .text = "Tools the agent may use; empty: all"),
    FIELD(run_body, available_skills, .json = JSON_STRINGS_TYPE),
    FIELD(run_body, available_workflows, .json = JSON_OBJECT_TYPE),
    FIELD(run_body, available_knowledge_bases, .json = JSON_STRINGS_TYPE),
    FIELD(run_body, available_sub_agent_ids, .json = JSON_STRINGS_TYPE),
    FIELD(run_body, custom_sub_agents, .json = JSON_ARRAY_TYPE),
    FIELD(run_body, system_prefix, .text = "System prompt, when no saved agent has one"),
    FIELD(run_body, memory_type),
    FIELD(run_body, force_summary),
    FIELD(run_body, deep_thinking, .text = "Ignored: use the control tags in the text"),
    FIELD(run_body, llm_model_config, .json = JSON_OBJECT_TYPE,
          .text = "Model, address, key and sampling for this request"),
    FIELD(run_body, context_budget_config, .json = JSON_OBJECT_TYPE),
    FIELD(run_body, extra_mcp_config, .json = JSON_OBJECT_TYPE),
    FIELD(run_body, sandbox_approval_mode),
    FIELD(run_body, command_policy, .json = JSON_OBJECT_TYPE),
};
const schema sage_stream_schema = {"StreamRequest", sizeof(run_body), stream_fields, COUNT(stream_fields), SIZE_MAX};

static chat_request request_of(request *rq, const run_body *in, const char *asked_by)
{
    sage_locale l = locale_of(rq);
    bool admin = rq->user != NULL && rq->user->admin;
    const char *caller = rq->user != NULL ? rq->user->user_id : NULL;

    return (chat_request){
        .user_id = admin && !cstr_blank(in->user_id) ? in->user_id : caller,
        .admin = admin,
        .session_id = in->session_id,
        .messages = in->messages,
        .agent_id = in->agent_id,
        .agent_name = in->agent_name,
        .agent_mode = in->agent_mode,
        .max_loops = in->max_loop_count,
        .available_tools = in->available_tools,
        .system_prefix = in->system_prefix,
        .system_context = in->system_context,
        .model_config = in->llm_model_config,
        .provider_id = in->provider_id,
        .language = locale_name(l),
        .source = asked_by,
        .empty_title = locale_text(rq->scope->arena, l, "conversation.new_title", NULL),
    };
}

/* The web client shows only chunks that carry its session. */
static const char too_slow[] = "{\"type\":\"error\",\"role\":\"assistant\",\"content\":\"The client reads too slowly: "
                               "the stream was cut. Resume it to go on.\"}\n";

static err follow(request *rq, response *rs, run *r, const lines_state *lines)
{
    bool managed = run_facts(r)->managed;
    follow_spec spec = {
        .type = STREAM_TYPE,
        .render = lines_render,
        .state = lines,
        .state_size = sizeof *lines,
        .too_slow = too_slow,
    };

    if (managed) {
        spec.idle_text = ": heartbeat\n\n";
        spec.idle_after = SECONDS(20);
    } else {
        spec.abandoned = locale_text(rq->scope->arena, locale_of(rq), "chat.client_disconnected", NULL);
    }
    return run_follow(rs, r, &spec);
}

static err start(request *rq, response *rs, const chat_request *cr, bool progress)
{
    lines_state lines = {.progress = progress};
    run *r;
    err e = chat_start(rq->scope, cr, &r);

    if (e == ERR_NOT_FOUND && cstr_eq(rq->scope->failure.code, "agent.not_found"))
        return fail_code(rq->scope, e, "chat.agent_not_found", cr->agent_id, "Agent does not exist");
    TRY(e);
    e = follow(rq, rs, r, &lines);
    run_unref(r);
    return e;
}

/* POST /api/chat */
err sage_chat(request *rq, response *rs)
{
    chat_request cr = request_of(rq, rq->body, "api/chat");

    return start(rq, rs, &cr, false);
}

/* POST /api/stream */
err sage_stream(request *rq, response *rs)
{
    chat_request cr = request_of(rq, rq->body, "api/stream");

    cr.agent_optional = true;
    return start(rq, rs, &cr, true);
}

/* POST /api/web-stream */
err sage_web_stream(request *rq, response *rs)
{
    chat_request cr = request_of(rq, rq->body, "api/web-stream");

    cr.agent_optional = true;
    cr.managed = true;
    cr.replace = locale_text(rq->scope->arena, locale_of(rq), "chat.session_reentered", NULL);
    return start(rq, rs, &cr, false);
}

static owned_by caller(const request *rq)
{
    return rq->user->admin ? OWNED_BY_ANYONE : owned_by_user(rq->user->user_id);
}

/* The caller's run of a session, with a reference; NULL when there is none or it is somebody else's. */
static run *own_run(const request *rq, const char *session_id)
{
    run *r = hub_find(session_id);

    if (r == NULL || rq->user->admin || cstr_eq(run_facts(r)->user_id, rq->user->user_id))
        return r;
    run_unref(r);
    return NULL;
}

typedef struct {
    int64_t last_index;
} resume_args;
static const field resume_fields[] = {
    FIELD(resume_args, last_index, .fallback = "0", .text = "How many lines the client has received already"),
};
const schema sage_resume_schema = SCHEMA(resume_args, resume_fields);

/* GET /api/stream/resume/{session_id} */
err sage_stream_resume(request *rq, response *rs)
{
    const resume_args *in = rq->args;
    const char *session = request_param(rq, "session_id");
    lines_state lines = {.skip = in->last_index > 0 ? (uint64_t)in->last_index : 0};
    run *r = own_run(rq, session);
    conversation_row *row;
    const char *line;
    json_t *end;
    err e;

    if (r != NULL && (run_state(r) == RUN_LIVE || lines_count(r, false) > lines.skip)) {
        e = follow(rq, rs, r, &lines);
        run_unref(r);
        return e;
    }
    run_unref(r);
    e = conversation_find(rq->scope, caller(rq), session, &row);
    if (e == ERR_NOT_FOUND)
        return reply(rs, 200, STREAM_TYPE, "", 0);
    TRY(e);
    end = json_hold(rq->scope->arena, json_object());
    json_set_str(end, "type", "stream_end");
    json_set_str(end, "session_id", session);
    json_set_num(end, "timestamp", (double)clock_wall() / 1e6);
    json_set_bool(end, "resume_fallback", true);
    line = arena_printf(rq->scope->arena, "%s\n", json_text(rq->scope->arena, end));
    return reply(rs, 200, STREAM_TYPE, line, strlen(line));
}

typedef struct {
    const char *message;
} interrupt_body;
static const field interrupt_fields[] = {FIELD(interrupt_body, message, .text = "Why; shown in the log")};
const schema sage_interrupt_schema = SCHEMA(interrupt_body, interrupt_fields);

/* POST /api/sessions/{session_id}/interrupt: says so whether or not the session was running. */
err sage_interrupt(request *rq, response *rs)
{
    const interrupt_body *in = rq->body;
    const char *session = request_param(rq, "session_id");
    run *r = own_run(rq, session);
    json_t *data = json_object();

    if (r != NULL)
        run_interrupt(r, in != NULL && !cstr_blank(in->message) ? in->message : "用户请求中断");
    run_unref(r);
    json_set_str(data, "session_id", session);
    json_set_str(data, "user_id", rq->user->user_id);
    return sage_ok(rq, rs, "chat.session_interrupted", session, data);
}
