/* SPDX-License-Identifier: MIT */
/* Tests of rt/proc.c, with the system's own small programs. */
#include "rt/proc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/fiber.h"
#include "rt/sleep.h"
#include "test.h"

static const char *const path_env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};

#define SHELL(script) ((proc_spec){.argv = (const char *const[]){"sh", "-c", (script), NULL}, .env = path_env})

static proc_result run(scope *s, proc_spec spec, const char *input)
{
    proc_result r = {0};

    CHECK(proc_run(s, &spec, str_of(input), MIB(4), &r) == OK, "%s", s->failure.text);
    return r;
}

static bool alive(int pid)
{
    return kill(pid, 0) == 0 || errno != ESRCH;
}

static void check_no_children(void)
{
    int status;
    pid_t got = waitpid(-1, &status, WNOHANG);

    CHECK(got == -1 && errno == ECHILD, "waitpid: %d", (int)got);
}

FIBER_TEST(run_collects_both_outputs_and_the_status)
{
    proc_result r = run(s, SHELL("cat; echo oops >&2; exit 3"), "hello");

    CHECK_INT(r.status, 3);
    CHECK_STR(buf_str(r.out), "hello");
    CHECK_STR(buf_str(r.err), "oops\n");
    CHECK(!r.truncated, "all of it");
    check_no_children();
}

FIBER_TEST(merged_stderr_comes_in_order_with_stdout)
{
    proc_spec spec = SHELL("echo a; echo b >&2; echo c");
    proc_result r;

    spec.merge_stderr = true;
    r = run(s, spec, "");
    CHECK_STR(buf_str(r.out), "a\nb\nc\n");
    CHECK(r.err == NULL, "one stream");
}

FIBER_TEST(a_missing_program_is_not_found)
{
    static const char *const argv[] = {"there-is-no-such-program", NULL};
    proc *p;

    CHECK_INT(proc_start(s, &(proc_spec){.argv = argv}, &p), ERR_NOT_FOUND);
    CHECK_STR(scope_failure(s, ERR_NOT_FOUND).text, "no program there-is-no-such-program");
    check_no_children();
}

FIBER_TEST(a_program_that_cannot_run_or_a_missing_directory_is_an_io_error)
{
    static const char *const data[] = {"/etc/passwd", NULL}, *const good[] = {"true", NULL};
    proc *p;

    CHECK_INT(proc_start(s, &(proc_spec){.argv = data}, &p), ERR_IO);
    CHECK_INT(proc_start(s, &(proc_spec){.argv = good, .cwd = "/no/such/directory"}, &p), ERR_IO);
    check_no_children();
}

FIBER_TEST(the_child_gets_only_the_environment_and_directory_it_was_given)
{
    static const char *const argv[] = {"env", NULL};
    proc_spec spec = SHELL("pwd");

    CHECK_STR(buf_str(run(s, (proc_spec){.argv = argv}, "").out), "");
    spec.cwd = "/usr";
    CHECK_STR(buf_str(run(s, spec, "").out), "/usr\n");
}

FIBER_TEST(the_child_inherits_no_descriptor_and_no_ignored_signal)
{
    int fd = dup(STDERR_FILENO); /* not close-on-exec */
    const char *out = buf_str(run(s, SHELL("ls /proc/self/fd | tr '\\n' ' '; grep SigIgn /proc/self/status"), "").out);
    const char *ignored = strstr(out, "SigIgn:");

    CHECK(fd > 2, "dup");
    CHECK(cstr_starts(out, "0 1 2 3 SigIgn:"), "%s", out);                     /* 3 is the directory that ls reads */
    CHECK((strtoull(ignored + 7, NULL, 16) & 0x7fffffff) == 0, "%s", ignored); /* 32 and 33 are libc's own */
    close(fd);
}

FIBER_TEST(a_signal_gives_128_plus_its_number)
{
    CHECK_INT(run(s, SHELL("kill -TERM $$"), "").status, 128 + SIGTERM);
    CHECK_INT(run(s, SHELL("kill -KILL $$"), "").status, 128 + SIGKILL);
}

FIBER_TEST(input_larger_than_a_pipe_goes_through_and_comes_back)
{
    size_t len = MIB(3);
    char *big = mem_alloc(len + 1);
    proc_result r;

    for (size_t i = 0; i < len; i++)
        big[i] = (char)('a' + i % 26);
    big[len] = '\0';
    r = run(s, SHELL("cat"), big);
    CHECK_INT(r.out->len, len);
    CHECK(memcmp(r.out->data, big, len) == 0, "the same bytes");
    CHECK_INT(run(s, SHELL("exec <&-; echo done"), big).status, 0); /* input that nobody reads is no error */
    free(big);
}

FIBER_TEST(output_past_the_limit_is_dropped_but_the_child_goes_on)
{
    proc_spec spec = SHELL("head -c 1000000 /dev/zero; echo tail >&2");
    proc_result r;

    CHECK_INT(proc_run(s, &spec, STR(""), 1000, &r), OK);
    CHECK_INT(r.out->len, 1000);
    CHECK(r.truncated, "and said so");
    CHECK_STR(buf_str(r.err), "tail\n");
    CHECK_INT(r.status, 0);
}

FIBER_TEST(a_child_that_nobody_reads_waits)
{
    proc_spec spec = SHELL("head -c 10000000 /dev/zero");
    proc *p;
    size_t total = 0, len = 1;
    char *bytes = arena_alloc(s->arena, 65536);
    scope *c = scope_child(s, NO_LIMIT);

    spec.max_buffered = 65536;
    CHECK_INT(proc_start(c, &spec, &p), OK);
    CHECK_INT(sleep_for(s, MILLISECONDS(50)), OK);
    CHECK(!proc_ended(p), "its pipe is full");
    for (; len > 0; total += len)
        CHECK_INT(proc_read(s, p, 1, bytes, 65536, &len), OK);
    CHECK_INT(total, 10000000);
    scope_close(c);
}

/* What a child prints while it still runs. */
static int read_number(scope *s, proc *p)
{
    char line[64] = "";
    size_t len;

    CHECK_INT(proc_read(s, p, 1, line, sizeof line - 1, &len), OK);
    return atoi(line); /* a test may */
}

FIBER_TEST(closing_the_scope_kills_the_whole_group)
{
    proc_spec spec = SHELL("sh -c 'trap \"\" TERM; echo $$; sleep 1000' & wait");
    scope *c = scope_child(s, NO_LIMIT);
    int grandchild, child;
    proc *p;

    CHECK_INT(proc_start(c, &spec, &p), OK);
    child = proc_pid(p);
    grandchild = read_number(s, p);
    CHECK(grandchild > 0 && grandchild != child, "%d and %d", child, grandchild);
    CHECK(alive(child) && alive(grandchild), "both run");
    scope_close(c);
    CHECK(!alive(child), "the child is gone, not a zombie");
    for (int i = 0; i < 200 && alive(grandchild); i++) /* an orphan is reaped by init, or nobody in a container */
        CHECK_INT(sleep_for(s, MILLISECONDS(5)), OK);
    check_no_children();
}

FIBER_TEST(what_a_child_leaves_in_its_group_ends_with_it)
{
    int64_t began = clock_mono();
    proc_result r = run(s, SHELL("sleep 1000 & echo here"), "");

    CHECK_STR(buf_str(r.out), "here\n");
    CHECK(clock_mono() - began < SECONDS(5), "nobody waited for the sleeper");
}

FIBER_TEST(one_that_escapes_its_group_cannot_hold_up_a_run)
{
    static const char script[] = "setsid sleep 3 & echo here";
    int64_t began = clock_mono();

    CHECK_STR(buf_str(run(s, SHELL(script), "").out), "here\n");
    CHECK(clock_mono() - began < SECONDS(2), "nobody waited for the sleeper");
}

FIBER_TEST(a_deadline_kills_the_child_of_a_run)
{
    proc_spec spec = SHELL("echo started; sleep 1000");
    scope *c = scope_child(s, MILLISECONDS(100));
    int64_t began = clock_mono();
    proc_result r;

    CHECK_INT(proc_run(c, &spec, STR(""), 100, &r), ERR_TIMEOUT);
    CHECK(clock_mono() - began < SECONDS(5), "soon");
    check_no_children();
    scope_close(c);
}

typedef struct {
    proc *p;
    err read, write, wait;
} parked;

static err read_it(scope *s, void *arg)
{
    parked *k = arg;
    char byte;
    size_t len;

    return k->read = proc_read(s, k->p, 1, &byte, 1, &len);
}

static err write_it(scope *s, void *arg)
{
    parked *k = arg;
    static const char zeros[MIB(1)];

    return k->write = proc_write(s, k->p, zeros, sizeof zeros);
}

static err wait_it(scope *s, void *arg)
{
    parked *k = arg;
    int status;

    return k->wait = proc_wait(s, k->p, &status);
}

FIBER_TEST(cancel_ends_parked_reads_writes_and_waits_and_the_child_stays_usable)
{
    proc_spec spec = SHELL("read go; cat >/dev/null; echo bye");
    scope *c = scope_child(s, NO_LIMIT), *g = scope_child(s, NO_LIMIT);
    parked k = {0};
    char bytes[16] = "";
    size_t len;
    int status;

    CHECK_INT(proc_start(c, &spec, &k.p), OK);
    proc_signal(k.p, SIGSTOP);
    scope_spawn(g, read_it, &k);
    scope_spawn(g, write_it, &k);
    scope_spawn(g, wait_it, &k);
    CHECK_INT(sleep_for(s, MILLISECONDS(30)), OK);
    scope_cancel(g, NULL);
    CHECK_INT(scope_join(g), ERR_CANCELLED);
    CHECK_INT(k.read, ERR_CANCELLED);
    CHECK_INT(k.write, ERR_CANCELLED);
    CHECK_INT(k.wait, ERR_CANCELLED);
    proc_signal(k.p, SIGCONT);
    CHECK_INT(proc_write(s, k.p, "\n", 1), OK);
    proc_close_stdin(k.p);
    proc_close_stdin(k.p);
    CHECK_INT(proc_read(s, k.p, 1, bytes, sizeof bytes - 1, &len), OK);
    CHECK_STR(bytes, "bye\n");
    CHECK_INT(proc_wait(s, k.p, &status), OK);
    CHECK_INT(status, 0);
    proc_signal(k.p, SIGTERM); /* harmless now */
    scope_close(g);
    scope_close(c);
}

FIBER_TEST(deadlines_end_parked_reads_writes_and_waits)
{
    proc_spec spec = SHELL("sleep 1000");
    scope *c = scope_child(s, NO_LIMIT), *g = scope_child(s, MILLISECONDS(20));
    parked k = {0};

    CHECK_INT(proc_start(c, &spec, &k.p), OK);
    scope_spawn(g, read_it, &k);
    scope_spawn(g, write_it, &k);
    scope_spawn(g, wait_it, &k);
    CHECK_INT(scope_join(g), ERR_TIMEOUT);
    CHECK(k.read == ERR_TIMEOUT && k.write == ERR_TIMEOUT && k.wait == ERR_TIMEOUT, "all of them");
    scope_close(g);
    scope_close(c);
}

FIBER_TEST(writing_to_a_child_that_closed_its_input_says_closed)
{
    proc_spec spec = SHELL("exec <&-; echo closed; sleep 1000");
    scope *c = scope_child(s, NO_LIMIT);
    char bytes[16];
    size_t len;
    proc *p;

    CHECK_INT(proc_start(c, &spec, &p), OK);
    CHECK_INT(proc_read(s, p, 1, bytes, sizeof bytes, &len), OK);
    CHECK_INT(proc_write(s, p, "x", 1), ERR_CLOSED);
    scope_close(c);
}

static err run_one(scope *s, void *arg)
{
    proc_spec spec = SHELL("cat");
    proc_result r;

    TRY(proc_run(s, &spec, STR("x"), 10, &r));
    *(int *)arg += r.status == 0 && r.out->len == 1;
    return OK;
}

FIBER_TEST(many_children_at_once_leave_nothing_behind, .limit = 30)
{
    scope *g = scope_child(s, NO_LIMIT);
    int good = 0;

    for (int i = 0; i < 40; i++)
        scope_spawn(g, run_one, &good);
    CHECK_INT(scope_join(g), OK);
    CHECK_INT(good, 40);
    scope_close(g);
    check_no_children();
}

FIBER_TEST(a_socket_child_is_read_and_written_at_once_and_its_output_is_dropped)
{
    proc_spec spec = SHELL("echo dropped; read line <&0; echo got $line >&0; cat <&0 >&0");
    char bytes[64];
    size_t len, have = 0;
    proc *p;

    spec.socket = spec.merge_stderr = true;
    CHECK(proc_start(s, &spec, &p) == OK, "%s", s->failure.text);
    CHECK(proc_write(s, p, "one\ntwo\n", 8) == OK, "written");
    while (have < 12) {
        CHECK(proc_read(s, p, 1, bytes + have, sizeof bytes - 1 - have, &len) == OK && len > 0, "read");
        have += len;
    }
    bytes[have] = '\0';
    CHECK_STR(bytes, "got one\ntwo\n");
    proc_signal(p, SIGKILL);
    CHECK(proc_read(s, p, 1, bytes, sizeof bytes, &len) == OK && len == 0, "the end is seen");
}

/* ---- processes of somebody else, and descriptors ---- */

/* The child of the test: sends each descriptor that it gets back, after writing to it; ends at a byte without one. */
static NORETURN void send_back(int socket)
{
    for (;;) {
        char byte, room[CMSG_SPACE(sizeof(int))] = {0};
        struct iovec part = {&byte, 1};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
        int fd;

        if (recvmsg(socket, &m, 0) != 1 || CMSG_FIRSTHDR(&m) == NULL)
            _exit(0);
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
        if (write(fd, "seen", 4) != 4 || sendmsg(socket, &m, MSG_NOSIGNAL) != 1)
            _exit(1);
        close(fd);
        if (send(socket, "x", 1, MSG_NOSIGNAL) != 1) /* and one without */
            _exit(1);
    }
}

static proc *adopt_child(scope *s, pid_t *pid)
{
    int ends[2];
    proc *p;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a socket");
    *pid = fork();
    if (*pid == 0) {
        close(ends[1]);
        send_back(ends[0]);
    }
    close(ends[0]);
    CHECK(proc_adopt(s, (int)syscall(SYS_pidfd_open, *pid, 0), ends[1], &p) == OK, "%s", scope_failure(s, ERR_IO).text);
    return p;
}

static err receive_it(scope *s, void *p)
{
    int fd;

    return proc_receive_fd(s, p, &fd);
}

/* Descriptors that nobody takes: until the socket holds no more. */
static err send_many(scope *s, void *p)
{
    err e;

    while ((e = proc_send_fd(s, p, STDERR_FILENO)) == OK)
        ;
    return e;
}

FIBER_TEST(cancel_ends_parked_sends_and_receives_of_descriptors)
{
    scope *own = scope_child(s, NO_LIMIT), *receive = scope_child(s, NO_LIMIT), *send = scope_child(s, NO_LIMIT);
    pid_t pid;
    proc *p = adopt_child(own, &pid);

    proc_signal(p, SIGSTOP);
    scope_spawn(receive, receive_it, p);
    scope_spawn(send, send_many, p);
    CHECK_INT(sleep_for(s, MILLISECONDS(50)), OK);
    scope_cancel(receive, NULL);
    scope_cancel(send, NULL);
    CHECK_INT(scope_join(receive), ERR_CANCELLED);
    CHECK_INT(scope_join(send), ERR_CANCELLED);
    scope_close(send);
    scope_close(receive);
    scope_close(own);
    CHECK(waitpid(pid, NULL, 0) == pid, "it was killed with its scope");
}

FIBER_TEST(descriptors_go_to_a_process_and_come_back)
{
    scope *own = scope_child(s, NO_LIMIT);
    int tube[2], back = -1;
    char text[5] = "";
    pid_t pid;
    proc *p = adopt_child(own, &pid);

    CHECK(pipe(tube) == 0 && proc_send_fd(s, p, tube[1]) == OK, "sent");
    CHECK(proc_receive_fd(s, p, &back) == OK && back >= 0 && back != tube[1], "another number for it");
    CHECK(write(back, "!", 1) == 1 && read(tube[0], text, 5) == 5 && memcmp(text, "seen!", 5) == 0, "the same pipe");
    CHECK(proc_receive_fd(s, p, &back) == ERR_IO, "a byte alone");
    CHECK(proc_receive_fd(scope_child(s, MILLISECONDS(20)), p, &back) == ERR_TIMEOUT, "nothing more comes");
    scope_close(own);
    CHECK(waitpid(pid, NULL, 0) == pid, "it was killed with its scope");
}

FIBER_TEST(the_end_of_an_adopted_process_is_seen)
{
    int status = -1, fd;
    pid_t pid;
    proc *p = adopt_child(s, &pid);

    proc_signal(p, SIGKILL);
    CHECK(proc_wait(s, p, &status) == OK && proc_ended(p), "ended");
    CHECK_INT(status, 0);
    CHECK(proc_send_fd(s, p, 0) == ERR_CLOSED && proc_receive_fd(s, p, &fd) == ERR_CLOSED, "closed");
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "its parent learns how");
}
