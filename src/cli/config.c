/* SPDX-License-Identifier: MIT */
/* sluice config: the settings in force, each with its source; or their manual. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "db/settings.h"

static int run(const cli_args *args)
{
    buf out = BUF_INIT(MIB(1));
    bool written;

    if (cli_get(args, "markdown") != NULL)
        settings_manual(&out);
    else
        settings_print(&out);
    written = fwrite(buf_str(&out), 1, out.len, stdout) == out.len;
    buf_close(&out);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const cli_option options[] = {{.name = "markdown", .text = "Print docs/settings.md instead"}};

const cli_command cli_config = {.name = "config",
                                .summary = "Show the settings in force and where each comes from",
                                .options = options,
                                .n_options = COUNT(options),
                                .settings = true,
                                .run = run};
