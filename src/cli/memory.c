/* SPDX-License-Identifier: MIT */
/* Memory goes back to the system; see memory.h. */
#include "cli/memory.h"

#include "base/clock.h"
#include "base/mem.h"
#include "rt/offload.h"
#include "rt/sleep.h"
#include "store/run.h"

enum { CALM = 100 /* requests between two looks */, KEEP = 16 << 20 };
#define RARELY MINUTES(1)

bool memory_is_due(memory_watch *w, const server_stats *now, int64_t mono)
{
    bool calm = now->requests - w->looked.requests < CALM;
    bool changed = now->requests != w->trimmed.requests || now->streams < w->trimmed.streams;
    bool due = changed && (calm || mono - w->trimmed_at >= RARELY);

    w->looked = *now;
    if (due) {
        w->trimmed = *now;
        w->trimmed_at = mono;
    }
    return due;
}

static void trim(void *due)
{
    hub_expire();
    if (*(bool *)due)
        mem_trim(KEEP);
}

err memory_keep_small(scope *root, void *sv)
{
    memory_watch w = {.trimmed_at = clock_mono()};
    err e = OK;

    while (e == OK && (e = sleep_for(root, MEMORY_LOOK)) == OK) {
        server_stats now = server_read_stats(sv);
        bool due = memory_is_due(&w, &now, clock_mono());

        e = offload(root, trim, &due);
    }
    return OK;
}
