/* SPDX-License-Identifier: MIT */
/*
 * Creating the first administrator.
 */
#include "auth/bootstrap.h"

#include "auth/password.h"
#include "base/str.h"
#include "model/user.h"

/* All first administrators of one server have the same name, so that two made at once collide on every engine. */
static err insert_first(scope *s, const char *username, const char *email, const char *password, const char **name)
{
    user_row admin = {.email = email, .role = "admin", .active = true};
    char *hash;

    admin.username = cstr_blank(username) ? "admin" : str_dup(s->arena, str_trim(str_of(username)));
    TRY(password_hash(s, password, &hash));
    admin.password_hash = hash;
    TRY(user_insert_first(s, &admin));
    *name = admin.username;
    return OK;
}

err bootstrap_admin(scope *s, const char *username, const char *password, char **made_name, char **made_password)
{
    bool random = cstr_blank(password);
    const char *name;
    char *chosen;
    int64_t count;
    err e;

    *made_name = *made_password = NULL;
    TRY(user_count(s, &count));
    if (count > 0)
        return OK;
    chosen = random ? password_random(s->arena) : str_dup(s->arena, str_trim(str_of(password)));
    e = insert_first(s, username, BOOTSTRAP_EMAIL, chosen, &name);
    if (e == ERR_CONFLICT) /* another process was faster */
        return OK;
    TRY(e);
    *made_name = arena_strdup(s->arena, name);
    *made_password = random ? chosen : NULL;
    return OK;
}

err bootstrap_register(scope *s, const char *username, const char *email, const char *password)
{
    const char *name;

    return insert_first(s, username, email, password, &name);
}
