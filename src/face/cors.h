/* SPDX-License-Identifier: MIT */
/*
 * Requests from pages of other origins, for the faces whose platforms leave it to the configuration who may call
 * (contracts/sage-platform.md section 1.4, langflow-api.md section 1.7).
 */
#ifndef FACE_CORS_H
#define FACE_CORS_H

#include "net/route.h"

/* The hook of such a face (net/route.h): sets the headers, and answers preflights. */
bool cors_intercept(request *rq, response *rs);

#endif
