/* SPDX-License-Identifier: MIT */
/* Tests of model/api_key.c. */
#include "model/api_key.h"

#include "base/clock.h"
#include "made.h"
#include "model/version.h"
#include "rt/loop.h"

ENGINE_TEST(a_key_is_found_by_its_hash)
{
    const char *user = made_user(s, "a");
    api_key_row k = {.user_id = user,
                     .label = "ci",
                     .description = "for tests",
                     .prefix = "sk-abc",
                     .hash = "hash of it",
                     .scopes = "agent.read agent.write",
                     .faces = "sage langflow",
                     .masked = "sk-abc***",
                     .expires_at = 99};
    uint64_t version = version_of(VERSION_KEYS);
    api_key_row *got = NULL;

    CHECK_INT(api_key_insert(s, &k), OK);
    CHECK_INT(k.number, 1);
    CHECK(version_of(VERSION_KEYS) > version, "caches are told");
    CHECK_INT(api_key_find_by_hash(s, "hash of it", &got), OK);
    CHECK_STR(got->id, k.id);
    CHECK_STR(got->user_id, user);
    CHECK_STR(got->label, "ci");
    CHECK_STR(got->description, "for tests");
    CHECK_STR(got->prefix, "sk-abc");
    CHECK_STR(got->scopes, "agent.read agent.write");
    CHECK_STR(got->faces, "sage langflow");
    CHECK_STR(got->masked, "sk-abc***");
    CHECK(got->active && got->uses == 0 && got->last_used_at == 0 && got->expires_at == 99, "state");
    CHECK_INT(api_key_find_by_hash(s, "another", &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "api_key.not_found");
}

ENGINE_TEST(a_key_needs_a_user_and_a_hash_of_its_own)
{
    api_key_row a = {.user_id = made_user(s, "a"), .hash = "1"}, same = {.user_id = a.user_id, .hash = "1"},
                nobody = {.user_id = "nobody", .hash = "2"};

    CHECK_INT(api_key_insert(s, &a), OK);
    CHECK_INT(api_key_insert(s, &same), ERR_CONFLICT);
    CHECK_STR(code_of(s), "api_key.exists");
    CHECK_INT(api_key_insert(s, &nobody), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "user.not_found");
}

ENGINE_TEST(keys_are_their_owners_business)
{
    const char *a = made_user(s, "a"), *b = made_user(s, "b");
    api_key_row ka = {.user_id = a, .hash = "1"}, kb = {.user_id = b, .hash = "2"}, *got = NULL;
    int64_t total = 0;
    size_t n = 0;

    CHECK_INT(api_key_insert(s, &ka), OK);
    CHECK_INT(api_key_insert(s, &kb), OK);
    CHECK_INT(kb.number, 2);
    CHECK_INT(api_key_find(s, owned_by_user(a), ka.id, &got), OK);
    CHECK_INT(api_key_find(s, owned_by_user(a), kb.id, &got), ERR_NOT_FOUND);
    CHECK_INT(api_key_find(s, owned_by_user(NULL), kb.id, &got), ERR_NOT_FOUND);
    CHECK_INT(api_key_find(s, OWNED_BY_ANYONE, kb.id, &got), OK);
    CHECK_INT(api_key_find_by_number(s, owned_by_user(b), 2, &got), OK);
    CHECK_STR(got->id, kb.id);
    CHECK_INT(api_key_find_by_number(s, owned_by_user(a), 2, &got), ERR_NOT_FOUND);
    CHECK_INT(api_key_list(s, owned_by_user(a), (page){0}, &got, &n, &total), OK);
    CHECK(n == 1 && total == 1, "his own");
    CHECK_INT(api_key_list(s, OWNED_BY_ANYONE, (page){.limit = 1}, &got, &n, &total), OK);
    CHECK(n == 1 && total == 2, "all, one a page");
    CHECK_INT(api_key_revoke(s, owned_by_user(a), kb.id), ERR_NOT_FOUND);
    CHECK_INT(api_key_delete(s, owned_by_user(a), kb.id), ERR_NOT_FOUND);
    CHECK_INT(api_key_delete(s, owned_by_user(b), kb.id), OK);
    CHECK_INT(api_key_find(s, OWNED_BY_ANYONE, kb.id, &got), ERR_NOT_FOUND);
}

ENGINE_TEST(a_revoked_or_expired_key_is_not_usable)
{
    api_key_row k = {.user_id = made_user(s, "a"), .hash = "1"}, *got = NULL;
    int64_t now = clock_wall();

    CHECK_INT(api_key_insert(s, &k), OK);
    CHECK(api_key_usable(&k, now), "fresh");
    k.label = "renamed";
    k.expires_at = now - 1;
    k.scopes = "*";
    CHECK_INT(api_key_update(s, owned_by_user(k.user_id), &k), OK);
    CHECK_INT(api_key_find_by_hash(s, "1", &got), OK);
    CHECK_STR(got->label, "renamed");
    CHECK(!api_key_usable(got, now), "expired");
    got->expires_at = now + 1;
    CHECK(api_key_usable(got, now), "not yet");
    CHECK_INT(api_key_revoke(s, owned_by_user(k.user_id), k.id), OK);
    CHECK_INT(api_key_find_by_hash(s, "1", &got), OK);
    CHECK(!api_key_usable(got, 0), "revoked");
}

ENGINE_TEST(uses_are_counted_and_the_last_one_remembered)
{
    api_key_row k = {.user_id = made_user(s, "a"), .hash = "1"}, *got = NULL;

    CHECK_INT(api_key_insert(s, &k), OK);
    CHECK_INT(api_key_touch(s, k.id, 5, 100), OK);
    CHECK_INT(api_key_touch(s, k.id, 2, 90), OK); /* reported late */
    CHECK_INT(api_key_find_by_hash(s, "1", &got), OK);
    CHECK_INT(got->uses, 7);
    CHECK_INT(got->last_used_at, 100);
}

static err insert_some(scope *s, void *arg)
{
    for (int i = 0; i < 5; i++) {
        api_key_row k = {.user_id = arg, .hash = arena_printf(s->arena, "%p %d", (void *)&k, i)};

        k.hash = arena_printf(s->arena, "%s %s", k.hash, engine_text(s, "SELECT CAST(COUNT(*) AS TEXT) FROM api_key"));
        TRY(api_key_insert(s, &k));
    }
    return OK;
}

ENGINE_TEST(numbers_stay_unique_when_many_keys_are_made_at_once)
{
    const char *user = made_user(s, "a");
    scope *group = scope_child(s, NO_LIMIT);

    for (int i = 0; i < 6; i++)
        scope_spawn(group, insert_some, (void *)(uintptr_t)user);
    CHECK_INT(scope_join(group), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(DISTINCT number) FROM api_key"), 30);
}
