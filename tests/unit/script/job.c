/* SPDX-License-Identifier: MIT */
/* Tests of script/job.c, over the real runner. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fixture.h"
#include "rt/sleep.h"

static json_t *parsed(scope *s, const char *text)
{
    json_t *v = NULL;

    CHECK(json_parse(s->arena, text, strlen(text), NULL, &v) == OK, "%s", text);
    return v;
}

FIBER_TEST(a_script_returns_what_json_can_say)
{
    RUNNER_OR_SKIP(0);
    CHECK_STR(fixture_value(s, "return 1 + 1"), "2");
    CHECK_STR(fixture_value(s, "return {a: [1, 'x', null], b: undefined}"), "{\"a\":[1,\"x\",null]}");
    CHECK_STR(fixture_value(s, ""), "null");
    CHECK_STR(fixture_value(s, "return await Promise.resolve('späť 😀')"), "\"späť 😀\"");
    CHECK_STR(fixture_value(s, "return 'a\\u0000b\\ud800c'"), "\"a\xEF\xBF\xBD"
                                                              "b\xEF\xBF\xBD"
                                                              "c\"");
}

FIBER_TEST(numbers_beyond_64_bits_are_returned_as_what_they_are)
{
    RUNNER_OR_SKIP(0);
    CHECK_STR(fixture_value(s, "return [18446744073709551615, -9223372036854775809, 1e20, 123456789012345]"),
              "[1.8446744073709552e+19,-9.223372036854776e+18,1e+20,123456789012345]");
    CHECK_STR(fixture_value(s, "return 99999999999999999999"), "1e+20");
    CHECK_STR(fixture_value(s, "return {'12345678901234567890': 'x\\\\\"99999999999999999999', b: 1.5e-7}"),
              "{\"12345678901234567890\":\"x\\\\\\\"99999999999999999999\",\"b\":1.5e-07}");
}

FIBER_TEST(a_value_that_cannot_be_taken_is_refused_with_the_reason)
{
    static const struct {
        const char *code, *reason;
    } cases[] = {
        {"return Array.from({length: 300000}, () => ({}))", "more than 250000 arrays and objects"},
        {"let v = 1; for (let i = 0; i < 200; i++) v = [v]; return v", "nested deeper than 100 levels"},
        {"return {'\\ud800': 1, '\\ud801': 2}", "duplicate"},
    };

    RUNNER_OR_SKIP(0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        script_outcome out = fixture_run(s, cases[i].code);

        CHECK_INT(out.status, SCRIPT_TOO_MUCH);
        CHECK(strstr(out.message, cases[i].reason) != NULL, "%s", out.message);
    }
}

FIBER_TEST(the_input_arrives_as_it_was_given)
{
    script_job job = {.name = "test",
                      .code = STR("return [data.input, data.auth]"),
                      .input = parsed(s, "{\"n\":1.5,\"text\":\"</script> \\u2028 \\\\\"}"),
                      .auth = parsed(s, "{\"token\":\"t\"}")};

    RUNNER_OR_SKIP(0);
    CHECK_STR(fixture_value_of(s, &job), "[{\"n\":1.5,\"text\":\"</script> \xE2\x80\xA8 \\\\\"},{\"token\":\"t\"}]");
}

FIBER_TEST(an_exception_is_the_outcome_with_message_and_stack)
{
    script_outcome out;

    RUNNER_OR_SKIP(0);
    out = fixture_run(s, "console.log('before'); throw new TypeError('no such deal')");
    CHECK_INT(out.status, SCRIPT_THREW);
    CHECK(strstr(out.message, "no such deal") != NULL, "%s", out.message);
    CHECK(out.stack != NULL, "where it was");
    CHECK_STR(json_text(s->arena, out.logs), "[\"before\"]");
    out = fixture_run(s, "await Promise.reject('only text')");
    CHECK_INT(out.status, SCRIPT_THREW);
    CHECK_STR(out.message, "only text");
}

FIBER_TEST(a_syntax_error_names_the_line_of_the_code)
{
    static const struct {
        const char *code;
        int line;
    } cases[] = {{"foo bar", 1}, {"return 1;\n\nfoo bar", 3}, {"await 1;\nlet x = ;\n", 2}};

    RUNNER_OR_SKIP(0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        script_outcome out = fixture_run(s, cases[i].code);

        CHECK_INT(out.status, SCRIPT_BAD_SYNTAX);
        CHECK(out.line == cases[i].line, "%s: line %d", cases[i].code, (int)out.line);
    }
}

FIBER_TEST(code_cannot_close_the_function_that_it_is_the_body_of)
{
    static const char *const codes[] = {"} async function b() {", "})(); (async () => {", "/*", "`", "}",
                                        "return 1 }; {"};

    RUNNER_OR_SKIP(0);
    for (size_t i = 0; i < COUNT(codes); i++)
        CHECK(fixture_run(s, codes[i]).status == SCRIPT_BAD_SYNTAX, "%s", codes[i]);
    CHECK_STR(fixture_value(s, "return 1 //"), "1");
}

FIBER_TEST(checking_compiles_and_runs_nothing)
{
    script_job job = {.name = "test", .code = STR("throw new Error('ran')"), .check_only = true};

    RUNNER_OR_SKIP(0);
    CHECK_STR(fixture_value_of(s, &job), "null");
    job.code = STR("return 1;\n)");
    CHECK_INT(fixture_run_job(s, &job).status, SCRIPT_BAD_SYNTAX);
}

FIBER_TEST(code_cannot_be_made_from_strings)
{
    static const char *const codes[] = {
        "return eval('1')",
        "return (0, eval)('1')",
        "return new Function('return 1')()",
        "return [].map.constructor('return 1')()",
        "return (async () => {}).constructor('return 1')()",
        "return (function* () {}).constructor('yield 1')().next()",
        "return (async function* () {}).constructor('yield 1')().next()",
        "return Object.getPrototypeOf(async () => {}).constructor('return 1')()",
        "return (class { static m() {} }).m.constructor('return 1')()",
        "return new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))",
        "return await import('fs')",
        "return setTimeout('1', 0) && await import('data:text/javascript,1')",
    };

    RUNNER_OR_SKIP(0);
    for (size_t i = 0; i < COUNT(codes); i++)
        CHECK(fixture_run(s, codes[i]).status == SCRIPT_THREW, "%s", codes[i]);
}

FIBER_TEST(timers_fire_in_their_order)
{
    RUNNER_OR_SKIP(0);
    CHECK_STR(fixture_value(s, "const seen = [];\n"
                               "setTimeout(() => seen.push(2), 20);\n"
                               "setTimeout(() => seen.push(1), 5);\n"
                               "await new Promise(r => setTimeout(r, 40));\n"
                               "return seen"),
              "[1,2]");
}

FIBER_TEST(a_promise_that_nobody_can_settle_ends_the_run_at_once, .limit = 30)
{
    int64_t began = clock_mono();
    script_outcome out;

    RUNNER_OR_SKIP(0);
    out = fixture_run(s, "await new Promise(() => {})");
    CHECK_INT(out.status, SCRIPT_THREW);
    CHECK(strstr(out.message, "never") != NULL, "%s", out.message);
    CHECK(clock_mono() - began < SECONDS(25), "not after the time-out");
}

FIBER_TEST(the_wall_clock_ends_a_script_that_waits)
{
    script_job job = {
        .name = "test", .code = STR("await new Promise(r => setTimeout(r, 60000))"), .wall_timeout = MILLISECONDS(300)};
    script_outcome out;

    RUNNER_OR_SKIP(0);
    out = fixture_run_job(s, &job);
    CHECK_INT(out.status, SCRIPT_TIMED_OUT);
    CHECK_STR(out.message, "Execution timed out after 300 milliseconds");
    CHECK_INT(fixture_await_runners(s, 0), 0);
}

FIBER_TEST(the_wall_clock_ends_a_script_that_computes)
{
    script_job job = {.name = "test", .code = STR("console.log('in'); for (;;);"), .wall_timeout = SECONDS(3)};
    script_outcome out;

    RUNNER_OR_SKIP(0);
    out = fixture_run_job(s, &job);
    CHECK_INT(out.status, SCRIPT_TIMED_OUT);
    CHECK_STR(out.message, "Execution timed out after 3 seconds");
    CHECK_STR(json_text(s->arena, out.logs), "[\"in\"]");
    CHECK_INT(fixture_await_runners(s, 0), 0);
}

FIBER_TEST(the_limit_of_cpu_time_ends_a_script_that_computes, .limit = 30)
{
    script_outcome out;

    RUNNER_OR_SKIP(.cpu_timeout = 1);
    out = fixture_run(s, "for (;;);");
    CHECK_INT(out.status, SCRIPT_TIMED_OUT);
    CHECK_STR(out.message, "Execution timed out after 1 seconds");
}

FIBER_TEST(memory_is_limited_whatever_it_is_used_for, .limit = 120)
{
    static const char *const codes[] = {
        "let t = 'x'; for (;;) t += t",
        "const a = []; for (;;) a.push({x: a.length})",
        "const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))",
        "const a = []; for (let i = 0;; i++) a.push({['k' + i]: i})",
        "const a = []; for (;;) a.push('abc'.repeat(1000).split(''))",
        "const a = []; for (let i = 0;; i++) a.push(Symbol('s' + i), () => i)",
        "const m = new Map(); for (let i = 0;; i++) m.set(i, 'v' + i)",
        "let t = null; for (;;) t = {t, u: [t]}",
        "const a = []; for (let i = 0;;) { const o = {}; for (let j = 0; j < 60; j++) o['p' + i++] = 1; a.push(o) }",
    };

    RUNNER_OR_SKIP(.memory = MIB(64));
    for (size_t i = 0; i < COUNT(codes); i++) {
        script_outcome out = fixture_run(s, codes[i]);

        CHECK(out.status == SCRIPT_NO_MEMORY, "%s: %d %s", codes[i], (int)out.status, out.message);
    }
}

FIBER_TEST(what_becomes_garbage_is_not_counted_as_memory, .limit = 60)
{
    RUNNER_OR_SKIP(.memory = MIB(64));
    CHECK_STR(fixture_value(s, "let n = 0;\n"
                               "for (let i = 0; i < 300; i++) n += new Uint8Array(1e6).length;\n"
                               "for (let i = 0; i < 1e6; i++) n += ({i, t: 'x' + i}).t.length > 0;\n"
                               "return n"),
              "301000000");
}

FIBER_TEST(deep_recursion_is_an_exception)
{
    RUNNER_OR_SKIP(0);
    CHECK_STR(fixture_value(s, "function f() { return f() + 1 }\ntry { f() } catch (e) { return e.name }"),
              "\"RangeError\"");
    CHECK_STR(fixture_value(s, "let t = '['.repeat(1e5); try { JSON.parse(t) } catch (e) { return e.name }"),
              "\"SyntaxError\"");
}

FIBER_TEST(floods_of_output_end_the_run)
{
    RUNNER_OR_SKIP(0);
    CHECK_INT(fixture_run(s, "for (;;) console.log('x')").status, SCRIPT_TOO_MUCH);
    CHECK_INT(fixture_run(s, "for (;;) console.log('x'.repeat(10000))").status, SCRIPT_TOO_MUCH);
    CHECK_INT(fixture_run(s, "return 'x'.repeat(11 * 1024 * 1024)").status, SCRIPT_TOO_MUCH);
    CHECK_INT(fixture_run(s, "let v = 1; for (let i = 0; i < 2000; i++) v = [v]; return v").status, SCRIPT_TOO_MUCH);
    CHECK_INT(fixture_run(s, "console.log('a'); return 'x'.repeat(1024 * 1024)").status, SCRIPT_DONE);
}

FIBER_TEST(nothing_survives_from_run_to_run)
{
    RUNNER_OR_SKIP(0);
    CHECK_STR(fixture_value(s, "globalThis.left = 1; Array.prototype.map = null; return 1"), "1");
    CHECK_STR(fixture_value(s, "return [typeof left, [1].map(x => x + 1)]"), "[\"undefined\",[2]]");
}

FIBER_TEST(no_file_no_process_and_no_environment_is_in_reach)
{
    RUNNER_OR_SKIP(0);
    CHECK_STR(fixture_value(s, "return ['process', 'require', 'WebAssembly', 'Deno', 'Bun', 'native', '$vm']\n"
                               "    .filter(n => typeof globalThis[n] !== 'undefined')"),
              "[]");
    CHECK_STR(fixture_value(s, "return new Date(0).toString().slice(0, 24)"), "\"Thu Jan 01 1970 00:00:00\"");
    CHECK_STR(
        fixture_value(s, "return new Intl.DateTimeFormat('de', {timeZone: 'Asia/Tokyo', dateStyle: 'long'}).format(0)"),
        "\"1. Januar 1970\"");
}

/* ---- files ---- */

static const char *write_file(scope *s, const char *text)
{
    const char *path = arena_printf(s->arena, "%s/in", test_dir());
    FILE *f = fopen(path, "w");

    CHECK(f != NULL, "%s", path);
    fputs(text, f);
    fclose(f);
    return path;
}

FIBER_TEST(input_files_are_described_and_their_bytes_come_when_asked_for)
{
    script_input_file file = {
        .field = "doc", .name = "a.txt", .mime = "text/plain", .size = 5, .modified = 1767225600000000};
    script_job job = {
        .name = "test",
        .code = STR("const f = data.input.doc; return [f.fileName, f.mimeType, f.size, f.lastModified, f.base64]"),
        .files = &file,
        .n_files = 1};

    RUNNER_OR_SKIP(0);
    file.path = write_file(s, "hello");
    CHECK_STR(fixture_value_of(s, &job), "[\"a.txt\",\"text/plain\",5,\"2026-01-01T00:00:00.000Z\",\"aGVsbG8=\"]");
    file.in_list = true;
    job.code = STR("return data.input.doc.map(f => f.fileName)");
    CHECK_STR(fixture_value_of(s, &job), "[\"a.txt\"]");
    file.in_list = false;
    file.path = "/nowhere/at/all";
    job.code = STR("try { return data.input.doc.base64 } catch (e) { return e.message }");
    CHECK_STR(fixture_value_of(s, &job), "\"The file cannot be read\"");
}

static void check_file(scope *s, const script_output_file *f, const char *name, const char *text)
{
    char *bytes = mem_zalloc(1, (size_t)f->size + 1);
    FILE *in = fopen(f->path, "r");

    (void)s;
    CHECK_STR(f->name, name);
    CHECK(in != NULL && fread(bytes, 1, (size_t)f->size + 1, in) == (size_t)f->size, "%s", f->path);
    fclose(in);
    CHECK_STR(bytes, text);
    free(bytes);
    CHECK_STR(json_get_str(f->at, "fileName", NULL), name);
    CHECK(json_object_get(f->at, "base64") == NULL && json_object_get(f->at, "text") == NULL, "no bytes in the value");
}

FIBER_TEST(returned_files_are_kept_until_the_scope_ends)
{
    scope *own = scope_child(s, NO_LIMIT);
    struct stat st;
    script_outcome out;
    char path[512];

    RUNNER_OR_SKIP(0);
    out = fixture_run(own, "return {ok: true, files: [{fileName: 'a.csv', mimeType: 'text/csv', text: 'x;ü'},\n"
                           "                          {fileName: 'b.bin', mimeType: 'x/y', base64: 'AAEC'}]}");
    CHECK_INT(out.n_files, 2);
    check_file(own, &out.files[0], "a.csv", "x;ü");
    CHECK_INT(out.files[1].size, 3);
    CHECK(json_object_get(out.value, "ok") == json_true(), "the rest of the value is there");
    snprintf(path, sizeof path, "%s", out.files[0].path);
    scope_close(own);
    CHECK(stat(path, &st) != 0 && errno == ENOENT, "deleted with the scope");
}

static int files_in(const char *directory)
{
    DIR *d = opendir(directory);
    int n = 0;

    CHECK(d != NULL, "%s", directory);
    for (struct dirent *f; (f = readdir(d)) != NULL;)
        n += strncmp(f->d_name, "sluice-file-", 12) == 0;
    closedir(d);
    return n;
}

FIBER_TEST(a_run_that_ends_while_its_file_is_written_leaves_none, .limit = 60)
{
    script_job job = {.name = "test",
                      .code = STR("return {files: [{fileName: 'a', mimeType: 'x/y', text: 'x'.repeat(8e6)}]}")};

    const char *directory = arena_strdup(s->arena, test_dir()); /* which looks at TMPDIR itself */
    int64_t whole = clock_mono();

    RUNNER_OR_SKIP(0);
    setenv("TMPDIR", directory, 1);
    CHECK_INT(fixture_run_job(s, &job).n_files, 1);
    whole = clock_mono() - whole;
    CHECK_INT(files_in(directory), 1); /* of this scope, which has not ended */
    for (int i = 0; i < 40; i++) {
        scope *run = scope_child(s, NO_LIMIT);
        script_outcome out;

        job.wall_timeout = whole / 2 + whole / 80 * i;
        CHECK_INT(script_run(run, &job, &out), OK);
        scope_close(run);
    }
    CHECK_INT(files_in(directory), 1);
}

FIBER_TEST(too_many_files_are_refused)
{
    RUNNER_OR_SKIP(0);
    CHECK(fixture_run(
              s, "return {files: Array.from({length: 21}, (_, i) => ({fileName: i + '.txt', mimeType: 'text/plain', "
                 "text: 'x'}))}")
                  .status != SCRIPT_DONE,
          "at most 20");
}

/* ---- ends from outside ---- */

typedef struct {
    script_job job;
    script_outcome out;
    err e;
} shot;

static err shoot(scope *s, void *arg)
{
    shot *sh = arg;

    sh->e = script_run(s, &sh->job, &sh->out);
    return OK;
}

FIBER_TEST(cancelling_the_scope_ends_the_run_and_leaves_no_process)
{
    scope *run = scope_child(s, NO_LIMIT);
    shot sh = {.job = {.name = "test", .code = STR("for (;;);")}, .e = OK};

    RUNNER_OR_SKIP(0);
    scope_spawn(run, shoot, &sh);
    CHECK(sleep_for(s, MILLISECONDS(500)) == OK, "it runs by now");
    scope_cancel(run, "enough");
    CHECK(scope_join(run) == OK, "joined");
    CHECK_INT(sh.e, ERR_CANCELLED);
    CHECK_INT(fixture_await_runners(s, 0), 0);
}

FIBER_TEST(the_deadline_of_the_scope_ends_the_run)
{
    scope *run = scope_child(s, MILLISECONDS(600));
    shot sh = {.job = {.name = "test", .code = STR("await new Promise(r => setTimeout(r, 60000))")}, .e = OK};

    RUNNER_OR_SKIP(0);
    CHECK(shoot(run, &sh) == OK, "ran");
    CHECK_INT(sh.e, ERR_TIMEOUT);
    CHECK_INT(fixture_await_runners(s, 0), 0);
}

FIBER_TEST(a_process_that_is_killed_is_a_crash_and_the_next_run_goes_well)
{
    scope *run = scope_child(s, NO_LIMIT);
    shot sh = {.job = {.name = "test", .code = STR("await new Promise(r => setTimeout(r, 60000))")}};

    RUNNER_OR_SKIP(0);
    scope_spawn(run, shoot, &sh);
    CHECK_INT(fixture_await_runners(s, 1), 1);
    CHECK(sleep_for(s, SECONDS(1)) == OK, "it runs by now");
    CHECK_INT(fixture_runners(SIGKILL), 1);
    CHECK(scope_join(run) == OK, "joined");
    CHECK_INT(sh.e, OK);
    CHECK_INT(sh.out.status, SCRIPT_CRASHED);
    CHECK_STR(fixture_value(s, "return 1"), "1");
}

FIBER_TEST(code_and_input_that_are_too_large_are_refused)
{
    char *code = arena_alloc(s->arena, 600002);
    script_job job = {.name = "test", .code = {code, 600001}};
    script_outcome out;

    RUNNER_OR_SKIP(0);
    memset(code, ' ', 600002);
    CHECK_INT(script_run(s, &job, &out), ERR_TOO_LARGE);
    CHECK_STR(scope_failure(s, ERR_TOO_LARGE).code, "script.code");
    job.code.len = 600000;
    CHECK_INT(fixture_run_job(s, &job).status, SCRIPT_DONE);
}
