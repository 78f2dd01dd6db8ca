/* SPDX-License-Identifier: MIT */
/*
 * One PostgreSQL connection, used by fibers of one loop (postgres_connection.c), for the pool and driver (postgres.c).
 */
#ifndef DB_POSTGRES_INTERNAL_H
#define DB_POSTGRES_INTERNAL_H

#include <libpq-fe.h>
#include <uv.h>

#include "base/map.h"
#include "db/db_internal.h"

typedef struct pg_connection {
    PGconn *pq;
    uv_poll_t poll; /* on the socket; the memory is freed when libuv has let go of it */
    fiber *waiter;
    bool ready;      /* the socket: since the last wait */
    bool broken;     /* nothing more can be said on it */
    bool worn;       /* not to be kept: bounds what the server keeps for us */
    map *statements; /* by SQL text: pg_statement */
    size_t n_statements;
    struct pg_connection *next; /* idle in the pool */
} pg_connection;

/* What one exchange with the server was for. */
typedef struct {
    db_rows *rows; /* of the last statement, into `arena`; may be NULL */
    arena *arena;
    int64_t changed; /* by the last statement */
    err result;
} pg_answer;

/* Blocks: on the thread that starts the program, or a pool thread.  NULL: `why`. */
PGconn *pg_connect(const char *url, char *why, size_t why_size);

/* On this loop from now on. */
pg_connection *pg_connection_new(PGconn *pq);
void pg_connection_close(pg_connection *c);
bool pg_connection_alive(const pg_connection *c); /* as far as can be seen without asking */

/* Sends the statements in one go and takes the answers: one round trip, one transaction unless one is open.  With `shielded`
 * it is seen through although `s` ends; without, the connection is given up then.  ERR_CONFLICT when a step does not change
 * the rows it expects, which the caller must roll back. */
err pg_exchange(scope *s, pg_connection *c, const db_step *steps, bool shielded, pg_answer *out);

#endif
