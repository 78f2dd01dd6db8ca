/* SPDX-License-Identifier: MIT */
/* Histories that clients send; see replay.h. */
#include "agent/replay.h"

#include "base/id.h"

enum { CALLS_MAX = 128 };

static err refuse(scope *s, const char *why)
{
    return fail_code(s, ERR_INVALID, "chat.message_invalid", NULL, "%s", why);
}

static err read_calls(scope *s, arena *a, const json_t *list, entry *e)
{
    size_t n = json_array_size(list);
    llm_tool_call *calls;

    if (n == 0)
        return OK;
    if (n > CALLS_MAX)
        return refuse(s, "a message has too many tool calls");
    calls = arena_array(a, llm_tool_call, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        const char *id = json_get_str(v, "id", NULL), *name = json_get_str(v, "name", NULL);

        if (cstr_blank(id) || cstr_blank(name))
            return refuse(s, "a tool call has no id or no name");
        calls[i] = (llm_tool_call){.id = arena_strdup(a, id),
                                   .name = arena_strdup(a, name),
                                   .arguments = arena_strdup(a, json_get_str(v, "arguments", "{}"))};
    }
    e->calls = calls;
    e->n_calls = n;
    e->type = "tool_call";
    return OK;
}

static err read_message(scope *s, arena *a, const json_t *v, entry *out)
{
    const char *role = json_get_str(v, "role", "");
    json_t *content = json_object_get(v, "content");

    *out = (entry){.id = id_uuid4(a),
                   .reasoning = arena_strdup(a, json_get_str(v, "reasoning_content", NULL)),
                   .tool_call_id = arena_strdup(a, json_get_str(v, "tool_call_id", NULL))};
    if (cstr_eq(role, "user")) {
        out->role = ROLE_USER;
        out->type = "user_input";
    } else if (cstr_eq(role, "assistant")) {
        out->role = ROLE_ASSISTANT;
        out->type = "assistant_text";
    } else if (cstr_eq(role, "tool") && out->tool_call_id != NULL) {
        out->role = ROLE_TOOL;
        out->type = "tool_call_result";
    } else {
        return refuse(s, "a message has no known role");
    }
    if (json_is_array(content) && json_array_size(content) > 0)
        out->parts = json_hold(a, json_deep_copy(content));
    else if (json_is_string(content))
        out->text = arena_strdup(a, json_string_value(content));
    return out->role == ROLE_ASSISTANT ? read_calls(s, a, json_get_arr(v, "tool_calls"), out) : OK;
}

err replay_messages(scope *s, ledger *l, const json_t *messages)
{
    for (size_t i = 0; i < json_array_size(messages); i++) {
        entry e;

        TRY(read_message(s, l->a, json_array_get(messages, i), &e));
        if (e.role == ROLE_USER)
            ledger_settle(l);
        if (e.parts == NULL && cstr_blank(e.text) && e.reasoning == NULL && e.n_calls == 0 && e.role != ROLE_TOOL)
            continue; /* an assistant's empty message says nothing to anybody */
        ledger_add(l, e);
    }
    ledger_settle(l);
    return OK;
}
