/* SPDX-License-Identifier: MIT */
/* Integrations, actions and triggers in the shapes of the API, and the input fields that they share. */
#ifndef FACE_LANGDOCK_SHAPE_H
#define FACE_LANGDOCK_SHAPE_H

#include "model/action.h"
#include "model/integration.h"
#include "model/trigger.h"
#include "net/route.h"

/* New references. */
json_t *dock_action_json(arena *a, const action_row *row);
json_t *dock_trigger_json(arena *a, const trigger_row *row);

/* The whole integration with its actions and triggers (section 2.5).  Parks. */
MUST_USE err dock_integration_json(request *rq, const integration_row *row, json_t **out);

/* The address of its icon, or NULL. */
const char *dock_icon_url(const request *rq, const integration_row *row);

/* {"KEY":value}, held by the request; steals `value`. */
json_t *dock_wrap(request *rq, const char *key, json_t *value);

/* 200 {"message":…,"id":…} */
err dock_deleted(request *rq, response *rs, const char *message, const char *id);

/* The integration of the path, which the caller may change; its id and the other one of the path are checked. */
MUST_USE err dock_own_integration(request *rq, response *rs, integration_row **out);

/* The trigger of the path, of such an integration. */
MUST_USE err dock_path_trigger(request *rq, response *rs, trigger_row **out);

/* Items of "inputFields" (section 2.9). */
extern const schema dock_action_field_schema, dock_trigger_field_schema;

/* JSON text for the table of what was sent as "inputFields"; `before` is the stored text or NULL. */
MUST_USE err dock_take_fields(request *rq, const json_t *sent, const char *before, const char **out);

/* Whether the body has this member, whatever its value. */
bool dock_given(const request *rq, const char *member);

#endif
