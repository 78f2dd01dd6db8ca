/* SPDX-License-Identifier: MIT */
/*
 * Options of an action's field that another action yields (contracts/langdock.md section 3.9): for forms.
 */
#ifndef SCRIPT_OPTIONS_H
#define SCRIPT_OPTIONS_H

#include "base/json.h"
#include "model/action.h"
#include "model/integration.h"

enum { OPTIONS_MAX = 1000 };

typedef struct {
    const integration_row *integration; /* which the user may use */
    const action_row *action;
    const char *field; /* its slug or camelCase name */
    const char *user_id;
    const char *connection_id; /* of the user's; NULL: the one that he acts with */
} options_request;

/*
 * An array of {"label","value"}, held by the scope's arena: what the field's context action returns with that connection, without
 * input and not older than 60 s; or what the field itself lists, when it has no such action.  Parks.
 *
 * ERR_NOT_FOUND, code "field.not_found", "action.not_found", or as of connection_find() and invoke().  ERR_UPSTREAM, code
 * "options.failed": the script threw, or returned something else.
 */
MUST_USE err options_of_field(scope *s, const options_request *rq, json_t **out);

/* The options in a script's result, the first OPTIONS_MAX of them: an array of texts, numbers or {"label","value"}, or {"options"}
 * with one.  New reference; NULL when it is neither. */
json_t *options_read(arena *a, const json_t *result);

#endif
