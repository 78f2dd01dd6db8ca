/* SPDX-License-Identifier: MIT */
/* Coarse timeouts; see wheel.h. */
#include "net/wheel.h"

static uint64_t slot_of(uint64_t ms)
{
    return (ms + WHEEL_SLOT_MS - 1) / WHEEL_SLOT_MS;
}

static void on_timer(uv_timer_t *timer);

static void arm(wheel *w, uint64_t slot)
{
    uint64_t now = uv_now(w->timer.loop), at = slot * WHEEL_SLOT_MS;

    w->armed = slot;
    uv_timer_start(&w->timer, on_timer, at > now ? at - now : 0, 0);
}

/* Arms the timer for the next slot that holds something. */
static void arm_next(wheel *w)
{
    w->armed = 0;
    if (w->count == 0)
        return;
    for (uint64_t s = w->at + 1; s <= w->at + WHEEL_SLOTS; s++) {
        if (!list_empty(&w->slots[s % WHEEL_SLOTS])) {
            arm(w, s);
            return;
        }
    }
}

static void fire_slot(wheel *w, list_link *slot)
{
    list_link now, *l;

    list_init(&now);
    while ((l = list_take_first(slot)) != NULL) /* apart, since entries are set again meanwhile */
        list_append(&now, l);
    while ((l = list_take_first(&now)) != NULL) {
        wheel_entry *e = LIST_OF(l, wheel_entry, link);

        e->due = 0;
        w->count--;
        w->fire(e);
    }
}

static void on_timer(uv_timer_t *timer)
{
    wheel *w = timer->data;
    uint64_t until = uv_now(timer->loop) / WHEEL_SLOT_MS;

    if (until > w->at + WHEEL_SLOTS)
        w->at = until - WHEEL_SLOTS;
    while (w->at < until)
        fire_slot(w, &w->slots[++w->at % WHEEL_SLOTS]);
    if (!uv_is_closing((uv_handle_t *)timer))
        arm_next(w);
}

void wheel_open(wheel *w, uv_loop_t *loop, void (*fire)(wheel_entry *e))
{
    uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    w->fire = fire;
    w->count = 0;
    w->armed = 0;
    w->at = uv_now(loop) / WHEEL_SLOT_MS;
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&w->slots[i]);
}

void wheel_close(wheel *w, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&w->timer, closed);
}

void wheel_entry_init(wheel_entry *e)
{
    list_init(&e->link);
    e->due = 0;
}

void wheel_set(wheel *w, wheel_entry *e, uint64_t due)
{
    uint64_t slot = slot_of(due);

    if (e->due != 0 && e->due <= due)
        return;
    if (e->due == 0)
        w->count++;
    list_remove(&e->link);
    if (w->armed == 0) /* it stood still */
        w->at = uv_now(w->timer.loop) / WHEEL_SLOT_MS;
    slot = MAX_OF(slot, w->at + 1);
    slot = MIN_OF(slot, w->at + WHEEL_SLOTS); /* too early then; the owner sets it again */
    e->due = due;
    list_append(&w->slots[slot % WHEEL_SLOTS], &e->link);
    if (w->armed == 0 || slot < w->armed)
        arm(w, slot);
}

void wheel_unset(wheel *w, wheel_entry *e)
{
    if (e->due == 0)
        return;
    list_remove(&e->link);
    e->due = 0;
    w->count--;
}
