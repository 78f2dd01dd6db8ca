/* SPDX-License-Identifier: MIT */
/* The handlers of agents, assistants, attachments and model endpoints; the table that names them is routes.c. */
#ifndef FACE_LANGDOCK_AGENT_HANDLERS_H
#define FACE_LANGDOCK_AGENT_HANDLERS_H

#include "net/route.h"

/* attachment.c */
err dock_attachment_upload(request *rq, response *rs);
err dock_attachment_delete(request *rq, response *rs);
extern const schema dock_attachment_delete_schema;

/* agent.c */
err dock_agent_create(request *rq, response *rs);
err dock_agent_get(request *rq, response *rs);
err dock_agent_update(request *rq, response *rs);
err dock_agent_publish(request *rq, response *rs);
err dock_agent_disable(request *rq, response *rs);
extern const schema dock_agent_create_schema, dock_agent_update_schema, dock_agent_get_schema,
    dock_agent_publish_schema, dock_agent_disable_schema;

/* agent_models.c */
err dock_agent_models(request *rq, response *rs);

/* chat.c */
err dock_agent_chat(request *rq, response *rs);
extern const schema dock_chat_schema;

/* assistant.c */
err dock_assistant_create(request *rq, response *rs);
err dock_assistant_get(request *rq, response *rs);
err dock_assistant_update(request *rq, response *rs);
err dock_assistant_chat(request *rq, response *rs);
extern const schema dock_assistant_update_schema, dock_assistant_get_schema, dock_assistant_chat_schema;

/* openai.c, openai_embeddings.c */
err dock_openai_chat(request *rq, response *rs);
err dock_openai_models(request *rq, response *rs);
err dock_openai_embeddings(request *rq, response *rs);
extern const schema dock_openai_chat_schema, dock_openai_embeddings_schema;

/* anthropic.c */
err dock_anthropic_messages(request *rq, response *rs);
err dock_anthropic_count(request *rq, response *rs);
err dock_anthropic_models(request *rq, response *rs);
extern const schema dock_anthropic_schema, dock_anthropic_count_schema;

#endif
