/* SPDX-License-Identifier: MIT */
/*
 * The Langdock face: integrations, agents, assistants, attachments, model endpoints (contracts/langdock.md).
 */
#ifndef FACE_LANGDOCK_ROUTES_H
#define FACE_LANGDOCK_ROUTES_H

#include "net/route.h"

/* Values of route.access: any of these scopes opens the route; the last ones are no scopes. */
enum {
    DOCK_ASSISTANT = 1 << 0,   /* ASSISTANT_API */
    DOCK_AGENT = 1 << 1,       /* AGENT_API */
    DOCK_INTEGRATION = 1 << 2, /* INTEGRATION_API */
    DOCK_KNOWLEDGE = 1 << 3,   /* KNOWLEDGE_FOLDER_API */
    DOCK_COMPLETION = 1 << 4,  /* COMPLETION_API */
    DOCK_SPENDS = 1 << 29,     /* tokens of models: refused while the minute's are used up */
    DOCK_OPEN = 1 << 30,       /* nobody is asked who he is */
};

extern const face langdock_face;

#endif
