/* SPDX-License-Identifier: MIT */
/* Counters, gauges and histograms; see metrics.h. */
#include "net/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/* Upper bounds of the buckets in nanoseconds; the one above is +Inf. */
static const struct {
    int64_t bound;
    const char *label;
} buckets[] = {
    {MILLISECONDS(1) / 10, "0.0001"},
    {MILLISECONDS(1) / 4, "0.00025"},
    {MILLISECONDS(1) / 2, "0.0005"},
    {MILLISECONDS(1), "0.001"},
    {MILLISECONDS(5) / 2, "0.0025"},
    {MILLISECONDS(5), "0.005"},
    {MILLISECONDS(10), "0.01"},
    {MILLISECONDS(25), "0.025"},
    {MILLISECONDS(50), "0.05"},
    {MILLISECONDS(100), "0.1"},
    {MILLISECONDS(250), "0.25"},
    {MILLISECONDS(500), "0.5"},
    {SECONDS(1), "1"},
    {MILLISECONDS(2500), "2.5"},
    {SECONDS(5), "5"},
    {SECONDS(10), "10"},
    {SECONDS(30), "30"},
    {SECONDS(60), "60"},
};

/* The cells of one series of a histogram: a count a bucket, the count above all, the sum in nanoseconds. */
enum { ABOVE = COUNT(buckets), SUM, HISTOGRAM_CELLS };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static metric *registered;

static size_t cells_of_series(const metric *m)
{
    return m->kind == METRIC_SECONDS ? HISTOGRAM_CELLS : 1;
}

static size_t series_count(const metric *m)
{
    size_t n = 0;

    if (m->series == NULL)
        return 1;
    while (m->series[n] != NULL)
        n++;
    return n;
}

static bool is_registered(const metric *m)
{
    const metric *at = registered;

    while (at != NULL && at != m)
        at = at->next;
    return at != NULL;
}

void metrics_register(metric *m)
{
    metric **at = &registered;

    pthread_mutex_lock(&lock);
    if (!is_registered(m)) {
        m->width = series_count(m) * cells_of_series(m);
        while (*at != NULL && strcmp((*at)->name, m->name) < 0)
            at = &(*at)->next;
        m->next = *at;
        *at = m;
    }
    pthread_mutex_unlock(&lock);
}

void metrics_unregister(metric *m)
{
    pthread_mutex_lock(&lock);
    for (metric **at = &registered; *at != NULL; at = &(*at)->next) {
        if (*at == m) {
            *at = m->next;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < COUNT(m->cells); i++)
        free(atomic_exchange(&m->cells[i], NULL));
    m->next = NULL;
}

/* The cells of the calling loop.  Two threads without a loop may race to make the shared ones. */
static _Atomic(int64_t) *own_cells(metric *m, bool *shared)
{
    loop *l = loop_self();
    size_t i = l != NULL ? loop_index(l) : LOOPS_MAX;
    _Atomic(int64_t) *cells = atomic_load_explicit(&m->cells[i], memory_order_acquire), *expected = NULL;

    *shared = l == NULL;
    if (cells != NULL)
        return cells;
    assert(m->width > 0); /* not registered */
    cells = mem_zalloc(m->width, sizeof *cells);
    if (atomic_compare_exchange_strong(&m->cells[i], &expected, cells))
        return cells;
    free(cells);
    return expected;
}

/* A loop is the only writer of its cells: no locked instruction is needed. */
static void bump(_Atomic(int64_t) *cell, int64_t n, bool shared)
{
    if (shared)
        atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
    else
        atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

void metric_add(metric *m, size_t series, int64_t n)
{
    bool shared;
    _Atomic(int64_t) *cells = own_cells(m, &shared);

    assert(m->kind != METRIC_SECONDS && series < m->width);
    bump(&cells[series], n, shared);
}

void metric_observe(metric *m, size_t series, int64_t duration)
{
    bool shared;
    _Atomic(int64_t) *cells = own_cells(m, &shared) + series * HISTOGRAM_CELLS;
    size_t i = 0;

    assert(m->kind == METRIC_SECONDS && series * HISTOGRAM_CELLS < m->width);
    while (i < COUNT(buckets) && duration > buckets[i].bound)
        i++;
    bump(&cells[i], 1, shared);
    bump(&cells[SUM], duration, shared);
}

static int64_t cell_total(const metric *m, size_t cell)
{
    int64_t sum = 0;

    for (size_t i = 0; i < COUNT(m->cells); i++) {
        const _Atomic(int64_t) *cells = atomic_load_explicit(&m->cells[i], memory_order_acquire);

        if (cells != NULL)
            sum += atomic_load_explicit(&cells[cell], memory_order_relaxed);
    }
    return sum;
}

int64_t metric_total(const metric *m, size_t series)
{
    int64_t n = 0;

    if (m->kind != METRIC_SECONDS)
        return cell_total(m, series);
    for (size_t i = 0; i <= ABOVE; i++)
        n += cell_total(m, series * HISTOGRAM_CELLS + i);
    return n;
}

/* "name_suffix{labels,extra} " */
static void put_name(buf *out, const metric *m, const char *suffix, const char *labels, const char *bound)
{
    buf_printf(out, "%s%s", m->name, suffix);
    if (labels != NULL || bound != NULL)
        buf_putc(out, '{');
    if (labels != NULL)
        buf_puts(out, labels);
    if (bound != NULL)
        buf_printf(out, "%sle=\"%s\"", labels != NULL ? "," : "", bound);
    if (labels != NULL || bound != NULL)
        buf_putc(out, '}');
    buf_putc(out, ' ');
}

static void put_histogram(buf *out, const metric *m, size_t series, const char *labels)
{
    size_t first = series * HISTOGRAM_CELLS;
    int64_t n = 0;

    for (size_t i = 0; i <= ABOVE; i++) {
        n += cell_total(m, first + i);
        put_name(out, m, "_bucket", labels, i < COUNT(buckets) ? buckets[i].label : "+Inf");
        buf_printf(out, "%lld\n", (long long)n);
    }
    put_name(out, m, "_sum", labels, NULL);
    buf_printf(out, "%.9g\n", (double)cell_total(m, first + SUM) / 1e9);
    put_name(out, m, "_count", labels, NULL);
    buf_printf(out, "%lld\n", (long long)n);
}

static void put_value(buf *out, const metric *m, size_t series, const char *labels)
{
    put_name(out, m, "", labels, NULL);
    if (m->read != NULL)
        json_put_num(out, m->read(series));
    else
        buf_int(out, cell_total(m, series));
    buf_putc(out, '\n');
}

static void put_metric(buf *out, const metric *m)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};

    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, types[m->kind]);
    for (size_t i = 0; i < series_count(m); i++) {
        const char *labels = m->series != NULL ? m->series[i] : NULL;

        if (m->kind == METRIC_SECONDS)
            put_histogram(out, m, i, labels);
        else
            put_value(out, m, i, labels);
    }
}

void metrics_render(buf *out)
{
    pthread_mutex_lock(&lock);
    for (const metric *m = registered; m != NULL; m = m->next)
        put_metric(out, m);
    pthread_mutex_unlock(&lock);
}
