/* SPDX-License-Identifier: MIT */
/* The handlers of the Langdock face, by resource; the table that names them is routes.c. */
#ifndef FACE_LANGDOCK_HANDLERS_H
#define FACE_LANGDOCK_HANDLERS_H

#include "net/route.h"

/* integration.c */
err dock_integration_list(request *rq, response *rs);
err dock_integration_create(request *rq, response *rs);
err dock_integration_get(request *rq, response *rs);
err dock_integration_update(request *rq, response *rs);
err dock_integration_delete(request *rq, response *rs);
extern const schema dock_integration_schema, dock_integration_update_schema;

/* auth.c */
err dock_auth_update(request *rq, response *rs);
extern const schema dock_auth_schema, dock_auth_args_schema;

/* icon.c */
err dock_icon_get(request *rq, response *rs);
err dock_icon_put(request *rq, response *rs);
err dock_icon_raw(request *rq, response *rs);

/* action.c */
err dock_action_create(request *rq, response *rs);
err dock_action_replace(request *rq, response *rs);
err dock_action_patch(request *rq, response *rs);
err dock_action_delete(request *rq, response *rs);
extern const schema dock_action_schema, dock_action_patch_schema;

/* trigger.c */
err dock_trigger_create(request *rq, response *rs);
err dock_trigger_replace(request *rq, response *rs);
err dock_trigger_patch(request *rq, response *rs);
err dock_trigger_delete(request *rq, response *rs);
extern const schema dock_trigger_schema, dock_trigger_patch_schema;

/* connection.c */
err dock_connection_list(request *rq, response *rs);
err dock_connection_create(request *rq, response *rs);
err dock_connection_update(request *rq, response *rs);
err dock_connection_delete(request *rq, response *rs);
err dock_connection_test(request *rq, response *rs);
err dock_connection_reconnect(request *rq, response *rs);
extern const schema dock_connection_schema;

/* callback.c */
err dock_oauth_callback(request *rq, response *rs);

/* options.c */
err dock_action_options(request *rq, response *rs);
extern const schema dock_options_schema;

/* test_run.c */
err dock_action_test(request *rq, response *rs);
err dock_trigger_test(request *rq, response *rs);
extern const schema dock_test_schema;

/* instance.c */
err dock_instance_create(request *rq, response *rs);
err dock_instance_list(request *rq, response *rs);
err dock_instance_get(request *rq, response *rs);
err dock_instance_patch(request *rq, response *rs);
err dock_instance_delete(request *rq, response *rs);
err dock_instance_poll(request *rq, response *rs);
err dock_webhook(request *rq, response *rs);
extern const schema dock_instance_schema, dock_instance_patch_schema;

#endif
