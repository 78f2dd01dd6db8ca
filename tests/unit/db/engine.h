/* SPDX-License-Identifier: MIT */
/*
 * Tests that run once on each database engine, each on an empty database with the migrations applied.
 *
 *     ENGINE_TEST(a_sentence) { CHECK(db_exec(s, …) == OK, "…"); }     → a_sentence_on_sqlite, a_sentence_on_postgres
 *
 * PostgreSQL is started by the test program from the installed package, on a socket in a directory of its own, and goes with
 * the program.  SLUICE_TEST_POSTGRES names a running server instead (an address of a role that may create databases).
 * Without either the PostgreSQL half is left out, and a line says so.
 */
#ifndef UNIT_DB_ENGINE_H
#define UNIT_DB_ENGINE_H

#include "db/db.h"
#include "test.h"

bool engine_has_postgres(void);

/* The address of an empty database for this test. */
const char *engine_fresh_url(const char *engine);
const char *engine_url(void); /* of the one made last */
bool engine_is(const char *engine);

/* Opens engine_url() or fails the test. */
db *engine_open(void);

/* The body as main fiber of each of `loops` loops, with the database open. */
void engine_test(const char *engine, size_t loops, void (*body)(scope *s));

void engine_register_postgres(test_case *t);

#define ENGINE_TEST_LOOPS(test_name, loops, ...)                                                                       \
    static void test_name(scope *s);                                                                                   \
    static void test_name##_with_sqlite(void)                                                                          \
    {                                                                                                                  \
        engine_test("sqlite", loops, test_name);                                                                       \
    }                                                                                                                  \
    static void test_name##_with_postgres(void)                                                                        \
    {                                                                                                                  \
        engine_test("postgres", loops, test_name);                                                                     \
    }                                                                                                                  \
    static test_case test_name##_on_sqlite = {                                                                         \
        .name = #test_name "_on_sqlite", .fn = test_name##_with_sqlite, __VA_ARGS__};                                  \
    static test_case test_name##_on_postgres = {                                                                       \
        .name = #test_name "_on_postgres", .fn = test_name##_with_postgres, __VA_ARGS__};                              \
    __attribute__((constructor)) static void test_name##_register(void)                                                \
    {                                                                                                                  \
        test_register(&test_name##_on_sqlite);                                                                         \
        engine_register_postgres(&test_name##_on_postgres);                                                            \
    }                                                                                                                  \
    static void test_name(scope *s)

#define ENGINE_TEST(test_name, ...) ENGINE_TEST_LOOPS(test_name, 1, .limit = 30, ##__VA_ARGS__)

/* A query that must work, with text arguments only formatted in: for looking at what is there. */
int64_t engine_int(scope *s, const char *sql);
const char *engine_text(scope *s, const char *sql);

#endif
