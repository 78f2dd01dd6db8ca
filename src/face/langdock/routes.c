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
    .user_id = user_id,
};
