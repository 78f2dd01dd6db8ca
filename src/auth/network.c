/* SPDX-License-Identifier: MIT */
/*
 * Networks in CIDR form (RFC 4632).  Addresses are compared as 16 bytes, IPv4 in its mapped form.
 */
#include "auth/network.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/str.h"

typedef struct {
    unsigned char bytes[16];
    int64_t bits; /* that count */
} network;

static bool parse_address(const char *text, unsigned char bytes[16], bool *v4)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    *v4 = false;
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return true;
    *v4 = true;
    memcpy(bytes, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, bytes + 12) == 1;
}

static bool parse_network(const char *text, network *n)
{
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    char address[INET6_ADDRSTRLEN];
    int64_t bits;
    bool v4;

    if (len >= sizeof(address))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (!parse_address(address, n->bytes, &v4))
        return false;
    bits = v4 ? 32 : 128;
    if (slash != NULL && (!str_to_int(str_of(slash + 1), &bits) || bits < 0 || bits > (v4 ? 32 : 128)))
        return false;
    n->bits = bits + (v4 ? 96 : 0);
    return true;
}

bool network_valid(const char *text)
{
    network n;

    return parse_network(text, &n);
}

bool network_holds(const char *text, const char *address)
{
    unsigned char bytes[16];
    size_t whole;
    unsigned rest;
    network n;
    bool v4;

    if (address == NULL || !parse_network(text, &n) || !parse_address(address, bytes, &v4))
        return false;
    whole = (size_t)n.bits / 8;
    rest = (unsigned)n.bits % 8;
    if (memcmp(n.bytes, bytes, whole) != 0)
        return false;
    return rest == 0 || ((n.bytes[whole] ^ bytes[whole]) >> (8 - rest)) == 0;
}

bool networks_hold(const char *const *networks, const char *address)
{
    for (; networks != NULL && *networks != NULL; networks++)
        if (network_holds(*networks, address))
            return true;
    return false;
}

void network_client(const char *address, char out[NETWORK_CLIENT_SIZE])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char bytes[16];
    bool v4;

    if (!parse_address(address, bytes, &v4)) {
        snprintf(out, NETWORK_CLIENT_SIZE, "%s", address);
    } else if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        inet_ntop(AF_INET, bytes + 12, out, NETWORK_CLIENT_SIZE);
    } else {
        memset(bytes + 8, 0, 8);
        inet_ntop(AF_INET6, bytes, out, NETWORK_CLIENT_SIZE);
    }
}
