/* SPDX-License-Identifier: MIT */
/*
 * Channels; see chan.h.  A ring of items and two queues of waiters.  Senders wait only while the ring is full, receivers
 * only while it is empty, and an item goes straight to the waiter who is first: nobody can overtake.
 */
#include "rt/chan.h"

#include "rt/fiber.h"

struct chan {
    void **ring;
    size_t cap, len, head;
    bool closed;
    list_link senders, receivers;
};

/* A fiber in chan_send() or chan_recv(), on its stack. */
typedef struct {
    list_link link;
    fiber *waiter;
    void *item;
    bool done; /* `result` and `item` are valid, and the entry is off its list */
    err result;
} turn;

chan *chan_new(arena *a, size_t cap)
{
    chan *c = arena_one(a, chan);

    c->cap = MAX_OF(cap, (size_t)1);
    c->ring = arena_array(a, void *, c->cap);
    list_init(&c->senders);
    list_init(&c->receivers);
    return c;
}

static void push(chan *c, void *item)
{
    c->ring[(c->head + c->len++) % c->cap] = item;
}

static void *pull(chan *c)
{
    void *item = c->ring[c->head];

    c->head = (c->head + 1) % c->cap;
    c->len--;
    return item;
}

static void finish(turn *t, err result)
{
    t->done = true;
    t->result = result;
    fiber_wake(t->waiter);
}

static turn *first_of(list_link *queue)
{
    list_link *l = list_take_first(queue);

    return l != NULL ? LIST_OF(l, turn, link) : NULL;
}

/* Waits in `queue` until somebody finishes the turn, or `s` ends. */
static err wait_turn(scope *s, list_link *queue, turn *t)
{
    err e = OK;

    t->waiter = fiber_self();
    list_append(queue, &t->link);
    while (!t->done && e == OK)
        e = fiber_park(s);
    if (t->done)
        return t->result;
    list_remove(&t->link);
    return e;
}

bool chan_try_send(chan *c, void *item)
{
    turn *receiver;

    if (c->closed || c->len == c->cap)
        return false;
    receiver = first_of(&c->receivers);
    if (receiver == NULL) {
        push(c, item);
        return true;
    }
    receiver->item = item;
    finish(receiver, OK);
    return true;
}

err chan_send(scope *s, chan *c, void *item)
{
    turn t = {.item = item};

    TRY(scope_check(s));
    if (c->closed)
        return ERR_CLOSED;
    return chan_try_send(c, item) ? OK : wait_turn(s, &c->senders, &t);
}

err chan_recv(scope *s, chan *c, void **item)
{
    turn t = {0};
    turn *sender;

    TRY(scope_check(s));
    if (c->len > 0) {
        *item = pull(c);
        if ((sender = first_of(&c->senders)) != NULL) {
            push(c, sender->item);
            finish(sender, OK);
        }
        return OK;
    }
    if (c->closed)
        return ERR_CLOSED;
    TRY(wait_turn(s, &c->receivers, &t));
    *item = t.item;
    return OK;
}

void chan_close(chan *c)
{
    turn *t;

    c->closed = true;
    while ((t = first_of(&c->senders)) != NULL)
        finish(t, ERR_CLOSED);
    while ((t = first_of(&c->receivers)) != NULL)
        finish(t, ERR_CLOSED);
}

size_t chan_len(const chan *c)
{
    return c->len;
}
