/* SPDX-License-Identifier: MIT */
/* The handlers of the LangBot face, by resource; the table that names them is routes.c. */
#ifndef FACE_LANGBOT_HANDLERS_H
#define FACE_LANGBOT_HANDLERS_H

#include "net/route.h"

/* user.c */
err bot_login(request *rq, response *rs);
err bot_check_token(request *rq, response *rs);
err bot_user_info(request *rq, response *rs);
err bot_account_info(request *rq, response *rs);
err bot_initialized(request *rq, response *rs);
err bot_initialize(request *rq, response *rs);
err bot_health(request *rq, response *rs);
extern const schema bot_login_schema;

/* apikey.c */
err bot_key_list(request *rq, response *rs);
err bot_key_create(request *rq, response *rs);
err bot_key_get(request *rq, response *rs);
err bot_key_update(request *rq, response *rs);
err bot_key_revoke(request *rq, response *rs);
extern const schema bot_key_schema, bot_key_update_schema;

/* requester.c */
err bot_requester_list(request *rq, response *rs);
err bot_requester_get(request *rq, response *rs);
err bot_requester_icon(request *rq, response *rs);
extern const schema bot_requester_schema;
bool bot_requester_serves(const char *requester, const char *kind); /* "llm", "text-embedding", "rerank" */
bool bot_requester_known(const char *requester);
const char *bot_requester_url(const char *requester); /* where it is by default; "" for none */

/* provider.c */
err bot_provider_list(request *rq, response *rs);
err bot_provider_create(request *rq, response *rs);
err bot_provider_get(request *rq, response *rs);
err bot_provider_update(request *rq, response *rs);
err bot_provider_delete(request *rq, response *rs);
extern const schema bot_provider_schema, bot_provider_update_schema;

/* model.c: the handlers serve each kind of model; the path says which */
#define BOT_LLMS "/api/v1/provider/models/llm"
#define BOT_EMBEDDINGS "/api/v1/provider/models/embedding"
err bot_model_list(request *rq, response *rs);
err bot_model_create(request *rq, response *rs);
err bot_model_get(request *rq, response *rs);
err bot_model_update(request *rq, response *rs);
err bot_model_delete(request *rq, response *rs);
err bot_model_test(request *rq, response *rs);
extern const schema bot_model_list_schema, bot_model_schema, bot_model_update_schema, bot_model_test_schema;
extern const schema bot_embedding_schema, bot_embedding_update_schema, bot_embedding_test_schema;

#endif
