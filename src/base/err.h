/* SPDX-License-Identifier: MIT */
/*
 * What a fallible function returns.  OK is 0; the sentence for the user is recorded in the scope by fail() (rt/scope.h)
 * where the cause is known.  A face's envelope alone turns these into statuses.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/def.h"

typedef enum {
    OK = 0,
    ERR_INVALID,         /* the input breaks a rule: wrong type, range, syntax */
    ERR_UNAUTHENTICATED, /* nobody is logged in, or the credential is bad */
    ERR_DENIED,          /* somebody is, but may not do this */
    ERR_NOT_FOUND,
    ERR_CONFLICT,    /* exists already, or the state does not allow it */
    ERR_BUSY,        /* try again later: locked, running, too many at once */
    ERR_RATE,        /* too many requests from this caller */
    ERR_TOO_LARGE,   /* a size or count limit */
    ERR_LIMIT,       /* a limit of time, turns or depth of our own */
    ERR_TIMEOUT,     /* the scope's deadline passed */
    ERR_CANCELLED,   /* the scope was cancelled */
    ERR_CLOSED,      /* the other side is gone: channel, connection, stream */
    ERR_IO,          /* reading or writing failed */
    ERR_NO_SPACE,    /* the disk or quota is full */
    ERR_UPSTREAM,    /* a server that we called failed or answered nonsense */
    ERR_UNSUPPORTED, /* not in this build, or not configured */
    ERR_INTERNAL,    /* our own mistake */
    ERR_COUNT
} err;

/* The lower-case name of `e` ("not_found"), for logs and tests. */
const char *err_name(err e);

/* Returns from the calling function when `call` fails.  For functions without anything to release. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        err try_e_ = (call);                                                                                           \
        if (try_e_ != OK)                                                                                              \
            return try_e_;                                                                                             \
    } while (0)

#endif
