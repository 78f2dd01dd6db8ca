/* SPDX-License-Identifier: MIT */
/*
 * Whether an address is inside a network written as people write it: "10.0.0.0/8", "2001:db8::/32", "192.0.2.7".
 */
#ifndef AUTH_NETWORK_H
#define AUTH_NETWORK_H

#include "base/def.h"

bool network_valid(const char *network);

/* False when either cannot be read.  An IPv4 address in IPv6 form (::ffff:192.0.2.7) counts as the IPv4 one. */
bool network_holds(const char *network, const char *address);

/* Whether any of the list (ends with NULL; may be NULL) holds it. */
bool networks_hold(const char *const *networks, const char *address);

/* Whom limits for each client count as one: an IPv4 address, and of IPv6 the /64 that a client has for itself.  What is no
 * address is taken as it is. */
enum { NETWORK_CLIENT_SIZE = 64 };
void network_client(const char *address, char out[NETWORK_CLIENT_SIZE]);

#endif
