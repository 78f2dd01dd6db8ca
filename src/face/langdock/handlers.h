/* SPDX-License-Identifier: MIT */
/* The handlers of the Langdock face, by resource; the table that names them is routes.c. */
#ifndef FACE_LANGDOCK_HANDLERS_H
#define FACE_LANGDOCK_HANDLERS_H

#include "net/route.h"

/* integration.c */
err dock_integration_list(request *rq, response *rs);
err dock_integration_create(request *rq, response *rs);
err dock_integration_get(request *rq, response *rs);
extern const schema dock_integration_schema;

#endif
