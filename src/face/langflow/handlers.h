/* SPDX-License-Identifier: MIT */
/* The handlers of the Langflow face, by resource; the table that names them is routes.c. */
#ifndef FACE_LANGFLOW_HANDLERS_H
#define FACE_LANGFLOW_HANDLERS_H

#include "net/route.h"

/* account.c: login, keys, health, version */
err lf_login(request *rq, response *rs);
err lf_auto_login(request *rq, response *rs);
err lf_logout(request *rq, response *rs);
err lf_key_list(request *rq, response *rs);
err lf_key_create(request *rq, response *rs);
err lf_key_delete(request *rq, response *rs);
err lf_health(request *rq, response *rs);
err lf_health_check(request *rq, response *rs);
err lf_version(request *rq, response *rs);
extern const schema lf_key_schema;

/* flow.c */
err lf_flow_create(request *rq, response *rs);
err lf_flow_list(request *rq, response *rs);
err lf_flow_get(request *rq, response *rs);
err lf_flow_update(request *rq, response *rs);
err lf_flow_delete(request *rq, response *rs);
extern const schema lf_flow_schema, lf_flow_update_schema, lf_flow_list_schema;

/* run.c */
err lf_run(request *rq, response *rs);
extern const schema lf_run_schema, lf_run_args_schema;

#endif
