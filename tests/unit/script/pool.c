/* SPDX-License-Identifier: MIT */
/* Tests of script/pool.c, with the real runner, and with one that misbehaves. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"
#include "net/metrics.h"
#include "rt/sleep.h"

typedef struct {
    script_job job;
    script_outcome out;
    err e;
    int order;
} shot;

static int finished;

static err shoot(scope *s, void *arg)
{
    shot *sh = arg;

    sh->e = script_run(s, &sh->job, &sh->out);
    sh->order = finished++;
    return OK;
}

FIBER_TEST(two_hundred_runs_in_a_row_leave_nothing_behind, .limit = 120)
{
    RUNNER_OR_SKIP(0);
    for (int i = 0; i < 200; i++) {
        scope *run = scope_child(s, NO_LIMIT);
        char code[64], wanted[16];

        snprintf(code, sizeof code, "return %d", i);
        snprintf(wanted, sizeof wanted, "%d", i);
        CHECK_STR(fixture_value(run, code), wanted);
        scope_close(run);
    }
    CHECK_INT(fixture_await_runners(s, 0), 0); /* the last one ends by itself */
}

FIBER_TEST(fifty_runs_at_once_each_get_their_own_answer, .limit = 120)
{
    static shot shots[50];
    static char codes[50][100];
    scope *all = scope_child(s, NO_LIMIT);

    RUNNER_OR_SKIP(.max_running = 16);
    for (size_t i = 0; i < COUNT(shots); i++) {
        snprintf(codes[i], sizeof codes[i], "await new Promise(r => setTimeout(r, 5)); return %zu", i);
        shots[i].job = (script_job){.name = "test", .code = str_of(codes[i])};
        scope_spawn(all, shoot, &shots[i]);
    }
    CHECK(scope_join(all) == OK, "all ended");
    for (size_t i = 0; i < COUNT(shots); i++) {
        CHECK(shots[i].e == OK && shots[i].out.status == SCRIPT_DONE, "run %zu", i);
        CHECK_INT(json_integer_value(shots[i].out.value), i);
    }
}

/* Long beside the moments for which these tests sleep, on a busy machine too. */
#define LONG STR("await new Promise(r => setTimeout(r, 1500)); return 1")

FIBER_TEST(runs_wait_in_line_and_the_line_has_an_end, .limit = 60)
{
    static shot shots[4];
    scope *all = scope_child(s, NO_LIMIT);

    RUNNER_OR_SKIP(.max_running = 1, .max_waiting = 2);
    for (size_t i = 0; i < COUNT(shots); i++) {
        shots[i].job = (script_job){.name = "test", .code = i == 0 ? LONG : STR("return 1")};
        scope_spawn(all, shoot, &shots[i]);
        if (i == 0)
            CHECK(sleep_for(s, MILLISECONDS(150)) == OK, "the first one runs");
    }
    CHECK(scope_join(all) == OK, "all ended");
    CHECK_INT(shots[3].e, ERR_BUSY);
    CHECK_INT(shots[3].order, 0);
    for (int i = 0; i < 3; i++)
        CHECK(shots[i].e == OK && shots[i].out.status == SCRIPT_DONE && shots[i].order == i + 1, "run %d in its turn",
              i);
}

FIBER_TEST(one_that_leaves_the_line_takes_nobodys_turn, .limit = 60)
{
    static shot first, second, third;
    scope *all = scope_child(s, NO_LIMIT), *leaving = scope_child(s, NO_LIMIT);

    RUNNER_OR_SKIP(.max_running = 1);
    first.job = second.job = third.job = (script_job){.name = "test", .code = LONG};
    scope_spawn(all, shoot, &first);
    CHECK(sleep_for(s, MILLISECONDS(50)) == OK, "slept");
    scope_spawn(leaving, shoot, &second);
    CHECK(sleep_for(s, MILLISECONDS(5)) == OK, "slept");
    scope_spawn(all, shoot, &third);
    CHECK(sleep_for(s, MILLISECONDS(5)) == OK, "slept");
    scope_cancel(leaving, "no longer wanted");
    CHECK(scope_join(leaving) == OK && second.e == ERR_CANCELLED, "%d", (int)second.e);
    CHECK(scope_join(all) == OK && first.e == OK && third.e == OK && third.out.status == SCRIPT_DONE, "the others ran");
}

FIBER_TEST(an_open_pool_is_filled_again_after_each_run, .limit = 60)
{
    RUNNER_OR_SKIP(.pool = 3);
    script_pool_open();
    CHECK_INT(fixture_await_runners(s, 3), 3);
    CHECK(sleep_for(s, SECONDS(2)) == OK, "slept");
    CHECK_STR(fixture_value(s, "return 1"), "1");
    CHECK(sleep_for(s, SECONDS(2)) == OK, "slept");
    CHECK_INT(fixture_await_runners(s, 3), 3);
    CHECK_INT(fixture_runners(SIGKILL), 3);
    CHECK(sleep_for(s, SECONDS(1)) == OK, "slept");
    CHECK_STR(fixture_value(s, "return 2"), "2");
    script_pool_close();
    CHECK(sleep_for(s, MILLISECONDS(300)) == OK, "slept");
    CHECK_INT(fixture_await_runners(s, 0), 0);
}

/* The template that a process is being asked of ends by the same close. */
FIBER_TEST(a_pool_may_be_closed_while_it_starts_processes, .limit = 60)
{
    RUNNER_OR_SKIP(.pool = 4);
    for (int i = 0; i < 40; i++) {
        script_pool_open();
        CHECK(sleep_for(s, MILLISECONDS(i)) == OK, "slept");
        script_pool_close();
        if (i % 2 == 0)
            CHECK_STR(fixture_value(s, "return 1"), "1");
    }
    CHECK(sleep_for(s, MILLISECONDS(300)) == OK, "slept");
    CHECK_INT(fixture_await_runners(s, 0), 0);
}

FIBER_TEST(a_script_cannot_tell_that_its_process_has_rehearsed, .limit = 30)
{
    static const char code[] = "const all = Object.getOwnPropertyDescriptors(globalThis);\n"
                               "return [Object.entries(all).map(([k, d]) => [k, 'get' in d, d.enumerable, d.writable, "
                               "d.configurable]).sort(),\n"
                               "        Object.keys(data), Object.keys(data.input), console.log.name, typeof fetch, "
                               "String(new Headers({a: 'b'}).get('a'))]";
    const char *at_once, *rested;

    RUNNER_OR_SKIP(.pool = 1);
    at_once = fixture_value(s, code);
    script_pool_open();
    CHECK(sleep_for(s, SECONDS(2)) == OK, "slept");
    rested = fixture_value(s, code);
    script_pool_close();
    CHECK_STR(rested, at_once);
}

FIBER_TEST(a_process_that_waits_is_enclosed_already, .limit = 30)
{
    RUNNER_OR_SKIP(.pool = 1);
    script_pool_open();
    for (int i = 0; i < 500 && strcmp(fixture_runner_status("Seccomp:"), "Seccomp:\t2\n") != 0; i++)
        CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "slept");
    CHECK_STR(fixture_runner_status("Seccomp:"), "Seccomp:\t2\n");
    CHECK_STR(fixture_runner_status("NoNewPrivs:"), "NoNewPrivs:\t1\n");
    CHECK_STR(fixture_runner_status("CapEff:"), "CapEff:\t0000000000000000\n");
    script_pool_close();
}

FIBER_TEST(without_a_runner_the_answer_says_how_to_get_one)
{
    script_job job = {.name = "test", .code = STR("return 1")};
    script_outcome out;
    const char *why = NULL;

    script_configure(&(script_settings){.runner = "/nowhere/sluice-script"});
    CHECK_INT(script_run(s, &job, &out), ERR_UNSUPPORTED);
    CHECK_STR(scope_failure(s, ERR_UNSUPPORTED).code, "script.unavailable");
    CHECK(strstr(scope_failure(s, ERR_UNSUPPORTED).text, "libjavascriptcoregtk-4.1-dev") != NULL, "%s",
          scope_failure(s, ERR_UNSUPPORTED).text);
    CHECK(!script_available(&why) && strstr(why, "install") != NULL, "%s", why);
    script_pool_open();
    script_pool_close();
}

FIBER_TEST(a_runner_that_does_not_start_is_no_endless_wait, .limit = 30)
{
    script_job job = {.name = "test", .code = STR("return 1")};
    script_outcome out;

    script_configure(&(script_settings){.runner = "/bin/false"});
    CHECK_INT(script_run(s, &job, &out), ERR_UNSUPPORTED);
    CHECK_STR(scope_failure(s, ERR_UNSUPPORTED).code, "script.unavailable");
    CHECK_INT(script_run(s, &job, &out), ERR_UNSUPPORTED);
}

TEST(the_probe_tells_a_good_runner_from_a_bad_one)
{
    const char *why = NULL;

    RUNNER_OR_SKIP(0);
    CHECK(script_available(&why), "%s", why);
    script_configure(&(script_settings){.runner = "/bin/true"});
    CHECK(!script_available(&why) && strstr(why, "does not start") != NULL, "%s", why);
}

/* ---- a process that was taken over ---- */

static bool fake(void)
{
    const char *runner = getenv("FAKE_RUNNER");

    CHECK(runner != NULL && access(runner, X_OK) == 0, "the build makes it");
    return fixture_open(&(script_settings){.runner = runner, .wall_timeout = SECONDS(5)});
}

FIBER_TEST(whatever_a_process_says_the_run_ends_and_the_server_does_not, .limit = 60)
{
    static const struct {
        const char *what;
        script_status status;
    } cases[] = {
        {"garbage", SCRIPT_CRASHED},     {"huge", SCRIPT_CRASHED},         {"half", SCRIPT_CRASHED},
        {"ready twice", SCRIPT_CRASHED}, {"no json", SCRIPT_TOO_MUCH},     {"no value", SCRIPT_TOO_MUCH},
        {"odd failure", SCRIPT_CRASHED}, {"odd file", SCRIPT_TOO_MUCH},    {"lost file", SCRIPT_TOO_MUCH},
        {"many calls", SCRIPT_TOO_MUCH}, {"odd calls", SCRIPT_DONE},       {"many logs", SCRIPT_TOO_MUCH},
        {"many files", SCRIPT_TOO_MUCH}, {"zeros", SCRIPT_CRASHED},        {"slow", SCRIPT_DONE},
        {"deaf", SCRIPT_TIMED_OUT},      {"be good", SCRIPT_DONE},         {"large number", SCRIPT_TOO_MUCH},
        {"file ..", SCRIPT_TOO_MUCH},    {"file a\\\\b", SCRIPT_TOO_MUCH}, {"file a\\nb", SCRIPT_TOO_MUCH},
        {"file a.txt", SCRIPT_DONE},     {"long failure", SCRIPT_CRASHED},
    };

    if (!fake())
        return;
    for (size_t i = 0; i < COUNT(cases); i++) {
        script_outcome out = fixture_run(s, cases[i].what);

        CHECK(out.status == cases[i].status, "%s: %d %s", cases[i].what, (int)out.status, out.message);
        CHECK(out.duration >= 0 && out.duration < SECONDS(30), "%s: a duration that can be", cases[i].what);
    }
}

static const char *breakable_runner(scope *s, const char **mark)
{
    const char *path = arena_printf(s->arena, "%s/runner", test_dir());

    CHECK(symlink(getenv("FAKE_RUNNER"), path) == 0, "%s", path);
    *mark = arena_printf(s->arena, "%s.broken", path);
    return path;
}

FIBER_TEST(a_process_that_does_not_start_takes_no_running_script_with_it, .limit = 60)
{
    shot running = {.job = {.name = "test", .code = STR("deaf")}};
    scope *all = scope_child(s, NO_LIMIT);
    script_job more = {.name = "test", .code = STR("be good")};
    const char *mark;
    script_outcome out;

    if (!fake())
        return;
    script_configure(&(script_settings){.runner = breakable_runner(s, &mark), .pool = 1});
    scope_spawn(all, shoot, &running);
    CHECK_INT(fixture_await_runners(s, 1), 1);
    CHECK(sleep_for(s, MILLISECONDS(500)) == OK, "it runs by now");
    fclose(fopen(mark, "w"));
    CHECK_INT(script_run(s, &more, &out), ERR_UNSUPPORTED);
    unlink(mark);
    CHECK_INT(fixture_run_job(s, &more).status, SCRIPT_DONE);
    CHECK(scope_join(all) == OK && running.e == OK, "joined");
    CHECK_INT(running.out.status, SCRIPT_TIMED_OUT);
}

/* ---- whose turn it is ---- */

enum { MANY = 8 };

static void occupy(scope *s, shot *all, size_t n, const char *owner)
{
    for (size_t i = 0; i < n; i++) {
        all[i] = (shot){.job = {.name = "endless",
                                .owner = owner,
                                .code = STR("for (;;) await new Promise(r => setTimeout(r, 1000))")}};
        scope_spawn(s, shoot, &all[i]);
    }
}

FIBER_TEST(endless_scripts_of_one_user_do_not_keep_the_others_out, .limit = 60)
{
    static shot all[MANY];
    scope *hog = scope_child(s, NO_LIMIT), *soon = scope_child(s, SECONDS(20));
    script_job other = {.name = "test", .owner = "other", .code = STR("return 1")};

    RUNNER_OR_SKIP(.max_running = 4);
    occupy(hog, all, MANY, "hog");
    CHECK(sleep_for(s, SECONDS(1)) == OK, "they run by now");
    CHECK_STR(fixture_value_of(soon, &other), "1");
    other.owner = NULL;
    CHECK_STR(fixture_value_of(soon, &other), "1");
    scope_cancel(hog, "enough");
    CHECK(scope_join(hog) == OK, "joined");
}

FIBER_TEST(one_user_does_not_fill_the_line, .limit = 60)
{
    static shot all[MANY];
    scope *hog = scope_child(s, NO_LIMIT), *soon = scope_child(s, MILLISECONDS(300));
    script_job more = {.name = "test", .owner = "hog", .code = STR("return 1")};
    script_outcome out;

    RUNNER_OR_SKIP(.max_running = 1, .max_waiting = 4);
    occupy(hog, all, 3, "hog");
    CHECK(sleep_for(s, SECONDS(1)) == OK, "one runs, two wait");
    occupy(hog, all + 3, 1, "hog");
    CHECK(sleep_for(s, MILLISECONDS(50)) == OK, "three wait");
    CHECK_INT(script_run(s, &more, &out), ERR_BUSY);
    CHECK_STR(scope_failure(s, ERR_BUSY).code, "script.busy");
    more.owner = "other";
    CHECK_INT(script_run(soon, &more, &out), ERR_TIMEOUT);
    scope_cancel(hog, "enough");
    CHECK(scope_join(hog) == OK, "joined");
}

FIBER_TEST(who_has_the_fewest_runs_is_next, .limit = 60)
{
    static shot all[MANY], second;
    scope *hog = scope_child(s, NO_LIMIT), *late = scope_child(s, SECONDS(20));

    RUNNER_OR_SKIP(.max_running = 2);
    occupy(hog, all, MANY, "hog");
    CHECK_INT(fixture_await_runners(s, 2), 2);
    CHECK(sleep_for(s, SECONDS(1)) == OK, "two run");
    second.job = (script_job){.name = "test", .owner = "second", .code = STR("return 2")};
    scope_spawn(late, shoot, &second);
    CHECK(sleep_for(s, MILLISECONDS(100)) == OK, "it is behind them in line");
    CHECK(fixture_runners(SIGKILL) >= 2, "both are ended");
    CHECK(scope_join(late) == OK, "joined");
    CHECK_INT(second.e, OK);
    scope_cancel(hog, "enough");
    CHECK(scope_join(hog) == OK, "joined");
}
