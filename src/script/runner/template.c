/* SPDX-License-Identifier: MIT */
/*
 * The template: a process that has loaded and linked everything, but started no VM, and makes runners by forking.  That saves
 * a third of what a runner costs.
 *
 * A fork is safe because there is one thread: the engine starts its own with the VM, in the runner.  The server sends the
 * runner's socket with a byte; the answer is a byte with a pidfd of the runner, made before anybody can have reaped it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "script/runner/runner.h"

enum { SERVER = 0 };

static int receive_fd(void)
{
    int fd;

    if (fd_take(SERVER, &fd) != 1)
        _exit(EXIT_OVER); /* the server needs no more */
    if (fd < 0)
        _exit(EXIT_GONE);
    return fd;
}

static void send_fd(int fd)
{
    if (fd_pass(SERVER, fd) != 1)
        _exit(EXIT_GONE);
}

static void on_child(int number)
{
    (void)number; /* ends the waiting */
}

static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

/* Children that end meanwhile are seen to; signals come only here. */
static void wait_for_server(const sigset_t *none)
{
    struct pollfd server = {.fd = SERVER, .events = POLLIN};

    while (ppoll(&server, 1, NULL, none) < 0 && errno == EINTR)
        reap();
    reap();
}

/* In the runner: as if it had been started with this socket. */
static void become_runner(int socket, pid_t template, const sigset_t *none)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Errors go where output goes, to nowhere: the pipe is the template's, and nobody empties it for many runners. */
    if (getppid() != template || dup2(socket, SERVER) < 0 || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        _exit(EXIT_GONE);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, none, NULL);
}

void template_serve(void)
{
    struct sigaction child = {.sa_handler = on_child};
    pid_t self = getpid();
    sigset_t none, children;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    sigaction(SIGCHLD, &child, NULL);
    for (;;) {
        int socket, pidfd;
        pid_t pid;

        wait_for_server(&none);
        socket = receive_fd();
        pid = fork();
        if (pid == 0) {
            become_runner(socket, self, &none);
            return;
        }
        pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
        send_fd(pidfd);
        close(socket);
        if (pidfd >= 0)
            close(pidfd);
    }
}
