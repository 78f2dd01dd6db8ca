/* SPDX-License-Identifier: MIT */
/* Names and slugs that are unique among the parts of one integration.  Not for other layers. */
#ifndef MODEL_SLUGS_H
#define MODEL_SLUGS_H

#include "model/rows.h"

/* The statements of one table; texts are literals, see db/db.h. */
typedef struct {
    const char *fallback; /* slug of a name without a Latin letter or digit */
    const char *taken;    /* slugs of an integration ($1) */
    const char *named;    /* how many others than $3 in $1 are named $2 */
    size_t max_rows;
} slug_table;

/* The first slug of that name that is free; *full when the integration has max_rows parts. */
MUST_USE err slugs_pick(scope *s, const slug_table *t, const char *integration_id, const char *name, const char **slug,
                        bool *full);

MUST_USE err slugs_name_taken(scope *s, const slug_table *t, const char *integration_id, const char *name,
                              const char *but_id, bool *taken);

#endif
