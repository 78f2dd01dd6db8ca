/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rt/sleep.h"

bool fixture_open(const script_settings *set)
{
    const char *runner = getenv("SCRIPT_RUNNER");
    script_settings with = *set;

    if (runner == NULL || *runner == '\0') {
        fprintf(stderr, "# skipped: this build has no sluice-script (JavaScriptCore or libseccomp is missing)\n");
        return false;
    }
    if (with.runner == NULL)
        with.runner = runner;
    script_configure(&with);
    return true;
}

script_outcome fixture_run_job(scope *s, const script_job *job)
{
    script_outcome out;
    err e = script_run(s, job, &out);

    CHECK(e == OK, "%s: %s", err_name(e), scope_failure(s, e).text);
    CHECK(json_is_array(out.logs), "there are logs, empty or not");
    CHECK((out.status == SCRIPT_DONE) == (out.value != NULL), "a value and only then");
    CHECK((out.status == SCRIPT_DONE) == (out.message == NULL), "or a message");
    return out;
}

script_outcome fixture_run(scope *s, const char *code)
{
    script_job job = {.name = "test", .code = str_of(code)};

    return fixture_run_job(s, &job);
}

const char *fixture_value_of(scope *s, const script_job *job)
{
    script_outcome out = fixture_run_job(s, job);

    CHECK(out.status == SCRIPT_DONE, "%d: %s", (int)out.status, out.message);
    return json_text(s->arena, out.value);
}

const char *fixture_value(scope *s, const char *code)
{
    script_job job = {.name = "test", .code = str_of(code)};

    return fixture_value_of(s, &job);
}

/* 0 for one that is dead, or not there. */
static int parent_of(int pid)
{
    char path[64], state = 'X';
    int parent = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    f = fopen(path, "r");
    if (f != NULL && fscanf(f, "%*d (%*[^)]) %c %d", &state, &parent) != 2)
        parent = 0;
    if (f != NULL)
        fclose(f);
    return state == 'Z' || state == 'X' ? 0 : parent;
}

/* They are children of the template, which is our child. */
static int each_runner(void (*see)(int pid, void *arg), void *arg)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    int n = 0;

    CHECK(d != NULL, "/proc");
    while ((entry = readdir(d)) != NULL) {
        int pid = atoi(entry->d_name), parent = pid > 0 ? parent_of(pid) : 0;

        if (parent <= 1 || parent_of(parent) != getpid())
            continue;
        n++;
        see(pid, arg);
    }
    closedir(d);
    return n;
}

static void send_signal(int pid, void *sig)
{
    if (*(int *)sig != 0)
        kill(pid, *(int *)sig);
}

int fixture_runners(int sig)
{
    return each_runner(send_signal, &sig);
}

int fixture_await_runners(scope *s, int n)
{
    for (int tries = 0; fixture_runners(0) != n && tries < 1000; tries++)
        CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "slept");
    return fixture_runners(0);
}

static char status_line[256];

static void read_status(int pid, void *field)
{
    char path[64], line[256];
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            memcpy(status_line, line, sizeof line);
    if (f != NULL)
        fclose(f);
}

const char *fixture_runner_status(const char *field)
{
    status_line[0] = '\0';
    each_runner(read_status, (void *)(uintptr_t)field);
    return status_line;
}
