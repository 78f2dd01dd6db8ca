/* SPDX-License-Identifier: MIT */
/*
 * Settings of scripts, where their runner is, and what is counted.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/metrics.h"
#include "script/internal.h"

#define UNAVAILABLE                                                                                                    \
    "scripts cannot run: the program sluice-script is missing; install libjavascriptcoregtk-4.1-dev and "              \
    "libseccomp-dev, and build again"

script_settings script_config = {
    .pool = 4,
    .max_running = 32,
    .max_waiting = 1000,
    .wall_timeout = SECONDS(120),
    .cpu_timeout = 120,
    .memory = MIB(128),
    .held = MIB(512),
};

/* No JIT: it would need memory that is written and executed.  A small heap is collected often, by one thread. */
const char *const script_runner_env[] = {
    "GIGACAGE_ENABLED=0", "JSC_useJIT=0", "JSC_numberOfGCMarkers=1", "TZ=UTC", "LC_ALL=C.UTF-8", NULL,
};

/* ---- the runner ---- */

static pthread_mutex_t found_lock = PTHREAD_MUTEX_INITIALIZER;
static char found[PATH_MAX];

static bool try_path(const char *directory, size_t len)
{
    int n = snprintf(found, sizeof found, "%.*s/sluice-script", (int)len, directory);

    if (n > 0 && (size_t)n < sizeof found && access(found, X_OK) == 0)
        return true;
    found[0] = '\0';
    return false;
}

static bool find_beside(void)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;

    return slash != NULL && try_path(self, (size_t)(slash - self));
}

static bool find_in_path(void)
{
    str rest = str_of(getenv("PATH")), part;

    while (str_next(&rest, ':', &part))
        if (part.len > 0 && part.p[0] == '/' && try_path(part.p, part.len))
            return true;
    return false;
}

static bool find_runner(void)
{
    const char *given = script_config.runner;

    if (found[0] != '\0')
        return true;
    if (given == NULL || *given == '\0')
        return find_beside() || find_in_path();
    if (strlen(given) >= sizeof found || access(given, X_OK) != 0)
        return false;
    memcpy(found, given, strlen(given) + 1);
    return true;
}

const char *script_runner(const char **why)
{
    bool there;

    pthread_mutex_lock(&found_lock);
    there = find_runner();
    pthread_mutex_unlock(&found_lock);
    if (!there && why != NULL)
        *why = UNAVAILABLE;
    return there ? found : NULL;
}

/* ---- settings ---- */

static double read_limit(size_t series)
{
    (void)series;
    return (double)script_config.max_running;
}

static const char *const statuses[] = {
    [SCRIPT_DONE] = "status=\"done\"",         [SCRIPT_THREW] = "status=\"threw\"",
    [SCRIPT_BAD_SYNTAX] = "status=\"syntax\"", [SCRIPT_TIMED_OUT] = "status=\"timeout\"",
    [SCRIPT_NO_MEMORY] = "status=\"memory\"",  [SCRIPT_TOO_MUCH] = "status=\"output\"",
    [SCRIPT_CRASHED] = "status=\"crashed\"",   NULL,
};

static metric runs = {.name = "sluice_script_runs_total",
                      .kind = METRIC_COUNTER,
                      .help = "Script runs by how they ended",
                      .series = statuses};
static metric durations = {
    .name = "sluice_script_seconds", .kind = METRIC_SECONDS, .help = "Time from the start of a script to its end"};
static metric warm = {
    .name = "sluice_script_warm_processes", .kind = METRIC_GAUGE, .help = "Processes that wait for a script"};
static metric waiting = {.name = "sluice_script_waiting", .kind = METRIC_GAUGE, .help = "Script runs in line"};
static metric running = {.name = "sluice_script_running", .kind = METRIC_GAUGE, .help = "Script runs now"};
static metric limit = {.name = "sluice_script_running_limit",
                       .kind = METRIC_GAUGE,
                       .help = "Script runs at once at most",
                       .read = read_limit};

void script_configure(const script_settings *set)
{
    metric *const all[] = {&runs, &durations, &warm, &waiting, &running, &limit};

    if (set->runner != NULL && *set->runner != '\0')
        script_config.runner = set->runner;
    if (set->pool > 0)
        script_config.pool = set->pool;
    if (set->max_running > 0)
        script_config.max_running = set->max_running;
    if (set->max_waiting > 0)
        script_config.max_waiting = set->max_waiting;
    if (set->wall_timeout > 0)
        script_config.wall_timeout = set->wall_timeout;
    if (set->cpu_timeout > 0)
        script_config.cpu_timeout = set->cpu_timeout;
    if (set->memory > 0)
        script_config.memory = set->memory;
    if (set->held > 0)
        script_config.held = set->held;
    script_config.allow_private = set->allow_private;
    found[0] = '\0';
    for (size_t i = 0; i < COUNT(all); i++)
        metrics_register(all[i]);
}

void script_count(script_status status, int64_t duration)
{
    metric_add(&runs, (size_t)status, 1);
    metric_observe(&durations, 0, duration);
}

void script_gauge_warm(int64_t by)
{
    metric_add(&warm, 0, by);
}

void script_gauge_waiting(int64_t by)
{
    metric_add(&waiting, 0, by);
}

void script_gauge_running(int64_t by)
{
    metric_add(&running, 0, by);
}
