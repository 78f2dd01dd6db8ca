/* SPDX-License-Identifier: MIT */
/* Names of errors. */
#include "base/err.h"

const char *err_name(err e)
{
    static const char *const names[ERR_COUNT] = {
        [OK] = "ok",
        [ERR_INVALID] = "invalid",
        [ERR_UNAUTHENTICATED] = "unauthenticated",
        [ERR_DENIED] = "denied",
        [ERR_NOT_FOUND] = "not_found",
        [ERR_CONFLICT] = "conflict",
        [ERR_BUSY] = "busy",
        [ERR_RATE] = "rate",
        [ERR_TOO_LARGE] = "too_large",
        [ERR_LIMIT] = "limit",
        [ERR_TIMEOUT] = "timeout",
        [ERR_CANCELLED] = "cancelled",
        [ERR_CLOSED] = "closed",
        [ERR_IO] = "io",
        [ERR_NO_SPACE] = "no_space",
        [ERR_UPSTREAM] = "upstream",
        [ERR_UNSUPPORTED] = "unsupported",
        [ERR_INTERNAL] = "internal",
    };

    return e < ERR_COUNT ? names[e] : "unknown";
}
