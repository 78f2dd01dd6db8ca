/* SPDX-License-Identifier: MIT */
/*
 * Secrets inside free objects and addresses, as LangBot's clients without the permission for them see them, and as they send
 * them back (contracts/langbot.md section 1).
 *
 * Which member is secret is told by its name: "api_key", "dbPassword", "X-Auth-Token".
 */
#ifndef FACE_LANGBOT_SECRETS_H
#define FACE_LANGBOT_SECRETS_H

#include "base/json.h"
#include "rt/scope.h"

bool secrets_named(arena *a, const char *name);

/* A copy in which every value below such a name is "***", and addresses have lost their passwords; borrowed from `a`. */
json_t *secrets_hide(arena *a, json_t *value);
const char *secrets_hide_url(arena *a, const char *url);

/* The opposite: a copy in which "***" below such a name is the value that `stored` (may be NULL) has there.  ERR_INVALID where
 * there is none. */
MUST_USE err secrets_restore(scope *s, json_t *sent, json_t *stored, json_t **out);
const char *secrets_restore_url(arena *a, const char *sent, const char *stored);

#endif
