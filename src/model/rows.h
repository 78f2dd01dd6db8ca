/* SPDX-License-Identifier: MIT */
/*
 * What the files of model/ share: reading rows column by column, pages, and the usual failures.  Not for other layers.
 */
#ifndef MODEL_ROWS_H
#define MODEL_ROWS_H

#include "db/db.h"
#include "model/owned.h"
#include "rt/scope.h"

/* Takes the columns of a row in the order of the SELECT, so that the list of columns and the reading stand side by side. */
typedef struct {
    const db_rows *rows;
    size_t row, column;
} row_reader;

static inline const char *take_text(row_reader *r)
{
    return db_row_text(r->rows, r->row, r->column++);
}

static inline int64_t take_int(row_reader *r)
{
    return db_row_int(r->rows, r->row, r->column++);
}

static inline bool take_bool(row_reader *r)
{
    return take_int(r) != 0;
}

/* The first two parameters of a query with an owner: "($1 = 1 OR owner_id = $2)". */
#define WHO(who) db_int((who).anyone), db_text((who).user_id)

/* LIMIT and OFFSET as parameters. */
#define PAGE(p) db_int(page_limit(p)), db_int((p).offset > 0 ? (p).offset : 0)
int64_t page_limit(page p);

/* For "lower(x) LIKE lower($n) ESCAPE '\'": `text` anywhere, taken literally; NULL or empty finds everything. */
const char *like_anywhere(arena *a, const char *text);

/* ERR_NOT_FOUND: "no agent a1". */
err model_missing(scope *s, const char *code, const char *what, const char *id);

/* ERR_CONFLICT: "the agent was changed meanwhile". */
err model_changed(scope *s, const char *code, const char *what, const char *id);

/* For what is kept in an index: at most 1000 bytes (PostgreSQL's limit is not far above). */
MUST_USE err model_check_key(scope *s, const char *what, const char *text);

/* One write that must hit a row: 0 rows is model_missing(). */
MUST_USE err model_exec_one(scope *s, const char *code, const char *what, const char *id, const char *sql,
                            const db_value *args, size_t n);

/* A count: the first cell. */
MUST_USE err model_count(scope *s, const char *sql, const db_value *args, size_t n, int64_t *out);

/*
 * Changing a row that somebody else may be changing, too: `once` reads it, edits it, and writes it where its updated_at is what
 * was read, else fails with ERR_CONFLICT and `code`; then it is called again, a few times.  Each try has a scope of its own, and
 * that of the last one lives as long as `s`.
 */
typedef err (*model_try)(scope *s, void *arg);
MUST_USE err model_retry(scope *s, const char *code, model_try once, void *arg);

/* The time of a change, which no earlier state of the row has. */
int64_t model_later(int64_t before);

/* A number that grows with time and is not given twice. */
int64_t model_number(void);

static inline const char *text_or(const char *text, const char *fallback)
{
    return text != NULL ? text : fallback;
}

#endif
