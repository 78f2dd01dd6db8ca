/* SPDX-License-Identifier: MIT */
/*
 * What belongs to no platform: metrics, and the documentation of all faces together.
 */
#ifndef FACE_CORE_ROUTES_H
#define FACE_CORE_ROUTES_H

#include "net/route.h"
#include "net/server.h"

extern const face core_face;

/* Before serving: whose numbers are shown. */
void core_setup(const server *sv);

#endif
