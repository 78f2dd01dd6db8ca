/* SPDX-License-Identifier: MIT */
/*
 * Bounded channels: how fibers of one loop hand work to each other.
 *
 * A sender parks while the channel is full, a receiver while it is empty.  Closing wakes everyone: receivers drain what
 * is left and then see ERR_CLOSED.  Waiters are served in the order they came.
 *
 * A channel belongs to the loop that made it.  To reach another thread's loop, use loop_post().
 */
#ifndef RT_CHAN_H
#define RT_CHAN_H

#include "rt/scope.h"

typedef struct chan chan;

/* A channel of `cap` items (at least 1) that lives as long as `a`. */
chan *chan_new(arena *a, size_t cap);

/* Any error means that the item was not sent and is still the caller's: ERR_CLOSED, or ERR_TIMEOUT / ERR_CANCELLED when
 * `s` ends while the fiber is parked.  Parks. */
MUST_USE err chan_send(scope *s, chan *c, void *item);
MUST_USE err chan_recv(scope *s, chan *c, void **item);

/* Without parking: false when full or closed. */
MUST_USE bool chan_try_send(chan *c, void *item);

void chan_close(chan *c); /* may be called twice */
size_t chan_len(const chan *c);

#endif
