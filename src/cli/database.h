/* SPDX-License-Identifier: MIT */
/*
 * For commands that act on the records: the database is opened, and the work done in a fiber of one loop.  It may run beside a
 * server on the same database.
 */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "cli/cli.h"
#include "rt/scope.h"

/* False when there is no data directory for the database to be in, which is said on standard error. */
MUST_USE bool database_has_home(const cli_command *c);

/* Runs work(s, arg) with the database of the settings open.  When it fails, its sentence is printed after the command's name.
 * The exit status. */
int database_run(const cli_command *c, err (*work)(scope *s, void *arg), void *arg);

#endif
