/* SPDX-License-Identifier: MIT */
/*
 * Small facts of the installation that are set while it runs: name and text ("allow_registration", the instance id …).
 */
#ifndef MODEL_KV_H
#define MODEL_KV_H

#include "rt/scope.h"

typedef struct {
    const char *name, *value;
} kv_row;

MUST_USE err kv_get(scope *s, const char *name, const char *fallback, const char **out); /* fallback when not set */
MUST_USE err kv_set(scope *s, const char *name, const char *value);
MUST_USE err kv_set_if_absent(scope *s, const char *name, const char *value, const char **now); /* what it is now */
MUST_USE err kv_delete(scope *s, const char *name);                          /* OK when there is none */
MUST_USE err kv_list(scope *s, const char *prefix, kv_row **out, size_t *n); /* by name */

#endif
