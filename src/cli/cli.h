/* SPDX-License-Identifier: MIT */
/*
 * Subcommands are data: what each is called, what it takes, and the function that does it.
 *
 * A new one is a file src/cli/NAME.c that defines `const cli_command cli_NAME`, a line here, one in commands.c and one in
 * meson.build.  Options are parsed, checked and explained (`sluice NAME --help`) from the table; run() only acts.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"

enum { EXIT_USAGE = 2 };

typedef struct {
    const char *name;  /* "scope": given as --scope */
    const char *value; /* what stands for its value in the help ("SCOPE"); NULL: a switch */
    const char *text;  /* a sentence without full stop */
    bool required;
    bool many; /* may be given more than once; else the last counts */
} cli_option;

typedef struct cli_args cli_args;

typedef struct {
    const char *name;
    const char *summary;  /* a sentence without full stop */
    const char *operands; /* for the help: "FILE", "create|list|revoke"; NULL: none are taken */
    size_t min_operands, max_operands;
    const cli_option *options;
    size_t n_options;
    bool settings; /* takes every setting as an option, and has them loaded and the log set up before run() */
    bool quiet;    /* not in the list of commands */
    int (*run)(const cli_args *args); /* the exit status */
} cli_command;

extern const cli_command cli_backup, cli_config, cli_doctor, cli_help, cli_key, cli_serve, cli_user, cli_version;

/* All commands, in the order of the help; ends with NULL. */
extern const cli_command *const cli_commands[];
const cli_command *cli_find(const char *name); /* NULL when there is none */

/* The value of an option: "" for a switch that was given, NULL when it was not. */
const char *cli_get(const cli_args *args, const char *option);
const char *cli_get_at(const cli_args *args, const char *option,
                       size_t i);                        /* of one that may be repeated; NULL past the last */
const char *cli_operand(const cli_args *args, size_t i); /* NULL past the last */

/* "sluice NAME: SENTENCE (see sluice NAME --help)" on standard error; returns EXIT_USAGE. */
int cli_misuse(const cli_command *c, const char *format, ...) PRINTF(2, 3);

/* The help of one command, or of all (NULL), on standard output. */
void cli_print_help(const cli_command *c);

/* The whole of main(). */
int cli_main(int argc, char **argv);

#endif
