/* SPDX-License-Identifier: MIT */
/* Models for agents: their list, and finding one by the ids that clients know (contracts/langdock.md section 6.1). */
#include "auth/rules.h"
#include "face/langdock/agent_fields.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/envelope.h"

enum { MODELS_MAX = 1000 };

static provider_scope models_of(const request *rq)
{
    return (provider_scope){.who = own_rows_of(rq->user), .with_system = true};
}

/* "claude-x@default" and "claude-x-default" are one. */
static bool same_model(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if (*a != *b && !(strchr("@-", *a) != NULL && strchr("@-", *b) != NULL))
            return false;
    return *a == *b;
}

err dock_model(request *rq, const char *name, model_kind kind, served_model **out)
{
    scope *s = rq->scope;
    served_model *all;
    size_t n;
    err e = served_find_by_name(s, models_of(rq), NULL, name, kind, out);

    if (e == ERR_NOT_FOUND && dock_is_id(name) && (e = model_find(s, models_of(rq), name, out)) == OK &&
        (*out)->model.kind != kind)
        e = ERR_NOT_FOUND;
    if (e != ERR_NOT_FOUND)
        return e;
    TRY(served_list(s, models_of(rq), kind, NULL, (page){.limit = MODELS_MAX}, &all, &n, NULL));
    for (size_t i = 0; i < n; i++)
        if (same_model(all[i].model.name, name)) {
            *out = &all[i];
            return OK;
        }
    return fail_code(s, ERR_NOT_FOUND, "model.not_found", name, "Model not found: %s", name);
}

static bool listed_before(const served_model *all, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (cstr_eq(all[i].model.name, all[at].model.name))
            return true;
    return false;
}

/* GET /agent/v1/models, GET /assistant/v1/models */
err dock_agent_models(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object()), *list = json_array();
    served_model *all;
    size_t n;

    json_set_str(o, "object", "list");
    json_set(o, "data", list);
    TRY(served_list(rq->scope, models_of(rq), MODEL_LLM, NULL, (page){.limit = MODELS_MAX}, &all, &n, NULL));
    for (size_t i = 0; i < n; i++) {
        json_t *m;

        if (listed_before(all, i)) /* a name means one model: the first */
            continue;
        m = json_object();
        json_set_str(m, "id", all[i].model.name);
        json_set_str(m, "object", "model");
        json_set_int(m, "created", all[i].model.created_at / 1000);
        json_set_str(m, "owned_by", "system");
        json_set_str(m, "region", "global");
        json_set_bool(m, "supportsExtendedThinking", model_has_ability(&all[i].model, "reasoning"));
        json_array_append_new(list, m);
    }
    return reply_json(rs, 200, o);
}
