/* SPDX-License-Identifier: MIT */
/* Parsing of subcommands' options with getopt_long(); see args.h. */
#include "cli/args.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

/* What getopt_long() returns for a kind of option; which one it was is in its index. */
enum { OWN_OPTION = 256, SETTING_OPTION, CONFIG_OPTION, HELP_OPTION };

int cli_misuse(const cli_command *c, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "sluice %s: ", c->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (see sluice %s --help)\n", c->name);
    return EXIT_USAGE;
}

/* Own options first: they win over settings of the same name. */
static struct option *table_of(arena *a, const cli_command *c)
{
    const char *name;
    bool flag;
    size_t n = 0, settings = 0;
    struct option *table;

    while (c->settings && settings_name_at(settings, &name, &flag))
        settings++;
    table = arena_array(a, struct option, c->n_options + settings + 3);
    for (size_t i = 0; i < c->n_options; i++)
        table[n++] = (struct option){c->options[i].name, c->options[i].value != NULL ? required_argument : no_argument,
                                     NULL, OWN_OPTION};
    for (size_t i = 0; i < settings; i++) {
        settings_name_at(i, &name, &flag);
        table[n++] = (struct option){name, flag ? optional_argument : required_argument, NULL, SETTING_OPTION};
    }
    if (c->settings)
        table[n++] = (struct option){"config", required_argument, NULL, CONFIG_OPTION};
    table[n] = (struct option){"help", no_argument, NULL, HELP_OPTION};
    return table;
}

/* The option that getopt stopped at, without a value: for messages. */
static str option_text(char **argv)
{
    str text = str_of(argv[optind - 1]), name;

    return str_next(&text, '=', &name) ? name : text;
}

static args_outcome wrong(const cli_command *c, int found, char **argv)
{
    str text = option_text(argv);

    if (found == ':')
        cli_misuse(c, "%.*s needs a value", STR_ARG(text));
    else
        cli_misuse(c, "there is no option %.*s", STR_ARG(text));
    return ARGS_WRONG;
}

static args_outcome check(const cli_args *args)
{
    const cli_command *c = args->command;

    for (size_t i = 0; i < c->n_options; i++) {
        const cli_option *o = &c->options[i];

        if (o->required && cli_get(args, o->name) == NULL) {
            cli_misuse(c, "--%s %s is required", o->name, o->value);
            return ARGS_WRONG;
        }
        if (!o->many && cli_get_at(args, o->name, 1) != NULL) {
            cli_misuse(c, "--%s can be given only once", o->name);
            return ARGS_WRONG;
        }
    }
    if (args->n_operands < c->min_operands) {
        cli_misuse(c, "%s is required", c->operands);
        return ARGS_WRONG;
    }
    if (args->n_operands > c->max_operands) {
        cli_misuse(c, "\"%s\" is too much", args->operands[c->max_operands]);
        return ARGS_WRONG;
    }
    return ARGS_OK;
}

args_outcome args_parse(arena *a, const cli_command *c, int argc, char **argv, cli_args *out)
{
    const struct option *table = table_of(a, c);
    size_t most = (size_t)argc;
    int found, which;

    *out = (cli_args){.command = c};
    out->given = arena_zalloc(a, most, sizeof *out->given);
    out->settings = arena_array(a, setting_given, most);
    optind = 0; /* start anew */
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":h", table, &which)) != -1) {
        switch (found) {
        case OWN_OPTION:
            out->given[out->n_given].option = table[which].name;
            out->given[out->n_given++].value = optarg != NULL ? optarg : "";
            break;
        case SETTING_OPTION:
            out->settings[out->n_settings++] = (setting_given){table[which].name, optarg != NULL ? optarg : "yes"};
            break;
        case CONFIG_OPTION:
            out->config = optarg;
            break;
        case HELP_OPTION:
        case 'h':
            return ARGS_HELP;
        default:
            return wrong(c, found, argv);
        }
    }
    out->operands = (const char *const *)argv + optind;
    out->n_operands = (size_t)(argc - optind);
    return check(out);
}

const char *cli_get_at(const cli_args *args, const char *option, size_t i)
{
    for (size_t k = 0; k < args->n_given; k++)
        if (cstr_eq(args->given[k].option, option) && i-- == 0)
            return args->given[k].value;
    return NULL;
}

const char *cli_get(const cli_args *args, const char *option)
{
    return cli_get_at(args, option, 0);
}

const char *cli_operand(const cli_args *args, size_t i)
{
    return i < args->n_operands ? args->operands[i] : NULL;
}
