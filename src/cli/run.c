/* SPDX-License-Identifier: MIT */
/* From the command line to a subcommand: settings are loaded and the log is set up on the way. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "cli/args.h"

static void set_up_log(const struct settings *s)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    log_level least = LOG_INFO;

    for (size_t i = 0; i < COUNT(names); i++)
        if (cstr_eq(names[i], s->log_level))
            least = (log_level)i;
    log_setup(least, cstr_eq(s->log_format, "json") ? LOG_JSON : LOG_TEXT);
}

static bool load_settings(const cli_args *args)
{
    char why[1024];
    settings_sources from = {
        .flags = args->settings, .n_flags = args->n_settings, .env = environ, .config = args->config};

    if (settings_load(&from, why, sizeof why) != OK) {
        fprintf(stderr, "sluice %s: %s\n", args->command->name, why);
        return false;
    }
    set_up_log(settings_get());
    return true;
}

static int run_command(arena *a, const cli_command *c, int argc, char **argv)
{
    cli_args args;

    switch (args_parse(a, c, argc, argv, &args)) {
    case ARGS_HELP:
        cli_print_help(c);
        return EXIT_SUCCESS;
    case ARGS_WRONG:
        return EXIT_USAGE;
    case ARGS_OK:
        break;
    }
    if (c->settings && !load_settings(&args))
        return EXIT_USAGE;
    return c->run(&args);
}

/* What others call "--version" and "-h" are commands here. */
static const char *command_name(const char *arg)
{
    if (cstr_eq(arg, "--version") || cstr_eq(arg, "-v") || cstr_eq(arg, "-V"))
        return "version";
    if (cstr_eq(arg, "--help") || cstr_eq(arg, "-h"))
        return "help";
    return arg;
}

/* What is opened later must not get the number of a stream that is closed: log lines would go into the database or to a client. */
static void hold_standard_streams(void)
{
    int fd = open("/dev/null", O_RDWR);

    while (fd >= STDIN_FILENO && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR);
    if (fd > STDERR_FILENO)
        close(fd);
}

int cli_main(int argc, char **argv)
{
    const cli_command *c;
    arena *a;
    int status;

    hold_standard_streams();
    if (argc < 2) {
        cli_print_help(NULL);
        return EXIT_USAGE;
    }
    c = cli_find(command_name(argv[1]));
    if (c == NULL) {
        fprintf(stderr, "sluice: there is no command \"%s\" (see sluice help)\n", argv[1]);
        return EXIT_USAGE;
    }
    a = arena_new(NULL);
    status = run_command(a, c, argc - 1, argv + 1);
    arena_free(a);
    if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
        status = EXIT_FAILURE; /* what was to be printed is lost */
    return status;
}
