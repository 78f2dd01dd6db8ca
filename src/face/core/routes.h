/* SPDX-License-Identifier: MIT */
/*
 * What belongs to no platform: metrics, and the documentation of all faces together.
 */
#ifndef FACE_CORE_ROUTES_H
#define FACE_CORE_ROUTES_H

#include "net/route.h"
#include "net/server.h"

extern const face core_face;

/* Before serving: whose documentation is shown, and whose numbers. */
void core_setup(const router *r, const server *sv);

#endif
