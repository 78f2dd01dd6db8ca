/* SPDX-License-Identifier: MIT */
/* Tests of script/runner/limits.c, in processes that enclose themselves (enclosed.c). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/def.h"
#include "test.h"

enum { KILLED = 1000, DIED = 83 /* EXIT_DIED of the runner */ };

/* errno, 0 when it worked, or KILLED + signal. */
static int fate_of(const char *what)
{
    const char *program = getenv("ENCLOSED");
    int status = 0, socket = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t pid = fork();

    if (pid == 0) {
        dup2(socket, 7); /* inherited by mistake */
        execl(program, program, what, (char *)NULL);
        _exit(127);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid, "%s", what);
    close(socket);
    return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

#define ENCLOSED_OR_SKIP()                                                                                             \
    do {                                                                                                               \
        if (getenv("ENCLOSED") == NULL || *getenv("ENCLOSED") == '\0')                                                 \
            return;                                                                                                    \
    } while (0)

TEST(a_system_call_that_is_not_listed_ends_the_process)
{
    static const char *const calls[] = {
        "execve",
        "execveat",
        "clone",
        "unshare",
        "setns",
        "socket",
        "socketpair",
        "connect",
        "bind",
        "listen",
        "accept4",
        "kill",
        "tkill",
        "tgkill",
        "rt_sigqueueinfo",
        "pidfd_open",
        "ptrace",
        "pidfd_send_signal",
        "process_vm_readv",
        "process_vm_writev",
        "prlimit64",
        "openat2",
        "open_by_handle_at",
        "chdir",
        "chroot",
        "mkdirat",
        "unlinkat",
        "renameat2",
        "linkat",
        "symlinkat",
        "fchmodat",
        "fchownat",
        "mount",
        "umount2",
        "pivot_root",
        "fsopen",
        "memfd_create",
        "dup",
        "dup3",
        "pipe2",
        "eventfd2",
        "epoll_create1",
        "inotify_init1",
        "timerfd_create",
        "signalfd4",
        "userfaultfd",
        "io_uring_setup",
        "io_setup",
        "bpf",
        "perf_event_open",
        "seccomp",
        "keyctl",
        "add_key",
        "shmget",
        "msgget",
        "semget",
        "mq_open",
        "setuid",
        "setgid",
        "setresuid",
        "setgroups",
        "capset",
        "personality",
        "sched_setaffinity",
        "setitimer",
        "timer_create",
        "sethostname",
        "syslog",
        "kcmp",
        "reboot",
        "init_module",
        "kexec_load",
        "sendfile",
        "splice",
        "vmsplice",
        "pkey_mprotect",
        "move_pages",
        "remap_file_pages",
        "close_range",
    };

    ENCLOSED_OR_SKIP();
    for (size_t i = 0; i < COUNT(calls); i++) {
        char what[64];

        snprintf(what, sizeof what, "call %s", calls[i]);
        CHECK(fate_of(what) == KILLED + SIGSYS, "%s: %d", calls[i], fate_of(what));
    }
}

TEST(what_libraries_may_try_fails_and_does_no_harm)
{
    static const struct {
        const char *what;
        int error;
    } cases[] = {
        {"call openat", EACCES},
        {"call newfstatat", EACCES},
        {"call statx", EACCES},
        {"call readlinkat", EACCES},
        {"call faccessat", EACCES},
        {"call getcwd", EACCES},
        {"call ioctl", ENOTTY},
        {"call fcntl", EACCES},
        {"call pread64", EBADF},
        {"call setpriority", EPERM},
        {"call sched_setscheduler", EPERM},
        {"being traced", EINVAL},
    };

    ENCLOSED_OR_SKIP();
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(fate_of(cases[i].what) == cases[i].error, "%s: %d", cases[i].what, fate_of(cases[i].what));
}

TEST(no_process_and_no_code_can_be_made)
{
    ENCLOSED_OR_SKIP();
    CHECK_INT(fate_of("a process with shared memory"), KILLED + SIGSYS);
    CHECK_INT(fate_of("code in memory"), KILLED + SIGSYS);
    CHECK_INT(fate_of("memory that becomes code"), KILLED + SIGSYS);
    CHECK_INT(fate_of("a thread"), 0);
}

TEST(limits_hold_and_cannot_be_moved_up)
{
    ENCLOSED_OR_SKIP();
    CHECK_INT(fate_of("some memory"), 0);
    CHECK_INT(fate_of("much memory"), ENOMEM);
    CHECK_INT(fate_of("another limit of CPU time"), EPERM);
    CHECK_INT(fate_of("another limit of memory"), EPERM);
    CHECK_INT(fate_of("another limit of files"), EPERM);
    CHECK_INT(fate_of("an endless loop"), DIED);
}

TEST(descriptors_that_were_inherited_are_closed)
{
    ENCLOSED_OR_SKIP();
    CHECK_INT(fate_of("an inherited descriptor"), EBADF);
}
