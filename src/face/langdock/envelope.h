/* SPDX-License-Identifier: MIT */
/*
 * Langdock's answers, keys, scopes and rate limits (contracts/langdock.md section 1).
 */
#ifndef FACE_LANGDOCK_ENVELOPE_H
#define FACE_LANGDOCK_ENVELOPE_H

#include "net/route.h"

/* {"message":…,"error":…}: clients read one or the other. */
err dock_error(request *rq, response *rs, int status, const char *message);

void dock_envelope(request *rq, response *rs, failure f);
void dock_invalid(request *rq, response *rs, const schema_faults *faults, const char *part);
void dock_no_route(request *rq, response *rs, const char *allow);
err dock_authorize(request *rq, response *rs, const route *r);
bool dock_intercept(request *rq, response *rs);

/* UTC with milliseconds and Z: "2026-02-11T09:15:27.412Z". */
const char *dock_time(arena *a, int64_t wall_us);

/* Whether a path parameter is an id of ours; answers 400 when it is not. */
bool dock_is_id(const char *text);

#endif
