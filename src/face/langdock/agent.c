/* SPDX-License-Identifier: MIT */
/*
 * Agents: create, read, change, publish, disable (contracts/langdock.md section 6).  Changes go to the draft; what was published
 * is what answers.
 */
#include "model/agent.h"

#include <sodium.h>

#include "auth/rules.h"
#include "base/id.h"
#include "face/langdock/agent_fields.h"
#include "face/langdock/agent_handlers.h"
#include "face/langdock/agent_shared.h"
#include "face/langdock/envelope.h"

enum { TRIES = 16 }; /* of a change while others change the same agent */

/* The bodies.  Members are read from the JSON itself, since absent and null differ; the table checks and documents them. */
typedef struct {
    const char *agentId, *assistantId;
    const char *name, *description, *emoji, *emojiIcon, *instruction, *instructions, *inputType, *model;
    double creativity, temperature;
    json_t *conversationStarters, *actions, *inputFields, *attachments, *attachmentIds, *knowledgeFolderIds;
    json_t *capabilities;
    bool webSearch, imageGeneration, canvas, extendedThinking, dataAnalyst;
} agent_body;

typedef struct {
    bool webSearch, imageGeneration, canvas, dataAnalyst;
} capabilities_body;
static const field capability_fields[] = {
    FIELD(capabilities_body, webSearch),
    FIELD(capabilities_body, imageGeneration),
    FIELD(capabilities_body, canvas),
    FIELD(capabilities_body, dataAnalyst),
};
const schema dock_capabilities_schema = SCHEMA(capabilities_body, capability_fields);

#define AGENT_FIELDS(name_required)                                                                                    \
    FIELD(agent_body, name, .required = (name_required), .not_null = true, .min = 1, .max = 255,                       \
          .text = "Shown in lists"),                                                                                   \
        FIELD(agent_body, description, .max = 800), FIELD(agent_body, emoji, .max = 16, .text = "null clears it"),     \
        FIELD(agent_body, emojiIcon, .max = 16),                                                                       \
        FIELD(agent_body, instruction, .max = 50000, .text = "System prompt"),                                         \
        FIELD(agent_body, instructions, .max = 50000),                                                                 \
        FIELD(agent_body, inputType, .one_of = "PROMPT|STRUCTURED|INTEGRATION|SCHEDULED|WEBHOOK"),                     \
        FIELD(agent_body, model, .text = "Id of a model; the workspace's default when absent"),                        \
        FIELD(agent_body, creativity, .max = 1, .text = "Temperature"), FIELD(agent_body, temperature, .max = 1),      \
        FIELD(agent_body, conversationStarters, .json = JSON_STRINGS_TYPE, .max = 20),                                 \
        FIELD(agent_body, actions, .json = JSON_ARRAY_TYPE, .max = 200, .items = &dock_agent_action_schema,            \
              .text = "Actions of integrations; further members are kept"),                                            \
        FIELD(agent_body, inputFields, .json = JSON_ARRAY_TYPE, .max = 100, .items = &dock_input_field_schema),        \
        FIELD(agent_body, attachments, .json = JSON_STRINGS_TYPE, .max = 50, .text = "Ids of uploaded files"),         \
        FIELD(agent_body, attachmentIds, .json = JSON_STRINGS_TYPE, .max = 50),                                        \
        FIELD(agent_body, knowledgeFolderIds, .json = JSON_STRINGS_TYPE, .max = 50),                                   \
        FIELD(agent_body, capabilities, .json = JSON_OBJECT_TYPE, .items = &dock_capabilities_schema),                 \
        FIELD(agent_body, webSearch), FIELD(agent_body, imageGeneration), FIELD(agent_body, canvas),                   \
        FIELD(agent_body, extendedThinking, .text = "Needs a model that reasons"),                                     \
        FIELD(agent_body, dataAnalyst, .text = "Ignored")

static const field create_fields[] = {AGENT_FIELDS(true)};
const schema dock_agent_create_schema = {"AgentCreate", sizeof(agent_body), create_fields, COUNT(create_fields),
                                         SIZE_MAX};
static const field update_fields[] = {
    FIELD(agent_body, agentId, .required = true, .not_null = true, .text = "Which agent"),
    AGENT_FIELDS(false),
};
const schema dock_agent_update_schema = {"AgentUpdate", sizeof(agent_body), update_fields, COUNT(update_fields),
                                         SIZE_MAX};
static const field assistant_fields[] = {
    FIELD(agent_body, assistantId, .required = true, .not_null = true, .text = "Which assistant"),
    AGENT_FIELDS(false),
};
const schema dock_assistant_update_schema = {"AssistantUpdate", sizeof(agent_body), assistant_fields,
                                             COUNT(assistant_fields), SIZE_MAX};

/* An empty conversation starter says nothing. */
static err check_starters(request *rq, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        size_t len = utf8_count(str_of(text));

        if (len < 1 || len > 255)
            return fail(rq->scope, ERR_INVALID, "conversationStarters must have 1 to 255 characters each");
    }
    return OK;
}

/* Finding */

err dock_find_agent(request *rq, const char *id, agent_row **out)
{
    err e;

    if (!dock_is_agent_id(id))
        return fail(rq->scope, ERR_INVALID, "Invalid agent ID format");
    e = agent_find_for(rq->scope, rows_of(rq->user), id, out);
    if (e == ERR_NOT_FOUND || e == ERR_DENIED) /* nobody learns of agents that are not shared with him */
        return fail_code(rq->scope, ERR_NOT_FOUND, "dock.agent", NULL, "Agent not found");
    return e;
}

static err find_own(request *rq, const char *id, agent_row **out)
{
    TRY(dock_find_agent(rq, id, out));
    if ((*out)->owner_id != NULL && !owner_or_admin(rq->user, (*out)->owner_id))
        return fail(rq->scope, ERR_DENIED, "You do not have permission to change this agent");
    return OK;
}

static err read_live(scope *s, const agent_row *row, agent_document *out)
{
    return agent_document_read(s, row->name, row->config, row->extra, out);
}

/* The draft, or what answers when there is none; *seen is for who changes it. */
static err read_draft(scope *s, const agent_row *row, agent_document *out, agent_seen *seen)
{
    agent_version_row *v;
    err e = agent_version_find(s, row->id, 0, &v);

    *seen = (agent_seen){.agent_at = row->updated_at};
    if (e == ERR_NOT_FOUND)
        return read_live(s, row, out);
    TRY(e);
    seen->draft_at = v->created_at;
    return agent_document_read(s, v->name, v->config, v->extra, out);
}

/* Answering */

err dock_answer_agent(request *rq, response *rs, const agent_answer *how, const agent_row *row,
                      const agent_document *doc)
{
    json_t *o = json_hold(rq->scope->arena, json_object()), *agent;

    TRY(agent_document_show(rq, row, doc, &agent));
    json_set_str(o, "status", "success");
    if (how->message != NULL)
        json_set_str(o, "message", how->message);
    json_set(o, "agent", agent);
    if (how->assistant)
        json_set(o, "assistant", json_incref(agent));
    return how->status == 201 ? dock_created(rq, rs, 201, o) : reply_json(rs, how->status, o);
}

/* Handlers, for both families */

err dock_create_agent(request *rq, response *rs, const agent_answer *how)
{
    agent_document doc;
    agent_row row = {.owner_id = rq->user->user_id, .any_name = true, .id = id_uuid4(rq->scope->arena)};
    bool answered;

    TRY(dock_once(rq, rs, &answered));
    if (answered)
        return OK;
    agent_document_new(rq->scope, &doc);
    TRY(check_starters(rq, json_object_get(rq->json, "conversationStarters")));
    TRY(agent_document_change(rq, rq->json, row.owner_id, &doc));
    row.name = doc.name;
    row.config = json_text(rq->scope->arena, doc.config);
    row.extra = json_text(rq->scope->arena, doc.extra);
    TRY(agent_insert(rq->scope, &row));
    dock_written(rq);
    return dock_answer_agent(rq, rs, how, &row, &doc);
}

err dock_read_agent(request *rq, response *rs, const agent_answer *how, const char *id, const char *version)
{
    agent_document doc;
    agent_seen unused;
    agent_row *row;

    if (cstr_eq(version, "draft")) { /* it is shown to those who may go on with it */
        TRY(find_own(rq, id, &row));
        TRY(read_draft(rq->scope, row, &doc, &unused));
    } else {
        TRY(dock_find_agent(rq, id, &row));
        TRY(read_live(rq->scope, row, &doc));
    }
    return dock_answer_agent(rq, rs, how, row, &doc);
}

/* An agent that was never published has no draft beside it: what is changed is what answers. */
static err store_change(request *rq, agent_row *row, const agent_document *doc, const agent_seen *seen)
{
    agent_version_row *last;
    err e = agent_version_last(rq->scope, row->id, &last);

    row->name = doc->name;
    row->config = json_text(rq->scope->arena, doc->config);
    row->extra = json_text(rq->scope->arena, doc->extra);
    if (e == ERR_NOT_FOUND)
        return agent_live_put(rq->scope, row, seen);
    TRY(e);
    return agent_draft_put(rq->scope, row, rq->user->user_id, seen);
}

static err change_once(request *rq, const char *id, agent_row **row, agent_document *doc)
{
    agent_seen seen;

    TRY(find_own(rq, id, row));
    TRY(read_draft(rq->scope, *row, doc, &seen));
    TRY(agent_document_change(rq, rq->json, (*row)->owner_id, doc));
    return store_change(rq, *row, doc, &seen);
}

/* Somebody else's change came in between: it is not undone, ours is made upon it. */
static bool again(const request *rq, err e)
{
    return e == ERR_CONFLICT && cstr_eq(rq->scope->failure.code, "agent.changed_meanwhile");
}

err dock_change_agent(request *rq, response *rs, const agent_answer *how, const char *id)
{
    agent_document doc;
    agent_row *row;
    err e;

    TRY(check_starters(rq, json_object_get(rq->json, "conversationStarters")));
    e = change_once(rq, id, &row, &doc);
    for (int i = 1; again(rq, e) && i < TRIES; i++)
        e = change_once(rq, id, &row, &doc);
    TRY(e);
    return dock_answer_agent(rq, rs, how, row, &doc);
}

/* POST /agent/v1/create */
err dock_agent_create(request *rq, response *rs)
{
    return dock_create_agent(rq, rs, &(agent_answer){201, "Agent created successfully", false});
}

typedef struct {
    const char *agentId, *version;
} get_args;
static const field get_fields[] = {
    FIELD(get_args, agentId, .required = true, .text = "Which agent"),
    FIELD(get_args, version, .one_of = "draft|published",
          .text = "The draft with changes that are not published yet, or what answers (default)"),
};
const schema dock_agent_get_schema = SCHEMA(get_args, get_fields);

/* GET /agent/v1/get */
err dock_agent_get(request *rq, response *rs)
{
    const get_args *in = rq->args;

    return dock_read_agent(rq, rs, &(agent_answer){200, NULL, false}, in->agentId, in->version);
}

/* PATCH /agent/v1/update */
err dock_agent_update(request *rq, response *rs)
{
    const agent_body *in = rq->body;

    return dock_change_agent(rq, rs, &(agent_answer){200, "Agent updated successfully", false}, in->agentId);
}

/* PATCH /assistant/v1/update */
err dock_assistant_update(request *rq, response *rs)
{
    const agent_body *in = rq->body;

    return dock_change_agent(rq, rs, &(agent_answer){200, "Assistant updated successfully", true}, in->assistantId);
}

/* Out of a hash, so that it need not be kept. */
static const char *version_id(arena *a, const char *agent_id, int64_t version)
{
    const char *text = arena_printf(a, "%s/%lld", agent_id, (long long)version);
    unsigned char hash[16];
    char hex[2 * sizeof hash + 1];

    crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), NULL, 0);
    hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x40);
    hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
    hex_encode(hash, sizeof hash, hex);
    return arena_printf(a, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

typedef struct {
    const char *agentId, *description;
} publish_body;
static const field publish_fields[] = {
    FIELD(publish_body, agentId, .required = true, .not_null = true, .text = "Which agent"),
    FIELD(publish_body, description, .max = 500, .text = "What is new"),
};
const schema dock_agent_publish_schema = SCHEMA(publish_body, publish_fields);

/* Whether there is anything to publish: a draft, or what answers differs from the last version. */
static err check_new(request *rq, const agent_version_row *v)
{
    agent_version_row *last;
    err e = agent_version_last(rq->scope, v->agent_id, &last);

    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    if (cstr_eq(last->name, v->name) && cstr_eq(last->config, v->config) && cstr_eq(last->extra, v->extra))
        return fail(rq->scope, ERR_CONFLICT, "No changes to publish");
    return OK;
}

static err publish_once(request *rq, agent_version_row *v)
{
    const publish_body *in = rq->body;
    agent_version_row *draft;
    agent_seen seen = {0};
    agent_row *row;
    err e;

    TRY(find_own(rq, in->agentId, &row));
    e = agent_version_find(rq->scope, row->id, 0, &draft);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    seen.agent_at = row->updated_at;
    seen.draft_at = e == OK ? draft->created_at : 0;
    *v = (agent_version_row){.agent_id = row->id,
                             .name = e == OK ? draft->name : row->name,
                             .config = e == OK ? draft->config : row->config,
                             .extra = e == OK ? draft->extra : row->extra,
                             .note = in->description,
                             .created_by = rq->user->user_id};
    TRY(check_new(rq, v));
    return agent_publish(rq->scope, v, &seen);
}

/* POST /agent/v1/publish */
err dock_agent_publish(request *rq, response *rs)
{
    const publish_body *in = rq->body;
    json_t *o = json_hold(rq->scope->arena, json_object()), *version = json_object();
    agent_version_row v;
    bool answered;
    agent_row *row;
    err e;

    json_set(o, "version", version);
    TRY(find_own(rq, in->agentId, &row));
    TRY(dock_once(rq, rs, &answered));
    if (answered)
        return OK;
    e = publish_once(rq, &v);
    for (int i = 1; again(rq, e) && i < TRIES; i++)
        e = publish_once(rq, &v);
    TRY(e);
    json_set_str(version, "id", version_id(rq->scope->arena, row->id, v.version));
    json_set_int(version, "version", v.version);
    json_set_str(version, "createdAt", dock_time(rq->scope->arena, v.created_at));
    json_set_str(o, "status", "success");
    json_set_str(o, "message", "Agent published successfully");
    return dock_created(rq, rs, 200, o);
}

typedef struct {
    const char *agentId;
    bool disabled;
} disable_body;
static const field disable_fields[] = {
    FIELD(disable_body, agentId, .required = true, .not_null = true, .text = "Which agent"),
    FIELD(disable_body, disabled, .required = true, .not_null = true, .text = "false enables it again"),
};
const schema dock_agent_disable_schema = SCHEMA(disable_body, disable_fields);

/* PATCH /agent/v1/disable */
err dock_agent_disable(request *rq, response *rs)
{
    const disable_body *in = rq->body;
    json_t *o = json_hold(rq->scope->arena, json_object());
    agent_row *row;

    TRY(dock_find_agent(rq, in->agentId, &row));
    if (!rq->user->admin)
        return fail(rq->scope, ERR_DENIED, "Only administrators can disable agents");
    TRY(agent_set_disabled(rq->scope, row->id, in->disabled));
    json_set_str(o, "status", "success");
    json_set_str(o, "message", in->disabled ? "Agent disabled successfully" : "Agent enabled successfully");
    return reply_json(rs, 200, o);
}
