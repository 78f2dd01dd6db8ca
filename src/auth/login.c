/* SPDX-License-Identifier: MIT */
/*
 * Password logins: throttle, find, verify, note.
 */
#include "auth/login.h"

#include <inttypes.h>
#include <pthread.h>

#include "auth/password.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

enum { THROTTLE_ENTRIES = 20000, NAME_LONGEST = 512 };

static throttle *tries; /* of the process */
static pthread_once_t tries_once = PTHREAD_ONCE_INIT;

static void make_tries(void)
{
    tries = throttle_new(THROTTLE_ENTRIES);
}

/* Counts a try at an account: its id, or what was typed when there is no such user, so that the name and the address of one
 * account are not two accounts to guess at. */
static err begin_try(scope *s, const char *account, const char *address)
{
    int64_t wait;

    pthread_once(&tries_once, make_tries);
    if (throttle_begin(tries, account, address, clock_mono(), &wait))
        return OK;
    wait = (wait + SECONDS(1) - 1) / SECONDS(1);
    return fail_code(s, ERR_RATE, "auth.throttled", arena_printf(s->arena, "%" PRId64, wait),
                     "too many failed logins, try again in %" PRId64 " seconds", wait);
}

/* Without a user: spends the time of a check and says no. */
static err try_password(scope *s, const user_row *u, const char *account, const char *password, const char *address,
                        bool *matches)
{
    err e;

    TRY(begin_try(s, account, address));
    e = password_verify(s, u != NULL ? u->password_hash : NULL, password, matches);
    if (e != OK)
        throttle_undo(tries, account, address);
    else if (*matches)
        throttle_success(tries, account, address);
    return e;
}

err login_password(scope *s, const char *name, const char *password, const char *address, user_row **out)
{
    const char *typed = str_dup(s->arena, str_trim(str_of(name)));
    user_row *u = NULL;
    bool matches;
    err e = strlen(typed) <= NAME_LONGEST ? user_find_by_login(s, typed, &u) : ERR_NOT_FOUND;

    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    if (e != OK)
        u = NULL;
    TRY(try_password(s, u, u != NULL ? u->id : typed, password, address, &matches));
    if (!matches) {
        log_info("login_failed", log_str("address", address != NULL ? address : ""));
        return fail_code(s, ERR_UNAUTHENTICATED, "user.invalid_credentials", NULL, "invalid credentials");
    }
    if (!u->active)
        return fail_code(s, ERR_DENIED, "auth.user_inactive", u->username, "this account is disabled");
    if ((e = user_set_login_time(s, u->id, clock_wall())) != OK) /* a full disk must not keep people out */
        log_warn("login_time_not_stored", log_str("user", u->id), log_str("error", err_name(e)));
    *out = u;
    return OK;
}

err login_check(scope *s, const user_row *u, const char *password, const char *address, bool *matches)
{
    return try_password(s, u, u->id, password, address, matches);
}
