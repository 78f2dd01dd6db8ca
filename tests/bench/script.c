/* SPDX-License-Identifier: MIT */
/*
 * What a script costs: the latency of a warm call over that of the bare request that it makes, and how many runs a second
 * this machine sustains, each in a fresh process.
 *
 *     script RUNNER [SECONDS]
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "fake_server.h"
#include "net/client.h"
#include "rt/loop.h"
#include "rt/sleep.h"
#include "script/script.h"

enum { CALLS = 100, PAUSE_MS = 120, FIBERS = 12 };

static int port, seconds = 5;
static atomic_long runs, failures;
static atomic_llong until;

static bool answer(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)rq;
    (void)arg;
    return fake_reply(c, 200, "application/json", "{\"ok\":true}");
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static double median_ms(int64_t *ns, size_t n)
{
    qsort(ns, n, sizeof *ns, by_size);
    return (double)ns[n / 2] / 1e6;
}

static err fetch_once(scope *s)
{
    http_call call = {.url = arena_printf(s->arena, "http://127.0.0.1:%d/", port), .guard = GUARD_ANY};
    http_head head;
    str body;

    return http_fetch(s, &call, &head, &body);
}

static err script_once(scope *s, const char *code)
{
    script_job job = {.name = "bench", .code = str_of(code), .private_ok = true};
    script_outcome out;
    err e = script_run(s, &job, &out);

    if (e != OK || out.status != SCRIPT_DONE) {
        if (atomic_fetch_add(&failures, 1) == 0)
            fprintf(stderr, "%s\n", e != OK ? scope_failure(s, e).text : out.message);
    }
    return OK;
}

static double time_calls(scope *root, const char *code)
{
    static int64_t ns[CALLS];

    for (size_t i = 0; i < CALLS; i++) {
        scope *s = scope_child(root, NO_LIMIT);
        int64_t began;

        if (sleep_for(root, MILLISECONDS(PAUSE_MS)) != OK)
            break;
        began = clock_mono();
        if ((code == NULL ? fetch_once(s) : script_once(s, code)) != OK)
            atomic_fetch_add(&failures, 1);
        ns[i] = clock_mono() - began;
        scope_close(s);
    }
    return median_ms(ns, CALLS);
}

static err run_until(scope *root, void *code)
{
    while (clock_mono() < atomic_load(&until)) {
        scope *s = scope_child(root, NO_LIMIT);

        (void)!script_once(s, code);
        scope_close(s);
        atomic_fetch_add(&runs, 1);
    }
    return OK;
}

static err sustain(scope *root, void *code)
{
    scope *all = scope_child(root, NO_LIMIT);
    err e;

    for (int i = 0; i < FIBERS; i++)
        scope_spawn(all, run_until, code);
    e = scope_join(all);
    scope_close(all);
    return e;
}

static err one_loop(scope *root, void *unused)
{
    char request[200], fetch[200];
    double bare;

    (void)unused;
    script_pool_open();
    (void)!sleep_for(root, SECONDS(1));
    snprintf(request, sizeof request, "return (await ld.request({url: 'http://127.0.0.1:%d/'})).json", port);
    snprintf(fetch, sizeof fetch, "return await (await fetch('http://127.0.0.1:%d/')).json()", port);
    bare = time_calls(root, NULL);
    printf("bare request            p50 %7.3f ms\n", bare);
    printf("warm script             p50 %7.3f ms\n", time_calls(root, "return 1"));
    printf("warm script, ld.request p50 %7.3f ms over the bare request\n", time_calls(root, request) - bare);
    printf("warm script, fetch      p50 %7.3f ms over the bare request\n", time_calls(root, fetch) - bare);
    script_pool_close();
    return OK;
}

static err every_loop(scope *root, void *code)
{
    script_pool_open();
    (void)!sustain(root, code);
    script_pool_close();
    return OK;
}

static double cpu_ms(int who)
{
    struct rusage used;

    getrusage(who, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

static void sustained(const char *what, const char *code)
{
    double own = cpu_ms(RUSAGE_SELF), children = cpu_ms(RUSAGE_CHILDREN), took, n;
    int64_t began = clock_mono();

    atomic_store(&runs, 0);
    atomic_store(&until, began + SECONDS(1) * seconds);
    loops_run(2, every_loop, (void *)(uintptr_t)code);
    took = (double)(clock_mono() - began) / 1e9;
    n = (double)atomic_load(&runs);
    own = (cpu_ms(RUSAGE_SELF) - own) / n;
    children = (cpu_ms(RUSAGE_CHILDREN) - children) / n;
    printf("%-23s %7.1f runs/s on 2 loops   CPU a run: %.2f ms in processes, %.2f ms in the server\n", what, n / took,
           children, own);
}

int main(int argc, char **argv)
{
    char code[200];

    if (argc < 2)
        return 2;
    seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : seconds;
    script_configure(&(script_settings){.runner = argv[1]});
    port = fake_server_start(answer, NULL);
    loops_run(1, one_loop, NULL);
    snprintf(code, sizeof code, "return (await ld.request({url: 'http://127.0.0.1:%d/'})).json", port);
    sustained("sustained", "return 1");
    sustained("sustained, ld.request", code);
    printf("failures %ld\n", atomic_load(&failures));
    return atomic_load(&failures) == 0 ? 0 : 1;
}
