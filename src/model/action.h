/* SPDX-License-Identifier: MIT */
/*
 * Actions: the scripts of an integration that models and people call.
 *
 * An action belongs to its integration and has no owner of its own: whoever may use or change that may use or change it.
 * Callers find the integration first.
 */
#ifndef MODEL_ACTION_H
#define MODEL_ACTION_H

#include "base/json.h"
#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id; /* UUID */
    const char *integration_id;
    int64_t order;    /* its place in the integration, from 0; not stored */
    const char *name; /* unique in the integration */
    const char *slug; /* made from the first name, unique in the integration; never changes */
    const char *description;
    const char *code;         /* NULL: none */
    const char *input_fields; /* JSON array (model/input_field.h); NULL: [] */
    bool requires_confirmation;
    const char *active_label, *done_label, *failed_label; /* NULL allowed */
    int64_t created_at, updated_at;
} action_row;

enum { ACTIONS_MAX = 500, ACTION_SLUG_MAX = 63 };

/* Fills id, slug, order and times.  ERR_CONFLICT, code "action.name_exists"; ERR_TOO_LARGE, code "action.too_many";
 * ERR_NOT_FOUND, code "integration.not_found". */
MUST_USE err action_insert(scope *s, action_row *a);

/* ERR_NOT_FOUND, code "action.not_found": also when it belongs to another integration (NULL: any). */
MUST_USE err action_find(scope *s, const char *integration_id, const char *id, action_row **out);
MUST_USE err action_list(scope *s, const char *integration_id, action_row **out, size_t *n); /* in order */

/* The actions of every integration that a user may use, the oldest integration first, in order; without code and input fields.  As
 * they were a moment ago. */
typedef struct {
    action_row action;
    const char *integration_name, *owner_id; /* of the integration */
} action_offer;
enum { ACTION_OFFERS_MAX = 2000 };
MUST_USE err action_list_offers(scope *s, const char *user_id, action_offer **out,
                                size_t *n); /* at most ACTION_OFFERS_MAX */

/* The input fields of at most ACTION_FIELDS_AT_ONCE actions, in the order of their ids; NULL for one that is gone.  As they were a
 * moment ago. */
enum { ACTION_FIELDS_AT_ONCE = 16 };
MUST_USE err action_list_fields(scope *s, const char *const *ids, size_t n, const char **out);

/* What lists show of all actions that `who` may use: id, integration_id, name and description, in order; his own and built-in ones
 * before others'.  *cut: there are more than ACTIONS_LISTED_MAX. */
enum { ACTIONS_LISTED_MAX = 20000 };
MUST_USE err action_list_names(scope *s, owned_by who, action_row **out, size_t *n, bool *cut);

/* Changes what is not NULL.  An empty code or label is none.  ERR_CONFLICT, code "action.name_exists". */
typedef struct {
    const char *name, *description, *code, *input_fields;
    const bool *requires_confirmation;
    const char *active_label, *done_label, *failed_label;
} action_patch;
MUST_USE err action_change(scope *s, const char *integration_id, const char *id, const action_patch *p);

/* Fields of its siblings whose options came from it lose their contextActionId. */
MUST_USE err action_delete(scope *s, const char *integration_id, const char *id);

/* An agent's list of {"actionId","connectionId"} as it counts today: entries of actions that were deleted are taken out, connections
 * that were deleted become null. */
MUST_USE err action_entries_refresh(scope *s, json_t *entries);

#endif
