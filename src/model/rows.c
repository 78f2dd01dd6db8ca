/* SPDX-License-Identifier: MIT */
/* See rows.h. */
#include "model/rows.h"

#include <stdatomic.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "rt/sleep.h"

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000, KEY_MOST = 4 * 255 /* bytes of 255 characters */ };

int64_t page_limit(page p)
{
    if (p.all)
        return INT64_MAX;
    if (p.limit <= 0)
        return PAGE_DEFAULT;
    return p.limit < PAGE_MOST ? p.limit : PAGE_MOST;
}

const char *like_anywhere(arena *a, const char *text)
{
    buf *b;

    if (text == NULL || text[0] == '\0')
        return "%";
    b = buf_new(a, 2 * strlen(text) + 3);
    buf_putc(b, '%');
    for (; *text != '\0'; text++) {
        if (*text == '%' || *text == '_' || *text == '\\')
            buf_putc(b, '\\');
        buf_putc(b, *text);
    }
    buf_putc(b, '%');
    return buf_str(b);
}

err model_missing(scope *s, const char *code, const char *what, const char *id)
{
    return fail_code(s, ERR_NOT_FOUND, code, id, "no %s %s", what, text_or(id, "without an id"));
}

err model_changed(scope *s, const char *code, const char *what, const char *id)
{
    return fail_code(s, ERR_CONFLICT, code, id, "the %s was changed by somebody else meanwhile", what);
}

err model_check_key(scope *s, const char *what, const char *text)
{
    if (text == NULL || strlen(text) <= KEY_MOST)
        return OK;
    return fail(s, ERR_INVALID, "%s is longer than %d bytes", what, KEY_MOST);
}

err model_exec_one(scope *s, const char *code, const char *what, const char *id, const char *sql, const db_value *args,
                   size_t n)
{
    int64_t changed = 0;

    TRY(db_exec(s, sql, args, n, &changed));
    return changed > 0 ? OK : model_missing(s, code, what, id);
}

err model_count(scope *s, const char *sql, const db_value *args, size_t n, int64_t *out)
{
    db_rows r;

    TRY(db_query(s, sql, args, n, &r));
    *out = db_row_int(&r, 0, 0);
    return OK;
}

/* So that those who meet do not meet again. */
static err step_aside(scope *s, int tries)
{
    uint64_t r;

    random_bytes(&r, sizeof r);
    return sleep_for(s, (int64_t)(r % (uint64_t)MILLISECONDS(4 * tries)));
}

err model_retry(scope *s, const char *code, model_try once, void *arg)
{
    enum { TRIES = 16 };

    for (int i = 1;; i++) {
        scope *own = scope_child(s, NO_LIMIT);
        err e = once(own, arg);

        if (e == OK)
            return OK;
        if (own->failure.e == e)
            fail_from(s, own, e);
        scope_close(own);
        if (e != ERR_CONFLICT || !cstr_eq(s->failure.code, code) || i == TRIES)
            return e;
        s->failure = (failure){0};
        TRY(step_aside(s, i));
    }
}

int64_t model_later(int64_t before)
{
    return MAX_OF(clock_wall(), before + 1);
}

/* Microseconds, and ten bits that count up from a random start: two processes would have to agree on both. */
int64_t model_number(void)
{
    static atomic_uint counter;
    static atomic_bool seeded;

    if (!atomic_exchange(&seeded, true)) {
        unsigned start;

        random_bytes(&start, sizeof start);
        atomic_fetch_add(&counter, start);
    }
    return clock_wall() * 1024 + (int64_t)(atomic_fetch_add(&counter, 1) % 1024);
}
