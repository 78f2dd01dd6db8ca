/* SPDX-License-Identifier: MIT */
/* sluice backup: a copy of the database while it is in use. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "db/db.h"
#include "db/settings.h"

enum { BAR = 40 };

static void show_progress(void *arg, int done, int total)
{
    int *shown = arg;
    int percent = total > 0 ? (int)((int64_t)done * 100 / total) : 100;
    int filled = percent * BAR / 100;

    if (percent == *shown)
        return;
    *shown = percent;
    fprintf(stderr, "\r[%.*s%*s] %3d %%", filled, "########################################", BAR - filled, "",
            percent);
}

static int run(const cli_args *args)
{
    const char *file = cli_operand(args, 0);
    bool terminal = isatty(STDERR_FILENO) == 1;
    int shown = -1;
    char why[512];
    err e = db_backup(settings_get()->db_url, file, terminal ? show_progress : NULL, &shown, why, sizeof why);

    if (shown >= 0)
        fputc('\n', stderr);
    if (e != OK) {
        fprintf(stderr, "sluice backup: %s\n", why);
        return EXIT_FAILURE;
    }
    printf("wrote %s; keep the master key (secret.key beside the data) with it\n", file);
    return EXIT_SUCCESS;
}

const cli_command cli_backup = {.name = "backup",
                                .summary = "Copy the database to a new file, also while the server runs",
                                .operands = "FILE",
                                .min_operands = 1,
                                .max_operands = 1,
                                .settings = true,
                                .run = run};
