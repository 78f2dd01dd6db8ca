/* SPDX-License-Identifier: MIT */
/*
 * Host names to addresses, without holding up the loop: a lookup has a thread of its own, so that a slow name server delays
 * nobody else, and one that nobody waits for any more is left to it.
 */
#ifndef NET_CLIENT_RESOLVE_H
#define NET_CLIENT_RESOLVE_H

#include <netinet/in.h>

#include "base/def.h"
#include "rt/loop.h"

enum { ADDRESSES_MAX = 16 };

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

/* What a name means, in the order to be tried.  Shared and not changed. */
typedef struct {
    size_t refs;
    size_t n;
    address at[];
} address_list;

address_list *addresses_take(address_list *l); /* one more reference */
void addresses_give(address_list *l);          /* accepts NULL */
socklen_t address_len(const address *a);

/* A literal address ("10.0.0.1", "[::1]"), or a name that means this machine (RFC 6761); NULL: it takes a lookup. */
address_list *addresses_known(const char *host, uint16_t port);

typedef struct lookup lookup;

/* Calls done() later, on this loop, with a reference for the callee; NULL when there is no such host. */
lookup *lookup_begin(loop *l, const char *host, uint16_t port, void (*done)(void *arg, address_list *found), void *arg);
void lookup_forget(lookup *k); /* done() will not be called */

#endif
