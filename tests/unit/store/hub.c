/* SPDX-License-Identifier: MIT */
/* Which runs there are: one live run a session, kept ones, lists, watches. */
#include "base/arena.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "store/run.h"
#include "test.h"

static run *begun(scope *s, const char *session, const char *user, bool managed)
{
    run *r = NULL;

    CHECK(run_begin(s, &(run_info){.session_id = session, .user_id = user, .managed = managed}, &r) == OK, "begins");
    return r;
}

FIBER_TEST(a_session_has_one_live_run)
{
    scope *one = scope_child(s, NO_LIMIT), *two = scope_child(s, NO_LIMIT);
    run *r = begun(one, "s1", "u1", false), *other = NULL;

    CHECK(run_begin(two, &(run_info){.session_id = "s1"}, &other) == ERR_BUSY, "refused");
    CHECK_STR(two->failure.code, "run.busy");
    CHECK(other == NULL, "nothing came out");
    run_finish(r, RUN_COMPLETED, NULL);
    run_unref(r);
    r = begun(two, "s1", "u1", false);
    run_finish(r, RUN_COMPLETED, NULL);
    run_unref(r);
    scope_close(one);
    scope_close(two);
}

FIBER_TEST(runs_that_say_so_are_beside_each_other_in_a_session)
{
    scope *work = scope_child(s, NO_LIMIT);
    run_info info = {.session_id = "s1", .user_id = "u1", .beside = true};
    run *first = NULL, *second = NULL, *other = NULL, *found;

    CHECK(run_begin(work, &info, &first) == OK && run_begin(work, &info, &second) == OK, "both");
    CHECK((found = hub_find("s1")) == first, "the first is found");
    run_unref(found);
    CHECK((found = hub_find_run(run_facts(second)->id)) == second, "the other by its id");
    run_unref(found);
    CHECK_INT(hub_read_stats().live, 2);
    info.beside = false;
    CHECK_INT(run_begin(work, &info, &other), ERR_BUSY);
    run_finish(first, RUN_COMPLETED, NULL);
    CHECK((found = hub_find("s1")) == second, "its place is the other's now");
    run_unref(found);
    CHECK_INT(run_begin(work, &info, &other), ERR_BUSY);
    run_finish(second, RUN_COMPLETED, NULL);
    CHECK(hub_find("s1") == NULL, "the session is free");
    CHECK(hub_find_run(run_facts(second)->id) == NULL, "gone");
    CHECK_INT(hub_read_stats().live, 0);

    other = begun(work, "s1", "u1", false);
    info.beside = true;
    run_unref(first);
    CHECK_INT(run_begin(work, &info, &first), ERR_BUSY); /* nor beside one that does not say so */
    run_finish(other, RUN_COMPLETED, NULL);
    run_unref(other);
    run_unref(second);
    hub_close();
    scope_close(work);
}

FIBER_TEST(a_kept_run_hands_its_session_to_one_that_goes_on)
{
    scope *work = scope_child(s, NO_LIMIT);
    run_info info = {.session_id = "s1", .user_id = "u1", .beside = true, .managed = true};
    run *first = NULL, *second = NULL, *other = NULL, *found;

    CHECK(run_begin(work, &info, &first) == OK, "begins");
    info.managed = false;
    CHECK(run_begin(work, &info, &second) == OK, "beside it");
    run_finish(first, RUN_COMPLETED, NULL);
    CHECK((found = hub_find("s1")) == second, "the one that is alive");
    run_unref(found);
    info.beside = false;
    CHECK_INT(run_begin(work, &info, &other), ERR_BUSY);
    run_finish(second, RUN_COMPLETED, NULL);
    CHECK((found = hub_find_run(run_facts(first)->id)) == first, "it is kept all the same");
    run_unref(found);
    run_unref(first);
    run_unref(second);
    hub_close();
    scope_close(work);
}

static err finishes_later(scope *s, void *arg)
{
    if (sleep_for(s, SECONDS(5)) == OK)
        return OK; /* cut short by the interrupt */
    run_finish(arg, RUN_INTERRUPTED, "asked to");
    return OK;
}

FIBER_TEST(a_new_run_waits_for_an_interrupted_one_to_unwind)
{
    scope *one = scope_child(s, NO_LIMIT), *two = scope_child(s, NO_LIMIT);
    run *r = begun(one, "s1", "u1", true), *next;

    scope_spawn(one, finishes_later, r);
    run_interrupt(r, "replaced");
    next = begun(two, "s1", "u1", true);
    CHECK(run_state(r) == RUN_INTERRUPTED, "the old one is over");
    CHECK(next != r, "a new one");
    run_finish(next, RUN_COMPLETED, NULL);
    run_unref(next);
    run_unref(r);
    scope_close(one);
    scope_close(two);
    hub_close();
}

static err begins(scope *s, void *session)
{
    run *r;

    return run_begin(s, &(run_info){.session_id = session}, &r);
}

FIBER_TEST(waiting_for_a_run_to_unwind_ends_with_the_scope_of_the_wait)
{
    scope *one = scope_child(s, NO_LIMIT), *brief = scope_child(s, MILLISECONDS(20)), *two = scope_child(s, NO_LIMIT);
    run *r = begun(one, "s1", "u1", true);

    run_interrupt(r, "replaced"); /* but nobody ends it */
    CHECK_INT(begins(brief, (void *)(uintptr_t) "s1"), ERR_TIMEOUT);
    CHECK(brief->failure.code == NULL, "its own time is over, not our patience: %s", brief->failure.text);
    scope_spawn(two, begins, (void *)(uintptr_t) "s1");
    CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "it waits");
    scope_cancel(two, "gone");
    CHECK_INT(scope_join(two), ERR_CANCELLED);
    CHECK_INT(hub_read_stats().live, 1);
    run_finish(r, RUN_INTERRUPTED, NULL);
    run_unref(r);
    scope_close(two);
    scope_close(brief);
    scope_close(one);
    hub_close();
}

FIBER_TEST(a_managed_run_is_found_for_a_while_after_its_end)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *kept = begun(work, "managed", "u1", true), *gone = begun(work, "direct", "u1", false), *found;

    hub_set_limits(MIB(1), MILLISECONDS(500), MIB(1));
    run_finish(kept, RUN_COMPLETED, NULL);
    run_finish(gone, RUN_COMPLETED, NULL);
    CHECK(hub_find("direct") == NULL, "a direct run goes with its client");
    found = hub_find("managed");
    CHECK(found == kept, "a managed one stays");
    run_unref(found);
    CHECK_INT(hub_read_stats().kept, 1);
    CHECK(sleep_for(s, MILLISECONDS(600)) == OK, "time passes");
    run_unref(gone);
    gone = begun(work, "another", "u1", true); /* whoever comes next sweeps */
    CHECK(hub_find("managed") == NULL, "forgotten");
    run_finish(gone, RUN_COMPLETED, NULL);
    run_unref(gone);
    run_unref(kept);
    hub_close();
    scope_close(work);
}

FIBER_TEST(kept_runs_go_when_their_time_is_over_although_nothing_runs)
{
    scope *work = scope_child(s, NO_LIMIT);
    run *r = begun(work, "managed", "u1", true);

    hub_set_limits(MIB(1), MILLISECONDS(500), MIB(1));
    run_finish(r, RUN_COMPLETED, NULL);
    run_unref(r);
    hub_expire();
    CHECK_INT(hub_read_stats().kept, 1);
    CHECK(sleep_for(s, MILLISECONDS(600)) == OK, "time passes");
    hub_expire();
    CHECK_INT(hub_read_stats().kept, 0);
    CHECK_INT(hub_read_stats().log_bytes, 0);
    CHECK(hub_find("managed") == NULL, "forgotten");
    hub_close();
    scope_close(work);
}

FIBER_TEST(kept_runs_give_way_when_they_are_too_many_bytes)
{
    scope *work = scope_child(s, NO_LIMIT);
    char text[1000] = {0}, name[16];
    run *found;

    hub_set_limits(MIB(1), MINUTES(5), 20000);
    for (int i = 0; i < 50; i++) {
        run *r;

        snprintf(name, sizeof name, "s%d", i);
        r = begun(work, name, "u1", true);
        CHECK(run_emit(work, r, EV_TEXT, NULL, text, sizeof text) == OK, "emits");
        run_finish(r, RUN_COMPLETED, NULL);
        run_unref(r);
    }
    CHECK(hub_read_stats().log_bytes <= 20000, "%llu bytes kept", (unsigned long long)hub_read_stats().log_bytes);
    CHECK(hub_find("s0") == NULL, "the oldest went");
    CHECK((found = hub_find("s49")) != NULL, "the newest is there");
    run_unref(found);
    hub_close();
    scope_close(work);
}

static void count(void *arg)
{
    ++*(int *)arg;
}

FIBER_TEST(lists_hold_live_runs_of_a_user_and_watches_hear_of_changes)
{
    scope *work = scope_child(s, NO_LIMIT);
    int changes = 0;
    hub_watch *w = hub_watch_open(count, &changes);
    run *a = begun(work, "s1", "u1", true), *b = begun(work, "s2", "u2", true), **list;
    arena *mine = arena_new(s->arena);

    CHECK_INT(changes, 2);
    CHECK_INT(hub_list(mine, "u1", &list), 1);
    CHECK(list[0] == a, "the user's own");
    CHECK_INT(hub_list(mine, NULL, &list), 2);
    run_finish(a, RUN_COMPLETED, NULL);
    CHECK_INT(changes, 3);
    CHECK_INT(hub_list(mine, NULL, &list), 1);
    CHECK(list[0] == b, "the one that goes on");
    arena_free(mine);
    hub_watch_close(w);
    run_finish(b, RUN_COMPLETED, NULL);
    CHECK_INT(changes, 3);
    run_unref(a);
    run_unref(b);
    hub_close();
    scope_close(work);
}
