/* SPDX-License-Identifier: MIT */
/* Work on the records from the command line; see database.h. */
#include "cli/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/db.h"
#include "db/settings.h"
#include "rt/loop.h"

typedef struct {
    const cli_command *command;
    err (*work)(scope *s, void *arg);
    void *arg;
} job;

static err run_job(scope *root, void *arg)
{
    job *j = arg;
    scope *s = scope_child(root, NO_LIMIT);
    err e = j->work(s, j->arg);

    if (e != OK)
        fprintf(stderr, "sluice %s: %s\n", j->command->name, scope_failure(s, e).text);
    scope_close(s);
    return e;
}

bool database_has_home(const cli_command *c)
{
    const char *data = settings_get()->data;

    if (settings_given("db.url") || access(data, F_OK) == 0)
        return true;
    fprintf(stderr, "sluice %s: there is no data directory %s: name another with --data (sluice serve makes it)\n",
            c->name, data);
    return false;
}

int database_run(const cli_command *c, err (*work)(scope *s, void *arg), void *arg)
{
    job j = {c, work, arg};
    char why[512];
    db *d;
    int status;

    if (!database_has_home(c))
        return EXIT_FAILURE;
    if (db_open_kept(settings_get()->db_url, &d, why, sizeof why) != OK) {
        fprintf(stderr, "sluice %s: %s\n", c->name, why);
        return EXIT_FAILURE;
    }
    status = loops_run(1, run_job, &j);
    db_close(d);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
