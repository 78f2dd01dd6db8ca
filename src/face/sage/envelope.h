/* SPDX-License-Identifier: MIT */
/*
 * Sage's answers: the one place that turns results and core errors into that platform's bodies and statuses
 * (contracts/sage-platform.md section 1.1).
 *
 * Messages are named by code and looked up in the caller's language (locale.h); `subject` fills their placeholder.
 */
#ifndef FACE_SAGE_ENVELOPE_H
#define FACE_SAGE_ENVELOPE_H

#include "net/route.h"

/* S2: {"success":true,"code":200,"message","data","timestamp"}.  Steals `data`; NULL is null.  `message` NULL is "". */
err sage_ok(request *rq, response *rs, const char *message, const char *subject, json_t *data);

/* The same with the JSON of `data` written already, for hot paths. */
err sage_ok_written(request *rq, response *rs, const char *message, const char *subject, const buf *data);

/* A time (clock_wall()) as the number that "timestamp" is: Unix seconds with six decimals. */
void sage_put_seconds(buf *b, int64_t wall);

/* S1, the same without "success". */
err sage_ok_trimmed(request *rq, response *rs, const char *message, const char *subject, json_t *data);

/* E2 and E1: HTTP 200 with a `code` of its own.  `detail` NULL is null. */
err sage_soft_error(request *rq, response *rs, int code, const char *message, const char *subject, const char *detail);
err sage_soft_error_trimmed(request *rq, response *rs, int code, const char *message, const char *subject);

/* E3: HTTP status = `code`. */
err sage_error(request *rq, response *rs, int code, const char *message, const char *subject, const char *detail);

/* The face's hooks (net/route.h). */
void sage_envelope(request *rq, response *rs, failure f);
void sage_invalid(request *rq, response *rs, const schema_faults *faults, const char *part);
void sage_no_route(request *rq, response *rs, const char *allow);
err sage_authorize(request *rq, response *rs, const route *r);

#endif
