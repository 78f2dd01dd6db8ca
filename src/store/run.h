/* SPDX-License-Identifier: MIT */
/*
 * Runs: the append-only log of one execution of an agent or a flow, and those who watch it.
 *
 * A run is written by the fiber that executes it, on its home loop, and read from any loop from any index.  Readers never
 * hold up the writer.  A run stays findable by its session while it lives, and a managed one for some minutes after, so that
 * a client that comes late still gets every event.  Runs are counted references, shared by threads.
 *
 * Events are neutral; each face renders them in its own stream format.
 */
#ifndef STORE_RUN_H
#define STORE_RUN_H

#include "base/json.h"
#include "rt/scope.h"

typedef enum {
    EV_TEXT,          /* a piece of the visible answer: UTF-8 text */
    EV_REASONING,     /* a piece of the model's reasoning: text */
    EV_TEXT_END,      /* a model response without tool calls is complete: no payload */
    EV_TOOL_CALL,     /* JSON {"index","id","name","arguments"}: id and name null in continuations */
    EV_TOOL_RESULT,   /* JSON {"tool_call_id","name","content","metadata":{…}}: content is the text the model sees */
    EV_TOOL_PROGRESS, /* JSON {"tool_call_id","stream","text","closed"} */
    EV_NOTICE,        /* text that the runtime itself says to the user; JSON {"content","metadata":{…}} */
    EV_FAILURE,       /* why the run failed: JSON {"code","reason","content"}, part of the conversation */
    EV_USER,          /* a user message that joined the running conversation: JSON message */
    EV_SUGGESTION,    /* follow-up suggestion: text */
    EV_OUTPUT,        /* a flow's own event: JSON {"event","data"} */
    EV_USAGE,         /* JSON: tokens used */
    EV_END            /* JSON {"status":"completed|failed|interrupted","reason"}: always last */
} event_kind;

/* Which message an event belongs to; several events share one. */
typedef struct {
    const char *id;         /* UUID */
    const char *session_id; /* of the run, or of a child run whose events pass through */
    const char *agent_name; /* who speaks ("SimpleAgent"), or NULL */
} run_message;

typedef struct {
    event_kind kind;
    const run_message *message; /* NULL for EV_USAGE, EV_END and progress */
    int64_t time;               /* clock_wall() */
    const char *bytes;          /* the payload; lives as long as the run */
    size_t len;
} event;

typedef enum { RUN_LIVE, RUN_COMPLETED, RUN_FAILED, RUN_INTERRUPTED } run_status;

typedef struct {
    const char *id; /* NULL: one is made */
    const char *session_id;
    const char *user_id;  /* NULL: anonymous */
    const char *agent_id; /* NULL: none */
    const char *query;    /* what the user asked, as JSON text, for lists of running sessions */
    bool managed;         /* goes on without its client, and is kept for a while after its end */
    bool beside;          /* may go on at the same time as others of its session that say so too */
    bool shows_progress;  /* its own stream carries EV_TOOL_PROGRESS, so whoever resumes it counts that too */
    /* For run_begin() only: runs of the session that were begun before this one, by the same user or with `replace_any` by
     * anybody, are interrupted with this reason; NULL: none is. */
    const char *replace;
    bool replace_any;
} run_info;

typedef struct run run;

/*
 * Begins a run in `s`, the scope whose cancellation will end it, on its loop.  ERR_BUSY (code "run.busy") while the session
 * has a live run beside which this one may not be; when that one has been interrupted already, waits up to ten seconds for it (code "run.unwinding" after).
 * Parks.  The caller holds a reference.
 */
MUST_USE err run_begin(scope *s, const run_info *info, run **out);

/* Whether it had to wait there, so that what was known of the session before is out of date. */
bool run_waited(const run *r);

/* Appends an event; the payload is copied.  Home loop only.  Over the run's byte limit: ERR_TOO_LARGE, once as a failure. */
MUST_USE err run_emit(scope *s, run *r, event_kind kind, const run_message *m, const void *bytes, size_t len);

/* The same with what was written into a buffer: one that overflowed is too large.  run_room() is the largest that has room. */
MUST_USE err run_emit_buf(scope *s, run *r, event_kind kind, const run_message *m, const buf *b);
size_t run_room(const run *r);

/* For the metrics: the first piece of the answer is there.  Events whose kind says so do this themselves; only the first
 * time counts.  Home loop only. */
void run_answer_begins(run *r);

/* The same with a JSON payload; steals it. */
err run_emit_json(scope *s, run *r, event_kind kind, const run_message *m, json_t *owned);

/* A message that events can refer to; copies the strings; lives as long as the run. */
const run_message *run_message_new(run *r, const char *id, const char *session_id, const char *agent_name);

/* Appends EV_END and lets the session go.  Home loop only, exactly once. */
void run_finish(run *r, run_status status, const char *reason);

run *run_ref(run *r);
void run_unref(run *r); /* accepts NULL */

/* Facts; strings live as long as the reference. */
const run_info *run_facts(const run *r);
run_status run_state(const run *r);
int64_t run_created(const run *r);              /* clock_wall() */
int64_t run_last_activity(const run *r);        /* clock_wall() of the newest event */
const char *run_interrupt_reason(const run *r); /* NULL unless interrupted */
size_t run_bytes(const run *r);

/* Asks the run to end: cancels its scope with `reason`.  From any loop; returns at once; false when it had ended. */
bool run_interrupt(run *r, const char *reason);

/* Parks until the run has ended. */
MUST_USE err run_wait(scope *s, run *r);

/* Reading.  `ready` is called on the reader's loop, outside any fiber, when there may be more; it must only schedule
 * (source_ready, fiber_wake), not read.  NULL: no notice. */
typedef struct run_reader run_reader;
run_reader *run_reader_open(run *r, void (*ready)(void *arg), void *arg); /* takes its own reference */
void run_reader_close(run_reader *rd);                                    /* accepts NULL; on the reader's loop */
bool run_reader_next(run_reader *rd, event *out);                         /* false: nothing more yet, or after EV_END */
bool run_reader_done(const run_reader *rd);                               /* EV_END was taken */
size_t run_reader_lag(const run_reader *rd);                              /* bytes of the log not read yet */

/* The same for a fiber: parks until there is an event.  ERR_CLOSED after EV_END. */
MUST_USE err run_next(scope *s, run_reader *rd, event *out);

/* The session's live run (of those beside each other the first), or a managed one that ended lately; with a reference; NULL
 * when there is none. */
run *hub_find(const char *session_id);
run *hub_find_run(const char *run_id);

/* All live runs of `user_id` (NULL: of everybody), newest last, with references that are dropped with the arena. */
size_t hub_list(arena *a, const char *user_id, run ***out);

/* Is told, coalesced, whenever a run begins or ends. */
typedef struct hub_watch hub_watch;
hub_watch *hub_watch_open(void (*changed)(void *arg), void *arg); /* on this loop */
void hub_watch_close(hub_watch *w);

/* Drops the kept runs whose time is over, which every beginning and end of a run does too: for when there are none. */
void hub_expire(void);

/* At the end of the process, after the loops: drops what is kept.  And the limits, for tests and settings. */
void hub_close(void);
void hub_set_limits(size_t max_bytes_per_run, int64_t keep_after_end, size_t max_kept_bytes);

typedef struct {
    uint64_t live, kept, started, failed, interrupted;
    uint64_t log_bytes;
} hub_stats;
hub_stats hub_read_stats(void);

#endif
