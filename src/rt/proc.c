/* SPDX-License-Identifier: MIT */
/*
 * Child processes; see proc.h.
 *
 * The end of a child is seen through a pidfd (where a sandbox forbids them: by looking now and then), and its group is
 * killed before it is reaped: until then nobody else can have got its number.  Pipes are read and written directly, without a buffer of ours: the pipe is the buffer.
 *
 * The libuv handles live in a block of their own, which is freed when the loop has let go of them.
 */
#include "rt/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd_pass.h"
#include "base/mem.h"
#include "rt/fiber.h"
#include "rt/loop.h"

enum { STDIN = 0, STDOUT = 1, STDERR = 2, CHILD = 3, DEFAULT_BUFFERED = 256 * 1024, LOOK_MS = 20 };

/* One descriptor that can be waited for: a pipe's end, or the child itself. */
typedef struct {
    uv_poll_t poll;
    int fd; /* -1: none, or closed */
    fiber *waiter;
    proc *owner;
} channel;

struct proc {
    channel ch[4];
    uv_timer_t look; /* without a pidfd */
    bool looking;
    list_link waiters;
    int pid;
    bool ended;
    bool adopted; /* it has no number for us, only its pidfd */
    bool in_background;
    int status;
    int handles; /* that the loop still holds */
    bool gone;   /* the scope has closed: freed with the last handle */
};

/* A fiber in proc_wait(). */
typedef struct {
    list_link link;
    fiber *waiter;
} waiting;

/* ---- descriptors ---- */

static void let_go(proc *p)
{
    if (--p->handles == 0 && p->gone)
        free(p);
}

static void on_closed(uv_handle_t *handle)
{
    channel *c = handle->data;

    let_go(c->owner);
}

static void on_look_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

static void wake_waiter(channel *c)
{
    if (c->waiter != NULL)
        fiber_wake(c->waiter);
}

/* Takes the descriptor over; closes it when the loop refuses it. */
static bool channel_open(proc *p, int index, int fd)
{
    channel *c = &p->ch[index];

    c->poll.data = c;
    if (uv_poll_init(loop_uv(loop_self()), &c->poll, fd) != 0) {
        close(fd);
        return false;
    }
    c->fd = fd;
    p->handles++;
    if (p->in_background)
        uv_unref((uv_handle_t *)&c->poll);
    return true;
}

static void channel_close(channel *c)
{
    if (c->fd < 0)
        return;
    uv_close((uv_handle_t *)&c->poll, on_closed);
    close(c->fd);
    c->fd = -1;
    wake_waiter(c);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status; /* the read or write that follows will say */
    (void)events;
    uv_poll_stop(poll);
    wake_waiter(poll->data);
}

/* Waits until `events` may be possible, the child has ended, or the channel was closed by somebody else. */
static err channel_wait(scope *s, channel *c, int events)
{
    err e;

    if (c->waiter != NULL)
        return fail(s, ERR_CONFLICT, "two fibers use one pipe of a child process");
    c->waiter = fiber_self();
    uv_poll_start(&c->poll, events, on_ready);
    e = fiber_park(s);
    if (c->fd >= 0)
        uv_poll_stop(&c->poll);
    c->waiter = NULL;
    return e;
}

/* ---- the end of the child ---- */

/* To the group; to the process alone when it is not ours. */
static void send_signal(proc *p, int sig)
{
    if (!p->adopted)
        kill(-p->pid, sig);
    else if (p->ch[CHILD].fd >= 0)
        syscall(SYS_pidfd_send_signal, p->ch[CHILD].fd, sig, NULL, 0);
}

static void reap(proc *p)
{
    int status = 0;
    pid_t got;

    p->ended = true;
    if (p->adopted)
        return;
    kill(-p->pid, SIGKILL); /* what it has left behind; itself it is a zombie by now */
    do
        got = waitpid(p->pid, &status, 0);
    while (got < 0 && errno == EINTR);
    p->status = got < 0 ? 255 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void stop_looking(proc *p)
{
    if (p->looking)
        uv_close((uv_handle_t *)&p->look, on_look_closed);
    p->looking = false;
}

static void child_ended(proc *p)
{
    reap(p);
    for (list_link *l = p->waiters.next; l != &p->waiters; l = l->next)
        fiber_wake(LIST_OF(l, waiting, link)->waiter);
    stop_looking(p);
    channel_close(&p->ch[CHILD]);
    channel_close(&p->ch[STDIN]);
    wake_waiter(&p->ch[STDOUT]); /* nothing more will come */
    wake_waiter(&p->ch[STDERR]);
}

static void on_child(uv_poll_t *poll, int status, int events)
{
    channel *c = poll->data;

    (void)status;
    (void)events;
    child_ended(c->owner);
}

static void on_look(uv_timer_t *timer)
{
    proc *p = timer->data;
    siginfo_t info = {0};

    if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0)
        child_ended(p);
}

/* Has child_ended() called when it has. */
static void watch_child(proc *p)
{
    int pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);

    if (pidfd >= 0 && channel_open(p, CHILD, pidfd)) {
        uv_poll_start(&p->ch[CHILD].poll, UV_READABLE, on_child);
        return;
    }
    uv_timer_init(loop_uv(loop_self()), &p->look);
    p->look.data = p;
    p->looking = true;
    p->handles++;
    uv_timer_start(&p->look, on_look, LOOK_MS, LOOK_MS);
}

static void wait_shielded(proc *p)
{
    waiting w = {.waiter = fiber_self()};

    list_append(&p->waiters, &w.link);
    while (!p->ended)
        fiber_park_shielded();
    list_remove(&w.link);
}

/* When the scope closes. */
static void finish(void *arg)
{
    proc *p = arg;

    if (!p->ended) {
        send_signal(p, SIGKILL);
        wait_shielded(p);
    }
    for (size_t i = 0; i < COUNT(p->ch); i++)
        channel_close(&p->ch[i]);
    p->gone = true;
    if (p->handles == 0)
        free(p);
}

/* ---- starting ---- */

typedef struct {
    int child[3], ours[3];
} pipes;

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close_one(&fds[i]);
}

static bool make_pipe(pipes *io, int stream, size_t size)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    io->child[stream] = ends[stream == STDIN ? 0 : 1];
    io->ours[stream] = ends[stream == STDIN ? 1 : 0];
    if (stream != STDIN)
        fcntl(io->ours[stream], F_SETPIPE_SZ, (int)MIN_OF(size, MIB(1))); /* else the system's default */
    return fcntl(io->ours[stream], F_SETFL, O_NONBLOCK) == 0;
}

/* Our end is held twice, so that one fiber can wait to read and another to write. */
static bool make_socket(pipes *io)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    io->child[STDIN] = ends[0];
    io->ours[STDIN] = ends[1];
    io->ours[STDOUT] = fcntl(ends[1], F_DUPFD_CLOEXEC, 0);
    io->child[STDOUT] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return io->ours[STDOUT] >= 0 && io->child[STDOUT] >= 0 && fcntl(io->ours[STDIN], F_SETFL, O_NONBLOCK) == 0;
}

static bool make_pipes(const proc_spec *spec, pipes *io)
{
    size_t size = spec->max_buffered > 0 ? spec->max_buffered : DEFAULT_BUFFERED;

    return (spec->socket ? make_socket(io) : make_pipe(io, STDIN, size) && make_pipe(io, STDOUT, size)) &&
           (spec->merge_stderr || make_pipe(io, STDERR, size));
}

/* The child begins with default signals, nothing open but its three streams, and a session of its own. */
static int spawn(const proc_spec *spec, const pipes *io, pid_t *pid)
{
    static const char *const nothing[] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all, none;
    int status;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawn_file_actions_init(&files);
    for (int i = STDIN; i <= STDERR; i++)
        posix_spawn_file_actions_adddup2(&files, io->child[i == STDERR && spec->merge_stderr ? STDOUT : i], i);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (spec->cwd != NULL)
        posix_spawn_file_actions_addchdir_np(&files, spec->cwd);
    status = posix_spawnp(pid, spec->argv[0], &files, &attr, (char *const *)(uintptr_t)spec->argv,
                          (char *const *)(uintptr_t)(spec->env != NULL ? spec->env : nothing));
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return status;
}

static err start_failed(scope *s, const proc_spec *spec, int reason)
{
    struct stat st;

    if (spec->cwd != NULL && (stat(spec->cwd, &st) != 0 || !S_ISDIR(st.st_mode)))
        return fail(s, ERR_IO, "cannot start %s: no directory %s", spec->argv[0], spec->cwd);
    if (reason == ENOENT || reason == ENOTDIR)
        return fail(s, ERR_NOT_FOUND, "no program %s", spec->argv[0]);
    return fail(s, ERR_IO, "cannot start %s: %s", spec->argv[0], strerror(reason));
}

static proc *proc_new(void)
{
    proc *p = mem_zalloc(1, sizeof *p);

    for (size_t i = 0; i < COUNT(p->ch); i++) {
        p->ch[i].fd = -1;
        p->ch[i].owner = p;
    }
    list_init(&p->waiters);
    return p;
}

/* From here on the child exists, and `finish` sees to its end. */
static err adopt(scope *s, proc *p, pipes *io)
{
    watch_child(p);
    scope_defer(s, finish, p);
    for (int i = STDIN; i <= STDERR; i++) {
        int fd = io->ours[i];

        io->ours[i] = -1;
        if (fd >= 0 && !channel_open(p, i, fd))
            return fail(s, ERR_IO, "cannot watch a pipe");
    }
    return OK;
}

err proc_start(scope *s, const proc_spec *spec, proc **out)
{
    pipes io = {{-1, -1, -1}, {-1, -1, -1}};
    pid_t pid = 0;
    proc *p;
    err e;
    int status;

    TRY(scope_check(s));
    if (!make_pipes(spec, &io)) {
        e = fail(s, ERR_IO, "cannot make a pipe: %s", strerror(errno));
        goto out;
    }
    if ((status = spawn(spec, &io, &pid)) != 0) {
        e = start_failed(s, spec, status);
        goto out;
    }
    p = proc_new();
    p->pid = pid;
    p->in_background = spec->in_background;
    if ((e = adopt(s, p, &io)) == OK)
        *out = p;
out:
    close_all(io.child, COUNT(io.child));
    close_all(io.ours, COUNT(io.ours));
    return e;
}

err proc_adopt(scope *s, int pidfd, int socket, proc **out)
{
    int again = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    proc *p = proc_new();

    p->adopted = p->in_background = true;
    if (!channel_open(p, CHILD, pidfd)) { /* closed: nobody can end it any more but its own parent */
        close_one(&socket);
        close_one(&again);
        free(p);
        return fail(s, ERR_IO, "cannot watch a process");
    }
    uv_poll_start(&p->ch[CHILD].poll, UV_READABLE, on_child);
    scope_defer(s, finish, p);
    if (again < 0 || fcntl(socket, F_SETFL, O_NONBLOCK) != 0) {
        close_one(&socket);
        close_one(&again);
        return fail(s, ERR_IO, "cannot take a socket over");
    }
    if (!channel_open(p, STDIN, socket)) {
        close_one(&again);
        return fail(s, ERR_IO, "cannot watch a socket");
    }
    if (!channel_open(p, STDOUT, again))
        return fail(s, ERR_IO, "cannot watch a socket");
    *out = p;
    return OK;
}

/* ---- using ---- */

err proc_read(scope *s, proc *p, int stream, void *bytes, size_t cap, size_t *len)
{
    channel *c = &p->ch[stream == STDERR ? STDERR : STDOUT];

    for (;;) {
        ssize_t n;

        TRY(scope_check(s));
        n = c->fd >= 0 ? read(c->fd, bytes, cap) : 0;
        if (n >= 0) {
            *len = (size_t)n;
            return OK;
        }
        if (errno == EINTR)
            continue;
        if (errno == ECONNRESET) { /* a socket: the child left without reading all */
            *len = 0;
            return OK;
        }
        if (errno != EAGAIN)
            return fail(s, ERR_IO, "reading from a child process: %s", strerror(errno));
        if (p->ended) { /* one that escaped its group may keep the pipe for ever */
            *len = 0;
            return OK;
        }
        TRY(channel_wait(s, c, UV_READABLE));
    }
}

err proc_write(scope *s, proc *p, const void *bytes, size_t len)
{
    channel *c = &p->ch[STDIN];
    const char *at = bytes;

    while (len > 0) {
        ssize_t n;

        TRY(scope_check(s));
        n = c->fd >= 0 ? write(c->fd, at, len) : -1;
        if (n >= 0) {
            at += n;
            len -= (size_t)n;
        } else if (c->fd < 0 || errno == EPIPE || errno == ECONNRESET) {
            return fail(s, ERR_CLOSED, "the child process reads no more");
        } else if (errno == EAGAIN) {
            TRY(channel_wait(s, c, UV_WRITABLE));
        } else if (errno != EINTR) {
            return fail(s, ERR_IO, "writing to a child process: %s", strerror(errno));
        }
    }
    return OK;
}

err proc_send_fd(scope *s, proc *p, int fd)
{
    channel *c = &p->ch[STDIN];

    for (;;) {
        TRY(scope_check(s));
        if (c->fd < 0)
            return fail(s, ERR_CLOSED, "the child process is gone");
        if (fd_pass(c->fd, fd) == 1)
            return OK;
        if (errno == EAGAIN)
            TRY(channel_wait(s, c, UV_WRITABLE));
        else if (errno != EINTR)
            return fail(s, ERR_CLOSED, "the child process takes no descriptor: %s", strerror(errno));
    }
}

err proc_receive_fd(scope *s, proc *p, int *fd)
{
    channel *c = &p->ch[STDOUT];

    for (;;) {
        ssize_t n;

        TRY(scope_check(s));
        n = c->fd >= 0 ? fd_take(c->fd, fd) : 0;
        if (n == 1 && *fd >= 0)
            return OK;
        if (n == 1)
            return fail(s, ERR_IO, "the child process gave no descriptor");
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return fail(s, ERR_CLOSED, "the child process is gone");
        if (errno == EAGAIN)
            TRY(channel_wait(s, c, UV_READABLE));
    }
}

void proc_close_stdin(proc *p)
{
    channel_close(&p->ch[STDIN]);
}

err proc_wait(scope *s, proc *p, int *status)
{
    waiting w = {.waiter = fiber_self()};
    err e = scope_check(s);

    list_append(&p->waiters, &w.link);
    while (e == OK && !p->ended)
        e = fiber_park(s);
    list_remove(&w.link);
    if (e == OK)
        *status = p->status;
    return e;
}

void proc_signal(proc *p, int sig)
{
    if (!p->ended)
        send_signal(p, sig);
}

int proc_pid(const proc *p)
{
    return p->pid;
}

bool proc_ended(const proc *p)
{
    return p->ended;
}
