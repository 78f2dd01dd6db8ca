/* SPDX-License-Identifier: MIT */
/*
 * Jobs: the durable queue of background work, as records.  store/jobs.h runs them.
 */
#ifndef MODEL_JOB_H
#define MODEL_JOB_H

#include "db/db.h"
#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id;       /* NULL: one is made */
    const char *kind;     /* "trigger.poll" */
    const char *owner_id; /* NULL: the server's own */
    const char *lane;     /* jobs of a lane run one at a time, in order; NULL: whenever */
    const char *key;      /* at most one unfinished job has it; NULL: any number */
    const char *payload;  /* JSON text; NULL: {} */
    int64_t run_at;       /* clock_wall(); 0: now */
    int64_t max_attempts; /* 0: 5 */
    /* Of existing jobs: */
    const char *state;    /* "queued", "running", "done", "failed", "cancelled" */
    const char *error;    /* of the last failed attempt, or NULL */
    const char *progress; /* JSON text, or NULL */
    int64_t attempts, created_at, finished_at;
} job_row;

/* Puts a job in and wakes the workers.  With a key that an unfinished job has: nothing happens, and j->id is NULL. */
MUST_USE err job_insert(scope *s, job_row *j);

/* The same as part of a batch, which must be followed by jobs_wake() once it is on disk.  Fills j->id. */
void job_add(arena *a, db_batch *b, job_row *j);

/* The job takes the place of the one that waits under the key (NULL: none does); one that runs already goes on, and `j` does not come
 * in beside it.  One write, so that there is never none; as part of a batch: see job_add(). */
MUST_USE err job_insert_instead(scope *s, const char *key, job_row *j);
void job_add_instead(arena *a, db_batch *b, const char *key, job_row *j);

MUST_USE err job_find(scope *s, owned_by who, const char *id, job_row **out); /* ERR_NOT_FOUND, code "job.not_found" */
MUST_USE err job_list(scope *s, owned_by who, const char *kind, page p, job_row **out, size_t *n); /* newest first */

/* How far it is; JSON text. */
MUST_USE err job_set_progress(scope *s, const char *id, const char *progress);

/* At start: the workers of store/jobs.h use these records. */
void job_setup(void);

#endif
