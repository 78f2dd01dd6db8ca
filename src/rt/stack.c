/* SPDX-License-Identifier: MIT */
/*
 * Stacks and the switch between them; see stack.h.
 *
 * A context begins once by makecontext(), which costs a system call, and from then on is continued by siglongjmp()
 * without saved signal mask, which costs none.  A stack that returns to the pool keeps its context: only its first
 * fiber ever pays for it.
 *
 * The guard is installed inside the mapping where the kernel can (6.13 and later): a stack is then one mapping with its
 * neighbours.  Elsewhere it is a mapping of its own, and vm.max_map_count bounds the fibers to about 32,000.
 */
#undef _FORTIFY_SOURCE /* its longjmp() takes a jump to another stack for a mistake */
#define _FORTIFY_SOURCE 0

#include "rt/stack.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#define NOT_INSTRUMENTED __attribute__((noinline, no_sanitize("address")))
enum { STACK_SIZE = 512 * 1024 };
#else
#define NOT_INSTRUMENTED __attribute__((noinline))
enum { STACK_SIZE = 256 * 1024 };
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    PAGE = 4096,
    GUARD = 64 * 1024,  /* a frame must be larger than this to step over it */
    BELOW_FRAME = 1024, /* what context_switch() and sigsetjmp() use below the frame address */
    TOP = (sizeof(stack) + 63) / 64 * 64,
};

/* ---- what the tools want to know ---- */

static void told_start(context *from, const context *to, bool last)
{
#ifdef __SANITIZE_ADDRESS__
    if (last)
        from->fake_stack = NULL;
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->bottom, to->size);
#else
    (void)from;
    (void)to;
    (void)last;
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
}

static void told_finish(const context *now)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(now->fake_stack, NULL, NULL);
#else
    (void)now;
#endif
}

static void told_new(stack *k)
{
    k->valgrind_id = (unsigned)VALGRIND_STACK_REGISTER(k->map + GUARD, k);
#ifdef __SANITIZE_ADDRESS__
    __lsan_register_root_region(k->map + GUARD, STACK_SIZE);
#endif
#ifdef __SANITIZE_THREAD__
    k->at.tsan = __tsan_create_fiber(0);
#endif
}

static void told_gone(stack *k)
{
    VALGRIND_STACK_DEREGISTER(k->valgrind_id);
#ifdef __SANITIZE_ADDRESS__
    __lsan_unregister_root_region(k->map + GUARD, STACK_SIZE);
    ASAN_UNPOISON_MEMORY_REGION(k->map + GUARD, STACK_SIZE);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(k->at.tsan);
#endif
}

/* ---- contexts ---- */

static THREAD_LOCAL struct {
    const context *to;
    void (*entry)(void);
} beginning; /* how the first function of a stack learns whose it is */

NOT_INSTRUMENTED static void trampoline(void)
{
    void (*entry)(void) = beginning.entry;

    told_finish(beginning.to);
    for (;;)
        entry();
}

/* Apart from context_switch(), because a ucontext_t has a kilobyte. */
NOT_INSTRUMENTED static NORETURN void begin(context *to)
{
    ucontext_t first;

    if (getcontext(&first) != 0)
        mem_die("context", 0);
    first.uc_stack.ss_sp = (void *)to->bottom;
    first.uc_stack.ss_size = to->size;
    first.uc_link = NULL;
    makecontext(&first, trampoline, 0);
    beginning.to = to;
    beginning.entry = to->entry;
    to->entry = NULL;
    setcontext(&first);
    mem_die("context", 0);
}

NOT_INSTRUMENTED void context_switch(context *from, context *to, bool last)
{
    from->sp = __builtin_frame_address(0);
    if (sigsetjmp(from->env, 0) == 0) {
        told_start(from, to, last);
        if (to->entry != NULL)
            begin(to);
        siglongjmp(to->env, 1);
    }
    told_finish(from);
}

void context_adopt(context *c)
{
    *c = (context){0};
#ifdef __SANITIZE_ADDRESS__
    pthread_attr_t attr;
    void *low = NULL;

    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        mem_die("stack bounds", 0);
    pthread_attr_getstack(&attr, &low, &c->size);
    pthread_attr_destroy(&attr);
    c->bottom = low;
#endif
#ifdef __SANITIZE_THREAD__
    c->tsan = __tsan_get_current_fiber();
#endif
}

/* ---- stacks ---- */

static bool install_guard(char *map)
{
    if (madvise(map, GUARD, MADV_GUARD_INSTALL) == 0)
        return true;
    return mprotect(map, GUARD, PROT_NONE) == 0;
}

stack *stack_new(void (*entry)(void))
{
    size_t size = GUARD + STACK_SIZE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    stack *k;

    if (map == MAP_FAILED)
        return NULL;
    madvise(map, size, MADV_NOHUGEPAGE); /* neighbours may merge, and a huge page would undo all the thrift */
    if (!install_guard(map)) {
        munmap(map, size);
        return NULL;
    }
    k = (stack *)(void *)(map + size - TOP);
    k->map = map;
    k->at.bottom = map + GUARD;
    k->at.size = STACK_SIZE - TOP;
    k->at.entry = entry;
    told_new(k);
    return k;
}

void stack_free(stack *k)
{
    char *map = k->map;

    told_gone(k);
    munmap(map, GUARD + STACK_SIZE);
}

bool stack_trim(stack *k)
{
    char *low = k->map + GUARD;
    size_t unused;

    if (k->at.entry != NULL)
        return false;
    unused = (size_t)(k->at.sp - low - BELOW_FRAME) / PAGE * PAGE;
    return unused >= PAGE && madvise(low, unused, MADV_DONTNEED) == 0;
}

void stack_trim_running(stack *k)
{
    char *low = k->map + GUARD, *here = __builtin_frame_address(0);
    size_t unused;

    if (here < low + BELOW_FRAME || here > low + STACK_SIZE) /* a sanitizer keeps frames elsewhere */
        return;
    unused = (size_t)(here - low - BELOW_FRAME) / PAGE * PAGE;
    if (unused >= PAGE && madvise(low, unused, MADV_DONTNEED) != 0)
        return; /* it stays as it was: nothing is lost but memory */
}

bool stack_guards(const stack *k, const void *address)
{
    const char *p = address;

    return p >= k->map && p < k->map + GUARD;
}
