/* SPDX-License-Identifier: MIT */
/*
 * The unit tests' own small words, on top of cmocka.
 *
 *     TEST(a_sentence_that_stays_true) { CHECK(1 + 1 == 2, "sum of %d", 2); }
 *     FIBER_TEST(a_sentence_about_waiting, .limit = 30) { CHECK(sleep_for(s, MILLISECONDS(1)) == OK, "slept"); }
 *
 * A test registers itself.  Each runs in its own process, with a time limit (10 seconds unless it says otherwise), so a
 * hang or crash fails one test.  A FIBER_TEST runs in a fiber on a single loop started for it, with `scope *s`, the root
 * scope.  The first CHECK that fails ends the test, from whatever thread or fiber.
 *
 * A program takes `--only PATTERN` (shell pattern; may be repeated) and `--list`.  Standard output is TAP; what a test
 * prints there goes to standard error instead.
 */
#ifndef UNIT_TEST_H
#define UNIT_TEST_H

#include <stdint.h>
#include <string.h>

#include "base/def.h"

typedef struct scope scope;

typedef struct test_case {
    const char *name;
    void (*fn)(void);
    int limit; /* seconds; 0: the default */
    struct test_case *next;
} test_case;

void test_register(test_case *t);

#define TEST_REGISTERED(test_name, function, ...)                                                                      \
    static test_case test_name##_case = {.name = #test_name, .fn = function, __VA_ARGS__};                             \
    __attribute__((constructor)) static void test_name##_register(void)                                                \
    {                                                                                                                  \
        test_register(&test_name##_case);                                                                              \
    }

#define TEST(test_name, ...)                                                                                           \
    static void test_name(void);                                                                                       \
    TEST_REGISTERED(test_name, test_name, __VA_ARGS__)                                                                 \
    static void test_name(void)

#define FIBER_TEST(test_name, ...)                                                                                     \
    static void test_name(scope *s);                                                                                   \
    static void test_name##_on_a_loop(void)                                                                            \
    {                                                                                                                  \
        test_in_fiber(test_name);                                                                                      \
    }                                                                                                                  \
    TEST_REGISTERED(test_name, test_name##_on_a_loop, __VA_ARGS__)                                                     \
    static void test_name(scope *s)

#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            test_failed(__FILE__, __LINE__, #condition, __VA_ARGS__);                                                  \
    } while (0)

/* These say both values. */
#define CHECK_INT(got, wanted) test_same_int(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(wanted))
#define CHECK_STR(got, wanted) test_same_str(__FILE__, __LINE__, #got, (got), (wanted))

void test_failed(const char *file, int line, const char *what, const char *format, ...) NORETURN PRINTF(4, 5);
void test_same_int(const char *file, int line, const char *what, int64_t got, int64_t wanted);
void test_same_str(const char *file, int line, const char *what, const char *got,
                   const char *wanted); /* NULL allowed */

/* Runs body(root scope) in a fiber on a loop of its own and returns when the loop has ended. */
void test_in_fiber(void (*body)(scope *s));

/* Runs fn() in a child process, for what ends the process.  Its waitpid() status; what it wrote on standard error is in
 * `output`, NUL-terminated and cut at `cap`. */
int test_in_child(void (*fn)(void), char *output, size_t cap);

/* An empty directory for this test, removed after it. */
const char *test_dir(void);

/* True under a sanitizer or valgrind, where figures of time and memory mean nothing. */
bool test_instrumented(void);

#endif
