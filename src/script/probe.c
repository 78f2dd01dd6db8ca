/* SPDX-License-Identifier: MIT */
/*
 * Whether scripts can run on this machine: starts the runner and waits until it says that it is ready.  Without a loop, for
 * `sluice doctor`.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "script/internal.h"

enum { PROBE_MS = 15000 };

static bool spawn_runner(const char *path, int theirs, pid_t *pid)
{
    const char *argv[] = {path, NULL};
    posix_spawn_file_actions_t files;
    bool done;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, theirs, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", 1, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    done = posix_spawn(pid, path, &files, NULL, (char *const *)(uintptr_t)argv,
                       (char *const *)(uintptr_t)script_runner_env) == 0;
    posix_spawn_file_actions_destroy(&files);
    return done;
}

/* A first byte is enough: it is sent when everything is in place. */
static bool says_something(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t until = clock_mono() + MILLISECONDS(PROBE_MS);
    char byte;
    int n;

    do
        n = poll(&p, 1, (int)MAX_OF((until - clock_mono()) / MILLISECONDS(1), (int64_t)0));
    while (n < 0 && errno == EINTR);
    return n > 0 && recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}

bool script_available(const char **why)
{
    const char *path = script_runner(why);
    bool ready = false;
    int ends[2];
    pid_t pid;

    if (path == NULL)
        return false;
    *why = "the program sluice-script does not start: this system may forbid seccomp filters, or lack its libraries";
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    ready = spawn_runner(path, ends[0], &pid);
    close(ends[0]); /* so that its end is seen */
    if (ready) {
        ready = says_something(ends[1]);
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[1]);
    return ready;
}
