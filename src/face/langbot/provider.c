/* SPDX-License-Identifier: MIT */
/* Providers (contracts/langbot.md section 4.2). */
#include "model/provider.h"

#include "auth/rules.h"
#include "face/langbot/envelope.h"
#include "face/langbot/handlers.h"
#include "face/langbot/provider_json.h"

enum { KEYS_MAX = 100 };

static provider_scope visible(const request *rq)
{
    return (provider_scope){.who = rows_of(rq->user), .with_system = true};
}

static bool is_listed(const char *const *keys, size_t n, str key)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(key, keys[i]))
            return true;
    return false;
}

err bot_read_keys(request *rq, const json_t *v, const char ***out, size_t *n)
{
    size_t given = json_is_string(v) ? 1 : json_array_size(v);
    const char **keys = arena_array(rq->scope->arena, const char *, given);

    if (v != NULL && !json_is_null(v) && !json_is_string(v) && !json_is_array(v))
        return fail(rq->scope, ERR_INVALID, "api_keys must be a list of texts or a text");
    if (given > KEYS_MAX)
        return fail(rq->scope, ERR_INVALID, "api_keys has more than %d entries", KEYS_MAX);
    *n = 0;
    for (size_t i = 0; i < given; i++) {
        const json_t *item = json_is_string(v) ? v : json_array_get(v, i);
        str key = str_trim(str_of(json_string_value(item)));

        if (!json_is_string(item))
            return fail(rq->scope, ERR_INVALID, "api_keys must be texts");
        if (key.len > 0 && !is_listed(keys, *n, key))
            keys[(*n)++] = str_dup(rq->scope->arena, key);
    }
    *out = keys;
    return OK;
}

err bot_provider_json(request *rq, const provider_row *p, json_t **out)
{
    json_t *o = json_object(), *shown = json_array();
    const char **keys;
    size_t n = 0;

    if (provider_open_keys(rq->scope, p, &keys, &n) != OK)
        n = 0; /* sealed under another master key: shown without keys */
    for (size_t i = 0; i < n && bot_sees_secrets(rq); i++)
        json_array_append_new(shown, json_string(keys[i]));
    if (n > 0 && !bot_sees_secrets(rq))
        json_array_append_new(shown, json_string("***"));
    json_set_str(o, "uuid", p->id);
    json_set_str(o, "workspace_uuid", BOT_WORKSPACE);
    json_set_str(o, "name", p->name);
    json_set_str(o, "requester", p->requester);
    json_set_str(o, "base_url", p->base_url);
    json_set(o, "api_keys", shown);
    json_set(o, "created_at", bot_time(rq->scope->arena, p->created_at));
    json_set(o, "updated_at", bot_time(rq->scope->arena, p->updated_at));
    *out = json_hold(rq->scope->arena, o);
    return OK;
}

static void put_counts(json_t *o, const char *id, const provider_counts *counts, size_t n)
{
    const provider_counts none = {0}, *own = &none;

    for (size_t i = 0; i < n; i++)
        if (cstr_eq(counts[i].provider_id, id))
            own = &counts[i];
    json_set_int(o, "llm_count", own->llm);
    json_set_int(o, "embedding_count", own->embedding);
    json_set_int(o, "rerank_count", own->rerank);
}

/* GET /api/v1/provider/providers */
err bot_provider_list(request *rq, response *rs)
{
    json_t *data, *list = json_hold(rq->scope->arena, json_array()), *one;
    provider_counts *counts;
    provider_row *rows;
    size_t n, n_counts;

    TRY(provider_list(rq->scope, visible(rq), (page){.limit = 1000}, &rows, &n, NULL));
    TRY(provider_count_models(rq->scope, visible(rq), &counts, &n_counts));
    for (size_t i = 0; i < n; i++) {
        TRY(bot_provider_json(rq, &rows[i], &one));
        put_counts(one, rows[i].id, counts, n_counts);
        json_array_append(list, one);
    }
    data = json_object();
    json_set(data, "providers", json_incref(list));
    return bot_ok(rq, rs, data);
}

typedef struct {
    const char *name, *requester, *base_url;
    json_t *api_keys;
} provider_body;
#define PROVIDER_FIELDS(needed)                                                                                        \
    FIELD(provider_body, name, .required = (needed), .not_null = (needed), .max = 255),                                \
        FIELD(provider_body, requester, .required = (needed), .not_null = (needed),                                    \
              .text = "See /provider/requesters"),                                                                     \
        FIELD(provider_body, base_url, .required = (needed), .not_null = (needed), .max = 2048),                       \
        FIELD(provider_body, api_keys, .text = "A list of keys, or one key")
static const field create_fields[] = {PROVIDER_FIELDS(true)};
static const field update_fields[] = {PROVIDER_FIELDS(false)};
const schema bot_provider_schema = {"provider_create", sizeof(provider_body), create_fields, COUNT(create_fields),
                                    SIZE_MAX};
const schema bot_provider_update_schema = {"provider_update", sizeof(provider_body), update_fields,
                                           COUNT(update_fields), SIZE_MAX};

char *bot_clean_url(arena *a, const char *url)
{
    str s = str_trim(str_of(url));

    while (s.len > 0 && s.p[s.len - 1] == '/')
        s.len--;
    return str_dup(a, s);
}

/* POST /api/v1/provider/providers */
err bot_provider_create(request *rq, response *rs)
{
    const provider_body *in = rq->body;
    arena *a = rq->scope->arena;
    const char **keys;
    provider_row row;
    json_t *data;
    size_t n;

    if (!bot_requester_known(in->requester))
        return fail(rq->scope, ERR_INVALID, "Unknown requester: %s", in->requester);
    TRY(bot_read_keys(rq, in->api_keys, &keys, &n));
    row = (provider_row){.owner_id = rq->user->user_id,
                         .name = in->name,
                         .requester = in->requester,
                         .base_url = bot_clean_url(a, in->base_url),
                         .sealed_keys = provider_seal_keys(a, keys, n)};
    TRY(provider_insert(rq->scope, &row));
    data = json_object();
    json_set_str(data, "uuid", row.id);
    return bot_ok(rq, rs, data);
}

static err find(request *rq, response *rs, provider_row **out)
{
    err e = provider_find(rq->scope, visible(rq), request_param(rq, "uuid"), out);

    *out = e == OK ? *out : NULL;
    return e == ERR_NOT_FOUND ? bot_error(rq, rs, 404, -1, NULL, "provider not found") : e;
}

/* GET /api/v1/provider/providers/{uuid} */
err bot_provider_get(request *rq, response *rs)
{
    provider_counts *counts;
    json_t *data, *one;
    provider_row *row;
    size_t n_counts;
    err e = find(rq, rs, &row);

    if (row == NULL)
        return e;
    TRY(bot_provider_json(rq, row, &one));
    TRY(provider_count_models(rq->scope, visible(rq), &counts, &n_counts));
    put_counts(one, row->id, counts, n_counts);
    data = json_object();
    json_set(data, "provider", json_incref(one));
    return bot_ok(rq, rs, data);
}

static bool is_mask(const char *key)
{
    return strcmp(key, "***") == 0;
}

/* A mask alone means all stored keys, and one among others the stored key at its place. */
static err set_keys(request *rq, const json_t *given, provider_row *row)
{
    const char **keys, **before;
    size_t n, n_before;

    TRY(bot_read_keys(rq, given, &keys, &n));
    if (n == 1 && is_mask(keys[0]) && row->sealed_keys != NULL)
        return OK;
    TRY(provider_open_keys(rq->scope, row, &before, &n_before));
    for (size_t i = 0; i < n; i++) {
        if (!is_mask(keys[i]))
            continue;
        if (i >= n_before)
            return fail(rq->scope, ERR_INVALID, "Masked secret has no existing value");
        keys[i] = before[i];
    }
    row->sealed_keys = provider_seal_keys(rq->scope->arena, keys, n);
    return OK;
}

/* PUT /api/v1/provider/providers/{uuid} */
err bot_provider_update(request *rq, response *rs)
{
    const provider_body *in = rq->body;
    arena *a = rq->scope->arena;
    provider_row *row;

    TRY(provider_find(rq->scope, visible(rq), request_param(rq, "uuid"), &row));
    if (in->requester != NULL && !bot_requester_known(in->requester))
        return fail(rq->scope, ERR_INVALID, "Unknown requester: %s", in->requester);
    row->name = in->name != NULL ? in->name : row->name;
    row->requester = in->requester != NULL ? in->requester : row->requester;
    row->base_url = in->base_url != NULL ? bot_clean_url(a, in->base_url) : row->base_url;
    if (in->api_keys != NULL)
        TRY(set_keys(rq, in->api_keys, row));
    TRY(provider_update(rq->scope, rows_of(rq->user), row));
    return bot_ok(rq, rs, NULL);
}

/* DELETE /api/v1/provider/providers/{uuid} */
err bot_provider_delete(request *rq, response *rs)
{
    static const struct {
        const char *text;
        size_t at;
    } kinds[] = {{"LLM", offsetof(provider_counts, llm)},
                 {"Embedding", offsetof(provider_counts, embedding)},
                 {"Rerank", offsetof(provider_counts, rerank)}};
    const char *id = request_param(rq, "uuid");
    provider_counts *counts;
    size_t n;
    err e = provider_delete(rq->scope, rows_of(rq->user), id);

    if (e != ERR_CONFLICT)
        return e != OK ? e : bot_ok(rq, rs, NULL);
    TRY(provider_count_models(rq->scope, visible(rq), &counts, &n));
    for (size_t i = 0; i < n * COUNT(kinds); i++) {
        const provider_counts *c = &counts[i / COUNT(kinds)];
        int64_t used;

        memcpy(&used, (const char *)c + kinds[i % COUNT(kinds)].at, sizeof used);
        if (cstr_eq(c->provider_id, id) && used > 0)
            return bot_error(rq, rs, 400, -1, NULL,
                             arena_printf(rq->scope->arena, "Cannot delete provider: %s models still reference it",
                                          kinds[i % COUNT(kinds)].text));
    }
    return e;
}
