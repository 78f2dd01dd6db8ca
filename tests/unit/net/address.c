/* SPDX-License-Identifier: MIT */
/* Addresses to listen on, and ranges of trusted proxies. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "test.h"

TEST(addresses_to_listen_on_are_numeric)
{
    static const struct {
        const char *text;
        int port; /* -1: not an address */
        const char *ip;
    } cases[] = {
        {"127.0.0.1:8000", 8000, "127.0.0.1"},
        {"localhost:1", 1, "127.0.0.1"},
        {":0", 0, "0.0.0.0"},
        {"*:65535", 65535, "0.0.0.0"},
        {"[::1]:80", 80, "::1"},
        {"[::]:80", 80, "::"},
        {"127.0.0.1", -1, NULL},
        {"127.0.0.1:65536", -1, NULL},
        {"127.0.0.1:-1", -1, NULL},
        {"127.0.0.1:x", -1, NULL},
        {"127.0.0.1:", -1, NULL},
        {"::1:80", -1, NULL},
        {"[::1:80", -1, NULL},
        {"[127.0.0.1]:80", -1, NULL},
        {"example.org:80", -1, NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123456789:80", -1, NULL},
        {"", -1, NULL},
        {NULL, -1, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sockaddr_storage a;
        char text[64];
        bool good = address_parse(cases[i].text, &a);

        CHECK(good == (cases[i].port >= 0), "%s", cases[i].text != NULL ? cases[i].text : "NULL");
        if (!good)
            continue;
        CHECK_INT(address_port(&a), cases[i].port);
        address_text((struct sockaddr *)&a, text, sizeof text);
        CHECK_STR(text, cases[i].ip);
    }
}

static bool within(const char *ip, const char *range)
{
    address_range r;
    uint8_t bytes[16];

    CHECK(address_range_parse(range, &r), "%s", range);
    CHECK(address_ip_parse(str_of(ip), bytes), "%s", ip);
    return address_in_ranges(bytes, &r, 1);
}

TEST(ranges_hold_the_addresses_that_share_their_bits)
{
    CHECK(within("10.1.2.3", "10.0.0.0/8") && !within("11.0.0.0", "10.0.0.0/8"), "/8");
    CHECK(within("10.1.2.3", "10.1.2.3") && !within("10.1.2.2", "10.1.2.3"), "one address");
    CHECK(within("192.168.127.1", "192.168.0.0/17") && !within("192.168.128.1", "192.168.0.0/17"), "/17");
    CHECK(within("1.2.3.4", "0.0.0.0/0") && !within("::1", "0.0.0.0/0"), "all of IPv4, but not IPv6");
    CHECK(within("::ffff:10.0.0.1", "10.0.0.0/8"), "the mapped form is the same address");
    CHECK(within("fd00::1", "fc00::/7") && !within("fe80::1", "fc00::/7"), "/7");
}

TEST(what_is_no_range_is_refused)
{
    static const char *const cases[] = {"",         "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",
                                        "10.0.0/8", "::/129",      "x/8",         "10.0.0.0/8/8"};

    for (size_t i = 0; i < COUNT(cases); i++) {
        address_range r;

        CHECK(!address_range_parse(cases[i], &r), "\"%s\"", cases[i]);
    }
}

TEST(mapped_peers_are_shown_as_plain_ipv4)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    char text[64];

    CHECK(inet_pton(AF_INET6, "::ffff:192.0.2.1", &a.sin6_addr) == 1, "parse");
    address_text((struct sockaddr *)&a, text, sizeof text);
    CHECK_STR(text, "192.0.2.1");
}
