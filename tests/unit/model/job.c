/* SPDX-License-Identifier: MIT */
/* Tests of model/job.c, and of the workers of store/jobs.c over real records. */
#include "model/job.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "made.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "store/jobs.h"

/* What the kinds below have seen; one test runs in one process. */
static atomic_int runs, overlaps, inside;
static char order[256];

static err count(scope *s, job *j)
{
    (void)s;
    (void)j;
    atomic_fetch_add(&runs, 1);
    return OK;
}

static err fail_twice(scope *s, job *j)
{
    atomic_fetch_add(&runs, 1);
    return j->attempt < 3 ? fail(s, ERR_UPSTREAM, "attempt %d did not work", (int)j->attempt) : OK;
}

static err refuse(scope *s, job *j)
{
    (void)j;
    atomic_fetch_add(&runs, 1);
    return fail(s, ERR_INVALID, "makes no sense");
}

static err repeat(scope *s, job *j)
{
    (void)s;
    j->again_at = atomic_fetch_add(&runs, 1) < 2 ? clock_wall() : 0;
    j->payload_next = "{\"again\":true}";
    return OK;
}

static err one_by_one(scope *s, job *j)
{
    size_t used = strlen(order);

    if (atomic_fetch_add(&inside, 1) > 0)
        atomic_fetch_add(&overlaps, 1);
    snprintf(order + used, sizeof order - used, "%s ", j->payload);
    TRY(sleep_for(s, MILLISECONDS(5)));
    atomic_fetch_sub(&inside, 1);
    atomic_fetch_add(&runs, 1);
    return OK;
}

static err hang(scope *s, job *j)
{
    (void)j;
    atomic_fetch_add(&runs, 1);
    return sleep_for(s, SECONDS(100));
}

static const job_kind kinds[] = {
    {.name = "count", .run = count},
    {.name = "fail_twice", .run = fail_twice, .retry_base = MILLISECONDS(1)},
    {.name = "refuse", .run = refuse},
    {.name = "repeat", .run = repeat},
    {.name = "one_by_one", .run = one_by_one},
    {.name = "hang", .run = hang, .timeout = MILLISECONDS(30), .retry_base = MILLISECONDS(1)},
    {.name = "hang_long", .run = hang},
};

static void work(size_t at_once)
{
    static atomic_bool once;

    if (!atomic_exchange(&once, true)) {
        job_setup();
        for (size_t i = 0; i < COUNT(kinds); i++)
            jobs_register(&kinds[i]);
    }
    jobs_open(at_once);
}

static const char *put(scope *s, const char *kind, const char *lane, const char *key, const char *payload)
{
    job_row j = {.kind = kind, .lane = lane, .key = key, .payload = payload};

    CHECK_INT(job_insert(s, &j), OK);
    return j.id;
}

/* Waits until the job has reached a state. */
static job_row *wait_for(scope *s, const char *id, const char *state)
{
    job_row *j = NULL;

    for (int i = 0; i < 2000; i++) {
        CHECK_INT(job_find(s, OWNED_BY_ANYONE, id, &j), OK);
        if (cstr_eq(j->state, state))
            return j;
        CHECK_INT(sleep_for(s, MILLISECONDS(5)), OK);
    }
    CHECK_STR(j->state, state);
    return j;
}

ENGINE_TEST(a_job_is_run_once_and_stays_readable)
{
    const char *id = put(s, "count", NULL, NULL, NULL);
    job_row *j;

    work(2);
    j = wait_for(s, id, "done");
    CHECK_INT(j->attempts, 1);
    CHECK(j->finished_at >= j->created_at, "it has an end");
    CHECK_INT(sleep_for(s, MILLISECONDS(50)), OK);
    CHECK_INT(atomic_load(&runs), 1);
    loops_stop();
}

ENGINE_TEST(a_failed_attempt_is_tried_again_and_the_reason_kept)
{
    job_row *j;

    work(2);
    j = wait_for(s, put(s, "fail_twice", NULL, NULL, NULL), "done");
    CHECK_INT(atomic_load(&runs), 3);
    CHECK_INT(j->attempts, 3);
    loops_stop();
}

ENGINE_TEST(attempts_end_at_their_limit_and_at_once_when_there_is_no_use)
{
    job_row few = {.kind = "fail_twice", .max_attempts = 2}, *j;

    work(2);
    j = wait_for(s, put(s, "refuse", NULL, NULL, NULL), "failed");
    CHECK_STR(j->error, "makes no sense");
    CHECK_INT(atomic_load(&runs), 1);
    CHECK_INT(job_insert(s, &few), OK);
    j = wait_for(s, few.id, "failed");
    CHECK_STR(j->error, "attempt 2 did not work");
    j = wait_for(s, put(s, "nonesuch", NULL, NULL, NULL), "failed");
    CHECK_STR(j->error, "this server knows no such kind of job");
    loops_stop();
}

ENGINE_TEST(a_job_over_its_time_is_a_failed_attempt)
{
    job_row two = {.kind = "hang", .max_attempts = 2};

    work(2);
    CHECK_INT(job_insert(s, &two), OK);
    wait_for(s, two.id, "failed");
    CHECK_INT(atomic_load(&runs), 2);
    loops_stop();
}

ENGINE_TEST(a_job_can_ask_for_its_next_time_and_payload)
{
    job_row *j;

    work(2);
    j = wait_for(s, put(s, "repeat", NULL, NULL, "{}"), "done");
    CHECK_INT(atomic_load(&runs), 3);
    CHECK_STR(j->payload, "{\"again\":true}");
    CHECK_INT(j->attempts, 1);
    loops_stop();
}

ENGINE_TEST(a_key_is_had_by_one_unfinished_job)
{
    const char *first = put(s, "count", NULL, "k1", NULL);

    CHECK(first != NULL, "the first gets in");
    CHECK(put(s, "count", NULL, "k1", NULL) == NULL, "the second does not");
    CHECK(put(s, "count", NULL, "k2", NULL) != NULL, "another key does");
    work(2);
    wait_for(s, first, "done");
    CHECK(put(s, "count", NULL, "k1", NULL) != NULL, "and the key is free afterwards");
    loops_stop();
}

ENGINE_TEST(jobs_of_a_lane_run_one_at_a_time_in_order)
{
    const char *last = NULL;

    for (int i = 0; i < 6; i++) {
        last = put(s, "one_by_one", "lane", NULL, arena_printf(s->arena, "%d", i));
    }
    work(4);
    wait_for(s, last, "done");
    CHECK_INT(atomic_load(&overlaps), 0);
    CHECK_STR(order, "0 1 2 3 4 5 ");
    loops_stop();
}

ENGINE_TEST(what_waits_can_be_cancelled_and_listed_by_its_owner)
{
    db_batch *b = db_batch_new(s->arena);
    job_row mine = {.kind = "count", .owner_id = "u1", .key = "k", .run_at = clock_wall() + 60000000}, *list = NULL;
    size_t n = 0;

    CHECK_INT(job_insert(s, &mine), OK);
    CHECK_INT(job_set_progress(s, mine.id, "{\"done\":1}"), OK);
    CHECK_INT(job_list(s, owned_by_user("u1"), "count", (page){0}, &list, &n), OK);
    CHECK_INT(n, 1);
    CHECK_STR(list[0].progress, "{\"done\":1}");
    CHECK_INT(job_list(s, owned_by_user("u2"), "count", (page){0}, &list, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(job_find(s, owned_by_user("u2"), mine.id, &list), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "job.not_found");
    job_add_instead(s->arena, b, "k", NULL);
    CHECK_INT(db_batch_run(s, b), OK);
    wait_for(s, mine.id, "cancelled");
    CHECK_INT(job_set_progress(s, "nonesuch", "{}"), ERR_NOT_FOUND);
}

ENGINE_TEST(jobs_added_in_a_batch_are_there_with_it)
{
    db_batch *b = db_batch_new(s->arena);
    job_row j = {.kind = "count"};

    work(2);
    job_add(s->arena, b, &j);
    CHECK_INT(db_batch_run(s, b), OK);
    jobs_wake();
    wait_for(s, j.id, "done");
    loops_stop();
}

ENGINE_TEST(jobs_of_one_user_leave_places_for_others)
{
    const char *hog = made_user(s, "hog"), *ann = made_user(s, "ann");
    job_row j = {.kind = "count", .owner_id = ann};

    for (int i = 0; i < 10; i++) {
        job_row long_one = {.kind = "hang_long", .owner_id = hog};

        CHECK_INT(job_insert(s, &long_one), OK);
    }
    work(4);
    while (atomic_load(&runs) < 3)
        CHECK_INT(sleep_for(s, MILLISECONDS(5)), OK);
    CHECK_INT(job_insert(s, &j), OK);
    wait_for(s, j.id, "done");
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM job WHERE state = 'running'"), 3);
    loops_stop();
}

/* Others may take it up when its worker is gone for long; what that one says then counts no more. */
ENGINE_TEST(a_lease_is_short_and_whoever_has_lost_it_changes_nothing)
{
    const char *id = put(s, "hang_long", NULL, NULL, NULL);
    scope *after = scope_new("after");

    work(2);
    while (atomic_load(&runs) == 0)
        CHECK_INT(sleep_for(s, MILLISECONDS(5)), OK);
    CHECK(engine_int(s, "SELECT leased_until FROM job") < clock_wall() + 120 * INT64_C(1000000), "two minutes at most");
    CHECK_INT(db_exec(s, "UPDATE job SET claim = 'another', attempts = 7", DB_NO_ARGS, NULL), OK);
    loops_stop();
    CHECK_INT(wait_for(after, id, "running")->attempts, 7);
    scope_close(after);
}

/* As a crash leaves it: running, by nobody.  On PostgreSQL its lease must be over. */
ENGINE_TEST(a_job_cut_off_by_a_crash_runs_again)
{
    const char *id = put(s, "count", NULL, NULL, NULL);

    CHECK_INT(db_exec(s, "UPDATE job SET state = 'running', attempts = 1, claim = 'gone', leased_until = 5", DB_NO_ARGS,
                      NULL),
              OK);
    work(2);
    CHECK_INT(wait_for(s, id, "done")->attempts, 2);
    loops_stop();
}

ENGINE_TEST(a_job_that_ends_the_server_each_time_is_given_up_after_its_last_attempt)
{
    job_row j = {.kind = "count", .key = "deadly", .max_attempts = 2}, *ended;

    CHECK_INT(job_insert(s, &j), OK);
    CHECK_INT(db_exec(s, "UPDATE job SET state = 'running', attempts = 2, claim = 'gone', leased_until = 5", DB_NO_ARGS,
                      NULL),
              OK);
    work(2);
    ended = wait_for(s, j.id, "failed");
    CHECK_INT(atomic_load(&runs), 0);
    CHECK_STR(ended->error, "the server ended while it ran");
    CHECK_INT(ended->attempts, 2);
    CHECK(put(s, "count", NULL, "deadly", NULL) != NULL, "its key is free again");
    loops_stop();
}

/* The second loop of this test is where jobs are put in; both work on them. */
ENGINE_TEST_LOOPS(loops_share_the_work_and_never_a_job, 2, .limit = 60)
{
    work(4);
    if (loop_index(s->loop) == 1) {
        const char *ids[40];

        for (size_t i = 0; i < COUNT(ids); i++)
            ids[i] = put(s, "count", NULL, NULL, NULL);
        for (size_t i = 0; i < COUNT(ids); i++)
            CHECK_INT(wait_for(s, ids[i], "done")->attempts, 1);
        CHECK_INT(atomic_load(&runs), COUNT(ids));
        loops_stop();
    }
}

ENGINE_TEST(a_stop_puts_running_jobs_back_without_counting_the_attempt)
{
    const char *id = put(s, "hang_long", NULL, NULL, NULL);
    scope *after = scope_new("after");

    work(2);
    while (atomic_load(&runs) == 0)
        CHECK_INT(sleep_for(s, MILLISECONDS(5)), OK);
    loops_stop();
    CHECK_INT(wait_for(after, id, "queued")->attempts, 0);
    scope_close(after);
}
