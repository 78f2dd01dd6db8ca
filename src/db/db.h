/* SPDX-License-Identifier: MIT */
/*
 * One SQL interface for SQLite and PostgreSQL, in straight blocking calls.
 *
 * One SQL text serves both engines: parameters are $1, $2 …; types are TEXT, BIGINT, DOUBLE PRECISION; upserts are
 * ON CONFLICT; JSON is text; times are BIGINT microseconds; booleans are BIGINT 0 and 1.  SQL texts are string literals:
 * prepared statements are cached by address.
 *
 * A write returns when it is on disk.  Writes of many fibers share one commit (docs/architecture.md, "Group commit"), so a
 * write costs little when there are many.  SQL is written in model/ only.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/str.h"
#include "rt/scope.h"

typedef struct db db;

typedef struct {
    enum { DB_IS_NULL, DB_IS_TEXT, DB_IS_INT, DB_IS_REAL } kind;
    const char *text;
    size_t len;
    int64_t integer;
    double real;
} db_value;

static inline db_value db_text(const char *s) /* NULL is SQL NULL */
{
    return (db_value){.kind = s != NULL ? DB_IS_TEXT : DB_IS_NULL, .text = s, .len = s != NULL ? strlen(s) : 0};
}
static inline db_value db_int(int64_t n)
{
    return (db_value){.kind = DB_IS_INT, .integer = n};
}
static inline db_value db_real(double n)
{
    return (db_value){.kind = DB_IS_REAL, .real = n};
}
#define DB_NULL ((db_value){.kind = DB_IS_NULL})

/* Arguments of a statement: DB_ARGS(db_text(id), db_int(n)). */
#define DB_ARGS(...) ((const db_value[]){__VA_ARGS__}), (sizeof((const db_value[]){__VA_ARGS__}) / sizeof(db_value))
#define DB_NO_ARGS NULL, 0

/* The database of this process, opened once before the loops start.  `url`: "sqlite:PATH" or "postgres://…" (libpq).
 * Applies migrations in one transaction; a database newer than this program is refused.  On failure says why. */
MUST_USE err db_open(const char *url, db **out, char *why, size_t why_size);
/* The same beside a server that may be of an older version: an older database is refused with
 * ERR_CONFLICT instead of changed under it.  A new one gets its tables. */
MUST_USE err db_open_kept(const char *url, db **out, char *why, size_t why_size);
void db_close(db *d);               /* after the loops have ended; waits for the writer */
const char *db_engine(const db *d); /* "sqlite" or "postgres" */
db *db_default(void);               /* the one opened */

/* All rows of a query, in the scope's arena.  At most 100,000 (ERR_TOO_LARGE): ask for pages.  May park.
 * ERR_BUSY, ERR_IO, ERR_NO_SPACE, ERR_INTERNAL (bad SQL: logged). */
typedef struct {
    size_t count, columns;
    db_value *values; /* row by row */
} db_rows;
MUST_USE err db_query(scope *s, const char *sql, const db_value *args, size_t n, db_rows *out);

/* Cells; text is NUL-terminated.  A NULL cell gives the fallback. */
const char *db_row_text(const db_rows *r, size_t row, size_t column); /* NULL for SQL NULL */
int64_t db_row_int(const db_rows *r, size_t row, size_t column);      /* 0 for SQL NULL */
double db_row_real(const db_rows *r, size_t row, size_t column);
bool db_row_null(const db_rows *r, size_t row, size_t column);

/* One write, durable on return.  *changed (may be NULL): rows inserted, updated or deleted.  ERR_CONFLICT when a unique or
 * foreign key is hurt.  Parks. */
MUST_USE err db_exec(scope *s, const char *sql, const db_value *args, size_t n, int64_t *changed);

/* A batch: several writes in one transaction, all or nothing, without a round trip between them: the fast way. */
typedef struct db_batch db_batch;
db_batch *db_batch_new(arena *a);
void db_batch_add(db_batch *b, const char *sql, const db_value *args, size_t n); /* copies the arguments */
/* As above, and the whole batch fails with ERR_CONFLICT unless exactly `rows` rows change. */
void db_batch_expect(db_batch *b, int64_t rows, const char *sql, const db_value *args, size_t n);
MUST_USE err db_batch_run(scope *s, db_batch *b); /* parks; durable on return.  An empty batch is OK at once */

/* A transaction that reads its own writes.  It keeps all other writers of the process waiting: only for what a batch cannot
 * say.  Rolled back when its scope ends first.  After an error in it only db_rollback() is useful. */
typedef struct db_tx db_tx;
MUST_USE err db_begin(scope *s, db_tx **out);
MUST_USE err db_tx_query(scope *s, db_tx *tx, const char *sql, const db_value *args, size_t n, db_rows *out);
MUST_USE err db_tx_exec(scope *s, db_tx *tx, const char *sql, const db_value *args, size_t n, int64_t *changed);
MUST_USE err db_commit(scope *s, db_tx **tx); /* clears *tx whatever happens */
void db_rollback(db_tx *tx);                  /* accepts NULL; parks, and neither cancel nor deadline ends it */

/* An online copy of a SQLite database into a new file, consistent as of some moment during the call.  ERR_UNSUPPORTED on
 * PostgreSQL (use pg_dump).  `progress` (may be NULL) gets pages done and total.  Runs on the calling thread, no fiber needed. */
MUST_USE err db_backup(const char *url, const char *file, void (*progress)(void *arg, int done, int total), void *arg,
                       char *why, size_t why_size);

/* For metrics. */
typedef struct {
    uint64_t reads, writes, commits, failures;
    uint64_t write_queue; /* waiting now */
} db_stats;
db_stats db_read_stats(void);

#endif
