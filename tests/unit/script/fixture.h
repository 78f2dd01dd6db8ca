/* SPDX-License-Identifier: MIT */
/* What the tests of scripts share. */
#ifndef UNIT_SCRIPT_FIXTURE_H
#define UNIT_SCRIPT_FIXTURE_H

#include "script/script.h"
#include "test.h"

/* False, and a line on standard error that says so, when this build has no runner: the test has nothing to look at then. */
bool fixture_open(const script_settings *set);

/* Runs `code` without more; the run itself must succeed. */
script_outcome fixture_run(scope *s, const char *code);
script_outcome fixture_run_job(scope *s, const script_job *job);

/* The returned value as JSON text. */
const char *fixture_value(scope *s, const char *code);
const char *fixture_value_of(scope *s, const script_job *job);

/* How many runners this process has; each gets the signal, unless it is 0. */
int fixture_runners(int sig);

/* Waits until there are so many, 20 s at most; how many there are then. */
int fixture_await_runners(scope *s, int n);

/* A line of /proc/PID/status of one of them, in a static buffer; "" when it has none. */
const char *fixture_runner_status(const char *field);

#define RUNNER_OR_SKIP(...)                                                                                            \
    do {                                                                                                               \
        if (!fixture_open(&(script_settings){__VA_ARGS__}))                                                            \
            return;                                                                                                    \
    } while (0)

#endif
