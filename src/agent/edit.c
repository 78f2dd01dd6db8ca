/* SPDX-License-Identifier: MIT */
/*
 * Changing what was said: going back to the last user message with another text (contracts/sage-chat-agents.md section
 * 4.9), and deleting a conversation.
 *
 * The session is held like by a run meanwhile, so that nobody answers the old text while it is being replaced, and a kept
 * run, whose lines are no longer what was said, is forgotten.
 */
#include "agent/chat.h"
#include "agent/tags.h"
#include "base/log.h"
#include "model/turn.h"

bool chat_shows(const entry *e)
{
    return !entry_meta_true(e, "hidden_from_chat") && !entry_meta_true(e, "hide_from_chat") &&
           (e->metadata == NULL || !json_is_false(json_object_get(e->metadata, "sse_visible")));
}

/* Its place in the ledger; `l->n` when there is none. */
static size_t find_last(const ledger *l)
{
    for (size_t i = l->n; i > 0; i--) {
        const entry *e = l->items[i - 1];

        if (e->role == ROLE_USER && chat_shows(e) && entry_meta_str(e, "llm_scope") == NULL)
            return i - 1;
    }
    return l->n;
}

/* Images and the like stay; only what was typed changes. */
static json_t *replace_text(arena *a, const json_t *parts, const char *text)
{
    json_t *copy = json_hold(a, json_deep_copy(parts)), *part = tags_text_part(copy);

    if (part == NULL) {
        part = json_object();
        json_set_str(part, "type", "text");
        json_array_insert_new(copy, 0, part);
    }
    json_set_str(part, "text", text);
    return copy;
}

static err edit_held(scope *s, const chat_edit *edit, chat_edited *out)
{
    ledger *l;
    entry *last;
    size_t at;
    char *title;

    TRY(chat_history(s, s->arena, edit->session_id, &l));
    at = find_last(l);
    if (at == l->n)
        return fail_code(s, ERR_CONFLICT, "conversation.no_editable", edit->session_id,
                         "the conversation has no user message that could be edited");
    last = l->items[at];
    if (last->parts != NULL)
        last->parts = replace_text(s->arena, last->parts, edit->text);
    else
        last->text = edit->text;
    title = tags_title(s->arena, edit->text);
    if (*title == '\0')
        title = arena_strdup(s->arena, edit->empty_title != NULL ? edit->empty_title : "New conversation");
    l->n = at + 1;
    *out = (chat_edited){.ledger = l, .title = title};
    return turn_rewrite(s, edit->session_id, last->id, entry_write(s->arena, last), title);
}

/* Keeps runs of the session out until release(). */
static err hold(scope *s, const char *session_id, const char *reason, run **out)
{
    run_info info = {.session_id = session_id};
    run *before = hub_find(session_id);

    if (before != NULL)
        run_interrupt(before, reason);
    run_unref(before);
    return run_begin(s, &info, out);
}

static err release(run *held, err e)
{
    run_finish(held, e == OK ? RUN_COMPLETED : RUN_FAILED, NULL);
    run_unref(held);
    return e;
}

err chat_edit_last(scope *s, const chat_edit *edit, chat_edited *out)
{
    run *held;

    if (cstr_blank(edit->text))
        return fail_code(s, ERR_INVALID, "conversation.edit_empty", NULL, "the edited message cannot be empty");
    TRY(hold(s, edit->session_id, edit->reason, &held));
    return release(held, edit_held(s, edit, out));
}

/* The task list goes too; that it cannot is no reason to keep what was said. */
static err delete_held(scope *s, const char *session_id)
{
    tool_context cx = {.session_id = session_id};
    conversation_row *row;
    err e;

    TRY(conversation_find(s, OWNED_BY_ANYONE, session_id, &row));
    TRY(conversation_delete(s, OWNED_BY_ANYONE, session_id));
    cx.workspace = chat_workspace(s->arena, row->user_id, row->agent_id);
    if ((e = tool_todo_forget(s, &cx)) != OK)
        log_warn("conversation.tasks_left", log_str("session", session_id), log_str("error", err_name(e)));
    return OK;
}

err chat_delete(scope *s, const char *session_id, const char *reason)
{
    run *held;

    TRY(hold(s, session_id, reason, &held));
    return release(held, delete_held(s, session_id));
}
