/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "rt/sleep.h"
#include "tool/shell_task.h"

/* False, with a message, where bubblewrap cannot work: what is left are the tests of refusals. */
static bool sandboxed(void)
{
    const char *why;

    if (tool_sandbox_available(&why))
        return true;
    fprintf(stderr, "skipped: %s\n", why);
    return false;
}

static json_t *sh(scope *s, const tool_context *cx, const char *command)
{
    json_t *args = json_hold(s->arena, json_pack("{s:s}", "command", command));

    return fixture_call(s, cx, "execute_shell_command", json_text(s->arena, args));
}

static const char *stdout_of(scope *s, const tool_context *cx, const char *command)
{
    json_t *v = sh(s, cx, command);

    CHECK(cstr_eq(json_get_str(v, "status", NULL), "completed"), "%s: %s", command, json_text(s->arena, v));
    return json_get_str(v, "stdout", "");
}

/* Processes whose command line has this text, our own left out. */
static int processes_with(const char *text)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    int n = 0;

    while ((e = readdir(d)) != NULL) {
        char path[300], line[4096];
        size_t len;
        FILE *f;

        snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
        if (e->d_name[0] < '0' || e->d_name[0] > '9' || (f = fopen(path, "re")) == NULL)
            continue;
        len = fread(line, 1, sizeof line, f);
        fclose(f);
        n += memmem(line, len, text, strlen(text)) != NULL;
    }
    closedir(d);
    return n;
}

static bool vanish(scope *s, const char *text)
{
    for (int i = 0; i < 100 && processes_with(text) > 0; i++)
        CHECK(sleep_for(s, MILLISECONDS(50)) == OK, "slept");
    return processes_with(text) == 0;
}

FIBER_TEST(a_command_that_ends_gives_its_output_and_status, .limit = 60)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    if (!sandboxed())
        return;
    v = sh(s, &cx, "echo out; echo err >&2; exit 3");
    CHECK(!json_get_bool(v, "success", true), "exit 3");
    CHECK_STR(json_get_str(v, "status", NULL), "completed");
    CHECK_INT(json_get_int(v, "exit_code", -1), 3);
    CHECK_STR(json_get_str(v, "stdout", NULL), "out\nerr\n");
    CHECK_INT(json_get_int(v, "stdout_total_bytes", -1), 8);
    CHECK(!json_get_bool(v, "stdout_truncated", true), "whole");
    CHECK(json_get_int(v, "pid", 0) > 0 && cstr_starts(json_get_str(v, "task_id", ""), "sh_"), "named");
    CHECK_STR(json_get_str(v, "command", NULL), "echo out; echo err >&2; exit 3");
    CHECK(cstr_starts(json_get_str(v, "output_file", ""), cx.workspace), "in the workspace");
    CHECK_STR(fixture_read(s, &cx, json_get_str(v, "output_file", "") + strlen(cx.workspace) + 1), "out\nerr\n");
    CHECK(json_get_bool(sh(s, &cx, "true"), "success", false), "exit 0");
    CHECK_STR(stdout_of(s, &cx, "printf 'a\\0b\\377c'"), "a\xef\xbf\xbd"
                                                         "b\xef\xbf\xbd"
                                                         "c");
}

FIBER_TEST(commands_work_on_the_workspace_and_see_nothing_else, .limit = 60)
{
    tool_context cx = fixture_context(s);
    const char *secret = arena_printf(s->arena, "%s/secret", test_dir());

    if (!sandboxed())
        return;
    fixture_puts(s, &cx, "../secret", "classified");
    fixture_puts(s, &cx, "sub/in.txt", "hello\n");
    CHECK_STR(stdout_of(s, &cx, "cat sub/in.txt > copy && cat copy"), "hello\n");
    CHECK_STR(fixture_read(s, &cx, "copy"), "hello\n");
    CHECK_STR(stdout_of(s, &cx, "pwd; echo $HOME"), arena_printf(s->arena, "%s\n%s\n", cx.workspace, cx.workspace));
    CHECK_STR(json_get_str(fixture_call(s, &cx, "execute_shell_command", "{\"command\":\"pwd\",\"workdir\":\"sub\"}"),
                           "stdout", NULL),
              arena_printf(s->arena, "%s/sub\n", cx.workspace));
    CHECK(!json_get_bool(sh(s, &cx, arena_printf(s->arena, "cat %s", secret)), "success", true), "not readable");
    CHECK(!json_get_bool(sh(s, &cx, "cat /etc/shadow"), "success", true), "not there");
    CHECK(!json_get_bool(sh(s, &cx, "ls /root"), "success", true), "not there");
    CHECK(!json_get_bool(sh(s, &cx, "cp sub/in.txt /usr/x"), "success", true), "read-only");
    CHECK(!json_get_bool(sh(s, &cx, "cp sub/in.txt /x"), "success", true), "read-only");
    (void)sh(s, &cx, arena_printf(s->arena, "cp sub/in.txt %s/x", test_dir())); /* at most into its own /tmp */
    CHECK(access(arena_printf(s->arena, "%s/x", test_dir()), F_OK) != 0, "nothing outside");
    CHECK(json_get_bool(sh(s, &cx, "echo x > /tmp/y && cat /tmp/y"), "success", false), "a /tmp of its own");
    CHECK(access("/tmp/y", F_OK) != 0, "not ours");
}

FIBER_TEST(the_environment_is_ours_to_give, .limit = 60)
{
    tool_context cx = fixture_context(s);
    const char *env;

    if (!sandboxed())
        return;
    setenv("SLUICE_SECRET_KEY", "hunter2", 1);
    env = stdout_of(s, &cx, "env; cat /proc/self/environ /proc/1/environ | tr '\\0' '\\n'");
    CHECK(strstr(env, "hunter2") == NULL && strstr(env, "SLUICE") == NULL, "%s", env);
    CHECK(strstr(env, "PATH=/usr/local/bin:/usr/bin:/bin") != NULL, "%s", env);
    env =
        json_get_str(fixture_call(s, &cx, "execute_shell_command",
                                  "{\"command\":\"echo $A-$B\",\"env_vars\":\"{\\\"A\\\":\\\"x y\\\",\\\"B\\\":5}\"}"),
                     "stdout", NULL);
    CHECK_STR(env, "x y-5\n");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\",\"env_vars\":\"{\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\",\"env_vars\":\"{\\\"A=B\\\":\\\"x\\\"}\"}",
                  "INVALID_ARGUMENT");
}

FIBER_TEST(there_is_no_network_no_privilege_and_no_view_of_other_processes, .limit = 60)
{
    tool_context cx = fixture_context(s);

    if (!sandboxed())
        return;
    CHECK_STR(stdout_of(s, &cx, "cat /proc/net/dev | grep -c eth; grep -c : /proc/net/dev"), "0\n1\n");
    CHECK(!json_get_bool(sh(s, &cx, "exec 3<>/dev/tcp/127.0.0.1/22"), "success", true), "nobody listens");
    CHECK_STR(stdout_of(s, &cx, "grep CapEff /proc/self/status"), "CapEff:\t0000000000000000\n");
    CHECK(atoi(stdout_of(s, &cx, "ls -d /proc/[0-9]* | wc -l")) < 10, "own processes only");
    CHECK(!json_get_bool(sh(s, &cx, "exec 3<>/dev/tty"), "success", true), "no terminal");
    CHECK(!json_get_bool(sh(s, &cx, "unshare -U true"), "success", true), "no namespaces of its own");
    CHECK(strstr(stdout_of(s, &cx, "ulimit -c; ulimit -t; ulimit -v"), "0\n300\n4194304\n") != NULL, "limits");
}

FIBER_TEST(limits_of_memory_and_time_hold, .limit = 120)
{
    tool_context cx = fixture_context(s);

    if (!sandboxed())
        return;
    tool_configure(&(tool_settings){.shell_memory = 256 << 20, .shell_cpu = 1});
    CHECK(!json_get_bool(sh(s, &cx, "head -c 600M /dev/zero | tail -c 500M | wc -c | grep 524288000"), "success", true),
          "too much memory");
    CHECK_INT(json_get_int(sh(s, &cx, "while :; do :; done"), "exit_code", 0), 128 + SIGKILL);
}

FIBER_TEST(blocked_commands_say_why, .limit = 60)
{
    tool_context cx = fixture_context(s);
    json_t *v = sh(s, &cx, "sudo ls");

    CHECK_STR(json_get_str(v, "error_code", NULL), "SAFETY_BLOCKED");
    CHECK_STR(json_get_str(v, "policy_action", NULL), "deny");
    CHECK_STR(json_get_str(v, "policy_category", NULL), "privilege");
    CHECK_STR(json_get_str(v, "policy_approval_mode", NULL), "never");
    CHECK(!cstr_blank(json_get_str(v, "policy_reason", NULL)) && !cstr_blank(json_get_str(v, "hint", NULL)), "why");
    cx.system_context =
        json_hold(s->arena, json_pack("{s:s,s:{s:[{s:s,s:{s:s}}]}}", "sandbox_approval_mode", "on_request",
                                      "command_policy", "rules", "action", "ask", "match", "base", "make"));
    v = sh(s, &cx, "make");
    CHECK_STR(json_get_str(v, "error_code", NULL), "SAFETY_BLOCKED");
    CHECK_STR(json_get_str(v, "policy_action", NULL), "ask");
    CHECK_STR(json_get_str(v, "policy_approval_mode", NULL), "on-request");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"\"}", "SAFETY_BLOCKED");
}

typedef struct {
    int64_t longest;
    scope *s;
} pulse;

/* How long the loop was held at most. */
static err beat(scope *s, void *arg)
{
    pulse *p = arg;

    err e = OK;

    while (e == OK) {
        int64_t began = clock_mono();

        e = sleep_for(s, MILLISECONDS(10));
        p->longest = MAX_OF(p->longest, clock_mono() - began);
    }
    return OK;
}

static const int64_t held_most = SECONDS(1); /* much more than may be: sanitizers, and a busy machine */

FIBER_TEST(a_hard_pattern_of_a_policy_holds_nobody_up, .limit = 60)
{
    tool_context cx = fixture_context(s);
    char *command = arena_alloc(s->arena, 60001);
    pulse p = {.s = scope_child(s, NO_LIMIT)};
    int64_t began;
    json_t *v;

    memset(command, 'a', 60000);
    command[60000] = '\0';
    cx.system_context = json_hold(s->arena, json_pack("{s:{s:[{s:s,s:{s:s}}]}}", "command_policy", "rules", "action",
                                                      "allow", "match", "pattern", "[a-z]*[a-z]*\\d[!?]"));
    scope_spawn(p.s, beat, &p);
    began = clock_mono();
    v = sh(s, &cx, command);
    scope_close(p.s);
    CHECK_STR(json_get_str(v, "policy_category", NULL), "custom_policy_undecided_approval_disabled");
    CHECK(clock_mono() - began < SECONDS(10), "%lld ms", (long long)((clock_mono() - began) / 1000000));
    CHECK(p.longest < held_most, "%lld ms", (long long)(p.longest / 1000000));
}

FIBER_TEST(a_policy_has_so_many_rules_at_most, .limit = 60)
{
    tool_context cx = fixture_context(s);
    json_t *rules = json_array();

    for (int i = 0; i < 201; i++)
        json_array_append_new(rules, json_pack("{s:s,s:{s:s}}", "action", "deny", "match", "base", "make"));
    cx.system_context = json_hold(s->arena, json_pack("{s:{s:o}}", "command_policy", "rules", rules));
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\"}", "PRECONDITION_FAILED");
    json_array_remove(rules, 0);
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"make\"}", "SAFETY_BLOCKED");
}

FIBER_TEST(bad_directories_are_refused, .limit = 60)
{
    tool_context cx = fixture_context(s);

    if (!sandboxed())
        return;
    fixture_puts(s, &cx, "f", "");
    CHECK(symlink("/etc", fixture_path(s, &cx, "out")) == 0, "link");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\",\"workdir\":\"/etc\"}", "PERMISSION_DENIED");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\",\"workdir\":\"out\"}", "PERMISSION_DENIED");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\",\"workdir\":\"none\"}", "NOT_FOUND");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\",\"workdir\":\"f\"}", "INVALID_ARGUMENT");
}

static const char *background(scope *s, const tool_context *cx, const char *command, const char *block)
{
    json_t *args = json_hold(s->arena, json_pack("{s:s,s:s}", "command", command, "block_until_ms", block)), *v;

    v = fixture_call(s, cx, "execute_shell_command", json_text(s->arena, args));
    CHECK(json_get_bool(v, "success", false), "%s", json_text(s->arena, v));
    CHECK_STR(json_get_str(v, "status", NULL), "running");
    CHECK(json_get_int(v, "suggested_next_block_ms", 0) > 0, "%s", json_text(s->arena, v));
    CHECK(json_get_int(v, "running_for_ms", -1) >= 0, "%s", json_text(s->arena, v));
    CHECK_STR(json_get_str(json_get_obj(v, "next_action"), "tool", NULL), "await_shell");
    CHECK(json_get_str(v, "message", NULL) != NULL && json_get_str(v, "output_file", NULL) != NULL, "told");
    return json_get_str(v, "task_id", NULL);
}

static json_t *await(scope *s, const tool_context *cx, const char *id, const char *more)
{
    return fixture_call(s, cx, "await_shell", arena_printf(s->arena, "{\"task_id\":\"%s\"%s}", id, more));
}

FIBER_TEST(a_long_command_goes_on_in_the_background, .limit = 60)
{
    tool_context cx = fixture_context(s);
    const char *id, *note;
    json_t *v;

    if (!sandboxed())
        return;
    id = background(s, &cx, "echo begin; sleep 1; echo middle; sleep 3; echo end", "200");
    v = await(s, &cx, id, ",\"pattern\":\"mid+le\"");
    CHECK(json_get_bool(v, "matched_pattern", false), "%s", json_text(s->arena, v));
    CHECK_STR(json_get_str(v, "status", NULL), "running");
    CHECK_STR(json_get_str(v, "tail_output", NULL), "begin\nmiddle\n");
    v = await(s, &cx, id, ",\"block_until_ms\":10");
    CHECK_STR(json_get_str(v, "status", NULL), "running");
    CHECK_INT(json_get_int(v, "block_until_ms_requested", 0), 10);
    v = await(s, &cx, id, "");
    CHECK_STR(json_get_str(v, "status", NULL), "completed");
    CHECK(!json_get_bool(v, "matched_pattern", true), "no pattern");
    CHECK_STR(json_get_str(v, "stdout", NULL), "begin\nmiddle\nend\n");
    id = background(s, &cx, "sleep 0.3; echo done; exit 4", "0");
    for (int i = 0; i < 100 && (note = tool_session_take_note(cx.session, s->arena)) == NULL; i++)
        CHECK(sleep_for(s, MILLISECONDS(50)) == OK, "slept");
    CHECK(note != NULL && strstr(note, id) != NULL && strstr(note, "exit code 4") != NULL &&
              strstr(note, "done") != NULL,
          "%s", note);
    CHECK(tool_session_take_note(cx.session, s->arena) == NULL, "told once");
    fixture_fails(s, &cx, "await_shell", "{\"task_id\":\"sh_none\"}", "NOT_FOUND");
    fixture_fails(s, &cx, "await_shell", arena_printf(s->arena, "{\"task_id\":\"%s\",\"pattern\":\"(\"}", id),
                  "INVALID_ARGUMENT");
}

FIBER_TEST(killing_asks_first_and_leaves_nothing_behind, .limit = 60)
{
    tool_context cx = fixture_context(s);
    const char *id;
    json_t *v;

    if (!sandboxed())
        return;
    id = background(s, &cx, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done", "100");
    v = await(s, &cx, id, ",\"pattern\":\"up\"");
    CHECK(json_get_bool(v, "matched_pattern", false), "it listens: %s", json_text(s->arena, v));
    v = fixture_call(s, &cx, "kill_shell", arena_printf(s->arena, "{\"task_id\":\"%s\"}", id));
    CHECK_STR(json_get_str(v, "status", NULL), "killed");
    CHECK(json_get_bool(v, "success", false) && json_get_int(v, "pid", 0) > 0, "%s", json_text(s->arena, v));
    CHECK(cstr_ends(json_get_str(v, "tail_output", ""), "bye\n"), "%s", json_text(s->arena, v));
    id = background(s, &cx, "trap '' TERM; while :; do sleep 41.7; done", "300");
    v = fixture_call(s, &cx, "kill_shell", arena_printf(s->arena, "{\"task_id\":\"%s\"}", id));
    CHECK_STR(json_get_str(v, "status", NULL), "killed");
    CHECK(vanish(s, "41.7"), "gone");
    CHECK(tool_session_take_note(cx.session, s->arena) == NULL, "killing is no news");
    fixture_fails(s, &cx, "kill_shell", "{\"task_id\":\"sh_none\"}", "NOT_FOUND");
}

FIBER_TEST(closing_the_session_kills_what_runs, .limit = 60)
{
    tool_context cx = fixture_context(s);
    scope *run = scope_child(s, NO_LIMIT);

    if (!sandboxed())
        return;
    cx.session = tool_session_new(run);
    background(run, &cx, "(setsid nohup sleep 42.3 &) ; sleep 42.4", "300");
    CHECK(processes_with("42.3") > 0, "running");
    scope_close(run);
    CHECK(vanish(s, "42.3"), "gone, daemons too");
}

static err run_long(scope *s, void *arg)
{
    const tool_context *cx = arg;
    json_t *args = json_hold(s->arena, json_pack("{s:s}", "command", "sleep 43.5"));
    const tool *t;
    tool_result r;

    TRY(tool_find(s, s->arena, cx, "execute_shell_command", &t));
    return tool_call(s, t, cx, args, &r);
}

FIBER_TEST(a_cancelled_call_ends_its_command_soon, .limit = 60)
{
    tool_context cx = fixture_context(s);
    scope *group = scope_child(s, NO_LIMIT);
    int64_t began;

    if (!sandboxed())
        return;
    scope_spawn(group, run_long, &cx);
    for (int i = 0; i < 100 && processes_with("43.5") == 0; i++)
        CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "slept");
    CHECK(processes_with("43.5") > 0, "running");
    began = clock_mono();
    scope_cancel(group, "the user pressed stop");
    scope_close(group);
    CHECK(clock_mono() - began < SECONDS(10), "at once");
    CHECK(vanish(s, "43.5"), "gone, though the session lives on");
}

FIBER_TEST(a_hard_pattern_on_output_holds_nobody_up, .limit = 60)
{
    tool_context cx = fixture_context(s);
    scope *run = scope_child(s, NO_LIMIT);
    const char *id;
    pulse p = {.s = scope_child(s, NO_LIMIT)};

    if (!sandboxed())
        return;
    cx.session = tool_session_new(run);
    id = background(s, &cx, "head -c 150000 /dev/zero | tr '\\0' a; sleep 46.3", "1000");
    scope_spawn(p.s, beat, &p);
    fixture_fails(s, &cx, "await_shell",
                  arena_printf(s->arena, "{\"task_id\":\"%s\",\"pattern\":\"[a-z]*[a-z]*\\\\d[!?]\"}", id),
                  "INVALID_ARGUMENT");
    scope_close(p.s);
    CHECK(p.longest < held_most, "%lld ms", (long long)(p.longest / 1000000));
    scope_close(run);
}

FIBER_TEST(what_is_said_bit_by_bit_is_found_in_the_end, .limit = 60)
{
    tool_context cx = fixture_context(s);
    const char *id;
    json_t *v;

    if (!sandboxed())
        return;
    id = background(s, &cx, "for i in $(seq 300); do echo $i; done; printf rea; sleep 0.3; printf dy; sleep 0.2", "0");
    v = await(s, &cx, id, ",\"pattern\":\"^ready$\"");
    CHECK(json_get_bool(v, "matched_pattern", false), "%s", json_text(s->arena, v));
    v = await(s, &cx, id, ",\"pattern\":\"^300\\\\nnever$\"");
    CHECK(!json_get_bool(v, "matched_pattern", true), "%s", json_text(s->arena, v));
    CHECK_STR(json_get_str(v, "status", NULL), "completed");
}

FIBER_TEST(too_many_at_once_are_refused, .limit = 60)
{
    tool_context cx = fixture_context(s);
    scope *run = scope_child(s, NO_LIMIT);

    if (!sandboxed())
        return;
    cx.session = tool_session_new(run);
    for (int i = 0; i < 16; i++)
        background(s, &cx, "sleep 45.7", "0");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\"}", "PRECONDITION_FAILED");
    scope_close(run);
    CHECK(vanish(s, "45.7"), "all gone");
}

static err start_one(scope *s, void *arg)
{
    const char *args = "{\"command\":\"sleep 47.1\",\"block_until_ms\":0}";

    (void)fixture_call(s, arg, "execute_shell_command", args);
    return OK;
}

FIBER_TEST(nor_can_more_start_by_coming_together, .limit = 60)
{
    tool_context cx = fixture_context(s);
    scope *run = scope_child(s, NO_LIMIT), *group = scope_child(s, NO_LIMIT);

    if (!sandboxed())
        return;
    cx.session = tool_session_new(run);
    for (int i = 0; i < 12; i++)
        background(s, &cx, "sleep 47.1", "0");
    for (int i = 0; i < 10; i++)
        scope_spawn(group, start_one, &cx);
    CHECK(scope_join(group) == OK, "all");
    CHECK_INT(shell_running(cx.session), 16);
    scope_close(group);
    scope_close(run);
    CHECK(vanish(s, "47.1"), "all gone");
}

typedef struct {
    buf *seen;
    size_t pieces;
    int64_t first, last;
} audience;

static void on_progress(void *arg, const char *stream, const char *text, size_t len)
{
    audience *a = arg;

    CHECK_STR(stream, "stdout");
    CHECK(utf8_valid(text, len), "whole characters");
    buf_add(a->seen, text, len);
    a->last = clock_mono();
    if (a->pieces++ == 0)
        a->first = a->last;
}

FIBER_TEST(output_is_shown_while_it_comes, .limit = 60)
{
    tool_context cx = fixture_context(s);
    audience a = {.seen = buf_new(s->arena, MIB(1))};
    json_t *v;

    if (!sandboxed())
        return;
    cx.progress = on_progress;
    cx.progress_arg = &a;
    v = sh(s, &cx, "for i in 1 2 3 4; do printf '\\303'; sleep 0.4; printf '\\251'; done");
    CHECK_STR(buf_str(a.seen), "éééé");
    CHECK_STR(json_get_str(v, "stdout", NULL), "éééé");
    CHECK(a.pieces >= 2 && a.last - a.first > MILLISECONDS(100), "%zu pieces", a.pieces);
    a.pieces = 0;
    buf_reset(a.seen);
    sh(s, &cx, "for i in $(seq 2000); do echo $i; done");
    CHECK(a.pieces < 200, "merged: %zu", a.pieces);
    CHECK_INT(a.seen->len, 8893);
}

FIBER_TEST(of_many_commands_the_oldest_are_forgotten, .limit = 60)
{
    tool_context cx = fixture_context(s);
    const char *first = NULL, *last = NULL;

    if (!sandboxed())
        return;
    for (int i = 0; i < 20; i++) {
        last = json_get_str(sh(s, &cx, "echo x"), "task_id", NULL);
        first = first != NULL ? first : last;
    }
    fixture_fails(s, &cx, "await_shell", arena_printf(s->arena, "{\"task_id\":\"%s\"}", first), "NOT_FOUND");
    CHECK_STR(json_get_str(await(s, &cx, last, ""), "stdout", NULL), "x\n");
}

FIBER_TEST(a_workspace_behind_a_link_has_the_path_that_was_given, .limit = 60)
{
    tool_context cx = fixture_context(s);
    const char *link = arena_printf(s->arena, "%s/link", test_dir());

    if (!sandboxed())
        return;
    CHECK(symlink(cx.workspace, link) == 0, "link");
    cx.workspace = link;
    CHECK_STR(stdout_of(s, &cx, arena_printf(s->arena, "pwd; echo x > %s/f; cat f", link)),
              arena_printf(s->arena, "%s\nx\n", link));
    CHECK_STR(fixture_read(s, &cx, "f"), "x\n");
    CHECK_STR(json_get_str(fixture_call(s, &cx, "file_read", arena_printf(s->arena, "{\"file_path\":\"%s/f\"}", link)),
                           "raw_content", NULL),
              "x\n");
}

FIBER_TEST(endless_output_is_bounded_everywhere, .limit = 120)
{
    tool_context cx = fixture_context(s);
    struct stat st;
    json_t *v;

    if (!sandboxed())
        return;
    v = sh(s, &cx, "head -c 40000000 /dev/zero | tr '\\0' 'x'");
    CHECK(json_get_bool(v, "stdout_truncated", false), "cut");
    CHECK_INT(json_get_int(v, "stdout_total_bytes", 0), 40000000);
    CHECK(strlen(json_get_str(v, "stdout", "")) <= 1 << 20, "kept");
    CHECK(stat(json_get_str(v, "output_file", ""), &st) == 0 && st.st_size <= 16 << 20, "%lld", (long long)st.st_size);
}

/* Killing in every stage of the sandbox's start. */
FIBER_TEST(a_kill_during_the_start_leaves_nothing_behind, .limit = 60)
{
    tool_context cx = fixture_context(s);

    if (!sandboxed())
        return;
    for (int ms = 0; ms < 40; ms += 2) {
        scope *run = scope_child(s, NO_LIMIT);

        cx.session = tool_session_new(run);
        background(s, &cx, "sleep 46.8", "0");
        CHECK(sleep_for(s, MILLISECONDS(ms)) == OK, "slept");
        scope_close(run);
    }
    CHECK(vanish(s, "46.8"), "all gone");
}

FIBER_TEST(a_command_cannot_make_its_log_a_way_out, .limit = 60)
{
    tool_context cx = fixture_context(s);

    if (!sandboxed())
        return;
    fixture_puts(s, &cx, "../victim", "safe");
    sh(s, &cx,
       arena_printf(s->arena, "for f in .sluice/shell/*; do ln -sf %s/victim $f; done; sleep 0.2; echo overwritten",
                    test_dir()));
    CHECK_STR(fixture_read(s, &cx, "../victim"), "safe");
    sh(s, &cx, arena_printf(s->arena, "rm -rf .sluice; ln -s %s .sluice", test_dir()));
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\"}", "PERMISSION_DENIED");
}

FIBER_TEST(a_call_without_a_session_of_its_own_waits_and_cleans_up, .limit = 60)
{
    tool_context cx = fixture_context(s);

    if (!sandboxed())
        return;
    cx.session = NULL;
    CHECK_STR(stdout_of(s, &cx, "echo hi"), "hi\n");
    background(s, &cx, "sleep 44.6", "200");
    CHECK(vanish(s, "44.6"), "gone with the call");
}
