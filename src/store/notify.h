/* SPDX-License-Identifier: MIT */
/*
 * Notifiers: how any thread tells one loop that there is something new, without queues that grow.
 *
 * Many firings before the loop gets round to it are one call.
 */
#ifndef STORE_NOTIFY_H
#define STORE_NOTIFY_H

#include "rt/loop.h"

typedef struct notifier notifier;

/* fn(arg) will be called on the calling thread's loop, outside any fiber. */
notifier *notifier_new(void (*fn)(void *arg), void *arg);

/* From any thread that knows the notifier to be open.  On its own loop fn is called at once. */
void notifier_fire(notifier *n);

/* On its own loop.  fn is not called any more; the memory goes when no firing is under way. */
void notifier_close(notifier *n);

#endif
