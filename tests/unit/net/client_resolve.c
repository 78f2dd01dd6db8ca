/* SPDX-License-Identifier: MIT */
/* Host names to addresses: literals at once, names by a lookup that nobody has to wait for. */
#include "net/client_resolve.h"

#include "net/address.h"
#include "rt/fiber.h"
#include "rt/sleep.h"
#include "test.h"

static void check_known(const char *host, const char *first, size_t n)
{
    address_list *l = addresses_known(host, 8080);
    char text[64];

    CHECK(l != NULL && l->n == n, "%s", host);
    address_text(&l->at[0].any, text, sizeof text);
    CHECK_STR(text, first);
    CHECK_INT(ntohs(l->at[0].any.sa_family == AF_INET6 ? l->at[0].v6.sin6_port : l->at[0].v4.sin_port), 8080);
    addresses_give(l);
}

TEST(literal_addresses_and_this_machine_take_no_lookup)
{
    check_known("10.1.2.3", "10.1.2.3", 1);
    check_known("[2001:db8::1]", "2001:db8::1", 1);
    check_known("localhost", "127.0.0.1", 2);
    check_known("a.LocalHost", "127.0.0.1", 2);
}

TEST(other_names_take_one)
{
    static const char *const hosts[] = {"example.org", "localhost.example.org", "[", "[]", "[x]", "1.2.3", ""};

    for (size_t i = 0; i < COUNT(hosts); i++)
        CHECK(addresses_known(hosts[i], 80) == NULL, "%s", hosts[i]);
}

typedef struct {
    fiber *waiter;
    int calls;
    address_list *found;
} answer;

static void on_found(void *arg, address_list *found)
{
    answer *a = arg;

    a->calls++;
    a->found = found;
    if (a->waiter != NULL)
        fiber_wake(a->waiter);
}

static address_list *look_up(scope *s, const char *host)
{
    answer a = {.waiter = fiber_self()};

    lookup_begin(s->loop, host, 80, on_found, &a);
    while (a.calls == 0)
        CHECK(fiber_park(s) == OK, "parked");
    CHECK_INT(a.calls, 1);
    return a.found;
}

FIBER_TEST(a_lookup_finds_a_host_or_tells_that_there_is_none)
{
    static const char missing[] = "a-label-of-more-than-sixty-three-characters-cannot-be-looked-up-anywhere.invalid";
    char endless[400];
    address_list *found = look_up(s, "localhost");

    CHECK(found != NULL && found->n > 0, "the system knows itself");
    addresses_give(found);
    CHECK(look_up(s, missing) == NULL, "%s", missing);
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    CHECK(look_up(s, endless) == NULL, "longer than any name");
}

FIBER_TEST(a_forgotten_lookup_calls_nobody)
{
    answer a = {0};

    lookup_forget(lookup_begin(s->loop, "localhost", 80, on_found, &a));
    CHECK(sleep_for(s, MILLISECONDS(200)) == OK, "slept");
    CHECK_INT(a.calls, 0);
}
