/* SPDX-License-Identifier: MIT */
/*
 * What the multipart reader needs of its parser: feeding it in steps of at most one event.
 */
#ifndef NET_MULTIPART_INTERNAL_H
#define NET_MULTIPART_INTERNAL_H

#include "net/multipart.h"

/* Takes at least one of `len` > 0 bytes and stops at the beginning and the end of a part. */
MUST_USE err multipart_step(multipart_parser *p, const char *bytes, size_t len, size_t *used, const char **why);

#endif
