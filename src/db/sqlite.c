/* SPDX-License-Identifier: MIT */
/*
 * SQLite: connections, statements, and reading.
 *
 * Each loop reads on a connection of its own, directly on its thread: queries are short and indexed.  The queries of one turn
 * of the loop share a read transaction, which costs more than most of them, until something is committed.  Writing is the
 * writer thread's business (sqlite_writer.c).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/sqlite_internal.h"
#include "rt/sleep.h"

enum { PROBES = 8, READ_RETRIES = 500, BUSY_RETRIES = 500 };

/* A loop's. */
typedef struct {
    sqlite_connection *connection;
    bool in_snapshot; /* a read transaction is open, until the turn ends */
    uint64_t commits; /* that it shows at least */
    loop_hook
        turn_ends; /* ends it: nobody's log may grow, nor another process' change stay unseen, while a loop sleeps */
} sqlite_reader;

typedef struct {
    db base;
    char *path;
    sqlite_writer *writer;
    sqlite_reader readers[LOOPS_MAX]; /* each touched by its loop only */
} sqlite_db;

/* Connections. */

static int run_pragmas(sqlite3 *h, const char *text)
{
    int rc = SQLITE_BUSY;

    /* Changing to WAL, or another process closing the file, gives BUSY without asking the busy handler. */
    for (int i = 0; (rc & 0xff) == SQLITE_BUSY && i < BUSY_RETRIES; i++) {
        if (i > 0)
            usleep(10000);
        rc = sqlite3_exec(h, text, NULL, NULL, NULL);
    }
    return rc;
}

static bool pragmas(sqlite3 *h, int mode)
{
    const char *all =
        "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;";

    if (run_pragmas(h, all) != SQLITE_OK)
        return false;
    if (mode == SQLITE_READS)
        return run_pragmas(h, "PRAGMA query_only=ON; PRAGMA cache_size=-4096;") == SQLITE_OK;
    sqlite3_busy_timeout(h, 5000);
    return run_pragmas(h, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384;"
                          "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;") == SQLITE_OK;
}

/* Others must not read the file: it holds hashes and sealed secrets. */
static bool create_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

sqlite_connection *sqlite_connect(const char *path, int mode, char *why, size_t why_size)
{
    int flags = mode == SQLITE_READS ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    sqlite_connection *c;

    if (mode == SQLITE_CREATES && !create_private(path)) {
        snprintf(why, why_size, "cannot open or create %s", path);
        return NULL;
    }
    c = mem_zalloc(1, sizeof *c);
    if (sqlite3_open_v2(path, &c->handle, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK && pragmas(c->handle, mode)) {
        sqlite3_extended_result_codes(c->handle, 1);
        return c;
    }
    snprintf(why, why_size, "%s: %s", path, sqlite3_errmsg(c->handle));
    sqlite_disconnect(c);
    return NULL;
}

void sqlite_disconnect(sqlite_connection *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < STATEMENT_SLOTS; i++)
        sqlite3_finalize(c->statements[i].stmt);
    sqlite3_close(c->handle);
    free(c);
}

err sqlite_to_err(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       rc == SQLITE_CONSTRAINT_FOREIGNKEY
                   ? ERR_CONFLICT
                   : ERR_INTERNAL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        return ERR_IO;
    default:
        return ERR_INTERNAL;
    }
}

/* Statements. */

static size_t slot_of(const char *sql)
{
    return (size_t)(((uintptr_t)sql * 0x9E3779B97F4A7C15u) >> 32) % STATEMENT_SLOTS;
}

/* The place for this text: where it is, or the one used longest ago among those where it may be. */
static sqlite_statement *find_slot(sqlite_connection *c, const char *sql)
{
    sqlite_statement *oldest = NULL;

    for (size_t i = 0; i < PROBES; i++) {
        sqlite_statement *st = &c->statements[(slot_of(sql) + i) % STATEMENT_SLOTS];

        if (st->stmt != NULL && st->sql == sql)
            return st;
        if (oldest == NULL || st->used < oldest->used)
            oldest = st;
    }
    return oldest;
}

/* SQLite counts $-parameters in the order of their appearance; we count by their names. */
static bool map_params(sqlite_statement *st)
{
    char name[24];

    st->n_params = (size_t)sqlite3_bind_parameter_count(st->stmt);
    if (st->n_params > DB_MAX_ARGS)
        return false;
    for (size_t i = 0; i < st->n_params; i++) {
        int at;

        snprintf(name, sizeof name, "$%zu", i + 1);
        at = sqlite3_bind_parameter_index(st->stmt, name);
        if (at == 0)
            return false;
        st->param[i] = (unsigned char)at;
    }
    return true;
}

static int prepare(sqlite_connection *c, const char *sql, sqlite_statement **out)
{
    sqlite_statement *st = find_slot(c, sql);
    int rc;

    st->used = ++c->clock;
    *out = st;
    /* The same address with another text can only be a mistake, but one that would run the wrong statement. */
    if (st->stmt != NULL && st->sql == sql && strcmp(sqlite3_sql(st->stmt), sql) == 0)
        return SQLITE_OK;
    sqlite3_finalize(st->stmt);
    *st = (sqlite_statement){.sql = sql, .used = c->clock};
    rc = sqlite3_prepare_v3(c->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->stmt, NULL);
    if (rc == SQLITE_OK && (st->stmt == NULL || !map_params(st)))
        rc = SQLITE_MISUSE;
    if (rc != SQLITE_OK) {
        sqlite3_finalize(st->stmt);
        *st = (sqlite_statement){0};
    }
    return rc;
}

static int bind_args(sqlite_statement *st, const db_value *args, size_t n)
{
    if (n != st->n_params)
        return SQLITE_MISUSE;
    for (size_t i = 0; i < n; i++) {
        int at = st->param[i], rc = SQLITE_OK;

        switch (args[i].kind) {
        case DB_IS_NULL:
            rc = sqlite3_bind_null(st->stmt, at);
            break;
        case DB_IS_TEXT: /* the caller keeps it until the statement has run */
            rc = sqlite3_bind_text64(st->stmt, at, args[i].text, args[i].len, SQLITE_STATIC, SQLITE_UTF8);
            break;
        case DB_IS_INT:
            rc = sqlite3_bind_int64(st->stmt, at, args[i].integer);
            break;
        case DB_IS_REAL:
            rc = sqlite3_bind_double(st->stmt, at, args[i].real);
            break;
        }
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

static bool read_row(sqlite3_stmt *stmt, db_row_builder *b)
{
    db_value *cells = db_rows_add(b);

    if (cells == NULL)
        return false;
    for (int i = 0; i < (int)b->columns; i++) {
        cells[i] = DB_NULL;
        switch (sqlite3_column_type(stmt, i)) {
        case SQLITE_INTEGER:
            cells[i] = db_int(sqlite3_column_int64(stmt, i));
            break;
        case SQLITE_FLOAT:
            cells[i] = db_real(sqlite3_column_double(stmt, i));
            break;
        case SQLITE_NULL:
            break;
        default: {
            const char *text = (const char *)sqlite3_column_text(stmt, i);

            if (text == NULL || !db_rows_text(b, &cells[i], text, (size_t)sqlite3_column_bytes(stmt, i)))
                return false;
        }
        }
    }
    return true;
}

static int step_all(sqlite3_stmt *stmt, arena *a, db_rows *rows)
{
    db_row_builder b;
    int rc;

    if (rows != NULL)
        db_rows_begin(&b, a, (size_t)sqlite3_column_count(stmt));
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if (rows != NULL && !read_row(stmt, &b))
            return SQLITE_TOOBIG;
    if (rc == SQLITE_DONE && rows != NULL)
        db_rows_end(&b, rows);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sqlite_run(sqlite_connection *c, const char *sql, const db_value *args, size_t n, arena *a, db_rows *rows,
               int64_t *changed)
{
    sqlite_statement *st = NULL;
    int rc = prepare(c, sql, &st);

    if (rc == SQLITE_OK)
        rc = bind_args(st, args, n);
    if (rc == SQLITE_OK)
        rc = step_all(st->stmt, a, rows);
    if (rc == SQLITE_OK && changed != NULL)
        *changed = sqlite3_stmt_readonly(st->stmt) ? 0 : sqlite3_changes64(c->handle);
    if (sqlite_to_err(rc) == ERR_INTERNAL || sqlite_to_err(rc) == ERR_IO)
        log_error("db.statement", log_str("sql", sql), log_str("reason", sqlite3_errmsg(c->handle)),
                  log_int("code", rc));
    if (st != NULL && st->stmt != NULL) {
        sqlite3_reset(st->stmt);
        sqlite3_clear_bindings(st->stmt);
    }
    return rc;
}

/* Reading. */

static void end_snapshot(sqlite_reader *r)
{
    if (r->in_snapshot && !sqlite3_get_autocommit(r->connection->handle)) /* some errors have ended it already */
        (void)sqlite_run(r->connection, "COMMIT", DB_NO_ARGS, NULL, NULL, NULL);
    r->in_snapshot = false;
}

static void on_turn_ends(void *arg)
{
    end_snapshot(arg);
}

/* What was committed before this call is in the snapshot, so that whoever is told of a write finds it. */
static int hold_snapshot(sqlite_reader *r)
{
    uint64_t commits = atomic_load(&db_counters.commits); /* before the snapshot is taken */
    int rc;

    if (r->in_snapshot && r->commits == commits && !sqlite3_get_autocommit(r->connection->handle))
        return SQLITE_OK;
    end_snapshot(r);
    rc = sqlite_run(r->connection, "BEGIN", DB_NO_ARGS, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    r->in_snapshot = true;
    r->commits = commits;
    loop_after_turn(&r->turn_ends);
    return SQLITE_OK;
}

static void close_reader(void *arg)
{
    sqlite_reader *r = arg;

    loop_forget(&r->turn_ends);
    sqlite_disconnect(r->connection); /* and with it the snapshot */
    *r = (sqlite_reader){0};
}

static sqlite_reader *reader(sqlite_db *d)
{
    loop *l = loop_self();
    sqlite_reader *r = &d->readers[loop_index(l)];
    char why[256];

    if (r->connection == NULL) {
        r->connection = sqlite_connect(d->path, SQLITE_READS, why, sizeof why);
        if (r->connection == NULL) {
            log_error("db.open", log_str("reason", why));
            return NULL;
        }
        r->turn_ends = (loop_hook){.fn = on_turn_ends, .arg = r};
        scope_defer(loop_root(l), close_reader, r);
    }
    return r;
}

static err sqlite_query(scope *s, db *base, const char *sql, const db_value *args, size_t n, db_rows *out)
{
    sqlite_db *d = (sqlite_db *)base;
    int rc = SQLITE_BUSY;

    for (int i = 0; rc == SQLITE_BUSY && i < READ_RETRIES; i++) {
        sqlite_reader *r = reader(d);

        if (r == NULL)
            return ERR_IO;
        rc = hold_snapshot(r);
        if (rc == SQLITE_OK)
            rc = sqlite_run(r->connection, sql, args, n, s->arena, out, NULL) & 0xffff;
        if ((rc & 0xff) == SQLITE_BUSY) { /* another process closes or recovers the file: rare and short */
            end_snapshot(r);
            rc = SQLITE_BUSY;
            TRY(sleep_for(s, MILLISECONDS(10)));
        }
    }
    return sqlite_to_err(rc);
}

/* Writing: hand over to the writer, and wait. */

static err sqlite_batch_run(scope *s, db *base, db_batch *b)
{
    sqlite_writer *w = ((sqlite_db *)base)->writer;

    b->done = false;
    b->waiter = fiber_self();
    b->job = (write_job){.home = s->loop, .batch = b};
    TRY(sqlite_writer_submit(w, &b->job));
    while (!b->done) {
        err e = fiber_park(s);

        if (e == OK || b->done)
            continue;
        if (sqlite_writer_withdraw(w, &b->job))
            return e;
        while (!b->done)
            fiber_park_shielded();
    }
    return b->job.result;
}

static err sqlite_begin(scope *s, db *base, db_tx *tx)
{
    sqlite_writer *w = ((sqlite_db *)base)->writer;

    tx->job = (write_job){.home = s->loop, .tx = tx};
    tx->waiter = fiber_self();
    TRY(sqlite_writer_submit(w, &tx->job));
    while (!tx->begun) {
        err e = fiber_park(s);

        if (e == OK || tx->begun)
            continue;
        if (sqlite_writer_withdraw(w, &tx->job))
            return e;
        while (!tx->begun)
            fiber_park_shielded();
    }
    return tx->job.result;
}

static err sqlite_tx_run(scope *s, db_tx *tx, const char *sql, const db_value *args, size_t n, db_rows *rows,
                         int64_t *changed)
{
    /* The writer thread fills an arena of its own, which dies with the scope. */
    arena *a = rows != NULL ? arena_new(s->arena) : NULL;

    return sqlite_writer_tx_run(((sqlite_db *)tx->db)->writer, tx, sql, args, n, a, rows, changed);
}

static err sqlite_tx_end(db_tx *tx, bool commit)
{
    return sqlite_writer_tx_end(((sqlite_db *)tx->db)->writer, tx, commit);
}

static void sqlite_close_db(db *base)
{
    sqlite_db *d = (sqlite_db *)base;

    for (size_t i = 0; i < LOOPS_MAX; i++)
        sqlite_disconnect(d->readers[i].connection);
    sqlite_writer_stop(d->writer);
    free(d->path);
    free(d);
}

static const db_driver sqlite_driver = {
    .name = "sqlite",
    .close = sqlite_close_db,
    .query = sqlite_query,
    .batch_run = sqlite_batch_run,
    .begin = sqlite_begin,
    .tx_run = sqlite_tx_run,
    .tx_end = sqlite_tx_end,
};

/* Opening. */

static bool target_lock(void *connection)
{
    return sqlite3_exec(((sqlite_connection *)connection)->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
}

static bool target_run(void *connection, const char *sql)
{
    return sqlite3_exec(((sqlite_connection *)connection)->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool target_numbers(void *connection, void (*each)(void *arg, int64_t number), void *arg)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(((sqlite_connection *)connection)->handle, "SELECT number FROM schema_migrations", -1,
                                &stmt, NULL);

    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        each(arg, sqlite3_column_int64(stmt, 0));
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

static const char *target_message(void *connection)
{
    return sqlite3_errmsg(((sqlite_connection *)connection)->handle);
}

static err migrate_file(const char *path, bool keeps, char *why, size_t why_size)
{
    sqlite_connection *c = sqlite_connect(path, SQLITE_CREATES, why, why_size);
    migrate_target target = {c, target_lock, target_run, target_numbers, target_message, keeps};
    err e;

    if (c == NULL)
        return ERR_IO;
    sqlite3_busy_timeout(c->handle, 60000); /* another process may be migrating */
    e = migrate_run(&target, why, why_size);
    sqlite_disconnect(c);
    return e;
}

err sqlite_open(const char *path, bool keeps, db **out, char *why, size_t why_size)
{
    sqlite_writer *w;
    sqlite_db *d;

    if (path[0] == '\0' || path[0] == ':') {
        snprintf(why, why_size, "\"sqlite:\" needs the path of a file");
        return ERR_INVALID;
    }
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a lock at every allocation, for figures that nobody reads */
    TRY(migrate_file(path, keeps, why, why_size));
    w = sqlite_writer_start(path, why, why_size);
    if (w == NULL)
        return ERR_IO;
    d = mem_zalloc(1, sizeof *d);
    d->base.driver = &sqlite_driver;
    d->path = mem_strdup(path);
    d->writer = w;
    *out = &d->base;
    return OK;
}
