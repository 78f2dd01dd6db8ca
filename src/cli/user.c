/* SPDX-License-Identifier: MIT */
/* sluice user: accounts, made, listed, given passwords, disabled and enabled. */
#include <stdio.h>
#include <unistd.h>

#include "auth/password.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/database.h"
#include "cli/prompt.h"
#include "model/user.h"
#include "model/web_session.h"

enum { PAGE = 500 };

typedef struct {
    const cli_args *args;
    const char *name; /* the user in question */
    char *password;   /* given, else NULL */
    bool active;
} task;

static err find_user(scope *s, const char *name, user_row **out)
{
    err e = user_find_by_login(s, name, out);

    return e == ERR_NOT_FOUND ? fail(s, e, "there is no user \"%s\" (see sluice user list)", name) : e;
}

/* The hash of the given password, or of a random one; *made is the latter, to be told, else NULL. */
static err make_hash(scope *s, const task *t, char **hash, char **made)
{
    *made = t->password == NULL ? password_random(s->arena) : NULL;
    return password_hash(s, t->password != NULL ? t->password : *made, hash);
}

static void tell_password(const char *made)
{
    if (made != NULL)
        printf("password: %s\n", made);
}

static err create(scope *s, void *arg)
{
    task *t = arg;
    user_row u = {.username = t->name,
                  .email = cli_get(t->args, "email"),
                  .nickname = cli_get(t->args, "nickname"),
                  .role = cli_get(t->args, "role"),
                  .active = true};
    char *hash, *made;
    err e;

    TRY(make_hash(s, t, &hash, &made));
    u.password_hash = hash;
    if ((e = user_insert(s, &u)) == ERR_CONFLICT && cstr_eq(scope_failure(s, e).code, "user.email_exists"))
        return fail(s, e, "the e-mail address %s belongs to another user", u.email);
    if (e == ERR_CONFLICT)
        return fail(s, e, "there is a user \"%s\" already", u.username);
    TRY(e);
    printf("created %s\n", u.username);
    tell_password(made);
    return OK;
}

static err set_password(scope *s, void *arg)
{
    task *t = arg;
    user_row *u;
    char *hash, *made;

    TRY(find_user(s, t->name, &u));
    TRY(make_hash(s, t, &hash, &made));
    TRY(user_set_password(s, u->id, hash, NULL));
    printf("changed the password of %s; whoever was logged in is no longer\n", u->username);
    tell_password(made);
    return OK;
}

static err set_active(scope *s, void *arg)
{
    task *t = arg;
    user_row *u;

    TRY(find_user(s, t->name, &u));
    u->active = t->active;
    TRY(user_update(s, u));
    if (!t->active)
        TRY(web_session_delete_of_user(s, u->id));
    printf("%s %s\n", t->active ? "enabled" : "disabled", u->username);
    return OK;
}

static void print_user(arena *a, const user_row *u)
{
    const char *last = u->last_login_at == 0 ? "never" : arena_strndup(a, clock_iso_local(a, u->last_login_at), 10);

    printf("%s  %-20s  %-28s  %-6s  %-8s  %s\n", u->id, u->username, u->email != NULL ? u->email : "-", u->role,
           u->active ? "active" : "disabled", last);
}

static err list(scope *s, void *arg)
{
    int64_t total = 1;

    (void)arg;
    printf("%-32s  %-20s  %-28s  %-6s  %-8s  %s\n", "ID", "NAME", "E-MAIL", "ROLE", "STATE", "LOGGED IN");
    for (int64_t at = 0; at < total; at += PAGE) {
        scope *turn = scope_child(s, NO_LIMIT);
        user_row *rows = NULL;
        size_t n = 0;
        err e = user_list(turn, NULL, (page){at, PAGE}, &rows, &n, &total);

        for (size_t i = 0; e == OK && i < n; i++)
            print_user(turn->arena, &rows[i]);
        if (e != OK)
            (void)fail_from(s, turn, e);
        scope_close(turn);
        TRY(e);
    }
    return OK;
}

/* Where the password comes from: standard input, the terminal, or nowhere (a random one).  False: said why not. */
static bool take_password(const cli_args *args, arena *a, char **out)
{
    *out = NULL;
    if (cli_get(args, "password-stdin") != NULL) {
        *out = prompt_line(a);
        if (cstr_blank(*out))
            fputs("sluice user: there is no password on standard input\n", stderr);
        return !cstr_blank(*out);
    }
    if (!isatty(STDIN_FILENO))
        return true;
    *out = prompt_new_password(a);
    return *out != NULL;
}

static bool is_email(const char *text)
{
    const char *at = text != NULL ? strchr(text, '@') : NULL;

    return at != NULL && at > text && at[1] != '\0' && strpbrk(text, " \t\r\n") == NULL;
}

static int run_with_password(const cli_args *args, task *t, err (*work)(scope *s, void *arg))
{
    arena *a = arena_new(NULL);
    int status = 1;

    if (take_password(args, a, &t->password))
        status = database_run(&cli_user, work, t);
    arena_free(a);
    return status;
}

static int run_create(const cli_args *args, task *t)
{
    const char *email = cli_get(args, "email"), *role = cli_get(args, "role");

    if (cstr_blank(t->name))
        return cli_misuse(&cli_user, "--name is required");
    if (email != NULL && !is_email(email))
        return cli_misuse(&cli_user, "\"%s\" is no e-mail address", email);
    if (role != NULL && !cstr_eq(role, "admin") && !cstr_eq(role, "user"))
        return cli_misuse(&cli_user, "--role must be admin or user");
    return run_with_password(args, t, create);
}

static int run(const cli_args *args)
{
    const char *what = cli_operand(args, 0), *named = cli_operand(args, 1);
    task t = {.args = args, .name = named != NULL ? named : cli_get(args, "name"), .active = cstr_eq(what, "enable")};

    if (named != NULL && cli_get(args, "name") != NULL)
        return cli_misuse(&cli_user, "the name is given twice");
    if (cstr_eq(what, "create"))
        return run_create(args, &t);
    if (cstr_eq(what, "list"))
        return named == NULL ? database_run(&cli_user, list, &t) : cli_misuse(&cli_user, "\"%s\" is too much", named);
    if (!cstr_eq(what, "passwd") && !cstr_eq(what, "disable") && !cstr_eq(what, "enable"))
        return cli_misuse(&cli_user, "there is no \"%s\"", what);
    if (cstr_blank(t.name))
        return cli_misuse(&cli_user, "the name of a user is required");
    return cstr_eq(what, "passwd") ? run_with_password(args, &t, set_password)
                                   : database_run(&cli_user, set_active, &t);
}

static const cli_option options[] = {
    {.name = "name", .value = "NAME", .text = "The user's name; may be given as the second word as well"},
    {.name = "email", .value = "ADDRESS", .text = "Of create: the e-mail address, good for logging in"},
    {.name = "nickname", .value = "TEXT", .text = "Of create: how the user is shown"},
    {.name = "role", .value = "ROLE", .text = "Of create: admin, or user, which is the default"},
    {.name = "password-stdin", .text = "Take the password from standard input; else it is asked for, or made up"},
};

const cli_command cli_user = {.name = "user",
                              .summary = "Make, list, disable and enable accounts, and set passwords",
                              .operands = "create|list|passwd|disable|enable [NAME]",
                              .min_operands = 1,
                              .max_operands = 2,
                              .options = options,
                              .n_options = COUNT(options),
                              .settings = true,
                              .run = run};
