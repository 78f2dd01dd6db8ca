/* SPDX-License-Identifier: MIT */
/*
 * Secrets at rest: sealed with libsodium's secretbox under the master key (SLUICE_SECRET_KEY, or a 0600 file beside the data).
 */
#ifndef DB_SEAL_H
#define DB_SEAL_H

#include "base/arena.h"
#include "base/err.h"

/* Takes the master key: from `env_value` when set (any text of at least 16 characters; hashed), else from the file, which is
 * made when absent.  ERR_INVALID: too short, or the file is readable by others.  ERR_IO. */
MUST_USE err seal_setup(const char *env_value, const char *key_file, char *why, size_t why_size);

/* Sealed text, base64 with a version prefix, for a TEXT column.  NULL gives NULL. */
char *seal_text(arena *a, const char *secret);

/* ERR_INVALID when it was sealed with another key or changed.  NULL gives NULL. */
MUST_USE err seal_open(arena *a, const char *sealed, char **secret);

/* A key of 32 bytes for one purpose ("jwt", "csrf"), derived from the master key: stable as long as that is. */
void seal_derive(const char *purpose, unsigned char key[32]);

#endif
