/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
int fixture_runners(int sig)
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
        if (sig != 0)
            kill(pid, sig);
    }
    closedir(d);
    return n;
}
