/* SPDX-License-Identifier: MIT */
/*
 * Remembered rows; see recall.h.  A table of each loop, in which a question has one place: whatever comes there later takes
 * it.  Rows are copied out, because the table may forget them while their reader is parked.
 */
#include "model/recall.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/loop.h"

enum { PLACES = 128, ROWS_MAX = 32 << 10 };

typedef struct {
    arena *memory; /* NULL: the place is free */
    const char *sql;
    const db_value *args;
    size_t n_args;
    db_rows rows;
    uint64_t version;
    int64_t loaded_at;
} memory;

static THREAD_LOCAL memory *table;

static void forget(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < PLACES; i++)
        arena_free(table[i].memory);
    free(table);
    table = NULL;
}

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u; /* FNV-1a */
    return h;
}

static memory *place_of(const char *sql, const db_value *args, size_t n)
{
    uint64_t h = mix(0xcbf29ce484222325u, &sql, sizeof sql);

    for (size_t i = 0; i < n; i++)
        h = args[i].kind == DB_IS_TEXT ? mix(h, args[i].text, args[i].len) : h * 31 + (uint64_t)args[i].integer;
    if (table == NULL) {
        table = mem_zalloc(PLACES, sizeof *table);
        scope_defer(loop_root(loop_self()), forget, NULL);
    }
    return &table[(h ^ h >> 32) % PLACES];
}

static bool same_value(const db_value *a, const db_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == DB_IS_TEXT)
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    return a->kind == DB_IS_NULL || (a->kind == DB_IS_INT && a->integer == b->integer);
}

static bool asked_before(const memory *m, const char *sql, const db_value *args, size_t n)
{
    if (m->memory == NULL || m->sql != sql || m->n_args != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!same_value(&m->args[i], &args[i]))
            return false;
    return true;
}

static db_value *copy_values(arena *a, const db_value *from, size_t n)
{
    db_value *to = arena_memdup(a, from, n * sizeof *from);

    for (size_t i = 0; i < n; i++)
        if (from[i].kind == DB_IS_TEXT)
            to[i].text = arena_strndup(a, from[i].text, from[i].len);
    return to;
}

static db_rows copy_rows(arena *a, const db_rows *from)
{
    return (db_rows){from->count, from->columns, copy_values(a, from->values, from->count * from->columns)};
}

static bool small(const db_rows *r)
{
    size_t cells = r->count * r->columns, size = cells * sizeof *r->values;

    for (size_t i = 0; i < cells && size <= ROWS_MAX; i++)
        size += r->values[i].kind == DB_IS_TEXT ? r->values[i].len : 0;
    return size <= ROWS_MAX;
}

static void remember(memory *m, uint64_t version, const char *sql, const db_value *args, size_t n, const db_rows *rows)
{
    arena *a = arena_new(NULL);

    arena_free(m->memory);
    *m = (memory){.memory = a,
                  .sql = sql,
                  .args = copy_values(a, args, n),
                  .n_args = n,
                  .rows = copy_rows(a, rows),
                  .version = version,
                  .loaded_at = clock_mono()};
}

err model_recall(scope *s, version_family f, bool even_none, const char *sql, const db_value *args, size_t n,
                 db_rows *out)
{
    uint64_t version = version_of(f); /* before the rows */
    memory *m = place_of(sql, args, n);

    if (asked_before(m, sql, args, n) && m->version == version && clock_mono() - m->loaded_at < VERSION_TRUST) {
        *out = copy_rows(s->arena, &m->rows);
        return OK;
    }
    TRY(db_query(s, sql, args, n, out)); /* the place may be another's now, and then is taken back */
    if ((out->count > 0 || even_none) && small(out))
        remember(m, version, sql, args, n, out);
    return OK;
}
