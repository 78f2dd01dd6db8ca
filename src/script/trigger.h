/* SPDX-License-Identifier: MIT */
/*
 * Triggers at run time (contracts/langdock.md section 5).
 *
 * An instance of a trigger polls: its script returns events, each of which is delivered once, in the order of their times, to
 * the instance's target (an agent, a flow).  Or it is called: a webhook's request becomes events in the same way.  All of it is
 * jobs of the durable queue: polls (one lane of deliveries for each instance), so nothing is lost in a crash, and an event that
 * was seen never fires again.
 */
#ifndef SCRIPT_TRIGGER_H
#define SCRIPT_TRIGGER_H

#include "base/json.h"
#include "model/trigger.h"

/* What a target gets.  Borrowed. */
typedef struct {
    const char *instance_id;
    const char *owner_id;   /* of the instance: who acts */
    const char *target_id;  /* agent or flow */
    const char *session_id; /* UUID; the same at each attempt to deliver this event, so that it is not begun twice */
    const char *name;       /* "Helpdesk: New ticket", for titles */
    const char *event_id;
    const char *timestamp; /* ISO 8601 */
    const json_t *data;
    const char *const *attachments; /* ids of the event's files */
    size_t n_attachments;
} trigger_delivery;

/* Begins what the event is for and returns when it has ended; may be called again after a crash.  An error is tried again, but for
 * ERR_INVALID; with the code TRIGGER_TARGET_GONE no other event will reach the target either: the instance is deactivated. */
#define TRIGGER_TARGET_GONE "trigger.target"
typedef err (*trigger_target)(scope *s, const trigger_delivery *d);
void trigger_register_target(const char *kind, trigger_target fn); /* "agent"; at start */

/* At start: the kinds of jobs.  `limit`: of a poll or call in nanoseconds, which may run its script twice (script/invoke.h) and wait for
 * its turn before. */
void trigger_setup(int64_t limit);

enum { TRIGGER_INTERVAL_MIN = 60, TRIGGER_INTERVAL_DEFAULT = 300, TRIGGER_INTERVAL_MAX = 86400 }; /* seconds */

/* Starts polling from now on (state "seeding"), or opens a webhook (state "polling"); ends both ("inactive").  Fields of `i` are
 * updated and stored.  What is active already goes on as it was, so that nothing since its last poll is lost. */
MUST_USE err trigger_activate(scope *s, trigger_instance_row *i);
MUST_USE err trigger_deactivate(scope *s, trigger_instance_row *i);

/* After a change of the interval: a shorter one counts from the last poll on. */
MUST_USE err trigger_reschedule(scope *s, trigger_instance_row *i);

/* An active instance polls at once.  ERR_CONFLICT, code "trigger.inactive"; ERR_UNSUPPORTED: a webhook. */
MUST_USE err trigger_poll_now(scope *s, const trigger_instance_row *i);

/* After a start of the server, and now and then: whoever should poll does.  An instance that was started just when its last poll ended
 * may have no job. */
MUST_USE err trigger_resume(scope *s);

/*
 * A webhook is called: found for whoever shows its secret (NULL: none was shown), in the scope's arena.  ERR_NOT_FOUND, code
 * "trigger_instance.not_found", also for an instance that is no webhook; ERR_DENIED, code "trigger.secret"; ERR_CONFLICT, code
 * "trigger.inactive".
 */
typedef struct webhook webhook;
MUST_USE err trigger_webhook_open(scope *s, const char *instance_id, const char *secret, webhook **out);

/* What it was called with: stored before this returns; events follow.  ERR_TOO_LARGE over 1 MiB; ERR_INVALID: a delivery's id that
 * is too long or no UTF-8. */
typedef struct {
    const char *delivery_id;  /* of the caller, for its retries; NULL: none */
    const char *content_type; /* or NULL */
    const json_t *query;      /* object of strings */
    const json_t *headers;    /* object of strings, credentials left out */
    str body;
} webhook_call;
MUST_USE err trigger_webhook_call(scope *s, const webhook *hook, const webhook_call *call);

/*
 * Events as a script returned them: an array of {"id","timestamp","data"}, ids may be numbers.  Sorted by time, those that
 * are none left out with a line in `rejected` each (array of strings; may be NULL).  ERR_INVALID: no array.
 */
typedef struct {
    const char *id, *timestamp;
    int64_t time; /* of the timestamp, clock_wall() */
    json_t *data; /* borrowed from the value; JSON null when there is none */
} trigger_event;
enum { TRIGGER_EVENTS_MAX = 1000 };  /* of one poll */
enum { TRIGGER_EVENT_ID_MAX = 500 }; /* bytes */
MUST_USE err trigger_read_events(scope *s, const json_t *value, trigger_event **out, size_t *n, json_t *rejected);

#endif
