/* SPDX-License-Identifier: MIT */
/*
 * Attachments: files that users uploaded, or that actions made, for agents and actions to read.
 *
 * The bytes are an object (store/object.h).  A deleted attachment keeps its row, so that its id is never somebody else's, and
 * loses its object.
 */
#ifndef MODEL_ATTACHMENT_H
#define MODEL_ATTACHMENT_H

#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id; /* UUID */
    const char *owner_id;
    const char *name; /* as the user named the file, without path */
    const char *mime; /* "text/plain" … */
    int64_t size;     /* in bytes */
    const char *object_key;
    int64_t created_at;
} attachment_row;

enum { ATTACHMENTS_MAX = 10000 }; /* of a user; not counting deleted ones */

/* Fills id (when NULL) and time.  ERR_TOO_LARGE, code "attachment.too_many". */
MUST_USE err attachment_insert(scope *s, attachment_row *at);

/* ERR_NOT_FOUND, code "attachment.not_found": unknown, deleted, or somebody else's, of which nobody learns. */
MUST_USE err attachment_find(scope *s, owned_by who, const char *id, attachment_row **out);

/* The newest of that name: how tools refer to files.  Errors as above. */
MUST_USE err attachment_find_by_name(scope *s, owned_by who, const char *name, attachment_row **out);

/* Marks it deleted; the caller deletes the object, whose key is in *out.  Errors as above. */
MUST_USE err attachment_delete(scope *s, owned_by who, const char *id, attachment_row **out);

#endif
