/* SPDX-License-Identifier: MIT */
/* What route.c and openapi.c share. */
#ifndef NET_ROUTE_INTERNAL_H
#define NET_ROUTE_INTERNAL_H

#include <stdatomic.h>

#include "net/metrics.h"
#include "net/route_tree.h"

/* A face as the router knows it. */
typedef struct {
    const face *face;
    route_tree *tree;
    size_t index;             /* in router.faces, and of its series in the metrics */
    bool docs, openapi;       /* the router answers /docs, /openapi.json */
    _Atomic(char *) document; /* the text of /openapi.json, made when first asked for */
} served_face;

struct router {
    arena *arena;
    face_mount *mounts;
    size_t n_mounts;
    served_face *faces;
    size_t n_faces;
    _Atomic(bool) log_requests;
    _Atomic(char *) document; /* of all faces */
    metric requests, seconds;
};

/* The mount that takes a path on the shared port, after the names of the faces; NULL when there is none. */
const face_mount *route_mount(const router *r, const char *path);

/* Answers with the document of a face; `prefix` is what was taken off the path, and stands before the paths then. */
err openapi_reply(request *rq, response *rs, served_face *sf, str prefix);

/* Answers with the document of the shared port. */
err openapi_reply_all(response *rs, router *r);

#endif
