/* SPDX-License-Identifier: MIT */
/*
 * Says what happened when a fiber runs into the guard below its stack.  The handler needs a stack of its own; faults
 * elsewhere go to whoever handled them before (a sanitizer, or the system's default).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "rt/rt_internal.h"

enum { SIGNAL_STACK = 64 * 1024 };

static struct sigaction before;

static void say(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));

    (void)n;
}

static void on_fault(int sig, siginfo_t *info, void *machine)
{
    loop *l = loop_self();
    const fiber *f = l != NULL ? l->running : NULL;

    (void)machine;
    if (f != NULL && stack_guards(f->stack, info->si_addr)) {
        say("sluice: fiber stack overflow in ");
        say(f->scope->label != NULL ? f->scope->label : "a fiber");
        say("\n");
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    sigaction(sig, &before, NULL); /* the faulting instruction runs again */
}

static void install(void)
{
    struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigemptyset(&a.sa_mask);
    sigaction(SIGSEGV, &a, &before);
}

void guard_begin(stack_t *old)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    stack_t own = {.ss_sp = mem_alloc(SIGNAL_STACK), .ss_size = SIGNAL_STACK};

    pthread_once(&once, install);
    sigaltstack(&own, old);
}

void guard_end(const stack_t *old)
{
    stack_t own;

    sigaltstack(old, &own);
    free(own.ss_sp);
}
