/* SPDX-License-Identifier: MIT */
/*
 * Triggers of an integration, their instances, and which events an instance has seen.
 *
 * A trigger is a script (polling) or an address that others call (webhook).  Nothing happens until somebody makes an instance
 * of it: with input values, a connection and a target of his own.
 */
#ifndef MODEL_TRIGGER_H
#define MODEL_TRIGGER_H

#include "model/job.h"
#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id; /* UUID */
    const char *integration_id;
    int64_t order;    /* its place in the integration, from 0; not stored */
    const char *name; /* unique in the integration */
    const char *slug; /* as of an action */
    const char *description;
    const char *kind;         /* "polling" (NULL means that) or "webhook" */
    const char *code;         /* NULL: none */
    const char *input_fields; /* JSON array (model/input_field.h); NULL: [] */
    int64_t created_at, updated_at;
} trigger_row;

enum { TRIGGERS_MAX = 200, TRIGGER_INSTANCES_MAX = 200 /* of a user */ };

/* Fills id, slug, order and times.  ERR_CONFLICT, code "trigger.name_exists"; ERR_TOO_LARGE, code "trigger.too_many";
 * ERR_NOT_FOUND, code "integration.not_found". */
MUST_USE err trigger_insert(scope *s, trigger_row *t);

/* ERR_NOT_FOUND, code "trigger.not_found".  integration_id NULL: any. */
MUST_USE err trigger_find(scope *s, const char *integration_id, const char *id, trigger_row **out);
MUST_USE err trigger_list(scope *s, const char *integration_id, trigger_row **out, size_t *n); /* in order */

/* Changes what is not NULL; an empty code is none.  ERR_CONFLICT, code "trigger.name_exists", or "trigger.in_use": another kind for one
 * that has instances. */
typedef struct {
    const char *name, *description, *kind, *code, *input_fields;
} trigger_patch;
MUST_USE err trigger_change(scope *s, const char *integration_id, const char *id, const trigger_patch *p);
MUST_USE err trigger_delete(scope *s, const char *integration_id, const char *id); /* with its instances */

/* Instances */

typedef struct {
    const char *id; /* UUID */
    const char *trigger_id, *owner_id;
    const char *connection_id; /* NULL: chosen at each poll, also when it was deleted */
    const char *target_kind;   /* "agent", "flow" */
    const char *target_id;
    const char *input;         /* JSON object; NULL: {} */
    const char *state;         /* "inactive" (NULL means that), "seeding", "polling", "backoff", "deactivated" */
    int64_t interval;          /* microseconds */
    const char *sealed_secret; /* of webhooks; NULL: none */
    int64_t last_poll_at;      /* the last that succeeded; at first the activation */
    int64_t next_poll_at;
    int64_t failures;      /* in a row */
    int64_t failing_since; /* 0: not failing */
    const char *error;     /* of the last poll or call, or why it was deactivated; NULL: it went well */
    int64_t created_at, updated_at;
} trigger_instance_row;

/* Fills id (when NULL) and times.  ERR_NOT_FOUND, code "trigger.not_found"; ERR_TOO_LARGE, code "trigger_instance.too_many". */
MUST_USE err trigger_instance_insert(scope *s, trigger_instance_row *i);

/* ERR_NOT_FOUND, code "trigger_instance.not_found", also for somebody else's. */
MUST_USE err trigger_instance_find(scope *s, owned_by who, const char *id, trigger_instance_row **out);

/* Oldest first; trigger_id or target_id NULL: of any. */
MUST_USE err trigger_instance_list(scope *s, owned_by who, const char *trigger_id, const char *target_id,
                                   trigger_instance_row **out, size_t *n);

/* Those that seed, poll or back off and whose time has come by `now`, the longest overdue first.  Without those that have a job under
 * the key `planned` followed by their id (NULL: with them). */
MUST_USE err trigger_instance_list_due(scope *s, int64_t now, const char *planned, int64_t limit,
                                       trigger_instance_row **out, size_t *n);

/* Writes connection, target, input, state, interval, secret and times: all but id, trigger, owner and creation time. */
MUST_USE err trigger_instance_update(scope *s, owned_by who, trigger_instance_row *i);

/* The same together with the job that polls next, in place of the one that waits under the key; NULL: none polls.  One write, so that no
 * instance is active without its job. */
MUST_USE err trigger_instance_plan(scope *s, owned_by who, trigger_instance_row *i, const char *key, job_row *poll);

/* What a poll came to: state, times, failures and error of `i`, unless it was changed or stopped by somebody meanwhile
 * (*done false: then nothing is written). */
MUST_USE err trigger_instance_mark_polled(scope *s, const trigger_instance_row *i, bool *done);
MUST_USE err trigger_instance_set_error(scope *s, const char *id, const char *error); /* NULL: none */
MUST_USE err trigger_instance_delete(scope *s, owned_by who, const char *id);

/* Whether it was noted already. */
MUST_USE err trigger_seen_before(scope *s, const char *instance_id, const char *event_id, bool *seen);

/* Notes the event; *fresh says whether it was new.  One statement: of two that ask at once one hears true. */
MUST_USE err trigger_seen_add(scope *s, const char *instance_id, const char *event_id, bool *fresh);

/* The same together with the job that is to deliver the event: both are on disk, or (*fresh false) neither.  Fills j->id. */
MUST_USE err trigger_seen_take(scope *s, const char *instance_id, const char *event_id, job_row *j, bool *fresh);

/* Forgets events seen before `before`, but keeps the newest `keep` of each instance. */
MUST_USE err trigger_seen_prune(scope *s, const char *instance_id, int64_t before, int64_t keep, int64_t *deleted);

#endif
