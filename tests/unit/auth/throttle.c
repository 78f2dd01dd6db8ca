/* SPDX-License-Identifier: MIT */
/* Login throttling with a clock of the test's own; see auth/throttle.h. */
#include "auth/throttle.h"

#include <stdio.h>

#include "test.h"

static int64_t try_once(throttle *t, const char *who, const char *where, int64_t now)
{
    int64_t wait;

    return throttle_begin(t, who, where, now, &wait) ? 0 : wait;
}

TEST(after_five_failures_an_account_waits_twice_as_long_each_time)
{
    throttle *t = throttle_new(100);
    int64_t now = SECONDS(1000), delay = SECONDS(1);

    for (int i = 0; i < THROTTLE_ACCOUNT_FREE; i++)
        CHECK_INT(try_once(t, "mira", "10.0.0.1", now), 0);
    for (int i = 0; i < 14; i++) {
        CHECK_INT(try_once(t, "mira", "10.0.0.1", now), delay);
        CHECK_INT(try_once(t, "MIRA", "10.0.0.2", now + delay - 1), 1);
        now += delay;
        CHECK_INT(try_once(t, "mira", NULL, now), 0);
        delay = MIN_OF(delay * 2, MINUTES(15));
    }
    CHECK_INT(delay, MINUTES(15));
    CHECK_INT(try_once(t, "lena", "10.0.0.1", now), 0);
    throttle_free(t);
}

TEST(refused_tries_do_not_make_the_wait_longer)
{
    throttle *t = throttle_new(100);

    for (int i = 0; i < THROTTLE_ACCOUNT_FREE; i++)
        CHECK_INT(try_once(t, "a", NULL, 0), 0);
    for (int i = 0; i < 100; i++)
        CHECK_INT(try_once(t, "a", NULL, SECONDS(1) - 1), 1);
    CHECK_INT(try_once(t, "a", NULL, SECONDS(1)), 0);
    throttle_free(t);
}

TEST(an_address_that_tries_many_accounts_is_slowed_down)
{
    throttle *t = throttle_new(1000);
    char name[16];

    for (int i = 0; i < THROTTLE_ADDRESS_FREE; i++) {
        (void)snprintf(name, sizeof(name), "user%d", i);
        CHECK_INT(try_once(t, name, "192.0.2.7", 0), 0);
    }
    CHECK_INT(try_once(t, "one-more", "192.0.2.7", 0), SECONDS(1));
    CHECK_INT(try_once(t, "one-more", "192.0.2.8", 0), 0);
    throttle_free(t);
}

TEST(addresses_of_one_ipv6_network_count_as_one)
{
    throttle *t = throttle_new(1000);
    char name[16], address[64];

    for (int i = 0; i < THROTTLE_ADDRESS_FREE; i++) {
        (void)snprintf(name, sizeof(name), "user%d", i);
        (void)snprintf(address, sizeof(address), "2001:db8:1:2::%x", i);
        CHECK_INT(try_once(t, name, address, 0), 0);
    }
    CHECK_INT(try_once(t, "x", "2001:db8:1:2:ffff:ffff:ffff:ffff", 0), SECONDS(1));
    CHECK_INT(try_once(t, "x", "2001:db8:1:3::1", 0), 0);
    throttle_free(t);
}

TEST(success_forgets_failures)
{
    throttle *t = throttle_new(100);

    for (int i = 0; i < THROTTLE_ACCOUNT_FREE; i++)
        CHECK_INT(try_once(t, "a", "10.0.0.1", 0), 0);
    throttle_success(t, "a", "10.0.0.1");
    for (int i = 0; i < THROTTLE_ACCOUNT_FREE; i++)
        CHECK_INT(try_once(t, "a", "10.0.0.1", 0), 0);
    CHECK_INT(try_once(t, "a", "10.0.0.1", 0), SECONDS(1));
    throttle_free(t);
}

TEST(a_stranger_cannot_lock_the_owner_out_of_a_known_address)
{
    throttle *t = throttle_new(100);

    CHECK_INT(try_once(t, "a", "10.0.0.1", 0), 0);
    throttle_success(t, "a", "10.0.0.1");
    for (int i = 0; i < THROTTLE_ACCOUNT_FREE; i++)
        CHECK_INT(try_once(t, "a", "203.0.113.9", 0), 0);
    CHECK_INT(try_once(t, "a", "203.0.113.9", 0), SECONDS(1));
    CHECK_INT(try_once(t, "a", "10.0.0.2", 0), SECONDS(1));
    CHECK_INT(try_once(t, "a", "10.0.0.1", 0), 0);
    throttle_free(t);
}

TEST(a_try_that_could_not_be_decided_does_not_count)
{
    throttle *t = throttle_new(100);

    for (int i = 0; i < 50; i++) {
        CHECK_INT(try_once(t, "a", "10.0.0.1", 0), 0);
        throttle_undo(t, "a", "10.0.0.1");
    }
    throttle_free(t);
}

TEST(failures_are_forgotten_after_a_quiet_hour)
{
    throttle *t = throttle_new(100);

    for (int i = 0; i < THROTTLE_ACCOUNT_FREE; i++)
        CHECK_INT(try_once(t, "a", NULL, 0), 0);
    for (int i = 0; i < THROTTLE_ACCOUNT_FREE; i++)
        CHECK_INT(try_once(t, "a", NULL, MINUTES(60) + 1), 0);
    CHECK(try_once(t, "a", NULL, MINUTES(60) + 1) > 0, "counted anew");
    throttle_free(t);
}

TEST(hostile_names_and_addresses_take_bounded_memory)
{
    throttle *t = throttle_new(50);
    static char name[100000], address[100000];

    memset(name, 'n', sizeof(name) - 1);
    memset(address, '.', sizeof(address) - 1);
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(name, 12, "%011d", i);
        name[11] = 'n';
        CHECK_INT(try_once(t, name, NULL, 0), 0);
    }
    CHECK_INT(try_once(t, name, address, 0), 0);
    CHECK_INT(try_once(t, "", "", 0), 0);
    throttle_free(t);
}
