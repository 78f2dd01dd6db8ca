/* SPDX-License-Identifier: MIT */
/*
 * The front of the database: batches, transactions and rows, whatever the engine.
 */
#include "db/db.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/db_internal.h"

struct db_counters db_counters;
static db *the_db;

static err open_postgres(const char *url, bool keeps, db **out, char *why, size_t why_size)
{
#ifdef HAVE_POSTGRES
    return postgres_open(url, keeps, out, why, why_size);
#else
    (void)url;
    (void)keeps;
    (void)out;
    snprintf(why, why_size, "this program was built without PostgreSQL");
    return ERR_UNSUPPORTED;
#endif
}

static err open_any(const char *url, bool keeps, db **out, char *why, size_t why_size)
{
    db *d = NULL;
    err e;

    if (cstr_starts(url, "sqlite:"))
        e = sqlite_open(url + strlen("sqlite:"), keeps, &d, why, why_size);
    else if (cstr_starts(url, "postgres://") || cstr_starts(url, "postgresql://"))
        e = open_postgres(url, keeps, &d, why, why_size);
    else {
        snprintf(why, why_size, "a database address begins with \"sqlite:\" or \"postgres://\"");
        e = ERR_INVALID;
    }
    if (e == OK)
        *out = the_db = d;
    return e;
}

err db_open(const char *url, db **out, char *why, size_t why_size)
{
    return open_any(url, false, out, why, why_size);
}

err db_open_kept(const char *url, db **out, char *why, size_t why_size)
{
    return open_any(url, true, out, why, why_size);
}

void db_close(db *d)
{
    if (d == NULL)
        return;
    if (the_db == d)
        the_db = NULL;
    d->driver->close(d);
}

const char *db_engine(const db *d)
{
    return d->driver->name;
}

db *db_default(void)
{
    return the_db;
}

err db_backup(const char *url, const char *file, void (*progress)(void *arg, int done, int total), void *arg, char *why,
              size_t why_size)
{
    if (cstr_starts(url, "sqlite:"))
        return sqlite_backup(url + strlen("sqlite:"), file, progress, arg, why, why_size);
    snprintf(why, why_size, "only SQLite databases are copied this way; for PostgreSQL use pg_dump");
    return ERR_UNSUPPORTED;
}

const char *db_sentence(err e)
{
    switch (e) {
    case ERR_CONFLICT:
        return "it exists already, or something else depends on it";
    case ERR_BUSY:
        return "the database is busy; try again";
    case ERR_NO_SPACE:
        return "there is no space left for the database";
    case ERR_TOO_LARGE:
        return "the result is too large";
    case ERR_INVALID:
        return "text must be valid UTF-8 without NUL";
    case ERR_IO:
        return "the database cannot be reached or read";
    case ERR_TIMEOUT:
        return "the database took too long";
    case ERR_CANCELLED:
        return "cancelled before it was written";
    default:
        return "the database refused the statement";
    }
}

err db_fail(scope *s, err e)
{
    if (e == OK || e == ERR_CANCELLED || e == ERR_TIMEOUT)
        return e; /* the scope knows why */
    atomic_fetch_add(&db_counters.failures, 1);
    return fail(s, e, "%s", db_sentence(e));
}

err db_check_args(const db_value *args, size_t n)
{
    if (n > DB_MAX_ARGS)
        return ERR_INTERNAL;
    for (size_t i = 0; i < n; i++)
        if (args[i].kind == DB_IS_TEXT &&
            (memchr(args[i].text, '\0', args[i].len) != NULL || !utf8_valid(args[i].text, args[i].len)))
            return ERR_INVALID;
    return OK;
}

/* Reading. */

err db_query(scope *s, const char *sql, const db_value *args, size_t n, db_rows *out)
{
    err e = scope_check(s);

    if (e == OK)
        e = db_check_args(args, n);
    if (e == OK)
        e = the_db->driver->query(s, the_db, sql, args, n, out);
    atomic_fetch_add(&db_counters.reads, 1);
    return db_fail(s, e);
}

static const db_value *cell_of(const db_rows *r, size_t row, size_t column)
{
    static const db_value nothing = {.kind = DB_IS_NULL};

    return row < r->count && column < r->columns ? &r->values[row * r->columns + column] : &nothing;
}

const char *db_row_text(const db_rows *r, size_t row, size_t column)
{
    const db_value *v = cell_of(r, row, column);

    return v->kind == DB_IS_TEXT ? v->text : NULL;
}

int64_t db_row_int(const db_rows *r, size_t row, size_t column)
{
    const db_value *v = cell_of(r, row, column);

    if (v->kind == DB_IS_REAL && v->real > -9e18 && v->real < 9e18)
        return (int64_t)v->real;
    return v->kind == DB_IS_INT ? v->integer : 0;
}

double db_row_real(const db_rows *r, size_t row, size_t column)
{
    const db_value *v = cell_of(r, row, column);

    if (v->kind == DB_IS_INT)
        return (double)v->integer;
    return v->kind == DB_IS_REAL ? v->real : 0;
}

bool db_row_null(const db_rows *r, size_t row, size_t column)
{
    return cell_of(r, row, column)->kind == DB_IS_NULL;
}

void db_rows_begin(db_row_builder *b, arena *a, size_t columns)
{
    *b = (db_row_builder){.arena = a, .columns = columns};
}

db_value *db_rows_add(db_row_builder *b)
{
    if (b->count == DB_MAX_ROWS)
        return NULL;
    if (b->count == b->cap) {
        size_t cap = b->cap == 0 ? 1 : b->cap == 1 ? 8 : b->cap * 2;
        db_value *grown = arena_alloc(b->arena, cap * (b->columns + 1) * sizeof *grown);

        if (b->count > 0)
            memcpy(grown, b->values, b->count * b->columns * sizeof *grown);
        b->values = grown;
        b->cap = cap;
    }
    return b->values + b->count++ * b->columns;
}

bool db_rows_text(db_row_builder *b, db_value *cell, const char *text, size_t len)
{
    if (len > DB_MAX_RESULT - b->bytes)
        return false;
    b->bytes += len;
    *cell = (db_value){.kind = DB_IS_TEXT, .text = arena_strndup(b->arena, text, len), .len = len};
    return true;
}

void db_rows_end(const db_row_builder *b, db_rows *out)
{
    *out = (db_rows){.count = b->count, .columns = b->columns, .values = b->values};
}

/* Writing. */

static void batch_init(db_batch *b, arena *a)
{
    *b = (db_batch){.arena = a};
    b->last = &b->first;
    list_init(&b->job.link);
}

db_batch *db_batch_new(arena *a)
{
    db_batch *b = arena_one(a, db_batch);

    batch_init(b, a);
    return b;
}

static void add_step(db_batch *b, db_step *step)
{
    err e = db_check_args(step->args, step->n);

    if (b->refused == OK)
        b->refused = e;
    *b->last = step;
    b->last = &step->next;
    b->count++;
    b->expects = b->expects || step->expect >= 0;
}

static const db_value *copy_args(arena *a, const db_value *args, size_t n)
{
    db_value *copy = arena_array(a, db_value, n);

    for (size_t i = 0; i < n; i++) {
        copy[i] = args[i];
        if (args[i].kind == DB_IS_TEXT)
            copy[i].text = arena_strndup(a, args[i].text, args[i].len);
    }
    return copy;
}

void db_batch_expect(db_batch *b, int64_t rows, const char *sql, const db_value *args, size_t n)
{
    db_step *step = arena_one(b->arena, db_step);

    *step = (db_step){.sql = sql, .args = copy_args(b->arena, args, n), .n = n, .expect = rows};
    add_step(b, step);
}

void db_batch_add(db_batch *b, const char *sql, const db_value *args, size_t n)
{
    db_batch_expect(b, -1, sql, args, n);
}

/* Why it need not go to the engine; OK when it must. */
static err ready_to_run(scope *s, const db_batch *b)
{
    TRY(scope_check(s));
    return b->refused;
}

err db_batch_run(scope *s, db_batch *b)
{
    err e;

    if (b->count == 0)
        return OK;
    e = ready_to_run(s, b);
    if (e == OK)
        e = the_db->driver->batch_run(s, the_db, b);
    atomic_fetch_add(&db_counters.writes, 1);
    return db_fail(s, e);
}

err db_exec(scope *s, const char *sql, const db_value *args, size_t n, int64_t *changed)
{
    db_step step = {.sql = sql, .args = args, .n = n, .expect = -1};
    db_batch b;
    err e;

    batch_init(&b, NULL);
    add_step(&b, &step);
    e = db_batch_run(s, &b);
    if (e == OK && changed != NULL)
        *changed = b.changed;
    return e;
}

/* Transactions. */

static void end_open_tx(void *arg)
{
    db_rollback(arg);
}

err db_begin(scope *s, db_tx **out)
{
    db_tx *tx = arena_one(s->arena, db_tx);
    err e = scope_check(s);

    tx->db = the_db;
    list_init(&tx->job.link);
    if (e == OK)
        e = the_db->driver->begin(s, the_db, tx);
    if (e != OK)
        return db_fail(s, e);
    tx->open = true;
    scope_defer(s, end_open_tx, tx);
    *out = tx;
    return OK;
}

static err tx_run(scope *s, db_tx *tx, const char *sql, const db_value *args, size_t n, db_rows *rows, int64_t *changed)
{
    err e = scope_check(s);

    if (e == OK && (!tx->open || tx->failed))
        e = ERR_INTERNAL;
    if (e == OK)
        e = db_check_args(args, n);
    if (e == OK)
        e = tx->db->driver->tx_run(s, tx, sql, args, n, rows, changed);
    tx->failed = tx->failed || e != OK;
    return db_fail(s, e);
}

err db_tx_query(scope *s, db_tx *tx, const char *sql, const db_value *args, size_t n, db_rows *out)
{
    return tx_run(s, tx, sql, args, n, out, NULL);
}

err db_tx_exec(scope *s, db_tx *tx, const char *sql, const db_value *args, size_t n, int64_t *changed)
{
    return tx_run(s, tx, sql, args, n, NULL, changed);
}

err db_commit(scope *s, db_tx **tx)
{
    db_tx *t = *tx;
    err e;

    *tx = NULL;
    if (t->failed || scope_check(s) != OK) {
        e = t->failed ? ERR_INTERNAL : s->ended;
        db_rollback(t);
        return db_fail(s, e);
    }
    t->open = false;
    atomic_fetch_add(&db_counters.writes, 1);
    return db_fail(s, t->db->driver->tx_end(t, true));
}

void db_rollback(db_tx *tx)
{
    if (tx == NULL || !tx->open)
        return;
    tx->open = false;
    if (tx->db->driver->tx_end(tx, false) != OK)
        atomic_fetch_add(&db_counters.failures, 1);
}

db_stats db_read_stats(void)
{
    return (db_stats){.reads = db_counters.reads,
                      .writes = db_counters.writes,
                      .commits = db_counters.commits,
                      .failures = db_counters.failures,
                      .write_queue = db_counters.queue};
}
