/* SPDX-License-Identifier: MIT */
/*
 * A process that encloses itself as the runner of scripts does (runner/limits.c) and then tries one thing, named by its argument.
 * Its exit status is 0 when that works, else the errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "script/runner/runner.h"

/* Of link.c, for crashes. */
void link_last_words(const char *json)
{
    (void)json;
}

static void *nothing(void *arg)
{
    return arg;
}

static long make_thread(void)
{
    pthread_t thread;
    int e = pthread_create(&thread, NULL, nothing, NULL);

    errno = e;
    return e == 0 ? pthread_join(thread, NULL) : -1;
}

static long take_memory(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? -1 : 0;
}

static long map(int protection)
{
    return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long protect(int protection)
{
    static _Alignas(4096) char page[4096];

    return mprotect(page, sizeof page, protection);
}

static long raise_own(int what)
{
    struct rlimit l;

    if (getrlimit((__rlimit_resource_t)what, &l) != 0)
        return -1;
    l.rlim_cur = l.rlim_max = l.rlim_max + 1;
    return setrlimit((__rlimit_resource_t)what, &l);
}

/* By number: what is tried is the kernel's interface, whatever the library makes of its own functions. */
#define CALL(name, ...)                                                                                                \
    {                                                                                                                  \
#name, SYS_##name,                                                                                             \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
static const struct {
    const char *name;
    long number;
    long args[4];
} calls[] = {
    CALL(execve, (long)"/bin/true"),
    CALL(execveat, -1, (long)"/bin/true"),
    CALL(clone, SIGCHLD),
    CALL(unshare, CLONE_NEWUSER),
    CALL(setns, 0),
    CALL(socket, AF_INET, SOCK_STREAM),
    CALL(socketpair, AF_UNIX, SOCK_STREAM),
    CALL(connect, 0),
    CALL(bind, 0),
    CALL(listen, 0),
    CALL(accept4, 0),
    CALL(kill, 1, 0),
    CALL(tkill, 1, 0),
    CALL(tgkill, 1, 1, 0),
    CALL(rt_sigqueueinfo, 1, SIGTERM),
    CALL(pidfd_open, 1),
    CALL(pidfd_send_signal, 0),
    CALL(process_vm_readv, 1),
    CALL(process_vm_writev, 1),
    CALL(ptrace, 0),
    CALL(prlimit64, 1, RLIMIT_CPU),
    CALL(openat, AT_FDCWD, (long)"/etc/passwd"),
    CALL(openat2, AT_FDCWD, (long)"/etc/passwd"),
    CALL(open_by_handle_at, 0),
    CALL(newfstatat, AT_FDCWD, (long)"/etc/passwd"),
    CALL(statx, AT_FDCWD, (long)"/etc/passwd"),
    CALL(readlinkat, AT_FDCWD, (long)"/proc/self/exe"),
    CALL(faccessat, AT_FDCWD, (long)"/etc/passwd"),
    CALL(getcwd),
    CALL(chdir, (long)"/"),
    CALL(chroot, (long)"/"),
    CALL(mkdirat, AT_FDCWD, (long)"/tmp/x"),
    CALL(unlinkat, AT_FDCWD, (long)"/tmp/x"),
    CALL(renameat2, AT_FDCWD),
    CALL(linkat, AT_FDCWD),
    CALL(symlinkat, (long)"x"),
    CALL(fchmodat, AT_FDCWD),
    CALL(fchownat, AT_FDCWD),
    CALL(mount, (long)"x"),
    CALL(umount2, (long)"/"),
    CALL(pivot_root, (long)"/"),
    CALL(fsopen, (long)"tmpfs"),
    CALL(memfd_create, (long)"x"),
    CALL(dup, 0),
    CALL(dup3, 0, 1),
    CALL(pipe2, 0),
    CALL(eventfd2, 0),
    CALL(epoll_create1, 0),
    CALL(inotify_init1, 0),
    CALL(timerfd_create, 0),
    CALL(signalfd4, -1),
    CALL(userfaultfd, 0),
    CALL(io_uring_setup, 1),
    CALL(io_setup, 1),
    CALL(bpf, 0),
    CALL(perf_event_open, 0),
    CALL(seccomp, 0),
    CALL(keyctl, 0),
    CALL(add_key, 0),
    CALL(shmget, 0),
    CALL(msgget, 0),
    CALL(semget, 0),
    CALL(mq_open, (long)"/x"),
    CALL(setuid, 0),
    CALL(setgid, 0),
    CALL(setresuid, 0),
    CALL(setgroups, 0),
    CALL(capset, 0),
    CALL(personality, 0),
    CALL(setpriority, 0, 0, -20),
    CALL(sched_setscheduler, 0, SCHED_FIFO),
    CALL(sched_setaffinity, 0),
    CALL(setitimer, ITIMER_PROF),
    CALL(timer_create, 0),
    CALL(sethostname, (long)"x"),
    CALL(syslog, 3),
    CALL(kcmp, 1, 1),
    CALL(reboot, 0),
    CALL(init_module, 0),
    CALL(kexec_load, 0),
    CALL(ioctl, 0, 0x5412 /* TIOCSTI */),
    CALL(fcntl, 0, F_GETFL),
    CALL(sendfile, 0),
    CALL(splice, 0),
    CALL(vmsplice, 0),
    CALL(pread64, 0),
    CALL(remap_file_pages, 0),
    CALL(pkey_mprotect, 0),
    CALL(move_pages, 1),
    CALL(close_range, 0, 0),
};

static long try_call(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, name) == 0)
            return syscall(calls[i].number, calls[i].args[0], calls[i].args[1], calls[i].args[2], calls[i].args[3]);
    abort();
}

static long try_it(const char *what)
{
    if (strncmp(what, "call ", 5) == 0)
        return try_call(what + 5);
    if (strcmp(what, "a process with shared memory") == 0)
        return syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL);
    if (strcmp(what, "code in memory") == 0)
        return map(PROT_READ | PROT_WRITE | PROT_EXEC);
    if (strcmp(what, "memory that becomes code") == 0)
        return protect(PROT_READ | PROT_EXEC);
    if (strcmp(what, "being traced") == 0)
        return prctl(PR_SET_DUMPABLE, 1);
    if (strcmp(what, "another limit of CPU time") == 0)
        return raise_own(RLIMIT_CPU);
    if (strcmp(what, "another limit of memory") == 0)
        return raise_own(RLIMIT_AS);
    if (strcmp(what, "another limit of files") == 0)
        return raise_own(RLIMIT_NOFILE);
    if (strcmp(what, "much memory") == 0)
        return take_memory(512 << 20);
    if (strcmp(what, "some memory") == 0)
        return take_memory(16 << 20);
    if (strcmp(what, "a thread") == 0)
        return make_thread();
    if (strcmp(what, "an inherited descriptor") == 0)
        return write(7, "x", 1) == 1 ? 0 : -1;
    if (strcmp(what, "an endless loop") == 0)
        for (volatile int i = 0;; i++)
            ;
    return -1;
}

int main(int argc, char **argv)
{
    limits_begin();
    limits_enclose();
    limits_job(64 << 20, 1);
    errno = 0;
    _exit(argc > 1 && try_it(argv[1]) >= 0 ? 0 : errno);
}
