/* SPDX-License-Identifier: MIT */
/*
 * The middle of a request's way: query and body are read and bound to the structs that its route describes.
 */
#ifndef NET_ROUTE_BIND_H
#define NET_ROUTE_BIND_H

#include "net/route.h"

/* Fills rq->args, rq->json and rq->body.  False when the handler must not run: *e is then the failure to answer, or OK when
 * the answer has been given. */
bool route_bind(const face *f, request *rq, response *rs, err *e);

/* Whether a body of this Content-Type (may be NULL) is taken for JSON: "application/json", "application/…+json", and, since
 * clients are careless, none and "text/plain". */
bool route_takes_as_json(arena *a, const char *content_type);

/* Answers as the face does for input that does not fit; of route.c. */
void route_answer_invalid(const face *f, request *rq, response *rs, const schema_faults *faults, const char *part);

#endif
