/* SPDX-License-Identifier: MIT */
/*
 * Agents as the editor and the chat page read them (contracts/sage-chat-agents.md section 6.1).
 *
 * The list is what every page of the web client asks for, and it holds all configurations in full, so each loop keeps the
 * written lists of the users it heard last.  A list is believed for LIST_TRUST, and only as long as this process changed no
 * agent since.
 */
#include <stdlib.h>

#include "auth/identity.h"
#include "base/clock.h"
#include "base/mem.h"
#include "face/sage/envelope.h"
#include "face/sage/handlers.h"
#include "model/agent.h"
#include "model/version.h"
#include "rt/loop.h"

#define LIST_TRUST SECONDS(2)

enum {
    PLACES = 256,
    ALL_LISTS_MAX = 16 << 20, /* of one loop */
    LIST_MAX = 60 << 20       /* what an answer can hold */
};

typedef struct {
    char *user; /* "" for administrators, who see everything; NULL: the place is free */
    buf text;   /* a JSON array */
    size_t n;   /* agents in it */
    uint64_t version;
    int64_t loaded_at;
} kept_list;

static THREAD_LOCAL struct {
    kept_list places[PLACES];
    size_t bytes;
    bool ready;
} kept;

static void drop(kept_list *k)
{
    kept.bytes -= k->text.len;
    free(k->user);
    buf_close(&k->text);
    *k = (kept_list){0};
}

static void drop_all(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < PLACES; i++)
        drop(&kept.places[i]);
    kept.ready = false;
}

/* One place for each hash: who shares it with a busy neighbour is read from the database. */
static kept_list *place_of(const char *user)
{
    uint32_t h = 2166136261u;

    for (const char *c = user; *c != '\0'; c++)
        h = (h ^ (unsigned char)*c) * 16777619u;
    return &kept.places[h % PLACES];
}

static const kept_list *find_kept(const char *user, uint64_t version)
{
    const kept_list *k = place_of(user);
    bool good = cstr_eq(k->user, user) && k->version == version && clock_mono() - k->loaded_at < LIST_TRUST;

    return good ? k : NULL;
}

static void keep(const char *user, uint64_t version, const buf *text, size_t n)
{
    kept_list *k = place_of(user);

    if (!kept.ready) {
        scope_defer(loop_root(loop_self()), drop_all, NULL);
        kept.ready = true;
    }
    drop(k);
    if (!buf_ok(text) || text->len > ALL_LISTS_MAX / 4)
        return;
    if (kept.bytes + text->len > ALL_LISTS_MAX)
        for (size_t i = 0; i < PLACES; i++)
            drop(&kept.places[i]);
    *k = (kept_list){
        .user = mem_strdup(user), .text = BUF_INIT(text->len), .n = n, .version = version, .loaded_at = clock_mono()};
    buf_add(&k->text, buf_str(text), text->len);
    kept.bytes += k->text.len;
}

static owned_by caller(const request *rq)
{
    return rq->user->admin ? OWNED_BY_ANYONE : owned_by_user(rq->user->user_id);
}

/* A key of the stored configuration; null when it is not there. */
static json_t *stored(const json_t *config, const char *key)
{
    json_t *v = json_object_get(config, key);

    return v != NULL ? json_incref(v) : json_null();
}

static json_t *agent_json(arena *a, const agent_row *row)
{
    static const char *const as_stored[] = {"systemPrefix",         "systemContext",         "availableWorkflows",
                                            "availableTools",       "availableSkills",       "availableKnowledgeBases",
                                            "availableSubAgentIds", "subAgentSelectionMode", "memoryType",
                                            "maxLoopCount",         "llm_provider_id",       "fast_llm_provider_id",
                                            "description"};
    json_t *o = json_object(), *config = NULL;

    if (json_parse(a, row->config, strlen(row->config), NULL, &config) != OK)
        config = NULL;
    json_set_str(o, "id", row->id);
    json_set_str(o, "user_id", row->owner_id != NULL ? row->owner_id : "");
    json_set_str(o, "name", row->name);
    for (size_t i = 0; i < COUNT(as_stored); i++)
        json_set(o, as_stored[i], stored(config, as_stored[i]));
    json_set_bool(o, "deepThinking", json_get_bool(config, "deepThinking", false));
    json_set_str(o, "thinkingLevel", json_get_str(config, "thinkingLevel", "medium"));
    json_set_bool(o, "enableMultimodal", json_get_bool(config, "enableMultimodal", false));
    json_set_str(o, "agentMode", json_get_str(config, "agentMode", "simple"));
    json_set_bool(o, "is_default", row->is_default);
    json_set_str(o, "created_at", clock_iso_local(a, row->created_at));
    json_set_str(o, "updated_at", clock_iso_local(a, row->updated_at));
    json_set(o, "im_channels", json_null());
    return o;
}

static err answer_list(request *rq, response *rs, const buf *text, size_t n)
{
    char count[24];

    snprintf(count, sizeof count, "%zu", n);
    return sage_ok_written(rq, rs, "agent.list_loaded", count, text);
}

/* GET /api/agent/list */
err sage_agent_list(request *rq, response *rs)
{
    const char *user = rq->user->admin ? "" : rq->user->user_id;
    uint64_t version = version_of(VERSION_AGENTS);
    const kept_list *k = find_kept(user, version);
    buf *text;
    agent_row *rows;
    size_t n;

    if (k != NULL)
        return answer_list(rq, rs, &k->text, k->n);
    TRY(agent_list(rq->scope, caller(rq), &rows, &n));
    text = buf_new(rq->scope->arena, LIST_MAX);
    buf_putc(text, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(text, ',');
        json_write(text, json_hold(rq->scope->arena, agent_json(rq->scope->arena, &rows[i])));
    }
    buf_putc(text, ']');
    if (!buf_ok(text))
        return fail(rq->scope, ERR_TOO_LARGE, "the list of agents is too long for one answer");
    keep(user, version, text, n);
    return answer_list(rq, rs, text, n);
}

/* GET /api/agent/{agent_id} */
err sage_agent_get(request *rq, response *rs)
{
    agent_row *row;

    TRY(agent_find_for(rq->scope, caller(rq), request_param(rq, "agent_id"), &row));
    return sage_ok(rq, rs, "agent.loaded", row->id, agent_json(rq->scope->arena, row));
}
