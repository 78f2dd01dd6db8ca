/* SPDX-License-Identifier: MIT */
/*
 * execute_shell_command, await_shell and kill_shell.
 *
 * A command is judged by the policy, then runs in the sandbox.  What is not finished when the caller has waited long enough
 * goes on in the background until it ends, is killed, or the run is over.
 */
#include "tool/policy.h"
#include "tool/sandbox.h"
#include "tool/shell_task.h"
#include "tool/walk.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "rt/offload.h"

enum { TASKS_MAX = 16, COMMAND_MAX = 64 << 10, LOGS_KEPT = 100, BLOCK_MAX_MS = 600000 };

#define LOG_DIR ".sluice/shell"

static json_t *describe(const shell_task *t, const char *status, bool success)
{
    json_t *o = json_object();

    json_set_bool(o, "success", success);
    json_set_str(o, "status", status);
    json_set_str(o, "task_id", t->id);
    json_set_int(o, "pid", t->pid);
    return o;
}

static json_t *completed(const shell_task *t)
{
    json_t *o = describe(t, "completed", t->status == 0);

    json_set_int(o, "exit_code", t->status);
    json_set(o, "stdout", shell_output(t));
    json_set_bool(o, "stdout_truncated", t->total > t->output.len);
    json_set_int(o, "stdout_total_bytes", (int64_t)t->total);
    json_set_str(o, "output_file", t->output_file);
    json_set_str(o, "command", t->command);
    return o;
}

/* The longer it has been running, the longer to wait for it next. */
static int64_t next_block(int64_t running_ms)
{
    return running_ms < 60000 ? 60000 : running_ms < 600000 ? 300000 : BLOCK_MAX_MS;
}

static json_t *running(const shell_task *t)
{
    json_t *o = describe(t, "running", true), *next = json_object(), *arguments = json_object();
    int64_t ms = (clock_mono() - t->started) / MILLISECONDS(1);

    json_set_str(o, "output_file", t->output_file);
    json_set(o, "tail_output", shell_tail(t));
    json_set_int(o, "running_for_ms", ms);
    json_set_int(o, "suggested_next_block_ms", next_block(ms));
    json_set_str(o, "command", t->command);
    json_set_str(o, "message",
                 "The command is still running. Wait for it with await_shell, or end it with kill_shell.");
    json_set_str(arguments, "task_id", t->id);
    json_set_int(arguments, "block_until_ms", next_block(ms));
    json_set_str(next, "tool", "await_shell");
    json_set(next, "arguments", arguments);
    json_set(o, "next_action", next);
    return o;
}

/* ---- before it starts ---- */

static json_t *blocked(const policy_decision *d, approval_mode mode)
{
    json_t *o =
        tool_failure("SAFETY_BLOCKED", "The command was %s: %s (%s)",
                     d->action == POLICY_ASK ? "not run, because it needs approval" : "blocked by the command policy",
                     d->reason, d->category);

    json_set_str(o, "hint",
                 d->next_step != NULL ? d->next_step : "Reach the goal another way, or ask the user to do it");
    json_set_str(o, "policy_action", policy_action_name(d->action));
    json_set_str(o, "policy_category", d->category);
    json_set_str(o, "policy_reason", d->reason);
    json_set_str(o, "policy_approval_mode", approval_mode_name(mode));
    return o;
}

typedef struct {
    arena *a;
    const char *command, *workspace;
    const json_t *policy;
    approval_mode mode;
    policy_decision decision;
} judgement;

static void on_judge(void *arg)
{
    judgement *j = arg;

    j->decision = policy_check(j->a, j->command, j->workspace, j->policy, j->mode);
}

/* NULL in *problem when it may run. */
static err judge(scope *s, const tool_context *cx, const char *command, json_t **problem)
{
    json_t *policy = json_object_get(cx->system_context, "command_policy");
    judgement j = {.a = arena_new(s->arena),
                   .command = command,
                   .workspace = cx->workspace,
                   .mode = approval_mode_of(json_get_str(cx->system_context, "sandbox_approval_mode", NULL))};
    size_t rules;

    if (json_is_string(policy) &&
        json_parse(s->arena, json_string_value(policy), json_string_length(policy), NULL, &policy) != OK)
        policy = NULL;
    j.policy = json_is_object(policy) ? policy : NULL;
    rules = json_array_size(json_get_arr(j.policy, "rules"));
    if (cx->workspace == NULL)
        *problem = tool_failure("PRECONDITION_FAILED", "Commands run in an agent's workspace, and this call has none");
    else if (strlen(command) > COMMAND_MAX)
        *problem = tool_failure("INVALID_ARGUMENT", "The command is longer than %d bytes", COMMAND_MAX);
    else if (rules > POLICY_RULES_MAX)
        *problem = tool_failure("PRECONDITION_FAILED", "The command policy has %zu rules, and %d are the most", rules,
                                POLICY_RULES_MAX);
    else {
        TRY(offload(s, on_judge, &j));
        *problem = j.decision.action == POLICY_ALLOW ? NULL : blocked(&j.decision, j.mode);
        arena_free(j.a);
    }
    return OK;
}

typedef struct {
    bool ok;
    const char *why;
} availability;

static void check_sandbox(void *arg)
{
    availability *v = arg;

    v->ok = tool_sandbox_available(&v->why);
}

/* Names sort by age. */
static void drop_old_logs(work *w)
{
    walk_name *names;
    size_t n, total;

    if (walk_names(w, LOG_DIR, false, 100000, &names, &n, &total) < 0)
        return;
    for (size_t i = 0; i + LOGS_KEPT < n; i++)
        if (workspace_remove(&w->ws, arena_printf(w->a, LOG_DIR "/%s", names[i].name)) < 0)
            return;
}

static int make_log(work *w, const char *rel)
{
    int e = workspace_make_dirs(&w->ws, LOG_DIR);

    if (e < 0)
        return e;
    drop_old_logs(w);
    if ((e = workspace_create(&w->ws, rel)) >= 0)
        e = close(e);
    return e;
}

/* {"workdir","workspace","real","output_file"}: everything about files that must be known before the start. */
static json_t *work_prepare(work *w)
{
    const char *given = arg_str(w->args, "workdir", NULL), *log = arg_str(w->args, "log", ""), *rel = "";
    struct stat st;
    int e = cstr_blank(given) ? 0 : workspace_relative(w->a, &w->ws, given, &rel);
    json_t *o;

    if (e == 0)
        e = workspace_stat(&w->ws, rel, &st);
    if (e < 0)
        return tool_path_failure(e, given != NULL ? given : "");
    if (!S_ISDIR(st.st_mode))
        return tool_failure("INVALID_ARGUMENT", "workdir is not a directory: %s", given);
    if ((e = make_log(w, log)) < 0)
        return tool_path_failure(e, LOG_DIR);
    o = json_object();
    json_set_str(o, "real", w->ws.real);
    json_set_str(o, "workspace", w->ws.path);
    json_set_str(o, "workdir", workspace_absolute(w->a, &w->ws, rel));
    json_set_str(o, "output_file", workspace_absolute(w->a, &w->ws, log));
    return o;
}

static json_t *read_env(scope *s, const json_t *args, json_t **out)
{
    const char *text = arg_str(args, "env_vars", NULL);

    *out = NULL;
    if (cstr_blank(text))
        return NULL;
    if (json_parse(s->arena, text, strlen(text), NULL, out) != OK || !json_is_object(*out))
        return tool_failure("INVALID_ARGUMENT", "env_vars must be the text of a JSON object");
    return NULL;
}

static err prepare_and_start(scope *s, const tool_context *cx, const char *command, json_t *args, shell_task **task,
                             json_t **problem)
{
    availability sandbox;
    shell_spec spec = {.command = command, .id = arena_printf(s->arena, "sh_%s", id_ulid(s->arena))};
    json_t *extra, *at;

    if ((*problem = read_env(s, args, &extra)) != NULL)
        return OK;
    TRY(offload(s, check_sandbox, &sandbox));
    if (!sandbox.ok) {
        *problem = tool_failure("UNSUPPORTED", "%s", sandbox.why);
        return OK;
    }
    spec.log_rel = arena_printf(s->arena, LOG_DIR "/%s.log", spec.id);
    json_set_str(args, "log", spec.log_rel);
    TRY(work_run(s, cx, args, SECONDS(20), work_prepare, &at));
    json_hold(s->arena, at);
    if (json_object_get(at, "output_file") == NULL) {
        *problem = json_incref(at);
        return OK;
    }
    spec.workspace = json_get_str(at, "workspace", NULL);
    spec.real = json_get_str(at, "real", NULL);
    spec.workdir = json_get_str(at, "workdir", NULL);
    spec.output_file = json_get_str(at, "output_file", NULL);
    if (!sandbox_env(s->arena, spec.workspace, extra, &spec.env)) {
        *problem = tool_failure("INVALID_ARGUMENT", "env_vars has a name that is not one, or too much in it");
        return OK;
    }
    return shell_start(s, cx->session, &spec, task);
}

/* NULL in *problem when the task runs.  Calls come several at once: each counts from before it first parks. */
static err start(scope *s, const tool_context *cx, const char *command, json_t *args, shell_task **task,
                 json_t **problem)
{
    size_t *starting = session_starting(cx->session);
    err e;

    if (shell_running(cx->session) + *starting >= TASKS_MAX) {
        *problem = tool_failure("PRECONDITION_FAILED", "%d commands are running already; await or kill one", TASKS_MAX);
        return OK;
    }
    ++*starting;
    e = prepare_and_start(s, cx, command, args, task, problem);
    --*starting;
    return e;
}

static int64_t block_time(const json_t *args, int64_t fallback)
{
    int64_t ms = json_get_int(args, "block_until_ms", fallback);

    return ms < 0 ? 0 : ms > BLOCK_MAX_MS ? BLOCK_MAX_MS : ms;
}

static err call_execute(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const char *command = arg_str(args, "command", "");
    json_t *problem;
    shell_task *task = NULL;
    pattern_found found;
    err e;

    (void)t;
    TRY(judge(s, cx, command, &problem));
    if (problem != NULL)
        return answer_json(s, problem, out);
    TRY(start(s, cx, command, args, &task, &problem));
    if (problem != NULL)
        return answer_json(s, problem, out);
    if ((e = shell_wait(s, task, MILLISECONDS(block_time(args, 30000)), NULL, cx, &found)) != OK) {
        proc_signal(task->p, SIGKILL); /* nobody has heard of it: it ends with its call */
        return e;
    }
    if (task->ended)
        return answer_json(s, completed(task), out);
    task->background = true;
    return answer_json(s, running(task), out);
}

static const param execute_params[] = {
    {"command", "string", "Text for the shell", .required = true},
    {"workdir", "string", "Directory to run in; the workspace itself when left out"},
    {"block_until_ms", "integer", "How long to wait for its end; 0 leaves it in the background at once",
     .fallback = "30000"},
    {"env_vars", "string", "Environment variables, as the text of a JSON object"},
};

const builtin builtin_execute_shell_command = {
    .name = "execute_shell_command",
    .text = "Runs a shell command in the workspace, in a sandbox. Commands that take longer than block_until_ms go on "
            "in the "
            "background.",
    PARAMS(execute_params),
    .call = call_execute,
    .timeout = MINUTES(11),
    .baseline = true,
};

/* ---- background ---- */

static json_t *unknown_task(const char *id)
{
    return tool_failure("NOT_FOUND", "There is no command with task_id '%s' in this run", id);
}

/* A command that has run for minutes is not worth asking about every second. */
static int64_t raised(const shell_task *t, int64_t ms)
{
    int64_t age = (clock_mono() - t->started) / MILLISECONDS(1);

    if (age > 600000)
        return MAX_OF(ms, 300000);
    return age > 120000 ? MAX_OF(ms, 60000) : ms;
}

static err call_await(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const char *id = arg_str(args, "task_id", ""), *text = arg_str(args, "pattern", NULL), *reason;
    shell_task *task = shell_find(cx->session, id);
    pattern *until = NULL;
    pattern_found found;
    json_t *o;

    (void)t;
    if (task == NULL)
        return answer_json(s, unknown_task(id), out);
    if (!cstr_blank(text) && (until = pattern_new(s->arena, text, (pattern_options){0}, &reason)) == NULL)
        return answer_json(s, tool_failure("INVALID_ARGUMENT", "Bad regular expression: %s", reason), out);
    TRY(shell_wait(s, task, MILLISECONDS(raised(task, block_time(args, BLOCK_MAX_MS))), until, cx, &found));
    if (found == PATTERN_TOO_HARD)
        return answer_json(s,
                           tool_failure("INVALID_ARGUMENT",
                                        "The pattern backtracks too much on the command's output; make it simpler"),
                           out);
    if (task->ended)
        task->background = false; /* told here: no note */
    o = task->ended ? completed(task) : running(task);
    json_set_bool(o, "matched_pattern", found == PATTERN_YES);
    json_set_int(o, "block_until_ms_requested", json_get_int(args, "block_until_ms", BLOCK_MAX_MS));
    return answer_json(s, o, out);
}

static const param await_params[] = {
    {"task_id", "string", "From execute_shell_command", .required = true},
    {"block_until_ms", "integer", "How long to wait", .fallback = "600000"},
    {"pattern", "string", "Regular expression: return as soon as the output matches"},
};

const builtin builtin_await_shell = {
    .name = "await_shell",
    .text = "Waits for a command in the background to end, or for its output to match a pattern.",
    PARAMS(await_params),
    .call = call_await,
    .timeout = MINUTES(11),
    .baseline = true,
    .hidden = true,
};

static err call_kill(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const char *id = arg_str(args, "task_id", "");
    shell_task *task = shell_find(cx->session, id);
    json_t *o;

    (void)t;
    if (task == NULL)
        return answer_json(s, unknown_task(id), out);
    TRY(shell_kill(s, task));
    o = describe(task, "killed", true);
    json_set(o, "tail_output", shell_tail(task));
    return answer_json(s, o, out);
}

static const param kill_params[] = {
    {"task_id", "string", "From execute_shell_command", .required = true},
};

const builtin builtin_kill_shell = {
    .name = "kill_shell",
    .text = "Ends a command in the background.",
    PARAMS(kill_params),
    .call = call_kill,
    .baseline = true,
    .hidden = true,
};
