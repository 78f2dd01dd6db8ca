/* SPDX-License-Identifier: MIT */
/*
 * What an API key may be allowed to do.
 *
 * One table for all faces: LangBot's and Langdock's scopes keep their own names; "sage" and "langflow" open those faces as
 * their user, and "*" everything the user may do.  A list of scopes is one text, separated by single spaces.
 */
#ifndef AUTH_SCOPES_H
#define AUTH_SCOPES_H

#include "base/arena.h"
#include "base/str.h"

typedef enum { SCOPES_ALL, SCOPES_SAGE, SCOPES_LANGFLOW, SCOPES_LANGBOT, SCOPES_LANGDOCK } scope_family;

typedef struct {
    const char *name;
    scope_family family;
    const char *text;
} scope_entry;

extern const scope_entry scope_table[];
extern const size_t scope_table_count;

const scope_entry *scope_find(str name); /* NULL when there is no such scope */

/* Whether the list holds `scope` or "*". */
bool scopes_cover(const char *list, const char *scope);

/* The faces that a key with these scopes is for: "sage langdock", or "*". */
char *scopes_faces(arena *a, const char *list);

/* Every known name, ", " between them, for messages. */
char *scopes_known(arena *a);

#endif
