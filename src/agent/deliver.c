/* SPDX-License-Identifier: MIT */
/* Events that start a conversation; see deliver.h. */
#include "agent/deliver.h"

#include <stdlib.h>

#include "agent/attach.h"
#include "agent/chat.h"
#include "model/conversation.h"
#include "model/user.h"

/* A file that has no text, or is gone, is named, so that the agent's tools can go for it. */
static err add_file(scope *s, const agent_event *ev, const char *id, json_t *parts)
{
    attachment_row *file;
    json_t *part;
    err e = attachment_find(s, owned_by_user(ev->owner_id), id, &file);

    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    e = attach_stored(s, s->arena, file, &part);
    if (e == ERR_UNSUPPORTED || e == ERR_TOO_LARGE) {
        part = attach_note(s->arena, file);
        e = OK;
    }
    TRY(e);
    json_array_append(parts, part);
    return OK;
}

static err first_message(scope *s, const agent_event *ev, json_t **out)
{
    char *text = json_dumps(ev->data, JSON_INDENT(2) | JSON_ENCODE_ANY);
    json_t *messages = json_hold(s->arena, json_array()), *m = json_object(), *parts, *part;

    json_array_append_new(messages, m);
    json_set_str(m, "role", "user");
    *out = messages;
    if (ev->n_attachments == 0) {
        json_set_str(m, "content", text);
        free(text);
        return OK;
    }
    parts = json_array();
    part = json_object();
    json_set(m, "content", parts);
    json_array_append_new(parts, part);
    json_set_str(part, "type", "text");
    json_set_str(part, "text", text);
    free(text);
    for (size_t i = 0; i < ev->n_attachments; i++)
        TRY(add_file(s, ev, ev->attachments[i], parts));
    return OK;
}

/* What will not be otherwise at another attempt. */
static bool is_final(const char *code)
{
    static const char *const codes[] = {"agent.not_found", "agent.denied", "agent.disabled", "conversation.not_yours"};

    for (size_t i = 0; i < COUNT(codes); i++)
        if (cstr_eq(code, codes[i]))
            return true;
    return false;
}

static err begin(scope *s, const agent_event *ev, run **out)
{
    chat_request rq = {.user_id = ev->owner_id,
                       .session_id = ev->session_id,
                       .agent_id = ev->agent_id,
                       .source = ev->source,
                       .managed = true};
    user_row *owner;
    json_t *messages;
    failure f;
    err e = user_find(s, ev->owner_id, &owner);

    if (e == ERR_NOT_FOUND || (e == OK && !owner->active))
        return fail(s, ERR_INVALID, "the user for whom the event was is gone or disabled");
    TRY(e);
    TRY(first_message(s, ev, &messages));
    rq.admin = user_is_admin(owner);
    rq.messages = messages;
    e = chat_start(s, &rq, out);
    f = scope_failure(s, e);
    return e != OK && is_final(f.code) ? fail_code(s, ERR_INVALID, f.code, f.subject, "%s", f.text) : e;
}

err agent_deliver(scope *s, const agent_event *ev)
{
    conversation_row *there;
    run *r;
    err e = conversation_find(s, OWNED_BY_ANYONE, ev->session_id, &there);

    if (e != ERR_NOT_FOUND)
        return e;
    TRY(begin(s, ev, &r));
    e = run_wait(s, r);
    run_unref(r);
    return e;
}
