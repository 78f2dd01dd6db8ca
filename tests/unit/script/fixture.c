/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

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
