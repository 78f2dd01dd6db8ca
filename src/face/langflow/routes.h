/* SPDX-License-Identifier: MIT */
/*
 * The Langflow face: flows, runs, keys (contracts/langflow-api.md).
 */
#ifndef FACE_LANGFLOW_ROUTES_H
#define FACE_LANGFLOW_ROUTES_H

#include "net/route.h"

/* Values of route.access. */
enum {
    FLOW_ANYONE,
    FLOW_USER, /* a token, its cookie, or an API key */
    FLOW_KEY   /* an API key only */
};

extern const face langflow_face;

#endif
