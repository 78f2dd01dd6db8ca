/* SPDX-License-Identifier: MIT */
/*
 * Starting, resuming and interrupting runs (contracts/sage-chat-agents.md sections 3 and 4).
 *
 * Everything that can be refused is refused before the stream begins; from then on failures are lines of the stream.
 */
#include "agent/chat.h"

#include "auth/identity.h"
#include "base/clock.h"
#include "base/id.h"
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
        FIELD(run_body, provider_id, .text = "The model provider to use"),                                             \
        FIELD(run_body, fast_provider_id, .text = "A cheaper one, for side calls")

static const field chat_fields[] = {RUN_FIELDS(true)};
const schema sage_chat_schema = {"ChatRequest", sizeof(run_body), chat_fields, COUNT(chat_fields), SIZE_MAX};

static const field stream_fields[] = {
    RUN_FIELDS(false),
    FIELD(run_body, agent_name, .text = "Name kept with a new conversation"),
    FIELD(run_body, agent_mode, .one_of = "simple|fibre|team", .text = "How the agent works"),
    FIELD(run_body, max_loop_count, .text = "Most model turns; needed unless the agent says it"),
    FIELD(run_body, more_suggest),
    FIELD(run_body, available_tools, .json = JSON_STRINGS_TYPE, .max = 10000,
          .text = "Tools the agent may use; empty: all"),
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
    FIELD(run_body, sandbox_approval_mode, .text = "Of shell commands: never, on-request or untrusted"),
    FIELD(run_body, command_policy, .json = JSON_OBJECT_TYPE, .text = "Rules for shell commands"),
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
        .approval_mode = in->sandbox_approval_mode,
        .command_policy = in->command_policy,
        .model_config = in->llm_model_config,
        .provider_id = in->provider_id,
        .fast_provider_id = in->fast_provider_id,
        .language = locale_name(l),
        .source = asked_by,
        .empty_title = locale_text(rq->scope->arena, l, "conversation.new_title", NULL),
    };
}

/* The web client shows only chunks that carry its session. */
static const char too_slow[] = "{\"type\":\"error\",\"role\":\"assistant\",\"content\":\"The client reads too slowly: "
                               "the stream was cut. Resume it to go on.\"}\n";

/* `owner`: this is the client that the run was started for, and a run that is not managed ends when it leaves. */
static err follow(request *rq, response *rs, run *r, const lines_state *lines, bool owner)
{
    follow_spec spec = {
        .type = STREAM_TYPE,
        .render = lines_render,
        .state = lines,
        .state_size = sizeof *lines,
        .too_slow = too_slow,
    };

    if (run_facts(r)->managed || !owner) {
        spec.idle_text = ": heartbeat\n\n";
        spec.idle_after = SECONDS(20);
    } else {
        spec.abandoned = locale_text(rq->scope->arena, locale_of(rq), "chat.client_disconnected", NULL);
    }
    return run_follow(rs, r, &spec);
}

static err start(request *rq, response *rs, const chat_request *cr)
{
    lines_state lines = {.progress = cr->shows_progress};
    run *r;
    err e = chat_start(rq->scope, cr, &r);

    if (e == ERR_NOT_FOUND && cstr_eq(rq->scope->failure.code, "agent.not_found"))
        return fail_code(rq->scope, e, "chat.agent_not_found", cr->agent_id, "Agent does not exist");
    TRY(e);
    e = follow(rq, rs, r, &lines, true);
    run_unref(r);
    return e;
}

/* POST /api/chat */
err sage_chat(request *rq, response *rs)
{
    chat_request cr = request_of(rq, rq->body, "api/chat");

    return start(rq, rs, &cr);
}

/* POST /api/stream */
err sage_stream(request *rq, response *rs)
{
    chat_request cr = request_of(rq, rq->body, "api/stream");

    cr.agent_optional = true;
    cr.shows_progress = true;
    return start(rq, rs, &cr);
}

/* POST /api/web-stream */
err sage_web_stream(request *rq, response *rs)
{
    chat_request cr = request_of(rq, rq->body, "api/web-stream");

    cr.agent_optional = true;
    cr.managed = true;
    cr.replace = locale_text(rq->scope->arena, locale_of(rq), "chat.session_reentered", NULL);
    return start(rq, rs, &cr);
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
    const char *agent_id, *agent_mode, *guidance_content, *guidance_id;
    int64_t max_loop_count;
    bool more_suggest;
    json_t *available_sub_agent_ids;
} rerun_body;
static const field rerun_fields[] = {
    FIELD(rerun_body, agent_id, .text = "A saved agent; the conversation's when absent"),
    FIELD(rerun_body, agent_mode, .one_of = "simple|fibre|team", .text = "How the agent works"),
    FIELD(rerun_body, more_suggest),
    FIELD(rerun_body, max_loop_count, .text = "Most model turns; needed unless the agent says it"),
    FIELD(rerun_body, available_sub_agent_ids, .json = JSON_STRINGS_TYPE),
    FIELD(rerun_body, guidance_content, .text = "One more user message before the answer"),
    FIELD(rerun_body, guidance_id, .max = 255, .text = "Its message id"),
};
const schema sage_rerun_schema = SCHEMA(rerun_body, rerun_fields);

/* The guidance as the one message of a request. */
static json_t *guidance_of(arena *a, const rerun_body *in)
{
    const char *id = cstr_blank(in->guidance_id) ? id_uuid4(a) : in->guidance_id;
    json_t *list = json_array(), *message = json_object(), *meta = json_object();

    json_set_bool(meta, "injected", true);
    json_set_str(meta, "guidance_id", id);
    json_set_str(meta, "source", "guidance");
    json_set_str(message, "role", "user");
    json_set_str(message, "content", in->guidance_content);
    json_set_str(message, "message_id", id);
    json_set(message, "metadata", meta);
    json_array_append_new(list, message);
    return json_hold(a, list);
}

/* POST /api/conversations/{session_id}/rerun-stream */
err sage_rerun_stream(request *rq, response *rs)
{
    const rerun_body *in = rq->body;
    bool guided = !cstr_blank(in->guidance_content);
    arena *a = rq->scope->arena;
    sage_locale l = locale_of(rq);
    json_t *context = json_hold(a, json_object());
    conversation_row *row;
    chat_request cr = {
        .user_id = rq->user->user_id,
        .admin = rq->user->admin,
        .session_id = request_param(rq, "session_id"),
        .messages = guided ? guidance_of(a, in) : NULL,
        .agent_optional = true,
        .agent_mode = in->agent_mode,
        .max_loops = in->max_loop_count,
        .system_context = context,
        .language = locale_name(l),
        .source = "api/rerun-stream",
        .managed = true,
        .shows_progress = true,
        .rerun = true,
        .replace = locale_text(a, l, "chat.session_rerun", NULL),
    };

    TRY(sage_own_conversation(rq, cr.session_id, "conversation.rerun_forbidden", &row));
    cr.agent_id = cstr_blank(in->agent_id) ? row->agent_id : in->agent_id;
    cr.agent_name = row->agent_name;
    json_set_bool(context, "rerun_from_edit_last_user_message", true);
    json_set_bool(context, "rerun_from_guidance", guided);
    return start(rq, rs, &cr);
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

    if (r != NULL)
        lines.progress = run_facts(r)->shows_progress; /* as the client's first stream counted */
    if (r != NULL && (run_state(r) == RUN_LIVE || lines_count(r, lines.progress) > lines.skip)) {
        e = follow(rq, rs, r, &lines, false);
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
