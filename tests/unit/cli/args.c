/* SPDX-License-Identifier: MIT */
/* Subcommands' options, what is said when they are wrong, and the way of settings to a command. */
#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "test.h"

static int nothing(const cli_args *args)
{
    (void)args;
    return 0;
}

static const cli_option options[] = {
    {.name = "user", .value = "NAME", .required = true, .text = "Whose"},
    {.name = "scope", .value = "SCOPE", .many = true, .text = "For what"},
    {.name = "force", .text = "Even if"},
    {.name = "threads", .value = "N", .text = "Has the name of a setting"},
};
static const cli_command sample = {.name = "sample",
                                   .summary = "A sample",
                                   .operands = "create|list",
                                   .min_operands = 1,
                                   .max_operands = 2,
                                   .options = options,
                                   .n_options = COUNT(options),
                                   .settings = true,
                                   .run = nothing};
static const cli_command plain = {.name = "plain", .summary = "Without settings", .run = nothing};

enum { WORDS_MAX = 16 };

/* Parses a command line of words apart by spaces; the words live as long as `a`. */
static args_outcome parse(arena *a, const cli_command *c, const char *line, cli_args *out)
{
    char **words = arena_array(a, char *, WORDS_MAX);
    str rest = str_of(line), word;
    int n = 0;

    while (n < WORDS_MAX - 1 && str_next(&rest, ' ', &word))
        words[n++] = str_dup(a, word);
    return args_parse(a, c, n, words, out);
}

TEST(options_operands_and_settings_are_told_apart)
{
    arena *a = arena_new(NULL);
    cli_args args;

    CHECK(parse(a, &sample,
                "sample create --user ann --scope=a --scope b --data=/d --demo.model --log.requests=no --force x",
                &args) == ARGS_OK,
          "parsed");
    CHECK_STR(cli_get(&args, "user"), "ann");
    CHECK_STR(cli_get_at(&args, "scope", 0), "a");
    CHECK_STR(cli_get_at(&args, "scope", 1), "b");
    CHECK(cli_get_at(&args, "scope", 2) == NULL, "two scopes");
    CHECK_STR(cli_get(&args, "force"), "");
    CHECK(cli_get(&args, "threads") == NULL, "not given");
    CHECK_STR(cli_operand(&args, 0), "create");
    CHECK_STR(cli_operand(&args, 1), "x");
    CHECK(cli_operand(&args, 2) == NULL, "two operands");
    CHECK_INT(args.n_settings, 3);
    CHECK_STR(args.settings[0].name, "data");
    CHECK_STR(args.settings[0].value, "/d");
    CHECK_STR(args.settings[1].value, "yes"); /* a switch without value */
    CHECK_STR(args.settings[2].value, "no");
    arena_free(a);
}

TEST(a_command_s_own_option_wins_over_a_setting_of_its_name)
{
    arena *a = arena_new(NULL);
    cli_args args;

    CHECK(parse(a, &sample, "sample list --user u --threads 3 --config /c", &args) == ARGS_OK, "parsed");
    CHECK_STR(cli_get(&args, "threads"), "3");
    CHECK_INT(args.n_settings, 0);
    CHECK_STR(args.config, "/c");
    arena_free(a);
}

TEST(help_is_asked_for_whatever_else_is_wrong)
{
    arena *a = arena_new(NULL);
    cli_args args;

    CHECK(parse(a, &sample, "sample --help", &args) == ARGS_HELP, "long");
    CHECK(parse(a, &sample, "sample -h", &args) == ARGS_HELP, "short");
    CHECK(parse(a, &plain, "plain --help", &args) == ARGS_HELP, "without options");
    arena_free(a);
}

static const char *wrong_line;
static const cli_command *wrong_command;

static void parse_wrong_line(void)
{
    arena *a = arena_new(NULL);
    cli_args args;
    args_outcome got = parse(a, wrong_command, wrong_line, &args);

    arena_free(a);
    exit(got == ARGS_WRONG ? 0 : 1);
}

TEST(what_is_wrong_is_said_in_one_line)
{
    static const struct {
        const cli_command *command;
        const char *line, *said;
    } cases[] = {
        {&sample, "sample create", "sluice sample: --user NAME is required (see sluice sample --help)\n"},
        {&sample, "sample --user u", "sluice sample: create|list is required (see sluice sample --help)\n"},
        {&sample, "sample a b c --user u", "sluice sample: \"c\" is too much (see sluice sample --help)\n"},
        {&sample, "sample create --user", "sluice sample: --user needs a value (see sluice sample --help)\n"},
        {&sample, "sample create --nobody=x",
         "sluice sample: there is no option --nobody (see sluice sample --help)\n"},
        {&sample, "sample create -x", "sluice sample: there is no option -x (see sluice sample --help)\n"},
        {&sample, "sample create --user u --user v",
         "sluice sample: --user can be given only once (see sluice sample --help)\n"},
        {&plain, "plain --data /d", "sluice plain: there is no option --data (see sluice plain --help)\n"},
        {&plain, "plain x", "sluice plain: \"x\" is too much (see sluice plain --help)\n"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char said[2000];

        wrong_command = cases[i].command;
        wrong_line = cases[i].line;
        CHECK_INT(test_in_child(parse_wrong_line, said, sizeof said), 0);
        CHECK_STR(said, cases[i].said);
    }
}

static char *const *line_of_main;

static void run_main(void)
{
    int n = 0;

    while (line_of_main[n] != NULL)
        n++;
    dup2(2, 1); /* so that the parent sees both */
    exit(cli_main(n, (char **)(uintptr_t)line_of_main));
}

/* The exit status of the program for these words. */
static int status_of(char *const *words, char *said, size_t size)
{
    int status;

    line_of_main = words;
    status = test_in_child(run_main, said, size);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#define RUN(said, ...) status_of((char *const[]){"sluice", ##__VA_ARGS__, NULL}, said, sizeof said)

TEST(the_program_answers_with_help_versions_and_clear_errors)
{
    char said[20000];

    CHECK_INT(RUN(said), EXIT_USAGE);
    CHECK(strstr(said, "usage: sluice COMMAND") != NULL, "%s", said);
    CHECK_INT(RUN(said, "--help"), 0);
    CHECK(strstr(said, "  config     ") != NULL, "%s", said);
    CHECK_INT(RUN(said, "help", "config"), 0);
    CHECK(strstr(said, "usage: sluice config [OPTION...]") != NULL && strstr(said, "--config FILE") != NULL, "%s",
          said);
    CHECK_INT(RUN(said, "config", "--help"), 0);
    CHECK(strstr(said, "usage: sluice config") != NULL, "%s", said);
    CHECK_INT(RUN(said, "--version"), 0);
    CHECK_STR(said, "sluice " SLUICE_VERSION "\n");
    CHECK_INT(RUN(said, "version", "--all"), 0);
    CHECK(strstr(said, "\nlibuv 1.") != NULL && strstr(said, "\nSQLite 3.") != NULL, "%s", said);
    CHECK_INT(RUN(said, "nonsense"), EXIT_USAGE);
    CHECK_STR(said, "sluice: there is no command \"nonsense\" (see sluice help)\n");
    CHECK_INT(RUN(said, "help", "nonsense"), EXIT_USAGE);
}

TEST(config_shows_what_is_in_force_and_refuses_what_is_wrong)
{
    char said[20000];

    CHECK_INT(RUN(said, "config", "--data", "/nowhere/at/all", "--threads=3"), 0);
    CHECK(strstr(said, "db.url = sqlite:/nowhere/at/all/sluice.db") != NULL, "%s", said);
    CHECK(strstr(said, "# --threads\n") != NULL, "%s", said);
    CHECK_INT(RUN(said, "config", "--threads", "99"), EXIT_USAGE);
    CHECK_STR(said, "sluice config: --threads: threads must be at most 64\n");
    CHECK_INT(RUN(said, "config", "--config", "/nowhere/at/all"), EXIT_USAGE);
    CHECK_STR(said, "sluice config: cannot read /nowhere/at/all: No such file or directory\n");
    CHECK_INT(RUN(said, "config", "--markdown"), 0);
    CHECK(cstr_starts(said, "# Settings\n"), "%s", said);
}
