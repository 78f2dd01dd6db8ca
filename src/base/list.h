/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked lists.  A `link` sits in the object; the head is a link that points to itself when empty.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/def.h"

/* Entries on the stack of a parked fiber are usual here; gcc 12 takes them for pointers that will dangle. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#endif

typedef struct list_link {
    struct list_link *next, *prev;
} list_link;

static inline void list_init(list_link *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const list_link *head)
{
    return head->next == head;
}

static inline void list_append(list_link *head, list_link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

/* Leaves `l` linked to itself, so that removing twice is harmless. */
static inline void list_remove(list_link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

static inline list_link *list_take_first(list_link *head)
{
    list_link *l = head->next;

    if (l == head)
        return NULL;
    list_remove(l);
    return l;
}

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#pragma GCC diagnostic pop
#endif

#define LIST_OF(l, type, member) CONTAINER_OF(l, type, member)

#endif
