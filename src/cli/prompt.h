/* SPDX-License-Identifier: MIT */
/* Passwords from a terminal or a pipe. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "base/arena.h"

/* A line of standard input without its end; NULL when there is none or it is longer than 1 KiB. */
char *prompt_line(arena *a);

/* Asks twice on the terminal without showing what is typed; NULL when both differ or are empty, said on standard error. */
char *prompt_new_password(arena *a);

#endif
