/* SPDX-License-Identifier: MIT */
/*
 * The configuration of authentication.
 */
#include "auth/auth.h"

#include <stdio.h>

#include "auth/network.h"
#include "db/seal.h"

auth_config auth_config_of(const struct settings *st)
{
    return (auth_config){.jwt_key = st->auth_jwt_key,
                         .refresh_key = st->auth_refresh_key,
                         .sage_token_seconds = st->auth_jwt_lifetime / SECONDS(1),
                         .langbot_token_seconds = st->auth_langbot_lifetime / SECONDS(1),
                         .langflow_token_seconds = st->auth_langflow_lifetime / SECONDS(1),
                         .langflow_refresh_seconds = st->auth_langflow_refresh_lifetime / SECONDS(1),
                         .session_cookie = {.name = st->session_cookie_name,
                                            .same_site = st->session_cookie_same_site,
                                            .secure = st->session_cookie_secure},
                         .trusted_origins = st->auth_trusted_origins,
                         .identity_proxies = st->auth_identity_proxies};
}

static auth_config active;
static arena *memory;
static str jwt_key, refresh_key;

/* The configured text, or 32 bytes that depend on the master key and the purpose. */
static str signing_key(const char *configured, const char *purpose)
{
    unsigned char *key;

    if (configured != NULL && configured[0] != '\0')
        return str_of(arena_strdup(memory, configured));
    key = arena_alloc(memory, 32);
    seal_derive(purpose, key);
    return (str){(const char *)key, 32};
}

static const char *const *copy_list(const char *const *list)
{
    const char **copy;
    size_t n = 0;

    if (list == NULL)
        return NULL;
    while (list[n] != NULL)
        n++;
    copy = arena_array(memory, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_strdup(memory, list[i]);
    return copy;
}

err auth_setup(const auth_config *config, char *why, size_t why_size)
{
    for (const char *const *p = config->identity_proxies; p != NULL && *p != NULL; p++) {
        if (network_valid(*p))
            continue;
        (void)snprintf(why, why_size, "'%s' is no address or network (like 10.0.0.0/8)", *p);
        return ERR_INVALID;
    }
    arena_free(memory);
    memory = arena_new(NULL);
    active = *config;
    active.jwt_key = active.refresh_key = NULL; /* nobody needs the texts any more */
    active.session_cookie.name = arena_strdup(memory, config->session_cookie.name);
    active.session_cookie.same_site = arena_strdup(memory, config->session_cookie.same_site);
    active.trusted_origins = copy_list(config->trusted_origins);
    active.identity_proxies = copy_list(config->identity_proxies);
    jwt_key = signing_key(config->jwt_key, "jwt");
    refresh_key = signing_key(config->refresh_key, "jwt-refresh");
    return OK;
}

const auth_config *auth_settings(void)
{
    return &active;
}

str auth_jwt_key(void)
{
    return jwt_key;
}

str auth_refresh_key(void)
{
    return refresh_key;
}
