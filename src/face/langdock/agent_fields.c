/* SPDX-License-Identifier: MIT */
/* Agents in the platform's words; see agent_fields.h. */
#include "face/langdock/agent_fields.h"

#include "auth/rules.h"
#include "face/langdock/envelope.h"
#include "model/action.h"
#include "model/attachment.h"
#include "model/connection.h"
#include "model/integration.h"

enum { LOOPS_DEFAULT = 20, ITEMS_MAX = 200 };

/* What is kept beside the configuration, by the name in requests, with its name in answers and the value of an agent that
 * does not say. */
static const struct {
    const char *name, *shown, *fallback;
} extras[] = {
    {"emoji", "emojiIcon", "null"},
    {"inputType", "inputType", "\"PROMPT\""},
    {"creativity", "temperature", "null"},
    {"conversationStarters", "conversationStarters", "[]"},
    {"actions", "actions", "[]"},
    {"inputFields", "inputFields", "[]"},
    {"attachments", "attachments", "[]"},
    {"knowledgeFolderIds", "knowledgeFolderIds", "[]"},
    {"webSearch", "webSearchEnabled", "false"},
    {"imageGeneration", "imageGenerationEnabled", "false"},
    {"canvas", "canvasEnabled", "false"},
    {"extendedThinking", "extendedThinking", "false"},
};

/* Reading */

static err read_object(scope *s, const char *text, json_t **out)
{
    json_t *v;

    if (text == NULL) {
        *out = json_hold(s->arena, json_object());
        return OK;
    }
    if (json_parse(s->arena, text, strlen(text), NULL, &v) != OK || !json_is_object(v))
        return fail(s, ERR_INTERNAL, "a stored agent is damaged");
    *out = v;
    return OK;
}

err agent_document_read(scope *s, const char *name, const char *config, const char *extra, agent_document *out)
{
    out->name = name;
    TRY(read_object(s, config, &out->config));
    return read_object(s, extra, &out->extra);
}

void agent_document_new(scope *s, agent_document *out)
{
    *out = (agent_document){.config = json_hold(s->arena, json_object()), .extra = json_hold(s->arena, json_object())};
    json_set_int(out->config, "maxLoopCount", LOOPS_DEFAULT);
    json_set_str(out->config, "agentMode", "simple");
    json_set(out->config, "availableTools", json_array());
    json_set_num(out->extra, "creativity", 0.3);
    json_set(out->extra, "actions", json_array()); /* it has the tools that it names, and no others */
}

bool dock_is_agent_id(const char *text)
{
    static const char older[] = "agent_";

    return dock_is_id(text) || (cstr_starts(text, older) && strlen(text) == sizeof older - 1 + 8 &&
                                strspn(text + sizeof older - 1, "0123456789abcdef") == 8);
}

/* Checking what a body refers to */

static err unknown(request *rq, const char *what, const char *id)
{
    return fail_code(rq->scope, ERR_NOT_FOUND, "agent.reference", id, "%s not found: %s", what, id);
}

static err check_action(request *rq, const char *owner_id, const char *id, action_row **out)
{
    integration_row *integration;
    err e = dock_is_id(id) ? action_find(rq->scope, NULL, id, out) : ERR_NOT_FOUND;

    if (e == OK)
        e = integration_find(rq->scope, owned_by_user(owner_id), (*out)->integration_id, &integration);
    return e == ERR_NOT_FOUND || e == ERR_DENIED ? unknown(rq, "Action", id) : e;
}

/* A connection of the owner's to that integration, or the one that the agent has at this action already. */
static err check_connection(request *rq, const char *owner_id, const json_t *before, const action_row *action,
                            const char *id)
{
    connection_row *c;
    err e;

    if (id == NULL)
        return OK;
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *old = json_array_get(before, i);

        if (cstr_eq(json_get_str(old, "actionId", NULL), action->id) &&
            cstr_eq(json_get_str(old, "connectionId", NULL), id))
            return OK;
    }
    e = connection_find(rq->scope, owned_by_user(owner_id), action->integration_id, id, &c);
    return e == ERR_NOT_FOUND ? unknown(rq, "Connection", id) : e;
}

static err check_actions(request *rq, const char *owner_id, const json_t *before, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);
        action_row *action;

        TRY(check_action(rq, owner_id, json_get_str(one, "actionId", ""), &action));
        TRY(check_connection(rq, owner_id, before, action, json_get_str(one, "connectionId", NULL)));
        if (!json_is_boolean(json_object_get(one, "requiresConfirmation")))
            json_set_bool(one, "requiresConfirmation", true);
        if (json_object_get(one, "connectionId") == NULL)
            json_set(one, "connectionId", json_null());
    }
    return OK;
}

/* An agent's files are its owner's; of an agent without owner, those of whoever uses it. */
static err check_attachments(request *rq, const char *owner_id, const json_t *list)
{
    owned_by owner = owner_id != NULL ? owned_by_user(owner_id) : own_rows_of(rq->user);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        attachment_row *at;
        err e = dock_is_id(id) ? attachment_find(rq->scope, owner, id, &at) : ERR_NOT_FOUND;

        if (e == ERR_NOT_FOUND)
            return unknown(rq, "Attachment", id);
        TRY(e);
    }
    return OK;
}

/* Changing */

/* The member under its name or an older one; NULL when it was not sent. */
static json_t *sent(const json_t *body, const char *name, const char *older)
{
    json_t *v = json_object_get(body, name);

    return v != NULL || older == NULL ? v : json_object_get(body, older);
}

static json_t *sent_extra(const json_t *body, const char *name)
{
    const json_t *capabilities = json_get_obj(body, "capabilities");
    json_t *v = sent(body, name,
                     cstr_eq(name, "creativity")    ? "temperature"
                     : cstr_eq(name, "emoji")       ? "emojiIcon"
                     : cstr_eq(name, "attachments") ? "attachmentIds"
                                                    : NULL);

    return v != NULL ? v : json_object_get(capabilities, name);
}

static err change_model(request *rq, const json_t *v, agent_document *doc)
{
    served_model *sm;

    if (v == NULL)
        return OK;
    if (json_is_null(v) || cstr_blank(json_string_value(v))) {
        json_set(doc->config, "llm_provider_id", json_null());
        return OK;
    }
    TRY(dock_model(rq, json_string_value(v), MODEL_LLM, &sm));
    json_set_str(doc->config, "llm_provider_id", sm->model.id);
    return OK;
}

static err check_extra(request *rq, const char *name, const char *owner_id, const agent_document *doc, json_t *v)
{
    if (cstr_eq(name, "actions"))
        return check_actions(rq, owner_id, json_object_get(doc->extra, "actions"), v);
    if (cstr_eq(name, "attachments"))
        return check_attachments(rq, owner_id, v);
    if (cstr_eq(name, "knowledgeFolderIds") && json_array_size(v) > 0) /* there are none on this server */
        return unknown(rq, "Knowledge folder", json_string_value(json_array_get(v, 0)));
    return OK;
}

static err change_extras(request *rq, const json_t *body, const char *owner_id, agent_document *doc)
{
    for (size_t i = 0; i < COUNT(extras); i++) {
        json_t *v = sent_extra(body, extras[i].name), *copy;

        if (v == NULL)
            continue;
        if (json_is_null(v)) {
            json_object_del(doc->extra, extras[i].name);
            continue;
        }
        copy = json_hold(rq->scope->arena, json_deep_copy(v));
        TRY(check_extra(rq, extras[i].name, owner_id, doc, copy));
        json_set(doc->extra, extras[i].name, json_incref(copy));
        if (cstr_eq(extras[i].name, "webSearch"))
            json_set(doc->config, "availableTools",
                     json_is_true(copy) ? json_pack("[s]", "fetch_webpages") : json_array());
    }
    return OK;
}

/* The model that the agent runs with. */
static err model_of(request *rq, const agent_document *doc, served_model **out)
{
    const char *id = json_get_str(doc->config, "llm_provider_id", NULL);
    provider_scope any = {.who = OWNED_BY_ANYONE, .with_system = true};

    if (!cstr_blank(id))
        return served_find(rq->scope, any, id, out);
    return served_default(rq->scope, rq->user->user_id, false, out);
}

static err check_thinking(request *rq, const agent_document *doc)
{
    served_model *sm;
    err e;

    if (!json_is_true(json_object_get(doc->extra, "extendedThinking")))
        return OK;
    e = model_of(rq, doc, &sm);
    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    if (!model_has_ability(&sm->model, "reasoning"))
        return fail(rq->scope, ERR_INVALID, "The model %s does not support extendedThinking", sm->model.name);
    return OK;
}

static void change_text(json_t *config, const char *key, const json_t *v)
{
    if (v != NULL)
        json_set_str(config, key, json_is_string(v) ? json_string_value(v) : "");
}

err agent_document_change(request *rq, const json_t *body, const char *owner_id, agent_document *doc)
{
    const char *name = json_get_str(body, "name", NULL);

    if (name != NULL)
        doc->name = name;
    change_text(doc->config, "systemPrefix", sent(body, "instruction", "instructions"));
    change_text(doc->config, "description", sent(body, "description", NULL));
    TRY(change_model(rq, sent(body, "model", NULL), doc));
    TRY(change_extras(rq, body, owner_id, doc));
    return check_thinking(rq, doc);
}

/* Showing */

static json_t *parsed(const char *text)
{
    return json_loads(text, JSON_DECODE_ANY, NULL);
}

static err show_model(request *rq, const agent_document *doc, json_t *o)
{
    served_model *sm;
    err e = model_of(rq, doc, &sm);

    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    json_set_str(o, "model", e == OK ? sm->model.name : NULL);
    return OK;
}

err agent_document_show(request *rq, const agent_row *row, const agent_document *doc, json_t **out)
{
    arena *a = rq->scope->arena;
    json_t *o = json_hold(a, json_object());

    json_set_str(o, "id", row->id);
    json_set_str(o, "name", doc->name);
    json_set_str(o, "description", json_get_str(doc->config, "description", ""));
    json_set_str(o, "instruction", json_get_str(doc->config, "systemPrefix", ""));
    TRY(show_model(rq, doc, o));
    for (size_t i = 0; i < COUNT(extras); i++) {
        json_t *v = json_object_get(doc->extra, extras[i].name);

        json_set(o, extras[i].shown, v != NULL ? json_deep_copy(v) : parsed(extras[i].fallback));
    }
    TRY(action_entries_refresh(rq->scope, json_object_get(o, "actions")));
    json_set_bool(o, "codeInterpreterEnabled", false);
    json_set_str(o, "owner", row->owner_id);
    json_set_bool(o, "disabled", row->disabled);
    json_set_str(o, "createdAt", dock_time(a, row->created_at));
    json_set_str(o, "updatedAt", dock_time(a, row->updated_at));
    *out = json_incref(o);
    return OK;
}

/* Schemas of the lists in a body */

typedef struct {
    const char *actionId, *connectionId;
    bool requiresConfirmation;
} action_item;
static const field action_fields[] = {
    FIELD(action_item, actionId, .required = true, .not_null = true, .text = "From the list of integrations"),
    FIELD(action_item, requiresConfirmation, .text = "Such actions do not run through the API; default true"),
    FIELD(action_item, connectionId, .text = "The credentials that everybody who uses the agent acts with"),
};
const schema dock_agent_action_schema = SCHEMA(action_item, action_fields);

typedef struct {
    const char *slug, *type, *label, *description, *fileTypes, *emailDomain;
    bool required;
    int64_t order;
    json_t *options;
} input_field_item;
static const field input_field_fields[] = {
    FIELD(input_field_item, slug, .required = true, .min = 1, .max = 64),
    FIELD(input_field_item, type, .required = true,
          .one_of = "TEXT|MULTI_LINE_TEXT|NUMBER|CHECKBOX|FILE|SELECT|MULTI_SELECT|DATE|EMAIL"),
    FIELD(input_field_item, label, .required = true, .min = 1, .max = 255),
    FIELD(input_field_item, description, .max = 512),
    FIELD(input_field_item, required),
    FIELD(input_field_item, order, .max = 10000),
    FIELD(input_field_item, options, .json = JSON_STRINGS_TYPE, .max = ITEMS_MAX),
    FIELD(input_field_item, fileTypes, .max = 1000),
    FIELD(input_field_item, emailDomain, .max = 255),
};
const schema dock_input_field_schema = SCHEMA(input_field_item, input_field_fields);
