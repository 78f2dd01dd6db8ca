/* SPDX-License-Identifier: MIT */
/*
 * Langflow's answers and access rules (contracts/langflow-api.md sections 1.4 and 2.1).
 */
#ifndef FACE_LANGFLOW_ENVELOPE_H
#define FACE_LANGFLOW_ENVELOPE_H

#include "net/route.h"

err lf_error(request *rq, response *rs, int status, const char *detail); /* {"detail": text} */
void lf_envelope(request *rq, response *rs, failure f);
void lf_invalid(request *rq, response *rs, const schema_faults *faults, const char *part);
void lf_no_route(request *rq, response *rs, const char *allow);
err lf_authorize(request *rq, response *rs, const route *r);

/* A UUID in our spelling: lower case, with dashes; NULL when the text is none. */
const char *lf_uuid(arena *a, const char *text);

/* A path parameter that has to be a UUID.  Any other text is answered with 422, and
 * *id is NULL. */
MUST_USE err lf_uuid_param(request *rq, response *rs, const char *name, const char **id);

/* "2026-01-05T10:11:12+00:00"; new reference, null for 0. */
json_t *lf_time(int64_t wall_us);

#endif
