/* SPDX-License-Identifier: MIT */
/*
 * Making and reading tokens.
 */
#include "auth/token.h"

#include "auth/jws.h"
#include "base/clock.h"
#include "base/id.h"

static const char *or_else(const char *text, const char *fallback)
{
    return text != NULL && text[0] != '\0' ? text : fallback;
}

int64_t token_expiry(int64_t lifetime_seconds)
{
    return clock_wall() / 1000000 + lifetime_seconds;
}

json_t *token_sage_claims(arena *a, const user_row *u)
{
    json_t *o = json_hold(a, json_object());

    json_set_str(o, "userid", u->id);
    json_set_str(o, "username", u->username);
    json_set_str(o, "nickname", or_else(u->nickname, u->username));
    json_set_str(o, "phonenum", or_else(u->phone, ""));
    json_set_str(o, "email", or_else(u->email, ""));
    json_set_str(o, "role", or_else(u->role, "user"));
    json_set_str(o, "avatar", or_else(u->avatar_url, ""));
    json_set_str(o, "avatar_url", or_else(u->avatar_url, ""));
    return o;
}

char *token_sage_access(arena *a, const user_row *u, int64_t expires)
{
    json_t *o = token_sage_claims(a, u);

    json_set_int(o, "exp", expires);
    json_set_int(o, "rev", u->revision);
    return jws_sign(a, auth_jwt_key(), o);
}

char *token_sage_refresh(arena *a, const user_row *u)
{
    json_t *o = json_hold(a, json_object());

    json_set_str(o, "uid", u->id);
    json_set_str(o, "nonce", id_hex(a, 8));
    json_set_int(o, "iat", clock_wall() / 1000000);
    return jws_sign(a, auth_refresh_key(), o);
}

char *token_langbot(arena *a, const user_row *u, const char *instance_id, int64_t expires)
{
    json_t *o = json_hold(a, json_object());

    json_set_str(o, "user", or_else(u->email, u->username));
    json_set_str(o, "sub", u->id);
    json_set_str(o, "iss", "langbot-core");
    json_set_str(o, "aud", arena_printf(a, "langbot-instance:%s", instance_id));
    json_set_int(o, "exp", expires);
    json_set_int(o, "account_revision", u->revision);
    return jws_sign(a, auth_jwt_key(), o);
}

char *token_langflow(arena *a, const user_row *u, const char *sub, bool refresh, int64_t expires)
{
    json_t *o = json_hold(a, json_object());

    json_set_str(o, "sub", sub);
    json_set_str(o, "type", refresh ? "refresh" : "access");
    json_set_int(o, "exp", expires);
    json_set_int(o, "rev", u->revision);
    return jws_sign(a, auth_jwt_key(), o);
}

/* An id as the user table spells it; NULL when it is no id at all. */
static const char *plain_id(arena *a, const char *id)
{
    char *out;
    size_t n = 0;

    if (id == NULL || id[0] == '\0' || strlen(id) > 128)
        return NULL;
    out = arena_alloc(a, strlen(id) + 1);
    for (; *id != '\0'; id++)
        if (*id != '-')
            out[n++] = *id;
    out[n] = '\0';
    return out;
}

/* Claims of which shape?  An access token must not be usable for refreshing, nor the other way round. */
static bool has_use(const json_t *o, token_use use)
{
    const char *type = json_get_str(o, "type", NULL);

    if (use == TOKEN_REFRESH)
        return cstr_eq(type, "refresh");
    return json_object_get(o, "type") == NULL || cstr_eq(type, "access");
}

err token_read(scope *s, str token, token_use use, int64_t now, token_claims *out)
{
    const char *user_id;
    json_t *o;

    if (jws_verify(s->arena, auth_jwt_key(), token, &o) != OK || !has_use(o, use))
        return fail_code(s, ERR_UNAUTHENTICATED, "auth.token_invalid", NULL, "invalid token");
    user_id = plain_id(s->arena, json_get_str(o, "userid", json_get_str(o, "sub", NULL)));
    if (user_id == NULL || !json_is_integer(json_object_get(o, "exp")))
        return fail_code(s, ERR_UNAUTHENTICATED, "auth.token_invalid", NULL, "invalid token");
    if (json_get_int(o, "exp", 0) <= now)
        return fail_code(s, ERR_UNAUTHENTICATED, "auth.token_expired", NULL, "token expired");
    *out = (token_claims){.user_id = user_id,
                          .revision = json_get_int(o, "rev", json_get_int(o, "account_revision", -1)),
                          .expires = json_get_int(o, "exp", 0)};
    return OK;
}

err token_user(scope *s, const token_claims *claims, user_row **out)
{
    user_row *u;
    err e = user_find(s, claims->user_id, &u);

    if (e == ERR_NOT_FOUND || (e == OK && claims->revision >= 0 && claims->revision != u->revision))
        return fail_code(s, ERR_UNAUTHENTICATED, "auth.token_invalid", NULL, "invalid token");
    TRY(e);
    if (!u->active)
        return fail_code(s, ERR_UNAUTHENTICATED, "auth.user_inactive", u->username, "this account is disabled");
    *out = u;
    return OK;
}
