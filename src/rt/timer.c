/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of parked fibers: one binary heap and one libuv timer a loop.
 *
 * An entry stays where it is when its fiber is woken, because most fibers park again at once with the same deadline.
 * An entry that comes up too early is put where it belongs then.  So a park costs nothing here in the usual case.
 */
#include "base/mem.h"
#include "rt/rt_internal.h"

static void place(loop *l, size_t i, loop_timer t)
{
    l->timers[i] = t;
    t.f->timer = i;
}

static void sift_up(loop *l, size_t i, loop_timer t)
{
    while (i > 0 && l->timers[(i - 1) / 2].at > t.at) {
        place(l, i, l->timers[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(l, i, t);
}

static void sift_down(loop *l, size_t i, loop_timer t)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= l->timer_count)
            break;
        if (child + 1 < l->timer_count && l->timers[child + 1].at < l->timers[child].at)
            child++;
        if (l->timers[child].at >= t.at)
            break;
        place(l, i, l->timers[child]);
        i = child;
    }
    place(l, i, t);
}

void timer_set(loop *l, fiber *f)
{
    loop_timer t = {f->wake_at, f};

    if (f->timer != NO_TIMER) {
        if (l->timers[f->timer].at > t.at)
            sift_up(l, f->timer, t);
        return;
    }
    if (l->timer_count == l->timer_cap) {
        l->timer_cap = l->timer_cap == 0 ? 64 : l->timer_cap * 2;
        l->timers = mem_realloc(l->timers, l->timer_cap * sizeof *l->timers);
    }
    sift_up(l, l->timer_count++, t);
}

void timer_unset(loop *l, fiber *f)
{
    size_t i = f->timer;
    loop_timer moved;

    if (i == NO_TIMER)
        return;
    f->timer = NO_TIMER;
    moved = l->timers[--l->timer_count];
    if (moved.f == f)
        return;
    if (i > 0 && l->timers[(i - 1) / 2].at > moved.at)
        sift_up(l, i, moved);
    else
        sift_down(l, i, moved);
}

void timers_fire(loop *l)
{
    int64_t now = clock_mono();

    while (l->timer_count > 0 && l->timers[0].at <= now) {
        fiber *f = l->timers[0].f;

        if (f->state != FIBER_PARKED || f->wake_at == NO_LIMIT) {
            timer_unset(l, f);
        } else if (f->wake_at > now) {
            sift_down(l, 0, (loop_timer){f->wake_at, f});
        } else {
            timer_unset(l, f);
            fiber_unpark(f);
        }
    }
}

static void on_deadline(uv_timer_t *t)
{
    loop *l = t->data;

    l->timer_armed = NO_LIMIT;
    timers_fire(l);
}

void timers_arm(loop *l)
{
    int64_t first = l->timer_count > 0 ? l->timers[0].at : NO_LIMIT;
    uint64_t due, now = uv_now(&l->uv);

    if (first == l->timer_armed)
        return;
    l->timer_armed = first;
    if (first == NO_LIMIT) {
        uv_timer_stop(&l->deadline);
        return;
    }
    due = first <= 0 ? 0 : ((uint64_t)first + 999999) / 1000000; /* libuv counts the same clock in milliseconds */
    uv_timer_start(&l->deadline, on_deadline, due > now ? due - now : 0, 0);
}
