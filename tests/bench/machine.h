/* SPDX-License-Identifier: MIT */
/*
 * How fast the machine itself is, all the time.
 *
 * A virtual machine's host may slow its processors down to a tenth for a moment, without any counter in the guest that says
 * so.  What is measured in such a moment tells of the host.  A thread here times the same few microseconds of arithmetic
 * again and again, in processor time, so that being preempted does not count; it takes about 1 % of one processor.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* Begins watching, until the process ends.  False if there is no thread to be had. */
bool machine_watch(void);

/* When the machine was last seen at under half of its speed, in microseconds of CLOCK_MONOTONIC; 0: never. */
int64_t machine_last_slow(void);

/* The part of the time watched, 0 to 1, in which it was. */
double machine_slow_share(void);

#endif
