/* SPDX-License-Identifier: MIT */
/*
 * A copy of all objects, for backups: another directory of the same form.
 */
#ifndef STORE_OBJECT_BACKUP_H
#define STORE_OBJECT_BACKUP_H

#include "base/err.h"

/*
 * Copies what is in `from` (a directory of object_setup(), also while a server uses it) to `to`, which must not exist and is made
 * when there is something to copy.  Objects never change, so each is whole; one that is deleted meanwhile is left out.  Everything is
 * synced.  *count: how many.  ERR_CONFLICT: `to` exists; ERR_NO_SPACE; ERR_IO; on failure `why` says what is wrong, and what was
 * copied stays.  Blocks; no fiber needed; one at a time.
 */
MUST_USE err object_backup(const char *from, const char *to, size_t *count, char *why, size_t why_size);

#endif
