/* SPDX-License-Identifier: MIT */
/* What run.c (the log and its readers) and hub.c (the registry) share. */
#ifndef STORE_RUN_INTERNAL_H
#define STORE_RUN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "rt/loop.h"
#include "store/notify.h"
#include "store/run.h"

/* Log records stand in blocks that never move, so that what a reader was given stays valid as long as the run. */
typedef struct block {
    struct block *next;
    uint32_t cap;
    uint32_t used;
    char bytes[];
} block;

struct run {
    atomic_int refs;
    atomic_int state; /* run_status */
    _Atomic(int64_t) last_activity;
    atomic_bool interrupted; /* somebody asked it to end */
    run_info facts;
    int64_t created;
    loop *home;
    scope *scope;   /* home loop only; NULL once finished */
    int64_t began;  /* clock_mono(), for the metrics */
    bool spoke;     /* something of the answer came; home loop only */
    bool waited;    /* for the one before */
    arena *strings; /* facts, messages: grows under `lock` */

    pthread_mutex_t lock; /* guards what follows */
    block *first, *last;
    size_t bytes;
    bool overflowed;
    char *reason; /* of the interruption */
    list_link readers;

    list_link by_age; /* hub: among the live or the kept ones; guarded by the hub's lock */
    bool listed;
    bool accompanied; /* others of the session went on beside this one */
    int64_t drop_at;  /* hub: clock_mono() when a kept run is forgotten */
};

/* run.c: shows how long runs take in the metrics, from the first call on. */
void run_measure(void);

/* hub.c: the run has ended; forgets it or keeps it for latecomers. */
void hub_ended(run *r);
size_t hub_run_limit(void);

#endif
