/* SPDX-License-Identifier: MIT */
/* The routes of the Langflow face, one row each. */
#include "face/langflow/routes.h"

#include "auth/identity.h"
#include "face/cors.h"
#include "face/langflow/envelope.h"
#include "face/langflow/handlers.h"

static const route routes[] = {
    /* method, path, access, body, handler, summary, query, body mode */
    {GET, "/health", FLOW_ANYONE, NULL, lf_health, "Whether the service runs", .tag = "System", .quiet = true},
    {GET, "/health_check", FLOW_ANYONE, NULL, lf_health_check, "Whether its parts work", .tag = "System",
     .quiet = true},
    {GET, "/api/v1/version", FLOW_ANYONE, NULL, lf_version, "The version whose API this is", .tag = "System"},

    /* Accounts */
    {POST, "/api/v1/login", FLOW_ANYONE, NULL, lf_login, "Log in", .mode = BODY_RAW, .tag = "Accounts"},
    {GET, "/api/v1/auto_login", FLOW_ANYONE, NULL, lf_auto_login, "Log in without a password, when allowed",
     .tag = "Accounts"},
    {POST, "/api/v1/logout", FLOW_ANYONE, NULL, lf_logout, "Log out", .tag = "Accounts"},
    {GET, "/api/v1/api_key/", FLOW_USER, NULL, lf_key_list, "List API keys", .tag = "API keys"},
    {POST, "/api/v1/api_key/", FLOW_USER, &lf_key_schema, lf_key_create, "Create an API key", .tag = "API keys"},
    {DELETE, "/api/v1/api_key/{api_key_id}", FLOW_USER, NULL, lf_key_delete, "Delete an API key", .tag = "API keys"},

    /* Flows */
    {POST, "/api/v1/flows/", FLOW_USER, &lf_flow_schema, lf_flow_create, "Create a flow", .tag = "Flows"},
    {GET, "/api/v1/flows/", FLOW_USER, NULL, lf_flow_list, "List flows", &lf_flow_list_schema, .tag = "Flows"},
    {GET, "/api/v1/flows/{flow_id}", FLOW_USER, NULL, lf_flow_get, "Get a flow", .tag = "Flows"},
    {PATCH, "/api/v1/flows/{flow_id}", FLOW_USER, &lf_flow_update_schema, lf_flow_update, "Change a flow",
     .tag = "Flows"},
    {DELETE, "/api/v1/flows/{flow_id}", FLOW_USER, NULL, lf_flow_delete, "Delete a flow", .tag = "Flows"},

    /* Runs */
    {POST, "/api/v1/run/{flow_id_or_name}", FLOW_KEY, &lf_run_schema, lf_run, "Run a flow", &lf_run_args_schema,
     .mode = BODY_OPTIONAL, .tag = "Runs"},
};

static const char *user_id(const request *rq)
{
    return rq->user != NULL ? rq->user->user_id : NULL;
}

const face langflow_face = {
    .name = "langflow",
    .title = "Langflow",
    .routes = routes,
    .n_routes = COUNT(routes),
    .max_json = MIB(32),
    .slashes = SLASH_EITHER,
    .docs = true,
    .authorize = lf_authorize,
    .envelope = lf_envelope,
    .invalid = lf_invalid,
    .no_route = lf_no_route,
    .intercept = cors_intercept,
    .user_id = user_id,
};
