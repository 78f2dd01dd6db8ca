/* SPDX-License-Identifier: MIT */
/* What tests of authentication share: keys set up, users, requests with headers. */
#ifndef UNIT_AUTH_WORLD_H
#define UNIT_AUTH_WORLD_H

#include "auth/auth.h"
#include "auth/authenticate.h"
#include "auth/password.h"
#include "base/buf.h"
#include "base/clock.h"
#include "db/seal.h"
#include "engine.h"
#include "model/user.h"

/* Master key and configuration.  `proxies` may be NULL. */
static inline void world_setup_with(const char *const *proxies)
{
    auth_config config = auth_config_of(settings_get());
    char why[256];

    CHECK(seal_setup("a master key of the tests", NULL, why, sizeof(why)) == OK, "%s", why);
    config.identity_proxies = proxies;
    CHECK(auth_setup(&config, why, sizeof(why)) == OK, "%s", why);
}

static inline void world_setup(void)
{
    world_setup_with(NULL);
}

/* An active user without a password. */
static inline user_row *world_user(scope *s, const char *name)
{
    user_row *u = arena_one(s->arena, user_row);

    u->username = name;
    u->email = arena_printf(s->arena, "%s@Example.org", name);
    u->active = true;
    CHECK(user_insert(s, u) == OK, "%s: %s", name, scope_failure(s, ERR_INTERNAL).text);
    return u;
}

/* One whose password is "correct horse". */
static inline user_row *world_user_with_password(scope *s, const char *name)
{
    user_row *u = world_user(s, name), *now;
    char *hash;

    CHECK(password_hash(s, "correct horse", &hash) == OK, "hashed");
    CHECK(user_set_password(s, u->id, hash, NULL) == OK, "set");
    CHECK(user_find(s, u->id, &now) == OK, "found");
    return now;
}

/* A request of its own scope's child, with headers "Name: value" one a line. */
static inline request *world_request(scope *s, http_method method, const char *headers)
{
    request *rq = arena_one(s->arena, request);
    str rest = str_of(headers), line;

    *rq = (request){.scope = scope_child(s, NO_LIMIT),
                    .method = method,
                    .path = "/api/x",
                    .query = "",
                    .peer = "192.0.2.1",
                    .scheme = "http",
                    .host = "sluice.example",
                    .id = "r1"};
    while (str_next(&rest, '\n', &line)) {
        ptrdiff_t colon = str_find(line, STR(": "));

        if (colon > 0)
            http_headers_add(s->arena, &rq->headers, arena_strndup(s->arena, line.p, (size_t)colon),
                             arena_strndup(s->arena, line.p + colon + 2, line.len - (size_t)colon - 2));
    }
    return rq;
}

/* The code of the failure, "" when it is OK; *who is set when it is. */
static inline const char *world_identify(scope *s, unsigned accepted, http_method method, const char *headers,
                                         const identity **who)
{
    request *rq = world_request(s, method, headers);
    const identity *found = NULL;
    err e = auth_identify(rq, accepted, &found);
    const char *code = e == OK ? "" : scope_failure(rq->scope, e).code;

    if (e == OK && who != NULL)
        *who = identity_copy(s->arena, found);
    code = arena_strdup(s->arena, code != NULL ? code : err_name(e));
    scope_close(rq->scope);
    return code;
}

#endif
