/* SPDX-License-Identifier: MIT */
/*
 * The routes of the Sage face, one row each; handlers are in the file of their resource.
 */
#include "face/sage/routes.h"

#include "auth/identity.h"
#include "face/cors.h"
#include "face/sage/envelope.h"
#include "face/sage/handlers.h"

static const route routes[] = {
    /* method, path, access, body, handler, summary, query, body mode */

    /* Accounts */
    {POST, "/api/auth/login", SAGE_ANYONE, &sage_login_schema, sage_login, "Log in with a password", .tag = "Accounts"},
    {GET, "/api/auth/session", SAGE_LOGIN, NULL, sage_session, "Who is logged in", .tag = "Accounts"},
    {GET, "/api/auth/providers", SAGE_ANYONE, NULL, sage_auth_providers, "Ways of logging in", .tag = "Accounts"},
    {POST, "/api/auth/logout", SAGE_LOGIN, NULL, sage_logout, "Log out", .tag = "Accounts"},
    {POST, "/api/user/login", SAGE_ANYONE, &sage_login_schema, sage_login, "Log in with a password", .hidden = true},
    {GET, "/api/user/check_login", SAGE_LOGIN, NULL, sage_session, "Who is logged in", .hidden = true},
    {GET, "/api/user/auth-providers", SAGE_ANYONE, NULL, sage_auth_providers, "Ways of logging in", .hidden = true},
    {POST, "/api/user/logout", SAGE_LOGIN, NULL, sage_logout, "Log out", .hidden = true},

    /* System */
    {GET, "/api/health", SAGE_OPEN, NULL, sage_health, "Whether the service runs", .tag = "System", .quiet = true},
    {GET, "/active", SAGE_OPEN, NULL, sage_active, "Whether the service runs", .tag = "System", .quiet = true},
    {GET, "/api/system/info", SAGE_ANYONE, NULL, sage_system_info, "How to log in here", .tag = "System"},
    {POST, "/api/system/update_settings", SAGE_ADMIN, &sage_system_settings_schema, sage_system_settings,
     "Change the installation's settings", .tag = "System"},

    /* Chat */
    {POST, "/api/chat", SAGE_GUEST, &sage_chat_schema, sage_chat, "Answer with an agent, as a stream", .tag = "Chat"},
    {POST, "/api/stream", SAGE_GUEST, &sage_stream_schema, sage_stream, "The same with settings of one's own",
     .tag = "Chat"},
    {POST, "/api/web-stream", SAGE_LOGIN, &sage_stream_schema, sage_web_stream,
     "The same, going on when the client leaves", .tag = "Chat"},
    {GET, "/api/stream/resume/{session_id}", SAGE_LOGIN, NULL, sage_stream_resume, "Go on reading a stream",
     &sage_resume_schema, .tag = "Chat"},
    {GET, "/api/stream/active_sessions", SAGE_LOGIN, NULL, sage_active_sessions, "Watch which sessions run",
     .tag = "Chat"},
    {POST, "/api/sessions/{session_id}/interrupt", SAGE_LOGIN, &sage_interrupt_schema, sage_interrupt, "Stop a run",
     .mode = BODY_OPTIONAL, .tag = "Chat"},

    {POST, "/api/conversations/{session_id}/rerun-stream", SAGE_LOGIN, &sage_rerun_schema, sage_rerun_stream,
     "Answer the last user message again", .mode = BODY_OPTIONAL, .tag = "Chat"},
    {POST, "/api/sessions/{session_id}/tasks_status", SAGE_LOGIN, NULL, sage_tasks_status,
     "The task list of a conversation", .tag = "Chat"},

    /* Conversations */
    {GET, "/api/conversations", SAGE_LOGIN, NULL, sage_conversation_list, "List conversations",
     &sage_conversation_list_schema, .tag = "Conversations"},
    {GET, "/api/conversations/{session_id}/messages", SAGE_LOGIN, NULL, sage_conversation_messages,
     "What was said in a conversation", .tag = "Conversations"},
    {GET, "/api/share/conversations/{session_id}/messages", SAGE_GUEST, NULL, sage_conversation_shared,
     "What was said, for whom the link was given to", .tag = "Conversations"},
    {POST, "/api/conversations/{session_id}/title", SAGE_LOGIN, &sage_title_schema, sage_conversation_title,
     "Rename a conversation", .tag = "Conversations"},
    {POST, "/api/conversations/{session_id}/edit-last-user-message", SAGE_LOGIN, &sage_edit_schema,
     sage_conversation_edit, "Go back to the last user message with another text", .tag = "Conversations"},
    {DELETE, "/api/conversations/{session_id}", SAGE_LOGIN, NULL, sage_conversation_delete, "Delete a conversation",
     .tag = "Conversations"},

    /* Agents */
    {GET, "/api/agent/list", SAGE_LOGIN, NULL, sage_agent_list, "List agents", .tag = "Agents"},
    {GET, "/api/agent/template/default_system_prompt", SAGE_LOGIN, NULL, sage_agent_default_prompt,
     "The system prompt to start from", &sage_default_prompt_schema, .tag = "Agents"},
    {POST, "/api/agent/create", SAGE_LOGIN, &sage_agent_schema, sage_agent_create, "Create an agent", .tag = "Agents"},
    {GET, "/api/agent/{agent_id}", SAGE_LOGIN, NULL, sage_agent_get, "Get an agent", .tag = "Agents"},
    {PUT, "/api/agent/{agent_id}", SAGE_LOGIN, &sage_agent_schema, sage_agent_update, "Replace an agent",
     .tag = "Agents"},
    {DELETE, "/api/agent/{agent_id}", SAGE_LOGIN, NULL, sage_agent_delete, "Delete an agent", .tag = "Agents"},
    {GET, "/api/agent/{agent_id}/auth", SAGE_LOGIN, NULL, sage_agent_users_get, "Who may use an agent",
     .tag = "Agents"},
    {POST, "/api/agent/{agent_id}/auth", SAGE_LOGIN, &sage_agent_users_schema, sage_agent_users_set,
     "Say who may use an agent", .tag = "Agents"},

    /* Model providers */
    {GET, "/api/llm-provider/list", SAGE_LOGIN, NULL, sage_provider_list, "List model providers", .tag = "Providers"},
    {POST, "/api/llm-provider/create", SAGE_LOGIN, &sage_provider_schema, sage_provider_create,
     "Create a model provider", .tag = "Providers"},
    {PUT, "/api/llm-provider/update/{provider_id}", SAGE_LOGIN, &sage_provider_update_schema, sage_provider_update,
     "Change a model provider", .tag = "Providers"},
    {DELETE, "/api/llm-provider/delete/{provider_id}", SAGE_LOGIN, NULL, sage_provider_delete,
     "Delete a model provider", .tag = "Providers"},
    {POST, "/api/llm-provider/verify", SAGE_LOGIN, &sage_provider_schema, sage_provider_verify, "Try a model provider",
     .tag = "Providers"},
    {POST, "/api/llm-provider/verify-capabilities", SAGE_LOGIN, &sage_provider_schema,
     sage_provider_verify_capabilities, "Find out what a model can do", .tag = "Providers"},
    {POST, "/api/llm-provider/verify-capabilities/{provider_id}", SAGE_LOGIN, &sage_provider_update_schema,
     sage_provider_verify_stored, "The same for a stored provider", .mode = BODY_OPTIONAL, .tag = "Providers"},
    {POST, "/api/llm-provider/verify-multimodal", SAGE_LOGIN, &sage_provider_schema, sage_provider_verify_multimodal,
     "Find out whether a model sees images", .tag = "Providers"},

    /* Tools */
    {GET, "/api/tools", SAGE_LOGIN, NULL, sage_tool_list, "List tools", &sage_tool_list_schema, .tag = "Tools"},
    {POST, "/api/tools/exec", SAGE_LOGIN, &sage_tool_exec_schema, sage_tool_exec, "Call a tool", .tag = "Tools"},
};

static const char *user_id(const request *rq)
{
    return rq->user != NULL ? rq->user->user_id : NULL;
}

const face sage_face = {
    .name = "sage",
    .title = "Sage API",
    .routes = routes,
    .n_routes = COUNT(routes),
    .max_json = MIB(32), /* images come inside messages */
    .slashes = SLASH_REDIRECT,
    .docs = true,
    .authorize = sage_authorize,
    .envelope = sage_envelope,
    .invalid = sage_invalid,
    .no_route = sage_no_route,
    .intercept = cors_intercept,
    .user_id = user_id,
};
