/* SPDX-License-Identifier: MIT */
/*
 * When freed memory goes back to the system.
 *
 * After a burst much of the heap is free but still resident.  Giving it back holds the allocator's locks for many
 * milliseconds, and with them every loop, so that is done when few requests come, and rarely while many do.
 */
#ifndef CLI_MEMORY_H
#define CLI_MEMORY_H

#include "net/server.h"

typedef struct {
    server_stats looked, trimmed; /* at the last look, and when memory was given back last */
    int64_t trimmed_at;           /* clock_mono() */
} memory_watch;

/* To be asked every MEMORY_LOOK: whether now is a moment to give memory back.  When it is, it is taken as done. */
#define MEMORY_LOOK SECONDS(5)
bool memory_is_due(memory_watch *w, const server_stats *now, int64_t mono);

/* A fiber that does it while `sv` (a server) serves. */
err memory_keep_small(scope *root, void *sv);

#endif
