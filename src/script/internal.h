/* SPDX-License-Identifier: MIT */
/*
 * What the files of script/ share: the pool of processes, and one run.
 */
#ifndef SCRIPT_INTERNAL_H
#define SCRIPT_INTERNAL_H

#include "rt/proc.h"
#include "rt/sem.h"
#include "script/frames.h"
#include "script/script.h"

/* ---- settings and metrics (script.c) ---- */

extern script_settings script_config; /* every member set */
extern const char *const script_runner_env[];

/* Path of the runner, NULL without one: then *why says how to get it. */
const char *script_runner(const char **why);

void script_count(script_status status, int64_t duration);
void script_gauge_warm(int64_t by);
void script_gauge_waiting(int64_t by);
void script_gauge_running(int64_t by);

/* ---- processes (pool.c) ---- */

typedef struct pool pool;

typedef struct worker {
    list_link link;
    pool *home;
    bool warm;         /* in the pool's list */
    const char *owner; /* of the run that it serves, borrowed from its job */
    scope *root;       /* of the loop */
    scope *scope;      /* the process dies with it */
    proc *p;
    frame_reader frames;
} worker;

/* Parks until a process is ready and this run's turn has come; `owner` stays until it is given back.  ERR_BUSY, ERR_UNSUPPORTED. */
MUST_USE err pool_take(scope *s, const char *owner, worker **out);

/* `now`: parks until the process is gone; else it is seen to in the background. */
void pool_give_back(worker *w, bool now);

/* Reads the next frame of the process; *whole false: it has ended, or talks nonsense (then *nonsense). */
typedef struct {
    char *chunk; /* FRAME_CHUNK bytes */
    str rest;
    size_t since_yield;
} frame_source;
enum { FRAME_CHUNK = 64 << 10 };
MUST_USE err worker_read(scope *s, worker *w, frame_source *src, script_frame *f, bool *whole, bool *nonsense);

/* ---- one run (job.c) ---- */

typedef struct {
    scope *caller; /* results live in its arena */
    scope *s;      /* ends at the wall clock; calls are fibers of it */
    const script_job *job;
    script_outcome *out;
    worker *w;
    sem writing;           /* one frame at a time */
    list_link queue;       /* calls that nobody has begun to answer (host.c) */
    size_t calling;        /* fibers that answer calls */
    size_t asked;          /* calls so far */
    size_t pending_bytes;  /* of calls that wait or are on their way */
    size_t response_bytes; /* bodies of responses and files in memory */
    size_t log_bytes;
    script_output_file *files;
    json_t **places; /* "at" of each */
    size_t n_files;
    size_t file_bytes;
} script_exec;

/* Sends a frame; parks.  From any fiber of the run. */
MUST_USE err exec_send(script_exec *x, scope *s, uint8_t type, uint32_t id, str json, str bytes);

/* Has a CALL answered, in its turn.  False: the run asks for too much. */
bool host_call(script_exec *x, const script_frame *f);
void host_forget(script_exec *x); /* what is still in the queue or held, when the run is over and its scope closed */

/* Limits of what a run may ask of the server. */
enum { CALLS_AT_ONCE = 16 };
#define CALLS_BYTES MIB(100)

/* ---- what a script returns (output.c) ---- */

/* Keeps a FILE.  NULL, or a sentence that ends the run. */
MUST_USE err output_file(script_exec *x, const script_frame *f, const char **problem);
/* Takes DONE: the value, and the objects that stand for files.  As output_file(). */
MUST_USE err output_value(script_exec *x, str json, const char **problem);

#endif
