/* SPDX-License-Identifier: MIT */
/*
 * Identities: scope check and copying.
 */
#include "auth/identity.h"

#include "auth/scopes.h"

bool identity_may(const identity *id, const char *scope)
{
    if (id == NULL)
        return false;
    return id->scopes == NULL || scopes_cover(id->scopes, scope);
}

bool identity_on_face(const identity *id, const char *face)
{
    return id->faces == NULL || scopes_cover(id->faces, face);
}

identity *identity_copy(arena *a, const identity *id)
{
    identity *copy = arena_memdup(a, id, sizeof(*id));

    copy->user_id = arena_strdup(a, id->user_id);
    copy->username = arena_strdup(a, id->username);
    copy->nickname = arena_strdup(a, id->nickname);
    copy->email = arena_strdup(a, id->email);
    copy->phone = arena_strdup(a, id->phone);
    copy->avatar_url = arena_strdup(a, id->avatar_url);
    copy->role = arena_strdup(a, id->role);
    copy->key_id = arena_strdup(a, id->key_id);
    copy->scopes = arena_strdup(a, id->scopes);
    copy->faces = arena_strdup(a, id->faces);
    copy->set_cookie = arena_strdup(a, id->set_cookie);
    return copy;
}
