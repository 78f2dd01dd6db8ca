/* SPDX-License-Identifier: MIT */
/*
 * What db.c and the engines share: the driver table, batches, rows under construction, migrations.
 */
#ifndef DB_DB_INTERNAL_H
#define DB_DB_INTERNAL_H

#include <stdatomic.h>

#include "db/db.h"
#include "rt/fiber.h"
#include "rt/loop.h"

enum { DB_MAX_ROWS = 100000, DB_MAX_ARGS = 64 };
#define DB_MAX_RESULT MIB(256)

typedef struct db_driver {
    const char *name;
    void (*close)(db *d);
    err (*query)(scope *s, db *d, const char *sql, const db_value *args, size_t n, db_rows *out);
    /* Runs the batch and returns what became of it, or fails to begin. */
    err (*batch_run)(scope *s, db *d, db_batch *b);
    err (*begin)(scope *s, db *d, db_tx *tx);
    err (*tx_run)(scope *s, db_tx *tx, const char *sql, const db_value *args, size_t n, db_rows *rows,
                  int64_t *changed);
    err (*tx_end)(db_tx *tx, bool commit); /* parks, shielded */
} db_driver;

struct db {
    const db_driver *driver;
};

typedef struct db_step {
    struct db_step *next;
    const char *sql;
    const db_value *args;
    size_t n;
    int64_t expect; /* rows; -1: any */
} db_step;

/* Work for the writer thread of SQLite. */
typedef struct write_job {
    list_link link;
    struct write_job *next_done; /* of the same loop */
    loop *home;
    db_batch *batch; /* NULL: the beginning of a transaction */
    db_tx *tx;
    bool taken; /* by the writer; under its lock */
    err result;
} write_job;

struct db_batch {
    arena *arena;
    db_step *first, **last;
    size_t count;
    bool expects;
    err refused;     /* why it cannot be run at all */
    int64_t changed; /* by the last step */
    fiber *waiter;   /* for the writer thread of SQLite */
    bool done;
    write_job job;
};

struct db_tx {
    db *db;
    bool open;   /* begun, neither committed nor rolled back */
    bool failed; /* a statement failed: only rolling back is left */
    write_job job;
    fiber *waiter; /* in db_begin() */
    bool begun;    /* the writer serves this transaction, or the begin failed (job.result) */
    void *state;   /* the engine's */
};

/* One sentence for the user about a failure of the database. */
const char *db_sentence(err e);
err db_fail(scope *s, err e);

/* ERR_INVALID when a text could not be stored by one of the engines: NUL inside, or not UTF-8. */
err db_check_args(const db_value *args, size_t n);

typedef struct {
    arena *arena;
    db_value *values;
    size_t columns, count, cap, bytes;
} db_row_builder;
void db_rows_begin(db_row_builder *b, arena *a, size_t columns);
db_value *db_rows_add(db_row_builder *b); /* cells of a new row; NULL past the limit */
bool db_rows_text(db_row_builder *b, db_value *cell, const char *text, size_t len); /* false past the limit */
void db_rows_end(const db_row_builder *b, db_rows *out);

extern struct db_counters {
    atomic_uint_fast64_t reads, writes, commits, failures, queue;
} db_counters;

/* Engines.  Each opens, migrates and returns a db, or says why not. */
err sqlite_open(const char *path, bool keeps, db **out, char *why, size_t why_size);
err postgres_open(const char *url, bool keeps, db **out, char *why, size_t why_size);
err sqlite_backup(const char *path, const char *file, void (*progress)(void *arg, int done, int total), void *arg,
                  char *why, size_t why_size);

/* Migrations, on a connection that blocks.  run() executes a script; numbers() calls each(arg, number) for every row of
 * schema_migrations; lock() begins a transaction that keeps other processes from migrating. */
typedef struct {
    void *connection;
    bool (*lock)(void *connection);
    bool (*run)(void *connection, const char *sql);
    bool (*numbers)(void *connection, void (*each)(void *arg, int64_t number), void *arg);
    const char *(*message)(void *connection); /* of the last failure */
    bool keeps;                               /* db_open_kept() */
} migrate_target;
err migrate_run(const migrate_target *t, char *why, size_t why_size);

typedef struct {
    int number;
    const char *name;
    const char *sql;
} migration;
extern const migration migrations[];
extern const size_t migrations_count;

#endif
