/* SPDX-License-Identifier: MIT */
/*
 * Coarse timeouts for many connections: a wheel of slots and one libuv timer.
 *
 * Setting costs a few instructions.  An entry may fire too early, never more than a slot late: its owner looks at its own
 * deadlines and sets it again.  Entries that are set later than before therefore stay where they are.
 */
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include <uv.h>

#include "base/list.h"

enum { WHEEL_SLOTS = 256, WHEEL_SLOT_MS = 32 };

typedef struct {
    list_link link;
    uint64_t due; /* uv_now() value; 0: not set */
} wheel_entry;

typedef struct {
    uv_timer_t timer;
    list_link slots[WHEEL_SLOTS];
    uint64_t at;    /* the slot number up to which all has fired */
    uint64_t armed; /* slot number the timer stands at; 0: stopped */
    size_t count;
    void (*fire)(wheel_entry *e);
} wheel;

void wheel_open(wheel *w, uv_loop_t *loop, void (*fire)(wheel_entry *e));
void wheel_close(wheel *w, uv_close_cb closed);

void wheel_entry_init(wheel_entry *e);
void wheel_set(wheel *w, wheel_entry *e, uint64_t due); /* at the latest */
void wheel_unset(wheel *w, wheel_entry *e);

#endif
