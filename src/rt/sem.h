/* SPDX-License-Identifier: MIT */
/*
 * Counting semaphores for the fibers of one loop: bounds how much of something runs at once.
 */
#ifndef RT_SEM_H
#define RT_SEM_H

#include "rt/scope.h"

typedef struct {
    size_t free;
    list_link waiters;
} sem;

void sem_setup(sem *m, size_t count);

/* Parks until one is free; served in order.  ERR_TIMEOUT or ERR_CANCELLED: nothing was taken. */
MUST_USE err sem_take(scope *s, sem *m);
void sem_give(sem *m);

#endif
