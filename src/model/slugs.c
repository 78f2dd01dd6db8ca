/* SPDX-License-Identifier: MIT */
/* See slugs.h. */
#include "model/slugs.h"

#include "base/slug.h"

enum { SLUG_MAX = 63 }; /* model providers take no longer tool names */

static bool has_slug(const db_rows *r, const char *slug)
{
    for (size_t i = 0; i < r->count; i++)
        if (cstr_eq(db_row_text(r, i, 0), slug))
            return true;
    return false;
}

err slugs_pick(scope *s, const slug_table *t, const char *integration_id, const char *name, const char **slug,
               bool *full)
{
    const char *base = slug_make(s->arena, name, t->fallback, SLUG_MAX);
    db_rows r;

    TRY(db_query(s, t->taken, DB_ARGS(db_text(integration_id)), &r));
    *full = r.count >= t->max_rows;
    *slug = base;
    for (size_t n = 2; has_slug(&r, *slug); n++)
        *slug = slug_numbered(s->arena, base, n, SLUG_MAX);
    return OK;
}

err slugs_name_taken(scope *s, const slug_table *t, const char *integration_id, const char *name, const char *but_id,
                     bool *taken)
{
    int64_t n = 0;

    TRY(model_count(s, t->named, DB_ARGS(db_text(integration_id), db_text(name), db_text(but_id)), &n));
    *taken = n > 0;
    return OK;
}
