/* SPDX-License-Identifier: MIT */
/* Joins the queue of jobs, triggers and what they start, which do not know each other; see background.h. */
#include "cli/background.h"

#include "agent/deliver.h"
#include "base/log.h"
#include "db/settings.h"
#include "model/job.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "script/trigger.h"
#include "store/jobs.h"

enum { JOBS_AT_ONCE = 32 }; /* a loop: most of them wait, for a model or somebody's API */
#define RESUME_EVERY MINUTES(5)

static err deliver_to_agent(scope *s, const trigger_delivery *d)
{
    err e = agent_deliver(s, &(agent_event){
                                 .owner_id = d->owner_id,
                                 .agent_id = d->target_id,
                                 .session_id = d->session_id,
                                 .source = "trigger",
                                 .data = d->data,
                                 .attachments = d->attachments,
                                 .n_attachments = d->n_attachments,
                             });
    failure f = scope_failure(s, e);

    if (e == ERR_INVALID && f.code != NULL && cstr_starts(f.code, "agent.")) /* gone, disabled, not shared any more */
        return fail_code(s, e, TRIGGER_TARGET_GONE, f.subject, "%s", f.text);
    return e;
}

void background_setup(void)
{
    job_setup();
    trigger_setup(2 * settings_get()->script_timeout + MINUTES(2));
    trigger_register_target("agent", deliver_to_agent);
}

static void resume_once(scope *root)
{
    scope *s = scope_child(root, NO_LIMIT);
    err e = trigger_resume(s);

    if (e != OK && root->ended == OK)
        log_error("triggers.not_resumed", log_str("reason", scope_failure(s, e).text));
    scope_close(s);
}

static err resume(scope *root, void *unused)
{
    (void)unused;
    do
        resume_once(root);
    while (sleep_for(root, RESUME_EVERY) == OK);
    return OK;
}

void background_open(scope *root)
{
    jobs_open(JOBS_AT_ONCE);
    if (loop_index(root->loop) == 0)
        scope_spawn(root, resume, NULL);
}
