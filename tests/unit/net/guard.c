/* SPDX-License-Identifier: MIT */
/* Which addresses outbound requests may reach. */
#include "net/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "test.h"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out;

    if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
        out.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
        out.ss_family = AF_INET6;
    else
        CHECK(false, "%s is not an address", text);
    return out;
}

static bool is_public(const char *text)
{
    struct sockaddr_storage a = address(text);

    return guard_is_public((const struct sockaddr *)&a);
}

TEST(only_globally_routable_addresses_are_public)
{
    static const struct {
        const char *address;
        bool public;
    } cases[] = {
        {"0.0.0.0", false},
        {"0.1.2.3", false},
        {"0.255.255.255", false},
        {"1.0.0.0", true},
        {"1.1.1.1", true},
        {"8.8.8.8", true},
        {"9.255.255.255", true},
        {"10.0.0.0", false},
        {"10.255.255.255", false},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.64.0.0", false},
        {"100.127.255.255", false},
        {"100.128.0.0", true},
        {"126.255.255.255", true},
        {"127.0.0.0", false},
        {"127.0.0.1", false},
        {"127.255.255.255", false},
        {"128.0.0.0", true},
        {"168.63.129.15", true},
        {"168.63.129.16", false},
        {"168.63.129.17", true},
        {"169.253.255.255", true},
        {"169.254.0.0", false},
        {"169.254.169.254", false},
        {"169.255.0.0", true},
        {"172.15.255.255", true},
        {"172.16.0.0", false},
        {"172.31.255.255", false},
        {"172.32.0.0", true},
        {"192.0.0.0", false},
        {"192.0.0.255", false},
        {"192.0.1.0", true},
        {"192.0.2.0", false},
        {"192.0.2.255", false},
        {"192.0.3.0", true},
        {"192.88.98.255", true},
        {"192.88.99.0", false},
        {"192.88.100.0", true},
        {"192.167.255.255", true},
        {"192.168.0.0", false},
        {"192.168.255.255", false},
        {"192.169.0.0", true},
        {"198.17.255.255", true},
        {"198.18.0.0", false},
        {"198.19.255.255", false},
        {"198.20.0.0", true},
        {"198.51.99.255", true},
        {"198.51.100.7", false},
        {"198.51.101.0", true},
        {"203.0.112.255", true},
        {"203.0.113.0", false},
        {"203.0.114.0", true},
        {"223.255.255.255", true},
        {"224.0.0.0", false},
        {"239.255.255.255", false},
        {"240.0.0.0", false},
        {"255.255.255.255", false},

        {"::", false},
        {"::1", false},
        {"::2", false},
        {"::7f00:1", false},
        {"::8.8.8.8", false},
        {"::ffff:127.0.0.1", false},
        {"::ffff:10.1.2.3", false},
        {"::ffff:169.254.169.254", false},
        {"::ffff:8.8.8.8", true},
        {"::ffff:0:8.8.8.8", false},
        {"64:ff9b::127.0.0.1", false},
        {"64:ff9b::10.0.0.1", false},
        {"64:ff9b::8.8.8.8", true},
        {"64:ff9b:1::8.8.8.8", false},
        {"64:ff9b:0:1::8.8.8.8", false},
        {"100::1", false},
        {"1fff:ffff::1", false},
        {"2000::1", true},
        {"2001::1", false},
        {"2001:0:4136:e378:8000:63bf:3fff:fdd2", false},
        {"2001:2::1", false},
        {"2001:20::1", false},
        {"2001:1ff:ffff::1", false},
        {"2001:200::1", true},
        {"2001:db7:ffff::1", true},
        {"2001:db8::1", false},
        {"2001:db8:ffff:ffff::1", false},
        {"2001:db9::1", true},
        {"2001:4860:4860::8888", true},
        {"2002::1", false},
        {"2002:7f00:1::1", false},
        {"2002:808:808::1", false},
        {"2003::1", true},
        {"2606:4700:4700::1111", true},
        {"2a00:1450:4001::200e", true},
        {"3ffe::1", true},
        {"3fff::1", false},
        {"3fff:fff::1", false},
        {"3fff:1000::1", true},
        {"4000::1", false},
        {"5f00::1", false},
        {"fc00::1", false},
        {"fd12:3456::1", false},
        {"fe80::1", false},
        {"febf::1", false},
        {"fec0::1", false},
        {"feff::1", false},
        {"ff02::1", false},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(is_public(cases[i].address) == cases[i].public, "%s", cases[i].address);
}

TEST(what_is_not_an_ip_address_is_never_public)
{
    struct sockaddr_storage a = {.ss_family = AF_UNIX};

    CHECK(!guard_is_public((const struct sockaddr *)&a), "a local socket");
    a.ss_family = AF_UNSPEC;
    CHECK(!guard_is_public((const struct sockaddr *)&a), "no family");
}

TEST(private_addresses_open_by_policy_or_by_the_global_switch)
{
    struct sockaddr_storage private = address("10.0.0.1"), public = address("8.8.8.8");

    CHECK(!guard_permits(GUARD_PUBLIC, (const struct sockaddr *)&private), "closed at first");
    CHECK(guard_permits(GUARD_PUBLIC, (const struct sockaddr *)&public), "public is always open");
    CHECK(guard_permits(GUARD_ANY, (const struct sockaddr *)&private), "an administrator's URL");
    guard_allow_private(true);
    CHECK(guard_permits(GUARD_PUBLIC, (const struct sockaddr *)&private), "the switch is on");
    guard_allow_private(false);
    CHECK(!guard_permits(GUARD_PUBLIC, (const struct sockaddr *)&private), "and off again");
}
