/* SPDX-License-Identifier: MIT */
/* The program: everything it can do is a subcommand in cli/. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
