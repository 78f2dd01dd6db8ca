/* SPDX-License-Identifier: MIT */
/*
 * Actions of integrations as tools (contracts/langdock.md section 3.9).
 *
 * A user sees the actions of his own and of built-in integrations; an agent that names its actions (tool_context.actions) has those
 * alone.  What is stored with an agent ("actions" in its `extra`) is lent by its owner to whoever may use the agent: the action
 * itself, and the connection that it was given.
 *
 * A tool is named by the action's slug.  Where two integrations, or a built-in tool, want one name, the oldest has it and the others put
 * their integration's slug in front ("helpdesk_find"); so a new integration never takes a name away.  The long name and the
 * action's id always find it.
 */
#ifndef SCRIPT_ACTION_H
#define SCRIPT_ACTION_H

#include "model/action.h"
#include "script/invoke.h"
#include "tool/tool.h"

/* Makes the source known to the registry; at start, after tool_setup(). */
void action_setup(void);

/* The JSON schema of what a model may pass, new reference: properties by the camelCase names of the fields. */
json_t *action_parameters(const char *input_fields);

/* ERR_INVALID, code "input.invalid", for values that do not fit the fields: one that is required is missing, a choice or type is
 * another.  For callers that do not come through the registry. */
MUST_USE err action_check_input(scope *s, const char *input_fields, const json_t *input);

/* A fiber's function: deletes old consents, abandoned connections and answers kept for repeated requests, until `s` ends. */
err integration_upkeep(scope *s, void *unused);

#endif
