/* SPDX-License-Identifier: MIT */
/*
 * Web sessions behind a cookie.
 */
#include "auth/session.h"

#include <sodium.h>

#include "auth/apikey.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "rt/sleep.h"

enum { VALUE_BYTES = 32, VALUE_CHARS = 43 };

static char *cookie_with(arena *a, const char *value)
{
    return cookie_text(a, &auth_settings()->session_cookie, value, SESSION_LIFETIME / 1000000);
}

err session_begin(scope *s, const char *user_id, char **set_cookie)
{
    unsigned char bytes[VALUE_BYTES];
    char value[VALUE_CHARS + 1];
    web_session_row w = {.user_id = user_id, .expires_at = clock_wall() + SESSION_LIFETIME};

    random_bytes(bytes, sizeof(bytes));
    sodium_bin2base64(value, sizeof(value), bytes, sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    w.id_hash = apikey_hash(s->arena, str_of(value));
    TRY(web_session_insert(s, &w));
    *set_cookie = cookie_with(s->arena, value);
    return OK;
}

const char *session_value(const request *rq)
{
    const char *header = request_header(rq, "Cookie");
    const char *value;

    if (header == NULL)
        return NULL;
    value = http_cookie(rq->scope->arena, header, auth_settings()->session_cookie.name);
    return value != NULL && strlen(value) == VALUE_CHARS ? value : NULL;
}

err session_end(request *rq, char **set_cookie)
{
    const char *value = session_value(rq);
    arena *a = rq->scope->arena;

    if (value != NULL)
        TRY(web_session_delete(rq->scope, apikey_hash(a, str_of(value))));
    *set_cookie = cookie_deletion(a, &auth_settings()->session_cookie);
    return OK;
}

err session_find_usable(scope *s, const char *hash, web_session_row **session, user_row **user)
{
    web_session_row *w;
    user_row *u;
    err e = web_session_find(s, hash, &w);

    if (e == OK)
        e = w->user_id != NULL ? user_find(s, w->user_id, &u) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        return fail_code(s, ERR_UNAUTHENTICATED, "auth.session_invalid", NULL, "the session has ended");
    TRY(e);
    if (!u->active)
        return fail_code(s, ERR_UNAUTHENTICATED, "auth.user_inactive", u->username, "this account is disabled");
    *session = w;
    *user = u;
    return OK;
}

char *session_renew(scope *s, const char *hash, const char *value)
{
    err e = web_session_extend(s, hash, clock_wall() + SESSION_LIFETIME);

    if (e == OK)
        return cookie_with(s->arena, value);
    log_warn("session_not_extended", log_str("error", err_name(e)));
    return NULL;
}

err session_purge_loop(scope *s, void *unused)
{
    (void)unused;
    do {
        scope *turn = scope_child(s, MINUTES(5));
        err e = web_session_purge(turn, NULL);

        if (e != OK && e != ERR_CANCELLED)
            log_warn("sessions_not_purged", log_str("error", err_name(e)));
        scope_close(turn);
    } while (sleep_for(s, MINUTES(60)) == OK);
    return OK;
}
