/* SPDX-License-Identifier: MIT */
/*
 * The runner: cmocka counts and prints, but the body of a test runs in a forked child, in a process group of its own.
 * A failed CHECK writes its sentence into a pipe and ends the child; the parent makes a cmocka failure of it.
 */
#include "test.h"

#include <errno.h>
#include <fnmatch.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0
#endif

/* What UBSan sees fails the test, as what AddressSanitizer sees does. */
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "halt_on_error=1:print_stacktrace=1";
}

enum { DEFAULT_LIMIT = 10, SLOW_FACTOR = 4, TESTS_MAX = 512 };

static test_case *first, **last = &first;
static int report_fd = -1;

/* cmocka puts handlers there that make no sense in a child; these are what stood before (a sanitizer's, or none). */
static const int crash_signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};
static struct sigaction crash_actions[COUNT(crash_signals)];

void test_register(test_case *t)
{
    *last = t;
    last = &t->next;
}

bool test_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
    return true;
#endif
#endif
    return RUNNING_ON_VALGRIND != 0;
}

void test_failed(const char *file, int line, const char *what, const char *format, ...)
{
    char text[2048];
    va_list args;
    int len = snprintf(text, sizeof text, "%s:%d: %s: ", file, line, what);

    if (len > (int)sizeof text / 2)
        len = (int)sizeof text / 2;
    va_start(args, format);
    vsnprintf(text + len, sizeof text - (size_t)len, format, args);
    va_end(args);
    if (write(report_fd, text, strlen(text)) < 0)
        perror("test report");
    _exit(1);
}

void test_same_int(const char *file, int line, const char *what, int64_t got, int64_t wanted)
{
    if (got != wanted)
        test_failed(file, line, what, "is %lld, not %lld", (long long)got, (long long)wanted);
}

void test_same_str(const char *file, int line, const char *what, const char *got, const char *wanted)
{
    if (got == wanted || (got != NULL && wanted != NULL && strcmp(got, wanted) == 0))
        return;
    test_failed(file, line, what, "is \"%s\", not \"%s\"", got != NULL ? got : "(null)",
                wanted != NULL ? wanted : "(null)");
}

static void dir_name(pid_t pid, char *out, size_t cap)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(out, cap, "%s/sluice-test-%d", tmp != NULL ? tmp : "/tmp", (int)pid);
}

static pid_t test_pid; /* of the process that the runner forked for this test */

const char *test_dir(void)
{
    static char path[256];

    dir_name(test_pid, path, sizeof path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        test_failed(__FILE__, __LINE__, "mkdir", "%s: %s", path, strerror(errno));
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_dir(pid_t pid)
{
    char path[256];

    dir_name(pid, path, sizeof path);
    if (access(path, F_OK) == 0)
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void restore_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < COUNT(crash_signals); i++)
        sigaction(crash_signals[i], &crash_actions[i], NULL);
}

static NORETURN void run_in_child(const test_case *t, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    test_pid = getpid();
    restore_signals();
    dup2(STDERR_FILENO, STDOUT_FILENO);
    t->fn();
    exit(0); /* not _exit: the leak check runs at exit */
}

int test_in_child(void (*fn)(void), char *output, size_t cap)
{
    int fds[2], status = 0;
    char rest[4096];
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    CHECK(pipe(fds) == 0, "pipe: %s", strerror(errno));
    pid = fork();
    CHECK(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        fn();
        _exit(0);
    }
    close(fds[1]);
    while (len < cap - 1 && (n = read(fds[0], output + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    output[len] = '\0';
    while (read(fds[0], rest, sizeof rest) > 0) /* who still writes is not ended by that */
        ;
    close(fds[0]);
    CHECK(waitpid(pid, &status, 0) == pid, "waitpid: %s", strerror(errno));
    return status;
}

/* Waits for the child; false when the time is over.  SIGCHLD is blocked, so that it can be waited for with a limit. */
static bool wait_for(pid_t pid, int seconds, int *status)
{
    struct timespec start, now, step = {.tv_nsec = 100000000};
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        if (waitpid(pid, status, WNOHANG) == pid)
            return true;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec > seconds)
            return false;
        sigtimedwait(&child, NULL, &step);
    }
}

static void run_one(void **state)
{
    const test_case *t = *state;
    int limit = (t->limit > 0 ? t->limit : DEFAULT_LIMIT) * (test_instrumented() ? SLOW_FACTOR : 1);
    int fds[2], status = 0;
    pid_t parent = getpid(), pid;
    static char text[4096];
    bool ended;
    ssize_t n;

    fflush(NULL);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        report_fd = fds[1];
        run_in_child(t, parent);
    }
    close(fds[1]);
    ended = wait_for(pid, limit, &status);
    kill(-pid, SIGKILL); /* whatever it left behind */
    kill(pid, SIGKILL);
    if (!ended)
        waitpid(pid, &status, 0);
    remove_dir(pid);
    n = ended ? read(fds[0], text, sizeof text - 1) : 0;
    close(fds[0]);
    text[n > 0 ? n : 0] = '\0';
    if (!ended)
        fail_msg("still running after %d seconds", limit);
    if (n > 0)
        fail_msg("%s", text);
    if (WIFSIGNALED(status))
        fail_msg("ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        fail_msg("exit status %d", WEXITSTATUS(status));
}

static bool chosen(const test_case *t, int argc, char **argv)
{
    bool any = false;

    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--only") != 0)
            continue;
        any = true;
        if (fnmatch(argv[++i], t->name, 0) == 0)
            return true;
    }
    return !any;
}

static int list_tests(void)
{
    for (const test_case *t = first; t != NULL; t = t->next)
        puts(t->name);
    return 0;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[TESTS_MAX];
    sigset_t child;
    size_t n = 0;

    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        return list_tests();
    for (test_case *t = first; t != NULL && n < TESTS_MAX; t = t->next)
        if (chosen(t, argc, argv))
            tests[n++] = (struct CMUnitTest){.name = t->name, .test_func = run_one, .initial_state = t};
    if (n == 0 || n == TESTS_MAX) {
        fprintf(stderr, "%s\n", n == 0 ? "no such test" : "too many tests for one program");
        return 2;
    }
    for (size_t i = 0; i < COUNT(crash_signals); i++)
        sigaction(crash_signals[i], NULL, &crash_actions[i]);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests(argv[0], tests, n, NULL, NULL);
}
