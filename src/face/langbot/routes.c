/* SPDX-License-Identifier: MIT */
/* The routes of the LangBot face, one row each. */
#include "face/langbot/routes.h"

#include "auth/identity.h"
#include "face/langbot/envelope.h"
#include "face/langbot/handlers.h"

#define PROVIDERS "/api/v1/provider/providers"

static const route routes[] = {
    /* method, path, access, body, handler, summary, query, body mode */
    {GET, "/healthz", BOT_NONE, NULL, bot_health, "Whether the service runs", .tag = "System", .quiet = true},

    /* Accounts */
    {GET, "/api/v1/user/init", BOT_NONE, NULL, bot_initialized, "Whether there is an account", .tag = "Accounts"},
    {POST, "/api/v1/user/init", BOT_NONE, &bot_login_schema, bot_initialize,
     "Make the first account, where the server does not do that itself", .tag = "Accounts"},
    {POST, "/api/v1/user/auth", BOT_NONE, &bot_login_schema, bot_login, "Log in", .tag = "Accounts"},
    {GET, "/api/v1/user/check-token", BOT_ACCOUNT, NULL, bot_check_token, "A fresh token", .tag = "Accounts"},
    {GET, "/api/v1/user/info", BOT_ACCOUNT, NULL, bot_user_info, "Who is logged in", .tag = "Accounts"},
    {GET, "/api/v1/user/account-info", BOT_NONE, NULL, bot_account_info, "How to log in here", .tag = "Accounts"},

    /* API keys */
    {GET, "/api/v1/apikeys", BOT_ACCOUNT | BOT_KEYS, NULL, bot_key_list, "List API keys", .tag = "API keys"},
    {POST, "/api/v1/apikeys", BOT_ACCOUNT | BOT_KEYS, &bot_key_schema, bot_key_create, "Create an API key",
     .tag = "API keys"},
    {GET, "/api/v1/apikeys/{id}", BOT_ACCOUNT | BOT_KEYS, NULL, bot_key_get, "Get an API key", .tag = "API keys"},
    {PUT, "/api/v1/apikeys/{id}", BOT_ACCOUNT | BOT_KEYS, &bot_key_update_schema, bot_key_update, "Rename an API key",
     .tag = "API keys"},
    {DELETE, "/api/v1/apikeys/{id}", BOT_ACCOUNT | BOT_KEYS, NULL, bot_key_revoke, "Revoke an API key",
     .tag = "API keys"},

    /* Requesters */
    {GET, "/api/v1/provider/requesters", BOT_EITHER | BOT_VIEW, NULL, bot_requester_list,
     "Ways of speaking to a provider", &bot_requester_schema, .tag = "Providers"},
    {GET, "/api/v1/provider/requesters/{name}", BOT_EITHER | BOT_VIEW, NULL, bot_requester_get, "Get one",
     .tag = "Providers"},
    {GET, "/api/v1/provider/requesters/{name}/icon", BOT_NONE, NULL, bot_requester_icon, "Its picture", .hidden = true},

    /* Providers */
    {GET, PROVIDERS, BOT_EITHER | BOT_VIEW, NULL, bot_provider_list, "List providers", .tag = "Providers"},
    {POST, PROVIDERS, BOT_EITHER | BOT_SECRETS, &bot_provider_schema, bot_provider_create, "Create a provider",
     .tag = "Providers"},
    {GET, PROVIDERS "/{uuid}", BOT_EITHER | BOT_VIEW, NULL, bot_provider_get, "Get a provider", .tag = "Providers"},
    {PUT, PROVIDERS "/{uuid}", BOT_EITHER | BOT_SECRETS, &bot_provider_update_schema, bot_provider_update,
     "Change a provider", .tag = "Providers"},
    {DELETE, PROVIDERS "/{uuid}", BOT_EITHER | BOT_MANAGE, NULL, bot_provider_delete, "Delete a provider",
     .tag = "Providers"},

    /* Chat models */
    {GET, BOT_LLMS, BOT_EITHER | BOT_VIEW, NULL, bot_model_list, "List chat models", &bot_model_list_schema,
     .tag = "Models"},
    {POST, BOT_LLMS, BOT_EITHER | BOT_SECRETS, &bot_model_schema, bot_model_create, "Create a chat model",
     .tag = "Models"},
    {GET, BOT_LLMS "/{uuid}", BOT_EITHER | BOT_VIEW, NULL, bot_model_get, "Get a chat model", .tag = "Models"},
    {PUT, BOT_LLMS "/{uuid}", BOT_EITHER | BOT_SECRETS, &bot_model_update_schema, bot_model_update,
     "Change a chat model", .tag = "Models"},
    {DELETE, BOT_LLMS "/{uuid}", BOT_EITHER | BOT_MANAGE, NULL, bot_model_delete, "Delete a chat model",
     .tag = "Models"},
    {POST, BOT_LLMS "/{uuid}/test", BOT_EITHER | BOT_SECRETS, &bot_model_test_schema, bot_model_test,
     "Try a chat model", .mode = BODY_OPTIONAL, .tag = "Models"},

    /* Embedding models */
    {GET, BOT_EMBEDDINGS, BOT_EITHER | BOT_VIEW, NULL, bot_model_list, "List embedding models", &bot_model_list_schema,
     .tag = "Models"},
    {POST, BOT_EMBEDDINGS, BOT_EITHER | BOT_SECRETS, &bot_embedding_schema, bot_model_create,
     "Create an embedding model", .tag = "Models"},
    {GET, BOT_EMBEDDINGS "/{uuid}", BOT_EITHER | BOT_VIEW, NULL, bot_model_get, "Get an embedding model",
     .tag = "Models"},
    {PUT, BOT_EMBEDDINGS "/{uuid}", BOT_EITHER | BOT_SECRETS, &bot_embedding_update_schema, bot_model_update,
     "Change an embedding model", .tag = "Models"},
    {DELETE, BOT_EMBEDDINGS "/{uuid}", BOT_EITHER | BOT_MANAGE, NULL, bot_model_delete, "Delete an embedding model",
     .tag = "Models"},
    {POST, BOT_EMBEDDINGS "/{uuid}/test", BOT_EITHER | BOT_SECRETS, &bot_embedding_test_schema, bot_model_test,
     "Try an embedding model", .mode = BODY_OPTIONAL, .tag = "Models"},
};

static const char *user_id(const request *rq)
{
    return rq->user != NULL ? rq->user->user_id : NULL;
}

const face langbot_face = {
    .name = "langbot",
    .title = "LangBot API",
    .routes = routes,
    .n_routes = COUNT(routes),
    .max_json = MIB(10),
    .docs = true,
    .authorize = bot_authorize,
    .envelope = bot_envelope,
    .invalid = bot_invalid,
    .no_route = bot_no_route,
    .intercept = bot_intercept,
    .user_id = user_id,
};
