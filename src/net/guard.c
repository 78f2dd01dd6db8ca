/* SPDX-License-Identifier: MIT */
/*
 * The address guard; see guard.h.
 *
 * The ranges are those that the IANA special-purpose registries do not call globally reachable.  For IPv6 the rule is the
 * other way round: only 2000::/3 is global unicast at all, less the ranges below; of the forms that carry an IPv4 address
 * only the mapped one and the well-known NAT64 prefix are looked into, the others (6to4, Teredo, compatible, local NAT64)
 * lead into somebody's network and are refused whole.
 */
#include "net/guard.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

typedef struct {
    uint8_t bytes[16];
    unsigned bits;
} prefix;

static const prefix private4[] = {
    {{0}, 8},                 /* this network; 0.0.0.0 reaches the own machine */
    {{10}, 8},                /* private */
    {{100, 64}, 10},          /* shared, RFC 6598 */
    {{127}, 8},               /* loopback */
    {{168, 63, 129, 16}, 32}, /* Azure's own services, in each of its networks; not in the registries */
    {{169, 254}, 16},         /* link-local, cloud metadata services */
    {{172, 16}, 12},          /* private */
    {{192, 0, 0}, 24},        /* protocol assignments */
    {{192, 0, 2}, 24},        /* documentation */
    {{192, 88, 99}, 24},      /* 6to4 relays, withdrawn */
    {{192, 168}, 16},         /* private */
    {{198, 18}, 15},          /* benchmarking */
    {{198, 51, 100}, 24},     /* documentation */
    {{203, 0, 113}, 24},      /* documentation */
    {{224}, 4},               /* multicast */
    {{240}, 4},               /* reserved, broadcast */
};

static const prefix global6 = {{0x20}, 3};
static const prefix mapped6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
static const prefix nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};

static const prefix private6[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments: Teredo, benchmarking, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static atomic_bool private_allowed;

static bool within(const uint8_t *address, const prefix *p)
{
    unsigned whole = p->bits / 8, rest = p->bits % 8;

    if (memcmp(address, p->bytes, whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ p->bytes[whole]) >> (8 - rest)) == 0;
}

static bool within_any(const uint8_t *address, const prefix *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (within(address, &table[i]))
            return true;
    return false;
}

static bool is_public4(const uint8_t *address)
{
    return !within_any(address, private4, COUNT(private4));
}

static bool is_public6(const uint8_t *address)
{
    if (within(address, &mapped6) || within(address, &nat64))
        return is_public4(address + 12);
    return within(address, &global6) && !within_any(address, private6, COUNT(private6));
}

bool guard_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof in); /* the caller's struct may be less aligned */
        return is_public4((const uint8_t *)&in.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, address, sizeof in6);
        return is_public6(in6.sin6_addr.s6_addr);
    }
    return false;
}

void guard_allow_private(bool allow)
{
    atomic_store(&private_allowed, allow);
}

bool guard_permits(guard_policy policy, const struct sockaddr *address)
{
    return policy == GUARD_ANY || atomic_load(&private_allowed) || guard_is_public(address);
}
