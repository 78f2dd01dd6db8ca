/* SPDX-License-Identifier: MIT */
/* Set-Cookie texts; see auth/cookie.h. */
#include "auth/cookie.h"

#include "test.h"

TEST(a_cookie_is_spelled_as_the_platform_spells_it)
{
    arena *a = arena_new(NULL);
    cookie_form sage = {.name = "sage_session", .same_site = "lax"};
    cookie_form secure = {.name = "s", .same_site = "strict", .secure = true};
    cookie_form open = {.name = "access_token_lf", .same_site = "lax", .script_readable = true};

    CHECK_STR(cookie_text(a, &sage, "v1", 1209600), "sage_session=v1; path=/; Max-Age=1209600; httponly; samesite=lax");
    CHECK_STR(cookie_text(a, &secure, "v", 60), "s=v; path=/; Max-Age=60; httponly; samesite=strict; secure");
    CHECK_STR(cookie_text(a, &open, "t", 0), "access_token_lf=t; path=/; samesite=lax");
    CHECK_STR(cookie_deletion(a, &sage),
              "sage_session=null; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT; httponly; samesite=lax");
    arena_free(a);
}
