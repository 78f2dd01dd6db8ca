/* SPDX-License-Identifier: MIT */
/* Tests of script/trigger.c that need a limit of their own; those of what it does are in tests/api. */
#include "script/trigger.h"

#include "base/clock.h"
#include "db/seal.h"
#include "engine.h"
#include "fixture.h"
#include "model/integration.h"
#include "model/user.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "store/jobs.h"

/* An instance of a trigger whose script takes longer than the jobs may. */
static trigger_instance_row slow_instance(scope *s, const char *kind)
{
    user_row u = {.username = "ann", .active = true};
    integration_row i = {.name = "Desk"};
    trigger_row t = {.name = "New", .kind = kind, .code = "await ld.wait(20000); return [];"};
    trigger_instance_row row = {.target_kind = "agent", .target_id = "agent_1", .interval = 300000000};
    char why[200];

    CHECK(seal_setup(NULL, arena_printf(s->arena, "%s/key", test_dir()), why, sizeof why) == OK, "%s", why);
    row.sealed_secret = seal_text(s->arena, "x");
    job_setup();
    trigger_setup(SECONDS(1));
    script_pool_open();
    CHECK_INT(user_insert(s, &u), OK);
    i.owner_id = row.owner_id = u.id;
    CHECK_INT(integration_insert(s, &i), OK);
    t.integration_id = i.id;
    CHECK_INT(trigger_insert(s, &t), OK);
    row.trigger_id = t.id;
    CHECK_INT(trigger_instance_insert(s, &row), OK);
    CHECK_INT(trigger_activate(s, &row), OK);
    return row;
}

/* Once something is noted of a failure. */
static const trigger_instance_row *failed(scope *s, const char *id)
{
    int64_t end = clock_mono() + SECONDS(20);
    trigger_instance_row *i;

    do {
        CHECK_INT(sleep_for(s, MILLISECONDS(50)), OK);
        CHECK_INT(trigger_instance_find(s, OWNED_BY_ANYONE, id, &i), OK);
    } while (i->error == NULL && clock_mono() < end);
    CHECK(i->error != NULL, "nothing was noted");
    return i;
}

ENGINE_TEST(a_poll_that_takes_too_long_is_a_failure_and_is_tried_later)
{
    trigger_instance_row row;
    const trigger_instance_row *i;

    RUNNER_OR_SKIP(.max_running = 4);
    row = slow_instance(s, "polling");
    jobs_open(2);
    i = failed(s, row.id);
    CHECK_INT(i->failures, 1);
    CHECK(i->next_poll_at > clock_wall(), "later");
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM job WHERE kind = 'trigger.poll' AND state IN ('queued', 'running')"),
              1);
    script_pool_close();
    loops_stop();
}

ENGINE_TEST(a_call_that_takes_too_long_says_so)
{
    json_t *none = json_hold(s->arena, json_object());
    const webhook_call call = {.query = none, .headers = none, .body = STR("{}")};
    trigger_instance_row row;
    webhook *hook;

    RUNNER_OR_SKIP(.max_running = 4);
    row = slow_instance(s, "webhook");
    CHECK_INT(trigger_webhook_open(s, row.id, "x", &hook), OK);
    CHECK_INT(trigger_webhook_call(s, hook, &call), OK);
    jobs_open(2);
    failed(s, row.id);
    script_pool_close();
    loops_stop();
}
