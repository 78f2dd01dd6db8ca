/* SPDX-License-Identifier: MIT */
/* See code.h. */
#include "face/langdock/code.h"

#include "auth/identity.h"
#include "script/script.h"

static err answer_syntax(request *rq, response *rs, const char *member, const script_outcome *out)
{
    arena *a = rq->scope->arena;
    json_t *o = json_hold(a, json_object()), *errors = json_array(), *issue = json_object(), *path = json_array();
    const char *text =
        out->line > 0 ? arena_printf(a, "%s (line %lld)", out->message, (long long)out->line) : out->message;

    json_set_str(issue, "code", "custom");
    json_set_str(issue, "message", text);
    if (out->line > 0)
        json_set_int(issue, "line", out->line);
    json_array_append_new(path, json_string(member));
    json_set(issue, "path", path);
    json_array_append_new(errors, issue);
    text = arena_printf(a, "%s does not compile: %s", member, text);
    json_set_str(o, "message", text);
    json_set_str(o, "error", text);
    json_set(o, "errors", errors);
    return reply_json(rs, 400, o);
}

err dock_check_code(request *rq, response *rs, const char *member, const char *code, bool *answered)
{
    script_job job = {.name = member, .owner = rq->user->user_id, .code = str_of(code), .check_only = true};
    script_outcome out;
    err e;

    *answered = false;
    if (cstr_blank(code))
        return OK;
    e = script_run(rq->scope, &job, &out);
    if (e == ERR_UNSUPPORTED)
        return OK;
    TRY(e);
    if (out.status != SCRIPT_BAD_SYNTAX)
        return OK;
    *answered = true;
    return answer_syntax(rq, rs, member, &out);
}
