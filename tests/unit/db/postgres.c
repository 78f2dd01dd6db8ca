/* SPDX-License-Identifier: MIT */
/* Tests of what only PostgreSQL has: connections that go away, deadlocks, a bounded pool. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "engine.h"
#include "rt/loop.h"
#include "rt/sleep.h"

#ifdef HAVE_POSTGRES
#include <libpq-fe.h>

/* Once for all tests, which are processes of their own. */
__attribute__((constructor)) static void start_server(void)
{
    engine_has_postgres();
}

static void make_table(scope *s)
{
    CHECK_INT(db_exec(s, "CREATE TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY, size BIGINT)", DB_NO_ARGS, NULL), OK);
    CHECK_INT(db_exec(s, "INSERT INTO t VALUES (1, 0), (2, 0)", DB_NO_ARGS, NULL), OK);
}

#define OURS " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

static int64_t ask(PGconn *pq, const char *sql)
{
    PGresult *r = PQexec(pq, sql);
    int64_t n = PQresultStatus(r) == PGRES_TUPLES_OK ? atoll(PQgetvalue(r, 0, 0)) : -1;

    PQclear(r);
    return n;
}

/* As when the server is restarted: every connection of ours ends. */
static int64_t cut_connections(void)
{
    PGconn *pq = PQconnectdb(engine_url());
    int64_t n = ask(pq, "SELECT COUNT(pg_terminate_backend(pid))" OURS);

    for (int tries = 0; ask(pq, "SELECT COUNT(*)" OURS) != 0; tries++) { /* they end a moment later */
        CHECK(tries < 2000, "connections that were cut are still there");
        usleep(5000);
    }
    PQfinish(pq);
    return n;
}

/* Waits until the write of write_in_server() sleeps. */
static void wait_for_sleeping_write(scope *s)
{
    PGconn *pq = PQconnectdb(engine_url());

    for (int tries = 0; ask(pq, "SELECT COUNT(*)" OURS " AND state = 'active' AND query LIKE '%pg_sleep%'") != 1;
         tries++) {
        CHECK(tries < 1000, "the write does not begin");
        CHECK_INT(sleep_for(s, MILLISECONDS(10)), OK);
    }
    PQfinish(pq);
}

static void cut_while_idle(scope *s)
{
    make_table(s);
    for (int i = 0; i < 5; i++) {
        CHECK(cut_connections() >= 1, "there was one");
        CHECK_INT(sleep_for(s, MILLISECONDS(20)), OK);
        CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM t"), 2);
        CHECK(cut_connections() >= 1, "there was one");
        CHECK_INT(sleep_for(s, MILLISECONDS(20)), OK);
        CHECK_INT(db_exec(s, "UPDATE t SET size = size + 1", DB_NO_ARGS, NULL), OK);
    }
    CHECK_INT(engine_int(s, "SELECT MAX(size) FROM t"), 5);
}

TEST(connections_cut_while_idle_are_opened_again, .limit = 30)
{
    if (engine_has_postgres())
        engine_test("postgres", 1, cut_while_idle);
}

static err sleep_in_server(scope *s, void *arg)
{
    db_rows r;

    *(err *)arg = db_query(s, "SELECT 1 FROM pg_sleep(20)", DB_NO_ARGS, &r);
    return OK;
}

static err write_in_server(scope *s, void *arg)
{
    *(err *)arg = db_exec(s, "UPDATE t SET size = 7 WHERE (SELECT COUNT(*) FROM pg_sleep(20)) > 0", DB_NO_ARGS, NULL);
    return OK;
}

static void cut_while_busy(scope *s)
{
    scope *group = scope_child(s, NO_LIMIT);
    err write = ERR_COUNT;
    db_tx *tx = NULL;

    make_table(s);
    CHECK_INT(db_begin(s, &tx), OK);
    CHECK_INT(db_tx_exec(s, tx, "UPDATE t SET size = 9", DB_NO_ARGS, NULL), OK);
    scope_spawn(group, write_in_server, &write);
    wait_for_sleeping_write(s);
    CHECK(cut_connections() >= 2, "both");
    CHECK_INT(scope_join(group), OK);
    CHECK(write == ERR_IO || write == ERR_BUSY, "%s", err_name(write));
    CHECK(db_commit(s, &tx) != OK, "the transaction is gone");
    CHECK_INT(engine_int(s, "SELECT MAX(size) FROM t"), 0);
}

TEST(a_write_whose_connection_is_cut_fails, .limit = 30)
{
    if (engine_has_postgres()) {
        log_setup(LOG_ERROR, LOG_TEXT);
        engine_test("postgres", 1, cut_while_busy);
    }
}

static void give_up_reading(scope *s)
{
    scope *group = scope_child(s, MILLISECONDS(100));
    err read = ERR_COUNT;

    scope_spawn(group, sleep_in_server, &read);
    while (read == ERR_COUNT)
        CHECK_INT(sleep_for(s, MILLISECONDS(10)), OK);
    CHECK_INT(read, ERR_TIMEOUT);
    CHECK_INT(engine_int(s, "SELECT 5"), 5);
}

TEST(a_query_can_be_given_up, .limit = 15)
{
    if (engine_has_postgres())
        engine_test("postgres", 1, give_up_reading);
}

static err short_sleep(scope *s, void *arg)
{
    db_rows r;

    (void)arg;
    return db_query(s,
                    "SELECT COUNT(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND backend_type = 'client backend'",
                    DB_NO_ARGS, &r) == OK
               ? (db_row_int(&r, 0, 0) <= 9 ? OK : ERR_LIMIT) /* 8, and that of db_open() may not be gone yet */
               : ERR_IO;
}

static void many_at_once(scope *s)
{
    scope *group = scope_child(s, NO_LIMIT);

    for (int i = 0; i < 200; i++)
        scope_spawn(group, short_sleep, NULL);
    CHECK_INT(scope_join(group), OK);
}

TEST(a_loop_opens_few_connections_however_many_fibers_ask, .limit = 30)
{
    if (engine_has_postgres())
        engine_test("postgres", 1, many_at_once);
}

static err cross(scope *s, void *arg)
{
    db_batch *b = db_batch_new(s->arena);

    db_batch_add(b, "UPDATE t SET size = size + 1 WHERE id = 1", DB_NO_ARGS);
    db_batch_add(b, "UPDATE t SET size = size + 1 WHERE id = 2", DB_NO_ARGS);
    *(err *)arg = db_batch_run(s, b);
    return OK;
}

static void deadlock(scope *s)
{
    scope *group = scope_child(s, NO_LIMIT);
    err batch = ERR_COUNT, mine;
    db_tx *tx = NULL;

    make_table(s);
    CHECK_INT(db_begin(s, &tx), OK);
    CHECK_INT(db_tx_exec(s, tx, "UPDATE t SET size = size + 10 WHERE id = 2", DB_NO_ARGS, NULL), OK);
    scope_spawn(group, cross, &batch);
    CHECK_INT(sleep_for(s, MILLISECONDS(100)), OK);
    mine = db_tx_exec(s, tx, "UPDATE t SET size = size + 10 WHERE id = 1", DB_NO_ARGS, NULL);
    CHECK(mine == OK || mine == ERR_BUSY, "%s", err_name(mine));
    if (mine == OK)
        CHECK_INT(db_commit(s, &tx), OK);
    else
        db_rollback(tx);
    CHECK_INT(scope_join(group), OK);
    CHECK_INT(batch, OK); /* tried once more when it was the victim */
    CHECK_INT(engine_int(s, "SELECT SUM(size) FROM t"), mine == OK ? 22 : 2);
}

TEST(a_batch_that_loses_a_deadlock_is_tried_again, .limit = 30)
{
    if (engine_has_postgres())
        engine_test("postgres", 1, deadlock);
}

#endif

TEST(an_engine_that_cannot_be_reached_is_said_clearly)
{
    char why[512] = "";
    db *d = NULL;
    err e = db_open("postgresql://u@127.0.0.1:1/x", &d, why, sizeof why);

    CHECK(e == ERR_IO || e == ERR_UNSUPPORTED, "%s", err_name(e));
    CHECK(strstr(why, "PostgreSQL") != NULL, "%s", why);
}
