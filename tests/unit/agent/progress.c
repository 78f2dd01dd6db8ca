/* SPDX-License-Identifier: MIT */
/* The live output of tools on its way to those who watch. */
#include "base/clock.h"
#include "rt/sleep.h"
#include "stage.h"
#include "test.h"

static void say(const tool_context *cx, const char *stream, const char *text)
{
    cx->progress(cx->progress_arg, stream, text, strlen(text));
}

/* A line a millisecond, on both streams. */
static err lines(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    (void)t;
    (void)args;
    for (int i = 0; i < 100; i++) {
        say(cx, "stdout", arena_printf(s->arena, "line %d\n", i));
        say(cx, "stderr", "!");
        TRY(sleep_for(s, MILLISECONDS(1)));
    }
    out->text = "done";
    return OK;
}

/* Much at once, more than fits one event, in characters of three bytes. */
static err flood(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    buf *b = buf_new(s->arena, MIB(1));

    (void)t;
    (void)args;
    for (int i = 0; i < 20000; i++)
        buf_puts(b, "\xe2\x82\xac");
    say(cx, "other", buf_str(b));
    out->text = "done";
    return OK;
}

/* A character in two halves, and then nothing for a while. */
static err halves(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    (void)t;
    (void)args;
    say(cx, "stdout", "a\xe2\x82");
    TRY(sleep_for(s, MILLISECONDS(120)));
    say(cx, "stdout", "\xac");
    TRY(sleep_for(s, MILLISECONDS(120)));
    say(cx, "stdout", "\xe2");
    out->text = "done";
    return OK;
}

static err silent(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    (void)t;
    (void)args;
    say(cx, "stdout", "begun");
    out->text = "never";
    return sleep_for(s, SECONDS(20));
}

static const tool tools[] = {{.name = "flood", .description = "d", .call = flood},
                             {.name = "halves", .description = "d", .call = halves},
                             {.name = "lines", .description = "d", .call = lines},
                             {.name = "silent", .description = "d", .call = silent}};

static stage *with_tools(scope *s, const stage_answer *answers, size_t n)
{
    stage *st = stage_new(s, answers, n);
    const tool **list = arena_array(st->s->arena, const tool *, COUNT(tools));

    for (size_t i = 0; i < COUNT(tools); i++) {
        tool *copy = arena_one(st->s->arena, tool);

        *copy = tools[i];
        copy->parameters = json_hold(st->s->arena, json_pack("{s:s,s:{}}", "type", "object", "properties"));
        list[i] = copy;
    }
    st->plan.tools = list;
    st->plan.n_tools = COUNT(tools);
    return st;
}

/* The events of one stream so far: how many, and their texts in one. */
static size_t seen(stage *st, const char *stream, buf *all)
{
    run_reader *rd = run_reader_open(st->run, NULL, NULL);
    size_t n = 0;
    json_t *v;
    event ev;

    while (run_reader_next(rd, &ev)) {
        if (ev.kind != EV_TOOL_PROGRESS)
            continue;
        CHECK(json_parse(st->s->arena, ev.bytes, ev.len, NULL, &v) == OK, "%.*s", (int)ev.len, ev.bytes);
        if (!cstr_eq(json_get_str(v, "stream", ""), stream) || json_get_bool(v, "closed", false))
            continue;
        CHECK(strlen(json_get_str(v, "text", "")) <= 16384, "an event has a limit");
        buf_puts(all, json_get_str(v, "text", ""));
        n++;
    }
    run_reader_close(rd);
    return n;
}

FIBER_TEST(what_comes_within_a_moment_is_one_event_of_its_stream)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "lines", "{}") STOP}, {.body = TEXT("ok") STOP}};
    stage *st = with_tools(s, answers, COUNT(answers));
    buf *out = buf_new(s->arena, MIB(1)), *errors = buf_new(s->arena, MIB(1));
    int64_t began = clock_mono(), moments;
    size_t n;

    CHECK(stage_run(st) == OK, "runs");
    moments = (clock_mono() - began) / MILLISECONDS(50) + 2;
    n = seen(st, "stdout", out);
    CHECK(n >= 2 && (int64_t)n <= moments, "%zu events", n);
    CHECK_INT(seen(st, "stderr", errors), n);
    CHECK(cstr_starts(buf_str(out), "line 0\nline 1\n") && cstr_ends(buf_str(out), "line 98\nline 99\n"), "all of it");
    CHECK_INT(errors->len, 100);
    CHECK(cstr_ends(stage_kinds(st), "PROGRESS RESULT PROGRESS TEXT TEXT_END"), "%s",
          stage_kinds(st)); /* then the end */
    stage_close(st);
}

FIBER_TEST(much_at_once_is_several_events_of_whole_characters)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "flood", "{}") STOP}, {.body = TEXT("ok") STOP}};
    stage *st = with_tools(s, answers, COUNT(answers));
    buf *all = buf_new(s->arena, MIB(1));

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(seen(st, "info", all), 4); /* where a stream without a name of ours goes */
    CHECK_INT(all->len, 60000);
    CHECK(strstr(buf_str(all), "\xef\xbf\xbd") == NULL, "no character was cut");
    stage_close(st);
}

FIBER_TEST(half_a_character_waits_for_its_rest_until_the_end)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "halves", "{}") STOP}, {.body = TEXT("ok") STOP}};
    stage *st = with_tools(s, answers, COUNT(answers));
    buf *all = buf_new(s->arena, MIB(1));

    CHECK(stage_run(st) == OK, "runs");
    CHECK_INT(seen(st, "stdout", all), 3);
    CHECK_STR(buf_str(all), "a\xe2\x82\xac\xef\xbf\xbd"); /* nothing came to the last one */
    stage_close(st);
}

static err interrupt(scope *s, void *arg)
{
    stage *st = arg;

    while (strstr(stage_kinds(st), "PROGRESS") == NULL)
        TRY(sleep_for(s, MILLISECONDS(5)));
    run_interrupt(st->run, "enough");
    return OK;
}

FIBER_TEST(output_is_seen_while_the_tool_runs_and_an_interrupt_ends_both)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "silent", "{}") STOP}};
    stage *st = with_tools(s, answers, COUNT(answers));
    scope *beside = scope_child(s, NO_LIMIT);
    buf *all = buf_new(s->arena, MIB(1));

    scope_spawn(beside, interrupt, st);
    CHECK(stage_run(st) == ERR_CANCELLED, "interrupted");
    CHECK_INT(seen(st, "stdout", all), 1);
    CHECK_STR(buf_str(all), "begun");
    scope_close(beside);
    stage_close(st);
}

FIBER_TEST(an_interrupt_in_the_first_moment_leaves_nothing_behind)
{
    static const stage_answer answers[] = {{.body = CALL("0", "c1", "silent", "{}") STOP}};
    stage *st = with_tools(s, answers, COUNT(answers));

    scope_set_timeout(st->s, MILLISECONDS(30));
    CHECK(stage_run(st) == ERR_TIMEOUT, "out of time");
    CHECK(sleep_for(s, MILLISECONDS(80)) == OK, "and no fiber wakes up after it");
    stage_close(st);
}
