/* SPDX-License-Identifier: MIT */
/*
 * Whose rows a query may see or change: one user's, or everybody's.
 *
 * Every query on owned records takes one, so that ownership is decided in the WHERE clause and not by each caller.  A NULL
 * user id (nobody is logged in) owns nothing; everybody's rows must be asked for explicitly.
 */
#ifndef MODEL_OWNED_H
#define MODEL_OWNED_H

#include "base/def.h"

typedef struct {
    const char *user_id;
    bool anyone; /* administrators, and the server itself */
} owned_by;

#define OWNED_BY_ANYONE ((owned_by){.anyone = true})

static inline owned_by owned_by_user(const char *user_id)
{
    return (owned_by){.user_id = user_id};
}

/* A page of a list.  `limit` 0 means 100; at most 1000, unless everything is asked for. */
typedef struct {
    int64_t offset, limit;
    bool all; /* for lists that an API gives whole; `limit` does not count */
} page;

#endif
