/* SPDX-License-Identifier: MIT */
/*
 * Which addresses outbound requests may reach (protection against server-side request forgery).
 */
#ifndef NET_GUARD_H
#define NET_GUARD_H

#include <sys/socket.h>

#include "base/def.h"

typedef enum {
    GUARD_PUBLIC, /* only globally routable addresses: the default, because it is 0 */
    GUARD_ANY     /* the URL was configured by an administrator */
} guard_policy;

/* Whether the address is globally routable unicast: not loopback, private, link-local, shared (RFC 6598), benchmarking,
 * documentation, multicast, reserved, unique local, and not an IPv4 one of these in mapped, 6to4, Teredo or NAT64 form. */
bool guard_is_public(const struct sockaddr *address);

/* With SLUICE_ALLOW_PRIVATE_NETWORKS=1 (or the setting) GUARD_PUBLIC lets everything through. */
void guard_allow_private(bool allow);
bool guard_permits(guard_policy policy, const struct sockaddr *address);

#endif
