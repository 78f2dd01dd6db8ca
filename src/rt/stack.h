/* SPDX-License-Identifier: MIT */
/*
 * Stacks and contexts, for fiber.c only: a stack is memory with a guard below it, a context is a place to continue.
 */
#ifndef RT_STACK_H
#define RT_STACK_H

#include <setjmp.h>

#include "base/def.h"

/* What can be switched to: a fiber's stack, or the thread's own. */
typedef struct {
    sigjmp_buf env;
    char *sp;            /* about where it stopped; what lies below is free */
    void (*entry)(void); /* where it begins; NULL once it has */
    const void *bottom;  /* of the stack, for the sanitizers */
    size_t size;
    void *fake_stack; /* AddressSanitizer's */
    void *tsan;       /* ThreadSanitizer's */
} context;

/* Lies at the very top of its own memory, so that a parked fiber touches one page, not two. */
typedef struct stack {
    context at;
    struct stack *next; /* in the pool */
    char *map;
    unsigned valgrind_id;
} stack;

/* A stack whose context calls entry() again and again: each return stands for a fiber that ended.  NULL when the system
 * gives no more memory or mappings. */
stack *stack_new(void (*entry)(void));
void stack_free(stack *k);

/* Gives the pages below the point where it stopped back to the system; false when there is nothing to give. */
bool stack_trim(stack *k);

/* The same for the stack that runs now, below its caller's frame. */
void stack_trim_running(stack *k);

/* Makes `c` stand for the calling thread's own stack. */
void context_adopt(context *c);

/* Leaves `from` and continues `to`; returns when somebody continues `from`.  `last`: nothing on the stack of `from` is
 * needed any more. */
void context_switch(context *from, context *to, bool last);

/* Does `address` lie in the guard of `k`?  Safe in a signal handler. */
bool stack_guards(const stack *k, const void *address);

#endif
