/* SPDX-License-Identifier: MIT */
/*
 * Validation errors as FastAPI and pydantic 2 spell them, for the faces whose clients read them:
 * {"detail":[{"type","loc","msg","input","ctx"?}]}.
 */
#ifndef FACE_PYDANTIC_H
#define FACE_PYDANTIC_H

#include "net/request.h"

/* The whole body, new reference.  `part` is "body" or "query". */
json_t *pydantic_detail(const request *rq, const schema_faults *faults, const char *part);

/* The same for a rule on one field of the body that code checks: type "value_error", `msg` as given. */
json_t *pydantic_value_error(const request *rq, const char *field_name, const char *msg);

/* The same for a path parameter that is no UUID: type "uuid_parsing". */
json_t *pydantic_uuid_error(const request *rq, const char *param, const char *value);

#endif
