/* SPDX-License-Identifier: MIT */
/* sluice key: API keys, made, listed and revoked. */
#include <inttypes.h>
#include <stdio.h>

#include "auth/apikey.h"
#include "auth/scopes.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/database.h"

enum { PAGE = 500 };

/* The user that was named, by name or e-mail address. */
static err find_user(scope *s, const char *name, user_row **out)
{
    err e = user_find_by_login(s, name, out);

    return e == ERR_NOT_FOUND ? fail(s, e, "there is no user \"%s\" (see sluice user list)", name) : e;
}

/* "30d" from now as a time; 0 when nothing was given. */
static err expiry_of(scope *s, const char *lasts, int64_t *out)
{
    int64_t ns;

    *out = 0;
    if (lasts == NULL)
        return OK;
    if (!str_to_duration(str_of(lasts), &ns) || ns <= 0)
        return fail(s, ERR_INVALID, "--expires %s is no time span (like 12h or 90d)", lasts);
    *out = clock_wall() + ns / 1000;
    return OK;
}

/* A key for one platform only looks as its clients expect. */
static key_kind kind_for(const char *faces)
{
    if (cstr_eq(faces, "langbot"))
        return KEY_LANGBOT;
    if (cstr_eq(faces, "langflow"))
        return KEY_LANGFLOW;
    return cstr_eq(faces, "langdock") ? KEY_LANGDOCK : KEY_SLUICE;
}

static err create(scope *s, void *arg)
{
    const cli_args *args = arg;
    buf *scopes = buf_new(s->arena, KIB(16));
    key_wish wish = {.label = cli_get(args, "name"), .description = cli_get(args, "description")};
    const char *scope_name;
    api_key_row *row;
    user_row *u;
    char *text;

    for (size_t i = 0; (scope_name = cli_get_at(args, "scope", i)) != NULL; i++)
        buf_printf(scopes, "%s%s", i > 0 ? " " : "", scope_name);
    if (!buf_ok(scopes))
        return fail(s, ERR_INVALID, "too many scopes");
    TRY(find_user(s, cli_get(args, "user"), &u));
    TRY(expiry_of(s, cli_get(args, "expires"), &wish.expires_at));
    wish.user_id = u->id;
    wish.scopes = buf_str(scopes);
    wish.kind = kind_for(scopes_faces(s->arena, wish.scopes));
    TRY(apikey_create(s, &wish, &row, &text));
    printf("%s\n", text);
    return OK;
}

static const char *state_of(const api_key_row *k)
{
    if (!k->active)
        return "revoked";
    return api_key_usable(k, clock_wall()) ? "active" : "expired";
}

/* The date alone. */
static const char *day(arena *a, int64_t when)
{
    return when == 0 ? "never" : arena_strndup(a, clock_iso_local(a, when), 10);
}

static void print_key(scope *s, const api_key_row *k)
{
    user_row *u;
    const char *user = user_find(s, k->user_id, &u) == OK ? u->username : k->user_id;

    printf("%s  %-10s  %-7s  %-10s  %-10s  %-16s  %-20s  %s\n", k->id, k->prefix, state_of(k),
           day(s->arena, k->created_at), day(s->arena, k->last_used_at), user, k->label, k->scopes);
}

static err list(scope *s, void *arg)
{
    const char *name = cli_get(arg, "user");
    owned_by who = OWNED_BY_ANYONE;
    int64_t total = 1;
    user_row *u;

    if (name != NULL) {
        TRY(find_user(s, name, &u));
        who = owned_by_user(u->id);
    }
    printf("%-36s  %-10s  %-7s  %-10s  %-10s  %-16s  %-20s  %s\n", "ID", "BEGINS", "STATE", "MADE", "USED", "USER",
           "NAME", "SCOPES");
    for (int64_t at = 0; at < total; at += PAGE) {
        scope *turn = scope_child(s, NO_LIMIT);
        api_key_row *rows = NULL;
        size_t n = 0;
        err e = api_key_list(turn, who, (page){at, PAGE}, &rows, &n, &total);

        for (size_t i = 0; e == OK && i < n; i++)
            print_key(turn, &rows[i]);
        if (e != OK)
            (void)fail_from(s, turn, e);
        scope_close(turn);
        TRY(e);
    }
    return OK;
}

static err revoke(scope *s, void *arg)
{
    const char *id = cli_operand(arg, 1);
    err e = api_key_revoke(s, OWNED_BY_ANYONE, id);

    if (e == ERR_NOT_FOUND)
        return fail(s, e, "there is no key %s (see sluice key list)", id);
    TRY(e);
    printf("revoked %s; a running server refuses it within two seconds\n", id);
    return OK;
}

static int run(const cli_args *args)
{
    const char *what = cli_operand(args, 0);
    const char *id = cli_operand(args, 1);

    if (cstr_eq(what, "revoke"))
        return id == NULL ? cli_misuse(&cli_key, "the id of a key is required")
                          : database_run(&cli_key, revoke, (void *)(uintptr_t)args);
    if (id != NULL)
        return cli_misuse(&cli_key, "\"%s\" is too much", id);
    if (cstr_eq(what, "list"))
        return database_run(&cli_key, list, (void *)(uintptr_t)args);
    if (!cstr_eq(what, "create"))
        return cli_misuse(&cli_key, "there is no \"%s\"", what);
    for (const char *const *o = (const char *const[]){"user", "name", "scope", NULL}; *o != NULL; o++)
        if (cstr_blank(cli_get(args, *o)))
            return cli_misuse(&cli_key, "--%s is required", *o);
    return database_run(&cli_key, create, (void *)(uintptr_t)args);
}

static const cli_option options[] = {
    {.name = "user", .value = "NAME", .text = "Who the key acts as; of list: whose keys"},
    {.name = "name", .value = "LABEL", .text = "What it is for"},
    {.name = "scope",
     .value = "SCOPE",
     .text = "What it may do: * is everything, an unknown one lists them all",
     .many = true},
    {.name = "expires", .value = "TIME", .text = "How long it is good for, like 90d; without it, for ever"},
    {.name = "description", .value = "TEXT", .text = "Shown beside its name"},
};

const cli_command cli_key = {.name = "key",
                             .summary = "Make, list and revoke API keys, also while the server runs",
                             .operands = "create|list|revoke [ID]",
                             .min_operands = 1,
                             .max_operands = 2,
                             .options = options,
                             .n_options = COUNT(options),
                             .settings = true,
                             .run = run};
