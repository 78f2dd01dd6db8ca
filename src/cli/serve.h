/* SPDX-License-Identifier: MIT */
/*
 * The server itself: everything between loaded settings and the end of the process.
 */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "base/def.h"

/* Serves until SIGTERM or SIGINT; the exit status.  `welcome`: says on standard output how to begin (URL, login, a first
 * request).  Prints "listening on http://ADDR:PORT" when it is ready. */
int serve(bool welcome);

#endif
