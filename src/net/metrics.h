/* SPDX-License-Identifier: MIT */
/*
 * Counters, gauges and histograms, rendered as Prometheus text (exposition format 0.0.4).
 *
 * A metric is static data of the module that feeds it.  Each loop counts in cells of its own, so that counting costs one
 * uncontended add; they are summed when somebody asks.  Threads that are no loop share one set of cells.
 *
 *     static const char *const outcomes[] = {"outcome=\"ok\"", "outcome=\"failed\"", NULL};
 *     static metric runs = {.name = "sluice_runs_total", .kind = METRIC_COUNTER, .help = "Runs by outcome", .series = outcomes};
 *
 *     metrics_register(&runs);
 *     metric_add(&runs, RUN_FAILED, 1);
 */
#ifndef NET_METRICS_H
#define NET_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "rt/loop.h"

typedef enum {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_SECONDS /* histogram of durations, 100 us to 60 s */
} metric_kind;

typedef struct metric metric;

struct metric {
    const char *name; /* "sluice_http_requests_total" */
    metric_kind kind;
    const char *help;              /* one line */
    const char *const *series;     /* label sets, written as they stand ("face=\"sage\""), NULL-terminated; NULL: one
                                          series without labels */
    double (*read)(size_t series); /* of gauges and counters that are kept elsewhere; NULL: the cells */

    /* The rest belongs to metrics.c. */
    metric *next;
    size_t width;                                     /* cells a loop */
    _Atomic(_Atomic(int64_t) *) cells[LOOPS_MAX + 1]; /* made at first use; the last one is of other threads */
};

/* Shows the metric from now on.  Registering twice is harmless.  From any thread. */
void metrics_register(metric *m);

/* Hides it and frees its cells; nobody may feed it any more. */
void metrics_unregister(metric *m);

/* Adds to a counter or gauge.  A gauge may be raised on one loop and lowered on another.  Any thread, never parks. */
void metric_add(metric *m, size_t series, int64_t n);

/* Counts a duration in nanoseconds. */
void metric_observe(metric *m, size_t series, int64_t duration);

/* Sum over all loops: of a counter or gauge its value, of a histogram the number of observations. */
int64_t metric_total(const metric *m, size_t series);

/* Appends all registered metrics, in the order of their names. */
void metrics_render(buf *out);

#endif
