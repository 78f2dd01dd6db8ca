/* SPDX-License-Identifier: MIT */
/*
 * Notices turns that hold their loop for too long, and says which fiber did it.  For loop.c only.
 */
#ifndef RT_WATCHDOG_H
#define RT_WATCHDOG_H

#include "rt/rt_internal.h"

void watchdog_turn_begins(loop *l); /* the loop is back from waiting */
void watchdog_turn_ends(loop *l);   /* the loop is about to wait */

/* In debug builds a thread looks at the loops and has a stuck one print where it is. */
void watchdog_start(void);
void watchdog_stop(void);
void watchdog_attach(loop *l); /* on the loop's thread */
void watchdog_detach(loop *l);

#endif
