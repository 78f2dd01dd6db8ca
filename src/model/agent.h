/* SPDX-License-Identifier: MIT */
/*
 * Agents, and the users who may use somebody else's.
 */
#ifndef MODEL_AGENT_H
#define MODEL_AGENT_H

#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id;       /* "agent_" and 8 hex */
    const char *owner_id; /* NULL: nobody's; everybody may change it */
    const char *name;
    const char *config; /* JSON object */
    const char *extra;  /* JSON object of what only one face knows; NULL: none, and an update leaves it as it is */
    bool is_default;
    bool disabled; /* answers nobody */
    int64_t created_at, updated_at;
    bool any_name; /* of an insert: the owner may have others of that name */
} agent_row;

/* Fills id (when NULL) and times.  ERR_CONFLICT, code "agent.exists", subject the name: the owner has one of that name. */
MUST_USE err agent_insert(scope *s, agent_row *a);

/* ERR_NOT_FOUND, code "agent.not_found". */
MUST_USE err agent_find(scope *s, const char *id, agent_row **out);
MUST_USE err agent_recall(scope *s, const char *id, agent_row **out); /* as it was a moment ago: not for changing it */

/* OK when `who` may use it: owner, authorised, ownerless, or anyone; ERR_DENIED, code "agent.denied", when not. */
MUST_USE err agent_find_for(scope *s, owned_by who, const char *id, agent_row **out);
MUST_USE err agent_recall_for(scope *s, owned_by who, const char *id, agent_row **out);

/* Those that `who` may use, oldest first; without other people's disabled ones.  For `anyone`: all. */
MUST_USE err agent_list(scope *s, owned_by who, agent_row **out, size_t *n);
MUST_USE err agent_list_ids(scope *s, const char *const *ids, size_t n_ids, agent_row **out,
                            size_t *n); /* in that order; unknown ones left out */
MUST_USE err agent_count_owned(scope *s, const char *user_id, int64_t *out);

/* Writes name, config and extra, sets updated_at.  Owner, ownerless or anyone; else ERR_DENIED or ERR_NOT_FOUND. */
MUST_USE err agent_update(scope *s, owned_by who, agent_row *a);
MUST_USE err agent_set_disabled(scope *s, const char *id, bool disabled);
MUST_USE err agent_delete(scope *s, owned_by who, const char *id);

/* The user ids, sorted.  Setting replaces the list; the owner and repetitions are dropped; ids are not checked. */
MUST_USE err agent_users(scope *s, const char *id, const char ***out, size_t *n);
MUST_USE err agent_set_users(scope *s, const char *id, const char *const *user_ids, size_t n);

#endif
