/* SPDX-License-Identifier: MIT */
/*
 * The Sage face: its table of routes and who may call them.
 */
#ifndef FACE_SAGE_ROUTES_H
#define FACE_SAGE_ROUTES_H

#include "net/route.h"

/* Values of route.access. */
enum {
    SAGE_LOGIN,  /* a login is needed */
    SAGE_ANYONE, /* none is needed, but a handler sees who it is when there is one */
    SAGE_GUEST,  /* the same, unless auth.anonymous is off */
    SAGE_OPEN,   /* nobody even looks: health checks */
    SAGE_ADMIN   /* administrators; others get HTTP 200 with code 403 */
};

extern const face sage_face;

#endif
