/* SPDX-License-Identifier: MIT */
/* The command line of one subcommand, parsed by its table. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/cli.h"
#include "db/settings.h"

struct cli_args {
    const cli_command *command;
    struct {
        const char *option, *value;
    } * given; /* options of the command */
    size_t n_given;
    setting_given *settings;
    size_t n_settings;
    const char *config; /* of --config, or NULL */
    const char *const *operands;
    size_t n_operands;
};

typedef enum { ARGS_OK, ARGS_HELP, ARGS_WRONG } args_outcome;

/* `argv[0]` is the subcommand.  ARGS_HELP: --help was given, nothing else counts.  ARGS_WRONG: said on standard error. */
args_outcome args_parse(arena *a, const cli_command *c, int argc, char **argv, cli_args *out);

#endif
