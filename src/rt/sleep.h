/* SPDX-License-Identifier: MIT */
/*
 * Waiting for time to pass.
 */
#ifndef RT_SLEEP_H
#define RT_SLEEP_H

#include "rt/scope.h"

/* Parks for `ns` nanoseconds (rounded up to milliseconds).  ERR_TIMEOUT or ERR_CANCELLED when `s` ends first. */
MUST_USE err sleep_for(scope *s, int64_t ns);

#endif
