/* SPDX-License-Identifier: MIT */
/*
 * Files of scripts: from the reference that a model or person writes to bytes, and from what a script returned to an attachment
 * (contracts/langdock.md section 3.7).
 */
#ifndef SCRIPT_FILES_H
#define SCRIPT_FILES_H

#include "script/script.h"

/* For whom names are looked up. */
typedef struct {
    const char *user_id;
    const char *workspace; /* directory, or NULL */
} file_owner;

/*
 * What a reference means: "attachment/UUID/name" or a bare UUID; "/mnt/data/name" or a name: a file of the workspace, else the user's newest
 * attachment of that name.  A file of the workspace is copied, so that nobody changes it meanwhile.  ERR_NOT_FOUND, code
 * "file.not_found"; ERR_TOO_LARGE, code "file.too_large": over the limit of its kind (section 3.6).
 */
MUST_USE err files_resolve(scope *s, const file_owner *who, const char *reference, script_input_file *out);

/* Stores a file as an attachment of the user.  *id is in the scope's arena. */
MUST_USE err files_keep(scope *s, const char *user_id, const script_output_file *f, const char **id);

/* The largest file of this media type and name that scripts get. */
int64_t files_limit(const char *mime, const char *name);

#endif
