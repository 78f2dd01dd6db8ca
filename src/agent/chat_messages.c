/* SPDX-License-Identifier: MIT */
/* The messages of a chat request on their way into the ledger; see chat_internal.h. */
#include "agent/chat_internal.h"
#include "agent/tags.h"

static bool is_list_of_objects(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_object(json_array_get(list, i)))
            return false;
    return true;
}

/* One message of the request as a ledger entry. */
static err read_message(scope *s, arena *a, const json_t *v, control_tags *tags, entry *out)
{
    const char *role = json_get_str(v, "role", "");
    json_t *content = json_object_get(v, "content"), *meta = json_get_obj(v, "metadata");

    *out = (entry){
        .id = arena_strdup(a, json_get_str(v, "message_id", NULL)),
        .role = cstr_eq(role, "assistant") ? ROLE_ASSISTANT : ROLE_USER,
        .reasoning = arena_strdup(a, json_get_str(v, "reasoning_content", NULL)),
        .metadata = json_object_size(meta) > 0 ? json_hold(a, json_deep_copy(meta)) : NULL,
    };
    out->type = out->role == ROLE_USER ? "user_input" : "assistant_text";
    if (cstr_blank(out->id))
        out->id = NULL;
    if (out->id != NULL && strlen(out->id) > 255)
        return fail_code(s, ERR_INVALID, "chat.message_invalid", NULL, "a message id is longer than 255 bytes");
    if (!is_list_of_objects(content))
        return fail_code(s, ERR_INVALID, "chat.message_invalid", NULL, "the parts of a content must be objects");
    if (json_is_array(content)) {
        json_t *parts = json_hold(a, json_deep_copy(content)), *part = tags_text_part(parts);

        if (part != NULL)
            json_set_str(part, "text", tags_take(s->arena, json_get_str(part, "text", ""), tags));
        out->parts = json_array_size(parts) > 0 ? parts : NULL;
    } else if (json_is_string(content)) {
        out->text = arena_strdup(a, tags_take(s->arena, json_string_value(content), tags));
    }
    if (out->parts == NULL && cstr_blank(out->text) && out->reasoning == NULL)
        return fail_code(s, ERR_INVALID, "chat.message_invalid", NULL,
                         "a message has neither content nor reasoning_content");
    return OK;
}

/* A message that says nothing about thinking leaves it to the agent. */
static void obey_tags(chat *c, const control_tags *tags)
{
    if (tags->thinking_given || tags->level != NULL) {
        c->plan.model.thinking = tags->thinking;
        c->plan.model.thinking_level = tags->level;
    } else {
        chat_think_by_default(c);
    }
}

err chat_join_messages(scope *prep, chat *c, const json_t *messages)
{
    bool settled = false; /* requests bring no calls, so once is enough */

    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *v = json_array_get(messages, i);
        control_tags tags = {0};
        entry e, *known;

        if (cstr_eq(json_get_str(v, "role", ""), "system")) /* regenerated for every request */
            continue;
        if (cstr_eq(json_get_str(v, "role", ""), "tool"))
            return fail_code(prep, ERR_INVALID, "chat.message_invalid", NULL, "messages of role tool cannot be sent");
        TRY(read_message(prep, c->ledger->a, v, &tags, &e));
        if (e.role == ROLE_USER)
            obey_tags(c, &tags);
        known = e.id != NULL ? ledger_find(c->ledger, e.id) : NULL;
        if (known != NULL) {
            e.time = known->time;
            *known = e;
            continue;
        }
        if (e.role == ROLE_USER && !settled)
            ledger_settle(c->ledger);
        settled |= e.role == ROLE_USER;
        ledger_add(c->ledger, e);
    }
    return OK;
}

/* The control tags of the message that is answered again, which an edit may have left in it. */
static void take_tags_of_last(chat *c)
{
    entry *last = ledger_last_user(c->ledger);
    json_t *part = last != NULL ? tags_text_part(last->parts) : NULL;
    const char *text = last == NULL ? NULL : part != NULL ? json_get_str(part, "text", "") : last->text, *left;
    control_tags tags = {0};

    if (text == NULL)
        return;
    left = tags_take(c->ledger->a, text, &tags);
    obey_tags(c, &tags);
    if (left == text)
        return;
    last->stored = false;
    if (part != NULL)
        json_set_str(part, "text", left);
    else
        last->text = left;
}

err chat_join_rerun(scope *prep, chat *c)
{
    if (ledger_last_user(c->ledger) == NULL)
        return fail_code(prep, ERR_CONFLICT, "conversation.no_rerunnable", c->plan.session_id,
                         "the conversation has no user message that could be answered again");
    ledger_settle(c->ledger);
    take_tags_of_last(c);
    return OK;
}
