/* SPDX-License-Identifier: MIT */
/* The routes of the Langdock face, one row each.  The router mounts them at / and under /api/public. */
#include "face/langdock/routes.h"

#include "auth/identity.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"

#define INSTANCES "/integrations/v1/{integrationId}/triggers/{triggerId}/instances"

static const route routes[] = {
    /* method, path, access, body, handler, summary */
    {GET, "/integrations/v1/get", DOCK_ASSISTANT | DOCK_AGENT | DOCK_INTEGRATION, NULL, dock_integration_list,
     "List integrations", .tag = "Integrations"},
    {POST, "/integrations/v1/create", DOCK_INTEGRATION, &dock_integration_schema, dock_integration_create,
     "Create an integration", .tag = "Integrations"},
    {GET, "/integrations/v1/{integrationId}", DOCK_INTEGRATION, NULL, dock_integration_get, "Get an integration",
     .tag = "Integrations"},
    {PATCH, "/integrations/v1/{integrationId}", DOCK_INTEGRATION, &dock_integration_update_schema,
     dock_integration_update, "Change an integration", .tag = "Integrations"},
    {DELETE, "/integrations/v1/{integrationId}", DOCK_INTEGRATION, NULL, dock_integration_delete,
     "Delete an integration with all that belongs to it", .tag = "Integrations"},
    {PATCH, "/integrations/v1/{integrationId}/auth", DOCK_INTEGRATION, &dock_auth_schema, dock_auth_update,
     "Set how users connect", &dock_auth_args_schema, .tag = "Integrations"},
    {GET, "/integrations/v1/{integrationId}/icon", DOCK_INTEGRATION, NULL, dock_icon_get, "Where the icon is",
     .tag = "Integrations"},
    {PUT, "/integrations/v1/{integrationId}/icon", DOCK_INTEGRATION, NULL, dock_icon_put, "Upload the icon",
     .mode = BODY_RAW, .tag = "Integrations"},
    {GET, "/integrations/v1/{integrationId}/icon/raw", DOCK_OPEN, NULL, dock_icon_raw, "The icon itself",
     .tag = "Integrations"},

    {POST, "/integrations/v1/{integrationId}/actions/create", DOCK_INTEGRATION, &dock_action_schema, dock_action_create,
     "Create an action", .tag = "Actions"},
    {PUT, "/integrations/v1/{integrationId}/actions/{actionId}", DOCK_INTEGRATION, &dock_action_schema,
     dock_action_replace, "Replace an action", .tag = "Actions"},
    {PATCH, "/integrations/v1/{integrationId}/actions/{actionId}", DOCK_INTEGRATION, &dock_action_patch_schema,
     dock_action_patch, "Change an action", .tag = "Actions"},
    {DELETE, "/integrations/v1/{integrationId}/actions/{actionId}", DOCK_INTEGRATION, NULL, dock_action_delete,
     "Delete an action", .tag = "Actions"},

    {GET, "/integrations/v1/{integrationId}/actions/{actionId}/options", DOCK_INTEGRATION, NULL, dock_action_options,
     "Options of a field, also those that another action yields", &dock_options_schema, .tag = "Actions"},

    {POST, "/integrations/v1/{integrationId}/triggers/create", DOCK_INTEGRATION, &dock_trigger_schema,
     dock_trigger_create, "Create a trigger", .tag = "Triggers"},
    {PUT, "/integrations/v1/{integrationId}/triggers/{triggerId}", DOCK_INTEGRATION, &dock_trigger_schema,
     dock_trigger_replace, "Replace a trigger", .tag = "Triggers"},
    {PATCH, "/integrations/v1/{integrationId}/triggers/{triggerId}", DOCK_INTEGRATION, &dock_trigger_patch_schema,
     dock_trigger_patch, "Change a trigger", .tag = "Triggers"},
    {DELETE, "/integrations/v1/{integrationId}/triggers/{triggerId}", DOCK_INTEGRATION, NULL, dock_trigger_delete,
     "Delete a trigger", .tag = "Triggers"},
    {POST, "/integrations/v1/{integrationId}/actions/{actionId}/test", DOCK_INTEGRATION, &dock_test_schema,
     dock_action_test, "Try an action out", .mode = BODY_OPTIONAL, .tag = "Actions"},
    {POST, "/integrations/v1/{integrationId}/triggers/{triggerId}/test", DOCK_INTEGRATION, &dock_test_schema,
     dock_trigger_test, "Try a trigger's script out", .mode = BODY_OPTIONAL, .tag = "Triggers"},

    {GET, "/integrations/v1/{integrationId}/connections", DOCK_INTEGRATION, NULL, dock_connection_list,
     "List your connections", .tag = "Connections"},
    {POST, "/integrations/v1/{integrationId}/connections", DOCK_INTEGRATION, &dock_connection_schema,
     dock_connection_create, "Connect, or begin to", .mode = BODY_OPTIONAL, .tag = "Connections"},
    {PATCH, "/integrations/v1/{integrationId}/connections/{connectionId}", DOCK_INTEGRATION, &dock_connection_schema,
     dock_connection_update, "Change a connection", .tag = "Connections"},
    {DELETE, "/integrations/v1/{integrationId}/connections/{connectionId}", DOCK_INTEGRATION, NULL,
     dock_connection_delete, "Delete a connection", .tag = "Connections"},
    {POST, "/integrations/v1/{integrationId}/connections/{connectionId}/test", DOCK_INTEGRATION, NULL,
     dock_connection_test, "Test a connection", .tag = "Connections"},
    {POST, "/integrations/v1/{integrationId}/connections/{connectionId}/reconnect", DOCK_INTEGRATION, NULL,
     dock_connection_reconnect, "Ask for consent again", .tag = "Connections"},
    {GET, "/oauth/integrations/callback", DOCK_OPEN, NULL, dock_oauth_callback,
     "Where a provider sends people back to after a consent", .tag = "Connections"},

    {POST, INSTANCES, DOCK_INTEGRATION, &dock_instance_schema, dock_instance_create,
     "Let a trigger start conversations of an agent", .tag = "Triggers"},
    {GET, INSTANCES, DOCK_INTEGRATION, NULL, dock_instance_list, "List a trigger's instances", .tag = "Triggers"},
    {GET, INSTANCES "/{instanceId}", DOCK_INTEGRATION, NULL, dock_instance_get, "Get an instance", .tag = "Triggers"},
    {PATCH, INSTANCES "/{instanceId}", DOCK_INTEGRATION, &dock_instance_patch_schema, dock_instance_patch,
     "Change, start or stop an instance", .tag = "Triggers"},
    {DELETE, INSTANCES "/{instanceId}", DOCK_INTEGRATION, NULL, dock_instance_delete, "Delete an instance",
     .tag = "Triggers"},
    {POST, INSTANCES "/{instanceId}/poll", DOCK_INTEGRATION, NULL, dock_instance_poll, "Poll now", .tag = "Triggers"},
    {POST, "/api/hooks/triggers/{instanceId}", DOCK_OPEN, NULL, dock_webhook,
     "Call a webhook; the secret is in X-Webhook-Secret", .mode = BODY_RAW, .tag = "Triggers"},

    {POST, "/agent/v1/chat/completions", DOCK_AGENT | DOCK_SPENDS, &dock_chat_schema, dock_agent_chat,
     "Chat with an agent", .tag = "Agents"},
    {POST, "/agent/v1/create", DOCK_AGENT, &dock_agent_create_schema, dock_agent_create, "Create an agent",
     .tag = "Agents"},
    {GET, "/agent/v1/get", DOCK_AGENT, NULL, dock_agent_get, "Get an agent", &dock_agent_get_schema, .tag = "Agents"},
    {PATCH, "/agent/v1/update", DOCK_AGENT, &dock_agent_update_schema, dock_agent_update, "Change an agent's draft",
     .tag = "Agents"},
    {POST, "/agent/v1/publish", DOCK_AGENT, &dock_agent_publish_schema, dock_agent_publish, "Publish an agent's draft",
     .tag = "Agents"},
    {PATCH, "/agent/v1/disable", DOCK_AGENT, &dock_agent_disable_schema, dock_agent_disable,
     "Disable or enable an agent", .tag = "Agents"},
    {GET, "/agent/v1/models", DOCK_AGENT, NULL, dock_agent_models, "Models for agents", .tag = "Agents"},

    {POST, "/assistant/v1/chat/completions", DOCK_ASSISTANT | DOCK_SPENDS, &dock_assistant_chat_schema,
     dock_assistant_chat, "Chat with an assistant", .tag = "Assistants (older name of agents)"},
    {POST, "/assistant/v1/create", DOCK_ASSISTANT, &dock_agent_create_schema, dock_assistant_create,
     "Create an assistant", .tag = "Assistants (older name of agents)"},
    {GET, "/assistant/v1/get", DOCK_ASSISTANT, NULL, dock_assistant_get, "Get an assistant", &dock_assistant_get_schema,
     .tag = "Assistants (older name of agents)"},
    {PATCH, "/assistant/v1/update", DOCK_ASSISTANT, &dock_assistant_update_schema, dock_assistant_update,
     "Change an assistant's draft", .tag = "Assistants (older name of agents)"},
    {GET, "/assistant/v1/models", DOCK_ASSISTANT, NULL, dock_agent_models, "Models for assistants",
     .tag = "Assistants (older name of agents)"},

    {POST, "/attachment/v1/upload", DOCK_KNOWLEDGE, NULL, dock_attachment_upload, "Upload a file", .mode = BODY_RAW,
     .tag = "Attachments"},
    {DELETE, "/attachment/v1/delete", DOCK_KNOWLEDGE, &dock_attachment_delete_schema, dock_attachment_delete,
     "Delete a file", .tag = "Attachments"},

    {POST, "/openai/v1/chat/completions", DOCK_COMPLETION | DOCK_SPENDS, &dock_openai_chat_schema, dock_openai_chat,
     "Chat completion", .tag = "Model endpoints"},
    {GET, "/openai/v1/models", DOCK_COMPLETION, NULL, dock_openai_models, "Models", .tag = "Model endpoints"},
    {POST, "/openai/v1/embeddings", DOCK_COMPLETION | DOCK_SPENDS, &dock_openai_embeddings_schema,
     dock_openai_embeddings, "Embeddings", .tag = "Model endpoints"},
    {POST, "/anthropic/v1/messages", DOCK_COMPLETION | DOCK_SPENDS, &dock_anthropic_schema, dock_anthropic_messages,
     "Message of a model", .tag = "Model endpoints"},
    {POST, "/anthropic/v1/messages/count_tokens", DOCK_COMPLETION, &dock_anthropic_count_schema, dock_anthropic_count,
     "Estimate tokens", .tag = "Model endpoints"},
    {GET, "/anthropic/v1/models", DOCK_COMPLETION, NULL, dock_anthropic_models, "Models", .tag = "Model endpoints"},

    {POST, "/openai/{region}/v1/chat/completions", DOCK_COMPLETION | DOCK_SPENDS, &dock_openai_chat_schema,
     dock_openai_chat, "Chat completion", .tag = "Model endpoints"},
    {GET, "/openai/{region}/v1/models", DOCK_COMPLETION, NULL, dock_openai_models, "Models", .tag = "Model endpoints"},
    {POST, "/openai/{region}/v1/embeddings", DOCK_COMPLETION | DOCK_SPENDS, &dock_openai_embeddings_schema,
     dock_openai_embeddings, "Embeddings", .tag = "Model endpoints"},
    {POST, "/anthropic/{region}/v1/messages", DOCK_COMPLETION | DOCK_SPENDS, &dock_anthropic_schema,
     dock_anthropic_messages, "Message of a model", .tag = "Model endpoints"},
    {POST, "/anthropic/{region}/v1/messages/count_tokens", DOCK_COMPLETION, &dock_anthropic_count_schema,
     dock_anthropic_count, "Estimate tokens", .tag = "Model endpoints"},
    {GET, "/anthropic/{region}/v1/models", DOCK_COMPLETION, NULL, dock_anthropic_models, "Models",
     .tag = "Model endpoints"},
};

static const char *user_id(const request *rq)
{
    return rq->user != NULL ? rq->user->user_id : NULL;
}

const face langdock_face = {
    .name = "langdock",
    .title = "Langdock API",
    .routes = routes,
    .n_routes = COUNT(routes),
    .max_json = MIB(24), /* files of chats are inline */
    .slashes = SLASH_EITHER,
    .docs = true,
    .authorize = dock_authorize,
    .envelope = dock_envelope,
    .invalid = dock_invalid,
    .no_route = dock_no_route,
    .intercept = dock_intercept,
    .after = dock_after,
    .user_id = user_id,
};
