/* SPDX-License-Identifier: MIT */
/*
 * Columns of providers and models, for provider.c, model.c and served.c.
 */
#ifndef MODEL_PROVIDER_INTERNAL_H
#define MODEL_PROVIDER_INTERNAL_H

#include "model/provider.h"
#include "model/rows.h"

#define PROVIDER_COLUMNS                                                                                               \
    "p.id, p.owner_id, p.name, p.requester, p.base_url, p.sealed_keys, p.extra, p.is_default, p.created_at, "          \
    "p.updated_at"
#define MODEL_COLUMNS                                                                                                  \
    "m.id, m.provider_id, m.name, m.kind, m.abilities, m.extra_args, m.reasoning, m.context_length, m.ranking, "       \
    "m.created_at, m.updated_at"
#define SERVED "SELECT " PROVIDER_COLUMNS ", " MODEL_COLUMNS " FROM model m JOIN provider p ON p.id = m.provider_id "

/* The parameters $1, $2, $3 of IN_SCOPE. */
#define IN_SCOPE "($1 = 1 OR p.owner_id = $2 OR ($3 = 1 AND p.owner_id IS NULL))"
#define SCOPE(sc) WHO((sc).who), db_int((sc).with_system)

void provider_read(row_reader *r, provider_row *p);
void model_read(row_reader *r, model_row *m);

/* Fill what is missing before an insert. */
void provider_fill(scope *s, provider_row *p);
void model_fill(scope *s, model_row *m);

/* Parts of batches.  The first takes the default flag from the owner's other providers when p has it. */
void provider_add_default(db_batch *b, const provider_row *p);
void provider_add_insert(db_batch *b, const provider_row *p);
void provider_add_update(db_batch *b, owned_by who, const provider_row *p, int64_t read_at);
void model_add_insert(db_batch *b, const model_row *m);
void model_add_update(db_batch *b, owned_by who, const model_row *m, int64_t read_at);

/* What model_change() and served_change() are at. */
typedef struct {
    owned_by who;
    const char *id;
    served_edit edit;
    void *arg;
} served_changing;

/* The same set of keys? */
bool provider_has_keys(scope *s, const provider_row *p, const char *const *keys, size_t n);

err provider_gone(scope *s, const char *id);
err model_gone(scope *s, const char *id);

#endif
