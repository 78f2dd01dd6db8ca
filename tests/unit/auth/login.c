/* SPDX-License-Identifier: MIT */
/* Logins with a password; see auth/login.h. */
#include "auth/login.h"

#include "base/clock.h"
#include "world.h"

static err login(scope *s, const char *name, const char *password, const char *address)
{
    user_row *u;

    return login_password(s, name, password, address, &u);
}

ENGINE_TEST_LOOPS(one_logs_in_by_name_or_by_address_in_any_case, 1, .limit = 60)
{
    user_row *mira, *u;

    world_setup();
    mira = world_user_with_password(s, "mira");
    CHECK(login_password(s, "mira", "correct horse", NULL, &u) == OK, "by name");
    CHECK_STR(u->id, mira->id);
    CHECK(login_password(s, "mira@example.org", "correct horse", NULL, &u) == OK, "by address");
    CHECK_STR(u->id, mira->id);
    CHECK(login_password(s, "MIRA@EXAMPLE.ORG", "correct horse", NULL, &u) == OK, "in capitals");
    CHECK(login(s, "Mira", "correct horse", NULL) == ERR_UNAUTHENTICATED, "a name is exact");
    CHECK(user_find(s, mira->id, &u) == OK && u->last_login_at > 0, "the time was noted");
}

ENGINE_TEST_LOOPS(a_wrong_password_and_an_unknown_user_are_told_alike, 1, .limit = 60)
{
    static char endless[1 << 20];
    failure one, two;

    world_setup();
    world_user_with_password(s, "mira");
    world_user(s, "nopass");
    CHECK(login(s, "mira", "wrong", NULL) == ERR_UNAUTHENTICATED, "wrong");
    one = s->failure;
    CHECK(login(s, "nobody", "wrong", NULL) == ERR_UNAUTHENTICATED, "unknown");
    two = s->failure;
    CHECK_STR(one.code, "user.invalid_credentials");
    CHECK_STR(two.code, one.code);
    CHECK_STR(two.text, one.text);
    CHECK(login(s, "nopass", "", NULL) == ERR_UNAUTHENTICATED, "no password was ever set");
    CHECK(login(s, "", "", NULL) == ERR_UNAUTHENTICATED, "nothing typed");
    memset(endless, '@', sizeof(endless) - 1);
    CHECK(login(s, endless, endless, NULL) == ERR_UNAUTHENTICATED, "far too much typed");
}

ENGINE_TEST_LOOPS(a_disabled_account_is_told_only_to_who_knows_its_password, 1, .limit = 60)
{
    user_row *u;

    world_setup();
    u = world_user_with_password(s, "mira");
    u->active = false;
    CHECK(user_update(s, u) == OK, "disabled");
    CHECK(login(s, "mira", "wrong", NULL) == ERR_UNAUTHENTICATED, "wrong");
    CHECK(login(s, "mira", "correct horse", NULL) == ERR_DENIED, "right");
    CHECK_STR(s->failure.code, "auth.user_inactive");
}

#define PAUSE SECONDS(1) /* after the fifth try, from its beginning */

ENGINE_TEST_LOOPS(guessing_is_slowed_down_for_real_and_made_up_users, 1, .limit = 60)
{
    static const char *const names[] = {"mira", "nobody"};

    world_setup();
    world_user_with_password(s, "mira");
    for (size_t n = 0; n < COUNT(names); n++) {
        const char *address = n == 0 ? "203.0.113.1" : "203.0.113.2";
        int64_t last = 0;
        err e;

        for (int i = 0; i < 5; i++) {
            last = clock_mono();
            CHECK(login(s, names[n], "wrong", address) == ERR_UNAUTHENTICATED, "%s, try %d", names[n], i);
        }
        e = login(s, names[n], "correct horse", address);
        CHECK(e == ERR_RATE || clock_mono() - last >= PAUSE, "%s, even if it is right", names[n]);
        if (e != ERR_RATE)
            continue; /* a machine on which one try takes that long */
        CHECK_STR(s->failure.code, "auth.throttled");
        CHECK_STR(s->failure.subject, "1");
    }
}

ENGINE_TEST_LOOPS(checking_ones_own_password_is_throttled_too, 1, .limit = 60)
{
    bool matches = false;
    int64_t last = 0;
    user_row *u;
    err e;

    world_setup();
    u = world_user_with_password(s, "mira");
    CHECK(login_check(s, u, "correct horse", NULL, &matches) == OK && matches, "right");
    for (int i = 0; i < 5; i++) {
        last = clock_mono();
        CHECK(login_check(s, u, "wrong", NULL, &matches) == OK && !matches, "wrong");
    }
    e = login_check(s, u, "correct horse", NULL, &matches);
    CHECK(e == ERR_RATE || clock_mono() - last >= PAUSE, "too often");
}
