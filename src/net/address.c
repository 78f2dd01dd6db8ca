/* SPDX-License-Identifier: MIT */
/* Socket addresses as text; see address.h. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool set_ip(const char *host, bool brackets, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof *out);
    if (brackets) {
        v6->sin6_family = AF_INET6;
        return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
    }
    v4->sin_family = AF_INET;
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    return inet_pton(AF_INET, host[0] == '\0' || strcmp(host, "*") == 0 ? "0.0.0.0" : host, &v4->sin_addr) == 1;
}

bool address_parse(const char *text, struct sockaddr_storage *out)
{
    const char *colon = text != NULL ? strrchr(text, ':') : NULL;
    char host[64];
    size_t len;
    bool brackets;
    int64_t port;

    if (colon == NULL || !str_to_int(str_of(colon + 1), &port) || port < 0 || port > 65535)
        return false;
    len = (size_t)(colon - text);
    brackets = len >= 2 && text[0] == '[' && colon[-1] == ']';
    if (brackets) {
        text++;
        len -= 2;
    }
    if (len >= sizeof host)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (!set_ip(host, brackets, out))
        return false;
    address_set_port(out, (int)port);
    return true;
}

socklen_t address_size(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

int address_port(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
    return ntohs(((const struct sockaddr_in *)a)->sin_port);
}

void address_set_port(struct sockaddr_storage *a, int port)
{
    if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
}

bool address_ip_parse(str text, uint8_t bytes[16])
{
    char host[64];

    if (text.len == 0 || text.len >= sizeof host)
        return false;
    memcpy(host, text.p, text.len);
    host[text.len] = '\0';
    memcpy(bytes, mapped_prefix, sizeof mapped_prefix);
    return inet_pton(AF_INET, host, bytes + 12) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

bool address_range_parse(const char *text, address_range *out)
{
    str s = str_of(text), ip = STR("");
    int64_t bits = 0, most;

    if (!str_next(&s, '/', &ip) || !address_ip_parse(ip, out->bytes))
        return false;
    most = memchr(ip.p, ':', ip.len) != NULL ? 128 : 32;
    if (s.p == NULL)
        bits = most;
    else if (!str_to_int(s, &bits) || bits < 0 || bits > most)
        return false;
    out->bits = (unsigned)(bits + 128 - most);
    return true;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool address_in_ranges(const uint8_t bytes[16], const address_range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (same_bits(bytes, ranges[i].bytes, ranges[i].bits))
            return true;
    return false;
}

void address_text(const struct sockaddr *a, char *out, size_t cap)
{
    out[0] = '\0';
    if (a->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, out, (socklen_t)cap);
    } else if (a->sa_family == AF_INET6) {
        const struct in6_addr *ip = &((const struct sockaddr_in6 *)a)->sin6_addr;

        if (IN6_IS_ADDR_V4MAPPED(ip))
            inet_ntop(AF_INET, ip->s6_addr + 12, out, (socklen_t)cap);
        else
            inet_ntop(AF_INET6, ip, out, (socklen_t)cap);
    }
}
