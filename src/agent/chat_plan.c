/* SPDX-License-Identifier: MIT */
/* What a chat turn runs with: workspace, tools, prompt and model, from the merged configuration; see chat_internal.h. */
#include <stdlib.h>

#include "agent/attach.h"
#include "agent/chat_internal.h"

static bool named(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (cstr_eq(json_string_value(json_array_get(names, i)), name))
            return true;
    return false;
}

static bool is_shell(const char *name)
{
    return cstr_eq(name, "execute_shell_command") || cstr_eq(name, "await_shell") || cstr_eq(name, "kill_shell");
}

/* Which of all tools a run offers (contracts/sage-agent-runtime.md section 6.1). */
static bool offers(const tool *t, const merged_config *m, completion_mode until)
{
    const json_t *names = m->tools;
    bool any = json_array_size(names) == 0 && !m->only_named_tools;

    if (cstr_eq(t->name, "turn_status"))
        return until == UNTIL_TURN_STATUS;
    if (cstr_eq(t->name, "tool_expand_tools")) /* offered only when the list was narrowed, which we do not do */
        return false;
    if (t->kind == TOOL_ACTION && m->actions != NULL) /* the source has listed what the agent names */
        return true;
    if (any)
        return !t->explicit_only;
    if (is_shell(t->name) &&
        (named(names, "execute_shell_command") || named(names, "await_shell") || named(names, "kill_shell")))
        return true;
    return named(names, t->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const tool *const *)a)->name, (*(const tool *const *)b)->name);
}

static err choose_tools(scope *prep, chat *c, const merged_config *m)
{
    const tool **all;
    size_t n;

    TRY(tool_list(prep, c->s->arena, &c->plan.tool_context, &all, &n));
    c->plan.tools = arena_array(c->s->arena, const tool *, n);
    for (size_t i = 0; i < n; i++)
        if (offers(all[i], m, c->plan.until))
            c->plan.tools[c->plan.n_tools++] = all[i];
    qsort(c->plan.tools, c->plan.n_tools, sizeof *c->plan.tools, by_name);
    for (size_t i = 0; i < c->plan.n_tools; i++)
        c->plan.prompt.has_todo |= cstr_eq(c->plan.tools[i]->name, "todo_write");
    c->plan.prompt.has_tools = c->plan.n_tools > 0;
    return OK;
}

static const char *append(arena *a, const char *text, const char *more)
{
    if (cstr_blank(more))
        return text;
    return cstr_blank(text) ? more : arena_printf(a, "%s\n\n%s", text, more);
}

/* The system prompt of agent or request, the agent's files, and what else stands behind it. */
static err find_role(scope *prep, arena *a, const chat_request *rq, const merged_config *m, const char **out)
{
    owned_by owner = m->agent_owner != NULL ? owned_by_user(m->agent_owner) : owned_by_user(rq->user_id);
    const char *files;

    TRY(attach_for_prompt(prep, prep->arena, owner, m->attachments, &files));
    *out = arena_strdup(a, append(prep->arena, append(prep->arena, m->system_prefix, files), rq->system_suffix));
    return OK;
}

void chat_think_by_default(chat *c)
{
    llm_think_as_configured(&c->plan.model);
    if (c->thinks)
        c->plan.model.thinking = THINKING_ON;
}

err chat_make_plan(scope *prep, chat *c, const chat_request *rq, const merged_config *m)
{
    arena *a = c->s->arena;
    plan *p = &c->plan;
    const chat_settings *set = chat_configured();
    const char *language = prompt_language(m->response_language);
    json_t *context = json_hold(a, json_incref(m->system_context));

    *p = (plan){
        .session_id = run_facts(c->run)->session_id,
        .speaker = "SimpleAgent",
        .until = rq->stateless ? UNTIL_NO_TOOL_CALL : set->until,
        .max_loops = m->max_loops,
        .max_parallel_tools = set->max_parallel_tools,
        .tool_context = {.user_id = arena_strdup(a, rq->user_id),
                         .admin = rq->admin,
                         .session_id = run_facts(c->run)->session_id,
                         .agent_id = run_facts(c->run)->agent_id,
                         .workspace = chat_workspace(a, rq->user_id, m->agent_id),
                         .language = language,
                         .system_context = context,
                         .actions = m->actions != NULL ? json_hold(a, json_deep_copy(m->actions)) : NULL},
        .prompt = {.language = language,
                   .response_language = json_get_str(context, "response_language", "en-US"),
                   .system_context = context,
                   .turn_status = set->until == UNTIL_TURN_STATUS && !rq->stateless},
        .model = {.response_format =
                      rq->response_format != NULL ? json_hold(a, json_deep_copy(rq->response_format)) : NULL},
    };
    c->thinks = m->thinking;
    p->prompt.workspace = p->tool_context.workspace;
    TRY(find_role(prep, a, rq, m, &p->prompt.role));
    TRY(resolve_model(prep, a, rq, m, &p->model.at));
    chat_think_by_default(c);
    if (p->until == UNTIL_JUDGED)
        TRY(resolve_fast_model(prep, a, rq, m, &p->fast));
    p->tool_context.multimodal = !p->model.at.no_images;
    TRY(chat_make_workspace(prep, p->tool_context.workspace));
    p->tool_context.session = tool_session_new(c->s);
    return choose_tools(prep, c, m);
}
