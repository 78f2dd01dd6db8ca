/* SPDX-License-Identifier: MIT */
/*
 * Work that no request waits for: who does it, and what its events start.
 */
#ifndef CLI_BACKGROUND_H
#define CLI_BACKGROUND_H

#include "rt/scope.h"

/* Before the loops run: kinds of jobs, and what triggers may start. */
void background_setup(void);

/* On each loop, once requests are answered.  Returns at once. */
void background_open(scope *root);

#endif
