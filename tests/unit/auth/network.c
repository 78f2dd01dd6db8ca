/* SPDX-License-Identifier: MIT */
/* Networks in CIDR form; see auth/network.h. */
#include "auth/network.h"

#include "test.h"

TEST(a_network_holds_the_addresses_that_share_its_prefix)
{
    static const struct {
        const char *network, *address;
        bool holds;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.0.0.0/9", "10.127.1.1", true},
        {"10.0.0.0/9", "10.128.1.1", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"::1", "::1", true},
        {"::/0", "192.0.2.1", true},
        {"192.0.2.0/24", "::ffff:192.0.2.9", true},
        {"192.0.2.0/24", "", false},
        {"192.0.2.0/24", NULL, false},
        {"192.0.2.0/24", "unix:", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(network_holds(cases[i].network, cases[i].address) == cases[i].holds, "case %zu", i);
}

TEST(what_is_no_network_is_told)
{
    static const char *const bad[] = {"",
                                      "/8",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/",
                                      "10.0.0/8",
                                      "::/129",
                                      "localhost",
                                      "10.0.0.0/8x",
                                      "2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/64"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!network_valid(bad[i]), "%s", bad[i]);
        CHECK(!network_holds(bad[i], "10.0.0.1"), "%s", bad[i]);
    }
    CHECK(network_valid("10.0.0.0/8") && network_valid("::1"), "these are");
}

TEST(a_list_holds_what_one_of_its_networks_holds)
{
    static const char *const list[] = {"10.0.0.0/8", "::1", NULL};

    CHECK(networks_hold(list, "::1"), "second");
    CHECK(!networks_hold(list, "127.0.0.1"), "none");
    CHECK(!networks_hold(NULL, "127.0.0.1"), "no list");
}

TEST(a_client_is_an_address_or_its_network_of_ipv6)
{
    static const char *const cases[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"2001:db8:1:2::9", "2001:db8:1:2::"},
        {"::1", "::"},
        {"unix", "unix"},
    };
    char out[NETWORK_CLIENT_SIZE];

    for (size_t i = 0; i < COUNT(cases); i++) {
        network_client(cases[i][0], out);
        CHECK_STR(out, cases[i][1]);
    }
}
