/* SPDX-License-Identifier: MIT */
/* Tests of model/provider.c, model.c and served.c. */
#include "model/provider.h"

#include <stdlib.h>

#include "db/seal.h"
#include "made.h"
#include "model/provider_internal.h"
#include "model/version.h"

static const char *const keys_ab[] = {"sk-a", "sk-b"}, *const keys_ba[] = {"sk-b", "sk-a"}, *const keys_c[] = {"sk-c"};

static void setup_seal(void)
{
    char why[256];

    CHECK_INT(seal_setup("a master key for these tests", NULL, why, sizeof why), OK);
}

static provider_scope scope_of(const char *user)
{
    return (provider_scope){.who = owned_by_user(user)};
}

static provider_scope with_system(const char *user)
{
    return (provider_scope){.who = owned_by_user(user), .with_system = true};
}

#define ALL ((provider_scope){.who = OWNED_BY_ANYONE})

static provider_row made_provider(scope *s, const char *owner, const char *name)
{
    provider_row p = {
        .owner_id = owner, .name = name, .requester = "openai-chat-completions", .base_url = "http://x/v1"};

    CHECK(provider_insert(s, &p) == OK, "%s", name);
    return p;
}

static model_row made_model(scope *s, const char *provider, const char *name, model_kind kind)
{
    model_row m = {.provider_id = provider, .name = name, .kind = kind};

    CHECK(model_insert(s, OWNED_BY_ANYONE, &m) == OK, "%s", name);
    return m;
}

static served_model made_served(scope *s, const char *owner, const char *provider, const char *model, bool is_default)
{
    served_model sm = {.provider = {.owner_id = owner,
                                    .name = provider,
                                    .requester = "openai-chat-completions",
                                    .base_url = "http://x/v1",
                                    .is_default = is_default},
                       .model = {.name = model}};

    CHECK(served_insert(s, &sm) == OK, "%s", model);
    return sm;
}

ENGINE_TEST(a_provider_and_its_model_are_found_again_as_they_were_stored)
{
    served_model sm = {.provider = {.owner_id = "u1",
                                    .name = "OpenAI",
                                    .requester = "openai-chat-completions",
                                    .base_url = "https://api.openai.com/v1",
                                    .extra = "{\"x\":1}"},
                       .model = {.name = "gpt-4o",
                                 .abilities = "[\"vision\",\"func_call\"]",
                                 .extra_args = "{\"temperature\":0.3}",
                                 .reasoning = "{\"level\":\"low\"}",
                                 .context_length = 128000,
                                 .ranking = 2}};
    uint64_t version = version_of(VERSION_PROVIDERS);
    served_model *got = NULL;
    const char **keys = NULL;
    size_t n = 0;

    setup_seal();
    sm.provider.sealed_keys = provider_seal_keys(s->arena, keys_ab, 2);
    CHECK(strstr(sm.provider.sealed_keys, "sk-a") == NULL, "sealed");
    CHECK_INT(served_insert(s, &sm), OK);
    CHECK_STR(sm.provider.id, sm.model.id);
    CHECK(version_of(VERSION_PROVIDERS) > version, "caches are told");
    CHECK_INT(served_find(s, scope_of("u1"), sm.model.id, &got), OK);
    CHECK_STR(got->provider.name, "OpenAI");
    CHECK_STR(got->provider.base_url, "https://api.openai.com/v1");
    CHECK_STR(got->provider.extra, "{\"x\":1}");
    CHECK_STR(got->model.name, "gpt-4o");
    CHECK_STR(got->model.extra_args, "{\"temperature\":0.3}");
    CHECK_STR(got->model.reasoning, "{\"level\":\"low\"}");
    CHECK(got->model.context_length == 128000 && got->model.ranking == 2 && got->model.kind == MODEL_LLM, "numbers");
    CHECK_INT(provider_open_keys(s, &got->provider, &keys, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(keys[0], "sk-a");
    CHECK_STR(keys[1], "sk-b");
    got->provider.sealed_keys = NULL;
    CHECK_INT(provider_open_keys(s, &got->provider, &keys, &n), OK);
    CHECK_INT(n, 0);
    got->provider.sealed_keys = "v1:nonsense";
    CHECK_INT(provider_open_keys(s, &got->provider, &keys, &n), ERR_INVALID);
    CHECK_STR(code_of(s), "provider.keys_unreadable");
}

ENGINE_TEST(abilities_are_whole_words)
{
    model_row m = {.abilities = "[\"vision\", \"func_call\",\"a\\\"reasoning\\\"b\"]"}, none = {.abilities = NULL};

    CHECK(model_has_ability(&m, "vision") && model_has_ability(&m, "func_call"), "has");
    CHECK(!model_has_ability(&m, "vis") && !model_has_ability(&m, "func") && !model_has_ability(&m, "ision"), "parts");
    CHECK(!model_has_ability(&m, "reasoning"), "inside another word");
    CHECK(!model_has_ability(&none, "vision"), "none");
    (void)s;
}

ENGINE_TEST(providers_are_private_and_the_systems_shared_when_asked)
{
    provider_row mine = made_provider(s, "u1", "Mine"), other = made_provider(s, "u2", "Other"),
                 systems = made_provider(s, NULL, "System"), *got = NULL;
    int64_t total = 0;
    size_t n = 0;

    CHECK_INT(provider_find(s, scope_of("u1"), mine.id, &got), OK);
    CHECK_INT(provider_find(s, scope_of("u1"), other.id, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "provider.not_found");
    CHECK_INT(provider_find(s, scope_of("u1"), systems.id, &got), ERR_NOT_FOUND);
    CHECK_INT(provider_find(s, with_system("u1"), systems.id, &got), OK);
    CHECK_INT(provider_find(s, scope_of(NULL), systems.id, &got), ERR_NOT_FOUND);
    CHECK_INT(provider_find(s, ALL, other.id, &got), OK);
    CHECK_INT(provider_list(s, scope_of("u1"), (page){0}, &got, &n, &total), OK);
    CHECK(n == 1 && total == 1, "own");
    CHECK_INT(provider_list(s, with_system("u1"), (page){0}, &got, &n, &total), OK);
    CHECK(n == 2 && total == 2, "and the system's");
    CHECK_INT(provider_list(s, ALL, (page){.limit = 2}, &got, &n, &total), OK);
    CHECK(n == 2 && total == 3, "a page of all");
    CHECK_STR(got[0].name, "Mine");
    mine.name = "Renamed";
    CHECK_INT(provider_update(s, owned_by_user("u2"), &mine), ERR_NOT_FOUND);
    CHECK_INT(provider_update(s, owned_by_user("u1"), &mine), OK);
    CHECK_INT(provider_delete(s, owned_by_user("u2"), mine.id), ERR_NOT_FOUND);
    CHECK_INT(provider_find(s, ALL, mine.id, &got), OK);
    CHECK_STR(got->name, "Renamed");
}

ENGINE_TEST(a_provider_with_models_is_not_deleted)
{
    provider_row p = made_provider(s, "u1", "P");
    model_row m = made_model(s, p.id, "m", MODEL_EMBEDDING), lost = {.provider_id = "nothing", .name = "x"};

    CHECK_INT(model_insert(s, OWNED_BY_ANYONE, &lost), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "provider.not_found");
    CHECK_INT(provider_delete(s, owned_by_user("u1"), p.id), ERR_CONFLICT);
    CHECK_STR(code_of(s), "provider.in_use");
    CHECK_INT(model_delete(s, owned_by_user("u2"), m.id), ERR_NOT_FOUND);
    CHECK_INT(model_delete(s, owned_by_user("u1"), m.id), OK);
    CHECK_INT(provider_delete(s, owned_by_user("u1"), p.id), OK);
}

ENGINE_TEST(models_are_made_at_ones_own_providers)
{
    provider_row mine = made_provider(s, "u1", "Mine"), systems = made_provider(s, NULL, "System");
    model_row m = {.provider_id = mine.id, .name = "m"};

    CHECK_INT(model_insert(s, owned_by_user("u2"), &m), ERR_NOT_FOUND);
    CHECK_INT(model_insert(s, owned_by_user("u1"), &m), OK);
    m = (model_row){.provider_id = systems.id, .name = "m"};
    CHECK_INT(model_insert(s, owned_by_user("u1"), &m), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "provider.not_found");
    CHECK_INT(model_insert(s, OWNED_BY_ANYONE, &m), OK);
}

ENGINE_TEST(models_are_listed_by_kind_and_counted)
{
    provider_row p = made_provider(s, "u1", "P"), q = made_provider(s, "u1", "Q");
    provider_counts *counts = NULL;
    served_model *got = NULL;
    int64_t total = 0;
    size_t n = 0;

    made_model(s, p.id, "a", MODEL_LLM);
    made_model(s, p.id, "b", MODEL_LLM);
    made_model(s, p.id, "e", MODEL_EMBEDDING);
    made_model(s, q.id, "c", MODEL_LLM);
    CHECK_INT(served_list(s, scope_of("u1"), MODEL_LLM, NULL, (page){0}, &got, &n, &total), OK);
    CHECK(n == 3 && total == 3, "llm");
    CHECK_STR(got[0].model.name, "c"); /* newest provider first */
    CHECK_STR(got[1].model.name, "a");
    CHECK_INT(served_list(s, scope_of("u1"), MODEL_LLM, p.id, (page){.offset = 1, .limit = 5}, &got, &n, &total), OK);
    CHECK(n == 1 && total == 2, "of one provider");
    CHECK_STR(got[0].model.name, "b");
    CHECK_INT(served_list(s, scope_of("u2"), MODEL_LLM, NULL, (page){0}, &got, &n, &total), OK);
    CHECK(n == 0 && total == 0, "not his");
    CHECK_INT(provider_count_models(s, scope_of("u1"), &counts, &n), OK);
    CHECK_INT(n, 2);
    for (size_t i = 0; i < n; i++)
        if (cstr_eq(counts[i].provider_id, p.id))
            CHECK(counts[i].llm == 2 && counts[i].embedding == 1 && counts[i].rerank == 0, "counts of P");
}

ENGINE_TEST(a_model_moves_only_to_a_provider_of_the_same_owner)
{
    provider_row p = made_provider(s, "u1", "P"), q = made_provider(s, "u1", "Q"),
                 foreign = made_provider(s, "u2", "F");
    model_row m = made_model(s, p.id, "m", MODEL_LLM);
    served_model *got = NULL;

    m.provider_id = foreign.id;
    CHECK_INT(model_update(s, owned_by_user("u1"), &m), ERR_NOT_FOUND);
    m.provider_id = q.id;
    m.name = "n";
    CHECK_INT(model_update(s, owned_by_user("u2"), &m), ERR_NOT_FOUND);
    CHECK_INT(model_update(s, owned_by_user("u1"), &m), OK);
    CHECK_INT(model_find(s, scope_of("u1"), m.id, &got), OK);
    CHECK_STR(got->provider.name, "Q");
    CHECK_STR(got->model.name, "n");
}

ENGINE_TEST(a_flat_entry_is_found_by_either_id)
{
    provider_row p = made_provider(s, "u1", "P");
    model_row first, second;
    served_model *got = NULL;

    made_model(s, p.id, "embedding first", MODEL_EMBEDDING);
    first = made_model(s, p.id, "first", MODEL_LLM);
    second = made_model(s, p.id, "second", MODEL_LLM);
    CHECK_INT(served_find(s, scope_of("u1"), second.id, &got), OK);
    CHECK_STR(got->model.name, "second");
    CHECK_INT(served_find(s, scope_of("u1"), p.id, &got), OK);
    CHECK_STR(got->model.id, first.id);
    CHECK_INT(served_find(s, scope_of("u2"), p.id, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "model.not_found");
}

ENGINE_TEST(a_model_is_found_by_its_name_at_a_provider)
{
    served_model *got = NULL;

    made_served(s, NULL, "OpenAI", "gpt-4o", false);
    made_served(s, "u1", "Own", "gpt-4o", false);
    CHECK_INT(served_find_by_name(s, with_system("u1"), NULL, "gpt-4o", MODEL_LLM, &got), OK);
    CHECK_STR(got->provider.name, "Own");
    CHECK_INT(served_find_by_name(s, with_system("u1"), "openai", "gpt-4o", MODEL_LLM, &got), OK);
    CHECK_STR(got->provider.name, "OpenAI");
    CHECK_INT(served_find_by_name(s, with_system("u2"), "openai-chat-completions", "gpt-4o", MODEL_LLM, &got), OK);
    CHECK_STR(got->provider.name, "OpenAI");
    CHECK_INT(served_find_by_name(s, with_system("u2"), "Own", "gpt-4o", MODEL_LLM, &got), ERR_NOT_FOUND);
    CHECK_INT(served_find_by_name(s, with_system("u1"), NULL, "gpt-4o", MODEL_RERANK, &got), ERR_NOT_FOUND);
}

ENGINE_TEST(a_name_is_ones_own_before_the_systems_before_that_of_others)
{
    provider_scope all = {.who = {.user_id = "admin", .anyone = true}, .with_system = true};
    served_model *got = NULL;
    provider_row *p = NULL;

    made_served(s, "u1", "Same", "gpt-4o", false);
    CHECK_INT(served_find_by_name(s, all, NULL, "gpt-4o", MODEL_LLM, &got), OK);
    CHECK_STR(got->provider.owner_id, "u1");
    made_served(s, NULL, "Same", "gpt-4o", false);
    CHECK_INT(served_find_by_name(s, all, NULL, "gpt-4o", MODEL_LLM, &got), OK);
    CHECK(got->provider.owner_id == NULL, "the system's");
    CHECK(provider_find_by_name(s, all, "Same", &p) == OK && p->owner_id == NULL, "the system's provider");
    made_served(s, "admin", "Same", "gpt-4o", false);
    CHECK_INT(served_find_by_name(s, all, NULL, "gpt-4o", MODEL_LLM, &got), OK);
    CHECK_STR(got->provider.owner_id, "admin");
    CHECK(provider_find_by_name(s, all, "Same", &p) == OK, "found");
    CHECK_STR(p->owner_id, "admin");
}

ENGINE_TEST(there_is_one_default_of_an_owner)
{
    served_model a = made_served(s, "u1", "A", "a", true), b = made_served(s, "u1", "B", "b", true),
                 other = made_served(s, "u2", "C", "c", true), *got = NULL;

    CHECK_INT(served_default(s, "u3", true, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "model.no_default");
    CHECK_INT(served_find(s, ALL, a.model.id, &got), OK);
    CHECK(!got->provider.is_default, "A gave way to B");
    CHECK_INT(served_find(s, ALL, other.model.id, &got), OK);
    CHECK(got->provider.is_default, "another's stays");
    CHECK_INT(served_default(s, "u1", true, &got), OK);
    CHECK_STR(got->model.name, "b");
    CHECK_INT(served_default(s, "u1", false, &got), ERR_NOT_FOUND);
    CHECK(a.provider.is_default, "as A was read before");
    CHECK_INT(served_update(s, owned_by_user("u1"), &a), ERR_CONFLICT); /* it would take the flag back */
    CHECK_STR(code_of(s), "provider.changed");
    CHECK_INT(served_find(s, ALL, a.model.id, &got), OK);
    got->provider.is_default = true;
    CHECK_INT(served_update(s, owned_by_user("u1"), got), OK);
    CHECK_INT(served_default(s, "u1", true, &got), OK);
    CHECK_STR(got->model.name, "a");
    CHECK_INT(served_find(s, ALL, b.model.id, &got), OK);
    CHECK(!got->provider.is_default, "B gave way to A");
}

/* One more in the name, and in a number of the model. */
static err count_in_provider(scope *s, provider_row *p, void *arg)
{
    (void)arg;
    p->name = arena_printf(s->arena, "%d", atoi(p->name) + 1);
    return OK;
}

static err count_in_model(scope *s, served_model *sm, void *arg)
{
    (void)s, (void)arg;
    sm->model.ranking++;
    return OK;
}

static err count_in_both(scope *s, served_model *sm, void *arg)
{
    TRY(count_in_model(s, sm, arg));
    return count_in_provider(s, &sm->provider, arg);
}

enum { CHANGES = 10 };

static err change_some(scope *s, void *arg)
{
    const served_model *sm = arg;

    for (int i = 0; i < CHANGES; i++) {
        TRY(provider_change(s, owned_by_user("u1"), sm->provider.id, count_in_provider, NULL));
        TRY(model_change(s, owned_by_user("u1"), sm->model.id, count_in_model, NULL));
        TRY(served_change(s, owned_by_user("u1"), sm->model.id, count_in_both, NULL));
    }
    return OK;
}

ENGINE_TEST(changes_at_the_same_time_all_stay)
{
    provider_row p = made_provider(s, "u1", "0");
    model_row m = made_model(s, p.id, "m", MODEL_LLM);
    served_model both = {.provider = p, .model = m}, *got = NULL;
    scope *group = scope_child(s, NO_LIMIT);

    for (int i = 0; i < 3; i++)
        scope_spawn(group, change_some, &both);
    CHECK_INT(scope_join(group), OK);
    CHECK_INT(served_find(s, ALL, m.id, &got), OK);
    CHECK_INT(atoi(got->provider.name), 3 * 2 * CHANGES);
    CHECK_INT(got->model.ranking, 3 * 2 * CHANGES);
    CHECK_INT(model_update(s, owned_by_user("u1"), &m), ERR_CONFLICT);
    CHECK_STR(code_of(s), "model.changed");
    CHECK_INT(provider_update(s, owned_by_user("u1"), &p), ERR_CONFLICT);
    CHECK_STR(code_of(s), "provider.changed");
    CHECK_INT(provider_change(s, owned_by_user("u2"), p.id, count_in_provider, NULL), ERR_NOT_FOUND);
}

ENGINE_TEST(the_systems_default_is_made_once_and_then_overwritten)
{
    served_model one = {
        .provider = {.name = "Default LLM Provider", .requester = "openai-chat-completions", .base_url = "http://a"},
        .model = {.name = "m1"}};
    served_model two = {
        .provider = {.name = "Default LLM Provider", .requester = "openai-chat-completions", .base_url = "http://b"},
        .model = {.name = "m2"}};
    served_model *got = NULL;

    made_served(s, "u1", "Own", "own", true);
    CHECK_INT(served_set_system_default(s, &one), OK);
    CHECK_INT(served_set_system_default(s, &two), OK);
    CHECK_STR(one.model.id, two.model.id);
    CHECK_INT(served_default(s, "u1", false, &got), OK);
    CHECK_STR(got->model.name, "m2");
    CHECK_STR(got->provider.base_url, "http://b");
    CHECK(got->provider.owner_id == NULL && got->provider.is_default, "the system's");
    CHECK_INT(served_default(s, "u1", true, &got), OK);
    CHECK_STR(got->model.name, "own"); /* a restart does not touch it */
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM provider"), 2);
}

ENGINE_TEST(an_entry_with_the_same_address_model_and_keys_is_found)
{
    served_model sm = {.provider = {.owner_id = "u1", .name = "P", .requester = "r", .base_url = "http://x/v1"},
                       .model = {.name = "m"}};
    served_model second = {.provider = {.owner_id = "u1", .name = "P2", .requester = "r", .base_url = "http://x/v1"},
                           .model = {.name = "m2"}};
    served_model *got = NULL;
    provider_row *p = NULL;

    setup_seal();
    sm.provider.sealed_keys = provider_seal_keys(s->arena, keys_ab, 2);
    second.provider.sealed_keys = provider_seal_keys(s->arena, keys_ba, 2);
    CHECK_INT(served_insert(s, &sm), OK);
    CHECK_INT(served_insert(s, &second), OK);
    CHECK_INT(served_find_same(s, "u1", NULL, "http://x/v1", "m", keys_ba, 2, &got), OK);
    CHECK_STR(got->model.id, sm.model.id);
    CHECK_INT(served_find_same(s, "u1", "r", "http://x/v1", "m2", keys_ab, 2, &got), OK);
    CHECK_STR(got->model.id, second.model.id);
    CHECK_INT(served_find_same(s, "u1", NULL, "http://x/v1", "m", keys_c, 1, &got), ERR_NOT_FOUND);
    CHECK_INT(served_find_same(s, "u1", NULL, "http://x/v1", "m", keys_ab, 1, &got), ERR_NOT_FOUND);
    CHECK_INT(served_find_same(s, "u2", NULL, "http://x/v1", "m", keys_ab, 2, &got), ERR_NOT_FOUND);
    CHECK_INT(served_find_same(s, NULL, NULL, "http://x/v1", "m", keys_ab, 2, &got), ERR_NOT_FOUND);
    CHECK_INT(provider_find_same(s, "u1", "r", "http://x/v1", keys_ab, 2, &p), OK);
    CHECK_STR(p->id, sm.provider.id);
    CHECK_INT(provider_find_same(s, "u1", "another", "http://x/v1", keys_ab, 2, &p), ERR_NOT_FOUND);
}

ENGINE_TEST(deleting_a_flat_entry_takes_an_empty_provider_along)
{
    served_model lone = made_served(s, "u1", "Lone", "m", false);
    provider_row p = made_provider(s, "u1", "Two");
    model_row a = made_model(s, p.id, "a", MODEL_LLM);
    provider_row *got = NULL;

    made_model(s, p.id, "b", MODEL_LLM);
    CHECK_INT(served_delete(s, owned_by_user("u2"), lone.model.id), ERR_NOT_FOUND);
    CHECK_INT(served_delete(s, owned_by_user("u1"), lone.model.id), OK);
    CHECK_INT(provider_find(s, ALL, lone.provider.id, &got), ERR_NOT_FOUND);
    CHECK_INT(served_delete(s, owned_by_user("u1"), a.id), OK);
    CHECK_INT(provider_find(s, ALL, p.id, &got), OK);
}

ENGINE_TEST(a_provider_is_found_by_its_name_own_ones_first)
{
    provider_row systems = made_provider(s, NULL, "Same"), own = made_provider(s, "u1", "Same"), *got = NULL;

    CHECK_INT(provider_find_by_name(s, with_system("u1"), "Same", &got), OK);
    CHECK_STR(got->id, own.id);
    CHECK_INT(provider_find_by_name(s, with_system("u2"), "Same", &got), OK);
    CHECK_STR(got->id, systems.id);
    CHECK_INT(provider_find_by_name(s, scope_of("u2"), "Same", &got), ERR_NOT_FOUND);
}

ENGINE_TEST(a_list_that_is_asked_for_whole_is_whole)
{
    enum { MANY = 1203 };
    provider_row *rows = NULL;
    served_model *served = NULL;
    db_batch *b = db_batch_new(s->arena);
    size_t n = 0;

    for (int i = 0; i < MANY; i++) {
        const char *id = arena_printf(s->arena, "p%d", i);
        provider_row p = {.id = id, .owner_id = "u1", .name = "p", .requester = "openai-chat-completions"};
        model_row m = {.id = id, .provider_id = id, .name = "m"};

        provider_fill(s, &p);
        model_fill(s, &m);
        p.created_at = i;
        provider_add_insert(b, &p);
        model_add_insert(b, &m);
    }
    CHECK_INT(db_batch_run(s, b), OK);
    CHECK_INT(provider_list(s, scope_of("u1"), (page){.limit = 100000}, &rows, &n, NULL), OK);
    CHECK_INT(n, 1000);
    CHECK_INT(provider_list(s, scope_of("u1"), (page){.all = true}, &rows, &n, NULL), OK);
    CHECK_INT(n, MANY);
    CHECK_STR(rows[MANY - 1].id, "p1202");
    CHECK_INT(served_list(s, scope_of("u1"), MODEL_LLM, NULL, (page){.all = true}, &served, &n, NULL), OK);
    CHECK_INT(n, MANY);
}
