/* SPDX-License-Identifier: MIT */
/* Tests of rt/chan.c. */
#include "rt/chan.h"

#include <stdlib.h>

#include "rt/fiber.h"
#include "rt/sleep.h"
#include "test.h"

static int items[64];

typedef struct {
    chan *c;
    int from, n;
    err result;
    int done;
} job;

static err send_all(scope *s, void *arg)
{
    job *j = arg;

    for (int i = 0; i < j->n; i++, j->done++)
        TRY(j->result = chan_send(s, j->c, &items[j->from + i]));
    return OK;
}

static err recv_all(scope *s, void *arg)
{
    job *j = arg;
    void *item;

    for (int i = 0; i < j->n; i++, j->done++) {
        TRY(j->result = chan_recv(s, j->c, &item));
        j->from = (int)((int *)item - items);
    }
    return OK;
}

static int recv_index(scope *s, chan *c)
{
    void *item = NULL;

    CHECK_INT(chan_recv(s, c, &item), OK);
    return (int)((int *)item - items);
}

FIBER_TEST(items_come_out_in_the_order_they_went_in)
{
    scope *g = scope_child(s, NO_LIMIT);
    chan *c = chan_new(s->arena, 3);
    job j = {.c = c, .n = 20};

    scope_spawn(g, send_all, &j);
    for (int i = 0; i < 20; i++)
        CHECK_INT(recv_index(s, c), i);
    CHECK_INT(scope_join(g), OK);
    CHECK_INT(chan_len(c), 0);
    scope_close(g);
}

FIBER_TEST(senders_wait_while_it_is_full_and_are_served_in_order)
{
    scope *g = scope_child(s, NO_LIMIT);
    chan *c = chan_new(s->arena, 1);
    job jobs[3] = {{.c = c, .from = 0, .n = 2}, {.c = c, .from = 10, .n = 1}, {.c = c, .from = 20, .n = 1}};
    static const int order[] = {0, 1, 10, 20};

    for (size_t i = 0; i < COUNT(jobs); i++)
        scope_spawn(g, send_all, &jobs[i]);
    CHECK_INT(sleep_for(s, MILLISECONDS(2)), OK);
    CHECK_INT(jobs[0].done, 1);
    CHECK_INT(chan_len(c), 1);
    CHECK(!chan_try_send(c, &items[5]), "it is full");
    for (size_t i = 0; i < COUNT(order); i++)
        CHECK_INT(recv_index(s, c), order[i]);
    CHECK_INT(scope_join(g), OK);
    scope_close(g);
}

FIBER_TEST(receivers_are_served_in_order)
{
    scope *g = scope_child(s, NO_LIMIT);
    chan *c = chan_new(s->arena, 4);
    job jobs[3];

    for (size_t i = 0; i < COUNT(jobs); i++) {
        jobs[i] = (job){.c = c, .n = 1, .from = -1};
        scope_spawn(g, recv_all, &jobs[i]);
    }
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    for (int i = 0; i < 3; i++)
        CHECK(chan_try_send(c, &items[i]), "there is room");
    CHECK_INT(scope_join(g), OK);
    for (int i = 0; i < 3; i++)
        CHECK_INT(jobs[i].from, i);
    scope_close(g);
}

FIBER_TEST(send_that_times_out_leaves_the_channel_as_it_was)
{
    chan *c = chan_new(s->arena, 1);

    CHECK_INT(chan_send(s, c, &items[0]), OK);
    CHECK_INT(chan_send(scope_child(s, MILLISECONDS(5)), c, &items[1]), ERR_TIMEOUT);
    CHECK_INT(chan_len(c), 1);
    CHECK_INT(recv_index(s, c), 0);
    CHECK_INT(chan_len(c), 0);
}

FIBER_TEST(receive_that_times_out_takes_nothing_later)
{
    chan *c = chan_new(s->arena, 1);
    void *item = NULL;

    CHECK_INT(chan_recv(scope_child(s, MILLISECONDS(5)), c, &item), ERR_TIMEOUT);
    CHECK(item == NULL, "untouched on error");
    CHECK_INT(chan_send(s, c, &items[3]), OK);
    CHECK_INT(chan_len(c), 1);
}

FIBER_TEST(cancel_ends_a_parked_send_and_receive)
{
    scope *g = scope_child(s, NO_LIMIT);
    chan *full = chan_new(s->arena, 1), *empty = chan_new(s->arena, 1);
    job send = {.c = full, .n = 2}, recv = {.c = empty, .n = 1};

    scope_spawn(g, send_all, &send);
    scope_spawn(g, recv_all, &recv);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_cancel(g, NULL);
    CHECK_INT(scope_join(g), ERR_CANCELLED);
    CHECK_INT(send.result, ERR_CANCELLED);
    CHECK_INT(recv.result, ERR_CANCELLED);
    CHECK_INT(chan_len(full), 1);
    CHECK_INT(chan_send(g, empty, &items[0]), ERR_CANCELLED); /* even where there is room */
    CHECK_INT(chan_len(empty), 0);
    scope_close(g);
}

FIBER_TEST(an_item_handed_over_in_the_turn_of_a_cancel_is_not_lost)
{
    scope *g = scope_child(s, NO_LIMIT);
    chan *c = chan_new(s->arena, 1);
    job first = {.c = c, .n = 1, .from = -1};

    scope_spawn(g, recv_all, &first);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    scope_cancel(g, NULL);
    CHECK(chan_try_send(c, &items[7]), "the receiver has not left yet");
    CHECK_INT(scope_join(g), OK);
    CHECK_INT(first.result, OK);
    CHECK_INT(first.from, 7);
    CHECK_INT(chan_len(c), 0);
    scope_close(g);
}

FIBER_TEST(closing_lets_receivers_drain_and_refuses_senders)
{
    chan *c = chan_new(s->arena, 2);
    void *item;

    CHECK_INT(chan_send(s, c, &items[0]), OK);
    CHECK_INT(chan_send(s, c, &items[1]), OK);
    chan_close(c);
    chan_close(c);
    CHECK_INT(chan_send(s, c, &items[2]), ERR_CLOSED);
    CHECK(!chan_try_send(c, &items[2]), "closed");
    CHECK_INT(recv_index(s, c), 0);
    CHECK_INT(recv_index(s, c), 1);
    CHECK_INT(chan_recv(s, c, &item), ERR_CLOSED);
}

FIBER_TEST(closing_wakes_everybody_who_waits)
{
    scope *g = scope_child(s, NO_LIMIT);
    chan *full = chan_new(s->arena, 1), *empty = chan_new(s->arena, 1);
    job senders[2] = {{.c = full, .n = 2}, {.c = full, .n = 2}}, receiver = {.c = empty, .n = 1};

    scope_spawn(g, send_all, &senders[0]);
    scope_spawn(g, send_all, &senders[1]);
    scope_spawn(g, recv_all, &receiver);
    CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    chan_close(full);
    chan_close(empty);
    CHECK_INT(scope_join(g), ERR_CLOSED);
    CHECK_INT(senders[0].result, ERR_CLOSED);
    CHECK_INT(senders[1].result, ERR_CLOSED);
    CHECK_INT(receiver.result, ERR_CLOSED);
    CHECK_INT(chan_len(full), 1);
    scope_close(g);
}

/* Random sends, receives, deadlines: every item that was sent comes out once. */
static err random_sender(scope *s, void *arg)
{
    job *j = arg;

    for (int i = 0; i < j->n; i++) {
        scope *turn = scope_child(s, rand() % 3 == 0 ? MILLISECONDS(rand() % 3) : NO_LIMIT);

        if (chan_send(turn, j->c, &items[i % 64]) == OK)
            j->done++;
        scope_close(turn);
    }
    return OK;
}

static err random_receiver(scope *s, void *arg)
{
    job *j = arg;
    err e = OK;
    void *item;

    while (e != ERR_CLOSED) {
        scope *turn = scope_child(s, rand() % 3 == 0 ? MILLISECONDS(rand() % 2) : NO_LIMIT);

        if ((e = chan_recv(turn, j->c, &item)) == OK)
            j->done++;
        scope_close(turn);
    }
    return OK;
}

FIBER_TEST(nothing_is_lost_or_doubled_when_deadlines_race_with_transfers, .limit = 30)
{
    scope *senders = scope_child(s, NO_LIMIT), *receivers = scope_child(s, NO_LIMIT);
    chan *c = chan_new(s->arena, 2);
    job in[5], out[3];
    int sent = 0, received = 0;

    srand(7);
    for (size_t i = 0; i < COUNT(in); i++) {
        in[i] = (job){.c = c, .n = 300};
        scope_spawn(senders, random_sender, &in[i]);
    }
    for (size_t i = 0; i < COUNT(out); i++) {
        out[i] = (job){.c = c};
        scope_spawn(receivers, random_receiver, &out[i]);
    }
    CHECK_INT(scope_join(senders), OK);
    chan_close(c);
    CHECK_INT(scope_join(receivers), OK);
    for (size_t i = 0; i < COUNT(in); i++)
        sent += in[i].done;
    for (size_t i = 0; i < COUNT(out); i++)
        received += out[i].done;
    CHECK_INT(received, sent);
    CHECK(sent > 500, "%d sent", sent);
    scope_close(senders);
    scope_close(receivers);
}
