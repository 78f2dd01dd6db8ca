/* SPDX-License-Identifier: MIT */
/* Tests of db/db.h on both engines. */
#include "db/db.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine.h"
#include "rt/fiber.h"
#include "rt/loop.h"
#include "rt/sleep.h"

#define MAKE_TABLE                                                                                                     \
    "CREATE TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY, name TEXT UNIQUE, size DOUBLE PRECISION, parent BIGINT "     \
    "REFERENCES t (id))"
#define INSERT "INSERT INTO t (id, name, size, parent) VALUES ($1, $2, $3, $4)"
#define COUNT_ROWS "SELECT COUNT(*) FROM t"

static void make_table(scope *s)
{
    CHECK_INT(db_exec(s, MAKE_TABLE, DB_NO_ARGS, NULL), OK);
}

static err insert(scope *s, int64_t id, const char *name)
{
    return db_exec(s, INSERT, DB_ARGS(db_int(id), db_text(name), DB_NULL, DB_NULL), NULL);
}

ENGINE_TEST(what_is_written_is_read_back)
{
    const char *odd = "snow ☃ \xF0\x9F\x98\x80 'quotes' \"double\" \\ \n\t %s $1";
    db_rows r;

    make_table(s);
    CHECK_INT(db_exec(s, INSERT, DB_ARGS(db_int(INT64_MAX), db_text(odd), db_real(0.1), DB_NULL), NULL), OK);
    CHECK_INT(db_exec(s, INSERT, DB_ARGS(db_int(INT64_MIN), db_text(""), db_real(-1e300), db_int(INT64_MAX)), NULL),
              OK);
    CHECK_INT(db_exec(s, INSERT, DB_ARGS(db_int(0), DB_NULL, DB_NULL, DB_NULL), NULL), OK);
    CHECK_INT(db_query(s, "SELECT id, name, size, parent FROM t ORDER BY id DESC", DB_NO_ARGS, &r), OK);
    CHECK_INT(r.count, 3);
    CHECK_INT(r.columns, 4);
    CHECK_INT(db_row_int(&r, 0, 0), INT64_MAX);
    CHECK_STR(db_row_text(&r, 0, 1), odd);
    CHECK(db_row_real(&r, 0, 2) == 0.1, "doubles are exact: %.17g", db_row_real(&r, 0, 2));
    CHECK(db_row_null(&r, 0, 3) && db_row_int(&r, 0, 3) == 0, "NULL is 0 as a number");
    CHECK(db_row_null(&r, 1, 1) && db_row_text(&r, 1, 1) == NULL, "NULL is not the empty text");
    CHECK_STR(db_row_text(&r, 2, 1), "");
    CHECK_INT(db_row_int(&r, 2, 0), INT64_MIN);
    CHECK(db_row_real(&r, 2, 2) == -1e300, "large doubles");
    CHECK(db_row_null(&r, 3, 0) && db_row_null(&r, 0, 9), "outside is NULL");
}

ENGINE_TEST(large_text_is_stored_whole)
{
    size_t len = 5000000;
    char *text = arena_alloc(s->arena, len + 1);
    db_rows r;

    memset(text, 'x', len);
    text[len] = '\0';
    CHECK_INT(db_exec(s, "CREATE TABLE big (body TEXT)", DB_NO_ARGS, NULL), OK);
    CHECK_INT(db_exec(s, "INSERT INTO big VALUES ($1)", DB_ARGS(db_text(text)), NULL), OK);
    CHECK_INT(db_query(s, "SELECT body FROM big", DB_NO_ARGS, &r), OK);
    CHECK_INT(strlen(db_row_text(&r, 0, 0)), len);
}

ENGINE_TEST(parameters_are_bound_by_their_numbers)
{
    db_rows r;

    CHECK_INT(db_query(s, "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($2 AS TEXT)",
                       DB_ARGS(db_text("one"), db_text("two")), &r),
              OK);
    CHECK_STR(db_row_text(&r, 0, 0), "two");
    CHECK_STR(db_row_text(&r, 0, 1), "one");
    CHECK_STR(db_row_text(&r, 0, 2), "two");
}

ENGINE_TEST(sums_and_counts_are_numbers)
{
    db_rows r;

    make_table(s);
    CHECK_INT(insert(s, 1, "a"), OK);
    CHECK_INT(insert(s, 2, "b"), OK);
    CHECK_INT(db_query(s, "SELECT SUM(id), COUNT(*), MAX(id), SUM(size) FROM t", DB_NO_ARGS, &r), OK);
    CHECK_INT(db_row_int(&r, 0, 0), 3);
    CHECK_INT(db_row_int(&r, 0, 1), 2);
    CHECK_INT(db_row_int(&r, 0, 2), 2);
    CHECK(db_row_null(&r, 0, 3), "the sum of nothing is NULL");
}

ENGINE_TEST(rows_changed_are_counted)
{
    int64_t changed = -1;

    make_table(s);
    for (int i = 0; i < 5; i++)
        CHECK_INT(db_exec(s, INSERT, DB_ARGS(db_int(i), DB_NULL, DB_NULL, DB_NULL), &changed), OK);
    CHECK_INT(changed, 1);
    CHECK_INT(db_exec(s, "UPDATE t SET size = 1 WHERE id > $1", DB_ARGS(db_int(2)), &changed), OK);
    CHECK_INT(changed, 2);
    CHECK_INT(db_exec(s, "DELETE FROM t WHERE id > 100", DB_NO_ARGS, &changed), OK);
    CHECK_INT(changed, 0);
}

ENGINE_TEST(a_hurt_key_is_a_conflict_and_changes_nothing)
{
    make_table(s);
    CHECK_INT(insert(s, 1, "a"), OK);
    CHECK_INT(insert(s, 1, "b"), ERR_CONFLICT);
    CHECK_INT(insert(s, 2, "a"), ERR_CONFLICT);
    CHECK_INT(db_exec(s, INSERT, DB_ARGS(db_int(3), DB_NULL, DB_NULL, db_int(99)), NULL), ERR_CONFLICT);
    CHECK(scope_failure(s, ERR_CONFLICT).e == ERR_CONFLICT, "the scope knows why");
    CHECK_INT(db_exec(s, INSERT, DB_ARGS(db_int(4), DB_NULL, DB_NULL, db_int(1)), NULL), OK);
    CHECK_INT(db_exec(s, "DELETE FROM t WHERE id = 1", DB_NO_ARGS, NULL), ERR_CONFLICT);
    CHECK_INT(engine_int(s, COUNT_ROWS), 2);
}

ENGINE_TEST(an_upsert_replaces)
{
    const char *sql = "INSERT INTO t (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name";
    int64_t changed = 0;

    make_table(s);
    CHECK_INT(db_exec(s, sql, DB_ARGS(db_int(1), db_text("old")), &changed), OK);
    CHECK_INT(db_exec(s, sql, DB_ARGS(db_int(1), db_text("new")), &changed), OK);
    CHECK_INT(changed, 1);
    CHECK_STR(engine_text(s, "SELECT name FROM t"), "new");
}

ENGINE_TEST(a_batch_is_all_or_nothing)
{
    db_batch *b = db_batch_new(s->arena);

    make_table(s);
    CHECK_INT(db_batch_run(s, b), OK); /* empty */
    for (int i = 0; i < 100; i++)
        db_batch_add(b, INSERT, DB_ARGS(db_int(i), DB_NULL, db_real(i), DB_NULL));
    CHECK_INT(db_batch_run(s, b), OK);
    CHECK_INT(engine_int(s, COUNT_ROWS), 100);

    b = db_batch_new(s->arena);
    db_batch_add(b, INSERT, DB_ARGS(db_int(200), DB_NULL, DB_NULL, DB_NULL));
    db_batch_add(b, "UPDATE t SET size = -1", DB_NO_ARGS);
    db_batch_add(b, INSERT, DB_ARGS(db_int(5), DB_NULL, DB_NULL, DB_NULL));
    db_batch_add(b, INSERT, DB_ARGS(db_int(201), DB_NULL, DB_NULL, DB_NULL));
    CHECK_INT(db_batch_run(s, b), ERR_CONFLICT);
    CHECK_INT(engine_int(s, COUNT_ROWS), 100);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM t WHERE size < 0"), 0);
    CHECK_INT(insert(s, 300, "after"), OK);
}

ENGINE_TEST(a_batch_copies_its_arguments)
{
    db_batch *b = db_batch_new(s->arena);
    char name[] = "first";

    make_table(s);
    db_batch_add(b, INSERT, DB_ARGS(db_int(1), db_text(name), DB_NULL, DB_NULL));
    name[0] = 'X';
    CHECK_INT(db_batch_run(s, b), OK);
    CHECK_STR(engine_text(s, "SELECT name FROM t"), "first");
}

ENGINE_TEST(a_batch_fails_when_it_changes_other_rows_than_expected)
{
    db_batch *b = db_batch_new(s->arena);

    make_table(s);
    CHECK_INT(insert(s, 1, "a"), OK);
    db_batch_add(b, INSERT, DB_ARGS(db_int(2), DB_NULL, DB_NULL, DB_NULL));
    db_batch_expect(b, 1, "UPDATE t SET name = 'b' WHERE id = $1", DB_ARGS(db_int(7)));
    CHECK_INT(db_batch_run(s, b), ERR_CONFLICT);
    CHECK_INT(engine_int(s, COUNT_ROWS), 1);

    b = db_batch_new(s->arena);
    db_batch_expect(b, 1, "UPDATE t SET name = 'b' WHERE id = $1", DB_ARGS(db_int(1)));
    db_batch_expect(b, 0, "DELETE FROM t WHERE id = $1", DB_ARGS(db_int(9)));
    CHECK_INT(db_batch_run(s, b), OK);
    CHECK_STR(engine_text(s, "SELECT name FROM t"), "b");
}

ENGINE_TEST(bad_sql_is_an_error_of_ours_and_harms_nothing)
{
    db_rows r;

    make_table(s);
    CHECK_INT(db_query(s, "SELEKT 1", DB_NO_ARGS, &r), ERR_INTERNAL);
    CHECK_INT(db_query(s, "SELECT nothing FROM t", DB_NO_ARGS, &r), ERR_INTERNAL);
    CHECK_INT(db_exec(s, "INSERT INTO nowhere VALUES (1)", DB_NO_ARGS, NULL), ERR_INTERNAL);
    CHECK_INT(db_query(s, "SELECT id FROM t WHERE id = $1", DB_NO_ARGS, &r), ERR_INTERNAL);
    CHECK_INT(insert(s, 1, "still works"), OK);
    CHECK_INT(engine_int(s, COUNT_ROWS), 1);
}

ENGINE_TEST(text_that_is_no_text_is_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"a\0b", 3}, {"\xff\xfe", 2}, {"\xC0\x80", 2}, {"\xED\xA0\x80", 3}, {"cut \xE2\x82", 6}};
    db_batch *b = db_batch_new(s->arena);
    db_rows r;

    make_table(s);
    for (size_t i = 0; i < COUNT(bad); i++) {
        db_value v = {.kind = DB_IS_TEXT, .text = bad[i].bytes, .len = bad[i].len};

        CHECK_INT(db_exec(s, INSERT, DB_ARGS(db_int(1), v, DB_NULL, DB_NULL), NULL), ERR_INVALID);
        CHECK_INT(db_query(s, "SELECT id FROM t WHERE name = $1", DB_ARGS(v), &r), ERR_INVALID);
        db_batch_add(b, INSERT, DB_ARGS(db_int((int64_t)i), v, DB_NULL, DB_NULL));
    }
    CHECK_INT(db_batch_run(s, b), ERR_INVALID);
    CHECK_INT(engine_int(s, COUNT_ROWS), 0);
}

ENGINE_TEST(a_result_has_a_limit)
{
    const char *sql = "WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $2)"
                      " SELECT i FROM n";
    db_rows r;

    CHECK_INT(db_query(s, sql, DB_ARGS(db_int(1), db_int(100000)), &r), OK);
    CHECK_INT(r.count, 100000);
    CHECK_INT(db_row_int(&r, 99999, 0), 100000);
    CHECK_INT(db_query(s, sql, DB_ARGS(db_int(1), db_int(100001)), &r), ERR_TOO_LARGE);
    CHECK_INT(db_query(s, sql, DB_ARGS(db_int(1), db_int(0)), &r), OK);
    CHECK_INT(r.count, 1);
}

ENGINE_TEST(more_statements_than_the_cache_holds)
{
    db_rows r;

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 700; i++) {
            const char *sql = arena_printf(s->arena, "SELECT %d, CAST($1 AS BIGINT)", i);

            CHECK_INT(db_query(s, sql, DB_ARGS(db_int(round)), &r), OK);
            CHECK_INT(db_row_int(&r, 0, 0), i);
            CHECK_INT(db_row_int(&r, 0, 1), round);
        }
}

ENGINE_TEST(writes_are_not_cut_off_by_the_number_of_statements)
{
    db_tx *tx = NULL;

    make_table(s);
    for (int i = 0; i < 600; i++) {
        const char *sql = arena_printf(s->arena, "INSERT INTO t (id, name) VALUES ($1, 'batch %d')", i);
        db_batch *b = db_batch_new(s->arena);

        db_batch_expect(b, 1, sql, DB_ARGS(db_int(i)));
        CHECK(db_batch_run(s, b) == OK, "batch %d: %s", i, s->failure.text);
    }
    CHECK_INT(db_begin(s, &tx), OK);
    for (int i = 0; i < 600; i++) {
        const char *sql = arena_printf(s->arena, "UPDATE t SET name = 'transaction %d' WHERE id = $1", i);

        CHECK(db_tx_exec(s, tx, sql, DB_ARGS(db_int(i)), NULL) == OK, "statement %d: %s", i, s->failure.text);
    }
    CHECK_INT(db_commit(s, &tx), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM t WHERE name LIKE 'transaction%'"), 600);
}

ENGINE_TEST(an_address_used_for_another_text_runs_the_new_text)
{
    char sql[32];
    db_rows r;

    for (int i = 0; i < 3; i++) {
        snprintf(sql, sizeof sql, "SELECT %d", i);
        CHECK_INT(db_query(s, sql, DB_NO_ARGS, &r), OK);
        CHECK_INT(db_row_int(&r, 0, 0), i);
    }
}

ENGINE_TEST(a_transaction_reads_its_own_writes)
{
    db_tx *tx = NULL;
    int64_t changed = 0;
    db_rows r;

    make_table(s);
    CHECK_INT(db_begin(s, &tx), OK);
    CHECK_INT(db_tx_exec(s, tx, INSERT, DB_ARGS(db_int(1), db_text("x"), DB_NULL, DB_NULL), &changed), OK);
    CHECK_INT(changed, 1);
    CHECK_INT(db_tx_query(s, tx, "SELECT name FROM t", DB_NO_ARGS, &r), OK);
    CHECK_STR(db_row_text(&r, 0, 0), "x");
    CHECK_INT(engine_int(s, COUNT_ROWS), 0); /* not for others yet */
    CHECK_INT(db_commit(s, &tx), OK);
    CHECK(tx == NULL, "cleared");
    CHECK_INT(engine_int(s, COUNT_ROWS), 1);
    db_rollback(NULL);
}

ENGINE_TEST(a_transaction_rolled_back_leaves_nothing)
{
    scope *child = scope_child(s, NO_LIMIT);
    db_tx *tx = NULL;

    make_table(s);
    CHECK_INT(db_begin(s, &tx), OK);
    CHECK_INT(db_tx_exec(s, tx, INSERT, DB_ARGS(db_int(1), DB_NULL, DB_NULL, DB_NULL), NULL), OK);
    db_rollback(tx);
    db_rollback(tx); /* harmless */
    CHECK_INT(db_begin(child, &tx), OK);
    CHECK_INT(db_tx_exec(child, tx, INSERT, DB_ARGS(db_int(2), DB_NULL, DB_NULL, DB_NULL), NULL), OK);
    scope_close(child); /* forgotten: ends with its scope */
    CHECK_INT(engine_int(s, COUNT_ROWS), 0);
    CHECK_INT(insert(s, 3, "free again"), OK);
}

ENGINE_TEST(a_transaction_with_an_error_cannot_be_committed)
{
    db_tx *tx = NULL;
    db_rows r;

    make_table(s);
    CHECK_INT(insert(s, 1, "a"), OK);
    CHECK_INT(db_begin(s, &tx), OK);
    CHECK_INT(db_tx_exec(s, tx, INSERT, DB_ARGS(db_int(2), DB_NULL, DB_NULL, DB_NULL), NULL), OK);
    CHECK_INT(db_tx_exec(s, tx, INSERT, DB_ARGS(db_int(1), DB_NULL, DB_NULL, DB_NULL), NULL), ERR_CONFLICT);
    CHECK_INT(db_tx_query(s, tx, COUNT_ROWS, DB_NO_ARGS, &r), ERR_INTERNAL);
    CHECK_INT(db_commit(s, &tx), ERR_INTERNAL);
    CHECK_INT(engine_int(s, COUNT_ROWS), 1);
}

static err other_writer(scope *s, void *arg)
{
    *(err *)arg = db_exec(s, "UPDATE t SET name = 'other' WHERE id = 1", DB_NO_ARGS, NULL);
    return OK;
}

ENGINE_TEST(writers_of_the_same_row_wait_for_a_transaction)
{
    scope *group = scope_child(s, NO_LIMIT);
    err other = ERR_COUNT;
    db_tx *tx = NULL;

    make_table(s);
    CHECK_INT(insert(s, 1, "a"), OK);
    CHECK_INT(db_begin(s, &tx), OK);
    CHECK_INT(db_tx_exec(s, tx, "UPDATE t SET name = 'mine' WHERE id = 1", DB_NO_ARGS, NULL), OK);
    scope_spawn(group, other_writer, &other);
    CHECK_INT(sleep_for(s, MILLISECONDS(50)), OK);
    CHECK_INT(other, ERR_COUNT);
    CHECK_INT(db_commit(s, &tx), OK);
    CHECK_INT(scope_join(group), OK);
    CHECK_INT(other, OK);
    CHECK_STR(engine_text(s, "SELECT name FROM t"), "other");
}

/* Keeps writers waiting: the writer thread of SQLite, or a row lock in PostgreSQL. */
static db_tx *hold_writers(scope *s)
{
    db_tx *tx = NULL;

    make_table(s);
    CHECK_INT(insert(s, 1, "held"), OK);
    CHECK_INT(db_begin(s, &tx), OK);
    CHECK_INT(db_tx_exec(s, tx, "UPDATE t SET name = 'by me' WHERE id = 1", DB_NO_ARGS, NULL), OK);
    return tx;
}

ENGINE_TEST(a_write_given_up_before_it_began_is_not_done)
{
    db_tx *tx = hold_writers(s);
    scope *child = scope_child(s, MILLISECONDS(30));

    if (engine_is("postgres"))
        return; /* it has begun there: see the next test */
    CHECK_INT(db_exec(child, "DELETE FROM t", DB_NO_ARGS, NULL), ERR_TIMEOUT);
    CHECK_INT(db_exec(child, "DELETE FROM t", DB_NO_ARGS, NULL), ERR_TIMEOUT); /* over already */
    CHECK_INT(db_commit(s, &tx), OK);
    CHECK_INT(insert(s, 2, "next"), OK);
    CHECK_INT(engine_int(s, COUNT_ROWS), 2);
}

typedef struct {
    scope *of;
    err result;
} late_write;

static err write_late(scope *s, void *arg)
{
    late_write *w = arg;

    (void)s;
    w->result = db_exec(w->of, "UPDATE t SET size = 1 WHERE id = 1", DB_NO_ARGS, NULL);
    return OK;
}

ENGINE_TEST(a_write_given_up_tells_the_truth)
{
    db_tx *tx = hold_writers(s);
    scope *group = scope_child(s, NO_LIMIT), *doomed = scope_child(s, NO_LIMIT);
    late_write w = {.of = doomed, .result = ERR_COUNT};

    scope_spawn(group, write_late, &w);
    CHECK_INT(sleep_for(s, MILLISECONDS(30)), OK);
    scope_cancel(doomed, "no longer wanted");
    CHECK_INT(sleep_for(s, MILLISECONDS(30)), OK);
    CHECK_INT(db_commit(s, &tx), OK);
    CHECK_INT(scope_join(group), OK);
    CHECK(w.result == OK || w.result == ERR_CANCELLED, "%s", err_name(w.result));
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM t WHERE size = 1"), w.result == OK ? 1 : 0);
}

ENGINE_TEST(waiting_for_a_transaction_can_be_given_up)
{
    db_tx *tx = hold_writers(s), *second = NULL;
    scope *child = scope_child(s, engine_is("postgres") ? SECONDS(20) : MILLISECONDS(30));
    err e = db_begin(child, &second);

    CHECK_INT(e, engine_is("postgres") ? OK : ERR_TIMEOUT);
    scope_close(child);
    CHECK_INT(db_commit(s, &tx), OK);
    CHECK_INT(db_begin(s, &tx), OK);
    CHECK_INT(db_commit(s, &tx), OK);
}

ENGINE_TEST(nothing_is_done_in_a_scope_that_has_ended)
{
    scope *child = scope_child(s, NO_LIMIT);
    db_batch *b = db_batch_new(s->arena);
    db_tx *tx = NULL;
    db_rows r;

    make_table(s);
    scope_cancel(child, "over");
    CHECK_INT(db_query(child, COUNT_ROWS, DB_NO_ARGS, &r), ERR_CANCELLED);
    CHECK_INT(insert(child, 1, "x"), ERR_CANCELLED);
    CHECK_INT(db_begin(child, &tx), ERR_CANCELLED);
    db_batch_add(b, INSERT, DB_ARGS(db_int(1), DB_NULL, DB_NULL, DB_NULL));
    CHECK_INT(db_batch_run(child, b), ERR_CANCELLED);
    CHECK_INT(engine_int(s, COUNT_ROWS), 0);
}

/* Many fibers. */

enum { FIBERS = 40, WRITES_EACH = 20 };

static err write_rows(scope *s, void *arg)
{
    int64_t first = (int64_t)(intptr_t)arg * WRITES_EACH;

    for (int64_t i = 0; i < WRITES_EACH; i++) {
        db_batch *b = db_batch_new(s->arena);

        db_batch_add(b, INSERT, DB_ARGS(db_int(first + i), DB_NULL, DB_NULL, DB_NULL));
        db_batch_expect(b, 1, "UPDATE t SET size = $2 WHERE id = $1", DB_ARGS(db_int(first + i), db_real(0.5)));
        TRY(db_batch_run(s, b));
        if (i % 5 == 0 && insert(s, first, "again") != ERR_CONFLICT) /* one that fails in the same group */
            return ERR_INTERNAL;
    }
    return OK;
}

ENGINE_TEST_LOOPS(batches_of_two_loops_do_not_hurt_each_other, 2, .limit = 60)
{
    scope *group = scope_child(s, NO_LIMIT);
    size_t mine = loop_index(s->loop);

    if (db_exec(s, MAKE_TABLE, DB_NO_ARGS, NULL) != OK) /* PostgreSQL may see the other loop making it */
        make_table(s);
    for (size_t i = 0; i < FIBERS; i++)
        scope_spawn(group, write_rows, (void *)(intptr_t)(mine * FIBERS + i));
    CHECK_INT(scope_join(group), OK);
    CHECK(engine_int(s, "SELECT COUNT(*) FROM t WHERE size = 0.5") >= FIBERS * WRITES_EACH, "all of this loop");
    CHECK(db_read_stats().commits > 0 && db_read_stats().writes >= FIBERS * WRITES_EACH, "counted");
}
