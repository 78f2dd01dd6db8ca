/* SPDX-License-Identifier: MIT */
/*
 * Permission rules that all faces share, so that none is a way around another.
 */
#ifndef AUTH_RULES_H
#define AUTH_RULES_H

#include "auth/identity.h"
#include "base/str.h"
#include "model/owned.h"

/* Whether the caller owns something, or may act on everything.  What nobody owns (NULL) is the administrators'. */
static inline bool owner_or_admin(const identity *who, const char *owner_id)
{
    return who != NULL && (who->admin || (owner_id != NULL && cstr_eq(who->user_id, owner_id)));
}

/* The rows that the caller may see or change: his own, or all for an administrator; none for nobody. */
static inline owned_by rows_of(const identity *who)
{
    return (owned_by){.user_id = who != NULL ? who->user_id : NULL, .anyone = who != NULL && who->admin};
}

/* Only his own, also for administrators. */
static inline owned_by own_rows_of(const identity *who)
{
    return (owned_by){.user_id = who != NULL ? who->user_id : NULL};
}

#endif
