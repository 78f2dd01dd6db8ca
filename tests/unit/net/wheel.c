/* SPDX-License-Identifier: MIT */
/* Coarse timeouts fire about when they should, and not when they were taken back. */
#include "net/wheel.h"

#include "rt/loop.h"
#include "rt/sleep.h"
#include "test.h"

typedef struct {
    wheel_entry entry;
    uint64_t wanted, fired; /* uv_now() values */
} timed;

static wheel w;
static size_t early;

static void fire(wheel_entry *e)
{
    timed *t = CONTAINER_OF(e, timed, entry);
    uint64_t now = uv_now(w.timer.loop);

    if (now < t->wanted) { /* as the owner does */
        early++;
        wheel_set(&w, e, t->wanted);
        return;
    }
    t->fired = now;
}

static bool closed;

static void on_closed(uv_handle_t *h)
{
    (void)h;
    closed = true;
}

static void set_in(timed *t, uint64_t ms)
{
    t->wanted = uv_now(w.timer.loop) + ms;
    wheel_set(&w, &t->entry, t->wanted);
}

FIBER_TEST(entries_fire_once_and_soon_after_they_are_due)
{
    timed t[20] = {0}, later = {0}, never = {0}, far = {0};

    wheel_open(&w, loop_uv(s->loop), fire);
    for (size_t i = 0; i < COUNT(t); i++) {
        wheel_entry_init(&t[i].entry);
        set_in(&t[i], 20 + i * 13);
    }
    wheel_entry_init(&later.entry);
    set_in(&later, 30);
    later.wanted += 200; /* put off without telling the wheel */
    wheel_entry_init(&never.entry);
    set_in(&never, 50);
    wheel_unset(&w, &never.entry);
    wheel_unset(&w, &never.entry);
    wheel_entry_init(&far.entry);
    set_in(&far, 3600000);
    for (int tries = 0; w.count > 1 && tries < 500; tries++)
        CHECK(sleep_for(s, MILLISECONDS(20)) == OK, "slept");
    for (size_t i = 0; i < COUNT(t); i++)
        CHECK(t[i].fired >= t[i].wanted && t[i].fired < t[i].wanted + 3000, "%zu: %d ms late", i,
              (int)(t[i].fired - t[i].wanted));
    CHECK(later.fired >= later.wanted && early >= 1, "the one that was put off");
    CHECK(never.fired == 0 && far.fired == 0, "neither taken back nor far away");
    CHECK_INT(w.count, 1);
    wheel_unset(&w, &far.entry);
    wheel_close(&w, on_closed);
    while (!closed)
        CHECK(sleep_for(s, MILLISECONDS(5)) == OK, "slept");
}
