/* SPDX-License-Identifier: MIT */
/* The dispatcher over records that are not there; with real ones it is tested beside model/job.c. */
#include "store/jobs.h"

#include "rt/fiber.h"
#include "rt/loop.h"
#include "test.h"

static int claims;
static char settled[32];

/* The loop ends while the record is being taken. */
static err claim_at_the_end(scope *s, const job_wish *wish, int64_t now, int64_t lease, job **out, size_t *n)
{
    (void)wish;
    (void)now;
    (void)lease;
    *n = 0;
    if (claims++ > 0)
        return scope_check(s);
    loops_stop();
    while (loop_root(loop_self())->ended == OK)
        fiber_yield();
    TRY(scope_check(s));
    *out = arena_one(s->arena, job);
    **out = (job){.id = "j1", .kind = "test.kind", .payload = "{}", .attempt = 1, .max_attempts = 1, .claim = "c"};
    *n = 1;
    return OK;
}

static err renew_none(scope *s, const job *j, int64_t lease)
{
    (void)j;
    (void)lease;
    return scope_check(s);
}

static err keep_state(scope *s, const job *j, const char *state, const char *error, int64_t run_at)
{
    (void)j;
    (void)error;
    (void)run_at;
    snprintf(settled, sizeof settled, "%s", state);
    return scope_check(s);
}

static err nothing_due(scope *s, int64_t *at)
{
    *at = INT64_MAX;
    return scope_check(s);
}

static err recover_none(scope *s, bool first_time)
{
    (void)first_time;
    return scope_check(s);
}

static err run_as_long_as_it_may(scope *s, job *j)
{
    (void)j;
    return scope_check(s);
}

static err open_jobs(scope *root, void *arg)
{
    (void)root;
    (void)arg;
    jobs_open(0);
    return OK;
}

TEST(what_is_claimed_while_the_loop_ends_is_put_back)
{
    static const job_backend backend = {claim_at_the_end, renew_none, keep_state, nothing_due, recover_none};
    static const job_kind kind = {.name = "test.kind", .run = run_as_long_as_it_may};

    jobs_register(&kind);
    jobs_set_backend(&backend);
    CHECK_INT(loops_run(1, open_jobs, NULL), 0);
    CHECK_STR(settled, "queued");
}
