/* SPDX-License-Identifier: MIT */
/*
 * The tree of a route table: one node a path segment, so that finding a route costs one look-up a segment and, for paths
 * without parameters, no memory.
 */
#ifndef NET_ROUTE_TREE_H
#define NET_ROUTE_TREE_H

#include "net/route.h"

typedef struct route_tree route_tree;

/* Builds the tree in `a`; the table must live as long.  On a duplicate or malformed route NULL and a reason. */
route_tree *route_tree_new(arena *a, const route *routes, size_t n, const char **why);

/* A route and the names of its parameters. */
typedef struct {
    const route *route;
    const char *names[PATH_PARAMS_MAX];
    size_t n;
} route_leaf;

typedef struct {
    const route_leaf *leaf; /* NULL: none for this method */
    unsigned allow;         /* methods that the path has, as bits; 0: there is no such path */
    size_t n;
    str values[PATH_PARAMS_MAX]; /* of the parameters, not decoded */
} route_found;

/* Looks `path` (percent-encoded, beginning with '/') up.  HEAD finds GET. */
route_found route_tree_find(const route_tree *t, http_method method, str path);

/* Sets rq->route and the decoded parameters (values in `a`); false, and no route, when one does not decode to UTF-8. */
bool route_take(arena *a, const route_found *found, request *rq);

/* "GET, HEAD, PUT" for the bits of `allow`. */
char *route_methods(arena *a, unsigned allow);

#endif
