/* SPDX-License-Identifier: MIT */
/* The first administrator; see auth/bootstrap.h. */
#include "auth/bootstrap.h"

#include "auth/login.h"
#include "world.h"

ENGINE_TEST_LOOPS(an_empty_database_gets_an_administrator_with_a_password_shown_once, 1, .limit = 60)
{
    char *name, *password, *again, *none;
    user_row *u;

    world_setup();
    CHECK(bootstrap_admin(s, NULL, "", &name, &password) == OK, "made");
    CHECK_STR(name, "admin");
    CHECK_INT(strlen(password), 20);
    CHECK(login_password(s, "admin@example.com", password, NULL, &u) == OK, "it works");
    CHECK(user_is_admin(u) && u->active, "with every right");
    CHECK(bootstrap_admin(s, "other", "x", &again, &none) == OK, "again");
    CHECK(again == NULL && none == NULL, "nothing was made");
}

ENGINE_TEST_LOOPS(whoever_registers_first_is_the_administrator_and_nobody_after, 1, .limit = 60)
{
    char *name, *password;
    user_row *u;
    int64_t n;

    world_setup();
    CHECK(bootstrap_register(s, "root", "mira@example.org", "pass") == OK, "first");
    CHECK(login_password(s, "Mira@Example.org", "pass", NULL, &u) == OK && user_is_admin(u), "with every right");
    CHECK_STR(u->username, "root");
    CHECK(bootstrap_register(s, "root", "noor@example.org", "pass") == ERR_CONFLICT, "second");
    CHECK_STR(s->failure.code, "user.not_first");
    CHECK(bootstrap_admin(s, NULL, "", &name, &password) == OK && name == NULL, "nor at the start");
    CHECK(user_count(s, &n) == OK && n == 1, "nobody else");
}

ENGINE_TEST_LOOPS(the_first_administrator_can_be_named, 1, .limit = 60)
{
    char *name, *password;
    user_row *u;

    world_setup();
    CHECK(bootstrap_admin(s, " root ", " correct horse ", &name, &password) == OK, "made");
    CHECK_STR(name, "root");
    CHECK(password == NULL, "a given password is not shown");
    CHECK(login_password(s, "root", "correct horse", NULL, &u) == OK, "it works");
}
