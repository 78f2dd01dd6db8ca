/* SPDX-License-Identifier: MIT */
/* What the agents API and the older assistants API share: the same agents under two names. */
#ifndef FACE_LANGDOCK_AGENT_SHARED_H
#define FACE_LANGDOCK_AGENT_SHARED_H

#include "face/langdock/agent_fields.h"

/* How an agent is answered with. */
typedef struct {
    int status;
    const char *message; /* or NULL */
    bool assistant;      /* it is in the answer as "assistant", too */
} agent_answer;

/* ERR_INVALID for what is no id, ERR_NOT_FOUND also for agents that are not shared with the caller. */
MUST_USE err dock_find_agent(request *rq, const char *id, agent_row **out);

err dock_answer_agent(request *rq, response *rs, const agent_answer *how, const agent_row *row,
                      const agent_document *doc);
err dock_create_agent(request *rq, response *rs, const agent_answer *how);
err dock_read_agent(request *rq, response *rs, const agent_answer *how, const char *id, const char *version);
err dock_change_agent(request *rq, response *rs, const agent_answer *how, const char *id);

extern const schema dock_capabilities_schema;

#endif
