/* SPDX-License-Identifier: MIT */
/* Semaphores; see sem.h.  One that is given goes straight to the first waiter, so that nobody can overtake. */
#include "rt/sem.h"

#include "rt/fiber.h"

typedef struct {
    list_link link;
    fiber *waiter;
    bool granted;
} claim;

void sem_setup(sem *m, size_t count)
{
    m->free = count;
    list_init(&m->waiters);
}

err sem_take(scope *s, sem *m)
{
    claim c = {.waiter = fiber_self()};
    err e = OK;

    TRY(scope_check(s));
    if (m->free > 0) {
        m->free--;
        return OK;
    }
    list_append(&m->waiters, &c.link);
    while (!c.granted && e == OK)
        e = fiber_park(s);
    if (c.granted)
        return OK;
    list_remove(&c.link);
    return e;
}

void sem_give(sem *m)
{
    list_link *first = list_take_first(&m->waiters);
    claim *c;

    if (first == NULL) {
        m->free++;
        return;
    }
    c = LIST_OF(first, claim, link);
    c->granted = true;
    fiber_wake(c->waiter);
}
