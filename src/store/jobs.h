/* SPDX-License-Identifier: MIT */
/*
 * Background work that survives a crash: workers for the one durable queue of jobs.
 *
 * A job is a record (model/job.h) of a kind that somebody registered here.  It is taken with a lease, run in a scope of its
 * own, tried again with growing pauses when it fails, and taken up again after a crash.  So a kind's function must bear being
 * run twice for one job.  Jobs in one lane run one at a time, in the order in which they were put in.
 *
 * Each loop takes what it can carry.  Where the records are is the business of the layer above, which registers itself.
 */
#ifndef STORE_JOBS_H
#define STORE_JOBS_H

#include "rt/scope.h"

typedef struct {
    const char *id, *kind;
    const char *owner_id; /* NULL: the server's own */
    const char *payload;  /* JSON text, as it was put in */
    int64_t attempt;      /* 1: the first */
    int64_t max_attempts;
    const char *claim; /* what marks it as taken by this worker */
    int64_t again_at;  /* set by the kind's function together with OK: not finished, run again at this clock_wall() */
    const char *payload_next; /* with again_at: the payload from then on; NULL: the same */
} job;

/* What jobs of one name do.  Kept; registered at start, before the loops run. */
typedef struct {
    const char *name; /* "trigger.poll" */
    err (*run)(scope *s,
               job *j); /* in a fiber; `s` has the kind's time limit.  An error is a failed attempt; what fail()
                                      recorded is kept with the job.  ERR_INVALID: no use in trying again */
    int64_t timeout;    /* 0: 5 min */
    int64_t retry_base, retry_max; /* pause after the first failure, doubled each time; 0: 10 s, 1 h */
} job_kind;
void jobs_register(const job_kind *k);

typedef struct {
    size_t limit;
    const char *not_of; /* an owner who has his share already; NULL: none */
} job_wish;

/* Where the records are.  Functions park in the caller's fiber; what they give lives in the scope's arena. */
typedef struct {
    err (*claim)(scope *s, const job_wish *wish, int64_t now, int64_t lease, job **out, size_t *n);
    /* Both do nothing when the lease was over and somebody else has taken the job. */
    err (*renew)(scope *s, const job *j, int64_t lease);
    err (*settle)(scope *s, const job *j, const char *state, const char *error, int64_t run_at);
    err (*next_due)(scope *s, int64_t *at);    /* INT64_MAX: nothing waits */
    err (*recover)(scope *s, bool first_time); /* what was running and cannot be any more waits again; drops old ends */
} job_backend;
void jobs_set_backend(const job_backend *b);

/* Starts working on this loop; returns at once.  Ends with the loop's root scope: running jobs are cancelled then and wait
 * for the next start, without an attempt being counted. */
void jobs_open(size_t at_once); /* 0: 8 */

/* There is something new in the queue.  From any thread, after the commit. */
void jobs_wake(void);

typedef struct {
    uint64_t running, done, failed, retried;
} jobs_stats;
jobs_stats jobs_read_stats(void);

#endif
