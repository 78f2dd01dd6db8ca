/* SPDX-License-Identifier: MIT */
/*
 * Rows that every chat asks for and that seldom change, remembered on each loop for as long as nothing of their table family
 * changes (version.h).
 *
 * Only for reading: whoever reads a row in order to change it asks the database.  Not for other layers: the records have
 * functions of their own for it (agent_recall() …).
 */
#ifndef MODEL_RECALL_H
#define MODEL_RECALL_H

#include "model/rows.h"
#include "model/version.h"

/* As db_query(), perhaps without asking.  Results above 32 KB are not remembered, nor that there are no rows, unless
 * `even_none`: then a row that another process inserts is missed for up to VERSION_TRUST. */
MUST_USE err model_recall(scope *s, version_family f, bool even_none, const char *sql, const db_value *args, size_t n,
                          db_rows *out);

#endif
