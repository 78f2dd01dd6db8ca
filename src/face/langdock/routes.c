/* SPDX-License-Identifier: MIT */
/* The routes of the Langdock face, one row each.  The router mounts them at / and under /api/public. */
#include "face/langdock/routes.h"

#include "auth/identity.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"

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
