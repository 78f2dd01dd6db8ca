/* SPDX-License-Identifier: MIT */
/*
 * SQLite connections, shared by the readers and the writer thread (sqlite.c), and the writer itself (sqlite_writer.c).
 */
#ifndef DB_SQLITE_INTERNAL_H
#define DB_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "db/db_internal.h"

enum { STATEMENT_SLOTS = 256 };

typedef struct {
    const char *sql; /* the address it was prepared from */
    sqlite3_stmt *stmt;
    size_t n_params;
    unsigned char param[DB_MAX_ARGS]; /* SQLite's number of $1, $2 … */
    uint64_t used;                    /* when; for eviction */
} sqlite_statement;

/* One thread at a time. */
typedef struct {
    sqlite3 *handle;
    uint64_t clock;
    sqlite_statement statements[STATEMENT_SLOTS];
} sqlite_connection;

enum { SQLITE_READS, SQLITE_WRITES, SQLITE_CREATES };
/* NULL on failure, with the reason in `why`. */
sqlite_connection *sqlite_connect(const char *path, int mode, char *why, size_t why_size);
void sqlite_disconnect(sqlite_connection *c); /* accepts NULL */

/* One statement to its end: SQLITE_OK or an extended result code.  Rows go to `rows` in `a` (NULL: dropped); too many:
 * SQLITE_TOOBIG.  *changed (may be NULL) gets the rows changed. */
int sqlite_run(sqlite_connection *c, const char *sql, const db_value *args, size_t n, arena *a, db_rows *rows,
               int64_t *changed);

err sqlite_to_err(int rc);

typedef struct sqlite_writer sqlite_writer;
sqlite_writer *sqlite_writer_start(const char *path, char *why, size_t why_size); /* NULL: why */
void sqlite_writer_stop(sqlite_writer *w); /* after what is queued; accepts NULL */

/* From a loop.  The job (of a batch or a transaction) is the writer's until its fiber is woken.  ERR_BUSY: too many wait. */
err sqlite_writer_submit(sqlite_writer *w, write_job *job);
bool sqlite_writer_withdraw(sqlite_writer *w, write_job *job);

/* In the transaction that the writer has begun for `tx`; parks, shielded. */
err sqlite_writer_tx_run(sqlite_writer *w, db_tx *tx, const char *sql, const db_value *args, size_t n, arena *a,
                         db_rows *rows, int64_t *changed);
err sqlite_writer_tx_end(sqlite_writer *w, db_tx *tx, bool commit);

#endif
