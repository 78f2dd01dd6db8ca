/* SPDX-License-Identifier: MIT */
/* The routes of the core face, and the gauges that /metrics reads from the layers.  The documentation of all faces is the
 * router's. */
#include "face/core/routes.h"

#include <stdio.h>
#include <unistd.h>

#include "db/db.h"
#include "net/metrics.h"
#include "rt/fiber.h"
#include "store/run.h"

static const server *the_server;

/* GET /metrics */
static err serve_metrics(request *rq, response *rs)
{
    buf *text = buf_new(rq->scope->arena, MIB(4));

    metrics_render(text);
    return reply_buf(rs, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

static err authorize_nobody(request *rq, response *rs, const route *r)
{
    (void)rq;
    (void)rs;
    (void)r;
    return OK;
}

static const route routes[] = {
    {GET, "/metrics", 0, NULL, serve_metrics, "Metrics as Prometheus text", .quiet = true},
};

const face core_face = {
    .name = "core",
    .title = "Sluice",
    .routes = routes,
    .n_routes = COUNT(routes),
    .docs = true,
    .authorize = authorize_nobody,
};

/* Gauges */

static double rss_bytes(size_t series)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    (void)series;
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double fibers(size_t series)
{
    (void)series;
    return (double)fiber_count();
}

static double longest_turn(size_t series)
{
    double longest = 0;

    (void)series;
    for (size_t i = 0; i < loop_count(); i++)
        longest = MAX_OF(longest, (double)loop_longest_turn(loop_at(i)) / 1e9);
    return longest;
}

static double connections(size_t series)
{
    server_stats stats = server_read_stats(the_server);

    return series == 0 ? (double)stats.connections : (double)stats.streams;
}

static double traffic(size_t series)
{
    server_stats stats = server_read_stats(the_server);

    return series == 0 ? (double)stats.bytes_in : (double)stats.bytes_out;
}

static double refused(size_t series)
{
    (void)series;
    return (double)server_read_stats(the_server).refused;
}

static double runs_now(size_t series)
{
    hub_stats stats = hub_read_stats();

    return series == 0 ? (double)stats.live : (double)stats.kept;
}

static double runs_so_far(size_t series)
{
    hub_stats stats = hub_read_stats();

    return series == 0 ? (double)stats.started : series == 1 ? (double)stats.failed : (double)stats.interrupted;
}

static double db_work(size_t series)
{
    db_stats stats = db_read_stats();
    const uint64_t all[] = {stats.reads, stats.writes, stats.commits, stats.failures};

    return (double)all[series];
}

static double db_queue(size_t series)
{
    (void)series;
    return (double)db_read_stats().write_queue;
}

static const char *const open_series[] = {"kind=\"connection\"", "kind=\"stream\"", NULL};
static const char *const traffic_series[] = {"direction=\"in\"", "direction=\"out\"", NULL};
static const char *const run_series[] = {"state=\"live\"", "state=\"kept\"", NULL};
static const char *const run_totals[] = {"event=\"started\"", "event=\"failed\"", "event=\"interrupted\"", NULL};
static const char *const db_series[] = {"kind=\"read\"", "kind=\"write\"", "kind=\"commit\"", "kind=\"failure\"", NULL};

static metric gauges[] = {
    {.name = "sluice_resident_bytes", .kind = METRIC_GAUGE, .help = "Memory of the process in RAM", .read = rss_bytes},
    {.name = "sluice_fibers", .kind = METRIC_GAUGE, .help = "Fibers on all loops", .read = fibers},
    {.name = "sluice_loop_longest_turn_seconds",
     .kind = METRIC_GAUGE,
     .help = "Longest time a loop was held",
     .read = longest_turn},
    {.name = "sluice_http_open",
     .kind = METRIC_GAUGE,
     .help = "Connections and streamed responses",
     .series = open_series,
     .read = connections},
    {.name = "sluice_http_bytes_total",
     .kind = METRIC_COUNTER,
     .help = "Bytes to and from clients",
     .series = traffic_series,
     .read = traffic},
    {.name = "sluice_http_refused_total",
     .kind = METRIC_COUNTER,
     .help = "Malformed requests and those over a limit",
     .read = refused},
    {.name = "sluice_runs",
     .kind = METRIC_GAUGE,
     .help = "Runs going on, and ended ones kept for latecomers",
     .series = run_series,
     .read = runs_now},
    {.name = "sluice_runs_total",
     .kind = METRIC_COUNTER,
     .help = "Runs since start",
     .series = run_totals,
     .read = runs_so_far},
    {.name = "sluice_db_total",
     .kind = METRIC_COUNTER,
     .help = "Database work since start",
     .series = db_series,
     .read = db_work},
    {.name = "sluice_db_write_queue", .kind = METRIC_GAUGE, .help = "Writes waiting for the writer", .read = db_queue},
};

void core_setup(const server *sv)
{
    the_server = sv;
    for (size_t i = 0; i < COUNT(gauges); i++)
        metrics_register(&gauges[i]);
}
