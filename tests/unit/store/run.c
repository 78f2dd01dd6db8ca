/* SPDX-License-Identifier: MIT */
/* The log of a run and its readers, on one loop and over two. */
#include "store/run.h"

#include <stdatomic.h>

#include "net/metrics.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "test.h"

static run *begun(scope *s, const char *session)
{
    run *r = NULL;

    CHECK(run_begin(s, &(run_info){.session_id = session, .user_id = "u1"}, &r) == OK, "begins");
    return r;
}

static void emit(scope *s, run *r, const run_message *m, const char *text)
{
    CHECK(run_emit(s, r, EV_TEXT, m, text, strlen(text)) == OK, "emits %s", text);
}

FIBER_TEST(a_reader_gets_every_event_in_order_and_then_the_end)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *r = begun(work, "s1");
    const run_message *m = run_message_new(r, "m1", "s1", "SimpleAgent");
    run_reader *rd = run_reader_open(r, NULL, NULL);
    char text[16];
    event ev;

    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "piece %d", i);
        emit(work, r, m, text);
    }
    run_finish(r, RUN_COMPLETED, NULL);
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "piece %d", i);
        CHECK(run_next(s, rd, &ev) == OK, "event %d", i);
        CHECK(ev.kind == EV_TEXT && ev.message == m, "kind and message of %d", i);
        CHECK(ev.len == strlen(text) && memcmp(ev.bytes, text, ev.len) == 0, "text of %d", i);
    }
    CHECK(run_next(s, rd, &ev) == OK && ev.kind == EV_END, "the end");
    CHECK(memmem(ev.bytes, ev.len, "\"completed\"", 11) != NULL, "says how");
    CHECK(run_next(s, rd, &ev) == ERR_CLOSED, "nothing after it");
    CHECK_INT(run_reader_lag(rd), 0);
    run_reader_close(rd);
    run_unref(r);
    scope_close(work);
}

static err writes_later(scope *s, void *arg)
{
    run *r = arg;

    TRY(sleep_for(s, MILLISECONDS(5)));
    TRY(run_emit(s, r, EV_TEXT, NULL, "late", 4));
    TRY(sleep_for(s, MILLISECONDS(5)));
    run_finish(r, RUN_FAILED, "it broke");
    return OK;
}

FIBER_TEST(a_reader_waits_for_what_is_not_there_yet)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *r = begun(work, "s1");
    run_reader *rd = run_reader_open(r, NULL, NULL);
    event ev;

    scope_spawn(work, writes_later, r);
    CHECK(run_next(s, rd, &ev) == OK && ev.kind == EV_TEXT, "woken by the event");
    CHECK(run_next(s, rd, &ev) == OK && ev.kind == EV_END, "woken by the end");
    CHECK(run_state(r) == RUN_FAILED, "status");
    run_reader_close(rd);
    run_unref(r);
    scope_close(work);
}

FIBER_TEST(waiting_for_an_event_ends_with_its_scope)
{
    scope *work = scope_child(s, NO_LIMIT), *brief = scope_child(s, MILLISECONDS(5));
    run *r = begun(work, "s1");
    run_reader *rd = run_reader_open(r, NULL, NULL);
    event ev;

    CHECK(run_next(brief, rd, &ev) == ERR_TIMEOUT, "deadline");
    emit(work, r, NULL, "x");
    CHECK(run_next(s, rd, &ev) == OK, "the reader is still good");
    run_reader_close(rd);
    run_finish(r, RUN_COMPLETED, NULL);
    run_unref(r);
    scope_close(brief);
    scope_close(work);
}

static err waits(scope *s, void *r)
{
    return run_wait(s, r);
}

FIBER_TEST(waiting_for_the_end_of_a_run_can_be_cancelled)
{
    scope *work = scope_child(s, NO_LIMIT), *wait = scope_child(s, NO_LIMIT);
    run *r = begun(work, "s1");

    scope_spawn(wait, waits, r);
    emit(work, r, NULL, "x");
    CHECK(sleep_for(s, MILLISECONDS(10)) == OK, "it waits");
    scope_cancel(wait, "enough");
    CHECK_INT(scope_join(wait), ERR_CANCELLED);
    run_finish(r, RUN_COMPLETED, NULL);
    CHECK_INT(run_wait(s, r), OK);
    run_unref(r);
    scope_close(wait);
    scope_close(work);
}

FIBER_TEST(a_run_that_produces_too_much_fails_with_a_clear_error)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *r = begun(work, "s1");
    err e = OK;

    hub_set_limits(10000, 0, 0);
    for (int i = 0; i < 1000 && e == OK; i++)
        e = run_emit(work, r, EV_TEXT, NULL, "0123456789012345678901234567890123456789", 40);
    CHECK(e == ERR_TOO_LARGE, "stopped");
    CHECK(run_bytes(r) <= 10000, "%zu bytes", run_bytes(r));
    run_finish(r, RUN_FAILED, "too much"); /* the end always fits */
    run_unref(r);
    scope_close(work);
}

FIBER_TEST(why_a_run_failed_still_fits_when_it_produced_too_much)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *r = begun(work, "s1");

    hub_set_limits(100, 0, 0);
    CHECK(run_emit(work, r, EV_TEXT, NULL, "0123456789012345678901234567890123456789", 40) == OK, "fits");
    while (run_emit(work, r, EV_TEXT, NULL, "0123456789", 10) == OK)
        continue;
    CHECK(run_emit(work, r, EV_FAILURE, NULL, "{\"reason\":\"too much\"}", 21) == OK, "the last word");
    run_finish(r, RUN_FAILED, "too much");
    run_unref(r);
    scope_close(work);
}

FIBER_TEST(a_reason_of_any_length_leaves_the_end_readable)
{
    scope *work = scope_child(s, NO_LIMIT);
    char *reason = arena_zalloc(s->arena, 100001, 1);
    run *r = begun(work, "s1");
    run_reader *rd = run_reader_open(r, NULL, NULL);
    event ev;

    memset(reason, '"', 100000);
    CHECK(run_interrupt(r, reason), "live");
    CHECK(strlen(run_interrupt_reason(r)) <= 500, "cut");
    run_finish(r, RUN_INTERRUPTED, run_interrupt_reason(r));
    CHECK(run_next(s, rd, &ev) == OK && ev.kind == EV_END, "the end");
    CHECK(ev.bytes[ev.len - 1] == '}' && ev.bytes[ev.len - 2] == '"', "whole");
    run_reader_close(rd);
    run_unref(r);
    scope_close(work);
}

FIBER_TEST(interrupting_cancels_the_scope_of_the_run_once)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *r = begun(work, "s1");

    CHECK(run_interrupt(r, "enough"), "live");
    CHECK(run_interrupt(r, "again"), "still live");
    CHECK(work->ended == ERR_CANCELLED, "cancelled");
    CHECK_STR(work->reason, "enough");
    CHECK_STR(run_interrupt_reason(r), "enough");
    run_finish(r, RUN_INTERRUPTED, "enough");
    CHECK(!run_interrupt(r, "late"), "over");
    run_unref(r);
    scope_close(work);
}

/* Two loops: the run lives on the first, the second reads and then interrupts it. */

static _Atomic(run *) shared;
static atomic_int seen;

static err write_until_cancelled(scope *s)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *r = begun(work, "over-loops");
    err e = OK;

    atomic_store(&shared, run_ref(r));
    for (int i = 0; e == OK; i++) {
        e = run_emit(work, r, EV_TEXT, NULL, &(char){(char)('a' + i % 26)}, 1);
        if (e == OK && i % 10 == 0)
            e = sleep_for(work, MILLISECONDS(1));
    }
    CHECK(e == ERR_CANCELLED, "interrupted from the other loop");
    run_finish(r, RUN_INTERRUPTED, run_interrupt_reason(r));
    run_unref(r);
    scope_close(work);
    return OK;
}

static err read_and_interrupt(scope *s)
{
    run_reader *rd;
    run *r;
    event ev;
    err e;

    while ((r = atomic_load(&shared)) == NULL)
        TRY(sleep_for(s, MILLISECONDS(1)));
    rd = run_reader_open(r, NULL, NULL);
    while ((e = run_next(s, rd, &ev)) == OK && ev.kind == EV_TEXT) {
        CHECK(ev.bytes[0] == 'a' + seen % 26, "event %d in order", seen);
        if (++seen == 500)
            run_interrupt(r, "seen enough");
    }
    CHECK(e == OK && ev.kind == EV_END, "the end arrives");
    CHECK(run_wait(s, r) == OK, "waiting for what is over");
    run_reader_close(rd);
    run_unref(r);
    return OK;
}

static err on_each_loop(scope *root, void *arg)
{
    (void)arg;
    return loop_index(root->loop) == 0 ? write_until_cancelled(root) : read_and_interrupt(root);
}

TEST(a_reader_on_another_loop_sees_everything_and_can_interrupt, .limit = 60)
{
    CHECK(loops_run(2, on_each_loop, NULL) == 0, "both ended well");
    CHECK(seen >= 500, "%d seen", seen);
    hub_close();
}

FIBER_TEST(the_metrics_say_how_long_runs_and_their_first_words_took)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *r = begun(work, "timed");
    const run_message *m = run_message_new(r, "m1", "timed", NULL);
    buf text = BUF_INIT(KIB(64));

    emit(work, r, m, "one");
    emit(work, r, m, "two");
    run_finish(r, RUN_FAILED, "a reason");
    metrics_render(&text);
    CHECK(strstr(buf_str(&text), "sluice_run_first_token_seconds_count 1\n") != NULL, "the first piece counts, once");
    CHECK(strstr(buf_str(&text), "sluice_run_seconds_count{outcome=\"failed\"} 1\n") != NULL, "by outcome");
    CHECK(strstr(buf_str(&text), "sluice_run_seconds_count{outcome=\"completed\"} 0\n") != NULL, "by outcome alone");
    buf_close(&text);
    run_unref(r);
    scope_close(work);
}
