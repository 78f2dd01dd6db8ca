/* SPDX-License-Identifier: MIT */
/*
 * Objects: bytes that somebody uploaded or a run made, by key.
 *
 * A key is a UUID of ours, never a user's text, so no name can point elsewhere.  An object is written once and whole: it is
 * there with all its bytes, on disk, or not at all.  They are kept in a local directory; nothing here says so to callers but
 * object_fetch(), which gives a file to read from, so that another place can be put behind the same functions.
 */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include "base/str.h"
#include "rt/scope.h"

/* Makes the directory, and clears what uploads that were cut off have left in it.  At start, before the loops run. */
MUST_USE err object_setup(const char *directory, char *why, size_t why_size);

/* All park.  ERR_NO_SPACE: the disk is full.  ERR_NOT_FOUND, code "object.not_found".  ERR_UNSUPPORTED without a setup. */

/* Stores the bytes under a new key, in `a`. */
MUST_USE err object_put(scope *s, arena *a, const void *bytes, size_t len, const char **key);

/* For what comes in pieces: a path, in `a`, where nothing is yet; the caller writes the file there (multipart_to_file()) and hands it
 * over, which makes an object of it, or drops it. */
MUST_USE err object_stage(scope *s, arena *a, const char **path);
MUST_USE err object_put_staged(scope *s, arena *a, const char *path,
                               const char **key); /* gone from there in any case */
void object_drop_staged(const char *path);        /* accepts NULL */

/* The object as a file to read, until `s` ends. */
typedef struct {
    const char *path;
    int64_t size;
} object_file;
MUST_USE err object_fetch(scope *s, const char *key, object_file *out);

/* Its bytes, NUL-terminated, in `a`.  ERR_TOO_LARGE when there are more than `max`. */
MUST_USE err object_read(scope *s, arena *a, const char *key, size_t max, str *out);

/* OK also when there is none. */
MUST_USE err object_delete(scope *s, const char *key);

/* The same for what nobody can find any more, also when the caller's scope has ended: logged when it cannot be.  Accepts NULL. */
void object_discard(const char *key);

#endif
