/* SPDX-License-Identifier: MIT */
/* sluice help [COMMAND]: what there is and how to call it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/cli.h"

enum { COLUMN = 24 };

static void print_option(const char *name, const char *value, const char *text, const char *more)
{
    int width = printf("  --%s%s%s", name, value != NULL ? " " : "", value != NULL ? value : "");

    if (width >= COLUMN)
        printf("\n%*s", COLUMN, "");
    else
        printf("%*s", COLUMN - width, "");
    printf("%s%s\n", text, more);
}

static const char *remark(const cli_option *o)
{
    if (o->required)
        return o->many ? " (required; may be repeated)" : " (required)";
    return o->many ? " (may be repeated)" : "";
}

static void print_command(const cli_command *c)
{
    printf("usage: sluice %s%s%s%s\n\n%s.\n\n", c->name, c->operands != NULL ? " " : "",
           c->operands != NULL ? c->operands : "", c->n_options > 0 || c->settings ? " [OPTION...]" : "", c->summary);
    for (size_t i = 0; i < c->n_options; i++)
        print_option(c->options[i].name, c->options[i].value, c->options[i].text, remark(&c->options[i]));
    if (c->settings)
        print_option("config", "FILE", "Configuration file", ", instead of sluice.conf in the data directory");
    print_option("help", NULL, "Print this", "");
    if (c->settings)
        printf("\nEvery setting is an option too, such as --data DIR or --listen ADDRESS:PORT: `sluice config` lists "
               "them,\n"
               "`sluice config --markdown` explains them.\n");
}

static void print_all(void)
{
    printf("usage: sluice COMMAND [OPTION...]\n\n");
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        if (!(*c)->quiet)
            printf("  %-10s %s\n", (*c)->name, (*c)->summary);
    printf("\n`sluice COMMAND --help` says more.\n");
}

void cli_print_help(const cli_command *c)
{
    if (c != NULL)
        print_command(c);
    else
        print_all();
}

static int run(const cli_args *args)
{
    const char *name = cli_operand(args, 0);
    const cli_command *c = cli_find(name);

    if (name != NULL && c == NULL)
        return cli_misuse(&cli_help, "there is no command \"%s\"", name);
    cli_print_help(c);
    return EXIT_SUCCESS;
}

const cli_command cli_help = {
    .name = "help", .summary = "Say what there is", .operands = "[COMMAND]", .max_operands = 1, .run = run};
