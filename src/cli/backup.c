/* SPDX-License-Identifier: MIT */
/* sluice backup: a copy of the database and of the objects beside it, while they are in use. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/database.h"
#include "db/db.h"
#include "db/settings.h"
#include "store/object_backup.h"

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

/* After the database: then every object that it names is copied, but for those that were deleted since. */
static bool copy_objects(const char *file)
{
    char from[PATH_MAX], to[PATH_MAX], why[512] = "the path is too long";
    size_t count = 0;

    if ((size_t)snprintf(from, sizeof from, "%s/objects", settings_get()->data) >= sizeof from ||
        (size_t)snprintf(to, sizeof to, "%s.objects", file) >= sizeof to ||
        object_backup(from, to, &count, why, sizeof why) != OK) {
        fprintf(stderr, "sluice backup: the database is in %s, but the files of users were not copied: %s\n", file,
                why);
        return false;
    }
    if (count > 0)
        printf("wrote %s with %zu files of users; put it back as the directory \"objects\" of the data\n", to, count);
    return true;
}

static int run(const cli_args *args)
{
    const char *file = cli_operand(args, 0);
    bool terminal = isatty(STDERR_FILENO) == 1;
    int shown = -1;
    char why[512];
    err e;

    if (!database_has_home(&cli_backup))
        return EXIT_FAILURE;
    e = db_backup(settings_get()->db_url, file, terminal ? show_progress : NULL, &shown, why, sizeof why);
    if (shown >= 0)
        fputc('\n', stderr);
    if (e != OK) {
        fprintf(stderr, "sluice backup: %s\n", why);
        return EXIT_FAILURE;
    }
    if (!copy_objects(file))
        return EXIT_FAILURE;
    printf("wrote %s; keep the master key (secret.key beside the data) with it\n", file);
    return EXIT_SUCCESS;
}

const cli_command cli_backup = {
    .name = "backup",
    .summary = "Copy the database to a new file, and the files of users beside it, also while the server runs",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .settings = true,
    .run = run};
