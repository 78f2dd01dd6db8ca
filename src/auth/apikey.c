/* SPDX-License-Identifier: MIT */
/*
 * Making, finding and counting API keys.
 */
#include "auth/apikey.h"

#include <sodium.h>
#include <stdlib.h>

#include "auth/scopes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "rt/loop.h"

enum { RANDOM_BYTES = 32, SHOWN_CHARS = 8 };

static const char *const prefixes[] = {
    [KEY_SLUICE] = "slk_", [KEY_LANGBOT] = "lbk_", [KEY_LANGFLOW] = "sk-", [KEY_LANGDOCK] = "sk-ld-"};

static char *new_text(arena *a, key_kind kind)
{
    unsigned char bytes[RANDOM_BYTES];
    char coded[sodium_base64_ENCODED_LEN(RANDOM_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    random_bytes(bytes, sizeof(bytes));
    sodium_bin2base64(coded, sizeof(coded), bytes, sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return arena_printf(a, "%s%s", prefixes[kind], coded);
}

/* The beginning, and a star for each character that is not shown. */
static char *mask(arena *a, const char *text)
{
    char *masked = arena_strdup(a, text);

    for (size_t i = SHOWN_CHARS; masked[i] != '\0'; i++)
        masked[i] = '*';
    return masked;
}

static err check_scopes(scope *s, const char *scopes)
{
    str rest = str_of(scopes), one;
    size_t n = 0;

    while (str_next(&rest, ' ', &one)) {
        if (one.len == 0)
            continue;
        if (scope_find(one) == NULL) {
            const char *name = str_dup(s->arena, one);

            return fail_code(s, ERR_INVALID, "key.unknown_scope", name, "unknown scope '%s'; known are %s", name,
                             scopes_known(s->arena));
        }
        n++;
    }
    return n > 0 ? OK : fail_code(s, ERR_INVALID, "key.no_scope", NULL, "a key needs at least one scope");
}

err apikey_create(scope *s, const key_wish *wish, api_key_row **row, char **text)
{
    api_key_row *k = arena_one(s->arena, api_key_row);
    char *made = new_text(s->arena, wish->kind);

    TRY(check_scopes(s, wish->scopes));
    if (wish->expires_at != 0 && wish->expires_at <= clock_wall())
        return fail_code(s, ERR_INVALID, "key.expired", NULL, "the expiry of a key must be in the future");
    *k = (api_key_row){.user_id = wish->user_id,
                       .label = wish->label,
                       .description = wish->description,
                       .prefix = arena_strndup(s->arena, made, SHOWN_CHARS),
                       .hash = apikey_hash(s->arena, str_of(made)),
                       .scopes = wish->scopes,
                       .faces = wish->faces != NULL ? wish->faces : scopes_faces(s->arena, wish->scopes),
                       .masked = mask(s->arena, made),
                       .expires_at = wish->expires_at};
    TRY(api_key_insert(s, k));
    *row = k;
    *text = made;
    return OK;
}

char *apikey_hash(arena *a, str text)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char *hex = arena_alloc(a, 2 * sizeof(digest) + 1);

    crypto_hash_sha256(digest, (const unsigned char *)text.p, text.len);
    hex_encode(digest, sizeof(digest), hex);
    return hex;
}

static err invalid_key(scope *s)
{
    return fail_code(s, ERR_UNAUTHENTICATED, "auth.key_invalid", NULL, "invalid API key");
}

err apikey_find_usable(scope *s, const char *hash, api_key_row **key, user_row **user)
{
    api_key_row *k;
    user_row *u;
    err e = api_key_find_by_hash(s, hash, &k);

    if (e == ERR_NOT_FOUND || (e == OK && !api_key_usable(k, clock_wall())))
        return invalid_key(s);
    TRY(e);
    if ((e = user_find(s, k->user_id, &u)) == ERR_NOT_FOUND)
        return invalid_key(s);
    TRY(e);
    if (!u->active)
        return fail_code(s, ERR_UNAUTHENTICATED, "auth.user_inactive", u->username, "this account is disabled");
    *key = k;
    *user = u;
    return OK;
}

typedef struct {
    char *id;
    int64_t uses, when;
} note;

static err write_note(scope *root, void *arg)
{
    note *n = arg;
    scope *s = scope_child(root, SECONDS(30));
    err e = api_key_touch(s, n->id, n->uses, n->when);

    if (e != OK && e != ERR_CANCELLED)
        log_warn("api_key_uses_not_stored", log_str("key", n->id), log_str("error", err_name(e)));
    scope_close(s);
    free(n->id);
    free(n);
    return OK;
}

void apikey_note_uses(const char *id, int64_t uses, int64_t when)
{
    note *n = mem_alloc(sizeof(*n));

    *n = (note){.id = mem_strdup(id), .uses = uses, .when = when};
    scope_spawn(loop_root(loop_self()), write_note, n);
}
