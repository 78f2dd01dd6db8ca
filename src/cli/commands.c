/* SPDX-License-Identifier: MIT */
/* All subcommands, in the order of the help. */
#include "cli/cli.h"

#include "base/str.h"

const cli_command *const cli_commands[] = {
    &cli_serve, &cli_user, &cli_key, &cli_backup, &cli_doctor, &cli_config, &cli_version, &cli_help, NULL,
};

const cli_command *cli_find(const char *name)
{
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        if (cstr_eq((*c)->name, name))
            return *c;
    return NULL;
}
