/* SPDX-License-Identifier: MIT */
/*
 * Creating the first administrator.
 */
#include "auth/bootstrap.h"

#include "auth/password.h"
#include "base/str.h"
#include "model/user.h"

err bootstrap_admin(scope *s, const char *username, const char *password, char **made_name, char **made_password)
{
    bool random = cstr_blank(password);
    user_row admin = {.email = "admin@example.com", .role = "admin", .active = true};
    char *chosen, *hash;
    int64_t count;
    err e;

    *made_name = *made_password = NULL;
    TRY(user_count(s, &count));
    if (count > 0)
        return OK;
    admin.username = cstr_blank(username) ? "admin" : str_dup(s->arena, str_trim(str_of(username)));
    chosen = random ? password_random(s->arena) : str_dup(s->arena, str_trim(str_of(password)));
    TRY(password_hash(s, chosen, &hash));
    admin.password_hash = hash;
    e = user_insert_first(s, &admin);
    if (e == ERR_CONFLICT) /* another process was faster */
        return OK;
    TRY(e);
    *made_name = arena_strdup(s->arena, admin.username);
    *made_password = random ? chosen : NULL;
    return OK;
}
