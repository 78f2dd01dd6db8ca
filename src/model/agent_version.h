/* SPDX-License-Identifier: MIT */
/*
 * Drafts and published versions of agents.
 *
 * The agent's row (model/agent.h) is what runs, and what faces without drafts change directly.  A draft stands beside it until
 * it is published; each publication leaves a numbered version.  An agent that was never published has no draft: its row is.
 */
#ifndef MODEL_AGENT_VERSION_H
#define MODEL_AGENT_VERSION_H

#include "model/agent.h"

typedef struct {
    const char *agent_id;
    int64_t version; /* 1, 2 …; 0: the draft */
    const char *name, *config;
    const char *extra;      /* NULL: none */
    const char *note;       /* what the publisher said about it, or NULL */
    const char *created_by; /* user id, or NULL */
    int64_t created_at;
} agent_version_row;

/* ERR_NOT_FOUND, code "agent.no_version". */
MUST_USE err agent_version_find(scope *s, const char *agent_id, int64_t version, agent_version_row **out);
MUST_USE err agent_version_last(scope *s, const char *agent_id, agent_version_row **out); /* published ones only */

/* What somebody read before he changed it: a write whose `seen` (NULL: whatever there is) is not what is there any more is not made. */
typedef struct {
    int64_t agent_at; /* updated_at of the agent's row; counts when there is no draft */
    int64_t draft_at; /* created_at of the draft; 0: there is none */
} agent_seen;

/* Stores name, config and extra of `a` as the draft, or in the row that runs.  Whether the caller may has been checked.  ERR_CONFLICT,
 * code "agent.changed_meanwhile". */
MUST_USE err agent_draft_put(scope *s, const agent_row *a, const char *user_id, const agent_seen *seen);
MUST_USE err agent_live_put(scope *s, agent_row *a, const agent_seen *seen);

/*
 * Makes `v` (name, config, extra, note, created_by) the row that runs and the next version, whose number and time are filled in;
 * the draft is gone.  ERR_CONFLICT, code "agent.changed_meanwhile".
 */
MUST_USE err agent_publish(scope *s, agent_version_row *v, const agent_seen *seen);

#endif
