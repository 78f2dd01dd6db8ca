/* SPDX-License-Identifier: MIT */
/* Providers (contracts/langbot.md section 4.2). */
#include "model/provider.h"

#include "auth/rules.h"
#include "base/map.h"
#include "face/langbot/envelope.h"
#include "face/langbot/handlers.h"
#include "face/langbot/provider_json.h"
#include "face/langbot/secrets.h"

static provider_scope visible(const request *rq)
{
    return (provider_scope){.who = rows_of(rq->user), .with_system = true};
}

err bot_provider_json(request *rq, const provider_row *p, json_t **out)
{
    bool clear = bot_sees_secrets(rq, p->owner_id);
    json_t *o = json_object(), *shown = json_array();
    const char **keys;
    size_t n = 0;

    if (provider_open_keys(rq->scope, p, &keys, &n) != OK)
        n = 0; /* sealed under another master key: shown without keys */
    for (size_t i = 0; i < n && clear; i++)
        json_array_append_new(shown, json_string(keys[i]));
    if (n > 0 && !clear)
        json_array_append_new(shown, json_string("***"));
    json_set_str(o, "uuid", p->id);
    json_set_str(o, "workspace_uuid", BOT_WORKSPACE);
    json_set_str(o, "name", p->name);
    json_set_str(o, "requester", p->requester);
    json_set_str(o, "base_url", clear ? p->base_url : secrets_hide_url(rq->scope->arena, p->base_url));
    json_set(o, "api_keys", shown);
    json_set(o, "created_at", bot_time(rq->scope->arena, p->created_at));
    json_set(o, "updated_at", bot_time(rq->scope->arena, p->updated_at));
    *out = json_hold(rq->scope->arena, o);
    return OK;
}

static void free_map(void *arg)
{
    map_free(arg);
}

static void put_counts(json_t *o, const provider_counts *own)
{
    static const provider_counts none;

    if (own == NULL)
        own = &none;
    json_set_int(o, "llm_count", own->llm);
    json_set_int(o, "embedding_count", own->embedding);
    json_set_int(o, "rerank_count", own->rerank);
}

/* The counts by the provider's id, for as long as the request. */
static err counts_by_id(request *rq, map **out)
{
    provider_counts *counts;
    size_t n;

    TRY(provider_count_models(rq->scope, visible(rq), &counts, &n));
    *out = map_new();
    arena_defer(rq->scope->arena, free_map, *out);
    for (size_t i = 0; i < n; i++)
        map_put(*out, counts[i].provider_id, &counts[i]);
    return OK;
}

/* GET /api/v1/provider/providers */
err bot_provider_list(request *rq, response *rs)
{
    json_t *data, *list = json_hold(rq->scope->arena, json_array()), *one;
    provider_row *rows;
    map *counts;
    size_t n;

    TRY(provider_list(rq->scope, visible(rq), (page){.all = true}, &rows, &n, NULL));
    TRY(counts_by_id(rq, &counts));
    for (size_t i = 0; i < n; i++) {
        TRY(bot_provider_json(rq, &rows[i], &one));
        put_counts(one, map_get(counts, rows[i].id));
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

/* POST /api/v1/provider/providers */
err bot_provider_create(request *rq, response *rs)
{
    const provider_body *in = rq->body;
    arena *a = rq->scope->arena;
    provider_keys keys;
    provider_row row;
    json_t *data;

    if (!bot_requester_known(in->requester))
        return fail(rq->scope, ERR_INVALID, "Unknown requester: %s", in->requester);
    TRY(provider_take_keys(rq->scope, in->api_keys, NULL, &keys));
    row = (provider_row){.owner_id = rq->user->user_id,
                         .name = in->name,
                         .requester = in->requester,
                         .base_url = provider_clean_url(a, in->base_url),
                         .sealed_keys = provider_seal_keys(a, keys.list, keys.n)};
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
    json_t *data, *one;
    provider_row *row;
    map *counts;
    err e = find(rq, rs, &row);

    if (row == NULL)
        return e;
    TRY(bot_provider_json(rq, row, &one));
    TRY(counts_by_id(rq, &counts));
    put_counts(one, map_get(counts, row->id));
    data = json_object();
    json_set(data, "provider", json_incref(one));
    return bot_ok(rq, rs, data);
}

/* What is absent or null stays. */
static err apply(scope *s, provider_row *row, void *arg)
{
    const request *rq = arg;
    const provider_body *in = rq->body;
    provider_keys keys;

    if (in->requester != NULL && !cstr_eq(in->requester, row->requester) && !bot_requester_known(in->requester))
        return fail(s, ERR_INVALID, "Unknown requester: %s", in->requester);
    row->name = in->name != NULL ? in->name : row->name;
    row->requester = in->requester != NULL ? in->requester : row->requester;
    if (in->base_url != NULL)
        row->base_url = secrets_restore_url(s->arena, provider_clean_url(s->arena, in->base_url), row->base_url);
    if (in->api_keys != NULL) {
        TRY(provider_take_keys(s, in->api_keys, row, &keys));
        row->sealed_keys = provider_seal_keys(s->arena, keys.list, keys.n);
    }
    return OK;
}

/* PUT /api/v1/provider/providers/{uuid} */
err bot_provider_update(request *rq, response *rs)
{
    TRY(provider_change(rq->scope, rows_of(rq->user), request_param(rq, "uuid"), apply, rq));
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
