/* SPDX-License-Identifier: MIT */
/*
 * The PostgreSQL driver: a pool of connections for each loop, and what db.c asks of an engine.
 *
 * A connection belongs to a loop.  At most POOL_SIZE of them are open there; whoever comes later waits in order.  When the
 * server goes away, connections are dropped as that is noticed and opened again when needed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/postgres_internal.h"
#include "rt/offload.h"
#include "rt/sem.h"
#include "rt/sleep.h"

enum { POOL_SIZE = 8, CONNECT_TRIES = 20, BATCH_TRIES = 3 };

typedef struct pg_pool pg_pool;

typedef struct {
    db base;
    char *url;
    pg_pool *pools[LOOPS_MAX]; /* each touched by its loop only */
} pg_db;

struct pg_pool {
    pg_db *db;
    size_t loop;
    sem slots;
    pg_connection *idle;
};

/* The pool. */

static void close_pool(void *arg)
{
    pg_pool *p = arg;

    while (p->idle != NULL) {
        pg_connection *c = p->idle;

        p->idle = c->next;
        pg_connection_close(c);
    }
    p->db->pools[p->loop] = NULL;
    free(p);
}

static pg_pool *pool(pg_db *d)
{
    loop *l = loop_self();
    size_t at = loop_index(l);
    pg_pool *p = d->pools[at];

    if (p == NULL) {
        p = d->pools[at] = mem_zalloc(1, sizeof *p);
        p->db = d;
        p->loop = at;
        sem_setup(&p->slots, POOL_SIZE);
        scope_defer(loop_root(l), close_pool, p);
    }
    return p;
}

typedef struct {
    const char *url;
    PGconn *pq;
    char why[256];
} connecting;

static void connect_blocking(void *arg)
{
    connecting *c = arg;

    c->pq = pg_connect(c->url, c->why, sizeof c->why);
}

static err open_connection(scope *s, pg_db *d, pg_connection **out)
{
    for (int tries = 0; tries < CONNECT_TRIES; tries++) {
        connecting c = {.url = d->url};
        err e = offload(s, connect_blocking, &c);

        if (e != OK) {
            if (c.pq != NULL)
                PQfinish(c.pq);
            return e;
        }
        if (c.pq != NULL) {
            *out = pg_connection_new(c.pq);
            return *out != NULL ? OK : ERR_IO;
        }
        TRY(sleep_for(s, MILLISECONDS(100))); /* it may be starting up */
    }
    return ERR_BUSY;
}

static err acquire(scope *s, pg_pool *p, pg_connection **out)
{
    err e = sem_take(s, &p->slots);

    if (e != OK)
        return e;
    while (p->idle != NULL) {
        pg_connection *c = p->idle;

        p->idle = c->next;
        if (pg_connection_alive(c)) {
            *out = c;
            return OK;
        }
        pg_connection_close(c);
    }
    e = open_connection(s, p->db, out);
    if (e != OK)
        sem_give(&p->slots);
    return e;
}

static void release(pg_pool *p, pg_connection *c)
{
    if (c->broken || c->worn) {
        pg_connection_close(c);
    } else {
        c->next = p->idle;
        p->idle = c;
    }
    sem_give(&p->slots);
}

/* Reading. */

static err query_once(scope *s, pg_pool *p, const db_step *step, db_rows *out, bool *lost)
{
    pg_answer answer = {.rows = out, .arena = s->arena};
    pg_connection *c = NULL;
    err e = acquire(s, p, &c);

    if (e != OK)
        return e;
    e = pg_exchange(s, c, step, false, &answer);
    *lost = c->broken && e != OK && e != ERR_CANCELLED && e != ERR_TIMEOUT;
    release(p, c);
    return e;
}

static err pg_query(scope *s, db *base, const char *sql, const db_value *args, size_t n, db_rows *out)
{
    db_step step = {.sql = sql, .args = args, .n = n, .expect = -1};
    pg_pool *p = pool((pg_db *)base);
    bool lost = false;
    err e = query_once(s, p, &step, out, &lost);

    if (e != OK && lost) /* the server was restarted since; reading again does no harm */
        e = query_once(s, p, &step, out, &lost);
    return e;
}

/* Writing. */

static err run_plain(scope *s, pg_connection *c, const char *sql)
{
    db_step step = {.sql = sql, .expect = -1};
    pg_answer answer = {.rows = NULL};

    return pg_exchange(s, c, &step, true, &answer);
}

/* Expectations are known only with the answer, so the transaction must be open until then. */
static err run_expecting(scope *s, pg_connection *c, db_batch *b, pg_answer *answer)
{
    db_step begin = {.next = b->first, .sql = "BEGIN", .expect = -1};
    err e = pg_exchange(s, c, &begin, true, answer);

    if (c->broken)
        return e != OK ? e : ERR_IO;
    if (e == OK)
        return run_plain(s, c, "COMMIT");
    if (run_plain(s, c, "ROLLBACK") != OK)
        c->broken = true;
    return e;
}

static err run_batch_on(scope *s, pg_connection *c, db_batch *b)
{
    for (int tries = 1;; tries++) {
        pg_answer answer = {.rows = NULL};
        err e = b->expects ? run_expecting(s, c, b, &answer) : pg_exchange(s, c, b->first, true, &answer);

        b->changed = answer.changed;
        if (e == OK)
            atomic_fetch_add(&db_counters.commits, 1);
        if (e != ERR_BUSY || c->broken || tries == BATCH_TRIES)
            return e;
        /* A deadlock or serialization failure: nothing was written.  The other side needs a moment to take its locks. */
        TRY(sleep_for(s, MILLISECONDS(10 * tries)));
    }
}

static err pg_batch_run(scope *s, db *base, db_batch *b)
{
    pg_pool *p = pool((pg_db *)base);
    pg_connection *c = NULL;
    err e;

    atomic_fetch_add(&db_counters.queue, 1);
    e = acquire(s, p, &c);
    atomic_fetch_sub(&db_counters.queue, 1);
    if (e != OK)
        return e;
    e = run_batch_on(s, c, b);
    release(p, c);
    return e;
}

/* Transactions. */

static err pg_begin(scope *s, db *base, db_tx *tx)
{
    pg_pool *p = pool((pg_db *)base);
    pg_connection *c = NULL;
    err e;

    TRY(acquire(s, p, &c));
    e = run_plain(s, c, "BEGIN");
    if (e != OK) {
        c->broken = true;
        release(p, c);
        return e;
    }
    tx->state = c;
    return OK;
}

static err pg_tx_run(scope *s, db_tx *tx, const char *sql, const db_value *args, size_t n, db_rows *rows,
                     int64_t *changed)
{
    db_step step = {.sql = sql, .args = args, .n = n, .expect = -1};
    pg_answer answer = {.rows = rows, .arena = s->arena};
    pg_connection *c = tx->state;
    err e = c->broken ? ERR_IO : pg_exchange(s, c, &step, false, &answer);

    if (e == OK && changed != NULL)
        *changed = answer.changed;
    return e;
}

static err pg_tx_end(db_tx *tx, bool commit)
{
    pg_connection *c = tx->state;
    scope *s = scope_new("database transaction");
    err e;

    scope_set_timeout(s, SECONDS(60));
    if (c->broken)
        e = commit ? ERR_IO : OK; /* the server has rolled it back */
    else
        e = run_plain(s, c, commit ? "COMMIT" : "ROLLBACK");
    if (e != OK)
        c->broken = true;
    else if (commit)
        atomic_fetch_add(&db_counters.commits, 1);
    release(pool((pg_db *)tx->db), c);
    scope_close(s);
    return e;
}

/* Opening and closing. */

static void pg_close_db(db *base)
{
    pg_db *d = (pg_db *)base;

    free(d->url);
    free(d);
}

static const db_driver pg_driver = {
    .name = "postgres",
    .close = pg_close_db,
    .query = pg_query,
    .batch_run = pg_batch_run,
    .begin = pg_begin,
    .tx_run = pg_tx_run,
    .tx_end = pg_tx_end,
};

static bool target_run(void *connection, const char *sql)
{
    PGresult *r = PQexec(connection, sql);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;

    PQclear(r);
    return ok;
}

static bool target_lock(void *connection)
{
    return target_run(connection, "SET statement_timeout = 0; SET lock_timeout = 0") &&
           target_run(connection, "BEGIN") && target_run(connection, "SELECT pg_advisory_xact_lock(7263548190)");
}

static bool target_numbers(void *connection, void (*each)(void *arg, int64_t number), void *arg)
{
    PGresult *r = PQexec(connection, "SELECT number FROM schema_migrations");
    bool ok = PQresultStatus(r) == PGRES_TUPLES_OK;

    for (int i = 0; ok && i < PQntuples(r); i++) {
        int64_t number = 0;

        if (str_to_int(str_of(PQgetvalue(r, i, 0)), &number))
            each(arg, number);
    }
    PQclear(r);
    return ok;
}

static const char *target_message(void *connection)
{
    return PQerrorMessage(connection);
}

err postgres_open(const char *url, bool keeps, db **out, char *why, size_t why_size)
{
    PGconn *pq = pg_connect(url, why, why_size);
    migrate_target target = {pq, target_lock, target_run, target_numbers, target_message, keeps};
    pg_db *d;
    err e;

    if (pq == NULL)
        return ERR_IO;
    e = migrate_run(&target, why, why_size);
    PQfinish(pq);
    if (e != OK)
        return e;
    d = mem_zalloc(1, sizeof *d);
    d->base.driver = &pg_driver;
    d->url = mem_strdup(url);
    *out = &d->base;
    return OK;
}
