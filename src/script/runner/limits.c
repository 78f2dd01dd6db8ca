/* SPDX-License-Identifier: MIT */
/*
 * What a script's process may do: nothing but compute, and talk on the one socket that it has.
 *
 * The limits of memory are set when the VM is up, because the engine reserves gigabytes of address space that it never fills;
 * what counts is how much more it asks for.  Files are out of reach from limits_enclose() on: what libraries open lazily
 * (time zones, providers of libcrypto) must have been used before.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "script/runner/runner.h"

#define SLACK (48u << 20) /* stacks of the collector's threads, and what the allocator rounds up */

static uint64_t memory_limit = UINT64_MAX;
static long resident_at_start;

static void limit(int what, uint64_t soft, uint64_t hard)
{
    struct rlimit l = {.rlim_cur = soft, .rlim_max = hard};

    setrlimit((__rlimit_resource_t)what, &l);
}

/* For a server that runs as root: without capabilities its hard limits hold for us too. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};

    if (syscall(SYS_capset, &head, none) != 0)
        _exit(EXIT_NO_SANDBOX);
}

void limits_begin(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        _exit(EXIT_NO_SANDBOX);
    drop_capabilities();
    prctl(PR_SET_DUMPABLE, 0);
    limit(RLIMIT_CORE, 0, 0);
    close_range(3, ~0u, 0);
}

/* ---- running out of memory ---- */

static long resident(void)
{
    struct rusage used = {0};

    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
}

static uint64_t grown(void)
{
    return (uint64_t)(resident() - resident_at_start) << 10;
}

/* Whether memory is what was missing: much of it is in use, or so much address space that half of what was allowed is not to be had. */
static bool is_out_of_memory(void)
{
    void *half;

    if (memory_limit == UINT64_MAX)
        return false;
    if (grown() > memory_limit / 4)
        return true;
    half = mmap(NULL, memory_limit / 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (half == MAP_FAILED)
        return true;
    munmap(half, memory_limit / 2);
    return false;
}

/* The server sees no exit status, so a process that is about to die says why, unless it is in the middle of a frame.  The
 * engine crashes on purpose when it cannot go on without memory. */
static void on_crash(int number)
{
    if (number == SIGXCPU)
        link_last_words("{\"kind\":\"cpu\"}");
    else if (is_out_of_memory())
        link_last_words("{\"kind\":\"memory\",\"message\":\"Out of memory\"}");
    _exit(EXIT_DIED);
}

/* What the engine takes from the space that it has reserved is no new address space: resident memory is looked at now and then. */
static void on_look(int number)
{
    (void)number;
    if (memory_limit == UINT64_MAX || grown() <= memory_limit + SLACK)
        return;
    link_last_words("{\"kind\":\"memory\",\"message\":\"Out of memory\"}");
    _exit(EXIT_DIED);
}

static void look_at_memory(void)
{
    struct sigaction action = {.sa_handler = on_look, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct itimerval often = {{0, 50000}, {0, 50000}}; /* of CPU time */

    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &often, NULL);
}

static void catch_crashes(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGXCPU};
    static uint8_t stack[16384];
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};

    sigaltstack(&own, NULL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

/* Pages of address space in use. */
static uint64_t address_space(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f == NULL || fscanf(f, "%llu", &pages) != 1)
        _exit(EXIT_NO_SANDBOX);
    fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t space_at_start;

void limits_job(uint64_t memory, uint64_t cpu_seconds)
{
    struct rusage used = {0};
    uint64_t spent;

    getrusage(RUSAGE_SELF, &used);
    spent = (uint64_t)used.ru_utime.tv_sec + (uint64_t)used.ru_stime.tv_sec;
    memory_limit = memory;
    resident_at_start = used.ru_maxrss;
    limit(RLIMIT_AS, space_at_start + memory + SLACK, space_at_start + memory + SLACK);
    limit(RLIMIT_CPU, spent + cpu_seconds, spent + cpu_seconds + 1);
}

/* ---- system calls ---- */

/* What computing, threads of the VM and the socket need. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(mincore),
    SCMP_SYS(futex),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(close),
    SCMP_SYS(restart_syscall),
};

/* What libraries may try, and do well without. */
static const struct {
    int call, error;
} refused[] = {
    {SCMP_SYS(open), EACCES},         {SCMP_SYS(openat), EACCES},     {SCMP_SYS(access), EACCES},
    {SCMP_SYS(faccessat), EACCES},    {SCMP_SYS(stat), EACCES},       {SCMP_SYS(lstat), EACCES},
    {SCMP_SYS(newfstatat), EACCES},   {SCMP_SYS(statx), EACCES},      {SCMP_SYS(readlink), EACCES},
    {SCMP_SYS(fstat), EACCES},        {SCMP_SYS(lseek), EACCES},      {SCMP_SYS(fcntl), EACCES},
    {SCMP_SYS(ioctl), ENOTTY},        {SCMP_SYS(clone3), ENOSYS},     {SCMP_SYS(sched_setscheduler), EPERM},
    {SCMP_SYS(sched_setattr), EPERM}, {SCMP_SYS(setpriority), EPERM}, {SCMP_SYS(getpriority), EPERM},
    {SCMP_SYS(getcwd), EACCES},       {SCMP_SYS(pread64), EBADF},     {SCMP_SYS(readlinkat), EACCES},
    {SCMP_SYS(faccessat2), EACCES},
};

static int allow_some(scmp_filter_ctx c)
{
    const uint64_t thread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
    int bad = 0;

    /* Threads, not processes; no memory that can be executed; limits of our own, signals to ourselves. */
    bad |= seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
    bad |= seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0));
    bad |= seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(setrlimit), 0);
    bad |= seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    bad |= seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    bad |= seccomp_rule_add(c, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_NE, PR_SET_NAME));
    return bad;
}

static int add_rules(scmp_filter_ctx c)
{
    int bad = seccomp_attr_set(c, SCMP_FLTATR_CTL_TSYNC, 1); /* the VM has threads already */

    bad |= seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS); /* 32-bit calls of a 64-bit process */
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        bad |= seccomp_rule_add(c, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        bad |= seccomp_rule_add(c, SCMP_ACT_ERRNO((uint16_t)refused[i].error), refused[i].call, 0);
    return bad | allow_some(c);
}

static void enclose(void)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);

    if (c == NULL || add_rules(c) != 0 || seccomp_load(c) != 0) {
        fputs("sluice-script: this system has no seccomp filters\n", stderr);
        _exit(EXIT_NO_SANDBOX);
    }
    seccomp_release(c);
}

void limits_enclose(void)
{
    space_at_start = address_space();
    catch_crashes();
    look_at_memory();
    limit(RLIMIT_FSIZE, 0, 0);
    limit(RLIMIT_NOFILE, 3, 3);
    limit(RLIMIT_MEMLOCK, 0, 0);
    enclose();
}
