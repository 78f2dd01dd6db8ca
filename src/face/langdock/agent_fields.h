/* SPDX-License-Identifier: MIT */
/*
 * Agents as the platform writes and shows them, over the core's agents: what both know is in the agent's configuration (prompt,
 * model, description), the rest beside it (model/agent.h, `extra`).
 */
#ifndef FACE_LANGDOCK_AGENT_FIELDS_H
#define FACE_LANGDOCK_AGENT_FIELDS_H

#include "model/agent_version.h"
#include "model/provider.h"
#include "net/route.h"

/* One state of an agent, draft or published: both objects are the request's own. */
typedef struct {
    const char *name;
    json_t *config, *extra;
} agent_document;

MUST_USE err agent_document_read(scope *s, const char *name, const char *config, const char *extra,
                                 agent_document *out);
void agent_document_new(scope *s, agent_document *out);

/* The members of a create or update body that are there replace those of `doc`.  Actions and connections must be the agent's
 * owner's to use, for it is he who lends them.  ERR_INVALID and ERR_NOT_FOUND name what is wrong or unknown: model, action,
 * connection, attachment, folder.  Parks. */
MUST_USE err agent_document_change(request *rq, const json_t *body, const char *owner_id, agent_document *doc);

/* {"id","name",…} with the names of responses; new reference.  `row` gives id, owner and times.  Parks. */
MUST_USE err agent_document_show(request *rq, const agent_row *row, const agent_document *doc, json_t **out);

/* A model that the caller may use, by name (with '@' or '-') or id.  ERR_NOT_FOUND, code "model.not_found".  Parks. */
MUST_USE err dock_model(request *rq, const char *name, model_kind kind, served_model **out);

/* "agent_…" or a UUID. */
bool dock_is_agent_id(const char *text);

/* The schemas of what is checked only: inputFields, actions. */
extern const schema dock_input_field_schema, dock_agent_action_schema;

#endif
