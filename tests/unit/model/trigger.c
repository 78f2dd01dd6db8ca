/* SPDX-License-Identifier: MIT */
/* Tests of model/trigger.c and model/trigger_instance.c. */
#include "model/trigger.h"

#include "made.h"
#include "model/connection.h"
#include "model/integration.h"

static const char *made_integration(scope *s)
{
    integration_row i = {.name = "Desk"};

    CHECK_INT(integration_insert(s, &i), OK);
    return i.id;
}

static trigger_row made(scope *s, const char *integration, const char *name)
{
    trigger_row t = {.integration_id = integration, .name = name, .code = "return []"};

    CHECK_INT(trigger_insert(s, &t), OK);
    return t;
}

static trigger_instance_row made_instance(scope *s, const char *user, const char *trigger, const char *state,
                                          int64_t next)
{
    trigger_instance_row i = {.trigger_id = trigger,
                              .owner_id = user,
                              .target_kind = "agent",
                              .target_id = "agent_1",
                              .state = state,
                              .interval = 300000000,
                              .next_poll_at = next};

    CHECK_INT(trigger_instance_insert(s, &i), OK);
    return i;
}

ENGINE_TEST(a_trigger_is_found_again_as_it_was_stored)
{
    const char *desk = made_integration(s);
    trigger_row t = made(s, desk, "New Ticket"), hook = {.integration_id = desk, .name = "Hook", .kind = "webhook"},
                *got = NULL, again = {.integration_id = desk, .name = "Hook"};

    CHECK_INT(trigger_insert(s, &hook), OK);
    CHECK_INT(hook.order, 1);
    CHECK_INT(trigger_find(s, desk, t.id, &got), OK);
    CHECK_STR(got->slug, "new_ticket");
    CHECK_STR(got->kind, "polling");
    CHECK_STR(got->code, "return []");
    CHECK_STR(got->input_fields, "[]");
    CHECK_INT(trigger_find(s, NULL, hook.id, &got), OK);
    CHECK_STR(got->kind, "webhook");
    CHECK_STR(got->code, NULL);
    CHECK_INT(trigger_find(s, "elsewhere", t.id, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "trigger.not_found");
    CHECK_INT(trigger_insert(s, &again), ERR_CONFLICT);
    CHECK_STR(code_of(s), "trigger.name_exists");
    CHECK_STR(made(s, desk, "hook").slug, "hook_2");
}

ENGINE_TEST(a_change_of_a_trigger_leaves_alone_what_it_does_not_name)
{
    const char *desk = made_integration(s);
    trigger_row t = made(s, desk, "A"), *got = NULL, *all = NULL;
    size_t n = 0;

    made(s, desk, "B");
    CHECK_INT(trigger_change(s, desk, t.id, &(trigger_patch){.name = "C", .input_fields = "[1]"}), OK);
    CHECK_INT(trigger_find(s, desk, t.id, &got), OK);
    CHECK_STR(got->name, "C");
    CHECK_STR(got->slug, "a");
    CHECK_STR(got->code, "return []");
    CHECK_INT(trigger_change(s, desk, t.id, &(trigger_patch){.code = ""}), OK);
    CHECK_INT(trigger_find(s, desk, t.id, &got), OK);
    CHECK_STR(got->code, NULL);
    CHECK_STR(got->input_fields, "[1]");
    CHECK_INT(trigger_change(s, desk, t.id, &(trigger_patch){.name = "B"}), ERR_CONFLICT);
    CHECK_INT(trigger_list(s, desk, &all, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(all[1].name, "B");
    CHECK_INT(trigger_delete(s, "elsewhere", t.id), ERR_NOT_FOUND);
    CHECK_INT(trigger_delete(s, desk, t.id), OK);
    CHECK_INT(trigger_delete(s, desk, t.id), ERR_NOT_FOUND);
}

ENGINE_TEST(a_trigger_that_has_instances_keeps_its_kind)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    trigger_row t = made(s, desk, "A");
    trigger_instance_row i = made_instance(s, ann, t.id, NULL, 0), *got = NULL;

    CHECK_INT(trigger_change(s, desk, t.id, &(trigger_patch){.kind = "webhook"}), ERR_CONFLICT);
    CHECK_STR(code_of(s), "trigger.in_use");
    CHECK_INT(trigger_change(s, desk, t.id, &(trigger_patch){.kind = "polling"}), OK);
    CHECK_INT(trigger_instance_set_error(s, i.id, "why"), OK);
    CHECK_INT(trigger_instance_find(s, owned_by_user(ann), i.id, &got), OK);
    CHECK_STR(got->error, "why");
    CHECK_INT(got->updated_at, i.updated_at);
    CHECK_INT(trigger_instance_set_error(s, i.id, NULL), OK);
    CHECK_INT(trigger_instance_delete(s, owned_by_user(ann), i.id), OK);
    CHECK_INT(trigger_change(s, desk, t.id, &(trigger_patch){.kind = "webhook"}), OK);
}

ENGINE_TEST(instances_are_their_owners_and_are_listed_by_trigger_and_target)
{
    const char *ann = made_user(s, "ann"), *bob = made_user(s, "bob"), *desk = made_integration(s);
    trigger_row t = made(s, desk, "A"), other = made(s, desk, "B");
    trigger_instance_row i = made_instance(s, ann, t.id, NULL, 0), *got = NULL, *all = NULL;
    connection_row c = {
        .integration_id = desk, .owner_id = ann, .label = "l", .status = "active", .sealed_values = "v"};
    size_t n = 0;

    CHECK_INT(connection_insert(s, &c), OK);
    made_instance(s, bob, t.id, NULL, 0);
    made_instance(s, ann, other.id, NULL, 0);
    CHECK_INT(trigger_instance_find(s, owned_by_user(ann), i.id, &got), OK);
    CHECK_STR(got->state, "inactive");
    CHECK_STR(got->input, "{}");
    CHECK_INT(got->interval, 300000000);
    CHECK_INT(trigger_instance_find(s, owned_by_user(bob), i.id, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "trigger_instance.not_found");
    CHECK_INT(trigger_instance_list(s, owned_by_user(ann), t.id, NULL, &all, &n), OK);
    CHECK_INT(n, 1);
    CHECK_INT(trigger_instance_list(s, owned_by_user(ann), NULL, "agent_1", &all, &n), OK);
    CHECK_INT(n, 2);
    CHECK_INT(trigger_instance_list(s, OWNED_BY_ANYONE, NULL, NULL, &all, &n), OK);
    CHECK_INT(n, 3);
    i.input = "{\"a\":1}";
    i.connection_id = c.id;
    CHECK_INT(trigger_instance_update(s, owned_by_user(bob), &i), ERR_NOT_FOUND);
    CHECK_INT(trigger_instance_update(s, owned_by_user(ann), &i), OK);
    CHECK_INT(trigger_instance_find(s, owned_by_user(ann), i.id, &got), OK);
    CHECK_STR(got->input, "{\"a\":1}");
    CHECK_STR(got->connection_id, c.id);
    CHECK_INT(connection_delete(s, owned_by_user(ann), c.id), OK);
    CHECK_INT(trigger_instance_find(s, owned_by_user(ann), i.id, &got), OK);
    CHECK_STR(got->connection_id, NULL);
    CHECK_INT(trigger_instance_delete(s, owned_by_user(bob), i.id), ERR_NOT_FOUND);
    CHECK_INT(trigger_instance_delete(s, owned_by_user(ann), i.id), OK);
    CHECK_INT(trigger_delete(s, desk, t.id), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM trigger_instance"), 1);
    i = (trigger_instance_row){.trigger_id = t.id, .owner_id = ann, .target_kind = "flow", .target_id = "f"};
    CHECK_INT(trigger_instance_insert(s, &i), ERR_NOT_FOUND);
}

ENGINE_TEST(a_user_has_so_many_instances_and_no_more)
{
    const char *ann = made_user(s, "ann"), *bob = made_user(s, "bob"), *desk = made_integration(s);
    trigger_row t = made(s, desk, "A");
    trigger_instance_row more = {.trigger_id = t.id, .owner_id = ann, .target_kind = "agent", .target_id = "agent_1"};

    for (int i = 0; i < TRIGGER_INSTANCES_MAX; i++)
        made_instance(s, ann, t.id, "inactive", 0);
    CHECK_INT(trigger_instance_insert(s, &more), ERR_TOO_LARGE);
    CHECK_STR(s->failure.code, "trigger_instance.too_many");
    made_instance(s, bob, t.id, "inactive", 0);
}

ENGINE_TEST(due_are_those_that_poll_and_whose_time_has_come)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    trigger_row t = made(s, desk, "A");
    trigger_instance_row late = made_instance(s, ann, t.id, "polling", 100), *all = NULL, old;
    size_t n = 0;
    bool done = false;

    made_instance(s, ann, t.id, "backoff", 200);
    made_instance(s, ann, t.id, "inactive", 100);
    made_instance(s, ann, t.id, "deactivated", 100);
    made_instance(s, ann, t.id, "seeding", 300);
    CHECK_INT(trigger_instance_list_due(s, 250, NULL, 10, &all, &n), OK);
    CHECK_INT(n, 2);
    CHECK_STR(all[0].id, late.id);
    CHECK_INT(trigger_instance_list_due(s, 250, NULL, 1, &all, &n), OK);
    CHECK_INT(n, 1);
    old = late;
    late.state = "backoff";
    late.next_poll_at = 1000;
    late.failures = 1;
    late.failing_since = 250;
    late.error = "refused";
    CHECK_INT(trigger_instance_mark_polled(s, &late, &done), OK);
    CHECK(done, "written");
    CHECK_INT(trigger_instance_list_due(s, 250, NULL, 10, &all, &n), OK);
    CHECK_INT(n, 1);
    late.state = "inactive";
    CHECK_INT(trigger_instance_update(s, OWNED_BY_ANYONE, &late), OK);
    CHECK_INT(trigger_instance_mark_polled(s, &old, &done), OK);
    CHECK(!done, "stopped meanwhile");
}

ENGINE_TEST(an_instance_and_its_next_poll_are_one_write)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    trigger_instance_row i = made_instance(s, ann, made(s, desk, "A").id, "polling", 100), *all = NULL;
    job_row poll = {.kind = "trigger.poll", .run_at = 100}, sooner = {.kind = "trigger.poll", .run_at = 50},
            other = {.kind = "trigger.poll"};
    const char *key = arena_printf(s->arena, "poll:%s", i.id);
    size_t n = 9;

    CHECK_INT(trigger_instance_list_due(s, 250, "poll:", 10, &all, &n), OK);
    CHECK_INT(n, 1);
    i.state = "seeding";
    CHECK_INT(trigger_instance_plan(s, owned_by_user("bob"), &i, key, &other), ERR_NOT_FOUND);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM job"), 0);
    CHECK_INT(trigger_instance_plan(s, owned_by_user(ann), &i, key, &poll), OK);
    CHECK_INT(trigger_instance_list_due(s, 250, "poll:", 10, &all, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(job_insert_instead(s, key, &sooner), OK);
    CHECK_INT(engine_int(s, "SELECT run_at FROM job WHERE state = 'queued'"), 50);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM job WHERE state = 'cancelled'"), 1);
    CHECK_INT(trigger_instance_plan(s, owned_by_user(ann), &i, key, NULL), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM job WHERE state = 'queued'"), 0);
}

ENGINE_TEST(an_event_is_new_once)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    trigger_instance_row a = made_instance(s, ann, made(s, desk, "A").id, "polling", 0), b = a;
    char longer[1100];
    bool fresh = false;
    int64_t n = 0;

    b = made_instance(s, ann, a.trigger_id, "polling", 0);
    CHECK_INT(trigger_seen_add(s, a.id, "1", &fresh), OK);
    CHECK(fresh, "the first time");
    CHECK_INT(trigger_seen_add(s, a.id, "1", &fresh), OK);
    CHECK(!fresh, "again");
    CHECK_INT(trigger_seen_add(s, b.id, "1", &fresh), OK);
    CHECK(fresh, "of another instance");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CHECK_INT(trigger_seen_add(s, a.id, longer, &fresh), ERR_INVALID);
    CHECK_INT(trigger_seen_add(s, a.id, "2", &fresh), OK);
    CHECK_INT(trigger_seen_add(s, a.id, "3", &fresh), OK);
    CHECK_INT(trigger_seen_prune(s, a.id, INT64_MAX, 2, &n), OK);
    CHECK_INT(n, 1);
    CHECK_INT(trigger_seen_prune(s, a.id, 0, 0, &n), OK);
    CHECK_INT(n, 0);
    CHECK_INT(trigger_seen_prune(s, a.id, INT64_MAX, 0, &n), OK);
    CHECK_INT(n, 2);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM trigger_seen"), 1);
}

ENGINE_TEST(an_event_is_taken_once_and_with_its_job)
{
    const char *ann = made_user(s, "ann"), *desk = made_integration(s);
    trigger_instance_row i = made_instance(s, ann, made(s, desk, "A").id, "polling", 0);
    job_row first = {.kind = "deliver", .payload = "{}"}, second = first, other = first, *list = NULL;
    bool fresh = false;
    size_t n = 0;

    CHECK_INT(trigger_seen_take(s, i.id, "e1", &first, &fresh), OK);
    CHECK(fresh, "the first time");
    CHECK_INT(trigger_seen_take(s, i.id, "e1", &second, &fresh), OK);
    CHECK(!fresh, "the second time");
    CHECK_INT(trigger_seen_take(s, "nonesuch", "e1", &other, &fresh), OK);
    CHECK(!fresh, "an instance that is gone takes nothing");
    CHECK_INT(job_list(s, OWNED_BY_ANYONE, "deliver", (page){0}, &list, &n), OK);
    CHECK_INT(n, 1);
    CHECK_STR(list[0].id, first.id);
}
