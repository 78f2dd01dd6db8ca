/* SPDX-License-Identifier: MIT */
/* The handlers of the Sage face, by resource; the table that names them is routes.c. */
#ifndef FACE_SAGE_HANDLERS_H
#define FACE_SAGE_HANDLERS_H

#include "model/conversation.h"
#include "net/route.h"

/* auth.c */
err sage_login(request *rq, response *rs);
err sage_session(request *rq, response *rs);
err sage_logout(request *rq, response *rs);
err sage_auth_providers(request *rq, response *rs);
extern const schema sage_login_schema;

/* system.c */
err sage_health(request *rq, response *rs);
err sage_active(request *rq, response *rs);
err sage_system_info(request *rq, response *rs);
err sage_system_settings(request *rq, response *rs);
extern const schema sage_system_settings_schema;

/* chat.c */
err sage_chat(request *rq, response *rs);
err sage_stream(request *rq, response *rs);
err sage_web_stream(request *rq, response *rs);
err sage_stream_resume(request *rq, response *rs);
err sage_active_sessions(request *rq, response *rs);
err sage_interrupt(request *rq, response *rs);
err sage_rerun_stream(request *rq, response *rs);
extern const schema sage_chat_schema, sage_stream_schema, sage_resume_schema, sage_interrupt_schema, sage_rerun_schema;

/* conversation.c */
err sage_conversation_list(request *rq, response *rs);
err sage_conversation_messages(request *rq, response *rs);
err sage_conversation_shared(request *rq, response *rs);
err sage_conversation_title(request *rq, response *rs);
err sage_conversation_edit(request *rq, response *rs);
err sage_conversation_delete(request *rq, response *rs);
err sage_tasks_status(request *rq, response *rs);
extern const schema sage_conversation_list_schema, sage_title_schema, sage_edit_schema;

/* The conversation, when it is the caller's own: administrators read what others said, but do not change it.
 * "conversation.not_exist", or the code `denied`.  `out` may be NULL. */
MUST_USE err sage_own_conversation(request *rq, const char *session, const char *denied, conversation_row **out);

/* agent.c */
err sage_agent_list(request *rq, response *rs);
err sage_agent_get(request *rq, response *rs);
err sage_agent_create(request *rq, response *rs);
err sage_agent_update(request *rq, response *rs);
err sage_agent_delete(request *rq, response *rs);
err sage_agent_users_get(request *rq, response *rs);
err sage_agent_users_set(request *rq, response *rs);
err sage_agent_default_prompt(request *rq, response *rs);
extern const schema sage_agent_schema, sage_agent_users_schema, sage_default_prompt_schema;

/* provider.c */
err sage_provider_list(request *rq, response *rs);
err sage_provider_create(request *rq, response *rs);
err sage_provider_update(request *rq, response *rs);
err sage_provider_delete(request *rq, response *rs);
err sage_provider_verify(request *rq, response *rs);
err sage_provider_verify_capabilities(request *rq, response *rs);
err sage_provider_verify_stored(request *rq, response *rs);
err sage_provider_verify_multimodal(request *rq, response *rs);
extern const schema sage_provider_schema, sage_provider_update_schema;

/* tool.c */
err sage_tool_list(request *rq, response *rs);
err sage_tool_exec(request *rq, response *rs);
extern const schema sage_tool_list_schema, sage_tool_exec_schema;

#endif
