/* SPDX-License-Identifier: MIT */
/* Notifiers; see notify.h.  A firing that crosses threads holds a reference until the loop has seen it. */
#include "store/notify.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

struct notifier {
    loop *home;
    void (*fn)(void *arg);
    void *arg;
    atomic_int refs;
    atomic_bool posted;
    bool closed; /* only on the home loop */
};

notifier *notifier_new(void (*fn)(void *arg), void *arg)
{
    notifier *n = mem_zalloc(1, sizeof *n);

    n->home = loop_self();
    n->fn = fn;
    n->arg = arg;
    atomic_init(&n->refs, 1);
    atomic_init(&n->posted, false);
    return n;
}

static void unref(notifier *n)
{
    if (atomic_fetch_sub(&n->refs, 1) == 1)
        free(n);
}

static void on_post(void *arg)
{
    notifier *n = arg;

    atomic_store(&n->posted, false); /* before fn reads, so that what comes later posts again */
    if (!n->closed)
        n->fn(n->arg);
    unref(n);
}

void notifier_fire(notifier *n)
{
    if (n->home == loop_self()) {
        if (!n->closed)
            n->fn(n->arg);
        return;
    }
    if (atomic_exchange(&n->posted, true))
        return;
    atomic_fetch_add(&n->refs, 1);
    if (!loop_post(n->home, on_post, n))
        unref(n);
}

void notifier_close(notifier *n)
{
    n->closed = true;
    unref(n);
}
